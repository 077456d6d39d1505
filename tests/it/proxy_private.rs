//! `"isolation": "session"`: an upstream for each session.

use std::time::Duration;

use mcp_proxy::config::{Config, Isolation, RemoteTransport};
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{INTRODUCTION, Playbook, assert_error};
use crate::support::requests::{Http, config, initialize, remote_config, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#;

const READY: &str = r#"{"method":"notifications/initialized"}"#;

fn isolated() -> Config {
    let mut config = config(&["demo"]);
    config.servers[0].isolation = Isolation::Session;
    config
}

fn introduces_itself(play: &mut Playbook, child: &str) {
    play.says(child, &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
}

/// A session on `name`, and its process.
fn session(play: &mut Playbook, name: &str, child: &str) -> String {
    play.http(name, &initialize("2025-11-25", r#"{"elicitation":{}}"#));
    play.spawned(child);
    introduces_itself(play, child);
    let session = play.answer(name).head.header("mcp-session-id").expect("a session").to_owned();
    play.post(name, &session, READY);
    play.says(child, r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    play.forget();
    session
}

#[test]
fn the_upstream_hears_from_its_downstream_that_the_handshake_is_over() {
    let mut play = Playbook::with(isolated());
    play.http("a", &initialize("2025-11-25", r#"{"roots":{}}"#));
    play.spawned("demo");
    play.forget();
    introduces_itself(&mut play, "demo");
    let session = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.expect(&[]);
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.post("a", &session, READY);
    play.expect(&[
        "g 200 stream",
        r#"demo <- {"method":"notifications/initialized"}"#,
        r#"demo <- {"id":"mcp-proxy:tools/list","method":"tools/list","params":{}}"#,
        "a 202",
    ]);
    // Now it can ask.
    play.says("demo", r#"{"id":1,"method":"roots/list"}"#);
    play.expect(&[r#"g event {"id":?1,"method":"roots/list"}"#]);
    // Said twice, or to another process, it is ours to say or to leave.
    play.post("a", &session, READY);
    play.expect(&["a 202"]);
    play.exits("demo", Exit::Code(1));
    play.post("a", &session, CALL);
    play.spawned("demo");
    play.forget();
    introduces_itself(&mut play, "demo");
    let first = play.take().into_iter().find(|line| line.starts_with("demo <-"));
    assert_eq!(first.as_deref(), Some(r#"demo <- {"method":"notifications/initialized"}"#));
}

/// A session whose handshake is over, of a client that can tell its roots and has opened no stream yet.
fn before_its_stream() -> (Playbook, String) {
    let mut play = Playbook::with(isolated());
    play.http("a", &initialize("2025-11-25", r#"{"roots":{}}"#));
    play.spawned("demo");
    introduces_itself(&mut play, "demo");
    let session = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.post("a", &session, READY);
    play.forget();
    (play, session)
}

#[test]
fn what_is_asked_before_the_stream_is_there_waits_for_it() {
    let (mut play, session) = before_its_stream();
    // Many servers ask as soon as they hear that the handshake is over, before the client's GET has come.
    play.says("demo", r#"{"id":7,"method":"roots/list"}"#);
    play.expect(&[]);
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.expect(&["g 200 stream", r#"g event {"id":?1,"method":"roots/list"}"#]);
    play.post("a", &session, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.expect(&[r#"demo <- {"id":7,"result":{"roots":[]}}"#, "a 202"]);
}

#[test]
fn or_for_a_stream_that_broke_to_be_resumed() {
    let (mut play, session) = before_its_stream();
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.hang_up("g");
    play.forget();
    play.says("demo", r#"{"id":7,"method":"roots/list"}"#);
    play.expect(&[]);
    play.http("h", &Http::get("/demo/mcp").session(&session).with("Last-Event-ID", "1-0"));
    play.expect(&["h 200 stream", r#"h event {"id":?1,"method":"roots/list"}"#]);
    play.advance(limits::EARLY_ASK_TIME_MAX);
    play.expect(&[]);
}

#[test]
fn no_stream_comes_for_what_was_asked_early() {
    let (mut play, session) = before_its_stream();
    play.says("demo", r#"{"id":7,"method":"roots/list"}"#);
    // What the client never said that it could do is refused at once.
    play.says("demo", r#"{"id":8,"method":"sampling/createMessage","params":{}}"#);
    let refused =
        |id: u32, reason: &str| format!(r#"demo <- {{"id":{id},"error":{{"code":-32601,"message":"{reason}"}}}}"#);
    play.expect(&[&refused(8, "no connected client can answer this request")]);
    play.advance(limits::EARLY_ASK_TIME_MAX);
    play.expect(&[&refused(7, "the client has opened no stream on which it could be asked")]);
    // The process is another: what the last one asked is nobody's business.
    play.says("demo", r#"{"id":9,"method":"roots/list"}"#);
    play.exits("demo", Exit::Code(1));
    play.forget();
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.expect(&["g 200 stream"]);
}

#[test]
fn nothing_overtakes_the_end_of_the_handshake_with_a_remote_upstream() {
    let mut config = remote_config("http://up.example/mcp", RemoteTransport::Streamable);
    config.servers[0].isolation = Isolation::Session;
    let mut play = Playbook::with(config);
    play.http("a", &initialize("2025-11-25", "{}"));
    let introduction = format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#);
    play.replies("up1", &introduction);
    let session = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.forget();
    play.post("a", &session, READY);
    play.post("b", &session, CALL);
    play.expect(&["up1 POST …notifications/initialized…", "a 202"]);
    play.takes_note("up1");
    let happened = play.take();
    assert!(happened.iter().any(|line| line.contains("tools/call")), "{happened:?}");
    assert!(happened.iter().any(|line| line.contains(" GET ")), "{happened:?}");
}

#[test]
fn nothing_is_started_before_somebody_comes() {
    let mut play = Playbook::with(isolated());
    play.expect(&[]);
    play.http("a", &initialize("2025-06-18", r#"{"elicitation":{}}"#));
    play.spawned("demo");
    let hello = concat!(
        r#"demo <- {"id":"mcp-proxy:initialize","method":"initialize","params":{"protocolVersion":"2025-06-18","#,
        r#""capabilities":{"elicitation":{}},…}}"#
    );
    play.expect(&["demo spawn", hello]);
}

#[test]
fn each_session_has_its_own_process_and_asks_reach_it_though_both_are_busy() {
    let mut play = Playbook::with(isolated());
    let first = session(&mut play, "a", "demo");
    let second = session(&mut play, "b", "demo2");
    play.post("a", &first, CALL);
    play.post("b", &second, CALL);
    play.forget();
    play.says("demo2", r#"{"id":7,"method":"elicitation/create","params":{"message":"?"}}"#);
    play.expect(&["b 200 stream", r#"b event {"id":?1,"method":"elicitation/create","params":{"message":"?"}}"#]);
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    let told: Vec<String> = play.take().into_iter().filter(|line| line.contains(" event ")).collect();
    assert_eq!(told, [r#"a event {"method":"notifications/tools/list_changed"}"#]);
}

#[test]
fn the_process_ends_with_its_session() {
    let mut play = Playbook::with(isolated());
    let first = session(&mut play, "a", "demo");
    session(&mut play, "b", "demo2");
    play.http("a", &Http::new("DELETE", "/demo/mcp").session(&first));
    play.expect(&["demo close-stdin", "a 204"]);
    play.exits("demo", Exit::Code(0));
    play.advance(Duration::from_secs(1));
    assert_eq!((play.proxy.census().links, play.proxy.census().privates), (1, 1));
}

#[test]
fn a_session_that_nobody_uses_ends_after_a_while() {
    let mut play = Playbook::with(isolated());
    session(&mut play, "a", "demo");
    play.advance(limits::ISOLATED_IDLE_MAX + limits::SESSION_SWEEP_INTERVAL);
    assert!(play.take().contains(&"demo close-stdin".to_owned()));
    play.exits("demo", Exit::Code(0));
    assert_eq!((play.proxy.census().sessions, play.proxy.census().privates), (0, 0));
}

#[test]
fn a_process_that_cannot_be_started_is_an_answer_and_is_not_tried_again() {
    let mut play = Playbook::with(isolated());
    play.http("a", &initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.exits("demo", Exit::Code(127));
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["\"demo\"", "exit status 127"]);
    play.forget();
    play.advance(limits::BACK_OFF_MAX);
    assert!(!play.take().iter().any(|line| line.contains("spawn")));
    assert_eq!(play.proxy.census().privates, 0);
}

#[test]
fn a_client_that_does_not_wait_leaves_no_process_behind() {
    let mut play = Playbook::with(isolated());
    play.http("a", &initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.hang_up("a");
    play.forget();
    introduces_itself(&mut play, "demo");
    assert!(play.take().contains(&"demo close-stdin".to_owned()));
}

#[test]
fn a_crash_restarts_the_process_of_that_session() {
    let mut play = Playbook::with(isolated());
    let first = session(&mut play, "a", "demo");
    play.exits("demo", Exit::Code(1));
    play.post("a", &first, CALL);
    play.expect(&["demo spawn"]);
    play.spawned("demo");
    introduces_itself(&mut play, "demo");
    let happened = play.take();
    assert!(happened.iter().any(|line| line.contains("tools/call")), "{happened:?}");
}

#[test]
fn a_remote_upstream_can_be_isolated_as_well() {
    let mut config = remote_config("http://up.example/mcp", RemoteTransport::Streamable);
    config.servers[0].isolation = Isolation::Session;
    let mut play = Playbook::with(config);
    play.expect(&[]);
    for (name, connection, upstream) in [("a", "up1", "s1"), ("b", "up3", "s2")] {
        play.http(name, &initialize("2025-11-25", "{}"));
        let head = format!("200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: {upstream}");
        play.responds(connection, &head, &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
        let session = play.answer(name).head.header("mcp-session-id").expect("a session").to_owned();
        play.post(name, &session, READY);
        play.takes_note(connection);
    }
    assert_eq!(play.proxy.census().privates, 2);
}

#[test]
fn at_the_bound_the_stalest_session_makes_room() {
    let mut play = Playbook::with(isolated());
    let first = session(&mut play, "first", "demo");
    for index in 1..limits::ISOLATED_MAX {
        play.advance(Duration::from_millis(1));
        let name = format!("c{index}");
        play.http(&name, &initialize("2025-11-25", "{}"));
    }
    assert_eq!(play.proxy.census().privates, limits::ISOLATED_MAX);
    play.forget();
    play.http("last", &initialize("2025-11-25", "{}"));
    assert!(play.take().contains(&"demo close-stdin".to_owned()));
    play.post("first", &first, CALL);
    assert_eq!(play.answer("first").head.status, 404);
}

#[test]
fn a_client_that_never_says_that_it_is_ready_is_taken_to_be_when_it_asks_for_something() {
    let mut play = Playbook::with(isolated());
    play.http("a", &initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
    let session = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.forget();
    play.post("a", &session, r#"{"id":1,"method":"ping"}"#);
    play.expect(&[r##"demo <- {"id":#1,"method":"ping"}"##]);
    play.answers_last("demo", "{}");
    play.forget();
    play.post("a", &session, CALL);
    let happened = play.take();
    assert_eq!(happened[0], r#"demo <- {"method":"notifications/initialized"}"#);
    assert!(happened.iter().skip(1).any(|line| line.contains("tools/call")), "{happened:?}");
}

#[test]
fn a_ping_before_the_greeting_starts_nothing() {
    let mut config = isolated();
    config.servers[0].panic_if_invalid = true;
    let mut play = Playbook::with(config);
    play.http("s", &Http::get("/demo/sse"));
    let endpoint = play.take().pop().expect("an endpoint").replace("s endpoint ", "");
    play.http("p", &Http::post(&endpoint, &rpc(r#"{"id":1,"method":"ping"}"#)));
    play.expect(&[r#"s event {"id":1,"result":{}}"#, "p 202"]);
}

#[test]
fn what_the_modern_era_does_not_have_starts_nothing() {
    let mut play = Playbook::with(isolated());
    play.http("a", &Modern::new(1, "ping").http());
    assert_error(&play.answer("a"), 404, -32601, json!(1), &["ping"]);
    play.expect(&[]);
}
