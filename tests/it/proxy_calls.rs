//! Calls: sent up with our id, answered with theirs, exactly once, byte for byte.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::{Value, json};

use crate::support::modern::Modern;
use crate::support::pair::Pair;
use crate::support::playbook::{HELLO, Playbook, assert_error};
use crate::support::requests::{Http, config};

#[test]
fn a_call_goes_up_and_its_answer_comes_down() {
    let mut play = Playbook::new();
    play.expect(&["demo spawn"]);
    play.spawned("demo");
    play.expect(&[HELLO]);
    play.ready("demo");
    let s = play.session("a");
    play.post("a", &s, r#"{"id":"x","method":"tools/call","params":{"name":"echo"}}"#);
    play.expect(&[r#"demo <- {"id":#1,"method":"tools/call","params":{"name":"echo"}}"#]);
    play.says("demo", r#"{"id":#1,"result":{"content":[]}}"#);
    play.expect(&[r#"a 200 json {"id":"x","result":{"content":[]}}"#]);
    play.says("demo", r#"{"id":#1,"result":{"content":["again"]}}"#);
    play.expect(&[]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn the_demo_answers() {
    let (mut pair, s) = Pair::new();
    pair.call("a", &s, 7, "echo", r#"{"message":"hi"}"#);
    pair.expect(&[r#"a 200 json {"id":7,"result":{"content":[{"text":"hi","type":"text"}]}}"#]);
}

#[test]
fn sessions_may_use_the_same_ids_and_tokens() {
    let (mut play, one) = Playbook::ready_with_session();
    let two = play.session("b");
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"slow","_meta":{"progressToken":1}}}"#;
    play.post("a", &one, call);
    play.post("b", &two, call);
    play.expect(&[
        r#"demo <- {"id":#1,"method":"tools/call","params":{"name":"slow","_meta":{"progressToken":#1}}}"#,
        r#"demo <- {"id":#2,"method":"tools/call","params":{"name":"slow","_meta":{"progressToken":#2}}}"#,
    ]);
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#2,"progress":1}}"#);
    play.expect(&[
        "b 200 stream",
        r#"b event {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
    ]);
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":0.50}}"#);
    play.says("demo", r#"{"id":#2,"result":{"of":"two"}}"#);
    play.says("demo", r#"{"id":#1,"result":{"of":"one"}}"#);
    play.expect(&[
        "a 200 stream",
        r#"a event {"method":"notifications/progress","params":{"progressToken":1,"progress":0.50}}"#,
        r#"b event {"id":1,"result":{"of":"two"}}"#,
        "b end",
        r#"a event {"id":1,"result":{"of":"one"}}"#,
        "a end",
    ]);
}

#[test]
fn progress_tokens_of_both_types() {
    let (mut play, s) = Playbook::ready_with_session();
    for token in [r#""t\u0031""#, "0", "-5", "12345678901234567890"] {
        play.post("a", &s, &format!(r#"{{"id":1,"method":"x","params":{{"_meta":{{"progressToken":{token}}}}}}}"#));
        let up = play.take().remove(0);
        let symbol = up.split("progressToken\":").nth(1).unwrap().split('}').next().unwrap().to_owned();
        let notice =
            format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{symbol},"progress":1}}}}"#);
        play.says("demo", &notice);
        let seen = format!(
            r#"a event {{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#
        );
        play.says("demo", &format!(r#"{{"id":{symbol},"result":{{}}}}"#));
        play.expect(&["a 200 stream", &seen, r#"a event {"id":1,"result":{}}"#, "a end"]);
    }
}

#[test]
fn progress_that_belongs_to_nothing() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":1,"method":"x"}"#);
    play.forget();
    for token in ["#1", "77", r#""x""#, "-1", "1.5", "null", "18446744073709551616"] {
        let notice =
            format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#);
        play.says("demo", &notice);
    }
    play.says("demo", r#"{"method":"notifications/progress"}"#);
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn bytes_pass_unchanged_upwards() {
    let (mut play, s) = Playbook::ready_with_session();
    play.child_takes("demo", false);
    let before = play.stdin("demo").len();
    let params = "{\"z\":1.0,\"a\":1e2,\"n\":12345678901234567890123,\"e\":\"\\u00e9\\/\\ud83e\\udd80\",\
                  \"u\":\"\u{2028}é🦀\",\
                  \"_meta\":{\"x\":null},\"m\" : [ 1 ,2 ]}";
    let body = format!(
        "{{\"params\":{params},\"extra\":{{\"k\":-0}},\"id\":\"\\u0061\",\"method\":\"m\\u002fx\",\"jsonrpc\":\"2.0\"}}"
    );
    play.http("a", &Http::post("/demo/mcp", &body).session(&s));
    let sent = String::from_utf8(play.stdin("demo")[before..].to_vec()).unwrap();
    let id = sent.split("\"id\":").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(sent, body.replace("\"\\u0061\"", id) + "\n");
    play.says("demo", &format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    play.expect(&[r#"a 200 json {"id":"\u0061","result":{}}"#]);
}

#[test]
fn a_pretty_body_becomes_one_line() {
    let (mut play, s) = Playbook::ready_with_session();
    let body = "\r\n{\n  \"jsonrpc\": \"2.0\",\r\n\t\"id\" :\n 1,\n  \"method\": \"x\",\n  \
                \"params\": {\n    \"k\": \"v\\n\"\n  }\n}\n";
    play.child_takes("demo", false);
    let before = play.stdin("demo").len();
    play.http("a", &Http::post("/demo/mcp", body).session(&s));
    let sent = String::from_utf8(play.stdin("demo")[before..].to_vec()).unwrap();
    assert!(sent.ends_with('\n') && sent.matches(['\n', '\r']).count() == 1, "{sent:?}");
    let (mut got, mut want): (Value, Value) =
        (serde_json::from_str(&sent).unwrap(), serde_json::from_str(body).unwrap());
    assert!(got["id"].take().is_u64() && want["id"].take() == 1);
    assert_eq!(got, want);
}

#[test]
fn bytes_pass_unchanged_downwards() {
    let result = "{\"z\":1.0,\"a\":1e2,\"n\":12345678901234567890123,\"e\":\"\\u00e9\\/\",\
                  \"u\":\"\u{2028}\u{2029}é🦀\",\"id\":7}";
    for (front, back) in [
        ("{\"jsonrpc\":\"2.0\",\"id\":", ",\"result\":R}"),
        ("{\"result\":R,\"jsonrpc\":\"2.0\",\"id\":", "}"),
        ("{ \"x\" : [1.50] , \"id\" : ", " , \"result\" : R , \"jsonrpc\" : \"2.0\" }"),
        ("{\"jsonrpc\":\"2.0\",\"error\":R,\"id\":", "}"),
    ] {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("a", &s, r#"{"id":"mine","method":"x"}"#);
        play.forget();
        let result = if front.contains("error") {
            result.replacen('{', "{\"code\":-1,\"message\":\"\",", 1)
        } else {
            result.to_owned()
        };
        let line = |id: &str| format!("{front}{id}{back}").replace('R', &result);
        play.says("demo", &line("#1").replace("\"id\" : #1", "\"id\" :#1"));
        let answer = play.answer("a");
        assert_eq!(answer.body, line("\"mine\"").replace("\"id\" : \"mine\"", "\"id\" :\"mine\""));
    }
}

#[test]
fn notifications_pass_unchanged() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    let notice = "{\"params\":{\"b\":1.0,\"a\":\"\u{2028}\\u2028\"},\"x\":{},\
                  \"method\":\"notifications/custom\",\"jsonrpc\":\"2.0\"}";
    play.says("demo", notice);
    play.expect(&[&format!("g event {notice}")]);
    play.writes("demo", b"{\"jsonrpc\":\"2.0\",\r\"method\":\"notifications/custom\"}\r\n");
    play.expect(&["g event {\n\"method\":\"notifications/custom\"}"]);
    play.post("a", &s, notice);
    play.expect(&[&format!("demo <- {notice}"), "a 202"]);
}

#[test]
fn a_cancelled_call_is_answered_at_once() {
    let (mut play, s) = Playbook::ready_with_session();
    let other = play.session("b");
    play.post("a", &s, r#"{"id":1,"method":"tools/call"}"#);
    play.post("b", &other, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.post("c", &s, r#"{"method":"notifications/cancelled","params":{"requestId":"1"}}"#);
    play.expect(&["c 202"]);
    play.post("c", &s, r#"{"method":"notifications/cancelled","params":{"reason":"bored","requestId":1}}"#);
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"reason":"bored","requestId":#1}}"#,
        r#"a 200 json {"id":1,"error":{"code":-32603,"message":"the request was cancelled: the client cancelled it"}}"#,
        "c 202",
    ]);
    play.says("demo", r#"{"id":#1,"result":{"late":true}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"b 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_call_that_waits_can_be_cancelled() {
    let (mut play, s) = Playbook::ready_with_session();
    play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
    play.forget();
    play.post("a", &s, r#"{"id":1,"method":"tools/call"}"#);
    play.post("b", &s, r#"{"id":2,"method":"tools/call"}"#);
    play.expect(&["demo spawn"]);
    play.post("c", &s, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    assert_error(&play.answer("a"), 200, -32603, json!(1), &["cancelled"]);
    play.expect(&["c 202"]);
    play.spawned("demo");
    play.forget();
    play.says("demo", r#"{"id":"mcp-proxy:initialize","result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#);
    play.expect(&[r#"demo <- {"method":"notifications/initialized"}"#, r#"demo <- {"id":#1,"method":"tools/call"}"#]);
}

#[test]
fn a_client_that_hangs_up_has_not_cancelled() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.hang_up("a");
    play.expect(&[]);
    assert_eq!((play.proxy.census().calls, play.proxy.census().streams), (1, 0));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn silence_is_not_for_ever() {
    let (mut play, s) = Playbook::ready_with_session();
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#;
    play.http("a", &Http::post("/demo/mcp", request).with("Accept", "application/json").session(&s));
    play.advance(Duration::from_secs(100));
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#);
    play.advance(Duration::from_millis(119_999));
    play.forget();
    play.advance(Duration::from_millis(1));
    assert_error(&play.answer("a"), 504, -32603, json!(1), &["\"demo\"", "120 s", "requestTimeout"]);
    let reason = "no answer within requestTimeout";
    let cancelled = r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1,"reason":"#;
    play.expect(&[&format!("{cancelled}\"{reason}\"}}}}")]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn silence_in_an_open_stream_ends_as_an_event() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":1,"method":"tools/call"}"#);
    play.advance(Duration::from_secs(119));
    play.forget();
    play.advance(Duration::from_secs(1));
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled",…}"#,
        r#"a event {"id":1,"error":{"code":-32603,"message":"…said nothing…120 s (requestTimeout)…"}}"#,
        "a end",
    ]);
}

#[test]
fn too_many_calls_of_one_session() {
    let (mut play, s) = Playbook::ready_with_session();
    let other = play.session("b");
    for id in 0..limits::SESSION_CALLS_MAX {
        play.post(&format!("c{id}"), &s, &format!(r#"{{"id":{id},"method":"tools/call"}}"#));
    }
    play.forget();
    play.post("a", &s, r#"{"id":"one more","method":"tools/call"}"#);
    let bound = limits::SESSION_CALLS_MAX.to_string();
    assert_error(&play.answer("a"), 429, -32603, json!("one more"), &["\"demo\"", &bound]);
    play.expect(&[]);
    play.post("b", &other, r#"{"id":1,"method":"tools/call"}"#);
    assert_eq!(play.take().len(), 1, "nobody else notices");
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.post("a", &s, r#"{"id":"again","method":"tools/call"}"#);
    assert_eq!(play.take().len(), 1, "there is room again");
}

#[test]
fn a_child_that_does_not_read() {
    let (mut play, s) = Playbook::ready_with_session();
    play.child_takes("demo", false);
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"k":"{}"}}}}"#,
        "x".repeat(limits::BODY_BYTES_MAX - 100)
    );
    for name in ["1", "2"] {
        play.http(name, &Http::post("/demo/mcp", &body).session(&s));
    }
    play.http("3", &Http::post("/demo/mcp", &body).session(&s));
    assert_error(&play.answer("3"), 503, -32603, json!(1), &["\"demo\"", "does not read"]);
    play.expect(&[]);
}

#[test]
fn what_waits_for_a_child_is_bounded_for_notifications_too() {
    let (mut play, s) = Playbook::ready_with_session();
    play.child_takes("demo", false);
    let notice = format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{{"k":"{}"}}}}"#,
        "x".repeat(limits::BODY_BYTES_MAX - 100)
    );
    for _ in 0..4 {
        play.http("a", &Http::post("/demo/mcp", &notice).session(&s));
        assert_eq!(play.answer("a").head.status, 202);
    }
    let waiting = play.stdin("demo").len();
    assert!(waiting <= limits::LINK_QUEUE_BYTES_MAX + limits::BODY_BYTES_MAX, "{waiting} bytes");
}

/// What an upstream waits for, and what is said of a call, does not depend on how fast it reads.
#[test]
fn nothing_that_is_owed_to_a_clogged_child_is_dropped() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("c", &s, r#"{"id":"c","method":"tools/call"}"#);
    play.says("demo", r#"{"id":7,"method":"sampling/createMessage","params":{}}"#);
    play.child_takes("demo", false);
    let notice =
        format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"k":"{}"}}}}"#, "x".repeat(limits::BODY_BYTES_MAX - 100));
    for _ in 0..3 {
        play.http("a", &Http::post("/demo/mcp", &notice).session(&s));
    }
    let clogged = play.stdin("demo").len();
    assert!(clogged > limits::LINK_QUEUE_BYTES_MAX);
    play.post("b", &s, r#"{"method":"dropped"}"#);
    play.says("demo", r#"{"id":8,"method":"ping"}"#);
    assert_eq!(play.stdin("demo").len(), clogged);
    play.post("b", &s, r#"{"id":?1,"result":{"role":"x"}}"#);
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":"c","reason":"so"}}"#);
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    let stdin = play.stdin("demo");
    let owed = String::from_utf8_lossy(&stdin[clogged..]).into_owned();
    let [answer, cancellation, list] = owed.lines().collect::<Vec<_>>()[..] else { panic!("{owed}") };
    assert!(
        answer.contains("\"id\":7,\"error\"") && answer.contains("does not read its input fast enough"),
        "{answer}"
    );
    assert!(cancellation.contains("notifications/cancelled") && cancellation.contains("the client cancelled it"));
    assert!(list.contains("tools/list"), "{list}");
}

#[test]
fn a_reply_to_a_call_that_was_never_sent() {
    let mut play = Playbook::with(config(&["demo"]));
    play.spawned("demo");
    play.http("a", &crate::support::requests::initialize("2025-11-25", "{}"));
    play.forget();
    // The waiting initialize has one of these numbers.
    for number in 0..3 {
        play.says("demo", &format!(r#"{{"id":{number},"result":{{"forged":true}}}}"#));
    }
    play.expect(&[]);
    play.ready("demo");
    assert!(play.answer("a").head.header("mcp-session-id").is_some());
}

#[test]
fn ids_are_counted() {
    let (mut play, s) = Playbook::ready_with_session();
    play.child_takes("demo", false);
    let mut seen = play.stdin("demo").len();
    for number in 2..5_000_u32 {
        play.post("a", &s, r#"{"id":"mine","method":"ping","params":{"_meta":{"progressToken":0}}}"#);
        // The initialize that began the session was the first call.
        let sent = String::from_utf8(play.stdin("demo")[seen..].to_vec()).unwrap();
        seen += sent.len();
        let expected = format!(r#""id":{number},"method":"ping","params":{{"_meta":{{"progressToken":{number}}}}}}}"#);
        assert_eq!(sent, format!("{{\"jsonrpc\":\"2.0\",{expected}\n"));
        play.writes("demo", format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":{{}}}}\n").as_bytes());
        play.expect(&[r#"a 200 json {"id":"mine","result":{}}"#]);
    }
}

#[test]
fn a_process_that_has_ended_is_told_nothing() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).level("debug").http());
    play.forget();
    play.exits("demo", Exit::Code(3));
    let lines = play.take();
    assert!(!lines.iter().any(|line| line.starts_with("demo <-")), "{lines:?}");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["exit status 3"]);
}
