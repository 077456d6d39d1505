//! Conversations of hosts: a demo server, and the streams on which it is heard.

use std::time::Instant;

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::demo::Effect;
use serde_json::{Value, json};

use super::Rng;
use super::host::Host;
use super::machine::{Machine, Said};
use super::message::event;
use super::pipe::Framing;

/// One conversation.
pub(super) struct Talk {
    pub(super) token: String,
    pub(super) machine: Machine,
    /// Whether `notifications/initialized` has come.
    pub(super) is_confirmed: bool,
    /// The first one carries what belongs to no request, once somebody asks for it.
    pub(super) streams: Vec<Stream>,
}

/// What is said in answer to one request.
pub(super) struct Stream {
    pub(super) serial: u64,
    /// The id of the request; `None` for the stream of what belongs to none.
    pub(super) request: Option<Value>,
    pub(super) form: Form,
    /// All messages so far.
    pub(super) lines: Vec<String>,
    /// Asks that were put on it.
    asks: Vec<u64>,
    pub(super) is_complete: bool,
    /// Whether its client has come back for it.
    pub(super) is_resumed: bool,
    /// Where it is heard.
    pub(super) pipe: Option<OutboundId>,
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Perhaps as a single message: that is seen when the first one comes.
    Open {
        prefers_json: bool,
    },
    Events,
}

impl Talk {
    pub(super) fn new(token: String) -> Talk {
        Talk { token, machine: Machine::new(), is_confirmed: false, streams: Vec::new() }
    }

    /// One that never had to begin.
    pub(super) fn nameless(now: Instant) -> Talk {
        let mut talk = Talk::new(String::new());
        let hello = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {}},
        });
        talk.machine.handle(&hello, hello.to_string().as_bytes(), now);
        while talk.machine.poll_output().is_some() {}
        talk.is_confirmed = true;
        talk
    }

    /// Where everything is heard, over HTTP+SSE.
    pub(super) fn pipe(&self) -> Option<OutboundId> {
        self.streams.first().and_then(|stream| stream.pipe)
    }

    /// Where a message belongs: with the request that it is about; else with what is being answered; else on the
    /// stream for the rest. `call`: in which it is said, if that is known.
    fn place(&self, message: &Value, call: Option<&Value>, current: Option<usize>) -> Option<usize> {
        let of_request = |id: &Value| {
            self.streams.iter().position(|stream| stream.request.as_ref() == Some(id) && !stream.is_complete)
        };
        let rest = self.streams.iter().position(|stream| stream.request.is_none());
        if self.streams.first().is_some_and(|stream| stream.is_for_all()) {
            return Some(0);
        }
        if let Some(place) = call.and_then(of_request) {
            return Some(place);
        }
        let found = match message["method"].as_str() {
            None => of_request(&message["id"]),
            Some("notifications/progress") => of_request(&message["params"]["progressToken"]),
            Some("notifications/cancelled") => {
                let ask = message["params"]["requestId"].as_u64();
                self.streams.iter().position(|stream| ask.is_some_and(|ask| stream.asks.contains(&ask)))
            }
            Some("notifications/message") => current,
            Some(method) if method.starts_with("notifications/") => rest.or(current),
            Some(_) => current,
        };
        found.or(current).or(rest)
    }
}

impl Stream {
    pub(super) fn new(serial: u64, request: Option<Value>, form: Form, pipe: OutboundId) -> Stream {
        Stream {
            serial,
            request,
            form,
            lines: Vec::new(),
            asks: Vec::new(),
            is_complete: false,
            is_resumed: false,
            pipe: Some(pipe),
        }
    }

    /// The one stream of HTTP+SSE.
    pub(super) fn for_all(pipe: OutboundId) -> Stream {
        Stream::new(0, None, Form::Events, pipe)
    }

    fn is_for_all(&self) -> bool {
        self.serial == 0
    }

    fn event_id(&self, position: usize) -> String {
        format!("{}-{position}", self.serial)
    }
}

/// What the machine of a conversation says.
impl Host {
    /// Takes a message of the core. `current`: the stream of its answer.
    pub(super) fn run(&mut self, at: usize, body: &[u8], current: Option<usize>, now: Instant, rng: &mut Rng) {
        let message: Value = serde_json::from_slice(body).expect("every body is a message");
        let machine = &mut self.talks[at].machine;
        machine.handle(&message, body, now);
        self.notes.take_from(&mut machine.notes);
        self.route(at, current, now, rng);
    }

    /// Puts what the machine has said where it belongs.
    pub(super) fn route(&mut self, at: usize, current: Option<usize>, now: Instant, rng: &mut Rng) {
        while let Some(Said { effect, call }) = self.talks.get_mut(at).and_then(|talk| talk.machine.poll_output()) {
            match effect {
                Effect::Line(line) => self.say(at, &line, call.as_ref(), current, rng),
                Effect::Stderr(_) => {}
                Effect::Exit(_) => return self.restart(now, rng),
            }
        }
    }

    fn say(&mut self, at: usize, line: &str, call: Option<&Value>, current: Option<usize>, rng: &mut Rng) {
        let message: Value = serde_json::from_str(line).expect("a message");
        let Some(place) = self.talks[at].place(&message, call, current) else { return };
        let stream = &mut self.talks[at].streams[place];
        let is_reply = message.get("method").is_none();
        let is_last = is_reply && stream.request.is_some();
        if let Some(id) = message["id"].as_u64().filter(|_| !is_reply) {
            stream.asks.push(id);
        }
        if self.is_rough && is_reply && rng.one_in(20) && stream.form == Form::Events {
            self.put(at, place, line.to_owned(), false, rng); // twice
        }
        self.put(at, place, line.to_owned(), is_last, rng);
    }

