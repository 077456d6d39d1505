//! `mcp::introduction`: what both sides say of themselves, in either era.

use mcp_proxy::codec::jsonrpc::spelling::Unclear;
use mcp_proxy::limits;
use mcp_proxy::mcp::era::Era;
use mcp_proxy::mcp::introduction::{
    ClientCapabilities, Greeting, Introduction, NotModern, asked_level, asked_uri, uri,
};
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::mcp::version::Version;
use serde_json::{Value, json};

fn legacy(result: &str) -> Introduction {
    Introduction::from_initialize(result, "up").unwrap()
}

fn modern(result: &str) -> Introduction {
    Introduction::from_discover(result, "up").unwrap()
}

fn initialize_result(introduction: &Introduction, version: Version) -> Value {
    serde_json::from_str(&introduction.for_downstream(version).concat()).unwrap()
}

fn discover_result(introduction: &Introduction) -> Value {
    serde_json::from_str(introduction.discover_result()).unwrap()
}

#[test]
fn within_the_legacy_era_the_result_is_passed_on_but_for_its_version() {
    let results = [
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"n","version":"1.0"}}"#,
        r#"{ "x": 1.0, "instructions": "\u00e9 2025-06-18", "capabilities" : {}, "protocolVersion" : "2025-06-18" }"#,
        r#"{"protocolVersion":"2025-06-18"}"#,
    ];
    for result in results {
        let introduction = legacy(result);
        assert_eq!(introduction.era(), Era::Legacy(Version::V2025_06_18));
        assert_eq!(introduction.for_downstream(Version::V2025_06_18).concat(), result);
        let lowered = introduction.for_downstream(Version::V2025_03_26).concat();
        let (before, after) = result.rsplit_once("\"2025-06-18\"").unwrap();
        assert_eq!(lowered, format!("{before}\"2025-03-26\"{after}"));
    }
}

#[test]
fn within_the_modern_era_the_result_is_passed_on_but_for_versions_that_are_not_ours() {
    let result = r#"{ "resultType":"complete", "supportedVersions" : ["2099-01-01","2026-07-28", "2025-11-25"],"x":1.0,
        "capabilities":{"tasks":{},"tools":null},"ttlMs":5,"cacheScope":"public","_meta":{"a":1}}"#;
    let passed_on = result.replace(r#"["2099-01-01","2026-07-28", "2025-11-25"]"#, r#"["2026-07-28"]"#);
    let introduction = modern(result);
    assert_eq!(introduction.era(), Era::Modern);
    assert_eq!(introduction.discover_result(), passed_on);
}

#[test]
fn a_legacy_downstream_is_told_of_a_modern_upstream_in_its_own_words() {
    let introduction = modern(concat!(
        r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"#,
        r#""capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"completions":{},"#,
        r#""extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{}}},"instructions":"Do \u0041.","#,
        r#""ttlMs":9,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"n","version":"1"}}}"#
    ));
    let expected = |version: &str| {
        json!({
            "protocolVersion": version,
            "capabilities": {
                "tools": {"listChanged": true}, "resources": {"subscribe": true}, "completions": {},
                "extensions": {"a/b": {}},
            },
            "serverInfo": {"name": "n", "version": "1"},
            "instructions": "Do A.",
        })
    };
    assert_eq!(initialize_result(&introduction, introduction.era().counts_as()), expected("2025-11-25"));
    assert_eq!(initialize_result(&introduction, Version::V2024_11_05), expected("2024-11-05"));
    assert!(introduction.capabilities.subscribe);
}

#[test]
fn a_modern_downstream_is_told_of_a_legacy_upstream_in_its_own_words() {
    let introduction = legacy(concat!(
        r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{}},"logging":{}},"#,
        r#""serverInfo":{"name":"n","version":"1","title":"N"},"instructions":"Do."}"#
    ));
    let info = json!({"name": "n", "version": "1", "title": "N"});
    let expected = json!({
        "resultType": "complete",
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}, "logging": {}},
        "instructions": "Do.",
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": info},
    });
    assert_eq!(discover_result(&introduction), expected);
    assert_eq!(serde_json::from_str::<Value>(introduction.server_info()).unwrap(), info);
}

#[test]
fn the_oldest_revision_had_completions_and_no_word_for_them() {
    for (version, has) in [("2024-11-05", true), ("2025-03-26", false)] {
        let introduction = legacy(&format!("{{\"protocolVersion\":\"{version}\",\"capabilities\":{{}}}}"));
        assert_eq!(introduction.capabilities.completions, has);
        assert_eq!(discover_result(&introduction)["capabilities"].get("completions").is_some(), has);
    }
}

