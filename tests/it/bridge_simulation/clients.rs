//! Legacy clients: what they do, and whether what they get is theirs.

use mcp_proxy::base::id::ConnId;
use mcp_proxy::proxy::Input;
use serde_json::{Value, json};

use super::server::RESOURCE;
use super::world::World;
use crate::support::answers::{Answers, Part};
use crate::support::requests::Http;

const SESSIONS_MAX: usize = 3;
const CALLS_MAX: usize = 6;

/// A conversation.
#[derive(Debug)]
pub(super) struct Session {
    token: Option<String>,
    next_id: u64,
    has_subscribed: bool,
}

/// A question that a session was asked and has not answered.
#[derive(Debug)]
pub(super) struct Question {
    session: usize,
    id: u64,
    method: String,
}

/// A connection, and what is expected on it.
#[derive(Debug)]
pub(super) struct Client {
    conn: ConnId,
    answers: Answers,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    Introduction {
        session: usize,
    },
    Reply {
        session: usize,
        id: u64,
        call: Call,
        progress: f64,
    },
    Acceptance,
    Listening {
        session: usize,
    },
    Farewell,
    /// All has come.
    Nothing,
}

/// What is called.
#[derive(Debug, Clone, PartialEq)]
enum Call {
    /// A tool that answers with its mark.
    Tool(u64),
    /// One that asks.
    Asking,
    Ping,
    List,
    Subscription,
}

/// What clients do.
impl World {
    pub(super) fn act(&mut self) {
        let open: Vec<usize> = (0..self.sessions.len()).filter(|at| self.sessions[*at].token.is_some()).collect();
        if self.sessions.len() < SESSIONS_MAX && (open.is_empty() || self.rng.one_in(6)) {
            return self.introduce();
        }
        if open.is_empty() || self.clients.iter().filter(|client| client.is_waiting()).count() >= CALLS_MAX {
            return;
        }
        let session = *self.rng.pick(&open);
        match self.rng.below(12) {
            0 => self.listen(session),
            1 => self.call(session, "ping", json!({}), Call::Ping),
            2 => self.call(session, "tools/list", json!({}), Call::List),
            3 => {
                self.sessions[session].has_subscribed = true;
                self.call(session, "resources/subscribe", json!({"uri": RESOURCE}), Call::Subscription);
            }
            4 => self.call(session, "resources/unsubscribe", json!({"uri": RESOURCE}), Call::Subscription),
            tool => self.call_tool(session, if tool < 9 { "ask" } else { "slow" }),
        }
    }

