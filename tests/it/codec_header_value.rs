//! `codec::header_value`: texts in headers, there and back.

use std::borrow::Cow;

use mcp_proxy::codec::header_value::HeaderValueError::{self, Base64, Character, Text};
use mcp_proxy::codec::header_value::{decode, encode};

use crate::support::fuzzed;
use crate::support::rng::Rng;

/// Texts that stand for themselves.
const PLAIN: [&str; 16] = [
    "us-west1",
    "get_weather",
    "file:///projects/myapp/config.json",
    "two words",
    "a  b",
    "~!@#$%^&*()_+`-={}|[]\\:\";'<>?,./",
    "42",
    "-7",
    "true",
    "null",
    "SGVsbG8=",
    "=?base64?SGVsbG8=",
    "SGVsbG8=?=",
    "=?BASE64?SGVsbG8=?=",
    "=?Base64?SGVsbG8=?=",
    "x=?base64?SGVsbG8=?=",
];

/// Texts and the values that stand for them. The first five are the examples of the specification.
const ENCODED: [(&str, &str); 20] = [
    ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
    (" padded ", "=?base64?IHBhZGRlZCA=?="),
    ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
    ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
    ("=?base64?SGVsbG8=?=", "=?base64?PT9iYXNlNjQ/U0dWc2JHOD0/PQ==?="),
    ("=?base64??=", "=?base64?PT9iYXNlNjQ/Pz0=?="),
    ("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="),
    ("", "=?base64??="),
    (" ", "=?base64?IA==?="),
    (" leading", "=?base64?IGxlYWRpbmc=?="),
    ("trailing ", "=?base64?dHJhaWxpbmcg?="),
    ("\tx", "=?base64?CXg=?="),
    ("a\tb", "=?base64?YQli?="),
    ("\r\nX-Injected: 1", "=?base64?DQpYLUluamVjdGVkOiAx?="),
    ("\0", "=?base64?AA==?="),
    ("\u{7f}", "=?base64?fw==?="),
    ("é", "=?base64?w6k=?="),
    ("\u{a0}x", "=?base64?wqB4?="),
    ("\u{feff}", "=?base64?77u/?="),
    ("\u{1f600}", "=?base64?8J+YgA==?="),
];

/// What came as a value, and why it stands for nothing.
const REFUSED: [(&[u8], HeaderValueError); 26] = [
    (b"\xc3\xa9", Character),
    (b"\xff", Character),
    (b"a\0b", Character),
    (b"a\nb", Character),
    (b"a\rb", Character),
    (b"a\x7f", Character),
    (b"\x0bx", Character),
    (b"=?base64?w6k=\xc3\xa9?=", Character),
    (b"=?base64?=", Base64),
    (b"=?base64?SGVsbG8?=", Base64),     // not padded
    (b"=?base64?SGVsbG8==?=", Base64),   // padded too much
    (b"=?base64?SGVsbG8===?=", Base64),  //
    (b"=?base64?SGVs!!!bG8=?=", Base64), // not of the alphabet
    (b"=?base64?SGVs bG8=?=", Base64),
    (b"=?base64? SGVsbG8=?=", Base64),
    (b"=?base64?SGVsbG8= ?=", Base64),
    (b"=?base64?SGVs\tbG8=?=", Base64),
    (b"=?base64?8J-YgA==?=", Base64), // the alphabet for URLs
    (b"=?base64?SGVsbG9=?=", Base64), // bits are left over
    (b"=?base64?=SGVsbG8?=", Base64),
    (b"=?base64?SGVs=bG8?=", Base64),
    (b"=?base64?A?=", Base64),
    (b"=?base64?literal?=", Base64),
    (b"=?base64??base64??=", Base64),
    (b"=?base64?/w==?=", Text),
    (b"=?base64?7aCA?=", Text), // half of a surrogate pair
];

fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn a_plain_text_stands_for_itself() {
    for text in PLAIN {
        assert!(matches!(encode(text), Cow::Borrowed(_)), "{text}");
        assert_eq!(encode(text), text);
        assert!(matches!(decode(text.as_bytes()), Ok(Cow::Borrowed(found)) if found == text), "{text}");
    }
}

#[test]
fn every_other_text_is_encoded() {
    for (text, value) in ENCODED {
        assert_eq!(encode(text), value, "{text:?}");
        assert_eq!(decode(value.as_bytes()).as_deref(), Ok(text));
    }
}

#[test]
fn a_peer_may_encode_what_needs_no_encoding() {
    for (value, text) in [("=?base64?SGVsbG8=?=", "Hello"), ("=?base64?dXMtd2VzdDE=?=", "us-west1")] {
        assert_eq!(decode(value.as_bytes()).as_deref(), Ok(text));
    }
}

#[test]
fn white_space_around_a_value_is_no_part_of_it() {
    for (value, text) in
        [(" a ", "a"), ("\t a b\t", "a b"), ("a\tb", "a\tb"), (" =?base64?IGEg?=\t", " a "), ("", ""), (" \t ", "")]
    {
        assert_eq!(decode(value.as_bytes()).as_deref(), Ok(text), "{value:?}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (value, reason) in REFUSED {
        assert_eq!(decode(value), Err(reason), "{}", utf8(value));
    }
}

#[test]
fn every_single_character_comes_back() {
    for character in '\0'..='\u{2fff}' {
        for text in [character.to_string(), format!("a{character}b"), format!("{character}a"), format!("a{character}")]
        {
            assert_eq!(decode(encode(&text).as_bytes()).as_deref(), Ok(&*text), "{text:?}");
        }
    }
}

#[test]
fn random_texts_come_back_and_random_values_have_one_meaning() {
    const PIECES: [&[u8]; 16] = [
        b"=?base64?",
        b"?=",
        b"=",
        b"?",
        b"=?",
        b"base64",
        b" ",
        b"\t",
        b"a",
        b"SGVs",
        b"bG8=",
        b"AA==",
        b"\xc3\xa9",
        b"\n",
        b"\xff",
        b"",
    ];
    let mut rng = Rng::new(11);
    let mut marked = 0;
    for _ in 0..50_000 {
        let mut value: Vec<u8> = (0..rng.below(6)).flat_map(|_| *rng.pick(&PIECES)).copied().collect();
        if rng.one_in(2) {
            value = [&b"=?base64?"[..], &value, b"?="].concat();
        }
        fuzzed::header_value(&value);
        marked += usize::from(decode(&value).is_ok_and(|text| matches!(text, Cow::Owned(_))));
    }
    assert!(marked > 1_000, "only {marked} were encoded: this test shows nothing");
}

#[test]
fn the_reasons_are_the_end_of_a_sentence() {
    for reason in [Character, Base64, Text] {
        assert!(reason.to_string().starts_with("it "), "{reason}");
    }
}
