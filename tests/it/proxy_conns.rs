//! Connections: limits, deadlines, pipelining, and clients that behave in odd ways.

use std::time::Duration;

use mcp_proxy::limits;
use serde_json::json;

use crate::support::playbook::{Answer, Playbook};
use crate::support::requests::Http;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An error below MCP: a status and a reason.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, words: &[&str]) {
    assert_eq!(answer.head.status, status, "{answer:?}");
    let body = answer.json();
    let reason = body["error"].as_str().expect("a reason");
    for word in words {
        assert!(reason.contains(word), "no {word:?} in {reason}");
    }
}

fn ping(id: u8) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}

#[test]
fn what_is_too_large_is_refused_by_name() {
    let too_long = "x".repeat(limits::HEAD_BYTES_MAX);
    let mut many = Http::new("GET", "/demo/mcp");
    for number in 0..=limits::HEADERS_MAX {
        many = many.also(&format!("X-{number}"), "1");
    }
    let body = Http::post("/demo/mcp", PING).with("Content-Length", &(limits::BODY_BYTES_MAX + 1).to_string());
    let target = format!("/{}", "x".repeat(limits::TARGET_BYTES_MAX));
    for (request, status, bound) in [
        (body, 413, limits::BODY_BYTES_MAX),
        (Http::new("GET", &target), 414, limits::TARGET_BYTES_MAX),
        (Http::new("GET", "/").with("X", &too_long), 431, limits::HEAD_BYTES_MAX),
        (many, 431, limits::HEADERS_MAX),
    ] {
        let mut play = Playbook::new();
        play.forget();
        let answer = play.request("a", &request);
        assert_refused(&answer, status, &[&bound.to_string()]);
        assert!(answer.head.is_last());
        play.expect(&["a finish"]);
        play.advance(limits::LINGER_TIME_MAX);
        play.expect(&["a close"]);
    }
}

#[test]
fn malformed_requests_close_the_connection() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let mut play = Playbook::new();
        play.connect("a");
        play.forget();
        play.send("a", text.as_bytes());
        let answer = play.answer("a");
        assert_refused(&answer, 400, &[]);
        assert!(answer.head.is_last(), "{text}");
        play.send("a", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        play.expect(&["a finish"]);
        play.finish("a");
        play.expect(&["a close"]);
        assert_eq!(play.proxy.census().conns, 0);
    }
}

#[test]
fn a_malformed_chunk_is_refused_as_the_body_of_its_request() {
    let (mut play, s) = Playbook::ready_with_session();
    let head = Http::post("/demo/mcp", "").without("Content-Length").with("Transfer-Encoding", "chunked").session(&s);
    play.http("a", &head);
    play.send("a", b"zz\r\n");
    assert_refused(&play.answer("a"), 400, &[]);
    play.expect(&["a finish"]);
}

#[test]
fn a_chunked_body_in_pieces() {
    let (mut play, s) = Playbook::ready_with_session();
    let head = Http::post("/demo/mcp", "").without("Content-Length").with("Transfer-Encoding", "chunked").session(&s);
    let (front, back) = PING.split_at(10);
    let text =
        format!("{}{:x};x=y\r\n{front}\r\n{:X}\r\n{back}\r\n0\r\nX: y\r\n\r\n", head.text(), front.len(), back.len());
    for step in [1, 7, text.len()] {
        for piece in text.as_bytes().chunks(step) {
            play.send("a", piece);
        }
        play.forget();
        play.answers_last("demo", "{}");
        play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    }
}

#[test]
fn a_connection_that_says_nothing() {
    let mut play = Playbook::new();
    play.connect("a");
    play.forget();
    play.advance(secs(10) - Duration::from_millis(1));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["a finish"]);
    play.advance(secs(2));
    play.expect(&["a close"]);
}

#[test]
fn a_head_must_arrive_within_ten_seconds() {
    let mut play = Playbook::new();
    play.connect("a");
    play.forget();
    play.advance(secs(5));
    play.send("a", b"POST /demo/mcp HTTP/1.1\r\nHost: ");
    play.advance(secs(10) - Duration::from_millis(1));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    let answer = play.answer("a");
    assert_refused(&answer, 408, &["head", &format!("{} s", limits::HEAD_TIME_MAX.as_secs())]);
    assert!(answer.head.is_last());
    play.expect(&["a finish"]);
}

