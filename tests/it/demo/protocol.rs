//! The envelope, the handshake, and what is common to all methods.

use mcp_proxy::demo::DemoServer;
use serde_json::{Value, json};

use super::{Play, notification, request};

#[test]
fn initialize_answers_the_version_asked_for_or_the_latest() {
    let cases = [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("", "2025-11-25"),
    ];
    for (asked, answered) in cases {
        let mut play = Play::new();
        play.send(request(1, "initialize", json!({ "protocolVersion": asked, "capabilities": {} })));
        assert_eq!(play.result(json!(1))["protocolVersion"], answered);
    }
}

#[test]
fn initialize_says_what_the_server_is() {
    let mut play = Play::new();
    play.send(request(1, "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {} })));
    let result = play.result(json!(1));
    let changing = json!({ "listChanged": true });
    assert_eq!(
        result["capabilities"],
        json!({
            "completions": {}, "logging": {}, "prompts": changing, "tools": changing,
            "resources": { "listChanged": true, "subscribe": true },
        })
    );
    assert_eq!(result["serverInfo"]["name"], "demo");
    assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(result["instructions"].as_str().unwrap().contains("echo"));
}

#[test]
fn initialize_is_checked_and_comes_once() {
    let mut play = Play::new();
    play.send(request(1, "initialize", json!({}))).expect_error(1, -32602);
    play.send(request(2, "initialize", json!({ "protocolVersion": 20251125 }))).expect_error(2, -32602);
    play.send(request(3, "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": [] })));
    play.expect_error(3, -32602);
    // What was refused did not open the session.
    play.send(request(4, "tools/list", json!({}))).expect_error(4, -32600);
    Play::open()
        .send(request(5, "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {} })))
        .expect_error(5, -32600);
}

#[test]
fn before_initialize_there_is_only_ping() {
    let mut play = Play::new();
    play.send(request(1, "ping", json!({}))).expect_result(1, json!({}));
    play.send(request(2, "tools/call", json!({ "name": "echo" }))).expect_error(2, -32600);
    // How clients of the modern era find out that this is a legacy server.
    play.send(request(3, "server/discover", json!({}))).expect_error(3, -32601);
}

#[test]
fn ids_are_echoed_as_they_came() {
    let ids =
        [json!(0), json!(-7), json!(18_446_744_073_709_551_615_u64), json!(1.5), json!("1"), json!(""), json!("é\n")];
    let mut play = Play::open();
    for id in ids {
        play.send(request(id.clone(), "ping", json!({}))).expect(json!({ "jsonrpc": "2.0", "id": id, "result": {} }));
        play.send(request(id.clone(), "no/such", json!({}))).expect_error(id, -32601);
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let mut play = Play::open();
    for line in ["{", "nonsense", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} x", "\u{feff}{}"] {
        play.send_raw(line.as_bytes()).expect_error(Value::Null, -32700);
    }
    play.send_raw(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}").expect_error(Value::Null, -32700);
    play.send_raw("[".repeat(100_000).as_bytes()).expect_error(Value::Null, -32700);
    play.send_raw(b"").send_raw(b"\n").send_raw(b" \t\r\n").expect_nothing();
}

#[test]
fn what_is_not_a_message_is_an_invalid_request() {
    let mut play = Play::open();
    let nobodys = [
        json!(1),
        json!("ping"),
        json!(null),
        json!({}),
        json!({ "jsonrpc": "2.0" }),
        json!({ "jsonrpc": "2.0", "id": 1 }),
        json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": true, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": [1], "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": {}, "method": "ping" }),
    ];
    for message in nobodys {
        play.send(message).expect_error(Value::Null, -32600);
    }
    for message in [
        json!({ "id": 7, "method": "ping" }),
        json!({ "jsonrpc": "1.0", "id": 7, "method": "ping" }),
        json!({ "jsonrpc": 2.0, "id": 7, "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 7, "method": 1 }),
        json!({ "jsonrpc": "2.0", "id": 7, "method": null }),
    ] {
        play.send(message).expect_error(7, -32600);
    }
}

#[test]
fn params_must_be_an_object() {
    let mut play = Play::open();
    for params in [json!([]), json!("x"), json!(1), json!(null)] {
        play.send(request(1, "ping", params)).expect_error(1, -32602);
    }
    play.send(json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" })).expect_result(2, json!({}));
}

#[test]
fn notifications_and_stray_replies_get_no_answer() {
    let mut play = Play::open();
    for method in ["notifications/initialized", "notifications/roots/list_changed", "notifications/unheard-of", "ping"]
    {
        play.send(json!({ "jsonrpc": "2.0", "method": method })).expect_nothing();
        play.send(notification(method, json!(3))).expect_nothing();
    }
    for params in [json!({}), json!({ "requestId": 99 }), json!({ "requestId": null }), json!([]), json!(null)] {
        play.send(notification("notifications/cancelled", params)).expect_nothing();
    }
    for id in [json!(1), json!(-1), json!("1"), json!(null), json!({})] {
        play.send(json!({ "jsonrpc": "2.0", "id": id, "result": {} })).expect_nothing();
        play.send(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 1, "message": "" } })).expect_nothing();
    }
    play.send(json!({ "jsonrpc": "2.0", "error": { "code": 1, "message": "" } })).expect_nothing();
}

#[test]
fn batches_are_for_one_version_only() {
    let batch =
        json!([request(1, "ping", json!({})), 5, notification("x", json!({})), request("b", "ping", json!({}))]);
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        Play::open_as(version, json!({})).send(batch.clone()).expect_error(Value::Null, -32600);
    }
    let mut play = Play::open_as("2025-03-26", json!({}));
    play.send(batch).expect_result(1, json!({})).expect_error(Value::Null, -32600).expect_result("b", json!({}));
    play.send(json!([])).expect_error(Value::Null, -32600);
    // Nothing behind a crash is heard.
    let crash = request(2, "tools/call", json!({ "name": "crash" }));
    play.send(json!([crash, request(3, "ping", json!({}))]));
    assert!(play.server.poll_output().is_some() && play.server.poll_output().is_some());
}

#[test]
fn a_server_is_what_its_input_makes_it() {
    let (mut one, mut other) = (DemoServer::default(), DemoServer::new());
    let now = std::time::Instant::now();
    let call = |id, seconds| {
        let params = json!({ "name": "slow", "arguments": { "seconds": seconds }, "_meta": { "progressToken": id } });
        request(id, "tools/call", params)
    };
    let lines = [
        request(0, "initialize", json!({ "protocolVersion": "2025-11-25", "capabilities": {} })),
        call(1, 3),
        call(2, 3),
        call(3, 1),
        request(4, "tools/list", json!({})),
    ];
    for server in [&mut one, &mut other] {
        for line in &lines {
            server.handle_line(line.to_string().as_bytes(), now);
        }
        server.handle_timeout(now + std::time::Duration::from_secs(9));
    }
    let mut count = 0;
    loop {
        let effect = one.poll_output();
        assert_eq!(effect, other.poll_output());
        if effect.is_none() {
            break;
        }
        count += 1;
    }
    assert_eq!(count, 2 + 3 * (5 + 1));
}
