//! What is refused, with which status, code and id: the table "MCP errors, to the letter", row by row.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, initialize};

const PING: &str = r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#;

fn post(session: &str, body: &str) -> Http {
    Http::post("/demo/mcp", body).session(session)
}

#[test]
fn a_body_that_is_not_json() {
    let (mut play, s) = Playbook::ready_with_session();
    for body in ["x", "{", r#"{"jsonrpc":"2.0","#, "[", r#"{"jsonrpc":"2.0","id":5,"method":"ping"} x"#, "nul"] {
        let answer = play.request("a", &post(&s, body));
        assert_error(&answer, 400, -32700, Value::Null, &["not JSON"]);
    }
    let answer = play.request("b", &Http::post("/demo/mcp", "x"));
    assert_error(&answer, 400, -32700, Value::Null, &[]);
    play.expect(&[]);
}

#[test]
fn json_that_is_no_message() {
    let (mut play, s) = Playbook::ready_with_session();
    let bodies = [
        "5",
        "null",
        r#""text""#,
        "{}",
        r#"{"id":5,"method":"ping"}"#,
        r#"{"jsonrpc":"1.0","id":5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":5,"id":5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"ping","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5,"m\u0065thod":"ping","method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"ping","x":1,"x":1}"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1e2,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"ping","params":[]}"#,
        r#"{"jsonrpc":"2.0","id":5,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","result":{}}"#,
        "[]",
    ];
    for body in bodies {
        let answer = play.request("a", &post(&s, body));
        assert_error(&answer, 400, -32600, Value::Null, &[]);
    }
    play.expect(&[]);
}

