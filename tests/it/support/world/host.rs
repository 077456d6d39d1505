//! Hosts: servers in the network, around the demo server. Here is what they all have in common.

use std::time::{Duration, Instant};

use mcp_proxy::base::id::OutboundId;

use super::Rng;
use super::machine::Notes;
use super::manners::Manners;
use super::message::Request;
use super::pipe::{End, Framing, Pipe};
use super::servers::{Server, Speech};
use super::talk::Talk;

/// A server in the network, with all its connections and conversations.
pub(super) struct Host {
    /// Which of the servers it is.
    pub(super) server: usize,
    /// Whether each session has a conversation of its own, which its client begins as it likes.
    pub(super) is_private: bool,
    /// Its name and port.
    pub(super) authority: String,
    speech: Speech,
    pub(super) habits: Habits,
    /// Whether it does what it should not.
    pub(super) is_rough: bool,
    /// Whether it can expect good manners: it never refused what it should have taken.
    pub(super) is_strict: bool,
    /// Nobody gets through to it until then.
    down_until: Option<Instant>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) talks: Vec<Talk>,
    /// What became of its calls.
    pub(super) notes: Notes,
    serial: u64,
    pub(super) talks_begun: usize,
    pub(super) resumptions: usize,
    pub(super) redirects: usize,
}

/// What the specification leaves to servers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Whether sessions have names. Without, there is one at a time.
    pub(super) has_tokens: bool,
    /// Whether it offers a stream for what belongs to no request.
    pub(super) has_stream: bool,
    /// Whether its events have ids.
    pub(super) has_ids: bool,
    /// Whether it answers with a single message if it can.
    pub(super) prefers_json: bool,
    /// Whether a DELETE is refused.
    pub(super) keeps_sessions: bool,
    /// Whether it lives at another path than everybody thinks.
    has_moved: bool,
    /// How it takes it to be asked for its era.
    pub(super) manners: Manners,
}

impl Host {
    pub(super) fn new(server: usize, entry: &Server, speech: Speech, is_rough: bool, rng: &mut Rng) -> Host {
        let habits = Habits {
            has_tokens: entry.is_private() || !rng.one_in(6),
            has_stream: !rng.one_in(4),
            has_ids: rng.one_in(2),
            prefers_json: rng.one_in(2),
            keeps_sessions: rng.one_in(4),
            has_moved: rng.one_in(5),
            manners: Manners::pick(rng),
        };
        Host {
            server,
            is_private: entry.is_private(),
            authority: format!("{}.example:8080", entry.name),
            speech,
            habits,
            is_rough,
            is_strict: !is_rough,
            down_until: None,
            pipes: Vec::new(),
            talks: Vec::new(),
            notes: Notes::default(),
            serial: 0,
            talks_begun: 0,
            resumptions: 0,
            redirects: 0,
        }
    }

    pub(super) fn pipe(&mut self, id: OutboundId) -> Option<&mut Pipe> {
        self.pipes.iter_mut().find(|pipe| pipe.id == id)
    }

    /// The core has closed a connection, or it broke.
    pub(super) fn forget(&mut self, id: OutboundId) {
        self.pipes.retain(|pipe| pipe.id != id);
        if self.speech == Speech::Sse {
            self.talks.retain(|talk| talk.pipe() != Some(id));
        }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let talks = self.talks.iter().filter_map(|talk| talk.machine.poll_timeout());
        talks.chain(self.pipes.iter().filter_map(Pipe::next_due)).min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, rng: &mut Rng) {
        for at in (0..self.talks.len()).rev() {
            if let Some(talk) = self.talks.get_mut(at) {
                talk.machine.handle_timeout(now);
                self.route(at, None, now, rng);
            }
        }
    }

    pub(super) fn is_down(&self, now: Instant) -> bool {
        self.down_until.is_some_and(|until| now < until)
    }

    /// No more faults from here on.
    pub(super) fn calm_down(&mut self) {
        self.is_rough = false;
        self.down_until = None;
        for pipe in &mut self.pipes {
            pipe.takes = true;
            pipe.gives = true;
        }
    }

    /// It starts anew: nothing is left of what was.
    pub(super) fn restart_at_once(&mut self, now: Instant, rng: &mut Rng) {
        self.talks.clear();
        for pipe in &mut self.pipes {
            pipe.cut(rng);
        }
        self.down_until = Some(now);
    }

    /// The same, and it takes its time.
    pub(super) fn restart(&mut self, now: Instant, rng: &mut Rng) {
        self.restart_at_once(now, rng);
        let millis = *rng.pick(&[0, 100, 3_000, 40_000]);
        self.down_until = Some(now + Duration::from_millis(rng.between(0, millis) as u64));
    }
}

/// Requests.
impl Host {
    /// Bytes of the core arrive.
    pub(super) fn hear(&mut self, id: OutboundId, bytes: &[u8], now: Instant, rng: &mut Rng) {
        let is_rough = self.is_rough;
        let Some(pipe) = self.pipe(id).filter(|pipe| pipe.is_usable()) else { return };
        pipe.inbox.extend_from_slice(bytes);
        if is_rough && rng.one_in(60) {
            return self.answer_early(id, rng);
        }
        while let Some(pipe) = self.pipe(id).filter(|pipe| pipe.framing == Framing::Idle && pipe.is_usable()) {
            let Some(request) = Request::take(&mut pipe.inbox) else { break };
            pipe.framing = Framing::Due;
            self.on_request(id, &request, now, rng);
        }
    }

