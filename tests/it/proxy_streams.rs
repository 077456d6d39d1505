//! One JSON body or an event stream? And batches.

use std::time::Duration;

use mcp_proxy::limits;
use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::Http;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#;
const PROGRESS: &str = r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#;

fn accepting(session: &str, accept: &str) -> Http {
    Http::post("/demo/mcp", CALL).with("Accept", accept).session(session)
}

#[test]
fn the_result_first_is_json() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.advance(Duration::from_millis(9_999));
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn anything_else_first_is_a_stream() {
    let notices = [
        (PROGRESS, r#"a event {"method":"notifications/progress","params":{"progressToken":"t","progress":1}}"#),
        (r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#, "a event {…}"),
        (r#"{"id":"u","method":"roots/list"}"#, r#"a event {"id":?1,"method":"roots/list"}"#),
        (r#"{"method":"notifications/resources/list_changed"}"#, "a event {…}"),
        (r#"{"method":"notifications/new"}"#, "a event {…}"),
    ];
    for (said, seen) in notices {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("a", &s, CALL);
        play.forget();
        play.says("demo", said);
        play.expect(&["a 200 stream", seen]);
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        let seen = play.take();
        assert_eq!(seen[seen.len() - 2..], [r#"a event {"id":1,"result":{}}"#, "a end"], "{said}");
    }
}

#[test]
fn ten_silent_seconds_make_a_stream() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.forget();
    play.advance(Duration::from_millis(9_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["a 200 stream"]);
    play.advance(Duration::from_secs(15));
    play.expect(&["a comment still here"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
    play.post("a", &s, r#"{"id":2,"method":"x"}"#);
    play.expect(&[r#"demo <- {"id":#2,"method":"x"}"#]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":2,"result":{}}"#]);
}

#[test]
fn json_alone_is_never_a_stream() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &accepting(&s, "application/json"));
    play.forget();
    play.says("demo", PROGRESS);
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#);
    play.advance(Duration::from_secs(60));
    play.expect(&[]);
    play.says("demo", r#"{"id":9,"method":"roots/list"}"#);
    play.expect(&[r#"demo <- {"id":9,"error":{"code":-32601,"message":"…at the moment"}}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn events_alone_are_a_stream_at_once() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &accepting(&s, "text/event-stream"));
    play.expect(&["demo <- {…}", "a 200 stream"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn what_a_stream_says_of_itself() {
    let (mut play, s) = Playbook::ready_with_session();
    play.connect("raw");
    play.takes("raw", false);
    let text = accepting(&s, "text/event-stream").text();
    play.send("raw", text.as_bytes());
    let head = play.unread("raw");
    for line in [
        "Content-Type: text/event-stream",
        "Cache-Control: no-store",
        "X-Accel-Buffering: no",
        "Transfer-Encoding: chunked",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{head}");
    }
    assert!(head.contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "{head}");
}

#[test]
fn an_http10_client_gets_its_stream_too() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &accepting(&s, "text/event-stream").http10());
    play.expect(&["demo <- {…}", "a 200 [Connection: close] stream"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a finish"]);
    play.finish("a");
    play.expect(&["a close"]);
}

// ---- Batches ----

fn batching() -> (Playbook, String) {
    let mut play = Playbook::new();
    play.ready("demo");
    let session = play.session_as("a", "2025-03-26", r#"{"roots":{}}"#);
    (play, session)
}

const BATCH: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"progressToken":1}}},
  {"jsonrpc":"2.0","method":"notifications/n"}, {"jsonrpc":"2.0","id":"2","method":"y"}]"#;

#[test]
fn batches_exist_in_one_version_only() {
    for version in ["2025-06-18", "2025-11-25"] {
        let mut play = Playbook::new();
        play.ready("demo");
        let session = play.session_as("a", version, "{}");
        play.post("a", &session, BATCH);
        assert_error(&play.answer("a"), 400, -32600, Value::Null, &["2025-03-26"]);
        play.expect(&[]);
    }
    let mut play = Playbook::new();
    play.ready("demo");
    assert_error(&play.request("a", &Http::post("/demo/mcp", BATCH)), 400, -32000, Value::Null, &["Mcp-Session-Id"]);
    assert_error(&play.request("a", &Http::post("/demo/mcp", BATCH).session("x")), 404, -32001, Value::Null, &[]);
}

#[test]
fn a_batch_is_split_and_joined() {
    let (mut play, s) = batching();
    play.post("a", &s, BATCH);
    play.expect(&[
        r#"demo <- {"id":#1,"method":"x","params":{"_meta":{"progressToken":#1}}}"#,
        r#"demo <- {"method":"notifications/n"}"#,
        r#"demo <- {"id":#2,"method":"y"}"#,
    ]);
    play.says("demo", r#"{"id":#2,"error":{"code":1,"message":"é"}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":1.0}"#);
    let both = r#"[{"jsonrpc":"2.0","id":"2","error":{"code":1,"message":"é"}},{"jsonrpc":"2.0","id":1,"result":1.0}]"#;
    assert_eq!(play.answer("a").body, both);
    play.expect(&[]);
}

#[test]
fn a_batch_becomes_a_stream_with_what_it_kept_back() {
    let (mut play, s) = batching();
    play.post("a", &s, BATCH);
    play.forget();
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#);
    play.expect(&[
        "a 200 stream",
        r#"a event {"id":"2","result":{}}"#,
        r#"a event {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
    ]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn a_batch_of_notifications() {
    let (mut play, s) = batching();
    play.post("a", &s, r#"[{"jsonrpc":"2.0","method":"notifications/n"},{"jsonrpc":"2.0","id":1,"result":{}}]"#);
    play.expect(&[r#"demo <- {"method":"notifications/n"}"#, "a 202"]);
}

#[test]
fn a_bad_member_does_not_spoil_the_others() {
    let (mut play, s) = batching();
    let batch = r#"[5,{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"initialize"}]"#;
    play.post("a", &s, batch);
    play.expect(&[r#"demo <- {"id":#1,"method":"ping"}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let answer = play.answer("a").json();
    let ids: Vec<&Value> = answer.as_array().unwrap().iter().map(|reply| &reply["id"]).collect();
    assert_eq!(ids, [&Value::Null, &json!(2), &json!(1)]);
    let codes: Vec<&Value> = answer.as_array().unwrap().iter().map(|reply| &reply["error"]["code"]).collect();
    assert_eq!(codes, [&json!(-32600), &json!(-32600), &Value::Null]);
}

#[test]
fn a_batch_may_be_too_long() {
    let (mut play, s) = batching();
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let many = vec![one; mcp_proxy::limits::BATCH_MESSAGES_MAX + 1].join(",");
    play.post("a", &s, &format!("[{many}]"));
    assert_error(&play.answer("a"), 400, -32600, Value::Null, &["100"]);
    play.expect(&[]);
}

#[test]
fn a_crash_answers_all_of_a_batch() {
    let (mut play, s) = batching();
    play.post("a", &s, BATCH);
    play.forget();
    play.exits("demo", mcp_proxy::proxy::Exit::Signal(9));
    let answer = play.answer("a");
    assert_eq!(answer.head.status, 200, "each reply carries its own error");
    let ids: Vec<Value> = answer.json().as_array().unwrap().iter().map(|reply| reply["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!("2")]);
}

#[test]
fn large_replies_of_a_batch_are_not_kept_back() {
    let (mut play, s) = batching();
    play.post("a", &s, BATCH);
    play.forget();
    let large = "x".repeat(mcp_proxy::limits::NOTIFY_QUEUE_BYTES_MAX);
    play.says("demo", &format!(r#"{{"id":#2,"result":"{large}"}}"#));
    play.expect(&["a 200 stream", &format!(r#"a event {{"id":"2","result":"{large}"}}"#)]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{}}"#, "a end"]);
}

#[test]
fn who_takes_no_stream_cannot_have_everything_kept_back() {
    let (mut play, s) = batching();
    let batch = format!("[{}]", [r#"{"jsonrpc":"2.0","id":1,"method":"x"}"#; 4].join(","));
    play.http("a", &Http::post("/demo/mcp", &batch).session(&s).with("Accept", "application/json"));
    let large = "x".repeat(mcp_proxy::limits::CONN_QUEUE_BYTES_MAX / 3);
    play.forget();
    for symbol in 1..=3 {
        play.expect(&[]);
        let id = play.call_number(symbol);
        play.writes("demo", format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"{large}\"}}\n").as_bytes());
    }
    play.expect(&["a close"]);
    play.says("demo", r#"{"id":#4,"result":{}}"#);
    play.expect(&[]);
    let census = play.proxy.census();
    assert_eq!((census.conns, census.streams, census.calls), (0, 0, 0));
}

#[test]
fn a_reply_that_is_not_json_does_not_spoil_the_others() {
    for nonsense in ["nonsense", "{", "01", "}", r#""x"y""#] {
        let (mut play, s) = batching();
        play.post("a", &s, BATCH);
        play.forget();
        let id = play.call_number(1);
        play.writes("demo", format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{nonsense}}}\n").as_bytes());
        play.expect(&[]);
        play.says("demo", r#"{"id":#2,"result":{}}"#);
        let answer = play.answer("a").json();
        assert_eq!((&answer[0]["error"]["code"], &answer[0]["id"]), (&json!(-32603), &json!(1)), "{answer}");
        assert_eq!(answer[1], json!({"jsonrpc": "2.0", "id": "2", "result": {}}));
        assert_eq!(answer.as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn a_large_result_goes_on_in_the_memory_that_it_came_in() {
    let (mut play, session) = Playbook::ready_with_session();
    play.post("a", &session, r#"{"id":"own","method":"tools/call"}"#);
    play.takes("a", false);
    let text = "x".repeat(2 * limits::LENT_BYTES_MIN);
    let id = play.call_number(1);
    let line = format!(r#"{{"result":"{text}","jsonrpc":"2.0","id":{id}}}"#);
    let (first, second) = line.split_at(limits::LENT_BYTES_MIN);
    play.writes("demo", first.as_bytes());
    play.writes("demo", format!("{second}\n").as_bytes());
    let (front, all) = play.unread_bytes("a");
    assert!(front < limits::LENT_BYTES_MIN && all > text.len(), "the head is one piece, the result another");
    play.takes("a", true);
    let answer = play.answer("a");
    assert!(answer.body == format!(r#"{{"result":"{text}","jsonrpc":"2.0","id":"own"}}"#));
}
