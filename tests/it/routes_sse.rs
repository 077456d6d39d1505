//! HTTP+SSE of 2024-11-05: the stream, its message endpoint, and what is said where.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{Config, Transports};
use mcp_proxy::limits;
use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, rpc};

const MESSAGES: &str = "/demo/message?sessionId=01010101010101010101010101010101";
const EVERYTHING: &str = r#"{"sampling":{},"elicitation":{},"roots":{}}"#;

fn ready() -> Playbook {
    let mut play = Playbook::new();
    play.ready("demo");
    play
}

/// Opens a stream. Returns where its messages are to be sent.
fn open(play: &mut Playbook, name: &str) -> String {
    play.forget();
    play.http(name, &Http::get("/demo/sse"));
    let seen = play.take();
    assert_eq!(seen[0], format!("{name} 200 stream"));
    seen[1].strip_prefix(&format!("{name} endpoint ")).expect("an endpoint").to_owned()
}

fn tell(play: &mut Playbook, name: &str, endpoint: &str, message: &str) {
    play.http(name, &Http::post(endpoint, &rpc(message)));
}

fn initialize(version: &str, capabilities: &str) -> String {
    format!(
        r#"{{"id":0,"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{capabilities}}}}}"#
    )
}

/// A session that can do everything: its stream on connection `s`, its messages on `p`.
fn greeted() -> (Playbook, String) {
    let mut play = ready();
    let endpoint = greet(&mut play, "s", "p");
    (play, endpoint)
}

fn greet(play: &mut Playbook, stream: &str, posts: &str) -> String {
    let endpoint = open(play, stream);
    tell(play, posts, &endpoint, &initialize("2024-11-05", EVERYTHING));
    play.forget();
    endpoint
}

