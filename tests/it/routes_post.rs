//! POSTs with messages that are valid or invalid in unusual ways.

use mcp_proxy::base::text::QUOTED_BYTES_MAX;
use mcp_proxy::limits::MESSAGE_MEMBERS_MAX;
use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, initialize};

fn post(session: &str, body: &str) -> Http {
    Http::post("/demo/mcp", body).session(session)
}

/// A request with members that JSON-RPC does not know, named by number.
fn with_members(numbers: impl Iterator<Item = usize>) -> String {
    let members: String = numbers.map(|number| format!(",\"m{number}\":{{}}")).collect();
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping"{members}}}"#)
}

// ---- Members ----

#[test]
fn unknown_members_are_bounded() {
    let (mut play, s) = Playbook::ready_with_session();
    let bound = MESSAGE_MEMBERS_MAX.to_string();
    for count in [MESSAGE_MEMBERS_MAX + 1, 100_000] {
        let answer = play.request("a", &post(&s, &with_members(0..count)));
        assert_error(&answer, 400, -32600, Value::Null, &[&bound, "members"]);
        play.expect(&[]);
    }
    play.http("a", &post(&s, &with_members(0..MESSAGE_MEMBERS_MAX)));
    play.expect(&[r#"demo <- {"id":#1,"method":"ping",…,"m63":{}}"#]);
}

#[test]
fn no_unknown_member_stands_there_twice() {
    let (mut play, s) = Playbook::ready_with_session();
    let last = MESSAGE_MEMBERS_MAX - 1;
    for (count, twice) in [(1, 0), (10, 0), (10, 9), (MESSAGE_MEMBERS_MAX, 0), (MESSAGE_MEMBERS_MAX, last)] {
        let answer = play.request("a", &post(&s, &with_members((0..count).chain([twice]))));
        assert_error(&answer, 400, -32600, Value::Null, &["duplicate", &format!("\"m{twice}\"")]);
    }
    let escaped = with_members(0..2).replace("}}", r#"},"\u006d1":1}"#);
    assert_error(&play.request("a", &post(&s, &escaped)), 400, -32600, Value::Null, &["duplicate", "\"m1\""]);
    play.expect(&[]);
}

// ---- Bodies ----

#[test]
fn a_body_of_no_length_is_no_json() {
    let (mut play, s) = Playbook::ready_with_session();
    let empty = post(&s, "");
    assert!(empty.text().contains("Content-Length: 0\r\n"));
    for _ in 0..2 {
        let answer = play.request("a", &empty);
        assert_error(&answer, 400, -32700, Value::Null, &["not JSON"]);
        assert!(!answer.head.is_last(), "the connection is of use for more");
    }
    let chunked = empty.without("Content-Length").with("Transfer-Encoding", "chunked").text();
    play.send("a", format!("{chunked}0\r\n\r\n").as_bytes());
    assert_error(&play.answer("a"), 400, -32700, Value::Null, &["not JSON"]);
    play.expect(&[]);
}

#[test]
fn what_a_client_says_is_quoted_briefly() {
    let long = "x".repeat(7_000);
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let greet = |params: &str| {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
        Http::post("/demo/mcp", &body)
    };
    let (mut play, s) = Playbook::ready_with_session();
    for (request, status) in [
        (Http::post(&format!("/{long}"), ping), 404),
        (post(&s, ping).with("Origin", &format!("http://{long}")), 403),
        (post(&s, ping).with("Host", &long), 403),
        (post(&s, ping).with("MCP-Protocol-Version", &long), 400),
        (post(&s, &format!(r#"{{"jsonrpc":"2.0","{long}":1,"{long}":2}}"#)), 400),
        (greet(&format!(r#"{{"protocolVersion":"2025-11-25","capabilities":"{long}"}}"#)), 200),
        (greet(&format!(r#"{{"protocolVersion":"2025-11-25","capabilities":{{"elicitation":"{long}"}}}}"#)), 200),
    ] {
        let answer = play.request("a", &request);
        assert_eq!(answer.head.status, status, "{}", answer.body.chars().take(300).collect::<String>());
        assert!(answer.body.contains("xxxx") && answer.body.contains('…'), "{}", answer.body.len());
        assert!(answer.body.len() <= QUOTED_BYTES_MAX + 300, "{status}: {} bytes", answer.body.len());
    }
    assert!(play.logs.iter().all(|line| line.len() <= QUOTED_BYTES_MAX + 300));
    let answer = play.request("a", &initialize(&long, "{}"));
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
}

// ---- Cancellation ----

#[test]
fn a_request_and_its_cancellation_in_one_batch() {
    let mut play = Playbook::new();
    play.ready("demo");
    let s = play.session_as("a", "2025-03-26", "{}");
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call"},
        {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}},
        {"jsonrpc":"2.0","method":"notifications/n"}]"#;
    play.post("a", &s, batch);
    let answer = play.answer("a").json();
    assert_eq!((answer[0]["id"].clone(), answer.as_array().map(Vec::len)), (json!(1), Some(1)));
    assert!(answer[0]["error"]["message"].as_str().unwrap().contains("cancelled"));
    play.expect(&[
        r#"demo <- {"id":#1,"method":"tools/call"}"#,
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1}}"#,
        r#"demo <- {"method":"notifications/n"}"#,
    ]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn an_id_is_the_same_however_it_is_spelt() {
    for (id, cancelled, is_same) in [
        (r#""a""#, r#""\u0061""#, true),
        (r#""\u0061""#, r#""a""#, true),
        (r#""\/""#, r#""/""#, true),
        (r#""\u00e9\n""#, r#""é\u000A""#, true),
        (r#""a""#, r#""A""#, false),
        (r#""\\u0061""#, r#""a""#, false),
        (r#""1""#, "1", false),
        ("1", r#""1""#, false),
        ("1", r#""\u0031""#, false),
        ("1", "-1", false),
    ] {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("a", &s, &format!(r#"{{"id":{id},"method":"tools/call"}}"#));
        let notice = format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{cancelled}}}}}"#);
        play.post("b", &s, &notice);
        assert_eq!(play.proxy.census().calls, usize::from(!is_same), "{id} {cancelled}");
        if is_same {
            let body = play.answer("a").body;
            assert!(body.contains(&format!("\"id\":{id},")), "the client's own spelling comes back: {body}");
        }
    }
}
