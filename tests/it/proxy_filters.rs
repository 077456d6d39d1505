//! Filtered tools: out of every list and of the log, unknown to every call.

use mcp_proxy::config::{ToolFilter, ToolFilterMode};
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config};

/// A ready server that offers `get_…` only, and a session on connection `a`.
fn filtered(version: &str) -> (Playbook, String) {
    let mut config = config(&["demo"]);
    config.servers[0].tool_filter = Some(ToolFilter { mode: ToolFilterMode::Allow, names: vec!["get_*".to_owned()] });
    let mut play = Playbook::with(config);
    play.ready("demo");
    let session = play.session_as("a", version, "{}");
    (play, session)
}

#[test]
fn a_list_loses_the_tools_that_are_filtered() {
    let (mut play, s) = filtered("2025-11-25");
    play.post("a", &s, r#"{"id":"x","method":"tools/list"}"#);
    play.says("demo", r#"{"id":#1,"result":{"tools":[{"name":"rm"},{"name":"get_a","z":1.0}],"nextCursor":"2"}}"#);
    play.post("a", &s, r#"{"id":2,"method":"tools/list","params":{"cursor":"2"}}"#);
    play.says("demo", r#"{"result":{"tools":[{"name":"get_b"},{"name":"rm"}]},"id":#2}"#);
    play.expect(&[
        r#"demo <- {"id":#1,"method":"tools/list"}"#,
        r#"a 200 json {"id":"x","result":{"tools":[{"name":"get_a","z":1.0}],"nextCursor":"2"}}"#,
        r#"demo <- {"id":#2,"method":"tools/list","params":{"cursor":"2"}}"#,
        r#"a 200 json {"result":{"tools":[{"name":"get_b"}]},"id":2}"#,
    ]);
}

#[test]
fn a_list_without_filtered_tools_passes_as_it_is() {
    let (mut play, s) = filtered("2025-11-25");
    play.post("a", &s, r#"{"id":1,"method":"tools/list"}"#);
    play.says("demo", r#"{"id":#1,"result":{"tools": [ {"name":"get_a"} ] }}"#);
    assert!(play.answer("a").body.contains(r#""tools": [ {"name":"get_a"} ] }"#));
    play.post("a", &s, r#"{"id":1,"method":"tools/list"}"#);
    play.says("demo", r#"{"id":#2,"error":{"code":-32601,"message":"no"}}"#);
    assert!(play.answer("a").body.contains(r#"{"code":-32601,"message":"no"}"#));
}

#[test]
fn a_list_that_cannot_be_read_is_kept_back() {
    let (mut play, s) = filtered("2025-11-25");
    play.post("a", &s, r#"{"id":1,"method":"tools/list"}"#);
    play.says("demo", r#"{"id":#1,"result":{"tools":[{"name":"rm"}],"tools":[]}}"#);
    assert_error(&play.answer("a"), 200, -32603, json!(1), &["list of tools"]);
    assert!(play.logs.iter().any(|line| line.starts_with("warn demo: Kept back")), "{:?}", play.logs);
}

#[test]
fn a_call_to_a_filtered_tool_is_refused_as_unknown() {
    let (mut play, s) = filtered("2025-11-25");
    play.forget();
    for (params, words) in [
        (r#"{"name":"rm","arguments":{}}"#, "Unknown tool: rm"),
        (r#"{"Name":"rm"}"#, "Unknown tool: rm"),
        (r#"{"name":"get_a","name":"rm"}"#, "name"),
        (r#"{"arguments":{}}"#, "name"),
    ] {
        play.post("a", &s, &format!(r#"{{"id":7,"method":"tools/call","params":{params}}}"#));
        assert_error(&play.answer("a"), 200, -32602, json!(7), &[words]);
    }
    play.post("a", &s, r#"{"method":"tools/call","params":{"name":"rm"}}"#);
    play.expect(&["a 202"]);
    play.post("a", &s, r#"{"id":8,"method":"tools/call","params":{"name":"get_a"}}"#);
    play.expect(&[r#"demo <- {"id":#1,"method":"tools/call","params":{"name":"get_a"}}"#]);
}

/// To Go's `encoding/json`, for one, keys that differ in letter case only are one, and the last of them counts.
#[test]
fn no_second_spelling_gets_a_call_past_the_filter() {
    for (other, members) in [
        ("method", r#""method":"ping","method":"tools/call","params":{"name":"rm"}"#),
        ("Method", r#""method":"ping","Method":"tools/call","params":{"name":"rm"}"#),
        ("METHOD", r#""METHOD":"tools/call","method":"ping","params":{"name":"rm"}"#),
        ("mEthod", r#""method":"ping","m\u0045thod":"tools/call","params":{"name":"rm"}"#),
        ("Params", r#""method":"tools/call","params":{"name":"get_a"},"Params":{"name":"rm"}"#),
        ("param\u{17f}", r#""method":"tools/call","params":{"name":"get_a"},"param\u017f":{"name":"rm"}"#),
    ] {
        let (mut play, s) = filtered("2025-11-25");
        play.forget();
        let body = format!(r#"{{"jsonrpc":"2.0","id":7,{members}}}"#);
        let answer = play.request("a", &Http::post("/demo/mcp", &body).session(&s));
        assert_error(&answer, 400, -32600, json!(null), &[other]);
        let notification = body.replace("\"id\":7,", "");
        let answer = play.request("a", &Http::post("/demo/mcp", &notification).session(&s));
        assert_error(&answer, 400, -32600, json!(null), &[other]);
        play.expect(&[]);
    }
}

#[test]
fn a_batch_is_filtered_too() {
    let (mut play, s) = filtered("2025-03-26");
    play.forget();
    let batch = concat!(
        r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"},"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"rm"}}]"#
    );
    play.http("a", &Http::post("/demo/mcp", batch).session(&s));
    play.expect(&[r#"demo <- {"id":#1,"method":"tools/list"}"#]);
    play.says("demo", r#"{"id":#1,"result":{"tools":[{"name":"rm"}]}}"#);
    play.expect(&[concat!(
        r#"a 200 json [{"id":2,"error":{"code":-32602,"message":"Unknown tool: rm"}},"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}]"#
    )]);
}

#[test]
fn the_log_names_the_tools_that_are_offered() {
    let (mut play, _) = filtered("2025-11-25");
    play.logs.clear();
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"rm"},{"name":"get_a"}]}}"#);
    assert!(play.logs.contains(&"info demo: <demo> Adding tool get_a".to_owned()), "{:?}", play.logs);
    assert!(play.logs.iter().any(|line| line.contains("1 tool")), "{:?}", play.logs);
    assert!(play.logs.iter().all(|line| !line.contains("rm")), "{:?}", play.logs);
}

#[test]
fn a_modern_caller_is_refused_in_the_same_words() {
    let (mut play, _) = filtered("2025-11-25");
    let answer = play.request("m", &Modern::new(7, "tools/call").about("name", "rm").http());
    assert_error(&answer, 200, -32602, json!(7), &["Unknown tool: rm"]);
}
