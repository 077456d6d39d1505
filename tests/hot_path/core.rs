//! The core, and the little that takes the shell's place: everything is ready as soon as it is asked for.

use mcp_proxy::base::id::{ConnId, LinkId, OutboundId};
use mcp_proxy::proxy::{Input, Output, Proxy, Sources, Vitals};

use crate::CONNECTIONS;
use crate::script::Script;
use crate::support::clock::Clock;
use crate::support::requests::{CLIENT, Http, loopback};
use crate::upstream::{Upstream, find};

/// The core between [`CONNECTIONS`] clients and one server.
pub(crate) struct Core {
    proxy: Proxy,
    clock: Clock,
    upstream: Upstream,
    conns: Vec<ConnId>,
    /// What was sent last on each of the connections.
    answers: Vec<Vec<u8>>,
}

/// The end of a head.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

impl Core {
    /// Its server is ready.
    pub(crate) fn with(script: &Script) -> Core {
        let clock = Clock::new();
        let sources = Sources { random: Box::new(|bytes| bytes.fill(7)), vitals: Box::new(Vitals::default) };
        let proxy = Proxy::new(script.config(), loopback(), sources, clock.now());
        let mut core = Core { proxy, clock, upstream: Upstream::of(script), conns: Vec::new(), answers: Vec::new() };
        let accept = |core: &mut Core| core.proxy.handle_accept(CLIENT, core.clock.now()).expect("room");
        core.conns = (0..CONNECTIONS).map(|_| accept(&mut core)).collect();
        core.answers = vec![Vec::new(); CONNECTIONS];
        core.settle();
        core
    }

    /// What a legacy client is given when it introduces itself; nothing for a modern one.
    pub(crate) fn session(&mut self, script: &Script) -> String {
        if script.is_modern {
            return String::new();
        }
        let client = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"0"}}"#;
        let body = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{client}}}"#);
        self.receive(self.conns[0], &Http::post("/demo/mcp", &body).text().into_bytes());
        self.settle();
        let answer = String::from_utf8_lossy(&self.answers[0]).into_owned();
        let line = answer.lines().find_map(|line| line.strip_prefix("Mcp-Session-Id: "));
        line.unwrap_or_else(|| panic!("no session: {answer}")).to_owned()
    }

    /// A call on each connection at once, and all the answers.
    pub(crate) fn call_on_all(&mut self, request: &[u8]) {
        self.answers.iter_mut().for_each(Vec::clear);
        for conn in self.conns.clone() {
            self.receive(conn, request);
        }
        self.settle();
        for answer in &self.answers {
            let is_right = answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"}}");
            assert!(is_right && find(answer, br#""content""#).is_some(), "{}", String::from_utf8_lossy(answer));
        }
    }

    fn receive(&mut self, conn: ConnId, bytes: &[u8]) {
        self.proxy.handle(Input::Received { conn, bytes }, self.clock.now());
    }

    /// Does what the core asks for. As in the shell, what is said to a child in one turn goes with one write.
    fn settle(&mut self) {
        let mut dirty = Vec::new();
        loop {
            while let Some(output) = self.proxy.poll_output() {
                self.perform(output, &mut dirty);
            }
            match dirty.pop() {
                Some(link) => self.converse(link),
                None => return,
            }
        }
    }

    fn perform(&mut self, output: Output, dirty: &mut Vec<LinkId>) {
        let now = self.clock.now();
        match output {
            Output::Transmit(conn) => self.take_answer(conn),
            Output::Spawn(link) => self.proxy.handle(Input::Spawned { link, pid: 4_711 }, now),
            Output::TransmitStdin(link) => dirty.push(link),
            Output::Connect(outbound) => {
                self.proxy.handle(Input::Connected { outbound }, now);
                self.respond(outbound);
            }
            Output::TransmitOutbound(outbound) => self.respond(outbound),
            Output::Log(_) => {}
            Output::Resume(_)
            | Output::FinishWriting(_)
            | Output::Close(_)
            | Output::CloseStdin(_)
            | Output::Terminate(_)
            | Output::Kill(_)
            | Output::CloseOutbound(_)
            | Output::Authority(_)
            | Output::Stopped { .. } => panic!("unforeseen: {output:?}"),
        }
    }

    fn take_answer(&mut self, conn: ConnId) {
        let at = self.conns.iter().position(|other| *other == conn).expect("a known connection");
        loop {
            let bytes = self.proxy.outgoing(conn);
            let count = bytes.len();
            if count == 0 {
                return;
            }
            self.answers[at].extend_from_slice(bytes);
            self.proxy.handle(Input::Sent { conn, count }, self.clock.now());
        }
    }

    /// The child reads all that it was sent, and answers it.
    fn converse(&mut self, link: LinkId) {
        let now = self.clock.now();
        let stdin = self.proxy.stdin(link);
        let count = stdin.len();
        let mut said = Vec::new();
        for answer in stdin.split(|byte| *byte == b'\n').filter_map(|line| self.upstream.answer(line)) {
            said.extend_from_slice(&answer);
            said.push(b'\n');
        }
        self.proxy.handle(Input::StdinSent { link, count }, now);
        if !said.is_empty() {
            self.proxy.handle(Input::Stdout { link, bytes: &said }, now);
        }
    }

    /// The remote server takes a request whole, and answers it.
    fn respond(&mut self, outbound: OutboundId) {
        let now = self.clock.now();
        let request = self.proxy.request_bytes(outbound);
        let count = request.len();
        let Some(end) = find(request, BLANK_LINE) else { return };
        let body = &request[end + BLANK_LINE.len()..];
        let response = match self.upstream.answer(body) {
            Some(answer) => {
                let head =
                    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\n";
                let mut response = format!("{head}Content-Length: {}\r\n\r\n", answer.len()).into_bytes();
                response.extend_from_slice(&answer);
                response
            }
            None if request.starts_with(b"GET") => {
                b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            None => b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n".to_vec(),
        };
        self.proxy.handle(Input::OutboundSent { outbound, count }, now);
        self.proxy.handle(Input::OutboundReceived { outbound, bytes: &response }, now);
    }
}
