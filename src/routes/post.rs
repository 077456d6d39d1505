//! POST: messages of a downstream.

use std::time::Instant;

use crate::base::id::{ConnId, ServerId, SessionId, StreamId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::envelope::{self, BatchItem, Body, Message, Params};
use crate::codec::jsonrpc::spelling::{Unclear, sole};
use crate::codec::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, TRANSPORT_ERROR, write};
use crate::limits;
use crate::mcp::call::{CallKind, is_passive};
use crate::mcp::introduction::{self, Greeting};
use crate::mcp::log_level::LogLevel;
use crate::mcp::owners;
use crate::mcp::session::Opener;
use crate::mcp::stream::{Accepts, StreamState};
use crate::proxy::{Proxy, Request};

use super::errors::Denial;
use super::modern::form::ModernHead;
use super::oauth::OAuthPost;
use super::sse::MessagePost;

/// The head of a POST, as far as its body needs it.
#[derive(Debug)]
pub(crate) enum Post {
    /// To the endpoint of streamable HTTP.
    Streamable(StreamablePost),
    /// To the message endpoint of HTTP+SSE.
    Message(MessagePost),
    /// To the authorization server.
    OAuth(Box<OAuthPost>),
}

impl Post {
    /// How long its body may be.
    pub(crate) fn bytes_max(&self) -> usize {
        match self {
            Post::Streamable(_) | Post::Message(_) => limits::BODY_BYTES_MAX,
            Post::OAuth(_) => limits::OAUTH_BODY_BYTES_MAX,
        }
    }
}

/// The head of a POST over streamable HTTP.
#[derive(Debug)]
pub(crate) struct StreamablePost {
    pub(crate) server: ServerId,
    pub(crate) opener: Opener,
    pub(crate) session: SessionHeader,
    pub(crate) version: VersionHeader,
    pub(crate) accepts: Accepts,
}

/// What `Mcp-Session-Id` says.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SessionHeader {
    Absent,
    Known(SessionId),
    /// It names no session of this server, or one that has ended.
    Unknown,
}

impl SessionHeader {
    pub(super) fn is_known(self) -> bool {
        matches!(self, SessionHeader::Known(_))
    }
}

/// What `MCP-Protocol-Version` says.
#[derive(Debug)]
pub(crate) enum VersionHeader {
    /// Nothing, or a revision of the legacy era. Which does not matter: the session's counts.
    Legacy,
    /// A revision of the modern era, or none that we know.
    Other(Box<ModernHead>),
}

impl Proxy {
    /// A body is complete.
    pub(crate) fn on_body(&mut self, conn: ConnId, post: Post, bytes: &[u8], now: Instant) {
        let result = match post {
            Post::Streamable(post) => match envelope::read_body(bytes) {
                Err(malformed) => Err(Denial::message(400, malformed.code, &malformed.reason)),
                Ok(Body::Single(message)) => {
                    self.note_message(conn, &message);
                    self.on_single(conn, &post, bytes, message, now)
                }
                Ok(Body::Batch(items)) => {
                    self.note_batch(conn, &items);
                    self.on_batch(conn, &post, items, now)
                }
            },
            Post::Message(post) => self.on_message_body(conn, post, bytes, now),
            Post::OAuth(post) => {
                self.on_oauth_body(conn, &post, bytes, now);
                Ok(())
            }
        };
        if let Err(denial) = result {
            self.deny(conn, &denial, now);
        }
    }

    fn on_single(
        &mut self,
        conn: ConnId,
        post: &StreamablePost,
        bytes: &[u8],
        message: Message<'_>,
        now: Instant,
    ) -> Result<(), Denial> {
        if let Some(done) = self.on_modern_message(conn, post, bytes, &message, now) {
            return done;
        }
        if let Message::Request { id, method, params } = &message
            && method == "initialize"
        {
            return self.on_initialize(conn, post, id, params, now);
        }
        if let (Message::Response { .. }, SessionHeader::Absent) = (&message, post.session) {
            let reason = "a response belongs to a session: the Mcp-Session-Id header is missing";
            return Err(Denial::message(400, INVALID_REQUEST, reason));
        }
        let session = self.session_of(post, id_of(&message), now)?;
        let server = self.upstream_of(session, post.server);
        let Message::Request { id, method, params } = message else {
            self.on_one_way(server, session, bytes, &message, now);
            self.respond(conn, 202, &[], &[], now);
            return Ok(());
        };
        let state = StreamState::Undecided { accepts: post.accepts, due: 1, batch: None };
        let stream = self.open_answer(conn, Some(session), state, now);
        let incoming = Incoming { server, session, stream, message: bytes, id };
        self.on_request(&incoming, &method, params, now);
        Ok(())
    }

