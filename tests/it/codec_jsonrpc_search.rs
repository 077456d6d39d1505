//! `codec::jsonrpc::search`: what is not found is not there.

use mcp_proxy::codec::jsonrpc::search::{hides_ascii, is_each};
use memchr::memmem::Finder;

#[test]
fn escapes_of_ascii_are_noticed() {
    for text in [r#""\u0041""#, r#""\u005f""#, r#""\u007F""#, r#""\u0020""#, r#"x\u0061"#, r#""\ud83d\ude00\u0022""#] {
        assert!(hides_ascii(text.as_bytes()), "{text}");
    }
    for text in ["", r#""\u00e9\u001b\u0000\u2028\ud83d\u0100""#, r#""\n\"\\""#, "u0041", r"\u00", r#""\U0041""#] {
        assert!(!hides_ascii(text.as_bytes()), "{text}");
    }
}

#[test]
fn every_member_of_that_name_is_judged() {
    let key = Finder::new("\"k\"");
    let is_each_7 = |text: &str| is_each(text.as_bytes(), &key, |value| value.starts_with(b"7"));
    for text in
        ["", "{}", r#"{"k":7}"#, "{\"k\" :\r\n 7}", r#"{"k":7,"a":{"k":7}}"#, r#"{"a":"{\"k\":8}"}"#, r#"{"kk":8}"#]
    {
        assert!(is_each_7(text), "{text}");
    }
    for text in [
        r#"{"k":8}"#,
        r#"{"k":7,"a":{"k":8}}"#,
        r#"{"a":"k"}"#,
        r#"["k"]"#,
        r#"{"k""#,
        r#"{"k":"#,
        r#"{"a\"k":7,"k":8}"#,
    ] {
        assert!(!is_each_7(text), "{text}");
    }
}
