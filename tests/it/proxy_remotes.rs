//! Streamable HTTP upstreams: the handshake, calls and their streams, and what becomes of calls when something breaks.

use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use serde_json::json;

use crate::support::playbook::{INTRODUCTION, Playbook, assert_error};
use crate::support::requests::remote_config;

pub(crate) const URL: &str = "http://up.example:8080/mcp?key=s";
pub(crate) const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#;
pub(crate) const SESSION: &str = "200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s1";
/// What every request after the handshake carries.
pub(crate) const MARKS: &str = "[Mcp-Session-Id: s1] [MCP-Protocol-Version: 2025-11-25] [X-Key: secret]";

pub(crate) fn introduction() -> String {
    format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#)
}

/// A ready upstream without a stream of its own, on `up1`, and a session on `a`.
pub(crate) fn ready() -> (Playbook, String) {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    handshake(&mut play, "up1", "up2");
    let session = play.session("a");
    play.forget();
    (play, session)
}

/// `first` carries the handshake; then that and `second` ask for tools and for the stream, which is not offered.
fn handshake(play: &mut Playbook, first: &str, second: &str) {
    play.responds(first, SESSION, &introduction());
    play.takes_note(first);
    play.responds(first, "405 Method Not Allowed", "");
    play.replies(second, r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_handshake_goes_step_by_step() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    let hello = r#"up1 POST /mcp?key=s [X-Key: secret] {"id":"mcp-proxy:initialize","method":"initialize",…}"#;
    play.expect(&["up1 connect", hello]);
    play.responds("up1", SESSION, &introduction());
    play.expect(&[&format!(r#"up1 POST /mcp?key=s {MARKS} {{"method":"notifications/initialized"}}"#)]);
    play.takes_note("up1");
    let list =
        format!(r#"up2 POST /mcp?key=s {MARKS} {{"id":"mcp-proxy:tools/list","method":"tools/list","params":{{}}}}"#);
    play.expect(&["up2 connect", &format!("up1 GET /mcp?key=s {MARKS}"), &list]);
    play.responds("up1", "405 Method Not Allowed", "");
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"one"}]}}"#);
    play.expect(&[]);
    let expected = [
        "info demo: Connecting: http://up.example:8080 (streamable HTTP)",
        "info demo: <demo> Adding tool one",
        "info demo: Ready with 1 tools",
    ];
    assert_eq!(play.logs, expected);
}

#[test]
fn the_pages_of_the_catalogue_are_read_one_after_the_other() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.takes_note("up1");
    play.responds("up1", "405 Method Not Allowed", "");
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"one"}],"nextCursor":"2"}}"#);
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"two"}]}}"#);
    assert_eq!(play.logs.last().map(String::as_str), Some("info demo: Ready with 2 tools"));
}

