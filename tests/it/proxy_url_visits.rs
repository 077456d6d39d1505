//! A legacy upstream wants URLs to be visited first; its caller is modern.

use mcp_proxy::limits;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};

const REQUIRED: &str = concat!(
    r#"{"id":#1,"error":{"code":-32042,"message":"visit","data":{"elicitations":["#,
    r#"{"mode":"url","elicitationId":"e1","url":"https://x","message":"?"}]}}}"#
);
const VISITED: &str = r#"{"method":"notifications/elicitation/complete","params":{"elicitationId":"e1"}}"#;
const ACCEPT: &str = r#"{"0":{"action":"accept"}}"#;

/// A call that was answered with a URL, and its state.
fn asked() -> (Playbook, String) {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).http());
    play.forget();
    play.says("demo", REQUIRED);
    let answer = play.answer("a").json();
    let result = &answer["result"];
    let params = json!({"mode": "url", "url": "https://x", "message": "?"});
    assert_eq!(result["inputRequests"], json!({"0": {"method": "elicitation/create", "params": params}}));
    let census = play.proxy.census();
    assert_eq!((result["resultType"].as_str(), census.calls, census.sessions), (Some("input_required"), 0, 0));
    play.forget();
    (play, result["requestState"].as_str().expect("a state").to_owned())
}

#[test]
fn the_call_is_made_when_the_upstream_says_so() {
    let (mut play, state) = asked();
    play.http("b", &Modern::call(2).answering(&state, ACCEPT).http());
    play.expect(&[]);
    play.says("demo", VISITED);
    play.expect(&[r##"demo <- {"id":#2,"method":"tools/call",…}"##]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    assert_eq!(play.answer("b").json()["id"], 2);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn or_at_once_if_it_has_said_so() {
    let (mut play, state) = asked();
    play.says("demo", VISITED);
    play.http("b", &Modern::call(2).answering(&state, ACCEPT).http());
    play.expect(&[r##"demo <- {"id":#2,"method":"tools/call",…}"##]);
}

#[test]
fn or_after_a_while_if_it_says_nothing() {
    let (mut play, state) = asked();
    play.http("b", &Modern::call(2).answering(&state, ACCEPT).http());
    play.advance(limits::URL_VISIT_TIME_MAX);
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("demo <- ") && line.contains("tools/call")), "{lines:?}");
}

#[test]
fn who_declines_makes_it_fail() {
    let (mut play, state) = asked();
    for answers in ["{}", r#"{"0":{"action":"decline"}}"#, r#"{"0":5}"#] {
        let answer = play.request("b", &Modern::call(2).answering(&state, answers).http()).json();
        assert_eq!((&answer["result"]["isError"], &answer["result"]["resultType"]), (&json!(true), &json!("complete")));
    }
    play.expect(&[]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().sessions), (0, 0));
}

#[test]
fn who_hangs_up_leaves_nothing_behind() {
    let (mut play, state) = asked();
    play.http("b", &Modern::call(2).answering(&state, ACCEPT).http());
    play.hang_up("b");
    play.says("demo", VISITED);
    play.expect(&[]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().sessions), (0, 0));
}

#[test]
fn who_cannot_visit_urls_is_told_what_is_missing() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).capabilities(r#"{"elicitation":{}}"#).http());
    play.forget();
    play.says("demo", REQUIRED);
    let answer = play.answer("a");
    assert_error(&answer, 400, -32021, json!(1), &[]);
    assert_eq!(answer.json()["error"]["data"]["requiredCapabilities"], json!({"elicitation": {"url": {}}}));
}