#[test]
fn no_session() {
    let (mut play, _) = Playbook::ready_with_session();
    let answer = play.request("a", &Http::post("/demo/mcp", PING));
    assert_error(&answer, 400, -32000, json!(5), &["Mcp-Session-Id"]);
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let answer = play.request("a", &Http::post("/demo/mcp", notice));
    assert_error(&answer, 400, -32000, Value::Null, &["Mcp-Session-Id"]);
    for outcome in [r#""result":{}"#, r#""error":{"code":1,"message":""}"#] {
        let response = Http::post("/demo/mcp", &format!(r#"{{"jsonrpc":"2.0","id":1,{outcome}}}"#));
        assert_error(&play.request("a", &response), 400, -32600, Value::Null, &["Mcp-Session-Id"]);
    }
    let answer = play.request("a", &Http::get("/demo/mcp"));
    assert_error(&answer, 405, -32000, Value::Null, &["initialize"]);
    assert_eq!(answer.head.header("allow"), Some("POST, DELETE, OPTIONS"));
    let answer = play.request("a", &Http::new("DELETE", "/demo/mcp"));
    assert_error(&answer, 400, -32000, Value::Null, &["Mcp-Session-Id"]);
    play.expect(&[]);
}

#[test]
fn an_unknown_or_ended_session() {
    let (mut play, s) = Playbook::ready_with_session();
    let upper = s.to_uppercase();
    for wrong in ["0", "00000000000000000000000000000000", "not hex, but as long as a token!", &upper[1..], ""] {
        let answer = play.request("a", &post(wrong, PING));
        assert_error(&answer, 404, -32001, json!(5), &["initialize"]);
        let answer = play.request("a", &Http::get("/demo/mcp").session(wrong));
        assert_error(&answer, 404, -32001, Value::Null, &["initialize"]);
        let answer = play.request("a", &Http::new("DELETE", "/demo/mcp").session(wrong));
        assert_error(&answer, 404, -32001, Value::Null, &["initialize"]);
    }
    let answer = play.request("a", &Http::new("DELETE", "/demo/mcp").session(&s));
    assert_eq!((answer.head.status, answer.body.as_str()), (204, ""));
    let answer = play.request("a", &post(&s, PING));
    assert_error(&answer, 404, -32001, json!(5), &["initialize"]);
    let answer = play.request("a", &Http::new("DELETE", "/demo/mcp").session(&s));
    assert_error(&answer, 404, -32001, Value::Null, &[]);
    play.expect(&[]);
}

#[test]
fn a_session_is_one_with_its_server_only() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let s = play.session("a");
    let answer = play.request("a", &Http::post("/other/mcp", PING).session(&s));
    assert_error(&answer, 404, -32001, json!(5), &[]);
    play.expect(&[]);
}

#[test]
fn an_unsupported_version() {
    let (mut play, s) = Playbook::ready_with_session();
    let all = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
    let answer = play.request("a", &post(&s, PING).with("MCP-Protocol-Version", "2026-07-28"));
    assert_error(&answer, 400, -32602, json!(5), &["_meta"]);
    for version in ["1", "", "2025-11-25x"] {
        let answer = play.request("a", &post(&s, PING).with("MCP-Protocol-Version", version));
        assert_error(&answer, 400, -32000, json!(5), &all);
        let answer = play.request("a", &Http::get("/demo/mcp").session(&s).with("MCP-Protocol-Version", version));
        assert_error(&answer, 400, -32000, Value::Null, &all);
    }
    play.expect(&[]);
    for version in all {
        play.http("a", &post(&s, PING).with("MCP-Protocol-Version", version));
        assert!(play.take()[0].starts_with("demo <- "), "any known version passes, whatever was negotiated");
        play.hang_up("a");
    }
    let answer = play.request("a", &initialize("2025-11-25", "{}").with("MCP-Protocol-Version", "nonsense"));
    assert_eq!(answer.head.status, 200, "the header says nothing on initialize");
}

#[test]
fn an_unknown_server() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.forget();
    for path in ["/", "/x/mcp", "/demo", "/mcp", "//mcp", "/demo/mcp/x", "/demo/mcp//", "/Demo/mcp"] {
        let answer = play.request("a", &Http::post(path, PING));
        assert_eq!(answer.head.status, if path == "/" { 405 } else { 404 }, "{path}");
        assert_eq!(answer.json()["paths"], json!(["/demo/mcp", "/demo/sse", "/other/mcp", "/other/sse"]), "{path}");
    }
    let answer = play.request("a", &Http::get("/"));
    assert_eq!((answer.head.status, answer.json()["paths"].is_array()), (404, true), "no page for who wants a stream");
    let mut secret = config(&["demo", "other"]);
    secret.servers[1].auth_tokens.push("token".to_owned());
    let mut play = Playbook::with(secret);
    let answer = play.request("a", &Http::post("/x/mcp", PING));
    assert_eq!((answer.head.status, answer.json().get("paths")), (404, None));
    assert!(!answer.body.contains("other"));
}

#[test]
fn paths_follow_the_base_url() {
    let mut behind = config(&["demo"]);
    behind.base_url = mcp_proxy::base::url::Url::parse("https://example.com/tools").unwrap();
    let mut play = Playbook::with(behind);
    play.ready("demo");
    for (path, status) in [
        ("/tools/demo/mcp", 400),
        ("/tools/demo/mcp/", 400),
        ("/tools/demo/mcp?x=1", 400),
        ("/demo/mcp", 404),
        ("/toolsdemo/mcp", 404),
    ] {
        let answer = play.request("a", &Http::post(path, PING));
        assert_eq!(answer.head.status, status, "{path}");
    }
}