#[test]
fn a_call_is_answered_as_json_and_the_connection_is_used_again() {
    let (mut play, s) = ready();
    for _ in 0..2 {
        play.post("a", &s, CALL);
        let line = play.take().pop().expect("a request");
        assert!(line.starts_with("up2 POST /mcp?key=s"), "{line}");
        play.replies("up2", &format!(r#"{{"id":{},"result":{{"content":[1.0]}}}}"#, play.call_number_of_last()));
        play.expect(&[r#"a 200 json {"id":1,"result":{"content":[1.0]}}"#]);
    }
}

#[test]
fn a_free_connection_is_kept_for_a_while() {
    let (mut play, _) = ready();
    play.advance(limits::OUTBOUND_IDLE_TIME);
    play.expect(&["up1 close", "up2 close"]);
    assert_eq!(play.proxy.census().outbounds, 0);
}

#[test]
fn what_comes_on_the_stream_of_a_call_is_about_that_call() {
    let (mut play, s) = ready();
    let other = play.session("b");
    play.post("a", &s, CALL);
    play.post("b", &other, CALL);
    play.forget();
    play.streams("up2");
    play.event("up2", r#"data: {"id":9,"method":"elicitation/create","params":{"message":"?"}}"#);
    play.event("up2", r#"data: {"method":"notifications/message","params":{"level":"error","data":1}}"#);
    play.expect(&[
        "a 200 stream",
        r#"a event {"id":?1,"method":"elicitation/create","params":{"message":"?"}}"#,
        r#"a event {"method":"notifications/message","params":{"level":"error","data":1}}"#,
    ]);
    play.post("c", &s, r#"{"id":?1,"result":{"action":"decline"}}"#);
    let answer = format!(r#"POST /mcp?key=s {MARKS} {{"id":9,"result":{{"action":"decline"}}}}"#);
    play.expect(&["up3 connect", "c 202", &format!("up3 {answer}")]);
    play.event("up2", r##"data: {"id":#1,"result":{}}"##);
    play.ends_stream("up2");
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn a_stream_that_breaks_off_is_resumed_where_it_was() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.streams("up2");
    play.event("up2", "id: e7\nretry: 200\ndata:");
    play.forget();
    play.ends_stream("up2");
    play.advance(Duration::from_millis(199));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    let marks = "[Mcp-Session-Id: s1] [MCP-Protocol-Version: 2025-11-25] [Last-Event-ID: e7] [X-Key: secret]";
    play.expect(&[&format!("up2 GET /mcp?key=s {marks}")]);
    play.streams("up2");
    play.event("up2", "id: e8\ndata: {\"jsonrpc\":\"2.0\",\"id\":#1,\"result\":{}}");
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_stream_that_can_never_be_resumed_is_given_up() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.streams("up2");
    play.event("up2", "id: e7\ndata:");
    play.breaks("up2", "connection reset");
    // The first goes out on a free connection, whose end says nothing: that one does not count.
    for _ in 0..=limits::RESUME_FAILURES_MAX {
        play.advance(seconds(16)); // the longest pause before the last attempt
        let name = play.newest_outbound();
        play.breaks(&name, "connection reset");
    }
    let happened = play.take();
    let answer = happened.iter().find(|line| line.starts_with("a event")).expect("an answer");
    assert!(answer.contains("was lost during this call: connection reset"), "{answer}");
}

#[test]
fn a_stream_that_ends_early_without_an_id_is_an_error() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.streams("up2");
    play.ends_stream("up2");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["the stream ended", "may or may not"]);
}

#[test]
fn a_call_that_may_have_run_is_never_repeated() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.forget();
    play.closes("up2");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["without an answer", "may or may not"]);
    play.expect(&["up2 close"]);
}

#[test]
fn an_ended_session_is_begun_anew_and_the_refused_call_sent_again() {
    let (mut play, s) = ready();
    play.post("a", &s, r#"{"id":0,"method":"resources/subscribe","params":{"uri":"x:y"}}"#);
    play.replies("up2", r##"{"id":#1,"result":{}}"##);
    play.post("a", &s, CALL);
    play.forget();
    play.responds("up2", "404 Not Found", "");
    play.expect(&["up1 close", "up2 close", "up3 connect", "up3 POST /mcp?key=s [X-Key: secret] {…initialize…}"]);
    play.responds("up3", "200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s2", &introduction());
    play.forget();
    play.takes_note("up3");
    let happened = play.take();
    assert!(happened.iter().any(|line| line.contains(r#""resources/subscribe","params":{"uri":"x:y"}"#)));
    let calls: Vec<&String> = happened.iter().filter(|line| line.contains("tools/call")).collect();
    assert_eq!(calls.len(), 1, "{happened:?}");
    assert!(calls[0].contains("[Mcp-Session-Id: s2]"));
    let name = calls[0].split(' ').next().expect("a name").to_owned();
    play.replies(&name, r##"{"id":#2,"result":{}}"##);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_server_that_forgets_at_once_gets_the_call_twice_at_most() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.forget();
    play.responds("up2", "404 Not Found", "");
    play.responds("up3", SESSION, &introduction());
    play.takes_note("up3");
    let happened = play.take();
    let call = happened.iter().find(|line| line.contains("tools/call")).expect("the call");
    let name = call.split(' ').next().expect("a name").to_owned();
    play.responds(&name, "404 Not Found", "");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["\"demo\"", "forgets its sessions"]);
}

#[test]
fn a_server_may_send_us_away_before_it_answers_a_request_of_our_own() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.forget();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nMcp-Session-Id: s1\r\n";
    play.sends("up1", format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    play.event("up1", "id: e1\nretry: 100\ndata:");
    play.ends_stream("up1");
    play.advance(Duration::from_millis(100));
    play.expect(&["up1 GET /mcp?key=s [Mcp-Session-Id: s1] [Last-Event-ID: e1] [X-Key: secret]"]);
    play.streams("up1");
    play.event("up1", &format!("data: {}", introduction()));
    play.expect(&["up2 connect", &format!(r#"up2 POST /mcp?key=s {MARKS} {{"method":"notifications/initialized"}}"#)]);
}

#[test]
fn an_upstream_that_is_not_there_is_an_answer() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.http("a", &crate::support::requests::initialize("2025-11-25", "{}"));
    play.forget();
    play.refuse("up1", "connection refused");
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["\"demo\"", "could not be reached", "connection refused"]);
    // The next call does not wait for the pause to end.
    play.http("a", &crate::support::requests::initialize("2025-11-25", "{}"));
    play.expect(&["up2 connect", "up2 POST …"]);
}

#[test]
fn an_upstream_that_went_away_is_used_again_with_sessions_intact() {
    let (mut play, s) = ready();
    play.advance(limits::OUTBOUND_IDLE_TIME);
    play.accepts = false;
    play.post("a", &s, CALL);
    play.refuse("up3", "connection refused");
    // The call was never sent: it waits for the attempt that it has set off.
    play.refuse("up4", "connection refused");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["could not be reached"]);
    play.accepts = true;
    play.post("a", &s, CALL);
    play.responds("up5", SESSION, &introduction());
    play.takes_note("up5");
    let happened = play.take();
    let call = happened.iter().find(|line| line.contains("tools/call")).expect("the call");
    let name = call.split(' ').next().expect("a name").to_owned();
    let id = play.call_number_of_last();
    play.replies(&name, &format!(r#"{{"id":{id},"result":{{}}}}"#));
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn an_http_error_is_an_answer_and_a_jsonrpc_error_in_it_is_passed_on() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.responds("up2", "403 Forbidden\r\nContent-Type: text/plain", "no such key");
    let words = ["\"demo\"", "HTTP 403 Forbidden", "no such key", "headers"];
    assert_error(&play.answer("a"), 502, -32603, json!(1), &words);
    play.post("a", &s, CALL);
    let error = r##"{"id":#2,"error":{"code":-32602,"message":"no"}}"##;
    play.responds("up2", "400 Bad Request\r\nContent-Type: application/json", error);
    assert_error(&play.answer("a"), 200, -32602, json!(1), &["no"]);
}

#[test]
fn a_redirect_is_followed_within_the_origin_only() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.forget();
    play.responds("up1", "307 Temporary Redirect\r\nLocation: /mcp/", "");
    play.expect(&["up1 close", "up2 connect", r#"up2 POST /mcp/ [X-Key: secret] {"id":"mcp-proxy:initialize",…}"#]);
    play.responds("up2", "308 Permanent Redirect\r\nLocation: http://elsewhere.example/mcp", "");
    play.expect(&["up2 close"]);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("redirects to http://elsewhere.example, which"), "{last}");
}

#[test]
fn a_cancelled_call_is_cancelled_upstream_and_its_stream_ends_soon() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.forget();
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let cancelled =
        format!(r##"up1 POST /mcp?key=s {MARKS} {{"method":"notifications/cancelled","params":{{"requestId":#1}}}}"##);
    play.expect(&[&cancelled, "a 200 json {…the request was cancelled…}", "b 202"]);
    play.takes_note("up1");
    play.advance(limits::ABANDONED_TIME_MAX);
    assert!(play.take().contains(&"up2 close".to_owned()));
}

#[test]
fn a_link_that_nobody_uses_is_asked_for_a_sign_of_life() {
    let (mut play, _) = ready();
    play.advance(limits::PING_INTERVAL);
    let ping = format!(r#"up3 POST /mcp?key=s {MARKS} {{"id":"mcp-proxy:ping","method":"ping","params":{{}}}}"#);
    play.expect(&["up1 close", "up2 close", "up3 connect", &ping]);
    play.replies("up3", r#"{"id":"mcp-proxy:ping","result":{}}"#);
    play.advance(limits::PING_INTERVAL + limits::PING_TIME_MAX);
    play.expect(&["up3 close", "a finish", "up4 connect", "up4 POST …ping…"]);
    play.advance(limits::PING_TIME_MAX);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("did not answer a ping within 15 s"), "{last}");
}

#[test]
fn the_stream_of_the_upstream_is_opened_again() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.takes_note("up1");
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    play.streams("up1");
    let s = play.session("a");
    play.http("g", &crate::support::requests::Http::get("/demo/mcp").session(&s));
    play.forget();
    play.event("up1", "id: 5\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}");
    play.expect(&[r#"g event {"method":"notifications/prompts/list_changed"}"#]);
    play.ends_stream("up1");
    play.advance(limits::RESUME_PAUSE);
    let happened = play.take();
    assert!(happened.iter().any(|line| line.contains("GET /mcp?key=s") && line.contains("[Last-Event-ID: 5]")));
}

#[test]
fn the_session_is_ended_at_exit() {
    let (mut play, _) = ready();
    play.shut_down();
    let farewell = format!("up3 DELETE /mcp?key=s {MARKS}");
    play.expect(&["a finish", "up1 close", "up2 close", "up3 connect", &farewell]);
    play.responds("up3", "200 OK", "");
    play.advance(seconds(3));
    assert!(play.is_stopped);
}

#[test]
fn an_upstream_that_does_not_take_leave_does_not_delay_the_exit() {
    let (mut play, _) = ready();
    play.shut_down();
    play.advance(limits::STDIN_GRACE + limits::LINGER_TIME_MAX);
    assert!(play.is_stopped);
    assert_eq!(play.proxy.census().outbounds, 0);
}