    /// Answers what it has not read, and reads no more.
    fn answer_early(&mut self, id: OutboundId, rng: &mut Rng) {
        let Some(pipe) = self.pipe(id) else { return };
        let is_due = pipe.framing == Framing::Idle && !pipe.inbox.is_empty();
        if is_due && !pipe.inbox.starts_with(b"GET") {
            pipe.write(b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n");
            pipe.cut(rng);
        }
    }

    fn on_request(&mut self, id: OutboundId, request: &Request, now: Instant, rng: &mut Rng) {
        if self.habits.has_moved && request.target.starts_with("/mcp") {
            return self.redirect(id, request, rng);
        }
        if self.is_rough && rng.one_in(15) {
            return self.refuse(id, rng);
        }
        match self.speech {
            Speech::Streamable => self.on_streamable(id, request, now, rng),
            Speech::Sse => self.on_sse(id, request, now, rng),
        }
    }

    fn redirect(&mut self, id: OutboundId, request: &Request, rng: &mut Rng) {
        self.redirects += 1;
        let statuses: &[&str] = if request.method == "GET" {
            &["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"]
        } else {
            &["307 Temporary Redirect", "308 Permanent Redirect"]
        };
        let status = rng.pick(statuses);
        let place = if self.is_rough && rng.one_in(8) { "https://elsewhere.example/" } else { "/moved/mcp?key=s" };
        let head = format!("{status}\r\nLocation: {place}\r\n");
        self.respond(id, &head, "It is elsewhere.", rng);
    }

    /// What some say before they close a connection that nobody uses.
    pub(super) fn time_out_idle(&mut self, rng: &mut Rng) {
        let idle = self.pipes.iter().map(|pipe| pipe.id).find(|id| self.is_idle(*id));
        if let Some(pipe) = idle.and_then(|id| self.pipe(id)) {
            pipe.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            pipe.end = Some(if rng.one_in(2) { End::Finished } else { End::Broken });
        }
    }

    /// Whatever stands in front of a server may answer in its place.
    fn refuse(&mut self, id: OutboundId, rng: &mut Rng) {
        let (head, body) = *rng.pick(&[
            ("400 Bad Request\r\nContent-Type: text/plain\r\n", "what?"),
            ("401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n", ""),
            ("403 Forbidden\r\nContent-Type: text/html\r\n", "<html></html>"),
            ("404 Not Found\r\n", ""),
            ("429 Too Many Requests\r\nRetry-After: 1\r\n", "slow down"),
            ("500 Internal Server Error\r\nContent-Type: application/json\r\n", "{\"error\":\"oops\"}"),
            ("502 Bad Gateway\r\nContent-Type: text/html\r\n", "<html></html>"),
            (
                "503 Service Unavailable\r\nContent-Type: application/json\r\n",
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"busy\"}}",
            ),
            ("200 OK\r\nContent-Type: text/html\r\n", "<html>Please log in.</html>"),
            ("200 OK\r\nContent-Type: text/event-stream\r\n", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"),
            ("200 OK\r\nContent-Type: application/json\r\n", "data: {}\n\n"),
            ("200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n", "\x1f"),
            ("202 Accepted\r\n", ""),
            ("204 No Content\r\n", ""),
            ("304 Not Modified\r\nX-Why: none\r\n", ""),
        ]);
        if rng.one_in(8) {
            return self.talk_nonsense(id, rng);
        }
        if head.starts_with("304") {
            if let Some(pipe) = self.pipe(id) {
                pipe.write(format!("HTTP/1.1 {head}\r\n").as_bytes());
                pipe.framing = Framing::Idle;
            }
            return;
        }
        self.respond(id, head, body, rng);
    }

    /// What is no HTTP, or HTTP that nobody should trust.
    fn talk_nonsense(&mut self, id: OutboundId, rng: &mut Rng) {
        let nonsense = *rng.pick::<&[u8]>(&[
            b"SSH-2.0-OpenSSH_9.9\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[]",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"jsonrpc\":\"2.0\",\n\n",
            b"\x16\x03\x01\x00",
        ]);
        if let Some(pipe) = self.pipe(id) {
            pipe.write(nonsense);
            pipe.end = pipe.end.or(Some(if rng.one_in(2) { End::Finished } else { End::Broken }));
        }
    }

    pub(super) fn respond(&mut self, id: OutboundId, head: &str, body: &str, rng: &mut Rng) {
        let is_rough = self.is_rough;
        let Some(pipe) = self.pipe(id) else { return };
        pipe.respond(head, body, rng);
        if is_rough && rng.one_in(30) {
            pipe.cut(rng);
        }
    }
}

/// The end of a session.
impl Host {
    pub(super) fn on_delete(&mut self, id: OutboundId, request: &Request, rng: &mut Rng) {
        if self.habits.keeps_sessions {
            return self.respond(id, "405 Method Not Allowed\r\nAllow: GET, POST\r\n", "", rng);
        }
        let token = request.header("mcp-session-id").unwrap_or_default();
        let before = self.talks.len();
        self.talks.retain(|talk| talk.token != token);
        let head = if self.talks.len() < before {
            *rng.pick(&["200 OK\r\n", "204 No Content\r\n"])
        } else {
            "404 Not Found\r\n"
        };
        self.respond(id, head, "", rng);
    }
}
