//! Event ids, and downstreams that come back for what they have missed.

use std::time::Duration;

use mcp_proxy::limits;
use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::Http;

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#;

fn progress(step: u64) -> String {
    format!(r#"{{"method":"notifications/progress","params":{{"progressToken":#1,"progress":{step}}}}}"#)
}

fn progressed(name: &str, step: u64) -> String {
    format!(r#"{name} event {{"method":"notifications/progress","params":{{"progressToken":"t","progress":{step}}}}}"#)
}

fn resume(session: &str, last: &str) -> Http {
    Http::get("/demo/mcp").session(session).with("Last-Event-ID", last)
}

/// A call on connection `a` whose first progress has come.
fn under_way() -> (Playbook, String) {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.says("demo", &progress(1));
    play.forget();
    (play, s)
}

/// Everything is forgotten that can be.
fn wait_out(play: &mut Playbook) {
    play.advance(limits::REPLAY_TIME_MAX + limits::REPLAY_SWEEP_INTERVAL);
}

#[track_caller]
fn assert_nothing_is_kept(play: &Playbook) {
    let census = play.proxy.census();
    assert_eq!((census.streams, census.replay_bytes), (0, 0));
}

/// What a stream begins with, and whether its events have ids.
fn raw_stream(version: &str, request: impl Fn(&str) -> Http) -> String {
    let mut play = Playbook::new();
    play.ready("demo");
    let session = play.session_as("a", version, r#"{"roots":{}}"#);
    play.connect("raw");
    play.takes("raw", false);
    play.send("raw", request(&session).text().as_bytes());
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.unread("raw")
}

#[test]
fn what_has_ids_depends_on_the_version() {
    let streams: [fn(&str) -> Http; 2] = [
        |session| Http::get("/demo/mcp").session(session),
        |session| {
            let call = format!(r#"{{"jsonrpc":"2.0",{}"#, &CALL[1..]);
            Http::post("/demo/mcp", &call).session(session).with("Accept", "text/event-stream")
        },
    ];
    for open in streams {
        for (version, has_ids, is_primed) in [
            ("2024-11-05", false, false),
            ("2025-03-26", true, false),
            ("2025-06-18", true, false),
            ("2025-11-25", true, true),
        ] {
            let text = raw_stream(version, open);
            assert_eq!(text.contains("event: message\nid: 1-1\ndata: {"), has_ids, "{version}: {text}");
            assert_eq!(text.contains("id: 1-0\nretry: 1000\ndata: \n\n"), is_primed, "{version}: {text}");
            assert_eq!(text.matches("id: ").count(), usize::from(has_ids) + usize::from(is_primed), "{text}");
        }
    }
}

#[test]
fn the_stream_of_an_initialize_has_no_ids() {
    let (mut play, _) = Playbook::ready_with_session();
    let http = crate::support::requests::initialize("2025-11-25", "{}").with("Accept", "text/event-stream");
    play.http("a", &http);
    assert_eq!(play.last_event("a"), None);
    assert_nothing_is_kept(&play);
}

#[test]
fn ids_name_the_stream_and_the_position() {
    let (mut play, s) = under_way();
    assert_eq!(play.last_event("a").as_deref(), Some("1-1"));
    play.says("demo", &progress(2));
    assert_eq!(play.last_event("a").as_deref(), Some("1-2"));
    play.http("g", &Http::get("/demo/mcp").session(&s));
    assert_eq!(play.last_event("g").as_deref(), Some("2-0"));
    // Another session counts for itself.
    let other = play.session("b");
    play.http("b", &Http::get("/demo/mcp").session(&other));
    assert_eq!(play.last_event("b").as_deref(), Some("1-0"));
}

#[test]
fn a_broken_answer_goes_on() {
    let (mut play, s) = under_way();
    let last = play.last_event("a").unwrap();
    play.hang_up("a");
    play.says("demo", &progress(2));
    play.expect(&[]);
    play.http("b", &resume(&s, &last));
    play.expect(&["b 200 stream", &progressed("b", 2)]);
    assert_eq!(play.last_event("b").as_deref(), Some("1-2"));
    play.says("demo", &progress(3));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[&progressed("b", 3), r#"b event {"id":1,"result":{}}"#, "b end"]);
    assert_eq!(play.last_event("b").as_deref(), Some("1-4"));
    wait_out(&mut play);
    assert_nothing_is_kept(&play);
}

#[test]
fn a_reply_waits_for_who_comes_back() {
    let (mut play, s) = under_way();
    let last = play.last_event("a").unwrap();
    play.hang_up("a");
    play.says("demo", r#"{"id":#1,"result":{"a":"é"}}"#);
    play.expect(&[]);
    assert_eq!(play.proxy.census().calls, 0);
    play.advance(limits::REPLAY_TIME_MAX - Duration::from_secs(1));
    play.http("b", &resume(&s, &last));
    play.expect(&["b 200 stream", r#"b event {"id":1,"result":{"a":"é"}}"#, "b end"]);
    // That may have been lost as well.
    play.http("b", &resume(&s, &last));
    play.expect(&["b 200 stream", r#"b event {"id":1,"result":{"a":"é"}}"#, "b end"]);
    // Whoever has everything needs nothing.
    play.http("b", &resume(&s, "1-2"));
    assert_eq!((play.answer("b").head.status, play.proxy.census().streams), (204, 0));
    assert_nothing_is_kept(&play);
}

#[test]
fn the_end_of_an_answer_may_have_been_lost_with_its_connection() {
    let (mut play, s) = under_way();
    play.takes("a", false);
    play.says("demo", &progress(2));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[]);
    play.hang_up("a");
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream", &progressed("b", 2), r#"b event {"id":1,"result":{}}"#, "b end"]);
}

#[test]
fn who_has_heard_only_the_beginning_comes_back_too() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.advance(limits::JSON_WAIT_MAX);
    assert_eq!(play.last_event("a").as_deref(), Some("1-0"), "primed by the silence");
    play.hang_up("a");
    play.forget();
    play.http("b", &resume(&s, "1-0"));
    play.expect(&["b 200 stream"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"b event {"id":1,"result":{}}"#, "b end"]);
}

#[test]
fn an_answer_that_is_json_is_lost_with_its_connection() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.hang_up("a");
    assert_nothing_is_kept(&play);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    assert_nothing_is_kept(&play);
}

#[test]
fn a_resumed_stream_ends_the_half_open_one() {
    let (mut play, s) = under_way();
    play.takes("a", false);
    play.says("demo", &progress(2));
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream", &progressed("b", 2)]);
    play.takes("a", true);
    play.expect(&[&progressed("a", 2), "a end"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"b event {"id":1,"result":{}}"#, "b end"]);
}

#[test]
fn a_listening_stream_is_resumed_with_what_it_missed() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.hang_up("g");
    play.forget();
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.http("h", &resume(&s, "1-0"));
    play.expect(&["h 200 stream", r#"h event {"method":"notifications/prompts/list_changed"}"#]);
    play.says("demo", r#"{"method":"notifications/resources/list_changed"}"#);
    play.expect(&[r#"h event {"method":"notifications/resources/list_changed"}"#]);
    assert_eq!(play.last_event("h").as_deref(), Some("1-2"));
    play.hang_up("h");
    wait_out(&mut play);
    assert_nothing_is_kept(&play);
}

#[test]
fn the_resumed_stream_is_the_newest() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("1", &Http::get("/demo/mcp").session(&s));
    play.http("2", &Http::get("/demo/mcp").session(&s));
    play.http("3", &resume(&s, "1-0"));
    play.forget();
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.expect(&[r#"3 event {"method":"notifications/prompts/list_changed"}"#]);
}

#[test]
fn what_was_said_on_another_stream_is_not_said_again() {
    let (mut play, s) = under_way();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.hang_up("a");
    play.forget();
    // What belongs to no call is told where somebody listens, and so is an ask.
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.says("demo", r#"{"id":"u","method":"roots/list"}"#);
    play.expect(&[
        r#"g event {"method":"notifications/prompts/list_changed"}"#,
        r#"g event {"id":?1,"method":"roots/list"}"#,
    ]);
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream"]);
}

#[test]
fn an_ask_waits_for_who_comes_back() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    play.says("demo", r#"{"id":"u","method":"roots/list"}"#);
    play.expect(&[]);
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream", r#"b event {"id":?1,"method":"roots/list"}"#]);
    play.post("c", &s, r#"{"id":?1,"result":{"roots":[]}}"#);
    play.expect(&[r#"demo <- {"id":"u","result":{"roots":[]}}"#, "c 202"]);
}

#[test]
fn without_a_call_only_who_is_there_is_asked() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.hang_up("g");
    play.forget();
    play.says("demo", r#"{"id":"u","method":"roots/list"}"#);
    play.expect(&[r#"demo <- {"id":"u","error":{"code":-32601,"message":"no connected client…"}}"#]);
}

#[test]
fn what_nobody_can_resume_is_a_listening_stream() {
    let (mut play, s) = under_way();
    let other = play.session("x");
    play.http("x", &Http::get("/demo/mcp").session(&other));
    play.forget();
    // Never said, of another session, or no id at all.
    for last in ["1-2", "77-0", "1-1x", "+1-1", "01-1", "1", "-", "", "99999999999-0"] {
        play.http("b", &resume(&s, last));
        play.expect(&["b 200 stream"]);
        assert!(play.last_event("b").unwrap().ends_with("-0"), "a stream of its own for {last:?}");
        play.hang_up("b");
    }
    play.http("b", &resume(&other, "1-0"));
    play.expect(&["x end", "b 200 stream"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn what_waited_too_long_is_forgotten() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    assert!(play.proxy.census().replay_bytes > 0);
    wait_out(&mut play);
    assert_nothing_is_kept(&play);
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream"]);
    assert_eq!(play.last_event("b").as_deref(), Some("2-0"));
}

#[test]
fn a_call_may_take_longer_than_streams_are_kept() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    let steps = limits::REPLAY_TIME_MAX.as_secs() / 60 + 2;
    for step in 2..steps {
        play.advance(Duration::from_secs(60));
        play.says("demo", &progress(step));
    }
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.http("b", &resume(&s, "1-1"));
    let seen = play.take();
    assert_eq!(seen[1], progressed("b", 2));
    assert_eq!(seen[seen.len() - 2..], [r#"b event {"id":1,"result":{}}"#, "b end"]);
}

#[test]
fn the_oldest_events_make_room() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    let count = limits::SESSION_REPLAY_EVENTS_MAX as u64 + 10;
    for step in 2..=count {
        play.says("demo", &progress(step));
    }
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.http("b", &resume(&s, "1-1"));
    let seen = play.take();
    assert_eq!(seen.len(), limits::SESSION_REPLAY_EVENTS_MAX + 2);
    assert_eq!(seen[1], progressed("b", 12));
    assert_eq!(seen[seen.len() - 2], r#"b event {"id":1,"result":{}}"#);
}

#[test]
fn complete_streams_make_room_first() {
    let (mut play, s) = under_way();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let half = "x".repeat(limits::SESSION_REPLAY_BYTES_MAX / 2);
    for id in 2..=3 {
        play.http(
            "a",
            &Http::post("/demo/mcp", &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#))
                .session(&s)
                .with("Accept", "text/event-stream"),
        );
        play.says("demo", &format!(r#"{{"id":#{id},"result":"{half}"}}"#));
    }
    play.forget();
    assert!(play.proxy.census().replay_bytes <= limits::SESSION_REPLAY_BYTES_MAX);
    assert_eq!(play.proxy.census().streams, 1);
    play.http("b", &resume(&s, "3-0"));
    play.expect(&["b 200 stream", r#"b event {"id":3,"result":"x…"}"#, "b end"]);
}

#[test]
fn an_answer_that_is_too_large_to_be_kept_is_an_error() {
    let large = "x".repeat(limits::SESSION_REPLAY_BYTES_MAX);
    for id in ["1", r#""a\"b""#] {
        let (mut play, s) = Playbook::ready_with_session();
        let post = Http::post("/demo/mcp", &format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"x"}}"#));
        play.http("a", &post.session(&s).with("Accept", "text/event-stream"));
        play.hang_up("a");
        play.forget();
        play.says("demo", &format!(r#"{{"id":#1,"result":"{large}"}}"#));
        play.http("b", &resume(&s, "1-0"));
        let error = format!(r#"b event {{"id":{id},"error":{{"code":-32603,"message":"…4194304 bytes…"}}}}"#);
        play.expect(&["b 200 stream", &error, "b end"]);
    }
}

#[test]
fn a_large_answer_on_a_sound_connection_arrives() {
    let (mut play, s) = under_way();
    let large = "x".repeat(limits::SESSION_REPLAY_BYTES_MAX);
    play.says("demo", &format!(r#"{{"id":#1,"result":"{large}"}}"#));
    play.expect(&[r#"a event {"id":1,"result":"x…"}"#, "a end"]);
    assert_eq!(play.answer_to(&resume(&s, "1-2")).head.status, 204);
    assert_nothing_is_kept(&play);
}

#[test]
fn all_sessions_together_have_a_bound() {
    let mut play = Playbook::new();
    play.ready("demo");
    let data = "x".repeat(limits::SESSION_REPLAY_BYTES_MAX - 1_000);
    let sessions = limits::REPLAY_BYTES_MAX / limits::SESSION_REPLAY_BYTES_MAX + 2;
    for number in 1..=sessions {
        let name = format!("c{number}");
        let session = play.session(&name);
        let post = Http::post("/demo/mcp", r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#).session(&session);
        play.http(&name, &post.with("Accept", "text/event-stream"));
        play.says("demo", &format!(r#"{{"id":#{number},"result":"{data}"}}"#));
        play.forget();
    }
    let bytes = play.proxy.census().replay_bytes;
    assert!(bytes <= limits::REPLAY_BYTES_MAX && bytes > limits::REPLAY_BYTES_MAX / 2, "{bytes}");
    wait_out(&mut play);
    assert_nothing_is_kept(&play);
}

#[test]
fn a_batch_is_resumed_as_far_as_it_has_come() {
    let mut play = Playbook::new();
    play.ready("demo");
    let s = play.session_as("a", "2025-03-26", "{}");
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"x"},{"jsonrpc":"2.0","id":2,"method":"y"}]"#;
    play.http("a", &Http::post("/demo/mcp", batch).session(&s).with("Accept", "text/event-stream"));
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.hang_up("a");
    play.forget();
    play.http("b", &resume(&s, "1-1"));
    play.expect(&["b 200 stream"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"b event {"id":1,"result":{}}"#, "b end"]);
}

#[test]
fn the_end_of_the_session_is_the_end_of_its_streams() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.http("c", &Http::new("DELETE", "/demo/mcp").session(&s));
    let seen = play.take();
    assert_eq!(seen[seen.len() - 2..], ["g end", "c 204"], "{seen:?}");
    assert_nothing_is_kept(&play);
    assert_error(&play.answer_to(&resume(&s, "1-1")), 404, -32001, Value::Null, &[]);
}

#[test]
fn a_session_does_not_end_while_somebody_may_come_back() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    play.advance(Duration::from_secs(60));
    play.http("b", &resume(&s, "1-1"));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.advance(limits::SESSION_IDLE_MAX + limits::SESSION_SWEEP_INTERVAL * 2);
    assert_eq!((play.proxy.census().sessions, play.proxy.census().replay_bytes), (0, 0));
}

#[test]
fn a_head_resumes_nothing() {
    let (mut play, s) = under_way();
    let head = Http::new("HEAD", "/demo/mcp").session(&s).with("Last-Event-ID", "1-1");
    assert_eq!(play.answer_to(&head).head.status, 200);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn a_crash_is_told_to_who_comes_back() {
    let (mut play, s) = under_way();
    play.hang_up("a");
    play.exits("demo", mcp_proxy::proxy::Exit::Code(3));
    play.forget();
    play.http("b", &resume(&s, "1-1"));
    let seen = play.take();
    assert!(seen[1].starts_with(r#"b event {"id":1,"error":{"code":-32603,"message":"#), "{seen:?}");
    assert_eq!(json!(seen.last()), json!("b end"));
}
