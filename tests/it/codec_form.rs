//! `codec::form`: names and values, as forms and queries carry them.

use mcp_proxy::codec::form::{Form, FormError, decode, encode, write};
use mcp_proxy::limits::FORM_PAIRS_MAX;

fn pairs(text: &str) -> Vec<(String, String)> {
    Form::parse(text.as_bytes()).unwrap().pairs().map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

#[test]
fn pairs_are_taken_apart() {
    for (text, expected) in [
        ("", &[][..]),
        ("&&", &[]),
        ("a=b", &[("a", "b")]),
        ("a", &[("a", "")]),
        ("=b", &[("", "b")]),
        ("a=b=c&d=", &[("a", "b=c"), ("d", "")]),
        ("a+b=c+d&e%20f=g%2Bh", &[("a b", "c d"), ("e f", "g+h")]),
        ("%C3%A9=%e2%82%ac", &[("é", "€")]),
        ("a=1&a=2", &[("a", "1"), ("a", "2")]),
        ("a%3Db=c%26d", &[("a=b", "c&d")]),
        ("a;b=c", &[("a;b", "c")]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(pairs(text), expected, "{text}");
    }
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    for text in ["a=%", "a=%4", "a=%zz", "%=b", "a=%+1", "a=%-1", "a=%é"] {
        assert_eq!(Form::parse(text.as_bytes()), Err(FormError::Percent), "{text}");
    }
    for bytes in [&b"a=\xff"[..], b"a=%ff", b"%c3=b", b"a=%ed%a0%80"] {
        assert_eq!(Form::parse(bytes), Err(FormError::Text), "{bytes:?}");
    }
}

#[test]
fn there_are_not_too_many() {
    let text = vec!["a=b"; FORM_PAIRS_MAX].join("&");
    assert_eq!(pairs(&text).len(), FORM_PAIRS_MAX);
    assert_eq!(Form::parse(format!("{text}&c").as_bytes()), Err(FormError::TooMany));
    assert!(FormError::TooMany.to_string().contains("64"));
}

#[test]
fn values_are_found_by_name_and_duplicates_are_reported() {
    let form = Form::parse(b"a=1&b=&c=2&c=3").unwrap();
    assert_eq!((form.value("a"), form.value("b"), form.value("d")), (Some("1"), None, None));
    assert_eq!((form.repeated(), form.is_repeated("c"), form.is_repeated("a")), (Some("c"), true, false));
    assert_eq!(Form::parse(b"a=1&b=1").unwrap().repeated(), None);
    assert_eq!(Form::parse(b"a=1&%61=1").unwrap().repeated(), Some("a"), "spelling hides nothing");
}

#[test]
fn what_is_written_is_read_back() {
    let text = "aZ09-._~ +&=%/?#\"'<>\\\u{e9}\u{1f600}\n\0";
    let mut encoded = String::new();
    encode(text, &mut encoded);
    assert!(encoded.starts_with("aZ09-._~%20%2B%26%3D%25%2F%3F%23%22%27%3C%3E%5C%C3%A9"), "{encoded}");
    assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
    assert_eq!(decode(&encoded).unwrap(), text);
    assert_eq!(write([("a b", "c"), ("d", "")]), "a%20b=c&d=");
    assert_eq!(write([]), "");
}
