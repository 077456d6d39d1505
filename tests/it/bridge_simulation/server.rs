//! A server of 2026-07-28 that remembers nothing of a call but what it gives away.

use std::collections::BTreeSet;

use mcp_proxy::mcp::era::MODERN;
use serde_json::{Value, json};

use crate::support::rng::Rng;

/// What it tells when it has changed.
pub(super) const RESOURCE: &str = "sim://counter";

/// A request that it works on.
#[derive(Debug)]
struct Running {
    id: Value,
    params: Value,
    token: Value,
    steps: u64,
    steps_done: u64,
}

/// Somebody who wants to hear of changes.
#[derive(Debug)]
struct Listen {
    id: Value,
    uris: Vec<String>,
}

/// A message, and the request in whose answer it stands.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) about: Value,
    pub(super) message: Value,
}

/// The server.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// Whether it tells when its list of tools has changed. Then somebody listens all the time.
    tells_tools: bool,
    running: Vec<Running>,
    listens: Vec<Listen>,
    said: Vec<Said>,
    /// Marks of the tools that ran.
    ran: BTreeSet<u64>,
}

impl Server {
    pub(super) fn new(tells_tools: bool) -> Server {
        Server { tells_tools, ..Server::default() }
    }

    /// Another process. What the last one did is done.
    pub(super) fn restart(&mut self) {
        let ran = std::mem::take(&mut self.ran);
        *self = Server { tells_tools: self.tells_tools, ran, ..Server::default() };
    }