#[test]
fn methods_and_media_types() {
    let (mut play, s) = Playbook::ready_with_session();
    for method in ["PUT", "PATCH", "TRACE"] {
        let answer = play.request("a", &Http::new(method, "/demo/mcp"));
        assert_error(&answer, 405, -32000, Value::Null, &["POST"]);
        assert_eq!(answer.head.header("allow"), Some("GET, POST, DELETE, OPTIONS"));
    }
    let answer = play.request("a", &Http::new("OPTIONS", "/demo/mcp"));
    assert_eq!((answer.head.status, answer.head.header("allow")), (204, Some("GET, POST, DELETE, OPTIONS")));
    for (name, value, status) in [
        ("Content-Type", "text/plain", 415),
        ("Content-Encoding", "gzip", 415),
        ("Accept", "text/html", 406),
        ("Accept", "application/json;q=0, text/event-stream;q=0.0", 406),
    ] {
        let answer = play.request("a", &post(&s, PING).with(name, value));
        assert_error(&answer, status, -32000, Value::Null, &[]);
    }
    let answer = play.request("a", &post(&s, PING).without("Content-Type"));
    assert_error(&answer, 415, -32000, Value::Null, &["application/json"]);
    let answer = play.request("a", &Http::get("/demo/mcp").session(&s).with("Accept", "application/json"));
    assert_error(&answer, 406, -32000, Value::Null, &["text/event-stream"]);
    let bodiless = post(&s, PING).body("").without("Content-Length");
    let answer = play.request("a", &bodiless);
    assert_error(&answer, 411, -32000, Value::Null, &["Content-Length"]);
    play.expect(&[]);
}

#[test]
fn media_types_are_read_generously() {
    for (name, value) in [
        ("Content-Type", "Application/JSON; charset=utf-8"),
        ("Content-Encoding", "identity"),
        ("Accept", "*/*"),
        ("Accept", "text/event-stream, application/json"),
        ("Accept", "application/*"),
        ("Accept", "application/json;q=0.5"),
    ] {
        let (mut play, s) = Playbook::ready_with_session();
        play.http("a", &post(&s, PING).with(name, value));
        play.expect(&[r#"demo <- {"id":#1,"method":"ping"}"#]);
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.expect(&[r#"a 200 json {"id":5,"result":{}}"#]);
    }
    let (mut play, s) = Playbook::ready_with_session();
    play.http("a", &post(&s, PING).without("Accept"));
    play.expect(&[r#"demo <- {"id":#1,"method":"ping"}"#]);
}

#[test]
fn a_doubled_header_is_refused() {
    let (mut play, s) = Playbook::ready_with_session();
    for (name, value) in [
        ("Mcp-Session-Id", s.as_str()),
        ("MCP-Protocol-Version", "2025-11-25"),
        ("Origin", "http://localhost"),
        ("Content-Type", "application/json"),
    ] {
        let request = post(&s, PING).with(name, value).also(name, value);
        let answer = play.request("b", &request);
        assert_eq!(answer.head.status, 400, "{name}");
    }
    play.expect(&[]);
}

#[test]
fn a_server_that_is_not_ready_in_time() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.complains("demo", "downloading the internet\n");
    play.forget();
    play.http("a", &initialize("2025-11-25", "{}").with("Accept", "application/json"));
    play.advance(Duration::from_millis(59_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    let words = ["\"demo\"", "60 s", "startupTimeout", "downloading the internet", "log"];
    assert_error(&play.answer("a"), 503, -32603, json!(0), &words);
}

#[test]
fn the_method_is_unknown_to_the_upstream() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":"?","method":"no/such"}"#);
    play.forget();
    play.says("demo", r#"{"id":#1,"error":{"message":"What?","code":-32601,"data":[1.0]}}"#);
    play.expect(&[r#"a 200 json {"id":"?","error":{"message":"What?","code":-32601,"data":[1.0]}}"#]);
}

#[test]
fn initialize_without_sense() {
    let (mut play, _) = Playbook::ready_with_session();
    for params in ["{}", r#"{"protocolVersion":7}"#, r#"{"protocolVersion":"2025-11-25","capabilities":[]}"#] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
        let answer = play.request("a", &Http::post("/demo/mcp", &body));
        assert_error(&answer, 200, -32602, json!(1), &["initialize"]);
        assert_eq!(answer.head.header("mcp-session-id"), None);
    }
    play.expect(&[]);
}
