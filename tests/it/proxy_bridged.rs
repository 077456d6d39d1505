//! Legacy downstreams before modern upstreams: what they ask for, and what they are told.

use mcp_proxy::config::{ToolFilter, ToolFilterMode};
use serde_json::{Value, json};

use crate::support::modern_upstreams::{META, discovered, host, process};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::config;

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"t"}}"#;

/// What a request is answered with, given what the upstream says.
fn answered(request: &str, outcome: &str) -> Value {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, request);
    play.says("demo", &format!(r##"{{"id":#1,{outcome}}}"##));
    play.answer("a").json()
}

fn called(result: &str) -> Value {
    answered(CALL, &format!("\"result\":{result}"))["result"].clone()
}

// ---- Requests ----

#[test]
fn a_request_says_who_asks_and_what_they_can_be_asked() {
    let mut play = process("");
    let session = play.session_as("a", "2024-11-05", r#"{"roots":{"listChanged":true},"tasks":{},"x":{"y":1.0}}"#);
    play.post("a", &session, r#"{"id":1,"method":"prompts/get","params":{"name":"p","_meta":{"a":1}}}"#);
    let keys = concat!(
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"test","version":"0"},"#,
        r#""io.modelcontextprotocol/clientCapabilities":{"roots":{},"x":{"y":1.0}}"#
    );
    let params = format!(r#"{{"name":"p","_meta":{{{keys},"a":1}}}}"#);
    play.expect(&[&format!(r##"demo <- {{"id":#1,"method":"prompts/get","params":{params}}}"##)]);
}

#[test]
fn a_ping_is_answered_here() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, r#"{"id":1,"method":"ping"}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn a_level_is_said_with_each_request_from_then_on() {
    let mut play = host("");
    let session = play.session("a");
    let other = play.session("b");
    play.post("a", &session, r#"{"id":1,"method":"logging/setLevel","params":{"level":"debug"}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    play.post("b", &other, r#"{"id":1,"method":"logging/setLevel","params":{"level":"error"}}"#);
    play.forget();
    play.post("a", &session, CALL);
    let line = play.take().pop().expect("a request");
    assert!(line.contains(r#""io.modelcontextprotocol/logLevel":"debug""#), "{line}");
    play.streams("up1");
    play.event("up1", r#"data: {"method":"notifications/message","params":{"level":"debug","data":1}}"#);
    play.expect(&["a 200 stream", r#"a event {"method":"notifications/message","params":{"level":"debug","data":1}}"#]);
    play.post("c", &session, r#"{"id":1,"method":"logging/setLevel","params":{"level":"loud"}}"#);
    assert_error(&play.answer("c"), 200, -32602, json!(1), &["level"]);
}

#[test]
fn a_line_of_the_log_is_for_who_has_asked_for_it() {
    let mut play = process("");
    let session = play.session("a");
    let other = play.session("b");
    play.post("b", &other, r#"{"id":0,"method":"logging/setLevel","params":{"level":"info"}}"#);
    play.post("a", &session, CALL);
    play.post("b", &other, CALL);
    play.forget();
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"info","data":1}}"#);
    play.expect(&["b 200 stream", r#"b event {"method":"notifications/message","params":{"level":"info","data":1}}"#]);
}

#[test]
fn what_the_other_era_does_not_have_is_unknown() {
    let mut play = process("");
    let session = play.session("a");
    for method in ["server/discover", "subscriptions/listen", "tasks/list", "tasks/update"] {
        play.post("a", &session, &format!(r#"{{"id":1,"method":"{method}"}}"#));
        assert_error(&play.answer("a"), 200, -32601, json!(1), &[method]);
    }
    play.expect(&[]);
    play.post("a", &session, r#"{"id":1,"method":"x/y"}"#);
    play.expect(&[&format!(r##"demo <- {{"id":#1,"method":"x/y","params":{{{META}}}}}"##)]);
}

#[test]
fn what_waits_for_the_start_is_answered_here_as_well() {
    let mut play = process("");
    let session = play.session("a");
    play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
    play.post("a", &session, r#"{"id":1,"method":"ping"}"#);
    play.spawned("demo");
    play.forget();
    play.says("demo", &discovered(0));
    play.expect(&["demo <- {…tools/list…}", r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_task_that_nobody_offered_is_a_call() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, r#"{"id":1,"method":"tools/call","params":{"task":{"ttl":1},"name":"t"}}"#);
    let params = format!(r#"{{{META},"name":"t"}}"#);
    play.expect(&[&format!(r##"demo <- {{"id":#1,"method":"tools/call","params":{params}}}"##)]);
    play.says("demo", r##"{"id":#1,"result":{"content":[]}}"##);
    play.expect(&[r#"a 200 json {"id":1,"result":{"content":[]}}"#]);
}

// ---- Results ----

#[test]
fn newer_members_are_left_where_they_are() {
    let result = r#"{"resultType":"complete","tools":[],"ttlMs":1,"cacheScope":"public","_meta":{"a":1}}"#;
    let answer = answered(r#"{"id":1,"method":"tools/list"}"#, &format!("\"result\":{result}"));
    assert_eq!(answer["result"], serde_json::from_str::<Value>(result).unwrap());
    assert_eq!(called(r#"{"content":[]}"#), json!({"content": []}), "without a type it is complete");
}

#[test]
fn structured_content_is_an_object_or_becomes_a_text() {
    assert_eq!(called(r#"{"structuredContent":{"a":1},"content":[]}"#)["structuredContent"], json!({"a": 1}));
    let text = json!([{"type": "text", "text": "[1.0]"}]);
    assert_eq!(called(r#"{"structuredContent":[1.0],"content":[]}"#), json!({"content": text}));
}

#[test]
fn an_output_schema_is_of_an_object_or_left_out_and_filters_still_hold() {
    let tools =
        r#"[{"name":"a","outputSchema":{"type":"array"}},{"name":"b"},{"name":"c","outputSchema":{"type":"object"}}]"#;
    let mut filtered = config(&["demo"]);
    filtered.servers[0].tool_filter = Some(ToolFilter { mode: ToolFilterMode::Block, names: vec!["b".to_owned()] });
    for (config, expected) in [
        (config(&["demo"]), json!([{"name": "a"}, {"name": "b"}, {"name": "c", "outputSchema": {"type": "object"}}])),
        (filtered, json!([{"name": "a"}, {"name": "c", "outputSchema": {"type": "object"}}])),
    ] {
        for id_is_last in [false, true] {
            let mut play = Playbook::probed(config.clone());
            play.spawned("demo");
            play.says("demo", &discovered(0));
            let session = play.session("a");
            play.post("a", &session, r#"{"id":"x","method":"tools/list"}"#);
            play.says(
                "demo",
                &match id_is_last {
                    false => format!(r##"{{"id":#1,"result":{{"tools":{tools}}}}}"##),
                    true => format!(r##"{{"result":{{"tools":{tools}}},"id":#1}}"##),
                },
            );
            let answer = play.answer("a").json();
            assert_eq!((&answer["id"], &answer["result"]["tools"]), (&json!("x"), &expected));
        }
    }
}

#[test]
fn a_result_of_an_unknown_kind_is_an_error() {
    for (result, words) in [
        (r#"{"resultType":"partial"}"#, "unknown type \"partial\""),
        (r#"{"resultType":7}"#, "unknown type"),
        (r#"{"resultType":"task","taskId":"t"}"#, "a task that nobody asked for"),
        (r#"{"resultType":"input_required"}"#, "requires input and asks for none"),
        (r#"{"resultType":"input_required","requestState":7}"#, "requestState"),
    ] {
        let answer = answered(CALL, &format!("\"result\":{result}"));
        let message = answer["error"]["message"].as_str().expect("an error");
        assert!(answer["error"]["code"] == -32603 && message.contains(words), "{answer}");
    }
}

#[test]
fn errors_are_told_in_the_words_of_the_older_era() {
    let read = r#"{"id":1,"method":"resources/read","params":{"uri":"a:b"}}"#;
    let error = |code: i32, data: &str| format!(r#""error":{{"code":{code},"message":"?"{data}}}"#);
    for (request, error, expected) in [
        (
            read,
            error(-32602, r#","data":{"uri":"a:b"}"#),
            json!({"code": -32002, "message": "?", "data": {"uri": "a:b"}}),
        ),
        (read, error(-32602, ""), json!({"code": -32602, "message": "?"})),
        (
            CALL,
            error(-32602, r#","data":{"uri":"a:b"}"#),
            json!({"code": -32602, "message": "?", "data": {"uri": "a:b"}}),
        ),
        (CALL, error(-32022, ""), json!({"code": -32603, "message": "?"})),
        (CALL, error(-32020, ""), json!({"code": -32603, "message": "?"})),
        (CALL, error(-32000, ""), json!({"code": -32000, "message": "?"})),
    ] {
        assert_eq!(answered(request, &error)["error"], expected);
    }
    let required = r#","data":{"requiredCapabilities":{"sampling":{},"elicitation":{"url":{}}}}"#;
    let answer = answered(CALL, &error(-32021, required));
    assert_eq!(answer["error"]["code"], -32021);
    assert_eq!(answer["error"]["message"], "? (the client has not declared: sampling, elicitation)");
}

// ---- The other way ----

#[test]
fn a_request_of_a_modern_upstream_gets_no_answer() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    for request in [
        r#"{"id":1,"method":"ping"}"#,
        r#"{"id":2,"method":"roots/list"}"#,
        r#"{"id":3,"method":"elicitation/create","params":{"message":"?"}}"#,
    ] {
        play.logs.clear();
        play.says("demo", request);
        play.expect(&[]);
        assert!(play.logs.len() == 1 && play.logs[0].starts_with("warn demo: It sent a request"), "{:?}", play.logs);
    }
}

#[test]
fn the_last_words_of_a_process_are_read_in_its_own_era() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.closes_stdin("demo");
    let asked = r#"{"r":{"method":"roots/list","params":{}}}"#;
    play.says("demo", &format!(r##"{{"id":#1,"result":{{"resultType":"input_required","inputRequests":{asked}}}}}"##));
    play.expect(&["a 200 stream", r#"a event {"id":?1,"method":"roots/list","params":{}}"#]);
}
