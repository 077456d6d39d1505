//! Modern upstreams that want to know something during the call of a legacy downstream.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::modern_upstreams::{META, discovered, host, listed, process};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"x":1.0}}}"#;
const ROOTS: &str = r#""r":{"method":"roots/list"}"#;
const FORM: &str =
    r#""f":{"method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object"}}}"#;

/// An upstream's questions about the call of this number.
fn questions(number: usize, requests: &str, state: &str) -> String {
    let requests = if requests.is_empty() { String::new() } else { format!(r#","inputRequests":{{{requests}}}"#) };
    let state = if state.is_empty() { String::new() } else { format!(r#","requestState":{state}"#) };
    format!(r##"{{"id":#{number},"result":{{"resultType":"input_required"{requests}{state}}}}}"##)
}

/// The call once more, with these members behind its own.
fn again(number: usize, members: &str) -> String {
    let params = format!(r#"{{{META},"name":"t","arguments":{{"x":1.0}}{members}}}"#);
    format!(r##"demo <- {{"id":#{number},"method":"tools/call","params":{params}}}"##)
}

/// A process, and a session whose call was answered with these questions.
fn asked(requests: &str, state: &str) -> (Playbook, String) {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.says("demo", &questions(1, requests, state));
    (play, session)
}

fn error_of(play: &mut Playbook) -> String {
    let happened = play.take();
    happened.iter().find(|line| line.contains("\"error\"")).unwrap_or_else(|| panic!("no error: {happened:?}")).clone()
}

#[test]
fn the_client_is_asked_and_the_call_is_made_again_with_its_answers() {
    let (mut play, session) = asked(&format!("{FORM},{ROOTS}"), r#""a \u0062""#);
    play.expect(&[
        "a 200 stream",
        r#"a event {"id":?1,"method":"elicitation/create","params":{"message":"?","requestedSchema":{…}}}"#,
        r#"a event {"id":?2,"method":"roots/list"}"#,
    ]);
    play.post("b", &session, r#"{"id":?2,"result":{"roots":[{"uri":"f:///"}]}}"#);
    play.expect(&["b 202"]);
    play.post("b", &session, r#"{"id":?1,"result":{"action":"accept","content":{"n":1.0}}}"#);
    let responses = r#"{"f":{"action":"accept","content":{"n":1.0}},"r":{"roots":[{"uri":"f:///"}]}}"#;
    play.expect(&[&again(2, &format!(r#","inputResponses":{responses},"requestState":"a \u0062""#)), "b 202"]);
    play.says("demo", r##"{"id":#1,"result":{"late":true}}"##);
    play.says("demo", r##"{"id":#2,"result":{"resultType":"complete","content":[]}}"##);
    play.expect(&[r#"a event {"id":1,"result":{"resultType":"complete","content":[]}}"#, "a end"]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
}

#[test]
fn rounds_follow_each_other_and_forget_each_other() {
    let (mut play, session) = asked(ROOTS, r#""one""#);
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.forget();
    play.says("demo", &questions(2, FORM, ""));
    play.expect(&["a event {\"id\":?2,\"method\":\"elicitation/create\",…}"]);
    play.post("b", &session, r#"{"id":?2,"result":{"action":"decline"}}"#);
    play.expect(&[&again(3, r#","inputResponses":{"f":{"action":"decline"}}"#), "b 202"]);
    play.says("demo", r##"{"id":#3,"error":{"code":-32603,"message":"no"}}"##);
    play.expect(&[r#"a event {"id":1,"error":{"code":-32603,"message":"no"}}"#, "a end"]);
}

#[test]
fn a_host_is_asked_again_on_a_connection_that_is_free() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.replies("up1", &questions(1, ROOTS, r#""s""#));
    play.expect(&["a 200 stream", r#"a event {"id":?1,"method":"roots/list"}"#]);
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    let params = format!(
        r#"{{{META},"name":"t","arguments":{{"x":1.0}},"inputResponses":{{"r":{{"roots":[]}}}},"requestState":"s"}}"#
    );
    let line = play.take().into_iter().find(|line| line.starts_with("up")).expect("a request");
    assert!(line.starts_with("up1 POST") && line.contains("[Mcp-Method: tools/call] [Mcp-Name: t]"), "{line}");
    assert!(line.ends_with(&format!(r##"{{"id":#2,"method":"tools/call","params":{params}}}"##)), "{line}");
    // In a stream as well.
    play.streams("up1");
    play.event("up1", &format!("data: {}", rpc(&questions(2, ROOTS, ""))));
    play.ends_stream("up1");
    play.expect(&[r#"a event {"id":?2,"method":"roots/list"}"#]);
    play.post("b", &session, r#"{"id":?2,"result":{"roots":[]}}"#);
    assert!(play.take().iter().any(|line| line.contains(r##""id":#3"##) && !line.contains("requestState")));
}

#[test]
fn a_prompt_or_a_resource_may_need_to_know_something_too() {
    for (method, params) in [("prompts/get", r#""name":"p""#), ("resources/read", r#""uri":"a:b""#)] {
        let mut play = process("");
        let session = play.session("a");
        play.post("a", &session, &format!(r#"{{"id":1,"method":"{method}","params":{{{params}}}}}"#));
        play.says("demo", &questions(1, ROOTS, ""));
        play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
        let line = play.take().into_iter().rfind(|line| line.starts_with("demo <-")).expect("a request");
        let expected = format!(r#"{{{META},{params},"inputResponses":{{"r":{{"roots":[]}}}}}}"#);
        assert!(line.ends_with(&format!("\"method\":\"{method}\",\"params\":{expected}}}")), "{line}");
    }
    for method in ["tools/list", "completion/complete", "x/y"] {
        let mut play = process("");
        let session = play.session("a");
        play.post("a", &session, &format!(r#"{{"id":1,"method":"{method}"}}"#));
        play.says("demo", &questions(1, ROOTS, ""));
        assert_error(&play.answer("a"), 502, -32603, json!(1), &["requires input where none can be given"]);
    }
}

#[test]
fn nothing_is_asked_that_was_not_declared() {
    for (capabilities, requests, words) in [
        (r#"{"roots":{}}"#, FORM, "elicitation/create"),
        (r#"{"elicitation":{}}"#, ROOTS, "roots/list"),
        (
            r#"{"elicitation":{}}"#,
            r#""u":{"method":"elicitation/create","params":{"mode":"url","url":"x:"}}"#,
            "elicit",
        ),
        (r#"{"sampling":{}}"#, r#""s":{"method":"sampling/createMessage","params":{"tools":[]}}"#, "sampling"),
        (r#"{"roots":{}}"#, r#""x":{"method":"tasks/get","params":{}}"#, "nobody knows"),
    ] {
        let mut play = process("");
        let session = play.session_as("a", "2025-11-25", capabilities);
        play.post("a", &session, CALL);
        play.forget();
        play.says("demo", &questions(1, requests, ""));
        assert_error(&play.answer("a"), 502, -32603, json!(1), &[words]);
        assert!(play.logs.last().is_some_and(|line| line.starts_with("warn demo: It asks for")), "{:?}", play.logs);
        assert_eq!((play.take(), play.proxy.census().asks), (Vec::new(), 0));
    }
}

#[test]
fn a_client_that_cannot_answer_has_cancelled_a_form_or_ended_the_call() {
    let (mut play, session) = asked(FORM, "");
    play.forget();
    play.post("b", &session, r#"{"id":?1,"error":{"code":-1,"message":"no"}}"#);
    play.expect(&[&again(2, r#","inputResponses":{"f":{"action":"cancel"}}"#), "b 202"]);
    let (mut play, session) = asked(&format!("{ROOTS},{FORM}"), "");
    play.forget();
    play.post("b", &session, r#"{"id":?1,"error":{"code":-1,"message":"no"}}"#);
    play.expect(&[
        r#"a event {"method":"notifications/cancelled","params":{"requestId":?2}}"#,
        r#"a event {"id":1,"error":{"code":-32603,"message":"…","data":{"code":-1,"message":"no"}}}"#,
        "a end",
        "b 202",
    ]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
}

#[test]
fn who_asks_nothing_is_asked_again_later_and_later() {
    let (mut play, _) = asked("", r#""busy""#);
    for (round, pause) in [100, 200, 400, 800].into_iter().enumerate() {
        play.expect(&[]);
        play.advance(Duration::from_millis(pause - 1));
        play.expect(&[]);
        play.advance(Duration::from_millis(1));
        play.expect(&[&again(round + 2, r#","requestState":"busy""#)]);
        play.says("demo", &questions(round + 2, "", r#""busy""#));
    }
    play.advance(Duration::from_secs(1_000));
    let happened = play.take();
    assert!(happened.len() < 20, "{happened:?}");
}

#[test]
fn there_are_not_too_many_rounds() {
    let (mut play, session) = asked(ROOTS, "");
    for round in 1..=limits::QUESTION_ROUNDS_MAX as usize {
        play.post("b", &session, &format!(r#"{{"id":?{round},"result":{{"roots":[]}}}}"#));
        play.forget();
        play.says("demo", &questions(round + 1, ROOTS, ""));
    }
    let error = error_of(&mut play);
    assert!(error.contains("16 times") && error.contains("-32603"), "{error}");
    assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
}

#[test]
fn an_answer_that_does_not_come_is_the_end_of_the_call() {
    let (mut play, _) = asked(&format!("{ROOTS},{FORM}"), "");
    play.forget();
    play.advance(limits::ASK_TIME_MAX - Duration::from_secs(1));
    assert!(!play.take().iter().any(|line| line.contains("event")));
    play.advance(Duration::from_secs(1));
    let happened = play.take();
    assert_eq!(happened.iter().filter(|line| line.contains("notifications/cancelled")).count(), 2, "{happened:?}");
    assert!(happened.iter().any(|line| line.contains("did not answer within 600 s")), "{happened:?}");
    assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
}

#[test]
fn a_call_that_is_cancelled_leaves_nothing_upstream() {
    for is_deleted in [false, true] {
        let (mut play, session) = asked(ROOTS, "");
        play.forget();
        if is_deleted {
            play.http("b", &Http::new("DELETE", "/demo/mcp").session(&session));
        } else {
            play.post("b", &session, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
        }
        let happened = play.take();
        let withdrawn = r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#.to_owned();
        assert!(happened.contains(&withdrawn), "{happened:?}");
        assert!(!happened.iter().any(|line| line.starts_with("demo")), "{happened:?}");
        assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
    }
}

#[test]
fn the_client_may_hang_up_and_come_back() {
    let (mut play, session) = asked(ROOTS, "");
    let last = play.last_event("a").expect("an id");
    play.hang_up("a");
    play.forget();
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.says("demo", r##"{"id":#2,"result":{}}"##);
    play.forget();
    play.http("c", &Http::get("/demo/mcp").session(&session).with("Last-Event-ID", &last));
    play.expect(&["c 200 stream", r#"c event {"id":1,"result":{}}"#, "c end"]);
}

#[test]
fn an_upstream_that_dies_meanwhile_is_told_in_its_next_life() {
    let (mut play, session) = asked(ROOTS, r#""s""#);
    play.exits("demo", Exit::Code(1));
    play.forget();
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.expect(&["demo spawn", "b 202"]);
    play.spawned("demo");
    play.says("demo", &discovered(0));
    play.says("demo", &listed(0, ""));
    let members = r#","inputResponses":{"r":{"roots":[]}},"requestState":"s""#;
    assert!(play.take().contains(&again(2, members)));
}

#[test]
fn one_that_dies_with_the_call_takes_it_along() {
    let (mut play, session) = asked(ROOTS, "");
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.forget();
    play.exits("demo", Exit::Code(3));
    assert!(error_of(&mut play).contains("exit status 3"));
}

#[test]
fn a_client_that_takes_no_stream_cannot_be_asked() {
    let mut play = process("");
    let session = play.session("a");
    play.http("a", &Http::post("/demo/mcp", &rpc(CALL)).session(&session).with("Accept", "application/json"));
    play.says("demo", &questions(1, ROOTS, ""));
    assert_error(&play.answer("a"), 200, -32603, json!(1), &["text/event-stream"]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().asks), (0, 0));
}

#[test]
fn another_session_cannot_answer() {
    let (mut play, _) = asked(ROOTS, "");
    let other = play.session("o");
    play.forget();
    play.post("b", &other, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.expect(&["b 202"]);
    assert_eq!(play.proxy.census().asks, 1);
}

#[test]
fn progress_never_goes_back() {
    let mut play = process("");
    let session = play.session("a");
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"t","_meta":{"progressToken":"p"}}}"#;
    play.post("a", &session, call);
    let progress = |play: &mut Playbook, number: usize, progress: &str| {
        let params = format!(r##"{{"progressToken":#{number},"progress":{progress}}}"##);
        play.says("demo", &format!(r#"{{"method":"notifications/progress","params":{params}}}"#));
        play.take().iter().any(|line| line.contains("notifications/progress"))
    };
    assert!(progress(&mut play, 1, "1") && progress(&mut play, 1, "2.5"));
    play.says("demo", &questions(1, ROOTS, ""));
    play.post("b", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.forget();
    assert!(!progress(&mut play, 1, "9"), "that request is over");
    assert!(!progress(&mut play, 2, "1") && !progress(&mut play, 2, "2.5") && progress(&mut play, 2, "3"));
}

const URL: &str = r#""u":{"method":"elicitation/create","params":{"mode":"url","url":"https:\/\/x","message":"?"}}"#;

#[test]
fn a_url_that_is_asked_for_no_more_was_visited() {
    let mut play = process("");
    let session = play.session_as("a", "2025-11-25", r#"{"elicitation":{"url":{}}}"#);
    play.post("a", &session, CALL);
    play.forget();
    play.says("demo", &questions(1, URL, ""));
    let happened = play.take();
    let (_, visit) = happened[1].split_once(r#""elicitationId":""#).expect("an id");
    let visit = visit.split('"').next().expect("an end").to_owned();
    assert_eq!(visit.len(), 32, "{happened:?}");
    play.post("b", &session, r#"{"id":?1,"result":{"action":"accept"}}"#);
    // It is asked for again: the same visit goes on.
    play.forget();
    play.says("demo", &questions(2, URL, ""));
    assert!(play.take()[0].contains(&visit));
    play.post("b", &session, r#"{"id":?2,"result":{"action":"accept"}}"#);
    play.forget();
    play.says("demo", r##"{"id":#3,"result":{}}"##);
    let complete =
        format!(r#"a event {{"method":"notifications/elicitation/complete","params":{{"elicitationId":"{visit}"}}}}"#);
    play.expect(&[&complete, r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn a_url_that_nobody_wanted_to_visit_was_not() {
    let mut play = process("");
    let session = play.session_as("a", "2025-11-25", r#"{"elicitation":{"url":{}}}"#);
    play.post("a", &session, CALL);
    play.says("demo", &questions(1, URL, ""));
    play.post("b", &session, r#"{"id":?1,"result":{"action":"decline"}}"#);
    play.forget();
    play.says("demo", r##"{"id":#2,"result":{}}"##);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn an_older_client_is_asked_in_its_own_words() {
    let mut play = process("");
    let session = play.session_as("a", "2025-06-18", r#"{"elicitation":{},"sampling":{}}"#);
    play.post("a", &session, CALL);
    play.forget();
    let schema = r#"{"$schema":"x","type":"object"}"#;
    let params = format!(r#"{{"mode":"form","message":"?","requestedSchema":{schema}}}"#);
    let form = format!(r#""f":{{"method":"elicitation/create","params":{params}}}"#);
    let text = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let messages = format!(
        r#"[{{"role":"user","content":[{},{}]}},{{"role":"assistant","content":{}}}]"#,
        text("a"),
        text("b"),
        text("c")
    );
    let sampling =
        format!(r#""s":{{"method":"sampling/createMessage","params":{{"messages":{messages},"maxTokens":9}}}}"#);
    play.says("demo", &questions(1, &format!("{form},{sampling}"), ""));
    let single = format!(
        r#"[{{"role":"user","content":{}}},{{"role":"user","content":{}}},{{"role":"assistant","content":{}}}]"#,
        text("a"),
        text("b"),
        text("c")
    );
    let form = r#"{"message":"?","requestedSchema":{"type":"object"}}"#;
    let sampling = format!(r#"{{"messages":{single},"maxTokens":9}}"#);
    play.expect(&[
        "a 200 stream",
        &format!(r#"a event {{"id":?1,"method":"elicitation/create","params":{form}}}"#),
        &format!(r#"a event {{"id":?2,"method":"sampling/createMessage","params":{sampling}}}"#),
    ]);
}

#[test]
fn a_request_that_is_too_large_to_be_kept_cannot_be_made_again() {
    let mut play = process("");
    let session = play.session("a");
    let large = "x".repeat(limits::BRIDGED_BYTES_MAX);
    play.post("a", &session, &format!(r#"{{"id":1,"method":"tools/call","params":{{"name":"t","x":"{large}"}}}}"#));
    play.forget();
    play.says("demo", &questions(1, ROOTS, ""));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["too large"]);
}
