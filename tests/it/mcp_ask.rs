//! `mcp::ask`: what an upstream asks for, and who can answer it.

use mcp_proxy::mcp::ask::AskKind;
use mcp_proxy::mcp::introduction::ClientCapabilities;

#[test]
fn asks_are_told_from_other_requests() {
    let cases = [
        ("sampling/createMessage", None, AskKind::Sampling),
        ("sampling/createMessage", Some(r#"{"tools":[]}"#), AskKind::SamplingTools),
        ("sampling/createMessage", Some(r#"{"toolChoice":{}}"#), AskKind::SamplingTools),
        ("sampling/createMessage", Some(r#"{"messages":[{"tools":1}]}"#), AskKind::Sampling),
        ("roots/list", None, AskKind::Roots),
        ("roots/list", Some("{}"), AskKind::Roots),
        ("elicitation/create", None, AskKind::ElicitationForm),
        ("elicitation/create", Some("{}"), AskKind::ElicitationForm),
        ("elicitation/create", Some(r#"{"mode":"form","message":"m"}"#), AskKind::ElicitationForm),
        ("elicitation/create", Some(r#"{"mode":"url","url":"https://a"}"#), AskKind::ElicitationUrl),
        ("elicitation/create", Some(r#"{"m\u006fde":"\u0075rl"}"#), AskKind::ElicitationUrl),
        ("elicitation/create", Some(r#"{"mode":null}"#), AskKind::ElicitationForm),
        ("elicitation/create", Some(r#"{"mode":7}"#), AskKind::ElicitationForm),
        ("elicitation/create", Some(r#"{"a":{"mode":"url"}}"#), AskKind::ElicitationForm),
        ("tools/call", None, AskKind::Unknown),
        ("tasks/get", None, AskKind::Tasks),
        ("Roots/List", None, AskKind::Unknown),
        ("", None, AskKind::Unknown),
    ];
    for (method, params, expected) in cases {
        assert_eq!(AskKind::of(method, params), expected, "{method} {params:?}");
    }
}

#[test]
fn each_kind_needs_its_own_capability() {
    let none = ClientCapabilities::default();
    let kinds = [
        (AskKind::Sampling, ClientCapabilities { sampling: true, ..none }),
        (AskKind::ElicitationForm, ClientCapabilities { elicitation_form: true, ..none }),
        (AskKind::ElicitationUrl, ClientCapabilities { elicitation_url: true, ..none }),
        (AskKind::Roots, ClientCapabilities { roots: true, ..none }),
    ];
    for (kind, _) in kinds {
        assert!(!kind.is_covered_by(none));
        for (other, capabilities) in kinds {
            assert_eq!(kind.is_covered_by(capabilities), kind == other, "{kind:?} by {capabilities:?}");
        }
    }
}
