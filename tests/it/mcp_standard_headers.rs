//! `mcp::standard_headers`: what they repeat, and whether they do.

use std::borrow::Cow;

use mcp_proxy::base::text::QUOTED_BYTES_MAX;
use mcp_proxy::codec::header_value::{HeaderValueError, encode};
use mcp_proxy::codec::jsonrpc::spelling::Unclear;
use mcp_proxy::mcp::header_mismatch::{Problem, Sent};
use mcp_proxy::mcp::standard_headers::{check_method, check_name, check_version, name, named_by};

/// What is wrong with `Mcp-Name`.
fn problem(method: &str, params: &str, sent: Sent<'_>) -> Option<Problem> {
    let mismatch = check_name(method, Some(params), sent).err()?;
    assert_eq!(mismatch.header, "Mcp-Name");
    Some(mismatch.problem)
}

fn different(header: &str, body: &str) -> Option<Problem> {
    Some(Problem::Different { header: header.to_owned(), body: body.to_owned() })
}

#[test]
fn six_methods_name_what_they_are_about() {
    for (method, key) in [
        ("tools/call", Some("name")),
        ("prompts/get", Some("name")),
        ("resources/read", Some("uri")),
        ("tasks/get", Some("taskId")),
        ("tasks/update", Some("taskId")),
        ("tasks/cancel", Some("taskId")),
        ("tools/list", None),
        ("prompts/list", None),
        ("server/discover", None),
        ("completion/complete", None),
        ("resources/subscribe", None),
        ("subscriptions/listen", None),
        ("tasks/result", None),
        ("Tools/Call", None),
        ("", None),
    ] {
        assert_eq!(named_by(method), key, "{method}");
        let params = r#"{"name":"n","uri":"u","taskId":"t"}"#;
        let expected = key.map(|key| Cow::Borrowed(&key[..1]));
        assert_eq!(name(method, Some(params)), Ok(expected), "{method}");
        assert_eq!(name(method, None), Ok(None));
    }
}

