//! Sessions over HTTP+SSE, and clients whose streams break and who come back for the rest.

use std::time::Duration;

use mcp_proxy::base::id::ConnId;
use mcp_proxy::limits;
use serde_json::json;

use super::call::{Call, Kind};
use super::client::Client;
use super::expected::Expected;
use super::{Session, Weather, World};
use crate::support::answers::Part;
use crate::support::requests::Http;

/// A stream whose connection broke, or was given up while it was not quite dead.
pub(super) struct Broken {
    session: usize,
    /// The last event that its client got.
    last: String,
    expected: Expected,
    at: Duration,
}

/// How a client speaks.
pub(super) enum Wire {
    Streamable,
    Sse {
        /// Where to send messages, once that is known.
        endpoint: Option<String>,
        /// Whether an `initialize` is under way or answered.
        is_introduced: bool,
        /// What was called and not answered yet.
        pending: Vec<Call>,
    },
}

impl Session {
    pub(super) fn is_sse(&self) -> bool {
        matches!(self.wire, Wire::Sse { .. })
    }

    fn pending(&mut self) -> &mut Vec<Call> {
        match &mut self.wire {
            Wire::Sse { pending, .. } => pending,
            Wire::Streamable => panic!("its calls wait elsewhere"),
        }
    }
}

impl World {
    /// Opens the stream of a new session.
    pub(super) fn converse(&mut self, index: usize, session: usize) {
        let path = format!("/{}/sse", self.servers[self.sessions[session].server].name);
        let http = self.name(session, Http::get(&path));
        self.send(index, &http, Expected::Conversation { session });
    }

