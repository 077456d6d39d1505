//! How hosts are spoken to: streamable HTTP, and HTTP+SSE.

use std::time::Instant;

use mcp_proxy::base::id::OutboundId;
use serde_json::Value;

use super::Rng;
use super::host::Host;
use super::manners::is_probe;
use super::message::Request;
use super::talk::{Form, Stream, Talk};

/// Streamable HTTP.
impl Host {
    pub(super) fn on_streamable(&mut self, id: OutboundId, request: &Request, now: Instant, rng: &mut Rng) {
        match request.method.as_str() {
            "GET" => self.on_get(id, request, now, rng),
            "DELETE" => self.on_delete(id, request, rng),
            _ => self.on_post(id, request, now, rng),
        }
    }

    /// The conversation that a request belongs to.
    fn find(&mut self, request: &Request, now: Instant) -> Option<usize> {
        match request.header("mcp-session-id") {
            Some(token) => self.talks.iter().position(|talk| talk.token == token),
            None if self.habits.has_tokens && self.is_strict => panic!("a request without its session: {request:?}"),
            None if self.habits.has_tokens => None,
            None => {
                if self.talks.is_empty() {
                    self.talks.push(Talk::nameless(now)); // who needs no sessions forgets none
                }
                Some(0)
            }
        }
    }

    fn on_post(&mut self, id: OutboundId, request: &Request, now: Instant, rng: &mut Rng) {
        let message: Value = serde_json::from_slice(&request.body).expect("every body is a message");
        assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
        assert_eq!(request.header("last-event-id"), None, "{request:?}");
        if is_probe(&message) {
            return self.on_probe(id, request, &message, rng);
        }
        let at = if message["method"] == "initialize" {
            assert_eq!(request.header("mcp-session-id"), None, "a session before it begins");
            let serial = self.next_serial();
            self.talks_begun += 1;
            if !self.habits.has_tokens {
                // Two that talk to it at once, as when one takes the other's place, it cannot tell apart.
                self.is_strict &= self.talks.is_empty();
                self.talks.clear();
            }
            self.talks.push(Talk::new(format!("token-{serial}")));
            self.talks.len() - 1
        } else {
            let Some(at) = self.find(request, now) else { return self.on_unknown(id, rng) };
            at
        };
        self.check_order(at, &message);
        let is_request = message.get("method").is_some() && message.get("id").is_some();
        if !is_request {
            self.run(at, &request.body, None, now, rng);
            return self.respond(id, "202 Accepted\r\n", "", rng);
        }
        let is_taken = |stream: &Stream| stream.request.as_ref() == Some(&message["id"]);
        let is_new = !self.talks[at].streams.iter().any(is_taken);
        assert!(is_new || !self.is_strict, "an id that was used before: {message}");
        let serial = self.next_serial();
        let prefers_json = self.habits.prefers_json && !rng.one_in(4);
        let stream = Stream::new(serial, Some(message["id"].clone()), Form::Open { prefers_json }, id);
        self.talks[at].streams.push(stream);
        let place = self.talks[at].streams.len() - 1;
        let is_eager = !prefers_json && rng.one_in(2);
        if is_eager {
            self.begin_events(at, place, rng);
            if rng.one_in(6) {
                self.send_away(rng);
            }
        }
        self.run(at, &request.body, Some(place), now, rng);
    }

    /// Nothing overtakes the handshake.
    fn check_order(&mut self, at: usize, message: &Value) {
        let is_blind = !self.is_strict || self.is_private;
        let talk = &mut self.talks[at];
        match message["method"].as_str() {
            Some("initialize") | None => {} // a ping may have come first, and is answered
            Some("notifications/initialized") => talk.is_confirmed = true,
            _ => assert!(talk.is_confirmed || is_blind, "too early: {message}"),
        }
    }

    fn on_unknown(&mut self, id: OutboundId, rng: &mut Rng) {
        let (head, body) = *rng.pick(&[
            ("404 Not Found\r\n", ""),
            (
                "404 Not Found\r\nContent-Type: application/json\r\n",
                "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32001,\"message\":\"Session not found\"},\"id\":null}",
            ),
            ("400 Bad Request\r\nContent-Type: text/plain\r\n", "No valid session ID provided"),
        ]);
        self.respond(id, head, body, rng);
    }

    fn on_get(&mut self, id: OutboundId, request: &Request, now: Instant, rng: &mut Rng) {
        let Some(at) = self.find(request, now) else { return self.on_unknown(id, rng) };
        if let Some(last) = request.header("last-event-id") {
            return self.on_resumption(id, at, last, rng);
        }
        if !self.habits.has_stream {
            return self.respond(id, "405 Method Not Allowed\r\nAllow: POST\r\n", "", rng);
        }
        // A second one takes the place of the first, which may have been lost without a word.
        self.talks[at].streams.retain(|stream| stream.request.is_some());
        let serial = self.next_serial();
        self.talks[at].streams.push(Stream::new(serial, None, Form::Events, id));
        let place = self.talks[at].streams.len() - 1;
        self.begin_events(at, place, rng);
    }

    fn on_resumption(&mut self, id: OutboundId, at: usize, last: &str, rng: &mut Rng) {
        let parts = last.split_once('-').expect("an id of ours");
        let (serial, position): (u64, usize) = (parts.0.parse().expect("a number"), parts.1.parse().expect("a number"));
        let Some(place) = self.talks[at].streams.iter().position(|stream| stream.serial == serial) else {
            // A listening stream that another has taken the place of.
            return self.respond(id, "400 Bad Request\r\n", "no such event", rng);
        };
        self.resumptions += 1;
        let stream = &mut self.talks[at].streams[place];
        stream.pipe = Some(id);
        stream.is_resumed = true;
        self.begin_events(at, place, rng);
        self.write_events(at, place, position, rng);
    }
}

/// HTTP+SSE.
impl Host {
    pub(super) fn on_sse(&mut self, id: OutboundId, request: &Request, now: Instant, rng: &mut Rng) {
        if request.method == "GET" {
            return self.on_conversation(id, rng);
        }
        let Some((_, token)) = request.target.split_once("?s=") else {
            let head = *rng.pick(&["405 Method Not Allowed\r\n", "404 Not Found\r\n", "400 Bad Request\r\n"]);
            return self.respond(id, head, "", rng);
        };
        assert_eq!(request.header("mcp-session-id"), None, "{request:?}");
        let Some(at) = self.talks.iter().position(|talk| talk.token == token) else {
            return self.respond(id, "404 Not Found\r\n", "no such session", rng);
        };
        let message: Value = serde_json::from_slice(&request.body).expect("every body is a message");
        self.check_order(at, &message);
        // The answer may come on the stream before this one is here.
        let body = *rng.pick(&["Accepted", ""]);
        self.respond(id, "202 Accepted\r\n", body, rng);
        self.run(at, &request.body, Some(0), now, rng);
    }

    fn on_conversation(&mut self, id: OutboundId, rng: &mut Rng) {
        let token = format!("token-{}", self.next_serial());
        let place = *rng.pick(&["/messages", "http://SELF/messages", "messages"]);
        let place = place.replace("SELF", &self.authority);
        let endpoint = format!("event: endpoint\ndata: {place}?s={token}\n\n");
        self.talks_begun += 1;
        let mut talk = Talk::new(token);
        talk.streams.push(Stream::for_all(id));
        self.talks.push(talk);
        self.begin_events(self.talks.len() - 1, 0, rng);
        if let Some(pipe) = self.pipe(id) {
            pipe.write_part(&endpoint, rng);
        }
    }
}
