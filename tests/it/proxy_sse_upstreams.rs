//! SSE upstreams (HTTP+SSE of 2024-11-05): one stream for all that comes, POSTs for all that goes.

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use serde_json::json;

use crate::support::playbook::{INTRODUCTION, Playbook, assert_error};
use crate::support::requests::remote_config;

const URL: &str = "http://up.example/sse";
const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#;

fn introduction() -> String {
    format!(r#"data: {{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#)
}

/// A ready upstream whose stream is on `up1`, and a session on `a`.
fn ready() -> (Playbook, String) {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Sse));
    opens(&mut play, "up1", "up2");
    let session = play.session("a");
    play.forget();
    (play, session)
}

fn opens(play: &mut Playbook, stream: &str, posts: &str) {
    play.streams(stream);
    play.event(stream, "event: endpoint\ndata: /message?s=1");
    play.takes_note(posts);
    play.event(stream, &introduction());
    play.takes_note(posts);
    play.takes_note(posts);
    play.event(stream, r#"data: {"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
}

#[test]
fn the_stream_says_where_to_post() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Sse));
    play.expect(&["up1 connect", "up1 GET /sse [X-Key: secret]"]);
    play.streams("up1");
    play.expect(&[]);
    play.event("up1", "event: endpoint\ndata: /message?s=1");
    let hello = r#"up2 POST /message?s=1 [X-Key: secret] {"id":"mcp-proxy:initialize",…}"#;
    play.expect(&["up2 connect", hello]);
    play.takes_note("up2");
    play.event("up1", &introduction());
    play.expect(&[r#"up2 POST /message?s=1 [X-Key: secret] {"method":"notifications/initialized"}"#]);
    play.takes_note("up2");
    play.expect(&[r#"up2 POST /message?s=1 [X-Key: secret] {"id":"mcp-proxy:tools/list",…}"#]);
}

#[test]
fn an_endpoint_of_another_origin_is_refused() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Sse));
    play.streams("up1");
    play.forget();
    play.event("up1", "event: endpoint\ndata: http://evil.example/message");
    play.expect(&["up1 close"]);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("another origin (http://evil.example)"), "{last}");
}

#[test]
fn calls_are_answered_on_the_stream() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.expect(&[r##"up2 POST /message?s=1 [X-Key: secret] {"id":#1,"method":"tools/call",…}"##]);
    play.event("up1", r#"data: {"method":"notifications/message","params":{"level":"error","data":1}}"#);
    play.takes_note("up2");
    play.event("up1", r##"data: {"id":#1,"result":{}}"##);
    play.expect(&[
        "a 200 stream",
        r#"a event {"method":"notifications/message","params":{"level":"error","data":1}}"#,
        r#"a event {"id":1,"result":{}}"#,
        "a end",
    ]);
}

#[test]
fn a_lost_stream_loses_the_calls_and_is_opened_again() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.takes_note("up2");
    play.forget();
    play.breaks("up1", "connection reset");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["\"demo\"", "connection reset", "may or may not"]);
    play.expect(&["up2 close"]);
    play.post("a", &s, CALL);
    play.expect(&["up3 connect", "up3 GET /sse [X-Key: secret]"]);
    opens(&mut play, "up3", "up4");
    let calls = play.take().iter().filter(|line| line.contains("tools/call")).count();
    assert_eq!(calls, 1);
}

#[test]
fn an_upstream_that_has_forgotten_the_session_is_begun_anew() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.forget();
    play.responds("up2", "404 Not Found", "no such session");
    play.expect(&["up1 close", "up2 close", "up3 connect", "up3 GET /sse [X-Key: secret]"]);
    opens(&mut play, "up3", "up4");
    let calls = play.take().iter().filter(|line| line.contains("tools/call")).count();
    assert_eq!(calls, 1);
    play.event("up3", r##"data: {"id":#1,"result":{}}"##);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_refused_post_is_the_answer() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.responds("up2", "400 Bad Request\r\nContent-Type: text/plain", "unreadable");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["HTTP 400 Bad Request", "unreadable"]);
}

#[test]
fn what_refuses_streamable_http_is_tried_as_an_sse_upstream() {
    for status in ["400 Bad Request", "404 Not Found", "405 Method Not Allowed"] {
        let mut play = Playbook::with(remote_config(URL, RemoteTransport::Auto));
        play.forget();
        play.responds("up1", status, "");
        play.expect(&["up1 GET /sse [X-Key: secret]"]);
        opens(&mut play, "up1", "up2");
        assert!(play.logs.contains(&"info demo: Ready with 0 tools".to_owned()));
    }
}

#[test]
fn what_has_spoken_streamable_http_once_is_no_sse_upstream() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Auto));
    play.streams("up1");
    play.event("up1", "id: e1\nretry: 0\ndata:");
    play.ends_stream("up1");
    play.advance(limits::RESUME_PAUSE);
    play.forget();
    play.responds("up1", "404 Not Found", "");
    play.expect(&["up1 close"]);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("it answered initialize with HTTP 404"), "{last}");
}

#[test]
fn any_other_refusal_says_nothing_about_the_transport() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Auto));
    play.forget();
    play.responds("up1", "401 Unauthorized", "");
    play.expect(&["up1 close"]);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("HTTP 401 Unauthorized") && last.contains("headers"), "{last}");
}

#[test]
fn a_sign_of_life_comes_on_the_stream() {
    let (mut play, _) = ready();
    play.advance(limits::PING_INTERVAL);
    let pings: Vec<String> = play.take().into_iter().filter(|line| line.contains("mcp-proxy:ping")).collect();
    let (name, _) = pings[0].split_once(' ').expect("a name");
    // The message is taken, but the stream, which may have lost its other end, brings nothing.
    play.takes_note(name);
    play.advance(limits::PING_TIME_MAX);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("did not answer a ping"), "{last}");
}

#[test]
fn the_stream_does_not_tell_whose_question_it_is() {
    let (mut play, one) = ready();
    let two = play.session("b");
    for (conn, session) in [("a", &one), ("b", &two)] {
        play.post(conn, session, CALL);
        play.takes_note("up2");
    }
    play.forget();
    play.event("up1", r#"data: {"id":9,"method":"roots/list"}"#);
    let lines = play.take();
    let is_refusal =
        |line: &&String| line.starts_with("up2 POST") && line.contains("-32601") && line.contains("isolation");
    assert_eq!(lines.iter().filter(is_refusal).count(), 1, "{lines:?}");
    assert_eq!(play.proxy.census().asks, 0);
}
