//! The end: no new work, time for the calls in flight, then the children, then the program.

use std::time::Duration;

use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, initialize, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call"}"#;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn an_idle_proxy_ends_as_soon_as_its_children_have() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.shut_down();
    play.expect(&["a finish", "demo close-stdin", "g end", "g finish"]);
    assert!(play.proxy.handle_accept(play.peer, play.now()).is_none(), "nobody else is let in");
    play.exits("demo", Exit::Code(0));
    play.expect(&["stopped"]);
}

#[test]
fn children_are_asked_ever_harder() {
    let (mut play, _) = Playbook::ready_with_session();
    play.hang_up("a");
    play.shut_down();
    play.expect(&["demo close-stdin"]);
    play.advance(millis(999));
    play.expect(&[]);
    play.advance(millis(1));
    play.expect(&["demo terminate"]);
    play.advance(millis(1_999));
    play.expect(&[]);
    play.advance(millis(1));
    play.expect(&["demo kill"]);
    play.exits("demo", Exit::Signal(9));
    play.expect(&["stopped"]);
}

#[test]
fn calls_in_flight_get_their_answers() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.forget();
    play.shut_down();
    play.expect(&[]);
    play.advance(millis(3_000));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 [Connection: close] json {"id":1,"result":{}}"#, "a finish"]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&["demo close-stdin", r#"b 200 [Connection: close] json {"id":2,"result":{}}"#, "b finish"]);
    play.exits("demo", Exit::Code(0));
    play.expect(&["stopped"]);
}

#[test]
fn after_five_seconds_they_get_an_error() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.post("b", &s, r#"{"id":2,"method":"tools/call","params":{"_meta":{"progressToken":1}}}"#);
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#2,"progress":1}}"#);
    play.shut_down();
    play.forget();
    play.advance(millis(4_999));
    play.expect(&[]);
    play.advance(millis(1));
    assert_error(&play.answer("a"), 503, -32603, json!(1), &["\"demo\"", "shuts down"]);
    play.expect(&["demo close-stdin", r#"b event {"id":2,"error":…shuts down…}"#, "b end", "a finish", "b finish"]);
    assert_eq!(play.proxy.census().calls, 0);
    play.exits("demo", Exit::Code(0));
    play.expect(&["stopped"]);
}

#[test]
fn calls_that_wait_for_a_start_do_not_wait_longer() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.http("a", &initialize("2025-11-25", "{}"));
    play.forget();
    play.shut_down();
    assert_error(&play.answer("a"), 503, -32603, json!(0), &["shuts down"]);
    play.expect(&["demo close-stdin", "a finish"]);
}

#[test]
fn a_request_on_its_way_is_refused() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("b", &s, CALL);
    let text = Http::post("/demo/mcp", r#"{"jsonrpc":"2.0","id":7,"method":"x"}"#).session(&s).text();
    play.send("a", &text.as_bytes()[..text.len() - 1]);
    play.forget();
    play.shut_down();
    play.send("a", b"}");
    let answer = play.answer("a");
    assert_error(&answer, 503, -32603, json!(7), &["shuts down"]);
    assert!(answer.head.is_last());
    play.expect(&["a finish"]);
}

#[test]
fn a_second_signal_means_now() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.shut_down();
    play.forget();
    play.shut_down();
    play.expect(&["stopped"]);
    play.shut_down();
    play.expect(&[]);
}

#[test]
fn servers_without_a_process_need_no_asking() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.spawn_fails("demo", "no");
    play.spawn_fails("other", "no");
    play.forget();
    play.shut_down();
    play.expect(&["stopped"]);
    assert_eq!(play.proxy.census().links, 0);
    play.advance(Duration::from_secs(60));
    play.expect(&[]);
}

#[test]
fn a_start_that_fails_during_the_end() {
    let mut play = Playbook::new();
    play.forget();
    play.shut_down();
    play.expect(&["demo close-stdin"]);
    play.spawn_fails("demo", "no");
    play.expect(&["stopped"]);
}

#[test]
fn a_crash_during_the_end_starts_nothing() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let s = play.session("a");
    play.post("a", &s, CALL);
    play.shut_down();
    play.forget();
    play.exits("other", Exit::Code(1));
    play.advance(millis(4_000));
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.exits("demo", Exit::Code(0));
    play.expect(&["stopped"]);
}

#[test]
fn a_crash_during_the_end_answers_its_calls() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.shut_down();
    play.forget();
    play.exits("demo", Exit::Signal(6));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["signal 6"]);
    play.expect(&["a finish", "stopped"]);
}

#[test]
fn nothing_is_started_during_the_end() {
    for is_running in [true, false] {
        let mut play = Playbook::with(config(&["demo", "other"]));
        play.ready("demo");
        let s = play.session("a");
        play.post("a", &s, CALL);
        // A request on its way to the one that is about to end, and an initialize that waits for it.
        let text = initialize("2025-11-25", "{}").text().replace("/demo/", "/other/");
        play.http("b", &Http::new("OPTIONS", "/other/mcp"));
        play.send("b", text.as_bytes());
        play.connect("c");
        play.send("c", &text.as_bytes()[..text.len() - 1]);
        play.forget();
        play.shut_down();
        assert_error(&play.answer("b"), 503, -32603, json!(0), &["shuts down"]);
        if is_running {
            play.spawned("other");
            play.exits("other", Exit::Code(1));
        } else {
            play.spawn_fails("other", "no");
        }
        play.send("c", b"}");
        assert_error(&play.answer("c"), 503, -32603, json!(0), &["shuts down"]);
        play.advance(millis(4_900));
        assert!(!play.take().iter().any(|line| line.ends_with(" spawn")), "nothing new begins");
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.exits("demo", Exit::Code(0));
        play.advance(Duration::from_secs(120));
        let seen = play.take();
        assert!(seen.contains(&"stopped".to_owned()) && !seen.iter().any(|line| line.ends_with(" spawn")), "{seen:?}");
    }
}

#[test]
fn nothing_is_started_any_more() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let session = play.answer_to(&initialize("2025-11-25", "{}").at("/other/mcp"));
    let session = session.head.header("mcp-session-id").expect("a session").to_owned();
    play.http("b", &Http::post("/other/mcp", &rpc(CALL)).session(&session)); // it has to be waited for
    let listen = Modern::new(1, "subscriptions/listen").param("notifications", r#"{"toolsListChanged":true}"#);
    let text = listen.http().text();
    let (head, body) = text.split_at(text.find("\r\n\r\n").unwrap() + 4);
    play.connect("a");
    play.send("a", head.as_bytes());
    play.exits("demo", Exit::Code(1));
    play.forget();
    play.shut_down();
    play.send("a", body.as_bytes());
    assert!(!play.take().contains(&"demo spawn".to_owned()));
}
