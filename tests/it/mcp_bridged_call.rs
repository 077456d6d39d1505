//! `mcp::bridged_call`: a legacy call, to be made again with what its modern upstream wanted to know.

use mcp_proxy::mcp::ask::AskKind;
use mcp_proxy::mcp::bridged_call::{BridgedCall, Question, asked_url, progress};
use serde_json::{Value, json};

fn question(kind: AskKind, answer: &str) -> Question {
    Question { kind, url: None, elicitation_id: None, answer: Some(answer.into()) }
}

fn next(request: &str, questions: &[(&str, &str)], state: Option<&str>) -> Option<Value> {
    let mut call = BridgedCall::default();
    call.request = Some(request.as_bytes().into());
    call.round.state = state.map(Into::into);
    for (key, answer) in questions {
        call.round.questions.insert((*key).into(), question(AskKind::Roots, answer));
    }
    assert!(call.round.are_answered());
    call.next_request().map(|request| serde_json::from_str(&request).unwrap())
}

#[test]
fn the_request_gets_what_was_wanted_and_keeps_the_rest() {
    let request = r#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"t","arguments":{"a":1.0}}}"#;
    let expected = |added: Value| {
        let mut params = json!({"name": "t", "arguments": {"a": 1.0}});
        params.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
        Some(json!({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": params}))
    };
    assert_eq!(
        next(request, &[("k\"", r#"{"roots":[]}"#), ("l", "{}")], Some(r#""s""#)),
        expected(json!({"inputResponses": {"k\"": {"roots": []}, "l": {}}, "requestState": "s"}))
    );
    assert_eq!(next(request, &[], Some(r#""s""#)), expected(json!({"requestState": "s"})));
    assert_eq!(next(request, &[("k", "{}")], None), expected(json!({"inputResponses": {"k": {}}})));
}

#[test]
fn what_the_downstream_itself_sent_under_these_names_goes() {
    let own = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"requestState":"own","inputResponses":{}}}"#;
    assert_eq!(next(own, &[], None).unwrap()["params"], json!({}));
    let bare = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get"}"#;
    assert_eq!(next(bare, &[], Some("\"s\"")).unwrap()["params"], json!({"requestState": "s"}));
}

#[test]
fn what_can_be_read_in_two_ways_is_not_made_again() {
    let doubled = r#"{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a","name":"b"}}"#;
    assert_eq!(next(doubled, &[], None), None);
    assert_eq!(BridgedCall::default().next_request(), None);
}

#[test]
fn a_round_is_over_when_nothing_is_missing() {
    let mut call = BridgedCall::default();
    call.round.questions.insert("a".into(), question(AskKind::Roots, "{}"));
    let unanswered = Question { answer: None, ..question(AskKind::Roots, "") };
    call.round.questions.insert("b".into(), unanswered);
    assert!(!call.round.are_answered());
}

#[test]
fn a_visit_is_one_that_was_agreed_to() {
    let visit = |url: Option<&str>, answer: &str| {
        let url = url.map(Into::into);
        Question { url, ..question(AskKind::ElicitationUrl, answer) }.is_visit()
    };
    assert!(visit(Some("u"), r#"{"action":"accept"}"#));
    assert!(!visit(Some("u"), r#"{"action":"decline"}"#) && !visit(Some("u"), "{}") && !visit(Some("u"), "7"));
    assert!(!visit(None, r#"{"action":"accept"}"#));
    assert_eq!(asked_url(Some(r#"{"url":"a:\/\/b"}"#)).as_deref(), Some("a://b"));
    assert_eq!((asked_url(Some("{}")), asked_url(Some(r#"{"url":7}"#)), asked_url(None)), (None, None, None));
}

#[test]
fn progress_goes_up() {
    let mut call = BridgedCall::default();
    assert!(call.is_progress(0.0) && call.is_progress(0.5) && !call.is_progress(0.5) && !call.is_progress(0.1));
    assert_eq!(progress(br#"{"params":{"progress":1.5,"progressToken":7}}"#), Some(1.5));
    assert_eq!(progress(br#"{"params":{"progress":3}}"#), Some(3.0));
    assert_eq!((progress(b"{}"), progress(br#"{"params":{"progress":"3"}}"#)), (None, None));
}
