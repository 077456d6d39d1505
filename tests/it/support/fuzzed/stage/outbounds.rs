//! Hosts in the network: connections to them, what they are asked there, and what they answer.

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::proxy::Input;
use serde_json::Value;

use super::Stage;
use super::choices::Choices;
use super::sayings::{self, Manners};

/// Requests that are remembered.
const ASKED_MAX: usize = 16;

/// One connection.
pub(super) struct Outbound {
    id: OutboundId,
    manners: Manners,
    is_connected: bool,
    has_output: bool,
    received: Vec<u8>,
    state: State,
}

/// What a host is about to say on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nothing: it has not been asked.
    Idle,
    /// What answers a request, of this method.
    Due(String),
    /// The rest of an event stream.
    Streaming,
}

const STATUSES: [&str; 14] = [
    "202 Accepted",
    "200 OK",
    "204 No Content",
    "400 Bad Request",
    "401 Unauthorized\r\nWWW-Authenticate: Bearer",
    "403 Forbidden",
    "404 Not Found",
    "405 Method Not Allowed",
    "406 Not Acceptable",
    "429 Too Many Requests\r\nRetry-After: 1",
    "500 Internal Server Error",
    "503 Service Unavailable",
    "307 Temporary Redirect\r\nLocation: /other",
    "302 Found\r\nLocation: http://evil.example/mcp",
];

const FIELDS: [&str; 6] =
    ["", "id: e1\n", "id: \n", "retry: 10\n", "event: message\n", "event: message\nid: e2\nretry: 100000000\n"];

/// What the core asks for.
impl Stage {
    pub(super) fn on_connect(&mut self, id: OutboundId) {
        let url = self.proxy.destination(id).expect("a connection to somewhere");
        let manners = self.manners(url.host().trim_end_matches(".example"));
        let outbound =
            Outbound { id, manners, is_connected: false, has_output: false, received: Vec::new(), state: State::Idle };
        self.outbounds.push(outbound);
    }

    fn outbound(&mut self, id: OutboundId) -> &mut Outbound {
        assert!(!self.dead_outbounds.contains(&id), "an output for a dead connection to a host");
        self.outbounds.iter_mut().find(|outbound| outbound.id == id).expect("an output for a known connection")
    }

    pub(super) fn on_transmit_outbound(&mut self, id: OutboundId) {
        let outbound = self.outbound(id);
        assert!(outbound.is_connected, "bytes for a connection that is not there yet");
        outbound.has_output = true;
    }

    pub(super) fn on_close_outbound(&mut self, id: OutboundId) {
        self.outbound(id);
        self.forget_outbound(id);
    }

    fn forget_outbound(&mut self, id: OutboundId) {
        self.dead_outbounds.insert(id);
        self.outbounds.retain(|outbound| outbound.id != id);
    }

    pub(super) fn check_outbounds(&self) {
        for outbound in &self.outbounds {
            let waiting = self.proxy.request_bytes(outbound.id).len();
            let is_announced = outbound.has_output || !outbound.is_connected;
            assert!(waiting == 0 || is_announced, "bytes wait for {:?} and nobody says so", outbound.id);
        }
    }
}

/// What hosts do.
impl Stage {
    /// Bytes travel to them. Says whether anything happened.
    pub(super) fn flow_outbounds(&mut self) -> bool {
        let mut is_busy = false;
        for id in self.outbounds.iter().map(|outbound| outbound.id).collect::<Vec<_>>() {
            while !self.is_stopped && self.flow_outbound(id) {
                is_busy = true;
            }
        }
        is_busy
    }

    fn flow_outbound(&mut self, id: OutboundId) -> bool {
        let Some(outbound) = self.outbounds.iter_mut().find(|outbound| outbound.id == id) else { return false };
        if !outbound.is_connected && outbound.manners.is_near() {
            outbound.is_connected = true;
            self.handle(Input::Connected { outbound: id });
            return true;
        }
        let bytes = self.proxy.request_bytes(id).to_vec();
        if !outbound.has_output || bytes.is_empty() {
            return false;
        }
        outbound.has_output = false;
        outbound.received.extend_from_slice(&bytes);
        self.handle(Input::OutboundSent { outbound: id, count: bytes.len() });
        let Some(outbound) = self.outbounds.iter_mut().find(|outbound| outbound.id == id) else { return true };
        if let Some((method, body)) = take_request(&mut outbound.received) {
            assert_eq!(outbound.state, State::Idle, "a request before the last is answered");
            outbound.state = State::Due(method);
            self.understand(id, &body);
        }
        true
    }

    /// A request is there: what is said to it at once.
    fn understand(&mut self, id: OutboundId, body: &[u8]) {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let outbound = self.outbound(id);
        let (manners, state) = (outbound.manners, outbound.state.clone());
        if let Some(reply) = manners.reply(&message) {
            return self.reply(id, manners, &reply);
        }
        let is_request = message.get("id").is_some() && message.get("method").is_some();
        match &state {
            State::Due(method) if manners.is_eager() && method == "GET" && manners.streams() => {
                self.begin_stream(id, "");
                if manners.is_old() && self.outbounds.iter().any(|outbound| outbound.id == id) {
                    self.send_chunk(id, b"event: endpoint\ndata: /message?s=1\n\n");
                }
            }
            State::Due(method) if manners.is_eager() && method == "GET" => self.respond(id, "405 No", b""),
            State::Due(_) if manners.is_eager() && !is_request => self.respond(id, "202 Accepted", b""),
            State::Due(_) if manners.is_old() => self.respond(id, "202 Accepted", b""),
            State::Due(_) | State::Idle | State::Streaming => {}
        }
        if self.asked.len() < ASKED_MAX {
            self.asked.extend(sayings::asked(&message));
        }
    }

