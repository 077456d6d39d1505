//! `codec::jsonrpc::elements`: arrays, of which nothing is kept.

use mcp_proxy::codec::jsonrpc::elements::{NotAnArray, elements};

fn all(text: &str) -> Result<Vec<&str>, NotAnArray> {
    elements(text).collect()
}

#[test]
fn elements_come_as_they_stand_there() {
    let deep = "[".repeat(500) + &"]".repeat(500);
    for (text, expected) in [
        ("[]", vec![]),
        (" \t[ \n] ", vec![]),
        ("[1]", vec!["1"]),
        (
            r#"[ 1.0 ,"a\"]", {"a":[1]},null,-0.5e3 , true ]"#,
            vec!["1.0", r#""a\"]""#, r#"{"a":[1]}"#, "null", "-0.5e3", "true"],
        ),
        (&format!("[{deep},1]"), vec![&*deep, "1"]),
    ] {
        assert_eq!(all(text), Ok(expected), "{text:.100}");
    }
}

#[test]
fn what_is_no_array_ends_with_an_error() {
    for text in
        ["", "{}", "1", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1] x", "[nul]", "[\"a]", "[{\"a\":1]"]
    {
        assert_eq!(all(text), Err(NotAnArray), "{text}");
        let mut left = elements(text).skip_while(Result::is_ok);
        assert_eq!((left.next(), left.next()), (Some(Err(NotAnArray)), None), "{text}: an error is the last");
    }
}
