//! Asks: they reach the session whose call caused them, and the answers find their way back.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;

use crate::support::pair::Pair;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::Http;

const CALL: &str = r#"{"id":1,"method":"tools/call"}"#;
const ASK: &str = r#"{"id":"u","method":"sampling/createMessage","params":{"x":1.0}}"#;

/// A session with a call in flight on `a`.
fn calling() -> (Playbook, String) {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.forget();
    (play, s)
}

#[test]
fn an_ask_goes_down_and_its_answer_up() {
    for (id, answer) in [
        (r#""u""#, r#""result":{"role":1.0}"#),
        ("7", r#""error":{"code":-1,"message":"no"}"#),
        (r#""\u0075""#, r#""result":{}"#),
    ] {
        let (mut play, s) = calling();
        play.says("demo", &format!(r#"{{"id":{id},"method":"sampling/createMessage","params":{{"x":1.0}}}}"#));
        play.expect(&["a 200 stream", r#"a event {"id":?1,"method":"sampling/createMessage","params":{"x":1.0}}"#]);
        play.post("b", &s, &format!(r#"{{"id":?1,{answer}}}"#));
        play.expect(&[&format!(r#"demo <- {{"id":{id},{answer}}}"#), "b 202"]);
        play.post("b", &s, r#"{"id":?1,"result":{"twice":true}}"#);
        play.expect(&["b 202"]);
        assert_eq!(play.proxy.census().asks, 0);
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
    }
}

#[test]
fn the_demo_asks() {
    let (mut pair, s) = Pair::new();
    pair.call("a", &s, 1, "roots", "{}");
    pair.expect(&["a 200 stream", r#"a event {"id":?1,"method":"roots/list"}"#]);
    pair.post("b", &s, r#"{"id":?1,"result":{"roots":[{"uri":"file:///x"}]}}"#);
    pair.expect(&["b 202", r#"a event {"id":1,"result":{"content":[{"text":"file:///x","type":"text"}]}}"#, "a end"]);
}

#[test]
fn nobody_answers_for_somebody_else() {
    let (mut play, _) = calling();
    let other = play.session("b");
    play.says("demo", ASK);
    play.forget();
    play.post("b", &other, r#"{"id":?1,"result":{"forged":true}}"#);
    play.expect(&["b 202"]);
    assert_eq!(play.proxy.census().asks, 1);
    play.post("b", &other, r#"{"method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#);
    play.expect(&["b 202"]);
}

#[test]
fn only_who_can_is_asked() {
    let cases = [
        ("{}", "sampling/createMessage", "{}", false),
        (r#"{"sampling":{}}"#, "sampling/createMessage", "{}", true),
        (r#"{"sampling":{}}"#, "roots/list", "{}", false),
        (r#"{"roots":{"listChanged":true}}"#, "roots/list", "{}", true),
        (r#"{"elicitation":{}}"#, "elicitation/create", "{}", true),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"form"}"#, true),
        (r#"{"elicitation":{}}"#, "elicitation/create", r#"{"mode":"url"}"#, false),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", r#"{"mode":"url"}"#, true),
        (r#"{"elicitation":{"url":{}}}"#, "elicitation/create", "{}", false),
        (r#"{"elicitation":{"url":{},"form":{}}}"#, "elicitation/create", "{}", true),
    ];
    for (capabilities, method, params, is_asked) in cases {
        let mut play = Playbook::new();
        play.ready("demo");
        let s = play.session_as("a", "2025-11-25", capabilities);
        play.post("a", &s, CALL);
        play.forget();
        play.says("demo", &format!(r#"{{"id":9,"method":"{method}","params":{params}}}"#));
        if is_asked {
            play.expect(&["a 200 stream", "a event {\"id\":?1,…}"]);
        } else {
            play.expect(&[
                r#"demo <- {"id":9,"error":{"code":-32601,"message":"no connected client can answer this request"}}"#,
            ]);
        }
    }
}

#[test]
fn an_ask_among_several_callers_is_refused() {
    let (mut play, _) = calling();
    let other = play.session("b");
    play.post("b", &other, CALL);
    play.forget();
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"…\"isolation\": \"session\""}}"#]);
    assert_eq!(play.proxy.census().asks, 0);
}

#[test]
fn a_caller_who_cannot_does_not_make_it_ambiguous() {
    let (mut play, _) = calling();
    let other = play.session_as("b", "2025-11-25", "{}");
    play.post("b", &other, CALL);
    play.forget();
    play.says("demo", ASK);
    play.expect(&["a 200 stream", "a event {…}"]);
}

#[test]
fn several_calls_of_one_session_ask_on_the_newest() {
    let (mut play, s) = calling();
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.post("c", &s, r#"{"id":3,"method":"tools/list"}"#);
    play.forget();
    play.says("demo", ASK);
    play.expect(&["b 200 stream", "b event {…}"]);
}

#[test]
fn an_ask_may_be_due_to_an_older_call_than_the_newest() {
    let (mut play, s) = calling();
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.says("demo", ASK);
    play.forget();
    play.advance(Duration::from_secs(5 * 60));
    assert_eq!(play.proxy.census().calls, 2, "either may be waiting for the person");
    play.forget();
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"b event {"id":2,"result":{}}"#, "b end"]);
    play.post("b", &s, r#"{"id":?1,"result":{}}"#);
    play.expect(&[r#"demo <- {"id":"u","result":{}}"#, "b 202"]);
    play.advance(Duration::from_secs(119));
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn an_answer_is_a_sign_of_life_for_every_call_that_may_have_asked() {
    let (mut play, s) = calling();
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.says("demo", ASK);
    play.advance(Duration::from_secs(119));
    play.post("c", &s, r#"{"id":?1,"result":{}}"#);
    play.advance(Duration::from_secs(119));
    assert_eq!(play.proxy.census().calls, 2);
    play.advance(Duration::from_secs(1));
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn without_a_call_the_only_listener_is_asked() {
    let (mut play, s) = Playbook::ready_with_session();
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"no connected client…"}}"#]);
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.says("demo", ASK);
    play.expect(&["g event {…}"]);
    let other = play.session("b");
    play.http("h", &Http::get("/demo/mcp").session(&other));
    play.forget();
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"…\"isolation\": \"session\""}}"#]);
}

#[test]
fn a_caller_who_takes_no_events_is_asked_on_the_stream_of_the_session() {
    let (mut play, s) = Playbook::ready_with_session();
    let request =
        Http::post("/demo/mcp", &crate::support::requests::rpc(CALL)).session(&s).with("Accept", "application/json");
    play.http("a", &request);
    play.forget();
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"…takes none at the moment"}}"#]);
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.says("demo", ASK);
    play.expect(&["g event {…}"]);
}

#[test]
fn a_caller_who_hung_up_is_not_asked() {
    let (mut play, _) = calling();
    play.hang_up("a");
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"…takes none at the moment"}}"#]);
}

#[test]
fn an_ask_that_is_withdrawn() {
    let (mut play, s) = calling();
    play.says("demo", ASK);
    play.forget();
    play.says("demo", r#"{"method":"notifications/cancelled","params":{"requestId":"other"}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"method":"notifications/cancelled","params":{"requestId":"u"}}"#);
    play.expect(&[r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#]);
    play.post("b", &s, r#"{"id":?1,"result":{}}"#);
    play.expect(&["b 202"]);
    assert_eq!(play.proxy.census().asks, 0);
}

#[test]
fn an_ask_ends_with_its_call() {
    let withdrawn = r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#;
    let (mut play, s) = calling();
    play.says("demo", ASK);
    play.forget();
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1}}"#,
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#,
        withdrawn,
        r#"a event {"id":1,"error":{"code":-32603,"message":"the request was cancelled: the client cancelled it"}}"#,
        "a end",
        "b 202",
    ]);

    let (mut play, _) = calling();
    play.says("demo", ASK);
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#,
        withdrawn,
        r#"a event {"id":1,"result":{}}"#,
        "a end",
    ]);
}

#[test]
fn an_ask_outlives_the_call_it_was_put_down_to() {
    let (mut play, s) = calling();
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.says("demo", ASK);
    play.forget();
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"b event {"id":2,"result":{}}"#, "b end"]);
    assert_eq!(play.proxy.census().asks, 1, "the older call may have caused it");
    play.post("b", &s, r#"{"id":?1,"result":{"role":1.0}}"#);
    play.expect(&[r#"demo <- {"id":"u","result":{"role":1.0}}"#, "b 202"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn an_ask_ends_with_the_last_call_that_may_have_caused_it() {
    let (mut play, s) = calling();
    for (name, message) in [
        ("b", r#"{"id":2,"method":"tools/call"}"#),
        ("c", r#"{"id":3,"method":"tools/call"}"#),
        ("d", r#"{"id":4,"method":"tools/list"}"#),
    ] {
        play.post(name, &s, message);
    }
    play.says("demo", ASK);
    play.forget();
    play.says("demo", r#"{"id":#3,"result":{}}"#);
    play.expect(&[r#"c event {"id":3,"result":{}}"#, "c end"]);
    play.post("c", &s, r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#);
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#2}}"#,
        r#"b 200 json {"id":2,"error":{"code":-32603,"message":"the request was cancelled: the client cancelled it"}}"#,
        "c 202",
    ]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#,
        "a 200 stream",
        r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#,
        r#"a event {"id":1,"result":{}}"#,
        "a end",
    ]);
    assert_eq!((play.proxy.census().asks, play.proxy.census().calls), (0, 1), "a list has caused nothing");
}

#[test]
fn none_of_the_calls_that_may_be_asking_is_silent() {
    let (mut play, s) = calling();
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.says("demo", ASK);
    play.advance(Duration::from_secs(9 * 60));
    assert_eq!(play.proxy.census().calls, 2);
    play.post("c", &s, r#"{"id":?1,"result":{}}"#);
    play.advance(Duration::from_secs(4 * 60));
    assert_eq!(play.proxy.census().calls, 0, "once it is answered they are like any other");
}

#[test]
fn an_ask_ends_with_its_session() {
    let (mut play, s) = calling();
    play.says("demo", ASK);
    play.forget();
    play.http("b", &Http::new("DELETE", "/demo/mcp").session(&s));
    let seen = play.take();
    assert!(seen.contains(
        &r#"demo <- {"id":"u","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#.to_owned()
    ));
    assert_eq!(play.proxy.census().asks, 0);

    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.says("demo", ASK);
    play.forget();
    play.http("b", &Http::new("DELETE", "/demo/mcp").session(&s));
    let seen = play.take();
    assert!(
        seen.contains(
            &r#"demo <- {"id":"u","error":{"code":-32603,"message":"the client's session has ended"}}"#.to_owned()
        ),
        "{seen:?}"
    );
}

#[test]
fn an_ask_ends_with_its_link() {
    let (mut play, s) = calling();
    play.says("demo", ASK);
    play.forget();
    play.exits("demo", Exit::Code(1));
    play.expect(&[
        r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#,
        "a event {\"id\":1,\"error\":…exit status 1…}",
        "a end",
    ]);
    play.advance(Duration::from_secs(1));
    play.ready("demo");
    play.post("b", &s, r#"{"id":?1,"result":{"late":true}}"#);
    play.expect(&["b 202"]);
}

#[test]
fn a_call_that_asks_is_not_silent() {
    let (mut play, s) = calling();
    play.advance(Duration::from_secs(60));
    play.says("demo", ASK);
    play.advance(Duration::from_secs(9 * 60));
    assert_eq!(play.proxy.census().calls, 1, "a person may take their time");
    play.forget();
    play.post("b", &s, r#"{"id":?1,"result":{}}"#);
    play.expect(&[r#"demo <- {"id":"u","result":{}}"#, "b 202"]);
    play.advance(Duration::from_secs(119));
    assert_eq!(play.proxy.census().calls, 1, "from the answer on, its silence is measured anew");
    play.advance(Duration::from_secs(1));
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn an_ask_that_nobody_answers() {
    let (mut play, _) = calling();
    play.says("demo", ASK);
    play.advance(limits::ASK_TIME_MAX - Duration::from_millis(1));
    play.forget();
    play.advance(Duration::from_millis(1));
    play.expect(&[
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"the client did not answer in time"}}"#,
        "a comment still here",
        r#"a event {"method":"notifications/cancelled","params":{"requestId":?1}}"#,
    ]);
    assert_eq!((play.proxy.census().asks, play.proxy.census().calls), (0, 1));
}

#[test]
fn progress_on_an_ask_goes_up() {
    let (mut play, s) = calling();
    play.says("demo", r#"{"id":"u","method":"sampling/createMessage","params":{"_meta":{"progressToken":"p"}}}"#);
    play.forget();
    let progress = r#"{"method":"notifications/progress","params":{"progressToken":"p","progress":0.10}}"#;
    play.post("b", &s, progress);
    play.expect(&[&format!("demo <- {progress}"), "b 202"]);
    play.post("b", &s, &progress.replace("\"p\"", "\"q\""));
    play.expect(&["b 202"]);
}

#[test]
fn too_many_asks() {
    let (mut play, _) = calling();
    for number in 0..limits::LINK_ASKS_MAX {
        play.says("demo", &format!(r#"{{"id":{number},"method":"roots/list"}}"#));
    }
    play.forget();
    play.says("demo", ASK);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"too many…(1024)"}}"#]);
    play.exits("demo", Exit::Code(1));
    assert_eq!(play.proxy.census().asks, 0);
    let (mut play, s) = calling();
    play.http("c", &Http::new("DELETE", "/demo/mcp").session(&s));
    assert_error(&play.answer("a"), 200, -32603, serde_json::json!(1), &["the session was ended"]);
}