    fn reply(&mut self, id: OutboundId, manners: Manners, reply: &str) {
        let stream = self.outbounds.iter().find(|outbound| outbound.state == State::Streaming).map(|stream| stream.id);
        if let Some(stream) = stream.filter(|_| manners.is_old()) {
            self.respond(id, "202 Accepted", b"");
            // The core may have closed it upon that.
            if self.outbounds.iter().any(|outbound| outbound.id == stream) {
                self.send_chunk(stream, format!("data: {reply}\n\n").as_bytes());
            }
            return;
        }
        let is_refusal = reply.contains("\"error\"");
        let status = if is_refusal { "400 Bad Request" } else { "200 OK" };
        let name = if manners.has_sessions() && !is_refusal { "\r\nMcp-Session-Id: up" } else { "" };
        self.respond(id, &format!("{status}\r\nContent-Type: application/json{name}"), reply.as_bytes());
    }

    fn begin_stream(&mut self, id: OutboundId, name: &str) {
        self.outbound(id).state = State::Streaming;
        let rest = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked";
        let head = format!("HTTP/1.1 200 OK\r\n{rest}{name}\r\n\r\n");
        self.handle(Input::OutboundReceived { outbound: id, bytes: head.as_bytes() });
    }

    fn send_chunk(&mut self, id: OutboundId, event: &[u8]) {
        let chunk = [format!("{:x}\r\n", event.len()).as_bytes(), event, b"\r\n"].concat();
        self.handle(Input::OutboundReceived { outbound: id, bytes: &chunk });
    }

    fn respond(&mut self, id: OutboundId, head: &str, body: &[u8]) {
        self.outbound(id).state = State::Idle;
        let length =
            if head.starts_with("204") { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut bytes = format!("HTTP/1.1 {head}\r\n{length}\r\n").into_bytes();
        bytes.extend_from_slice(body);
        self.handle(Input::OutboundReceived { outbound: id, bytes: &bytes });
    }

    /// Something happens to a connection.
    pub(super) fn act_outbound(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = choices.place(self.outbounds.len()) else { return };
        let Outbound { id, is_connected, state, .. } = &self.outbounds[at];
        let (id, state) = (*id, state.clone());
        if !is_connected {
            return self.end_connecting(id, choices);
        }
        match (choices.below(10), state) {
            (0..=5, State::Due(_)) => self.answer(id, choices),
            (0..=4, State::Streaming) => self.say_event(id, choices),
            (5, State::Streaming) => {
                self.outbound(id).state = State::Idle;
                self.handle(Input::OutboundReceived { outbound: id, bytes: b"0\r\n\r\n" });
            }
            (0..=7, State::Idle) | (6 | 7, State::Due(_) | State::Streaming) => {
                let bytes = choices.bytes();
                if !bytes.is_empty() {
                    self.handle(Input::OutboundReceived { outbound: id, bytes: &bytes });
                }
            }
            (8, _) => self.handle(Input::OutboundFinished { outbound: id }),
            _ => {
                self.forget_outbound(id);
                self.handle(Input::OutboundBroken { outbound: id, error: "reset".to_owned() });
            }
        }
    }

    fn end_connecting(&mut self, id: OutboundId, choices: &mut Choices<'_>) {
        if choices.flag() {
            self.forget_outbound(id);
            self.handle(Input::ConnectFailed { outbound: id, error: "refused".to_owned() });
        } else {
            self.outbound(id).is_connected = true;
            self.handle(Input::Connected { outbound: id });
        }
    }

    fn answer(&mut self, id: OutboundId, choices: &mut Choices<'_>) {
        let manners = self.outbound(id).manners;
        let name = if manners.has_sessions() { "\r\nMcp-Session-Id: up" } else { "" };
        match choices.below(4) {
            0 if manners.streams() => self.begin_stream(id, name),
            0..=2 => {
                let body = sayings::say(&mut self.asked, choices);
                self.respond(id, &format!("200 OK\r\nContent-Type: application/json{name}"), &body);
            }
            _ => {
                let status = *choices.pick(&STATUSES);
                let body = if status.starts_with("204") { Vec::new() } else { choices.bytes() };
                self.respond(id, status, &body);
            }
        }
    }

    fn say_event(&mut self, id: OutboundId, choices: &mut Choices<'_>) {
        let event = match choices.below(8) {
            0 => b"event: endpoint\ndata: /message?s=1\n\n".to_vec(),
            1 => choices.bytes(),
            _ => {
                let fields = choices.pick(&FIELDS);
                let data = sayings::say(&mut self.asked, choices);
                [fields.as_bytes(), b"data: ", &data, b"\n\n"].concat()
            }
        };
        if !event.is_empty() {
            self.send_chunk(id, &event);
        }
    }

    pub(super) fn all_hosts_obey(&mut self) {
        for outbound in &mut self.outbounds {
            outbound.manners = Manners::of(0);
        }
    }
}

/// The first whole request: its method and its body.
fn take_request(received: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&received[..end]).expect("a head in UTF-8");
    let method = head.split(' ').next().expect("a method").to_owned();
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.map_or(0, |length| length.parse().expect("a length"));
    if received.len() < end + length {
        return None;
    }
    let body = received[end..end + length].to_vec();
    received.drain(..end + length);
    Some((method, body))
}