    fn on_initialize(
        &mut self,
        conn: ConnId,
        post: &StreamablePost,
        id: &str,
        params: &Params<'_>,
        now: Instant,
    ) -> Result<(), Denial> {
        let greeting =
            Greeting::parse(params.text).map_err(|reason| Denial::reply(200, id, INVALID_PARAMS, &reason))?;
        let state = StreamState::Undecided { accepts: post.accepts, due: 1, batch: None };
        let stream = self.open_answer(conn, None, state, now);
        self.accept_initialize(post.server, None, stream, id, (greeting, post.opener), now);
        Ok(())
    }

    /// The upstream that a session is with; `entrance` is the one that its downstream knows.
    pub(super) fn upstream_of(&self, session: SessionId, entrance: ServerId) -> ServerId {
        self.sessions.get(session).map_or(entrance, |session| session.server)
    }

    /// The session that the messages belong to, or why there is none.
    fn session_of(&mut self, post: &StreamablePost, id: &str, now: Instant) -> Result<SessionId, Denial> {
        let session = match post.session {
            SessionHeader::Known(session) => self.sessions.get_mut(session).map(|entry| (session, entry)),
            SessionHeader::Unknown => None,
            SessionHeader::Absent => {
                let reason = "the Mcp-Session-Id header is missing: it comes with the answer to initialize";
                return Err(Denial::reply(400, id, TRANSPORT_ERROR, reason));
            }
        };
        let Some((session, entry)) = session else { return Err(Denial::unknown_session(id)) };
        entry.last_used = now;
        match &post.version {
            VersionHeader::Legacy => Ok(session),
            VersionHeader::Other(head) => Err(Denial::unsupported_version(id, head.version())),
        }
    }

    /// A batch is split; its replies are joined again, unless they become an event stream.
    fn on_batch(
        &mut self,
        conn: ConnId,
        post: &StreamablePost,
        items: Vec<BatchItem<'_>>,
        now: Instant,
    ) -> Result<(), Denial> {
        let session = self.session_of(post, "null", now)?;
        if !self.sessions.get(session).is_some_and(|session| session.version.is_batching()) {
            let reason = "batches exist in protocol version 2025-03-26 only: send one message at a time";
            return Err(Denial::message(400, INVALID_REQUEST, reason));
        }
        let server = self.upstream_of(session, post.server);
        let due = items.iter().filter(|item| item.wants_reply()).count();
        if due == 0 {
            for item in &items {
                if let Ok(message) = &item.message {
                    self.on_one_way(server, session, item.text.as_bytes(), message, now);
                }
            }
            self.respond(conn, 202, &[], &[], now);
            return Ok(());
        }
        let state = StreamState::Undecided { accepts: post.accepts, due, batch: Some(Vec::new()) };
        let stream = self.open_answer(conn, Some(session), state, now);
        for item in items {
            match item.message {
                Ok(Message::Request { id, method, .. }) if method == "initialize" => {
                    let body = write::error(id, INVALID_REQUEST, "initialize must not be part of a batch");
                    self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
                }
                Ok(Message::Request { id, method, params }) => {
                    let incoming = Incoming { server, session, stream, message: item.text.as_bytes(), id };
                    self.on_request(&incoming, &method, params, now);
                }
                Ok(message) => self.on_one_way(server, session, item.text.as_bytes(), &message, now),
                Err(malformed) => {
                    let body = write::error("null", malformed.code, &malformed.reason);
                    self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
                }
            }
        }
        Ok(())
    }
}

/// What a request needs on its way.
pub(super) struct Incoming<'a> {
    pub(super) server: ServerId,
    pub(super) session: SessionId,
    pub(super) stream: StreamId,
    pub(super) message: &'a [u8],
    pub(super) id: &'a str,
}

