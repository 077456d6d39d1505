//! `mcp::caller`: what a modern upstream is told of a legacy downstream.

use mcp_proxy::limits::CALLER_BYTES_MAX;
use mcp_proxy::mcp::caller::Caller;
use mcp_proxy::mcp::introduction::Greeting;
use mcp_proxy::mcp::log_level::LogLevel;

fn caller(params: &str) -> Caller {
    Caller::of(&Greeting::parse(Some(params)).unwrap())
}

fn capabilities(capabilities: &str) -> String {
    let caller = caller(&format!("{{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{capabilities}}}"));
    caller.keys(None).client_capabilities.to_owned()
}

#[test]
fn capabilities_are_told_but_for_what_modern_clients_do_not_have() {
    for (said, told) in [
        ("{}", "{}"),
        (r#"{"elicitation":{},"x":{"y":1.0}}"#, r#"{"elicitation":{},"x":{"y":1.0}}"#),
        (r#"{"roots":{"listChanged":true}}"#, r#"{"roots":{}}"#),
        (r#"{"roots":{"a":1,"listChanged":false},"tasks":{"list":{}}}"#, r#"{"roots":{"a":1}}"#),
        (r#"{"sampling":null,"extensions":{"a/b":{"c":[]}}}"#, r#"{"extensions":{"a/b":{"c":[]}}}"#),
    ] {
        assert_eq!(capabilities(said), told, "{said}");
    }
}

#[test]
fn what_cannot_be_kept_is_said_in_short() {
    let long = "x".repeat(CALLER_BYTES_MAX);
    for (said, told) in [
        (format!(r#"{{"roots":{{}},"experimental":{{"a":"{long}"}}}}"#), r#"{"roots":{}}"#),
        (
            format!(r#"{{"sampling":{{"tools":{{}}}},"elicitation":{{"url":{{}}}},"e":"{long}"}}"#),
            r#"{"sampling":{"tools":{}},"elicitation":{"url":{}}}"#,
        ),
        (
            format!(r#"{{"sampling":{{}},"elicitation":{{"url":{{}},"form":{{}}}},"e":"{long}"}}"#),
            r#"{"sampling":{},"elicitation":{"form":{},"url":{}}}"#,
        ),
        (format!(r#"{{"elicitation":{{}},"e":"{long}"}}"#), r#"{"elicitation":{"form":{}}}"#),
    ] {
        assert_eq!(capabilities(&said), told);
    }
}

#[test]
fn the_name_is_told_if_it_is_one() {
    for (said, told) in [
        (r#"{"name":"n","version":"1","x":1.0}"#, Some(r#"{"name":"n","version":"1","x":1.0}"#)),
        ("null", None),
        ("\"n\"", None),
        (&format!("{{\"name\":\"{}\"}}", "x".repeat(CALLER_BYTES_MAX)), None),
    ] {
        let caller = caller(&format!("{{\"protocolVersion\":\"2025-11-25\",\"clientInfo\":{said}}}"));
        assert_eq!(caller.keys(None).client_info, told);
        assert_eq!(caller.keys(None).client_capabilities, "{}");
    }
}

#[test]
fn the_revision_and_the_level_are_told() {
    let caller = caller(r#"{"protocolVersion":"2024-11-05"}"#);
    let keys = caller.keys(Some(LogLevel::Notice));
    assert_eq!((keys.protocol_version, keys.log_level), ("2026-07-28", Some(LogLevel::Notice)));
    assert_eq!(Caller::default().keys(None).client_capabilities, "{}");
}
