//! What streamable HTTP upstreams get wrong, and networks with them: none of it costs more than it must.

use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use serde_json::json;

use crate::proxy_remotes::{CALL, MARKS, SESSION, URL, introduction, ready};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, initialize, remote_config};

/// A ready upstream that has taken the GET for its own stream on `up1`, which is still to be answered.
fn listening() -> (Playbook, String) {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.takes_note("up1");
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    let session = play.session("a");
    play.forget();
    (play, session)
}

/// The requests among what happened, as connection and the rest.
fn requests(play: &mut Playbook, part: &str) -> Vec<(String, String)> {
    let lines = play.take();
    let found = lines.iter().filter(|line| line.starts_with("up") && line.contains(part));
    found.filter_map(|line| line.split_once(' ')).map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

// ---- Many calls at once ----

#[test]
fn an_answer_finds_a_connection_although_calls_hold_all_of_theirs() {
    let (mut play, _) = ready();
    let sessions: Vec<String> = (0..5).map(|n| play.session(&format!("s{n}"))).collect();
    for n in 0..=limits::LINK_CONNS_MAX {
        let session = &sessions[n / limits::SESSION_CALLS_MAX];
        play.post(&format!("c{n}"), session, CALL);
    }
    let calls = requests(&mut play, "tools/call");
    assert_eq!(calls.len(), limits::LINK_CONNS_MAX, "the last one waits");
    let (first, _) = &calls[0];
    play.streams(first);
    play.event(first, r#"data: {"id":9,"method":"elicitation/create","params":{"message":"?"}}"#);
    play.forget();
    play.post("answer", &sessions[0], r#"{"id":?1,"result":{"action":"decline"}}"#);
    assert_eq!(requests(&mut play, r#"{"id":9,"result":{"action":"decline"}}"#).len(), 1);
    // A connection that becomes free is the waiting call's.
    play.event(first, r##"data: {"id":#1,"result":{}}"##);
    play.ends_stream(first);
    assert_eq!(requests(&mut play, "tools/call").len(), 1);
}

#[test]
fn calls_that_were_never_sent_outlive_the_session() {
    let (mut play, s) = ready();
    play.post("a", &s, r#"{"id":1,"method":"tools/call","params":{"name":"refused"}}"#);
    play.accepts = false;
    play.post("b", &s, r#"{"id":2,"method":"tools/call","params":{"name":"sent"}}"#);
    play.post("c", &s, r#"{"id":3,"method":"tools/call","params":{"name":"unsent"}}"#);
    play.forget();
    play.responds("up2", "404 Not Found", "");
    // What was sent before that was known has a moment to be refused as well.
    play.expect(&[]);
    play.advance(limits::FORGOTTEN_TIME_MAX);
    play.accepts = true;
    play.advance(Duration::ZERO);
    play.responds("up4", "200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s2", &introduction());
    assert_error(&play.answer("b"), 502, -32603, json!(2), &["may or may not"]);
    play.forget();
    play.takes_note("up4");
    let again = requests(&mut play, "tools/call");
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(again[0].1.contains("refused") && again[1].1.contains("unsent"), "{again:?}");
    assert!(again.iter().all(|(_, request)| request.contains("[Mcp-Session-Id: s2]")), "{again:?}");
}

#[test]
fn calls_that_are_refused_together_are_sent_again_together() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.post("b", &s, CALL);
    play.forget();
    play.responds("up2", "404 Not Found", "");
    play.expect(&[]);
    play.responds("up1", "404 Not Found", "");
    play.expect(&["up1 close", "up2 close", "up3 connect", "up3 POST …initialize…"]);
    play.responds("up3", SESSION, &introduction());
    play.takes_note("up3");
    assert_eq!(requests(&mut play, "tools/call").len(), 2);
}

#[test]
fn the_words_of_a_refusal_may_come_late() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.post("b", &s, CALL);
    play.forget();
    play.sends("up1", b"HTTP/1.1 404 Not Found\r\n\r\nno such");
    play.responds("up2", "404 Not Found", "");
    play.expect(&[]);
    play.closes("up1");
    let happened = play.take();
    assert!(
        happened.contains(&"up3 connect".to_owned()) && !happened.iter().any(|line| line.contains("may or may not"))
    );
}

#[test]
fn a_connection_that_cannot_be_made_is_the_trouble_of_one_call() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.post("b", &s, CALL);
    play.accepts = false;
    play.post("c", &s, CALL);
    play.refuse("up3", "connection refused");
    assert_error(&play.answer("c"), 502, -32603, json!(1), &["could not be reached", "connection refused"]);
    play.forget();
    play.replies("up2", r##"{"id":#1,"result":{}}"##);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

// ---- The handshake ----

#[test]
fn what_crosses_with_the_end_of_a_free_connection_is_sent_again() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.forget();
    play.closes("up1");
    let initialized = format!(r#"up2 POST /mcp?key=s {MARKS} {{"method":"notifications/initialized"}}"#);
    play.expect(&["up1 close", "up2 connect", &initialized]);
    // A fresh one that ends at once is another matter.
    play.closes("up2");
    play.expect(&["up2 close"]);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("without an answer"), "{last}");
}

#[test]
fn an_upstream_that_forgets_before_it_is_ready_is_not_tried_without_end() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.http("a", &initialize("2025-11-25", "{}"));
    play.responds("up1", SESSION, &introduction());
    play.responds("up1", "404 Not Found", "");
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["could not be reached", "has ended the session"]);
    play.forget();
    play.advance(Duration::from_millis(100));
    play.expect(&[]);
}

#[test]
fn a_log_line_is_no_answer_to_initialize() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.streams("up1");
    play.event("up1", r#"data: {"method":"notifications/message","params":{"level":"info","data":1}}"#);
    play.ends_stream("up1");
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("Could not be reached: its answer to initialize is no reply"), "{last}");
}

#[test]
fn a_request_of_our_own_does_not_hold_its_connection_for_ever() {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.takes_note("up1");
    play.responds("up1", "405 Method Not Allowed", "");
    play.streams("up2");
    play.forget();
    play.advance(limits::PING_INTERVAL);
    play.replies("up3", r#"{"id":"mcp-proxy:ping","result":{}}"#);
    play.advance(limits::EXCHANGE_TIME_MAX - limits::PING_INTERVAL);
    assert!(play.take().contains(&"up2 close".to_owned()));
    assert!(!play.logs.iter().any(|line| line.contains("Disconnected")), "{:?}", play.logs);
}

// ---- Refusals ----

#[test]
fn a_reply_is_a_reply_whatever_its_status_and_words() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    let error = r##"{"id":#1,"error":{"code":-32000,"message":"the database session has ended"}}"##;
    play.responds("up2", "400 Bad Request\r\nContent-Type: application/json", error);
    assert_error(&play.answer("a"), 200, -32000, json!(1), &["database"]);
    assert!(requests(&mut play, "initialize").is_empty());
    play.post("a", &s, CALL);
    let error = r##"{"id":#2,"error":{"code":-32601,"message":"no such method"}}"##;
    play.responds("up2", "404 Not Found\r\nContent-Type: application/json", error);
    assert_error(&play.answer("a"), 200, -32601, json!(1), &["no such method"]);
    assert!(requests(&mut play, "initialize").is_empty());
}

#[test]
fn a_server_that_wants_to_be_initialized_is() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.forget();
    let error = r#"{"error":{"code":-32000,"message":"Bad Request: Server not initialized"},"id":null}"#;
    play.responds("up2", "400 Bad Request\r\nContent-Type: application/json", error);
    assert_eq!(requests(&mut play, "POST /mcp?key=s [X-Key: secret] {").len(), 1, "initialize, without a session");
}

// ---- The upstream's own stream ----

#[test]
fn a_stream_that_is_not_there_does_not_end_the_session() {
    let (mut play, _) = listening();
    play.responds("up1", "404 Not Found\r\nContent-Type: text/html", "Cannot GET /mcp");
    let pings = requests(&mut play, "mcp-proxy:ping");
    assert_eq!(pings.len(), 1);
    play.replies(&pings[0].0, r#"{"id":"mcp-proxy:ping","result":{}}"#);
    play.advance(Duration::from_secs(10));
    assert!(requests(&mut play, "POST").is_empty());
    assert!(!play.logs.iter().any(|line| line.contains("Disconnected")), "{:?}", play.logs);
}

#[test]
fn a_stream_that_is_not_there_because_the_session_is_not_begins_another() {
    let (mut play, _) = listening();
    play.responds("up1", "404 Not Found", "");
    let pings = requests(&mut play, "mcp-proxy:ping");
    play.responds(&pings[0].0, "404 Not Found", "");
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("it has ended the session"), "{last}");
}

#[test]
fn a_stream_that_is_refused_for_now_is_asked_for_again_from_the_same_event_on() {
    for status in ["409 Conflict", "429 Too Many Requests", "503 Service Unavailable"] {
        let (mut play, _) = listening();
        play.streams("up1");
        play.event("up1", "id: 5\ndata:");
        play.ends_stream("up1");
        for pause in [limits::RESUME_PAUSE, limits::RESUME_PAUSE * 2] {
            play.forget();
            play.advance(pause);
            let gets = requests(&mut play, "GET");
            assert_eq!(gets.len(), 1, "{status}");
            assert!(gets[0].1.contains("[Last-Event-ID: 5]"), "{gets:?}");
            play.responds(&gets[0].0, status, "");
        }
    }
}

#[test]
fn a_stream_that_cannot_be_resumed_begins_anew() {
    let (mut play, _) = listening();
    play.streams("up1");
    play.event("up1", "id: 5\ndata:");
    play.ends_stream("up1");
    play.advance(limits::RESUME_PAUSE);
    let gets = requests(&mut play, "GET");
    play.responds(&gets[0].0, "400 Bad Request\r\nContent-Type: text/plain", "unknown event");
    play.advance(limits::RESUME_PAUSE * 2);
    let gets = requests(&mut play, "GET");
    assert_eq!(gets.len(), 1);
    assert!(!gets[0].1.contains("Last-Event-ID"), "{gets:?}");
}

#[test]
fn a_stream_that_is_forbidden_is_not_asked_for_again_but_told() {
    for status in ["403 Forbidden", "501 Not Implemented"] {
        let (mut play, _) = listening();
        play.responds("up1", status, "");
        let last = play.logs.last().expect("a log line");
        assert!(last.starts_with("warn") && last.contains(status), "{last}");
        play.advance(limits::PING_INTERVAL - Duration::from_secs(1));
        assert!(requests(&mut play, "GET").is_empty());
    }
}

#[test]
fn a_page_in_the_place_of_a_stream_is_none() {
    let (mut play, _) = listening();
    play.responds("up1", "200 OK\r\nContent-Type: text/html", "welcome");
    play.advance(limits::PING_INTERVAL - Duration::from_secs(1));
    assert!(requests(&mut play, "GET").is_empty());
}

#[test]
fn an_event_id_that_no_header_can_carry_is_none() {
    let giant = "x".repeat(limits::EVENT_ID_BYTES_MAX + 1);
    for id in ["\u{1}", &giant] {
        let (mut play, _) = listening();
        play.streams("up1");
        play.event("up1", &format!("id: {id}\ndata:"));
        play.ends_stream("up1");
        play.advance(limits::RESUME_PAUSE);
        let gets = requests(&mut play, "GET");
        assert_eq!(gets.len(), 1);
        assert!(!gets[0].1.contains("Last-Event-ID"));
    }
}

#[test]
fn a_stream_that_asks_to_be_opened_again_at_once_has_to_wait() {
    let (mut play, _) = listening();
    play.streams("up1");
    play.event("up1", "id: 5\nretry: 0\ndata:");
    play.forget();
    play.ends_stream("up1");
    play.advance(limits::RESUME_PAUSE_MIN - Duration::from_millis(1));
    assert!(requests(&mut play, "GET").is_empty());
    play.advance(Duration::from_millis(1));
    assert_eq!(requests(&mut play, "GET").len(), 1);
}

#[test]
fn streams_that_break_together_are_resumed_together() {
    let (mut play, s) = ready();
    for name in ["a", "b", "c", "d"] {
        play.post(name, &s, CALL);
    }
    let calls = requests(&mut play, "tools/call");
    for (name, _) in &calls {
        play.streams(name);
        play.event(name, "id: 5\ndata:");
    }
    for (name, _) in &calls {
        play.breaks(name, "connection reset");
    }
    play.advance(limits::RESUME_PAUSE);
    assert_eq!(requests(&mut play, "GET").len(), 4);
}

#[test]
fn a_stream_that_brings_nothing_however_often_is_given_up() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.streams("up2");
    play.event("up2", "id: e7\ndata:");
    play.ends_stream("up2");
    for _ in 0..limits::RESUME_FAILURES_MAX {
        play.forget();
        play.advance(Duration::from_secs(16)); // the longest pause before the last attempt
        let gets = requests(&mut play, "GET");
        play.streams(&gets[0].0);
        play.ends_stream(&gets[0].0);
    }
    let answer = play.take().into_iter().find(|line| line.starts_with("a event")).expect("an answer");
    assert!(answer.contains("the stream ended"), "{answer}");
}

// ---- Redirects ----

#[test]
fn a_redirect_of_the_stream_leaves_messages_where_they_go() {
    let (mut play, s) = listening();
    play.responds("up1", "302 Found\r\nLocation: /docs", "");
    let gets = requests(&mut play, "GET /docs");
    assert_eq!(gets.len(), 1);
    play.responds(&gets[0].0, "200 OK\r\nContent-Type: text/html", "welcome");
    play.post("a", &s, CALL);
    assert_eq!(requests(&mut play, "POST /mcp?key=s").len(), 1);
}

#[test]
fn downstreams_are_not_told_where_an_upstream_lives() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    play.responds("up2", "307 Temporary Redirect\r\nLocation: http://elsewhere.example/secret?key=s", "");
    let answer = play.answer("a");
    assert_error(&answer, 502, -32603, json!(1), &["http://elsewhere.example"]);
    assert!(!answer.body.contains("secret"), "{answer:?}");
}

#[test]
fn a_call_that_cannot_be_sent_on_is_not_sent_for_ever() {
    let (mut play, s) = ready();
    play.post("a", &s, CALL);
    for _ in 0..3 {
        let newest = play.newest_outbound();
        play.forget();
        play.responds(&newest, "307 Temporary Redirect\r\nLocation: /loop", "");
    }
    assert!(requests(&mut play, "POST").len() <= 1);
}

// ---- Streams towards downstreams ----

#[test]
fn a_ping_of_the_upstream_is_answered_while_its_stream_lasts() {
    let (mut play, s) = listening();
    play.streams("up1");
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.event("up1", r#"data: {"id":"p","method":"ping"}"#);
    assert_eq!(requests(&mut play, r#"{"id":"p","result":{}}"#).len(), 1);
}

// ---- Questions on the stream that belongs to no call ----

#[test]
fn the_stream_of_the_session_does_not_tell_whose_question_it_is() {
    let (mut play, one) = listening();
    play.streams("up1");
    let two = play.session("b");
    for (conn, session) in [("a", &one), ("b", &two)] {
        play.post(conn, session, r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
    }
    play.forget();
    play.event("up1", r#"data: {"id":9,"method":"roots/list"}"#);
    let sent = requests(&mut play, r#""id":9"#);
    assert!(sent.len() == 1 && sent[0].1.contains("-32601") && sent[0].1.contains("isolation"), "{sent:?}");
    assert_eq!(play.proxy.census().asks, 0);
}