#[test]
fn a_head_that_drips_has_no_more_time() {
    let mut play = Playbook::new();
    play.connect("a");
    play.forget();
    for _ in 0..4 {
        play.send("a", b"GET / HTTP/1.1\r\nX: y\r\n".get(..3).unwrap());
        play.advance(secs(2));
        play.expect(&[]);
        play.hang_up("a");
        play.connect("a");
        play.send("a", b"GET");
        for byte in b" / HT" {
            play.advance(Duration::from_millis(1_999));
            play.expect(&[]);
            play.send("a", &[*byte]);
        }
        play.advance(Duration::from_millis(5));
        assert_refused(&play.answer("a"), 408, &["head", &format!("{} s", limits::HEAD_TIME_MAX.as_secs())]);
        play.forget();
        play.hang_up("a");
        play.connect("a");
    }
}

#[test]
fn the_next_head_must_not_take_longer() {
    let (mut play, s) = Playbook::ready_with_session();
    let request = Http::post("/demo/mcp", r#"{"jsonrpc":"2.0","method":"notifications/n"}"#).session(&s);
    play.forget();
    play.send("a", format!("{}POST /demo", request.text()).as_bytes());
    play.expect(&["demo <- {…}", "a 202"]);
    play.advance(secs(10));
    assert_refused(&play.answer("a"), 408, &["head"]);
}

#[test]
fn a_body_must_keep_moving() {
    let (mut play, s) = Playbook::ready_with_session();
    let text = Http::post("/demo/mcp", PING).session(&s).text();
    let (front, body) = text.split_at(text.len() - PING.len());
    play.send("a", front.as_bytes());
    for byte in &body.as_bytes()[..20] {
        play.advance(Duration::from_millis(19_999));
        play.send("a", &[*byte]);
    }
    play.expect(&[]);
    play.advance(Duration::from_millis(19_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    let answer = play.answer("a");
    assert_refused(&answer, 408, &["body", &format!("{} s", limits::BODY_PAUSE_MAX.as_secs())]);
    assert!(answer.head.is_last());
}

#[test]
fn an_idle_connection_is_kept_for_75_seconds() {
    let (mut play, s) = Playbook::ready_with_session();
    for _ in 0..3 {
        play.advance(Duration::from_millis(74_999));
        play.post("a", &s, r#"{"method":"notifications/initialized"}"#);
        play.expect(&["a 202"]);
    }
    play.advance(Duration::from_millis(74_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["a finish"]);
    play.finish("a");
    play.expect(&["a close"]);
}

#[test]
fn a_client_that_does_not_read() {
    let (mut play, s) = Playbook::ready_with_session();
    play.takes("a", false);
    play.post("a", &s, r#"{"method":"notifications/initialized"}"#);
    play.advance(secs(30) - Duration::from_millis(1));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["a close"]);
}

#[test]
fn answers_that_nobody_reads_are_bounded() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.post("a", &s, r#"{"id":1,"method":"x"}"#);
    play.forget();
    play.takes("g", false);
    let notice =
        format!(r#"{{"method":"notifications/custom","k":"{}"}}"#, "x".repeat(limits::NOTIFY_QUEUE_BYTES_MAX / 2));
    for _ in 0..10 {
        play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
        play.says("demo", &notice.replace("custom", "tools/list_changed"));
    }
    assert!(play.unread("g").len() <= limits::NOTIFY_QUEUE_BYTES_MAX + notice.len() + 100);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (mut play, s) = Playbook::ready_with_session();
    let request = |id| Http::post("/demo/mcp", &ping(id)).session(&s).text();
    let all = format!("{}{}{}", request(1), request(2), Http::new("GET", "/nowhere").text());
    play.send("a", all.as_bytes());
    play.expect(&[r#"demo <- {"id":#1,"method":"ping"}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"demo <- {"id":#2,"method":"ping"}"#, r#"a 200 json {"id":1,"result":{}}"#]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":2,"result":{}}"#, "a 404 json {…}"]);
}

#[test]
fn a_large_pipelined_request_waits_in_the_socket() {
    let (mut play, s) = Playbook::ready_with_session();
    let large = format!(r#"{{"jsonrpc":"2.0","id":2,"method":"x","params":{{"k":"{}"}}}}"#, "x".repeat(50_000));
    play.http("a", &Http::post("/demo/mcp", PING).session(&s));
    let text = Http::post("/demo/mcp", &large).session(&s).text();
    let (front, rest) = text.as_bytes().split_at(20_000);
    play.send("a", front);
    play.send("a", rest);
    play.expect(&[r#"demo <- {"id":#1,"method":"ping"}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let seen = play.take();
    assert!(seen.iter().any(|line| line.starts_with(r#"demo <- {"id":#2,"method":"x""#)), "{} lines", seen.len());
}

#[test]
fn what_follows_the_last_request_is_read_and_thrown_away() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &Http::post("/demo/mcp", PING).session(&s).with("Connection", "close"));
    play.send("a", &[b'x'; 20_000]);
    play.send("a", &[b'x'; 20_000]);
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 [Connection: close] json {"id":1,"result":{}}"#, "a finish"]);
    play.finish("a");
    play.expect(&["a close"]);
}

#[test]
fn what_follows_a_refused_request_is_read_and_thrown_away() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &Http::post("/demo/mcp", PING).session(&s));
    play.send("a", format!("nonsense\r\n\r\n{}", "x".repeat(20_000)).as_bytes());
    play.send("a", &[b'x'; 20_000]);
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#, "a 400 [Connection: close] json {…}", "a finish"]);
    play.finish("a");
    play.expect(&["a close"]);
}

#[test]
fn http10() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &Http::post("/demo/mcp", PING).session(&s).http10().with("Connection", "keep-alive"));
    play.answers_last("demo", "{}");
    play.expect(&["demo <- {…}", r#"a 200 [Connection: keep-alive] json {"id":1,"result":{}}"#]);
    play.http("a", &Http::post("/demo/mcp", PING).session(&s).http10());
    play.answers_last("demo", "{}");
    play.expect(&["demo <- {…}", r#"a 200 [Connection: close] json {"id":1,"result":{}}"#, "a finish"]);
}

#[test]
fn connection_close() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &Http::post("/demo/mcp", PING).session(&s).with("Connection", "close"));
    play.answers_last("demo", "{}");
    play.expect(&["demo <- {…}", r#"a 200 [Connection: close] json {"id":1,"result":{}}"#, "a finish"]);
    play.finish("a");
    play.expect(&["a close"]);
}

#[test]
fn expect_100_continue() {
    let (mut play, s) = Playbook::ready_with_session();
    let text = Http::post("/demo/mcp", PING).session(&s).with("Expect", "100-continue").text();
    let (head, body) = text.split_at(text.len() - PING.len());
    play.send("a", head.as_bytes());
    play.expect(&["a 100"]);
    play.send("a", body.as_bytes());
    play.answers_last("demo", "{}");
    play.expect(&["demo <- {…}", r#"a 200 json {"id":1,"result":{}}"#]);
    let refused = head.replace("application/json\r\n", "text/plain\r\n");
    play.send("a", refused.as_bytes());
    play.expect(&["a 415 [Connection: close] json {…}", "a finish"]);
    play.connect("b");
    play.send("b", head.replace("100-continue", "magic").as_bytes());
    play.expect(&["b 417 [Connection: close] json {…}", "b finish"]);
}

#[test]
fn the_body_of_a_refused_request_is_skipped() {
    let (mut play, s) = Playbook::ready_with_session();
    let refused = Http::post("/nowhere", &"x".repeat(limits::DRAIN_BYTES_MAX)).text();
    let next = Http::post("/demo/mcp", r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).session(&s).text();
    play.send("a", format!("{refused}{next}").as_bytes());
    play.expect(&["a 404 json {…}", "a 202"]);
    let refused = Http::post("/nowhere", &"x".repeat(limits::DRAIN_BYTES_MAX + 1)).text();
    play.send("a", format!("{refused}{next}").as_bytes());
    play.expect(&["a 404 [Connection: close] json {…}", "a finish"]);
}

#[test]
fn half_closed_after_the_request() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &Http::post("/demo/mcp", PING).session(&s));
    play.finish("a");
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#, "a close"]);
    assert_eq!(play.proxy.census().conns, 0);
}

#[test]
fn half_closed_with_requests_in_the_pipe() {
    let (mut play, s) = Playbook::ready_with_session();
    let request = |id| Http::post("/demo/mcp", &ping(id)).session(&s).text();
    play.send("a", format!("{}{}POST /cut", request(1), request(2)).as_bytes());
    play.finish("a");
    play.answers_last("demo", "{}");
    play.answers_last("demo", "{}");
    let seen = play.take();
    let answers: Vec<&String> = seen.iter().filter(|line| line.starts_with("a ")).collect();
    assert_eq!(answers, [r#"a 200 json {"id":1,"result":{}}"#, r#"a 200 json {"id":2,"result":{}}"#, "a close"]);
}

#[test]
fn half_closed_in_the_middle_of_a_request() {
    for cut in [5, 100, 300] {
        let (mut play, s) = Playbook::ready_with_session();
        let text = Http::post("/demo/mcp", PING).session(&s).text();
        play.send("a", &text.as_bytes()[..cut.min(text.len() - 1)]);
        play.finish("a");
        play.expect(&["a close"]);
        assert_eq!(play.proxy.census().conns, 0);
    }
}

#[test]
fn a_stream_of_a_client_that_shut_down_ends() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.finish("g");
    play.expect(&["g close"]);
    assert_eq!(play.proxy.census().conns, 1);
    play.advance(limits::REPLAY_TIME_MAX + limits::REPLAY_SWEEP_INTERVAL);
    assert_eq!(play.proxy.census().streams, 0, "it might have come back");
}

#[test]
fn a_new_connection_takes_the_place_of_the_stalest() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":1,"method":"x"}"#);
    play.connect("stale");
    play.advance(secs(1));
    for number in 2..limits::CONNS_MAX {
        play.connect_quietly(&format!("c{number}"));
    }
    assert_eq!(play.proxy.census().conns, limits::CONNS_MAX);
    play.forget();
    play.connect("new");
    play.expect(&["stale close"]);
    assert_eq!(play.proxy.census().conns, limits::CONNS_MAX);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn where_descriptors_are_short_whoever_is_idle_makes_room() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("busy", &s, r#"{"id":1,"method":"x"}"#);
    play.request("served", &Http::new("GET", "/nowhere"));
    play.connect("silent");
    play.connect("halfway");
    play.send("halfway", b"POST /demo/mcp HTTP/1.1\r\n");
    play.forget();
    let shortage = |play: &mut Playbook| {
        let now = play.now();
        play.proxy.handle_shortage(now);
        play.advance(Duration::ZERO);
    };
    shortage(&mut play);
    play.expect(&[]); // nobody has been idle for long
    play.advance(limits::IDLE_TIME_MIN);
    shortage(&mut play);
    play.expect(&["a close"]);
    shortage(&mut play);
    play.expect(&["served close"]);
    shortage(&mut play);
    play.expect(&["silent close"]);
    shortage(&mut play);
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"busy 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn dates_follow_the_clock() {
    let mut play = Playbook::new();
    let answer = play.request("a", &Http::new("GET", "/nowhere"));
    assert_eq!(answer.head.header("date"), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    play.advance(secs(30));
    let answer = play.request("a", &Http::new("GET", "/nowhere"));
    assert_eq!(answer.head.header("date"), Some("Sun, 06 Nov 1994 08:50:07 GMT"));
    assert_eq!(answer.json()["error"], json!("there is no MCP endpoint at /nowhere"));
}

/// The first request had ten seconds; nobody is woken to see that it has come.
#[test]
fn an_idle_connection_does_not_wake_the_loop() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.session("a");
    let now = play.now().instant;
    assert!(play.proxy.poll_timeout().is_some_and(|due| due <= now + limits::HEAD_TIME_MAX), "as it was queued");
    play.proxy.handle_turn(now, now);
    assert!(play.proxy.poll_timeout().is_none_or(|due| due > now + limits::EARLY_LOOK));
}
