//! `mcp::legacy_ask`: modern questions, in older words.

use mcp_proxy::mcp::ask::AskKind;
use mcp_proxy::mcp::legacy_ask::params;
use mcp_proxy::mcp::version::Version;

#[test]
fn the_newest_of_the_older_revisions_asks_in_the_same_words() {
    let text = r#"{"mode":"form","requestedSchema":{"$schema":"x"},"messages":[{"content":[1,2]}]}"#;
    for kind in [AskKind::ElicitationForm, AskKind::Sampling, AskKind::SamplingTools, AskKind::Roots] {
        assert_eq!(params(kind, text, Version::V2025_11_25, ""), text, "{kind:?}");
    }
    for version in Version::ALL {
        assert_eq!(params(AskKind::Roots, text, version, ""), text);
    }
}

#[test]
fn a_visit_has_a_name() {
    let asked = params(AskKind::ElicitationUrl, r#"{"url":"u","elicitationId":"theirs"}"#, Version::LATEST, "o\"urs");
    assert_eq!(asked, r#"{"url":"u","elicitationId":"o\"urs"}"#);
}

#[test]
fn forms_had_neither_modes_nor_dialects() {
    for (text, expected) in [
        (r#"{"mode":"form","message":"m"}"#, r#"{"message":"m"}"#),
        (
            r#"{"requestedSchema":{"$schema":"x","properties":{"$schema":{}}}}"#,
            r#"{"requestedSchema":{"properties":{"$schema":{}}}}"#,
        ),
        (r#"{"requestedSchema":7,"mode":"x"}"#, r#"{"requestedSchema":7}"#),
        ("[]", "[]"),
    ] {
        assert_eq!(params(AskKind::ElicitationForm, text, Version::V2025_06_18, ""), expected);
    }
}

#[test]
fn a_message_had_one_content() {
    for (text, expected) in [
        (r#"{"messages":[{"role":"user","content":{"type":"text"}}]}"#, None),
        (
            r#"{"messages":[{"role":"user","content":[{"a":1},{"b":2.0}]},{"role":"x","content":{}}],"maxTokens":1}"#,
            Some(concat!(
                r#"{"messages":[{"role":"user","content":{"a":1}},{"role":"user","content":{"b":2.0}},"#,
                r#"{"role":"x","content":{}}],"maxTokens":1}"#
            )),
        ),
        (r#"{"messages":[{"role":"user","content":[]}]}"#, Some(r#"{"messages":[]}"#)),
        (r#"{"messages":[{"role":"user"}]}"#, None),
        (r#"{"messages":7}"#, None),
        ("{}", None),
    ] {
        assert_eq!(params(AskKind::Sampling, text, Version::V2025_03_26, ""), expected.unwrap_or(text));
    }
    // Each block would repeat all of the message.
    let blocks = vec!["1"; 1_000].join(",");
    let long = format!(r#"{{"messages":[{{"x":"{}","content":[{blocks}]}}]}}"#, "y".repeat(100_000));
    assert_eq!(params(AskKind::Sampling, &long, Version::V2025_03_26, ""), long);
}
