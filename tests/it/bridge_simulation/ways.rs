//! The way between the core and the server: the pipes of a process, or connections to a host.

use mcp_proxy::base::id::{LinkId, OutboundId};
use mcp_proxy::proxy::{Exit, Input};
use serde_json::{Value, json};

use super::server::Said;
use super::world::World;

/// A process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) link: LinkId,
    pub(super) is_running: bool,
    pub(super) has_output: bool,
    heard: Vec<u8>,
    stdout: Vec<u8>,
}

impl Process {
    pub(super) fn new(link: LinkId) -> Process {
        Process { link, is_running: false, has_output: false, heard: Vec::new(), stdout: Vec::new() }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) id: OutboundId,
    is_connected: bool,
    pub(super) has_output: bool,
    heard: Vec<u8>,
    outbox: Vec<u8>,
    /// The request that it carries.
    request: Option<Value>,
    is_streaming: bool,
}

impl Pipe {
    pub(super) fn new(id: OutboundId) -> Pipe {
        Pipe {
            id,
            is_connected: false,
            has_output: false,
            heard: Vec::new(),
            outbox: Vec::new(),
            request: None,
            is_streaming: false,
        }
    }
}

impl World {
    /// Something on the way to the server gets there, or comes from it. Says whether anything moved.
    pub(super) fn travel(&mut self) -> bool {
        if self.is_process {
            let is_reading_first = self.rng.below(2) == 0;
            (is_reading_first && self.read_process()) || self.write_process() || self.read_process()
        } else {
            let count = self.pipes.len();
            let first = self.rng.below(count);
            (0..count).any(|at| self.move_pipe((first + at) % count.max(1)))
        }
    }

    pub(super) fn write_process(&mut self) -> bool {
        let Some(process) = &mut self.process else { return false };
        let link = process.link;
        if !process.is_running {
            process.is_running = true;
            self.tally.starts += 1;
            self.handle(Input::Spawned { link, pid: 1 });
            return true;
        }
        if !process.has_output {
            return false;
        }
        process.has_output = false;
        let bytes = self.proxy.stdin(link).to_vec();
        process.heard.extend_from_slice(&bytes);
        let mut lines = Vec::new();
        while let Some(end) = process.heard.iter().position(|byte| *byte == b'\n') {
            lines.push(process.heard.drain(..=end).collect::<Vec<u8>>());
        }
        self.handle(Input::StdinSent { link, count: bytes.len() });
        for line in lines {
            let message: Value = serde_json::from_slice(&line).expect("every line is a message");
            self.say(|| format!("server <- {message}"));
            self.server.hear(&message, &mut self.rng);
        }
        self.collect();
        true
    }

    fn read_process(&mut self) -> bool {
        let Some(process) = self.process.as_mut().filter(|process| !process.stdout.is_empty()) else { return false };
        let share = self.rng.between(1, process.stdout.len());
        let bytes: Vec<u8> = process.stdout.drain(..share).collect();
        let link = process.link;
        self.handle(Input::Stdout { link, bytes: &bytes });
        true
    }

    /// The process crashes.
    pub(super) fn crash(&mut self) {
        let Some(process) = self.process.take_if(|process| process.is_running) else { return };
        self.say(|| "-- crash".to_owned());
        self.tally.crashes += 1;
        self.server.restart();
        self.handle(Input::Exited { link: process.link, exit: Exit::Code(1) });
    }

    fn move_pipe(&mut self, at: usize) -> bool {
        let Some(pipe) = self.pipes.get_mut(at) else { return false };
        let id = pipe.id;
        if !pipe.is_connected {
            pipe.is_connected = true;
            self.handle(Input::Connected { outbound: id });
            return true;
        }
        if !pipe.outbox.is_empty() {
            let share = self.rng.between(1, pipe.outbox.len());
            let bytes: Vec<u8> = pipe.outbox.drain(..share).collect();
            self.handle(Input::OutboundReceived { outbound: id, bytes: &bytes });
            return true;
        }
        if !pipe.has_output {
            return false;
        }
        pipe.has_output = false;
        let bytes = self.proxy.request_bytes(id).to_vec();
        pipe.heard.extend_from_slice(&bytes);
        let request = take_request(&mut pipe.heard);
        self.handle(Input::OutboundSent { outbound: id, count: bytes.len() });
        if let Some((head, message)) = request {
            self.on_post(id, &head, &message);
        }
        true
    }