    /// What it has said since.
    pub(super) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    pub(super) fn hear(&mut self, message: &Value, rng: &mut Rng) {
        let method =
            message["method"].as_str().unwrap_or_else(|| panic!("a response, which nobody asked for: {message}"));
        let Some(id) = message.get("id") else { return self.on_notification(method, message) };
        if method == "initialize" {
            // It was asked otherwise first, and may have taken too long.
            let error = json!({"code": -32602, "message": "no word of this era"});
            return self.say(id.clone(), json!({"id": id, "error": error}));
        }
        let (params, meta) = (&message["params"], &message["params"]["_meta"]);
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], MODERN, "{message}");
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object(), "{message}");
        assert!(meta["io.modelcontextprotocol/clientInfo"].is_object(), "{message}");
        assert!(!self.running.iter().any(|running| running.id == *id), "an id that is in use: {message}");
        match method {
            "server/discover" => self.complete(id, discovery(self.tells_tools)),
            "tools/list" => self.complete(id, json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]})),
            "resources/list" => self.complete(id, json!({"resources": []})),
            "subscriptions/listen" => self.listen(id, params),
            "tools/call" => {
                let steps = if params["name"] == "slow" { rng.between(0, 3) as u64 } else { 0 };
                let (id, params, token) = (id.clone(), params.clone(), meta["progressToken"].clone());
                self.running.push(Running { id, params, token, steps, steps_done: 0 });
            }
            other => panic!("no word of this era: {other}"),
        }
    }

    fn on_notification(&mut self, method: &str, message: &Value) {
        assert_eq!(method, "notifications/cancelled", "{message}");
        self.cancel(&message["params"]["requestId"]);
    }

    /// Nobody wants the answer any more.
    pub(super) fn cancel(&mut self, id: &Value) {
        self.running.retain(|running| running.id != *id);
        self.listens.retain(|listen| listen.id != *id);
    }

    /// Does something of what it has to do.
    pub(super) fn work(&mut self, rng: &mut Rng) -> bool {
        if self.running.is_empty() {
            return false;
        }
        let at = rng.below(self.running.len());
        let running = &mut self.running[at];
        if running.steps_done < running.steps {
            running.steps_done += 1;
            let params = json!({"progressToken": running.token, "progress": running.steps_done});
            let about = running.id.clone();
            if !running.token.is_null() {
                self.say(about, json!({"method": "notifications/progress", "params": params}));
            }
            return true;
        }
        let running = self.running.remove(at);
        self.answer(&running, rng);
        true
    }

    fn answer(&mut self, running: &Running, rng: &mut Rng) {
        let Running { id, params, .. } = running;
        let arguments = &params["arguments"];
        if params["name"] != "ask" {
            self.run(arguments);
            return self.complete(id, text(&arguments["mark"].to_string()));
        }
        let state: Value = match params["requestState"].as_str() {
            Some(state) => serde_json::from_str(state).expect("the state that it gave away"),
            None => json!({"round": 0, "asked": {}, "heard": []}),
        };
        let mut heard = state["heard"].as_array().expect("a list").clone();
        let asked = state["asked"].as_object().expect("an object");
        let answers = params.get("inputResponses").cloned().unwrap_or(json!({}));
        let answers = answers.as_object().expect("an object");
        assert!(asked.keys().eq(answers.keys()), "asked {asked:?}, answered {answers:?}");
        heard.extend(asked.iter().map(|(key, kind)| word(kind.as_str().expect("a kind"), &answers[key])));
        let round = state["round"].as_u64().expect("a number");
        if round >= arguments["rounds"].as_u64().expect("a number") {
            self.run(arguments);
            return self.complete(id, text(&Value::Array(heard).to_string()));
        }
        let mut requests = serde_json::Map::new();
        let mut kinds = serde_json::Map::new();
        for key in 0..rng.between(0, 3) {
            let (kind, request) = question(rng);
            requests.insert(format!("k{key}"), request);
            kinds.insert(format!("k{key}"), kind.into());
        }
        let state = json!({"round": round + 1, "asked": kinds, "heard": heard}).to_string();
        let mut result = json!({"resultType": "input_required", "requestState": state});
        if !requests.is_empty() {
            result["inputRequests"] = Value::Object(requests);
        }
        self.say(id.clone(), json!({"id": id, "result": result}));
    }

    fn run(&mut self, arguments: &Value) {
        let mark = arguments["mark"].as_u64().expect("a mark");
        assert!(self.ran.insert(mark), "call {mark} ran twice");
    }

    fn listen(&mut self, id: &Value, params: &Value) {
        let wanted = params["notifications"].clone();
        let uris = wanted["resourceSubscriptions"].as_array().cloned().unwrap_or_default();
        let uris = uris.iter().map(|uri| uri.as_str().expect("a URI").to_owned()).collect();
        let params = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}, "notifications": wanted});
        self.say(id.clone(), json!({"method": "notifications/subscriptions/acknowledged", "params": params}));
        self.listens.push(Listen { id: id.clone(), uris });
    }

    /// The resource has changed.
    pub(super) fn change(&mut self) {
        let listens = self.listens.iter().filter(|listen| listen.uris.iter().any(|uri| uri == RESOURCE));
        for id in listens.map(|listen| listen.id.clone()).collect::<Vec<_>>() {
            let params = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": id}, "uri": RESOURCE});
            self.say(id, json!({"method": "notifications/resources/updated", "params": params}));
        }
    }

    /// Whether it works on the call with this mark.
    pub(super) fn is_running(&self, mark: u64) -> bool {
        self.running.iter().any(|running| running.params["arguments"]["mark"] == mark)
    }

    /// Who wants to hear of something.
    pub(super) fn listens(&self) -> usize {
        self.listens.len()
    }

    /// Whether it tells what is wanted even if there are no sessions.
    pub(super) fn is_wanted(&self) -> bool {
        self.tells_tools
    }

    fn complete(&mut self, id: &Value, mut result: Value) {
        result["resultType"] = "complete".into();
        self.say(id.clone(), json!({"id": id, "result": result}));
    }

    fn say(&mut self, about: Value, mut message: Value) {
        message["jsonrpc"] = "2.0".into();
        self.said.push(Said { about, message });
    }
}

fn discovery(tells_tools: bool) -> Value {
    json!({
        "supportedVersions": [MODERN],
        "capabilities": {"tools": {"listChanged": tells_tools}, "resources": {"subscribe": true}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "sim", "version": "1"}},
    })
}

fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn question(rng: &mut Rng) -> (&'static str, Value) {
    match rng.below(3) {
        0 => ("roots", json!({"method": "roots/list"})),
        1 => {
            let messages = json!([{"role": "user", "content": {"type": "text", "text": "?"}}]);
            ("sampling", json!({"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 9}}))
        }
        _ => {
            let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
            let params = json!({"message": "?", "requestedSchema": schema});
            ("form", json!({"method": "elicitation/create", "params": params}))
        }
    }
}

/// The one word of an answer.
fn word(kind: &str, answer: &Value) -> Value {
    match kind {
        "roots" => answer["roots"][0]["uri"].clone(),
        "sampling" => answer["content"]["text"].clone(),
        _ if answer["action"] == "cancel" => "cancel".into(),
        _ => answer["content"]["name"].clone(),
    }
}