    /// Introduces a session whose stream is there, if one waits for that.
    pub(super) fn greet(&mut self, index: usize) -> bool {
        let waits = |session: &Session| match &session.wire {
            Wire::Sse { endpoint, is_introduced, .. } => endpoint.is_some() && !is_introduced && !session.is_doomed,
            Wire::Streamable => false,
        };
        let Some(session) = self.sessions.iter().position(waits) else { return false };
        let id = self.next_id(session);
        if let Wire::Sse { is_introduced, .. } = &mut self.sessions[session].wire {
            *is_introduced = true;
        }
        let params = self.greeting(session);
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "initialize", "params": params});
        let http = self.post(session, &body);
        self.hand_over(
            index,
            session,
            &http,
            Call { id, kind: Kind::Introduction, progress: None, is_accepted: false, mark: 0 },
        );
        true
    }

    /// Sends a call whose answer comes on the session's stream.
    pub(super) fn hand_over(&mut self, index: usize, session: usize, http: &Http, call: Call) {
        let id = call.id.clone();
        self.sessions[session].pending().push(call);
        self.send(index, http, Expected::Handover { session, id });
    }

    /// The call has arrived: from here on an answer is due.
    pub(super) fn on_handed_over(&mut self, session: usize, id: &serde_json::Value) {
        if let Some(call) = self.sessions[session].pending().iter_mut().find(|call| call.id == *id) {
            call.is_accepted = true;
        }
    }

    pub(super) fn on_endpoint(&mut self, at: usize, url: String) {
        let path = format!("/{}/message?sessionId=", self.servers[self.sessions[at].server].name);
        assert!(url.starts_with(&path), "{url}");
        if let Wire::Sse { endpoint, .. } = &mut self.sessions[at].wire {
            assert!(endpoint.replace(url).is_none(), "two endpoints");
        }
    }

    pub(super) fn on_conversation(&mut self, session: usize, data: &str) {
        let mut pending = std::mem::take(self.sessions[session].pending());
        self.on_event(session, &mut pending, data);
        *self.sessions[session].pending() = pending;
    }

    /// The reply to an `initialize` on a stream.
    pub(super) fn on_greeted(&mut self, session: usize, is_error: bool) {
        let own = &mut self.sessions[session];
        if let Wire::Sse { endpoint, is_introduced, .. } = &mut own.wire {
            *is_introduced = !is_error;
            own.token = endpoint.clone().filter(|_| !is_error);
        }
        self.tally.conversations += usize::from(!is_error);
    }

    /// What a connection leaves behind: a session that has ended, or a stream to come back for.
    pub(super) fn on_gone(&mut self, client: Client) {
        let last = client.answers.stream_id().map(str::to_owned);
        for (place, expected) in client.due.into_iter().enumerate() {
            match expected {
                Expected::Conversation { session } => {
                    self.sessions[session].is_doomed = true;
                    self.sessions[session].pending().clear();
                }
                Expected::Replies { session, .. } | Expected::Listening { session } if place == 0 => {
                    if let Some(last) = last.clone() {
                        let at = self.clock.passed();
                        self.broken.push(Broken { session, last, expected, at });
                    }
                }
                Expected::Result(trip) => self.on_trip_lost(&trip),
                Expected::Changes { hearing } => self.hearings[hearing].is_over = true,
                Expected::Introduction { .. }
                | Expected::Replies { .. }
                | Expected::Acceptance { .. }
                | Expected::Handover { .. }
                | Expected::Farewell { .. }
                | Expected::Listening { .. }
                | Expected::Resumed { .. }
                | Expected::Abandoned
                | Expected::Refusal { .. }
                | Expected::Plain { .. } => {}
            }
        }
    }

    /// The stream of some client breaks, or the client takes it for dead: it will come back on another connection.
    pub(super) fn break_stream(&mut self) {
        if self.weather == Weather::Fair {
            return;
        }
        let is_meant = |client: &Client| !client.is_polite && client.answers.stream_id().is_some();
        let Some(index) = self.clients.iter().position(is_meant) else { return };
        if self.rng.one_in(2) {
            return self.hang_up(self.clients[index].conn);
        }
        let client = &mut self.clients[index];
        let Some(last) = client.answers.stream_id().map(str::to_owned) else { return };
        let Some(front) = client.due.front_mut() else { return };
        if let Expected::Replies { session, .. } | Expected::Listening { session } = front {
            let session = *session;
            let expected = std::mem::replace(front, Expected::Abandoned);
            self.broken.push(Broken { session, last, expected, at: self.clock.passed() });
        }
    }

    /// Some client comes back. Says whether there was one.
    pub(super) fn come_back(&mut self) -> bool {
        let now = self.clock.passed();
        // A slow reader may have noticed late that it was not being told anything more.
        self.broken.retain(|broken| now - broken.at < limits::REPLAY_TIME_MAX / 2);
        if self.broken.is_empty() {
            return false;
        }
        let at = self.rng.below(self.broken.len());
        let is_polite = self.rng.one_in(2);
        let Some(index) = self.connect(is_polite) else { return false };
        let Broken { session, last, expected, .. } = self.broken.remove(at);
        let http = self.name(session, Http::get(&self.path(session))).with("Last-Event-ID", &last);
        self.clients[index].answers.on_resume(last);
        self.send(index, &http, Expected::Resumed { session, inner: Box::new(expected) });
        true
    }

    /// A part of the answer to what this file sends.
    pub(super) fn check_comeback(&mut self, expected: &mut Expected, part: Part) {
        match (expected, part) {
            (Expected::Abandoned, Part::Event(_) | Part::End) => {}
            (Expected::Handover { session, id }, Part::Whole(head, _)) => {
                assert!(head.status == 202 || self.is_gone(*session, &head), "{head:?}");
                if head.status == 202 {
                    self.on_handed_over(*session, id);
                }
            }
            (Expected::Conversation { .. }, Part::Begin(head)) => assert_eq!(head.status, 200),
            (Expected::Conversation { session }, Part::Endpoint(url)) => self.on_endpoint(*session, url),
            (Expected::Conversation { session }, Part::Event(data)) => self.on_conversation(*session, &data),
            (Expected::Conversation { session }, Part::End) => {
                assert!(self.sessions[*session].is_doomed || self.is_ending, "a conversation ends for no reason");
            }
            (Expected::Resumed { session, inner }, Part::Whole(head, _)) => {
                let is_complete = matches!(&**inner, Expected::Replies { calls, .. } if calls.is_empty());
                assert!(head.status == 204 && is_complete || self.is_gone(*session, &head), "{head:?} for {inner:?}");
            }
            (expected @ Expected::Resumed { .. }, Part::Begin(head)) => {
                assert_eq!(head.status, 200);
                self.tally.comebacks += 1;
                if let Expected::Resumed { inner, .. } = std::mem::replace(expected, Expected::Abandoned) {
                    *expected = *inner;
                }
            }
            (expected, part) => panic!("{part:?} for {expected:?}"),
        }
    }

    /// Ends a conversation as its client would.
    pub(super) fn hang_up_conversation(&mut self, session: usize) {
        let is_meant = |expected: &Expected| matches!(expected, Expected::Conversation { session: s } if *s == session);
        let conn: Option<ConnId> = self.clients.iter().find(|c| c.due.iter().any(is_meant)).map(|client| client.conn);
        if let Some(conn) = conn {
            self.hang_up(conn);
        }
    }

    /// What was taken on is answered, unless the session has ended.
    pub(super) fn are_conversations_complete(&self) -> bool {
        self.sessions.iter().filter(|session| !session.is_doomed).all(|session| match &session.wire {
            Wire::Sse { pending, .. } => pending.iter().all(|call| !call.is_accepted),
            Wire::Streamable => true,
        })
    }
}