impl Proxy {
    pub(super) fn on_request(&mut self, incoming: &Incoming<'_>, method: &str, params: Params<'_>, now: Instant) {
        let Incoming { server, session, stream, message, id } = *incoming;
        if method != "ping" {
            self.on_downstream_asks(server, now);
        }
        let kind = match method {
            "logging/setLevel" => match introduction::asked_level(params.text) {
                Ok(Some(level)) => return self.on_set_level(incoming, level, params, now),
                Ok(None) => CallKind::Passive,
                Err(Unclear) => return self.refuse_unclear(incoming, "level", now),
            },
            "resources/subscribe" => match introduction::asked_uri(params.text) {
                Ok(Some(uri)) => match self.check_subscription(session, uri) {
                    Ok(kind) => kind,
                    Err(reason) => {
                        let body = write::error(id, INTERNAL_ERROR, &reason);
                        return self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
                    }
                },
                Ok(None) => CallKind::Passive,
                Err(Unclear) => return self.refuse_unclear(incoming, "uri", now),
            },
            "resources/unsubscribe" => match introduction::asked_uri(params.text) {
                Ok(Some(uri)) if !self.unsubscribe(server, session, &uri) => {
                    let body = write::result(id, "{}");
                    return self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
                }
                Ok(Some(_) | None) => CallKind::Passive,
                Err(Unclear) => return self.refuse_unclear(incoming, "uri", now),
            },
            "tools/list" => CallKind::ListTools,
            "tasks/list" => CallKind::ListTasks,
            "tools/call" => match self.check_tool(server, id, params.text) {
                Ok(()) => active(params.text),
                Err(body) => return self.push_reply(stream, 200, &[], &[body.as_bytes()], now),
            },
            "tasks/get" | "tasks/result" | "tasks/cancel" => match self.check_task(server, session, id, params.text) {
                Ok(()) if is_passive(method) => CallKind::Passive,
                Ok(()) => CallKind::Active,
                Err(body) => return self.push_reply(stream, 200, &[], &[body.as_bytes()], now),
            },
            method if is_passive(method) => CallKind::Passive,
            _ => active(params.text),
        };
        let request = Request { message, id, method, params, kind, modern: None };
        self.accept_call(server, Some(session), stream, request, now);
    }

    /// The upstream could read something else than what the proxy goes by.
    fn refuse_unclear(&mut self, incoming: &Incoming<'_>, name: &str, now: Instant) {
        let reason = format!("there must be one parameter {name:?}, in that spelling");
        let body = write::error(incoming.id, INVALID_PARAMS, &reason);
        self.push_reply(incoming.stream, 200, &[], &[body.as_bytes()], now);
    }

    /// The upstream has one level for all: the most verbose that any session wants.
    fn on_set_level(&mut self, incoming: &Incoming<'_>, level: LogLevel, params: Params<'_>, now: Instant) {
        let Incoming { server, session, stream, message, id } = *incoming;
        let common = self.most_verbose(server, Some(session), Some(level)).unwrap_or(level);
        let (kind, method) = (CallKind::SetLevel(level), "logging/setLevel");
        if common == level {
            let request = Request { message, id, method, params, kind, modern: None };
            return self.accept_call(server, Some(session), stream, request, now);
        }
        let params = format!("{{\"level\":\"{}\"}}", common.as_str());
        let message = write::request(id, method, &params);
        if let Ok(Message::Request { id, params, .. }) = envelope::read_message(message.as_bytes()) {
            let request = Request { message: message.as_bytes(), id, method, params, kind, modern: None };
            self.accept_call(server, Some(session), stream, request, now);
        }
    }

    /// A notification or response: nobody waits for an answer.
    pub(super) fn on_one_way(
        &mut self,
        server: ServerId,
        session: SessionId,
        bytes: &[u8],
        message: &Message<'_>,
        now: Instant,
    ) {
        match message {
            Message::Response { id, .. } => self.on_answer(session, bytes, id, now),
            Message::Notification { method, params } => match &**method {
                "notifications/initialized" => self.on_downstream_ready(server, bytes, now),
                "initialize" => {} // a request without an id
                "notifications/cancelled" => {
                    if let Ok(Some(id)) = sole(params.text, "requestId") {
                        self.on_cancelled(session, bytes, id, now);
                    }
                }
                "notifications/progress" => {
                    if let Ok(Some(token)) = sole(params.text, "progressToken") {
                        self.on_ask_progress(session, bytes, token);
                    }
                }
                "tools/call" if self.is_filtering(server) => {} // a request without an id, which nobody may answer
                _ => self.forward_to_server(server, bytes, params),
            },
            Message::Request { .. } => {}
        }
    }

    fn on_cancelled(&mut self, session: SessionId, message: &[u8], id: &str, now: Instant) {
        let calls = self.sessions.get(session).map(|session| session.calls.as_slice()).unwrap_or_default();
        let is_meant = |call: &CallId| self.calls.get(*call).is_some_and(|call| is_same_id(&call.id, id));
        if let Some(call) = calls.iter().rev().copied().find(is_meant) {
            self.pass_cancellation(call, message, id, now);
        }
    }
}

/// A request that the upstream works on: now, or as a task.
fn active(params: Option<&str>) -> CallKind {
    if owners::asks_for_task(params) { CallKind::BeginTask } else { CallKind::Active }
}

/// Whether two ids are the same, however their characters are spelt.
fn is_same_id(a: &str, b: &str) -> bool {
    a == b || (a.starts_with('"') && envelope::json_string(a) == envelope::json_string(b))
}

/// The id to answer an error with, as JSON text.
pub(super) fn id_of<'a>(message: &Message<'a>) -> &'a str {
    match message {
        Message::Request { id, .. } => id,
        Message::Notification { .. } | Message::Response { .. } => "null",
    }
}
