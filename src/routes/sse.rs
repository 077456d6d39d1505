//! HTTP+SSE of 2024-11-05: one stream for everything that the downstream is told, and an endpoint for what it says.
//!
//! ```text
//! GET /{name}/sse ──▶ event: endpoint ── its data: /{name}/message?sessionId=… ──▶ event: message …
//! POST /{name}/message?sessionId=… ──▶ 202; what there is to say about it comes on the stream
//! ```
//!
//! The session begins with the stream, before `initialize`, and ends with it.

use std::time::Instant;

use super::endpoints::Endpoint;
use super::errors::Denial;
use super::post::{Incoming, id_of};
use super::{accepts, check_content, listening_accepts};
use crate::base::id::{ConnId, ServerId, SessionId};
use crate::base::url::Authority;
use crate::codec::http::{Head, Method};
use crate::codec::jsonrpc::envelope::{self, Body, Message, Params};
use crate::codec::jsonrpc::{INVALID_PARAMS, INVALID_REQUEST, TRANSPORT_ERROR, write};
use crate::codec::sse::Fields;
use crate::limits;
use crate::mcp::introduction::Greeting;
use crate::mcp::session::{Opener, Opening, Transport, format_token};
use crate::mcp::stream::StreamState;
use crate::proxy::Proxy;

/// A POST of HTTP+SSE, as far as its body needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MessagePost {
    server: ServerId,
    /// It may have ended by the time the body is complete.
    session: SessionId,
}

impl Proxy {
    /// A GET opens the stream of a new session; its first event says where messages are to be sent.
    pub(super) fn on_sse_get(
        &mut self,
        conn: ConnId,
        (server, opener): (ServerId, Opener),
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        listening_accepts(head)?;
        if head.method == Method::Head {
            self.respond(conn, 200, &[("Content-Type", "text/event-stream")], &[], now);
            return Ok(());
        }
        let Some(session) = self.begin_session(server, opener, Transport::Sse(Opening::Awaited), now) else {
            let reason = format!("the proxy has too many sessions ({}); try again later", limits::SESSIONS_MAX);
            return Err(Denial::plain(503, &reason));
        };
        let stream = self.open_answer(conn, Some(session), StreamState::Listening, now);
        let Some(entry) = self.sessions.get_mut(session) else { return Ok(()) };
        entry.streams.push(stream);
        let token = format_token(&entry.token);
        let endpoint = format!("{}?sessionId={token}", self.message_endpoint(server, head));
        let fields = Fields { name: Some("endpoint"), ..Fields::default() };
        self.write_fields(stream, &fields, &[endpoint.as_bytes()], now);
        Ok(())
    }

    /// The path alone is right behind whatever name the downstream came by, and SDKs refuse another origin than the one
    /// they connected to. So the whole URL, which a `baseURL` asks for, goes only to those who came by its host.
    fn message_endpoint(&self, server: ServerId, head: &Head<'_, '_>) -> String {
        let path = self.path_of(server, Endpoint::Message);
        let base = &self.config.base_url;
        let is_at_base = |authority: Authority| {
            authority.host() == base.host() && authority.port().unwrap_or(base.scheme().default_port()) == base.port()
        };
        if self.config.is_base_url_given && Authority::parse(head.host()).is_ok_and(is_at_base) {
            return format!("{}{path}", base.origin());
        }
        path
    }

    /// A message begins. The session is checked before its body is read.
    pub(super) fn message_post(
        &self,
        (server, opener): (ServerId, Opener),
        head: &Head<'_, '_>,
    ) -> Result<MessagePost, Denial> {
        check_content(head)?;
        if accepts(head).is_none() {
            return Err(Denial::message(406, TRANSPORT_ERROR, "the client must accept application/json"));
        }
        let mut query = head.target.query.unwrap_or_default().split('&');
        let Some(name) = query.find_map(|pair| pair.strip_prefix("sessionId=")) else {
            let reason = "the sessionId is missing: send messages to the URL that the stream's endpoint event names";
            return Err(Denial::message(400, TRANSPORT_ERROR, reason));
        };
        match self.sessions.find_sse(name, server, opener) {
            Some(session) => Ok(MessagePost { server, session }),
            None => Err(Denial::unknown_sse_session("null")),
        }
    }

    /// A message is complete. It is accepted at once; all else is said on the stream.
    pub(super) fn on_message_body(
        &mut self,
        conn: ConnId,
        post: MessagePost,
        bytes: &[u8],
        now: Instant,
    ) -> Result<(), Denial> {
        let message = match envelope::read_body(bytes) {
            Err(malformed) => return Err(Denial::message(400, malformed.code, &malformed.reason)),
            Ok(Body::Batch(items)) => {
                self.note_batch(conn, &items);
                let reason = "batches do not exist in HTTP+SSE: send one message at a time";
                return Err(Denial::message(400, INVALID_REQUEST, reason));
            }
            Ok(Body::Single(message)) => message,
        };
        self.note_message(conn, &message);
        let Some(session) = self.sessions.get_mut(post.session) else {
            return Err(Denial::unknown_sse_session(id_of(&message)));
        };
        session.last_used = now;
        let is_greeted = session.is_greeted();
        // First the acceptance: what follows may end the session.
        self.respond(conn, 202, &[], &[], now);
        match message {
            Message::Request { id, method, params } => self.on_sse_request(post, bytes, id, (&method, params), now),
            message if is_greeted => {
                let server = self.upstream_of(post.session, post.server);
                self.on_one_way(server, post.session, bytes, &message, now);
            }
            Message::Notification { .. } | Message::Response { .. } => {} // about nothing that is known
        }
        Ok(())
    }

    fn on_sse_request(
        &mut self,
        post: MessagePost,
        bytes: &[u8],
        id: &str,
        (method, params): (&str, Params<'_>),
        now: Instant,
    ) {
        let Some(entry) = self.sessions.get(post.session) else { return };
        let Some(stream) = entry.streams.last().copied() else { return };
        let refusal = match (method, entry.transport) {
            ("initialize", Transport::Sse(Opening::Awaited)) => match Greeting::parse(params.text) {
                Ok(greeting) => {
                    let greeting = (greeting, entry.opener);
                    return self.accept_initialize(post.server, Some(post.session), stream, id, greeting, now);
                }
                Err(reason) => write::error(id, INVALID_PARAMS, &reason),
            },
            ("initialize", _) => write::error(id, INVALID_REQUEST, "this session was initialized already"),
            // The only one that is allowed this early. No upstream is concerned yet.
            ("ping", Transport::Sse(Opening::Awaited | Opening::UnderWay)) => write::result(id, "{}"),
            (_, Transport::Sse(Opening::Awaited | Opening::UnderWay)) => {
                write::error(id, INVALID_REQUEST, "the first request of a session must be initialize")
            }
            (_, Transport::Sse(_) | Transport::Streamable | Transport::Modern(_)) => {
                let server = self.upstream_of(post.session, post.server);
                let incoming = Incoming { server, session: post.session, stream, message: bytes, id };
                return self.on_request(&incoming, method, params, now);
            }
        };
        self.push_reply(stream, 200, &[], &[refusal.as_bytes()], now);
    }
}

impl Denial {
    fn unknown_sse_session(id: &str) -> Denial {
        let reason = "the session is unknown or has ended with its stream; open the stream anew";
        Denial::reply(404, id, crate::codec::jsonrpc::SESSION_NOT_FOUND, reason)
    }
}