#[test]
fn a_conversation() {
    let mut play = ready();
    play.http("s", &Http::get("/demo/sse"));
    play.expect(&["s 200 stream", &format!("s endpoint {MESSAGES}")]);
    tell(&mut play, "p", MESSAGES, &initialize("2024-11-05", "{}"));
    play.expect(&[r#"s event {"id":0,"result":{"protocolVersion":"2024-11-05",…}}"#, "p 202"]);
    tell(&mut play, "p", MESSAGES, r#"{"method":"notifications/initialized"}"#);
    play.expect(&["p 202"]);
    tell(
        &mut play,
        "p",
        MESSAGES,
        r#"{"id":"x","method":"tools/call","params":{"name":"t","_meta":{"progressToken":5}}}"#,
    );
    play.expect(&[
        r#"demo <- {"id":#1,"method":"tools/call","params":{"name":"t","_meta":{"progressToken":#1}}}"#,
        "p 202",
    ]);
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#);
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#);
    play.says("demo", r#"{"id":#1,"result":{"content":[]}}"#);
    play.expect(&[
        r#"s event {"method":"notifications/progress","params":{"progressToken":5,"progress":1}}"#,
        r#"s event {"method":"notifications/message","params":{"level":"info","data":1}}"#,
        r#"s event {"id":"x","result":{"content":[]}}"#,
    ]);
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.expect(&[r#"s event {"method":"notifications/prompts/list_changed"}"#]);
}

#[test]
fn later_versions_are_negotiated_too() {
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut play = ready();
        let endpoint = open(&mut play, "s");
        tell(&mut play, "p", &endpoint, &initialize(version, "{}"));
        let greeting = format!(r#"s event {{"id":0,"result":{{"protocolVersion":"{version}",…}}}}"#);
        play.expect(&[&greeting, "p 202"]);
        // The header says nothing here, known or not.
        let ping = Http::post(&endpoint, &rpc(r#"{"id":1,"method":"ping"}"#)).with("MCP-Protocol-Version", "nonsense");
        play.http("p", &ping);
        play.expect(&["demo <- {…}", "p 202"]);
    }
}

#[test]
fn a_server_that_is_still_starting() {
    let mut play = Playbook::new();
    let endpoint = open(&mut play, "s");
    tell(&mut play, "p", &endpoint, &initialize("2024-11-05", "{}"));
    play.expect(&["p 202"]);
    tell(&mut play, "p", &endpoint, &initialize("2024-11-05", "{}"));
    play.expect(&[r#"s event {"id":0,"error":{"code":-32600,"message":"…already"}}"#, "p 202"]);
    play.advance(limits::STARTUP_TIME);
    let seen = play.take();
    assert!(seen.iter().any(|line| line.starts_with(r#"s event {"id":0,"error":{"code":-32603,"#)), "{seen:?}");
    // The session is still there, and may try again.
    play.ready("demo");
    tell(&mut play, "p", &endpoint, &initialize("2024-11-05", "{}"));
    play.expect(&[r#"s event {"id":0,"result":{…}}"#, "p 202"]);
}

#[test]
fn first_things_first() {
    let mut play = ready();
    let endpoint = open(&mut play, "s");
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/list"}"#);
    play.expect(&[r#"s event {"id":1,"error":{"code":-32600,"message":"…must be initialize"}}"#, "p 202"]);
    tell(&mut play, "p", &endpoint, r#"{"id":2,"method":"ping"}"#);
    play.expect(&[r#"s event {"id":2,"result":{}}"#, "p 202"]);
    tell(&mut play, "p", &endpoint, r#"{"method":"notifications/roots/list_changed"}"#);
    tell(&mut play, "p", &endpoint, r#"{"id":7,"result":{}}"#);
    play.expect(&["p 202", "p 202"]);
    for params in ["{}", r#"{"protocolVersion":7}"#] {
        tell(&mut play, "p", &endpoint, &format!(r#"{{"id":3,"method":"initialize","params":{params}}}"#));
        play.expect(&[r#"s event {"id":3,"error":{"code":-32602,"message":"…initialize…"}}"#, "p 202"]);
    }
    // What concerns everybody does not concern who was not greeted.
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"error","data":1}}"#);
    play.expect(&[]);
    tell(&mut play, "p", &endpoint, &initialize("2024-11-05", "{}"));
    play.expect(&[r#"s event {"id":0,"result":{…}}"#, "p 202"]);
    tell(&mut play, "p", &endpoint, &initialize("2024-11-05", "{}"));
    play.expect(&[r#"s event {"id":0,"error":{"code":-32600,"message":"…already"}}"#, "p 202"]);
}

#[test]
fn asks_come_on_the_stream_and_answers_as_messages() {
    let (mut play, endpoint) = greeted();
    // Without a call: the only session that listens.
    play.says("demo", r#"{"id":"u","method":"roots/list"}"#);
    play.expect(&[r#"s event {"id":?1,"method":"roots/list"}"#]);
    let answer = r#"{"id":?1,"result":{"roots":[]}}"#;
    play.http("p", &Http::post(&endpoint, &play.with_numbers(&rpc(answer))));
    play.expect(&[r#"demo <- {"id":"u","result":{"roots":[]}}"#, "p 202"]);
    // With one, beside a session that listens as well.
    greet(&mut play, "s2", "p2");
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.says("demo", r#"{"id":"v","method":"sampling/createMessage"}"#);
    play.expect(&[r#"s event {"id":?2,"method":"sampling/createMessage"}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[
        r#"demo <- {"id":"v","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#,
        r#"s event {"method":"notifications/cancelled","params":{"requestId":?2}}"#,
        r#"s event {"id":1,"result":{}}"#,
    ]);
}

#[test]
fn a_cancellation_goes_on() {
    let (mut play, endpoint) = greeted();
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    tell(&mut play, "p", &endpoint, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1}}"#,
        r#"s event {"id":1,"error":{"code":-32603,"message":"…cancelled…"}}"#,
        "p 202",
    ]);
}

#[test]
fn the_session_ends_with_its_stream() {
    let (mut play, endpoint) = greeted();
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/call"}"#);
    play.says("demo", r#"{"id":"u","method":"roots/list"}"#);
    play.forget();
    play.hang_up("s");
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1,"reason":"the session was ended"}}"#,
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"…has ended"}}"#,
    ]);
    let census = play.proxy.census();
    assert_eq!((census.sessions, census.streams, census.calls, census.asks), (0, 0, 0, 0));
    let answer = play.request("p", &Http::post(&endpoint, &rpc(r#"{"id":2,"method":"ping"}"#)));
    assert_error(&answer, 404, -32001, Value::Null, &["open the stream anew"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[]);
}

#[test]
fn who_shuts_the_sending_side_down_has_left() {
    let (mut play, _) = greeted();
    play.finish("s");
    play.expect(&["s close"]);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn a_session_may_end_while_a_message_is_on_its_way() {
    let (mut play, endpoint) = greeted();
    let text = Http::post(&endpoint, &rpc(r#"{"id":9,"method":"ping"}"#)).text();
    let (first, second) = text.split_at(text.len() - 3);
    play.send("p", first.as_bytes());
    play.hang_up("s");
    play.send("p", second.as_bytes());
    assert_error(&play.answer("p"), 404, -32001, json!(9), &[]);
}

#[test]
fn a_reader_that_stalls_is_cut_off() {
    let (mut play, endpoint) = greeted();
    play.takes("s", false);
    let large = "x".repeat(limits::NOTIFY_QUEUE_BYTES_MAX);
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"x"}"#);
    play.says("demo", &format!(r#"{{"id":#1,"result":"{large}"}}"#));
    play.forget();
    // What is no reply is not kept for it any more.
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    assert!(!play.unread("s").contains("list_changed"));
    play.advance(limits::WRITE_PAUSE_MAX);
    play.expect(&["s close"]);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn a_comment_keeps_the_stream_alive() {
    let (mut play, _) = greeted();
    play.advance(Duration::from_millis(14_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["s comment still here"]);
    play.advance(limits::SESSION_IDLE_MAX);
    assert_eq!(play.proxy.census().sessions, 1, "an open stream is use enough");
}

#[test]
fn the_head_of_the_stream() {
    let mut play = ready();
    play.connect("raw");
    play.takes("raw", false);
    play.send("raw", Http::get("/demo/sse/").text().as_bytes());
    let text = play.unread("raw");
    for line in ["Content-Type: text/event-stream", "Cache-Control: no-store", "X-Accel-Buffering: no"] {
        assert!(text.contains(&format!("\r\n{line}\r\n")), "{text}");
    }
    assert!(!text.contains("Mcp-Session-Id") && !text.contains("\nid:") && !text.contains("retry"), "{text}");
    assert!(text.contains(&format!("event: endpoint\ndata: {MESSAGES}\n\n")), "{text}");
}

#[test]
fn who_tries_streamable_first_is_sent_on() {
    let mut play = ready();
    for method in ["POST", "DELETE", "PUT", "PATCH", "TRACE"] {
        let request = match method {
            "POST" => Http::post("/demo/sse", &rpc(&initialize("2025-11-25", "{}"))),
            method => Http::new(method, "/demo/sse"),
        };
        let answer = play.request("a", &request);
        assert_eq!((answer.head.status, answer.head.header("allow")), (405, Some("GET, OPTIONS")), "{method}");
        assert!(answer.json().get("jsonrpc").is_none() && answer.json()["error"].is_string(), "{answer:?}");
    }
    let answer = play.request("a", &Http::get(MESSAGES));
    assert_eq!((answer.head.status, answer.head.header("allow")), (405, Some("POST, OPTIONS")));
    for (path, allowed) in [("/demo/sse", "GET, OPTIONS"), ("/demo/message", "POST, OPTIONS")] {
        let answer = play.request("a", &Http::new("OPTIONS", path));
        assert_eq!((answer.head.status, answer.head.header("allow")), (204, Some(allowed)));
    }
    let answer = play.request("a", &Http::new("HEAD", "/demo/sse"));
    assert_eq!((answer.head.status, answer.head.header("content-type")), (200, Some("text/event-stream")));
    let answer = play.request("a", &Http::get("/demo/sse").with("Accept", "application/json"));
    assert_error(&answer, 406, -32000, Value::Null, &["text/event-stream"]);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn messages_that_are_refused() {
    let (mut play, endpoint) = greeted();
    let ping = rpc(r#"{"id":5,"method":"ping"}"#);
    let mut check = |request: &Http, status: u16, code: i64, words: &[&str]| {
        assert_error(&play.request("p", request), status, code, Value::Null, words);
    };
    check(&Http::post(&endpoint, "nonsense"), 400, -32700, &[]);
    check(&Http::post(&endpoint, "{}"), 400, -32600, &[]);
    check(&Http::post(&endpoint, &format!("[{ping}]")), 400, -32600, &["one message at a time"]);
    check(&Http::post("/demo/message", &ping), 400, -32000, &["sessionId"]);
    check(&Http::post("/demo/message?session=1", &ping), 400, -32000, &["sessionId"]);
    check(&Http::post("/demo/message?sessionId=nobody", &ping), 404, -32001, &["open the stream anew"]);
    check(&Http::post(&endpoint, &ping).with("Content-Type", "text/plain"), 415, -32000, &["application/json"]);
    check(&Http::post(&endpoint, &ping).with("Accept", "text/html"), 406, -32000, &[]);
    play.expect(&[]);
    for request in [
        Http::post(&endpoint, &ping).without("Accept"),
        Http::post(&endpoint, &ping).with("Accept", "*/*"),
        Http::post(&format!("{endpoint}&more=1"), &ping),
        Http::post(&endpoint.replace('?', "?first=1&"), &ping),
        Http::post(&endpoint.replace('?', "/?"), &ping),
    ] {
        play.http("p", &request);
        play.expect(&["demo <- {…}", "p 202"]);
    }
}

#[test]
fn the_two_transports_do_not_share_sessions() {
    let (mut play, endpoint) = greeted();
    let streamable = play.session("a");
    let ping = rpc(r#"{"id":5,"method":"ping"}"#);
    let answer = play.request("p", &Http::post(&format!("/demo/message?sessionId={streamable}"), &ping));
    assert_error(&answer, 404, -32001, Value::Null, &[]);
    let sse = endpoint.split_once('=').unwrap().1;
    let answer = play.request("a", &Http::post("/demo/mcp", &ping).session(sse));
    assert_error(&answer, 404, -32001, json!(5), &[]);
    assert_eq!(play.request("a", &Http::new("DELETE", "/demo/mcp").session(sse)).head.status, 404);
}

#[test]
fn a_session_is_one_with_its_server_only() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let endpoint = greet(&mut play, "s", "p");
    let other = endpoint.replace("/demo/", "/other/");
    let answer = play.request("p", &Http::post(&other, &rpc(r#"{"id":5,"method":"ping"}"#)));
    assert_error(&answer, 404, -32001, Value::Null, &[]);
}

#[test]
fn only_what_is_offered_is_served() {
    let with = |transports| Playbook::with(Config { transports, ..config(&["demo"]) });
    for (transports, mcp, sse, message, paths) in [
        (Transports::Both, 400, 405, 400, json!(["/demo/mcp", "/demo/sse"])),
        (Transports::Streamable, 400, 404, 404, json!(["/demo/mcp"])),
        (Transports::Sse, 404, 405, 400, json!(["/demo/sse"])),
    ] {
        let mut play = with(transports);
        for (path, status) in [("/demo/mcp", mcp), ("/demo/sse", sse), ("/demo/message", message)] {
            let answer = play.request("a", &Http::post(path, &rpc(r#"{"id":5,"method":"ping"}"#)));
            assert_eq!(answer.head.status, status, "{path}, {transports:?}");
        }
        assert_eq!(play.request("a", &Http::get("/x")).json()["paths"], paths, "{transports:?}");
    }
}

#[test]
fn the_endpoint_has_the_origin_that_the_client_came_by() {
    let given = |url: &str| {
        let base_url = Url::parse_base(url).unwrap();
        Config { base_url, is_base_url_given: true, allowed_hosts: vec!["lan".to_owned()], ..config(&["demo"]) }
    };
    let query = MESSAGES.split_once('?').unwrap().1;
    for (url, path, host, endpoint) in [
        ("https://mcp.example.com/tools", "/tools", "mcp.example.com", "https://mcp.example.com/tools/demo/message"),
        (
            "https://mcp.example.com/tools",
            "/tools",
            "MCP.example.com:443",
            "https://mcp.example.com/tools/demo/message",
        ),
        ("https://mcp.example.com/tools", "/tools", "127.0.0.1:9090", "/tools/demo/message"),
        ("https://mcp.example.com/tools", "/tools", "mcp.example.com:8443", "/tools/demo/message"),
        ("http://localhost:9090", "", "localhost:9090", "http://localhost:9090/demo/message"),
        ("http://localhost:9090", "", "lan:9090", "/demo/message"),
    ] {
        let mut play = Playbook::with(given(url));
        play.forget();
        play.http("s", &Http::get(&format!("{path}/demo/sse")).with("Host", host));
        play.expect(&["s 200 stream", &format!("s endpoint {endpoint}?{query}")]);
    }
}

#[test]
fn strangers_are_kept_out() {
    let mut secret = config(&["demo"]);
    secret.servers[0].auth_tokens.push("token".to_owned());
    let mut play = Playbook::with(secret);
    assert_eq!(play.request("a", &Http::get("/demo/sse")).head.status, 401);
    assert_eq!(play.request("a", &Http::post("/demo/sse", "{}")).head.status, 401);
    assert_eq!(play.request("a", &Http::post(MESSAGES, "{}")).head.status, 401);
    play.forget();
    play.http("s", &Http::get("/demo/sse").with("Authorization", "Bearer token"));
    play.expect(&["s 200 stream", "s endpoint …"]);
    assert_eq!(play.request("a", &Http::post(MESSAGES, "{}")).head.status, 401, "the session is no token");
    let foreign = Http::get("/demo/sse").with("Origin", "http://evil.example");
    assert_eq!(play.request("a", &foreign).head.status, 403);
    let foreign = Http::get("/demo/sse").with("Host", "evil.example");
    assert_eq!(play.request("a", &foreign).head.status, 403);
}

#[test]
fn at_shutdown_calls_are_answered_before_the_stream_ends() {
    let (mut play, endpoint) = greeted();
    greet(&mut play, "idle", "p2");
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.shut_down();
    let seen = play.take();
    assert!(seen.contains(&"idle end".to_owned()) && !seen.contains(&"s end".to_owned()), "{seen:?}");
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&["demo close-stdin", r#"s event {"id":1,"result":{}}"#, "s end", "s finish"]);
}

#[test]
fn a_crash_is_told_on_the_stream() {
    let (mut play, endpoint) = greeted();
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.exits("demo", mcp_proxy::proxy::Exit::Signal(9));
    let seen = play.take();
    assert!(seen.iter().any(|line| line.starts_with(r#"s event {"id":1,"error":{"code":-32603,"#)), "{seen:?}");
    assert_eq!(play.proxy.census().sessions, 1);
}

#[test]
fn subscriptions_and_levels_are_per_session() {
    let (mut play, endpoint) = greeted();
    let other = greet(&mut play, "s2", "p2");
    tell(&mut play, "p", &endpoint, r#"{"id":1,"method":"resources/subscribe","params":{"uri":"a:/b"}}"#);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    tell(&mut play, "p2", &other, r#"{"id":1,"method":"logging/setLevel","params":{"level":"error"}}"#);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.forget();
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"a:/b"}}"#);
    play.expect(&[r#"s event {"method":"notifications/resources/updated","params":{"uri":"a:/b"}}"#]);
    play.hang_up("s");
    play.expect(&[
        r#"demo <- {"id":"mcp-proxy:resources/subscribe","method":"resources/unsubscribe","params":{"uri":"a:/b"}}"#,
    ]);
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"error","data":1}}"#);
    play.expect(&["s2 event {…}"]);
}