    /// One more message on a stream.
    fn put(&mut self, at: usize, place: usize, line: String, is_last: bool, rng: &mut Rng) {
        let (is_rough, token) = (self.is_rough, self.token_header(at, place));
        let stream = &mut self.talks[at].streams[place];
        stream.lines.push(line);
        stream.is_complete = is_last;
        let Some(id) = stream.pipe else { return };
        if stream.form == (Form::Open { prefers_json: true }) && is_last {
            let head = format!("200 OK\r\nContent-Type: application/json\r\n{token}");
            let body = stream.lines[0].clone();
            stream.pipe = None;
            return self.respond(id, &head, &body, rng);
        }
        if stream.form != Form::Events {
            self.begin_events(at, place, rng);
        }
        let last = self.talks[at].streams[place].lines.len() - 1;
        self.write_events(at, place, last, rng);
        if is_rough && rng.one_in(40) {
            self.pipes.iter_mut().filter(|pipe| pipe.id == id).for_each(|pipe| pipe.cut(rng));
        }
    }

    fn token_header(&self, at: usize, place: usize) -> String {
        let talk = &self.talks[at];
        let is_named = self.habits.has_tokens && !talk.is_confirmed && !talk.streams[place].is_resumed;
        if is_named { format!("Mcp-Session-Id: {}\r\n", talk.token) } else { String::new() }
    }

    /// The head of a stream, and where it can be resumed from.
    pub(super) fn begin_events(&mut self, at: usize, place: usize, rng: &mut Rng) {
        let (has_ids, is_rough) = (self.habits.has_ids, self.is_rough);
        let head = format!("200 OK\r\nContent-Type: text/event-stream\r\n{}", self.token_header(at, place));
        let stream = &mut self.talks[at].streams[place];
        stream.form = Form::Events;
        let priming = (has_ids && !stream.is_for_all() && rng.one_in(2)).then(|| {
            let retry = if is_rough && rng.one_in(5) { 10_000_000 } else { rng.between(0, 2_000) };
            format!("id: {}\nretry: {retry}\ndata:\n\n", stream.event_id(0))
        });
        let Some(id) = stream.pipe else { return };
        if let Some(pipe) = self.pipe(id) {
            let head = if rng.one_in(3) { head.replace("event-stream", "event-stream; charset=utf-8") } else { head };
            pipe.begin(&head, rng);
            if let Some(priming) = priming {
                pipe.write_part(&priming, rng);
            }
        }
    }

    /// Writes the messages of a stream from one on, and its end if it has one.
    pub(super) fn write_events(&mut self, at: usize, place: usize, from: usize, rng: &mut Rng) {
        let has_ids = self.habits.has_ids;
        let stream = &self.talks[at].streams[place];
        let (is_complete, id) = (stream.is_complete, stream.pipe);
        let mut texts = Vec::new();
        for (position, line) in stream.lines.iter().enumerate().skip(from) {
            let event_id = (has_ids && !stream.is_for_all()).then(|| stream.event_id(position + 1));
            texts.push(event(line, event_id.as_deref(), rng));
        }
        let Some(pipe) = id.and_then(|id| self.pipe(id)) else { return };
        for text in texts {
            pipe.write_part(&text, rng);
        }
        if is_complete {
            pipe.finish(rng);
            self.talks[at].streams[place].pipe = None;
        }
    }

    /// Asks for a sign of life on some stream that is open.
    pub(super) fn ping(&mut self, rng: &mut Rng) {
        for at in 0..self.talks.len() {
            let streams = &self.talks[at].streams;
            let is_meant = |stream: &Stream| stream.form == Form::Events && stream.pipe.is_some();
            if let Some(place) = streams.iter().position(is_meant) {
                let line = "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}".to_owned();
                return self.put(at, place, line, false, rng);
            }
        }
    }

    /// Ends the response of a stream that can be resumed: its client is to come back.
    pub(super) fn send_away(&mut self, rng: &mut Rng) {
        if !self.habits.has_ids {
            return;
        }
        for at in 0..self.talks.len() {
            let streams = &self.talks[at].streams;
            let is_meant = |stream: &Stream| stream.form == Form::Events && stream.pipe.is_some() && stream.serial > 0;
            let Some(place) = streams.iter().position(is_meant) else { continue };
            let stream = &mut self.talks[at].streams[place];
            let priming = format!("id: {}\nretry: 50\ndata:\n\n", stream.event_id(stream.lines.len()));
            let Some(id) = stream.pipe.take() else { continue };
            if let Some(pipe) = self.pipe(id) {
                pipe.write_part(&priming, rng);
                pipe.finish(rng);
            }
            return;
        }
    }

    /// Whether a response is under way on this connection.
    pub(super) fn is_idle(&self, id: OutboundId) -> bool {
        let pipe = self.pipes.iter().find(|pipe| pipe.id == id);
        pipe.is_some_and(|pipe| pipe.framing == Framing::Idle && pipe.is_usable() && pipe.inbox.is_empty())
    }
}
