//! `mcp::introduction`: what both sides say of themselves in `initialize`.

use mcp_proxy::mcp::introduction::{ClientCapabilities, Greeting, Introduction, asked_level, uri};
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::mcp::version::Version;

#[test]
fn the_result_is_passed_on_but_for_its_version() {
    let results = [
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"n","version":"1.0"}}"#,
        r#"{ "x": 1.0, "instructions": "\u00e9 2025-06-18", "capabilities" : {}, "protocolVersion" : "2025-06-18" }"#,
        r#"{"protocolVersion":"2025-06-18"}"#,
    ];
    for result in results {
        let introduction = Introduction::parse(result).unwrap();
        assert_eq!(introduction.version, Version::V2025_06_18);
        assert_eq!(introduction.for_downstream(Version::V2025_06_18).concat(), result);
        let lowered = introduction.for_downstream(Version::V2025_03_26).concat();
        let (before, after) = result.rsplit_once("\"2025-06-18\"").unwrap();
        assert_eq!(lowered, format!("{before}\"2025-03-26\"{after}"));
    }
}

#[test]
fn capabilities_are_there_if_the_member_is() {
    let cases = [
        ("{}", false, false),
        (r#"{"tools":{}}"#, true, false),
        (r#"{"tools":{"listChanged":true},"logging":{}}"#, true, true),
        (r#"{"logging":{},"experimental":{"tools":{}}}"#, false, true),
        (r#"{"tools":null,"logging":null}"#, false, false),
        (r#"{"t\u006fols":{}}"#, true, false),
    ];
    for (capabilities, tools, logging) in cases {
        let result = format!("{{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{capabilities}}}");
        let found = Introduction::parse(&result).unwrap().capabilities;
        assert_eq!((found.tools, found.logging), (tools, logging), "{capabilities}");
    }
}

#[test]
fn what_is_no_introduction_is_refused_with_the_reason() {
    let cases = [
        ("", ""),
        ("null", ""),
        ("7", ""),
        ("{}", "protocolVersion"),
        (r#"{"protocolVersion":"2026-07-28"}"#, "2026-07-28"),
        (r#"{"protocolVersion":"1.0"}"#, "2025-11-25"),
        (r#"{"protocolVersion":20251125}"#, "20251125"),
        (r#"{"protocolVersion":null}"#, ""),
        (r#"{"protocolVersion":"2025-11-25","protocolVersion":"2025-11-25"}"#, "duplicate"),
        (r#"{"protocolVersion":"2025-11-25","capabilities":7}"#, ""),
    ];
    for (result, words) in cases {
        let reason = Introduction::parse(result).expect_err(result);
        assert!(reason.contains(words), "{words:?} is missing in {reason:?}");
    }
}

#[test]
fn a_greeting_says_which_asks_can_be_answered() {
    let none = ClientCapabilities::default();
    let cases = [
        ("{}", none),
        (r#"{"sampling":{}}"#, ClientCapabilities { sampling: true, ..none }),
        (r#"{"sampling":null,"roots":null,"elicitation":null}"#, none),
        (r#"{"roots":{"listChanged":true}}"#, ClientCapabilities { roots: true, ..none }),
        (r#"{"elicitation":{}}"#, ClientCapabilities { elicitation_form: true, ..none }),
        (r#"{"elicitation":{"form":{}}}"#, ClientCapabilities { elicitation_form: true, ..none }),
        (r#"{"elicitation":{"url":{}}}"#, ClientCapabilities { elicitation_url: true, ..none }),
        (
            r#"{"elicitation":{"url":{},"form":{}},"x":[]}"#,
            ClientCapabilities { elicitation_form: true, elicitation_url: true, ..none },
        ),
        (r#"{"experimental":{"sampling":{}}}"#, none),
    ];
    for (capabilities, expected) in cases {
        let params = format!("{{\"protocolVersion\":\"any\",\"capabilities\":{capabilities},\"clientInfo\":{{}}}}");
        let expected = Greeting { asked: None, capabilities: expected, params: params.as_str().into() };
        assert_eq!(Greeting::parse(Some(&params)), Ok(expected), "{capabilities}");
    }
    let params = r#"{"protocolVersion":"2025\u002d11-25"}"#;
    let least = Greeting { asked: Some(Version::V2025_11_25), capabilities: none, params: params.into() };
    assert_eq!(Greeting::parse(Some(params)), Ok(least));
}

#[test]
fn what_is_no_greeting_is_refused_with_the_reason() {
    let cases = [
        (None, "protocolVersion"),
        (Some("{}"), "protocolVersion"),
        (Some(r#"{"protocolVersion":null}"#), "null"),
        (Some(r#"{"protocolVersion":20251125}"#), "initialize"),
        (Some(r#"{"protocolVersion":"a","capabilities":7}"#), "initialize"),
    ];
    for (params, words) in cases {
        let reason = Greeting::parse(params).expect_err("no greeting");
        assert!(reason.contains(words), "{words:?} is missing in {reason:?}");
    }
}

#[test]
fn levels_and_uris_are_read_where_they_are_what_they_should_be() {
    assert_eq!(asked_level(Some(r#"{"x":1,"level":"warning"}"#)), Some(LogLevel::Warning));
    for params in
        [None, Some("{}"), Some(r#"{"level":"WARNING"}"#), Some(r#"{"level":"loud"}"#), Some(r#"{"level":4}"#)]
    {
        assert_eq!(asked_level(params), None, "{params:?}");
    }
    assert_eq!(uri(Some(r#"{"uri":"a:\/\/b","_meta":{}}"#)).as_deref(), Some("a://b"));
    for params in [None, Some("{}"), Some(r#"{"uri":null}"#), Some(r#"{"uri":["a"]}"#)] {
        assert_eq!(uri(params), None, "{params:?}");
    }
}