    fn introduce(&mut self) {
        self.sessions.push(Session { token: None, next_id: 0, has_subscribed: false });
        let session = self.sessions.len() - 1;
        let capabilities = json!({"roots": {"listChanged": true}, "sampling": {}, "elicitation": {}});
        let params = json!({
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "c", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        self.send(&Http::post("/demo/mcp", &body.to_string()), Expected::Introduction { session });
    }

    fn call_tool(&mut self, session: usize, tool: &str) {
        self.marks += 1;
        let rounds = self.rng.below(4);
        let mut params = json!({"name": tool, "arguments": {"mark": self.marks, "rounds": rounds}});
        if self.rng.one_in(2) {
            params["_meta"] = json!({"progressToken": format!("p{}", self.marks)});
        }
        let call = if tool == "ask" { Call::Asking } else { Call::Tool(self.marks) };
        self.call(session, "tools/call", params, call);
    }

    fn call(&mut self, session: usize, method: &str, params: Value, call: Call) {
        self.sessions[session].next_id += 1;
        self.tally.calls += 1;
        let id = self.sessions[session].next_id;
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let http = self.post(session, &body);
        self.send(&http, Expected::Reply { session, id, call, progress: -1.0 });
    }

    fn listen(&mut self, session: usize) {
        let is_meant = |client: &Client| matches!(client.expected, Expected::Listening { session: s } if s == session);
        if !self.clients.iter().any(is_meant) {
            let http = Http::get("/demo/mcp").session(self.sessions[session].token.as_deref().unwrap_or_default());
            self.send(&http, Expected::Listening { session });
        }
    }

    /// Answers a question, or says that it cannot.
    pub(super) fn answer_question(&mut self) {
        if self.questions.is_empty() {
            return;
        }
        let at = self.rng.below(self.questions.len());
        let Question { session, id, method } = self.questions.remove(at);
        let own = format!("s{session}");
        let result = match method.as_str() {
            "roots/list" => json!({"roots": [{"uri": own}]}),
            "sampling/createMessage" => {
                json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": own}})
            }
            _ => json!({"action": "accept", "content": {"name": own}}),
        };
        self.tally.answers += 1;
        let is_form = method == "elicitation/create";
        let body = if is_form && self.is_rough && self.rng.one_in(5) {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": "no"}})
        } else {
            json!({"jsonrpc": "2.0", "id": id, "result": result})
        };
        let http = self.post(session, &body);
        self.send(&http, Expected::Acceptance);
    }

    pub(super) fn cancel_something(&mut self) {
        let waiting = self.clients.iter().filter_map(|client| match &client.expected {
            Expected::Reply { session, id, call, .. } => Some((*session, *id, call.clone())),
            Expected::Introduction { .. }
            | Expected::Acceptance
            | Expected::Listening { .. }
            | Expected::Farewell
            | Expected::Nothing => None,
        });
        let waiting: Vec<(usize, u64, Call)> = waiting.collect();
        if waiting.is_empty() {
            return;
        }
        let (session, id, call) = self.rng.pick(&waiting).clone();
        self.tally.cancellations += 1;
        let body = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        let http = self.post(session, &body);
        self.send(&http, Expected::Acceptance);
        if let Call::Tool(mark) = call {
            while self.write_process() {}
            assert!(!self.server.is_running(mark), "call {mark} goes on, cancelled as it is");
        }
    }

    pub(super) fn hang_up_somebody(&mut self) {
        if !self.clients.is_empty() {
            let at = self.rng.below(self.clients.len());
            self.hang_up(at);
        }
    }

    fn hang_up(&mut self, at: usize) {
        let client = self.clients.remove(at);
        if let Expected::Introduction { session } = client.expected {
            self.sessions[session].token = None;
        }
        self.handle(Input::Broken { conn: client.conn });
    }

    /// Everybody goes.
    pub(super) fn leave(&mut self) {
        for session in 0..self.sessions.len() {
            if let Some(token) = self.sessions[session].token.clone() {
                self.send(&Http::new("DELETE", "/demo/mcp").session(&token), Expected::Farewell);
            }
        }
        while !self.clients.is_empty() {
            self.hang_up(0);
        }
    }

    fn post(&mut self, session: usize, body: &Value) -> Http {
        Http::post("/demo/mcp", &body.to_string()).session(self.sessions[session].token.as_deref().unwrap_or_default())
    }

    fn send(&mut self, http: &Http, expected: Expected) {
        let conn = self.accept();
        let mut answers = Answers::new();
        answers.on_request(false);
        self.clients.push(Client { conn, answers, expected });
        let text = http.text();
        self.say(|| format!("{conn:?} sends {}", text.replace("\r\n", " | ")));
        self.handle(Input::Received { conn, bytes: text.as_bytes() });
    }
}

impl Client {
    fn is_waiting(&self) -> bool {
        match self.expected {
            Expected::Introduction { .. } | Expected::Reply { .. } => true,
            Expected::Acceptance | Expected::Listening { .. } | Expected::Farewell | Expected::Nothing => false,
        }
    }
}

/// What clients get.
impl World {
    pub(super) fn on_transmit(&mut self, conn: ConnId) {
        let bytes = self.proxy.outgoing(conn).to_vec();
        if bytes.is_empty() {
            return;
        }
        self.sent(conn, bytes.len());
        let Some(at) = self.clients.iter().position(|client| client.conn == conn) else { return };
        self.clients[at].answers.push(&bytes);
        while let Some(part) = self.clients.iter_mut().find(|client| client.conn == conn).and_then(|c| c.answers.poll())
        {
            self.on_part(conn, part);
        }
        if !self.proxy.outgoing(conn).is_empty() {
            self.on_transmit(conn);
        }
    }

    pub(super) fn on_closed(&mut self, conn: ConnId) {
        self.clients.retain(|client| client.conn != conn);
    }

    fn on_part(&mut self, conn: ConnId, part: Part) {
        self.say(|| format!("{conn:?} gets {part:?}"));
        let Some(client) = self.clients.iter_mut().find(|client| client.conn == conn) else { return };
        let expected = std::mem::replace(&mut client.expected, Expected::Nothing);
        let left = match (expected, part) {
            (left, Part::Comment(_) | Part::Priming | Part::Begin(_)) => left,
            (Expected::Introduction { session }, Part::Whole(head, body)) => {
                self.sessions[session].token = head.header("mcp-session-id").map(str::to_owned);
                assert!(self.is_rough || body.contains("\"name\":\"sim\""), "{body}");
                Expected::Nothing
            }
            (Expected::Reply { session, id, call, .. }, Part::Whole(_, body)) => {
                let reply: Value = serde_json::from_str(&body).expect("checked by the reader");
                self.on_reply(session, id, &call, &reply);
                Expected::Nothing
            }
            (Expected::Reply { session, id, call, progress }, Part::Event(data)) => {
                self.on_event(session, Some((id, call, progress)), &data)
            }
            (Expected::Listening { session }, Part::Event(data)) => {
                self.on_event(session, None, &data);
                Expected::Listening { session }
            }
            (Expected::Acceptance, Part::Whole(head, _)) => {
                assert_eq!(head.status, 202);
                Expected::Nothing
            }
            (Expected::Farewell, Part::Whole(head, _)) => {
                assert_eq!(head.status, 204);
                Expected::Nothing
            }
            (Expected::Nothing | Expected::Listening { .. }, Part::End) => Expected::Nothing,
            (expected, part) => panic!("{part:?} for {expected:?}"),
        };
        if let Some(client) = self.clients.iter_mut().find(|client| client.conn == conn) {
            client.expected = left;
        }
    }

    /// On the stream of a call, or of a session. Says what is expected of it from then on.
    fn on_event(&mut self, session: usize, call: Option<(u64, Call, f64)>, data: &str) -> Expected {
        let message: Value = serde_json::from_str(data).expect("checked by the reader");
        let left = |call: Option<(u64, Call, f64)>| match call {
            Some((id, call, progress)) => Expected::Reply { session, id, call, progress },
            None => Expected::Listening { session },
        };
        let Some(method) = message["method"].as_str() else {
            let (id, call, _) = call.expect("a reply belongs to a call");
            self.on_reply(session, id, &call, &message);
            return Expected::Nothing;
        };
        match (method, call) {
            ("roots/list" | "sampling/createMessage" | "elicitation/create", call) => {
                self.tally.questions += 1;
                let id = message["id"].as_u64().expect("a number of ours");
                self.questions.push(Question { session, id, method: method.to_owned() });
                left(call)
            }
            ("notifications/cancelled", call) => {
                let id = message["params"]["requestId"].as_u64().expect("a number of ours");
                self.questions.retain(|question| question.id != id || question.session != session);
                left(call)
            }
            ("notifications/progress", Some((id, call, last))) => {
                let progress = message["params"]["progress"].as_f64().expect("a number");
                assert!(progress > last, "progress goes back: {data}");
                self.tally.progress += 1;
                left(Some((id, call, progress)))
            }
            ("notifications/resources/updated", call) => {
                assert!(self.sessions[session].has_subscribed, "{data}");
                self.tally.updates += 1;
                left(call)
            }
            (_, call) => panic!("nobody sent this on the stream of {call:?}: {data}"),
        }
    }

    fn on_reply(&mut self, session: usize, id: u64, call: &Call, reply: &Value) {
        assert_eq!(reply["id"], id, "{reply}");
        if reply.get("error").is_some() {
            self.tally.failures += 1;
            let says = |words: &str| reply["error"]["message"].as_str().is_some_and(|text| text.contains(words));
            let is_cancelled = says("cancelled") || self.is_way_slow && says("in time");
            let was_rough = self.tally.crashes + self.tally.refusals > 0;
            assert!(is_cancelled || was_rough, "an error for no reason: {reply}");
            return;
        }
        self.tally.successes += 1;
        let text = reply["result"]["content"][0]["text"].as_str().unwrap_or_default();
        match call {
            Call::Tool(mark) => assert_eq!(text, mark.to_string()),
            Call::Asking => {
                let heard: Vec<String> = serde_json::from_str(text).expect("a list of words");
                let own = format!("s{session}");
                assert!(heard.iter().all(|word| *word == own || word == "cancel"), "session {session} heard {heard:?}");
            }
            Call::Ping | Call::Subscription => assert_eq!(reply["result"], json!({})),
            Call::List => assert!(reply["result"]["tools"].is_array()),
        }
    }

    /// What was refused for a reason that passes has been sent again by now.
    pub(super) fn assert_nothing_kept(&self) {
        for client in &self.clients {
            if let Expected::Reply { call: Call::Tool(mark), .. } = &client.expected {
                assert!(!self.refused.contains(mark), "it was refused, and never sent again: {client:?}");
            }
        }
    }

    pub(super) fn are_clients_content(&self) -> bool {
        !self.clients.iter().any(Client::is_waiting)
    }

    pub(super) fn assert_clients_content(&self) {
        let waiting: Vec<&Client> = self.clients.iter().filter(|client| client.is_waiting()).collect();
        assert!(waiting.is_empty(), "still waiting: {waiting:#?}");
    }
}