#[test]
fn the_name_is_a_member_of_the_parameters_and_a_string() {
    for (params, expected) in [
        (r#"{"arguments":{"name":"b"},"name":"a","_meta":{"name":"c"}}"#, Ok(Some("a"))),
        (r#"{"n\u0061me":"\u0061\n"}"#, Ok(Some("a\n"))),
        (r#"{"name":""}"#, Ok(Some(""))),
        (r#"{"Name":"a"}"#, Err(Unclear)),
        (r#"{"name":7}"#, Ok(None)),
        (r#"{"name":null}"#, Ok(None)),
        (r#"{"name":["a"]}"#, Ok(None)),
        (r#"{"title":"a"}"#, Ok(None)),
        ("{}", Ok(None)),
        (r#"{"name":"a","name":"a"}"#, Err(Unclear)),
        (r#"{"name":"a","n\u0061me":"b"}"#, Err(Unclear)),
        (r#"{"name":"a","NAME":"b"}"#, Err(Unclear)),
        (r#"{"name":"\ud800"}"#, Err(Unclear)),
        (r#"{"name":"a","\ud800":1}"#, Err(Unclear)),
        ("[]", Err(Unclear)),
    ] {
        let found = name("tools/call", Some(params));
        assert_eq!(found.as_ref().map(|name| name.as_deref()).map_err(|Unclear| Unclear), expected, "{params}");
    }
}

#[test]
fn the_header_says_the_name() {
    for (header, text) in [
        ("get_weather", "get_weather"),
        ("  get_weather\t", "get_weather"),
        ("=?base64?Z2V0X3dlYXRoZXI=?=", "get_weather"),
        (" =?base64?w6k=?= ", "é"),
        ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "=?base64?literal?="),
        ("=?base64?IGEg?=", " a "),
        ("=?base64??=", ""),
        ("", ""),
    ] {
        let params = format!("{{\"name\":{}}}", serde_json::Value::from(text));
        assert_eq!(problem("tools/call", &params, Sent::Once(header.as_bytes())), None, "{header}");
        assert_eq!(problem("prompts/get", &params, Sent::Once(encode(text).as_bytes())), None, "{header}");
    }
    let read = |uri| problem("resources/read", r#"{"uri":"file:///a b"}"#, Sent::Once(uri));
    assert_eq!(read(b"file:///a b"), None);
    assert_eq!(read(b"file:///a%20b"), different("file:///a%20b", "file:///a b"));
}

#[test]
fn a_header_that_says_something_else_is_a_mismatch() {
    const PARAMS: &str = r#"{"name":"foo"}"#;
    for (sent, expected) in [
        (Sent::Nothing, Some(Problem::Missing)),
        (Sent::Several, Some(Problem::Doubled)),
        (Sent::Once(b"bar"), different("bar", "foo")),
        (Sent::Once(b"Foo"), different("Foo", "foo")),
        (Sent::Once(b""), different("", "foo")),
        (Sent::Once(b"foo, foo"), different("foo, foo", "foo")),
        (Sent::Once(b"=?base64?YmFy?="), different("bar", "foo")),
        (Sent::Once(b"=?base64?Zm9v"), different("=?base64?Zm9v", "foo")),
        (Sent::Once(b"=?base64?Zm9v=?="), Some(Problem::Undecodable(HeaderValueError::Base64))),
        (Sent::Once(b"f\xc3\xb6o"), Some(Problem::Undecodable(HeaderValueError::Character))),
        (Sent::Once(b"=?base64?/w==?="), Some(Problem::Undecodable(HeaderValueError::Text))),
    ] {
        assert_eq!(problem("tools/call", PARAMS, sent), expected, "{sent:?}");
    }
    let doubled = r#"{"name":"foo","name":"bar"}"#;
    assert_eq!(problem("tools/call", doubled, Sent::Once(b"foo")), Some(Problem::Unclear));
    assert_eq!(problem("tools/call", doubled, Sent::Nothing), Some(Problem::Unclear));
}

#[test]
fn where_the_body_names_nothing_the_parameters_are_to_blame() {
    for sent in [Sent::Nothing, Sent::Once(b"x"), Sent::Several] {
        assert_eq!(problem("tools/call", "{}", sent), None);
        assert_eq!(problem("tools/call", r#"{"name":7}"#, sent), None);
        assert_eq!(problem("tools/list", r#"{"name":"y"}"#, sent), None);
        assert_eq!(check_name("tools/call", None, sent), Ok(()));
    }
}

#[test]
fn method_and_version_stand_there_as_they_are() {
    assert_eq!(check_method("tools/call", Sent::Once(b" tools/call\t")), Ok(()));
    assert_eq!(check_version("2026-07-28", Sent::Once(b"2026-07-28")), Ok(()));
    for (sent, expected) in [
        (Sent::Nothing, Some(Problem::Missing)),
        (Sent::Several, Some(Problem::Doubled)),
        (Sent::Once(b"TOOLS/CALL"), different("TOOLS/CALL", "tools/call")),
        (Sent::Once(b"=?base64?dG9vbHMvY2FsbA==?="), different("=?base64?dG9vbHMvY2FsbA==?=", "tools/call")),
        (Sent::Once(b"\xff"), different("\u{fffd}", "tools/call")),
    ] {
        let mismatch = check_method("tools/call", sent).unwrap_err();
        assert_eq!((mismatch.header.as_str(), Some(mismatch.problem)), ("Mcp-Method", expected));
    }
    assert_eq!(check_version("2026-07-28", Sent::Nothing).unwrap_err().header, "MCP-Protocol-Version");
}

#[test]
fn only_the_beginning_of_long_values_is_quoted() {
    let long = "x".repeat(10_000);
    let message = check_method(&long, Sent::Once(&[b'y'; 10_000])).unwrap_err().to_string();
    assert!(message.len() < 3 * QUOTED_BYTES_MAX, "{message}");
}
