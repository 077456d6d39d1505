//! The demo server, as playbooks: lines in, effects out, on a clock of our own.

mod garbage;
mod prompts;
mod protocol;
mod resources;
mod tools;

use std::time::{Duration, Instant};

use mcp_proxy::demo::{DemoServer, Effect};
use serde_json::{Value, json};

/// A server and its clock. What it does must be expected, to the last effect: dropping it asserts that.
struct Play {
    server: DemoServer,
    start: Instant,
    now: Instant,
}

impl Play {
    /// Nothing said yet.
    fn new() -> Play {
        let start = Instant::now();
        Play { server: DemoServer::new(), start, now: start }
    }

    /// Initialized by a client that can do everything.
    fn open() -> Play {
        Play::open_as("2025-11-25", json!({ "elicitation": {}, "roots": { "listChanged": true }, "sampling": {} }))
    }

    fn open_as(version: &str, capabilities: Value) -> Play {
        let mut play = Play::new();
        let params = json!({
            "protocolVersion": version, "capabilities": capabilities, "clientInfo": { "name": "test", "version": "1" },
        });
        play.send(request(0, "initialize", params));
        let result = play.result(json!(0));
        assert_eq!(result["protocolVersion"], version);
        play.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        play
    }

    fn send(&mut self, message: Value) -> &mut Self {
        self.send_raw(message.to_string().as_bytes())
    }

    fn send_raw(&mut self, line: &[u8]) -> &mut Self {
        self.server.handle_line(line, self.now);
        self
    }

    fn call(&mut self, id: impl Into<Value>, tool: &str, arguments: Value) -> &mut Self {
        self.send(request(id, "tools/call", json!({ "name": tool, "arguments": arguments })))
    }

    /// Lets time pass, with a visit whenever the server wants one.
    fn pass(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some(due) = self.server.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.server.handle_timeout(self.now);
            let next = self.server.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a visit did not do what was due");
        }
        self.now = end;
        self
    }

    /// How long after the start the server wants a visit.
    fn timeout(&self) -> Option<Duration> {
        self.server.poll_timeout().map(|due| due - self.start)
    }

    fn next(&mut self) -> Value {
        match self.server.poll_output() {
            Some(Effect::Line(line)) => {
                assert!(!line.contains(['\n', '\r']), "a message is one line: {line}");
                let message: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(message["jsonrpc"], "2.0");
                assert_no_null(&message);
                message
            }
            other => panic!("expected a message, got {other:?}"),
        }
    }

    fn expect(&mut self, message: Value) -> &mut Self {
        assert_eq!(self.next(), message);
        self
    }

    fn expect_effect(&mut self, effect: Effect) -> &mut Self {
        assert_eq!(self.server.poll_output(), Some(effect));
        self
    }

    fn expect_nothing(&mut self) -> &mut Self {
        assert_eq!(self.server.poll_output(), None);
        self
    }

    fn expect_result(&mut self, id: impl Into<Value>, result: Value) -> &mut Self {
        assert_eq!(self.result(id.into()), result);
        self
    }

    /// A tool's result that is just this text.
    fn expect_text(&mut self, id: impl Into<Value>, text: &str) -> &mut Self {
        self.expect_result(id, json!({ "content": [{ "type": "text", "text": text }] }))
    }

    /// A tool's result with `isError`, and a text that contains this.
    fn expect_failure(&mut self, id: impl Into<Value>, part: &str) -> &mut Self {
        let result = self.result(id.into());
        assert_eq!(result["isError"], true);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(part), "{part:?} is not in {text:?}");
        self
    }

    fn expect_error(&mut self, id: impl Into<Value>, code: i64) -> &mut Self {
        self.error(id.into(), code);
        self
    }

    fn expect_notification(&mut self, method: &str, params: Value) -> &mut Self {
        self.expect(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn result(&mut self, id: Value) -> Value {
        let mut message = self.next();
        assert_eq!(message["id"], id);
        assert!(message.get("error").is_none(), "{message}");
        message["result"].take()
    }

    fn error(&mut self, id: Value, code: i64) -> Value {
        let mut message = self.next();
        assert_eq!(message["id"], id);
        assert_eq!(message["error"]["code"], code, "{message}");
        assert!(!message["error"]["message"].as_str().unwrap().is_empty());
        message["error"].take()
    }

    /// All items of a list, and how many were on each page.
    fn walk(&mut self, method: &str, member: &str) -> (Vec<Value>, Vec<usize>) {
        let (mut items, mut pages) = (Vec::new(), Vec::new());
        let mut params = json!({});
        loop {
            self.send(request("walk", method, params));
            let mut result = self.result(json!("walk"));
            let Value::Array(page) = result[member].take() else { panic!("no {member}") };
            pages.push(page.len());
            items.extend(page);
            let Some(cursor) = result.get("nextCursor") else { return (items, pages) };
            params = json!({ "cursor": cursor });
        }
    }

    fn names(&mut self, method: &str, member: &str) -> Vec<String> {
        let (items, _) = self.walk(method, member);
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.expect_nothing();
        }
    }
}

fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// Some clients refuse null where a member may be absent. The id of an error that answers no request is null.
fn assert_no_null(message: &Value) {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(members) => members.values().any(has_null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    let mut message = message.clone();
    let members = message.as_object_mut().unwrap();
    if members.contains_key("error") {
        members.remove("id");
    }
    assert!(!has_null(&message), "{message}");
}
