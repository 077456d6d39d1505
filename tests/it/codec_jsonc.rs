//! JSON with comments.

use mcp_proxy::codec::jsonc::{JsoncError, blank};

fn blanked(text: &str) -> Result<String, JsoncError> {
    let mut bytes = text.as_bytes().to_vec();
    blank(&mut bytes)?;
    Ok(String::from_utf8(bytes).expect("whole characters are blanked"))
}

#[test]
fn comments_and_trailing_commas_become_spaces() {
    for (typed, plain) in [
        ("{}", "{}"),
        ("1 // one", "1       "),
        ("1 // one\r\n2", "1       \r\n2"),
        ("//", "  "),
        ("/**/1", "    1"),
        ("/* a\n * b\r\n */1", "    \n    \r\n   1"),
        ("/***/1", "     1"),
        ("/* // */1", "        1"),
        ("// /*\n1", "     \n1"),
        ("[1,2,]", "[1,2 ]"),
        ("[1,/* x */\n// y\n]", "[1        \n    \n]"),
        ("{\"a\":[1,],}", "{\"a\":[1 ] }"),
        ("[\"a\",]", "[\"a\" ]"),
        ("\u{feff}{}", "   {}"),
        ("/*\u{e9}*/1", "      1"),
    ] {
        assert_eq!(blanked(typed), Ok(plain.to_owned()), "{typed}");
    }
}

#[test]
fn strings_stay_as_they_are() {
    for text in [
        r#""// no comment""#,
        r#""/* nor this */""#,
        r#"["a,]", ",}"]"#,
        r#""\"// still inside""#,
        r#"["\\", "//"]"#,
        "\"\u{e9}\u{1f600}\"",
    ] {
        assert_eq!(blanked(text), Ok(text.to_owned()));
    }
}

#[test]
fn what_is_no_json_stays_for_the_parser_to_refuse() {
    for text in ["[,]", "[1,,]", "{,}", "[1,2", "/", "1 / 2", "#", "{\"a\":,}", ",", "]"] {
        let plain = blanked(text).expect("nothing unterminated");
        assert!(serde_json::from_str::<serde_json::Value>(&plain).is_err(), "{text} became {plain}");
    }
}

#[test]
fn what_is_open_says_where_it_was_opened() {
    let string = |offset| Err(JsoncError::UnterminatedString { offset });
    let comment = |offset| Err(JsoncError::UnterminatedComment { offset });
    assert_eq!(blanked("[\"a"), string(1));
    assert_eq!(blanked("[\"a\n\"b\"]"), string(1));
    assert_eq!(blanked("[\"a\\"), string(1));
    assert_eq!(blanked("[\"a\\\n\"]"), string(1));
    assert_eq!(blanked("\"a\\\""), string(0));
    assert_eq!(blanked(" /* a"), comment(1));
    assert_eq!(blanked(" /*/"), comment(1));
}

#[test]
fn every_byte_keeps_its_place() {
    let text = "\u{feff}{ // x\r\n\t\"a\": [1, /* y\n\u{e9} */ ],\n}\n";
    let plain = blanked(text).expect("nothing unterminated");
    assert_eq!(plain.len(), text.len());
    for (typed, plain) in text.bytes().zip(plain.bytes()) {
        assert!(plain == typed || plain == b' ');
        assert!(plain == typed || !matches!(typed, b'\n' | b'\r'));
    }
    assert_eq!(blanked(&plain), Ok(plain.clone()), "nothing is left to blank");
}

#[test]
fn no_bytes_upset_it() {
    let alphabet: [&[u8]; 10] = [b"/", b"*", b"\"", b"\\", b"\n", b",", b"]", b"1", b"\xef\xbb\xbf", b"\xff"];
    let mut texts: Vec<Vec<u8>> = vec![Vec::new()];
    for _ in 0..4 {
        texts = texts.iter().flat_map(|text| alphabet.map(|piece| [text, piece].concat())).collect();
        for text in &texts {
            let mut plain = text.clone();
            match blank(&mut plain) {
                Ok(()) => assert_eq!(plain.len(), text.len()),
                Err(error) => assert!(error.offset() < text.len()),
            }
        }
    }
}