    fn on_post(&mut self, id: OutboundId, head: &str, message: &Value) {
        self.say(|| format!("server <- {id:?} {message}"));
        let method = message["method"].as_str().expect("a request");
        if method == "initialize" {
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": "?"}});
            return self.write(id, &whole("400 Bad Request", &body.to_string()));
        }
        assert!(head.contains("\r\nMCP-Protocol-Version: 2026-07-28\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nMcp-Method: {method}\r\n")), "{head}");
        let name = message["params"]["name"].as_str().filter(|_| method == "tools/call");
        assert!(name.is_none_or(|name| head.contains(&format!("\r\nMcp-Name: {name}\r\n"))), "{head}");
        if method == "tools/call" && self.is_rough && self.rng.one_in(6) {
            let code = *self.rng.pick(&[-32020, -32022]);
            self.tally.refusals += 1;
            self.refused.extend(message["params"]["arguments"]["mark"].as_u64());
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": code, "message": "?"}});
            return self.write(id, &whole("400 Bad Request", &body.to_string()));
        }
        if let Some(pipe) = self.pipe(id) {
            pipe.request = Some(message["id"].clone());
        }
        if let Some(mark) = message["params"]["arguments"]["mark"].as_u64() {
            self.refused.remove(&mark);
        }
        self.server.hear(message, &mut self.rng);
        self.collect();
    }

    /// What the server has said goes where it belongs.
    pub(super) fn collect(&mut self) {
        for Said { about, message } in self.server.take_said() {
            self.say(|| format!("server -> {message}"));
            if let Some(process) = &mut self.process {
                process.stdout.extend_from_slice(format!("{message}\n").as_bytes());
                continue;
            }
            let is_last = message.get("method").is_none();
            let prefers_json = self.rng.one_in(2);
            let is_meant = |pipe: &&mut Pipe| pipe.request.as_ref() == Some(&about);
            let Some(pipe) = self.pipes.iter_mut().find(is_meant) else { continue };
            if is_last && !pipe.is_streaming && prefers_json {
                pipe.outbox.extend_from_slice(whole("200 OK", &message.to_string()).as_bytes());
            } else {
                if !pipe.is_streaming {
                    let head =
                        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
                    pipe.outbox.extend_from_slice(head.as_bytes());
                }
                let event = format!("id: 7\ndata: {message}\n\n");
                pipe.outbox.extend_from_slice(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
                pipe.outbox.extend_from_slice(if is_last { b"0\r\n\r\n" } else { b"" });
                pipe.is_streaming = !is_last;
            }
            if is_last {
                pipe.request = None;
            }
        }
    }

    /// A connection breaks.
    pub(super) fn cut(&mut self) {
        if self.pipes.is_empty() {
            return;
        }
        let at = self.rng.below(self.pipes.len());
        if !self.pipes[at].is_connected {
            return;
        }
        self.tally.crashes += 1;
        let pipe = self.pipes.remove(at);
        self.say(|| format!("-- {:?} breaks", pipe.id));
        self.abandon(&pipe);
        self.handle(Input::OutboundBroken { outbound: pipe.id, error: "connection reset".to_owned() });
    }

    /// The core has closed a connection.
    pub(super) fn on_close(&mut self, id: OutboundId) {
        if let Some(at) = self.pipes.iter().position(|pipe| pipe.id == id) {
            let pipe = self.pipes.remove(at);
            self.abandon(&pipe);
        }
    }

    /// What a connection carried is cancelled.
    fn abandon(&mut self, pipe: &Pipe) {
        if let Some(request) = &pipe.request {
            self.server.cancel(request);
        }
    }

    fn pipe(&mut self, id: OutboundId) -> Option<&mut Pipe> {
        self.pipes.iter_mut().find(|pipe| pipe.id == id)
    }

    fn write(&mut self, id: OutboundId, text: &str) {
        if let Some(pipe) = self.pipe(id) {
            pipe.outbox.extend_from_slice(text.as_bytes());
        }
    }
}

fn whole(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// The head and the message of the first whole request.
fn take_request(heard: &mut Vec<u8>) -> Option<(String, Value)> {
    let end = heard.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(heard[..end].to_vec()).expect("a head in UTF-8");
    assert!(head.starts_with("POST /mcp HTTP/1.1\r\n"), "{head}");
    let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split('\r').next()).expect("a length");
    let length: usize = length.parse().expect("a number");
    if heard.len() < end + length {
        return None;
    }
    let message = serde_json::from_slice(&heard[end..end + length]).expect("a message");
    heard.drain(..end + length);
    Some((head, message))
}
