//! What clients do: chosen at random, within what clients may do.

use mcp_proxy::limits;
use serde_json::{Value, json};

use super::call::{Call, Kind};
use super::expected::Expected;
use super::{Ask, Session, Weather, Wire, World};
use crate::support::requests::Http;

/// Connections at once; more would only be more of the same.
const CLIENTS_MAX: usize = 8;
const SESSIONS_MAX: usize = 5;

impl World {
    /// Some client does something.
    pub(super) fn act(&mut self) {
        let is_lonely = self.clients.is_empty() || (self.clients.len() < CLIENTS_MAX && self.rng.one_in(4));
        let index = if is_lonely {
            let is_polite = self.weather == Weather::Fair || self.rng.one_in(2);
            self.connect(is_polite)
        } else {
            Some(self.rng.below(self.clients.len()))
        };
        let Some(index) = index else { return };
        if self.rng.one_in(3) && self.come_back() {
            return;
        }
        let client = &self.clients[index];
        let is_listening = client.due.iter().any(Expected::is_listening);
        if !client.is_open || client.is_finished || is_listening || client.due.len() > 2 {
            return;
        }
        if self.has_moderns && self.rng.one_in(2) {
            return self.act_modern(index);
        }
        let alive = self.sessions.iter().filter(|session| session.token.is_some() && !session.is_doomed).count();
        if self.rng.one_in(2) && self.greet(index) {
            return;
        }
        if alive == 0 || (alive < SESSIONS_MAX && self.rng.one_in(8)) {
            return self.introduce(index);
        }
        let session = self.pick_session();
        match self.rng.below(20) {
            0 => self.listen(index, session),
            1 if self.weather != Weather::Fair => self.cancel(index, session),
            2 if self.weather != Weather::Fair && !self.rng.one_in(3) => self.bid_farewell(index, session),
            3 => {
                let (path, status) = if self.rng.one_in(2) { ("/nowhere", 404) } else { ("/", 200) };
                self.send(index, &Http::new("GET", path), Expected::Plain { status });
            }
            4 | 5 => self.answer_ask(index),
            6 => self.notify(index, session),
            _ => self.call(index, session),
        }
    }

    /// Any session that was ever begun; the dead are tried as well.
    fn pick_session(&mut self) -> usize {
        loop {
            let session = self.rng.below(self.sessions.len());
            if self.sessions[session].token.is_some() {
                return session;
            }
        }
    }

    pub(super) fn send(&mut self, index: usize, request: &Http, expected: Expected) {
        let text = request.text();
        self.say(|| format!("{:?} sends {:.300}", self.clients[index].conn, text.replace("\r\n", " | ")));
        let client = &mut self.clients[index];
        client.outbox.extend_from_slice(text.as_bytes());
        client.answers.on_request(false);
        client.is_open &= !text.contains("\r\nConnection: close\r\n");
        client.due.push_back(expected);
    }

    pub(super) fn post(&mut self, session: usize, body: &Value) -> Http {
        let text = if self.rng.one_in(5) { format!("{body:#}") } else { body.to_string() };
        let http = match &self.sessions[session].wire {
            Wire::Sse { endpoint, .. } => Http::post(endpoint.as_deref().expect("an endpoint"), &text),
            Wire::Streamable => Http::post(&self.path(session), &text),
        };
        let http = self.name(session, http);
        let closes = self.rng.one_in(15);
        if closes { http.with("Connection", "close") } else { http }
    }

    /// Where a session's requests go, over streamable HTTP.
    pub(super) fn path(&self, session: usize) -> String {
        format!("/{}/mcp", self.servers[self.sessions[session].server].name)
    }

    /// A request of a session says whose it is.
    pub(super) fn name(&self, session: usize, http: Http) -> Http {
        let session = &self.sessions[session];
        let http = session.who.sign(http);
        match &session.token {
            Some(token) if !session.is_sse() => http.session(token),
            Some(_) | None => http,
        }
    }

    fn introduce(&mut self, index: usize) {
        let is_sse = self.rng.one_in(4);
        let is_batching = !is_sse && self.rng.one_in(3);
        let server = self.rng.below(self.servers.len());
        let session = self.begin(server, is_sse, is_batching);
        if is_sse { self.converse(index, session) } else { self.initialize(index, session) }
    }

    /// Begins a session over streamable HTTP with one server.
    pub(super) fn introduce_to(&mut self, index: usize, server: usize) -> usize {
        let session = self.begin(server, false, false);
        self.initialize(index, session);
        session
    }