#[test]
fn who_says_no_name_is_called_what_the_configuration_says() {
    let cases = [
        (r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m","version":"2"}},"#, "m"),
        (r#""serverInfo":{"name":"beside","version":"2"},"#, "beside"),
        (
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"m"}},"serverInfo":{"name":"b","version":"2"},"#,
            "b",
        ),
        (r#""_meta":{"io.modelcontextprotocol/serverInfo":null},"serverInfo":null,"#, "up"),
        (r#""_meta":7,"serverInfo":"x","#, "up"),
        ("", "up"),
    ];
    for (members, name) in cases {
        let introduction = modern(&format!("{{{members}\"supportedVersions\":[\"2026-07-28\"]}}"));
        let told = initialize_result(&introduction, Version::LATEST);
        assert_eq!(told["serverInfo"]["name"], name, "{members}");
        assert!(told["serverInfo"]["version"].is_string() && told.get("instructions").is_none());
    }
    assert_eq!(legacy(r#"{"protocolVersion":"2025-11-25"}"#).server_info(), r#"{"name":"up","version":"0"}"#);
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
        (r#"{"protocolVersion":"2025-11-25","capabilities":7}"#, "capabilities"),
    ];
    for (result, words) in cases {
        let reason = Introduction::from_initialize(result, "up").expect_err(result);
        assert!(reason.contains(words), "{words:?} is missing in {reason:?}");
    }
}

#[test]
fn who_names_no_modern_revision_is_legacy() {
    for result in [
        "",
        "null",
        "{}",
        r#"{"supportedVersions":null}"#,
        r#"{"supportedVersions":"2026-07-28"}"#,
        r#"{"supportedVersions":[]}"#,
        r#"{"supportedVersions":[7]}"#,
        r#"{"supportedVersions":["2025-11-25"]}"#,
        r#"{"supportedVersions":["2099-01-01","2025-06-18"]}"#,
        r#"{"supportedVersions":["2026-07-28"],"supportedVersions":["2026-07-28"]}"#,
    ] {
        assert_eq!(Introduction::from_discover(result, "up").expect_err(result), NotModern::Legacy, "{result}");
    }
}

#[test]
fn who_speaks_only_what_nobody_knows_is_of_no_use() {
    let cases = [
        (r#"{"supportedVersions":["2099-01-01","2098-01-01"]}"#, "2099-01-01, 2098-01-01"),
        (r#"{"supportedVersions":["2026-07-28"],"capabilities":7}"#, "capabilities"),
    ];
    for (result, words) in cases {
        match Introduction::from_discover(result, "up").expect_err(result) {
            NotModern::Unusable(reason) => assert!(reason.contains(words), "{reason}"),
            NotModern::Legacy => panic!("{result}"),
        }
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
fn a_greeting_that_is_too_long_is_refused() {
    let params = format!(r#"{{"protocolVersion":"2025-11-25","x":"{}"}}"#, "x".repeat(limits::GREETING_BYTES_MAX));
    assert!(Greeting::parse(Some(&params)).is_err_and(|reason| reason.contains("262144")));
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
    assert_eq!(asked_level(Some(r#"{"x":1,"level":"warning"}"#)), Ok(Some(LogLevel::Warning)));
    for params in
        [None, Some("{}"), Some(r#"{"level":"WARNING"}"#), Some(r#"{"level":"loud"}"#), Some(r#"{"level":4}"#)]
    {
        assert_eq!(asked_level(params), Ok(None), "{params:?}");
    }
    assert_eq!(uri(Some(r#"{"uri":"a:\/\/b","_meta":{}}"#)).as_deref(), Some("a://b"));
    for params in [None, Some("{}"), Some(r#"{"uri":null}"#), Some(r#"{"uri":["a"]}"#)] {
        assert_eq!(uri(params), None, "{params:?}");
        assert_eq!(asked_uri(params), Ok(None), "{params:?}");
    }
}

#[test]
fn what_some_reader_could_read_otherwise_is_unclear() {
    for params in [r#"{"level":"info","level":"info"}"#, r#"{"Level":"info"}"#, r#"{"level":"info","LEVEL":"debug"}"#] {
        assert_eq!(asked_level(Some(params)), Err(Unclear), "{params}");
    }
    for params in [r#"{"uri":"a","uri":"b"}"#, r#"{"uri":"a","\u0055RI":"b"}"#, r#"{"Uri":"a"}"#] {
        assert_eq!(asked_uri(Some(params)), Err(Unclear), "{params}");
        assert_eq!(uri(Some(params)), None, "{params}");
    }
}
