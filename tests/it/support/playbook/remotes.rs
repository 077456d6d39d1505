//! Scripted remote upstreams: what the core sends over its connections, and what comes back.
//!
//! Connections are called `up1`, `up2` … in the order in which they were asked for.

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::proxy::Input;

use super::Playbook;
use super::settle::{is_probe, refusal};
use crate::support::requests::rpc;

/// One connection of the core to a remote upstream.
pub(super) struct Outbound {
    name: String,
    id: OutboundId,
    is_connected: bool,
    has_output: bool,
    received: Vec<u8>,
}

/// What the core asks for.
impl Playbook {
    pub(super) fn on_connect(&mut self, id: OutboundId) {
        assert!(self.proxy.destination(id).is_some(), "a connection to nowhere");
        self.connects += 1;
        let name = format!("up{}", self.connects);
        self.transcript.add(format!("{name} connect"));
        self.outbounds.push(Outbound { name, id, is_connected: false, has_output: false, received: Vec::new() });
    }

    pub(super) fn on_transmit_outbound(&mut self, id: OutboundId) {
        let outbound = self.outbounds.iter_mut().find(|outbound| outbound.id == id).expect("a known connection");
        assert!(outbound.is_connected, "bytes for a connection that is not there yet");
        outbound.has_output = true;
    }

    pub(super) fn on_close_outbound(&mut self, id: OutboundId) {
        let at = self.outbounds.iter().position(|outbound| outbound.id == id).expect("a known connection");
        let outbound = self.outbounds.remove(at);
        self.transcript.add(format!("{} close", outbound.name));
    }

    /// Connections are there as soon as they are asked for, unless the test makes them wait.
    pub(super) fn accept_outbounds(&mut self) -> bool {
        let waiting = self.outbounds.iter_mut().filter(|outbound| !outbound.is_connected && self.accepts);
        let ids: Vec<OutboundId> = waiting
            .map(|outbound| {
                outbound.is_connected = true;
                outbound.id
            })
            .collect();
        for id in &ids {
            self.proxy.handle(Input::Connected { outbound: *id }, self.clock.now());
        }
        !ids.is_empty()
    }

    pub(super) fn flush_outbounds(&mut self) -> bool {
        let mut is_busy = false;
        let mut probed = Vec::new();
        for outbound in self.outbounds.iter_mut().filter(|outbound| outbound.has_output) {
            outbound.has_output = false;
            let bytes = self.proxy.request_bytes(outbound.id).to_vec();
            if bytes.is_empty() {
                continue;
            }
            is_busy = true;
            outbound.received.extend_from_slice(&bytes);
            let sent = Input::OutboundSent { outbound: outbound.id, count: bytes.len() };
            self.proxy.handle(sent, self.clock.now());
            while let Some((head, body)) = take_request(&mut outbound.received) {
                self.calls.learn(&body);
                if self.is_legacy && is_probe(&body) {
                    probed.push((outbound.id, refusal(&body).to_string()));
                    continue;
                }
                let body = if body.is_empty() { body } else { format!(" {}", self.calls.show(&body)) };
                self.transcript.add(format!("{} {head}{body}", outbound.name));
            }
        }
        for (outbound, body) in probed {
            let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json";
            let bytes = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            self.proxy.handle(Input::OutboundReceived { outbound, bytes: bytes.as_bytes() }, self.clock.now());
        }
        is_busy
    }
}

/// What remote upstreams do.
impl Playbook {
    /// The connection cannot be made.
    pub(crate) fn refuse(&mut self, name: &str, error: &str) {
        let outbound = self.outbound(name);
        self.outbounds.retain(|other| other.id != outbound);
        self.handle(Input::ConnectFailed { outbound, error: error.to_owned() });
    }

    /// Bytes come.
    pub(crate) fn sends(&mut self, name: &str, bytes: &[u8]) {
        let outbound = self.outbound(name);
        self.handle(Input::OutboundReceived { outbound, bytes });
    }

    /// A whole answer comes; `head` is the status and further header lines.
    pub(crate) fn responds(&mut self, name: &str, head: &str, body: &str) {
        let body = self.calls.resolve(&rpc(body));
        let length = body.len();
        self.sends(name, format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
    }

    /// A reply comes as JSON.
    pub(crate) fn replies(&mut self, name: &str, message: &str) {
        self.responds(name, "200 OK\r\nContent-Type: application/json", message);
    }

    /// A message is taken.
    pub(crate) fn takes_note(&mut self, name: &str) {
        self.responds(name, "202 Accepted", "");
    }

    /// An event stream begins.
    pub(crate) fn streams(&mut self, name: &str) {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        self.sends(name, head.as_bytes());
    }

    /// An event comes: its fields as lines, of which `data` may hold a message.
    pub(crate) fn event(&mut self, name: &str, fields: &str) {
        let text = match fields.strip_prefix("data: {") {
            Some(rest) => format!("data: {}", rpc(&format!("{{{rest}"))),
            None => fields.to_owned(),
        };
        let text = format!("{}\n\n", self.calls.resolve(&text));
        self.sends(name, format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
    }

    /// The event stream ends.
    pub(crate) fn ends_stream(&mut self, name: &str) {
        self.sends(name, b"0\r\n\r\n");
    }

    /// The upstream closes the connection.
    pub(crate) fn closes(&mut self, name: &str) {
        let outbound = self.outbound(name);
        self.handle(Input::OutboundFinished { outbound });
    }

    /// The connection breaks.
    pub(crate) fn breaks(&mut self, name: &str, error: &str) {
        let outbound = self.outbound(name);
        self.outbounds.retain(|other| other.id != outbound);
        self.handle(Input::OutboundBroken { outbound, error: error.to_owned() });
    }

    /// The connection that was asked for last.
    pub(crate) fn newest_outbound(&self) -> String {
        self.outbounds.last().expect("a connection").name.clone()
    }

    fn outbound(&self, name: &str) -> OutboundId {
        let found = self.outbounds.iter().find(|outbound| outbound.name == name);
        found.unwrap_or_else(|| panic!("no connection {name}")).id
    }
}

/// Headers that say nothing new.
const USUAL: [&str; 5] = ["host", "content-type", "content-length", "accept", "accept-encoding"];

/// The first whole request: what is worth showing of its head, and its body.
fn take_request(received: &mut Vec<u8>) -> Option<(String, String)> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(received[..end].to_vec()).expect("a head in UTF-8");
    let mut lines = head.trim_end().split("\r\n");
    let mut shown = lines.next().expect("a request line").trim_end_matches(" HTTP/1.1").to_owned();
    let mut length = 0;
    for (name, value) in lines.map(|line| line.split_once(": ").expect("a header")) {
        if name == "Content-Length" {
            length = value.parse().expect("a length");
        }
        if !USUAL.contains(&name.to_ascii_lowercase().as_str()) {
            shown.push_str(&format!(" [{name}: {value}]"));
        }
    }
    if received.len() < end + length {
        return None;
    }
    let body = received[end..end + length].to_vec();
    received.drain(..end + length);
    Some((shown, String::from_utf8(body).expect("a body in UTF-8").trim_end().to_owned()))
}