    fn begin(&mut self, server: usize, is_sse: bool, is_batching: bool) -> usize {
        let wire = if is_sse {
            Wire::Sse { endpoint: None, is_introduced: false, pending: Vec::new() }
        } else {
            Wire::Streamable
        };
        self.sessions.push(Session {
            server,
            who: self.servers[server].somebody(&mut self.rng),
            wire,
            token: None,
            is_doomed: false,
            is_batching,
            has_subscribed: false,
            has_unsubscribed: false,
            is_subscribed: false,
            has_level: false,
            next_id: 0,
            asked: Default::default(),
        });
        self.sessions.len() - 1
    }

    fn initialize(&mut self, index: usize, session: usize) {
        let id = self.next_id(session);
        let params = self.greeting(session);
        let http = self.post(session, &json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params}));
        self.send(index, &http, Expected::Introduction { session, id });
    }

    /// The parameters of an `initialize`. All of a server's sessions can be asked, or none.
    pub(super) fn greeting(&mut self, session: usize) -> Value {
        let session = &self.sessions[session];
        let version = match (session.is_batching, session.is_sse()) {
            (true, _) => "2025-03-26",
            (false, true) => *self.rng.pick(&["2024-11-05", "2025-11-25"]),
            (false, false) => *self.rng.pick(&["2025-06-18", "2025-11-25"]),
        };
        let is_askable = self.servers[session.server].is_askable;
        let capabilities = if is_askable { json!({"roots": {}, "sampling": {}, "elicitation": {}}) } else { json!({}) };
        json!({"protocolVersion": version, "capabilities": capabilities})
    }

    fn listen(&mut self, index: usize, session: usize) {
        if self.sessions[session].is_sse() {
            return;
        }
        let http = self.name(session, Http::get(&self.path(session)));
        self.send(index, &http, Expected::Listening { session });
    }

    fn bid_farewell(&mut self, index: usize, session: usize) {
        if self.sessions[session].is_sse() {
            return self.hang_up_conversation(session);
        }
        let http = self.name(session, Http::new("DELETE", &self.path(session)));
        self.sessions[session].is_doomed = true;
        self.send(index, &http, Expected::Farewell { session });
    }

    fn cancel(&mut self, index: usize, session: usize) {
        let id = self.rng.below(self.sessions[session].next_id as usize + 1);
        let params = json!({"requestId": id_value(id as u64)});
        let body = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        let http = self.post(session, &body);
        let meant = self.unanswered(session, &id_value(id as u64));
        self.send(index, &http, Expected::Acceptance { session });
        let is_heard = self.clients[index].is_polite && self.clients[index].due.len() == 1;
        if let Some(mark) = meant.filter(|_| is_heard) {
            self.flush_polite();
            self.assert_given_up(self.sessions[session].server, mark);
        }
    }

    fn notify(&mut self, index: usize, session: usize) {
        let method =
            *self.rng.pick(&["notifications/initialized", "notifications/roots/list_changed", "notifications/x"]);
        let http = self.post(session, &json!({"jsonrpc": "2.0", "method": method}));
        self.send(index, &http, Expected::Acceptance { session });
    }

    /// Answers an ask, as whoever was asked, or as somebody else, which must have no effect.
    fn answer_ask(&mut self, index: usize) {
        if self.asks.is_empty() {
            return;
        }
        let at = self.rng.below(self.asks.len());
        let is_honest = !self.rng.one_in(4);
        let session = if is_honest { self.asks[at].session } else { self.pick_session() };
        let Ask { id, method, .. } = &self.asks[at];
        let result = match method.as_str() {
            "roots/list" => json!({"roots": [{"uri": format!("file:///{session}")}]}),
            "elicitation/create" => json!({"action": "accept", "content": {"by": session.to_string()}}),
            _ => {
                json!({"role": "assistant", "model": "model", "content": {"type": "text", "text": session.to_string()}})
            }
        };
        let http = self.post(session, &json!({"jsonrpc": "2.0", "id": id, "result": result}));
        if is_honest {
            self.asks.remove(at);
        }
        self.send(index, &http, Expected::Acceptance { session });
    }

    fn call(&mut self, index: usize, session: usize) {
        if self.sessions[session].is_sse() {
            let (body, call) = self.new_call(session);
            let http = self.post(session, &body);
            return self.hand_over(index, session, &http, call);
        }
        let is_batch = self.sessions[session].is_batching && self.rng.one_in(3);
        let is_large = self.weather != Weather::Fair && self.rng.one_in(12);
        let count = if is_large { limits::BATCH_MESSAGES_MAX - 1 } else { self.rng.between(1, 4) };
        let count = if is_batch { count } else { 1 };
        let (mut bodies, mut calls) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (body, call) = self.new_call(session);
            bodies.push(body);
            calls.push(call);
        }
        if is_batch && self.rng.one_in(2) {
            bodies.push(json!({"jsonrpc": "2.0", "method": "notifications/x"}));
        }
        self.tally.batches += usize::from(is_batch);
        let body = if is_batch { Value::Array(bodies) } else { bodies.remove(0) };
        let http = self.post(session, &body);
        let (accept, takes_json, takes_events) = *self.rng.pick(&[
            ("application/json, text/event-stream", true, true),
            ("application/json, text/event-stream", true, true),
            ("text/event-stream", false, true),
            ("application/json", true, false),
        ]);
        // Without its session nobody listens to Accept, so a refusal may be JSON in any case.
        let expected = Expected::Replies { session, calls, is_batch, takes_events, takes_json };
        self.send(index, &http.with("Accept", accept), expected);
    }

    pub(super) fn next_id(&mut self, session: usize) -> Value {
        self.sessions[session].next_id += 1;
        id_value(self.sessions[session].next_id)
    }

    fn new_call(&mut self, session: usize) -> (Value, Call) {
        let id = self.next_id(session);
        self.markers += 1;
        let tool = |name: &str, arguments: Value| ("tools/call", json!({"name": name, "arguments": arguments}));
        let mut progress = None;
        let ((method, mut params), kind) = match self.rng.below(18) {
            0..=3 => {
                let marker = format!("{} {}\u{2028}é\n", session, self.markers);
                (tool("echo", json!({"message": marker})), Kind::Echo(marker))
            }
            4 | 5 => {
                let (a, b) = (self.markers, session as u64);
                (tool("add", json!({"a": a, "b": b})), Kind::Add(a, b))
            }
            6 => {
                let bytes = self.rng.between(1, 300_000);
                (tool("big", json!({"bytes": bytes})), Kind::Big(bytes))
            }
            7..=9 => {
                let steps = self.rng.between(1, 5) as u64;
                let millis = *self.rng.pick(&[0, 10, 1_000, 30_000]);
                let seconds = self.rng.between(0, millis) as f64 / 1_000.0;
                progress = self.rng.one_in(2).then(|| (id.clone(), 0));
                (tool("slow", json!({"seconds": seconds, "steps": steps})), Kind::Slow(steps))
            }
            10 => (tool("roots", json!({})), Kind::Roots),
            11 => (tool("sample", json!({})), Kind::Sample),
            12 => (tool("log", json!({"count": self.rng.between(1, 3), "level": "error"})), Kind::Log),
            13 => self.rarer_call(session),
            14 => (("ping", json!({})), Kind::Other(None)),
            15 => (("tools/list", json!({})), Kind::Other(Some("tools"))),
            16 => (("logging/setLevel", json!({"level": "warning"})), Kind::SetLevel),
            _ => (tool("toggle", json!({})), Kind::Other(Some("content"))),
        };
        params["_meta"] = json!({"mark": self.markers});
        if let Some((token, _)) = &progress {
            params["_meta"]["progressToken"] = token.clone();
        }
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        (body, Call { id, kind, progress, is_accepted: false, mark: self.markers })
    }

    fn rarer_call(&mut self, session: usize) -> ((&'static str, Value), Kind) {
        match self.rng.below(6) {
            0 if self.weather == Weather::Stormy => (("tools/call", json!({"name": "crash"})), Kind::Crash),
            0 | 1 => {
                self.sessions[session].has_subscribed = true;
                (("resources/subscribe", json!({"uri": "demo://counter"})), Kind::Subscribe)
            }
            2 => {
                self.sessions[session].has_unsubscribed = true;
                (("resources/unsubscribe", json!({"uri": "demo://counter"})), Kind::Other(None))
            }
            3 => (("tools/call", json!({"name": "bump"})), Kind::Other(Some("content"))),
            4 => {
                let arguments = json!({"rounds": [["elicitation", "roots"]], "mood": "withdraws", "millis": 2_000});
                (("tools/call", json!({"name": "quiz", "arguments": arguments})), Kind::Quiz { is_sure: false })
            }
            _ => (("no/such", json!({})), Kind::Unknown),
        }
    }
}

/// Every third id is a string.
fn id_value(number: u64) -> Value {
    if number.is_multiple_of(3) { json!(format!("id-{number}")) } else { json!(number) }
}
