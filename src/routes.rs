//! Row 6: from an HTTP request to what it asks for.
//!
//! Probes are answered before anything is checked. The checks come in this order, and the first that fails answers:
//! `Origin` and `Host` (403), path (404), token (401), method (405), session of a GET or DELETE (405, 400, 404),
//! `Content-Type` (415), `Accept` (406), session of a message over HTTP+SSE (400, 404), length (411), body. A browser's
//! preflight passes the first two and is answered then, and so is who asks for the status page or the metrics.

pub(crate) mod access;
pub(crate) mod cors;
pub(crate) mod endpoints;
pub(crate) mod errors;
mod metrics;
mod modern;
pub(crate) mod oauth;
pub(crate) mod post;
mod probes;
pub(crate) mod sse;
mod status;

use std::time::Instant;

use crate::base::id::{ConnId, ServerId, SessionId};
use crate::base::text::shorten;
use crate::codec::http::{BodyLength, Head, Method};
use crate::codec::jsonrpc::{SESSION_NOT_FOUND, TRANSPORT_ERROR};
use crate::limits;
use crate::mcp::era::MODERN;
use crate::mcp::session::Opener;
use crate::mcp::stream::{Accepts, StreamState};
use crate::mcp::version::{self, Version};
use crate::proxy::{Proxy, Resumption};
use endpoints::Endpoint;
use errors::Denial;
use modern::form::ModernHead;
use post::{Post, SessionHeader, StreamablePost, VersionHeader};
use probes::Probe;

/// The type of messages.
const JSON_TYPE: &str = "application/json";

/// What the MCP endpoint allows to who has no session: only that has a stream to offer.
const ALLOWED_WITHOUT_SESSION: &str = "POST, DELETE, OPTIONS";

/// All paths that are served, below that of `baseURL`; `NAME` stands for a server's. For the documentation.
pub fn paths() -> Vec<String> {
    let endpoints = Endpoint::ALL.into_iter().map(|endpoint| format!("/NAME/{}", endpoint.segment()));
    let others = Probe::ALL.into_iter().map(Probe::path).chain([metrics::PATH, status::PATH]).chain(oauth::paths());
    endpoints.chain(others.map(str::to_owned)).collect()
}

impl Proxy {
    /// A request begins.
    pub(crate) fn on_head(&mut self, conn: ConnId, head: &Head<'_, '_>, now: Instant) {
        if let Err(denial) = self.route(conn, head, now) {
            self.deny(conn, &denial, now);
        }
    }

    pub(crate) fn deny(&mut self, conn: ConnId, denial: &Denial, now: Instant) {
        let headers: Vec<(&str, &str)> =
            denial.headers.iter().map(|(name, value)| (*name, value.as_str())).chain([errors::JSON]).collect();
        self.respond(conn, denial.status, &headers, &[denial.body.as_bytes()], now);
    }

    fn route(&mut self, conn: ConnId, head: &Head<'_, '_>, now: Instant) -> Result<(), Denial> {
        if let Some(probe) = Probe::at(head.target.path, self.config.base_url.path()) {
            return self.on_probe(conn, probe, head, now);
        }
        if let Some(done) = self.on_oauth_head(conn, head, now) {
            return done;
        }
        let origin = self.check_origin(head)?;
        self.on_origin(conn, origin);
        self.check_host(head)?;
        if cors::is_preflight(head) {
            cors::with_preflight(head, |headers| self.respond(conn, 204, headers, &[], now));
            return Ok(());
        }
        if self.is_status_page(head) {
            return self.on_status_page(conn, head, now);
        }
        if self.is_metrics(head.target.path) {
            return self.on_metrics(conn, head, now);
        }
        let (server, endpoint) = self.find_endpoint(head.target.path)?;
        self.note_request(conn, server, endpoint.segment(), head.method, now);
        if head.method == Method::Options {
            self.respond(conn, 204, &[("Allow", endpoint.allowed())], &[], now);
            return Ok(());
        }
        let caller = (server, self.check_token(conn, (server, endpoint), head)?);
        match (endpoint, head.method) {
            (Endpoint::Streamable, Method::Post) => self.on_post_head(conn, caller, head, now),
            (Endpoint::Streamable, Method::Get | Method::Head) => self.on_get(conn, caller, head, now),
            (Endpoint::Streamable, Method::Delete) => self.on_delete(conn, caller, head, now),
            (Endpoint::Streamable, _) => {
                Err(Denial::not_allowed(endpoint.allowed(), "this endpoint takes POST, GET and DELETE"))
            }
            (Endpoint::Sse, Method::Get | Method::Head) => self.on_sse_get(conn, caller, head, now),
            // No JSON-RPC: that would keep clients which try streamable HTTP first from falling back.
            (Endpoint::Sse, _) => {
                let reason = "this is the endpoint of HTTP+SSE (2024-11-05): open a stream with GET";
                Err(Denial::plain_not_allowed(endpoint.allowed(), reason))
            }
            (Endpoint::Message, Method::Post) => {
                let post = self.message_post(caller, head)?;
                self.expect_body(conn, Post::Message(post), head, now)
            }
            (Endpoint::Message, _) => {
                Err(Denial::not_allowed(endpoint.allowed(), "this endpoint takes messages of HTTP+SSE, with POST"))
            }
        }
    }

    fn on_post_head(
        &mut self,
        conn: ConnId,
        caller: (ServerId, Opener),
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        check_content(head)?;
        let accepts = accepts(head).ok_or_else(|| {
            Denial::message(406, TRANSPORT_ERROR, "the client must accept application/json, text/event-stream or both")
        })?;
        let session = self.session_header(caller, head)?;
        let (server, opener) = caller;
        let post = StreamablePost { server, opener, session, version: version_header(head)?, accepts };
        self.expect_body(conn, Post::Streamable(post), head, now)
    }

    fn expect_body(&mut self, conn: ConnId, post: Post, head: &Head<'_, '_>, now: Instant) -> Result<(), Denial> {
        match head.body {
            BodyLength::None if unique(head, "content-length")?.is_some() => {
                self.on_body(conn, post, b"", now);
                Ok(())
            }
            BodyLength::None => {
                Err(Denial::message(411, TRANSPORT_ERROR, "a POST needs a body, and a Content-Length with it"))
            }
            BodyLength::Length(_) | BodyLength::Chunked => {
                self.receive(conn, post, head.expects_continue, now);
                Ok(())
            }
        }
    }

    /// A GET opens the session's own stream.
    fn on_get(
        &mut self,
        conn: ConnId,
        caller: (ServerId, Opener),
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        let session = match self.session_header(caller, head)? {
            SessionHeader::Known(session) => session,
            SessionHeader::Unknown => return Err(Denial::unknown_session("null")),
            SessionHeader::Absent => {
                return Err(Denial::not_allowed(
                    ALLOWED_WITHOUT_SESSION,
                    "a GET without Mcp-Session-Id has no stream to offer; POST an initialize request first",
                ));
            }
        };
        if let VersionHeader::Other(other) = version_header(head)? {
            return Err(Denial::unsupported_version("null", other.version()));
        }
        listening_accepts(head)?;
        if head.method == Method::Head {
            self.respond(conn, 200, &[("Content-Type", "text/event-stream")], &[], now);
            return Ok(());
        }
        let resumption = match unique(head, "last-event-id")? {
            Some(last) => self.resume(conn, session, last, now),
            None => Resumption::Unknown,
        };
        match resumption {
            Resumption::Resumed => self.release_early(session, now),
            // The one status by which event streams tell their readers not to come back (HTML, server-sent events).
            Resumption::Over => self.respond(conn, 204, &[], &[], now),
            // What was missed cannot be said again, but what comes can be heard: 400 and 404 would cost the session.
            Resumption::Unknown => self.listen(conn, session, now),
        }
        Ok(())
    }

    /// A client whose connection broke half-open comes back with another: the oldest stream makes room, one without a
    /// connection first.
    fn listen(&mut self, conn: ConnId, session: SessionId, now: Instant) {
        let Some(entry) = self.sessions.get_mut(session) else { return };
        entry.last_used = now;
        if entry.streams.len() >= limits::SESSION_STREAMS_MAX {
            let streams = entry.streams.clone();
            let deserted = streams.iter().find(|stream| !self.is_attached(**stream));
            self.close_stream(*deserted.unwrap_or(&streams[0]), now);
        }
        let stream = self.open_answer(conn, Some(session), StreamState::Listening, now);
        if let Some(entry) = self.sessions.get_mut(session) {
            entry.streams.push(stream);
        }
        self.release_early(session, now);
    }

    /// A DELETE ends the session.
    fn on_delete(
        &mut self,
        conn: ConnId,
        caller: (ServerId, Opener),
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        match self.session_header(caller, head)? {
            SessionHeader::Known(session) => {
                self.end_session(session, now);
                self.respond(conn, 204, &[], &[], now);
                Ok(())
            }
            SessionHeader::Unknown => Err(Denial::unknown_session("null")),
            SessionHeader::Absent => {
                Err(Denial::message(400, TRANSPORT_ERROR, "a DELETE needs the Mcp-Session-Id header"))
            }
        }
    }

    /// Somebody else's session is one that there is not: its name is nobody's business.
    fn session_header(
        &self,
        (server, opener): (ServerId, Opener),
        head: &Head<'_, '_>,
    ) -> Result<SessionHeader, Denial> {
        Ok(match unique(head, "mcp-session-id")? {
            None => SessionHeader::Absent,
            Some(name) => match self.sessions.find_streamable(name, server, opener) {
                Some(session) => SessionHeader::Known(session),
                None => SessionHeader::Unknown,
            },
        })
    }
}

fn version_header(head: &Head<'_, '_>) -> Result<VersionHeader, Denial> {
    Ok(match unique(head, "mcp-protocol-version")? {
        None => VersionHeader::Legacy,
        Some(name) if Version::parse(name).is_some() => VersionHeader::Legacy,
        Some(name) => VersionHeader::Other(Box::new(ModernHead::read(head, name))),
    })
}

/// Whether the client can read what a GET opens.
fn listening_accepts(head: &Head<'_, '_>) -> Result<(), Denial> {
    match accepts(head) {
        Some(Accepts::Both | Accepts::Sse) => Ok(()),
        Some(Accepts::Json) | None => {
            let reason = "a GET opens a stream: the client must accept text/event-stream";
            Err(Denial::message(406, TRANSPORT_ERROR, reason))
        }
    }
}

/// What the client can read.
fn accepts(head: &Head<'_, '_>) -> Option<Accepts> {
    if head.is_exactly("accept", Accepts::USUAL.as_bytes()) {
        return Some(Accepts::Both);
    }
    Accepts::parse(head.all("accept").map(|value| std::str::from_utf8(value).unwrap_or_default()))
}

/// `application/json`, unencoded.
fn check_content(head: &Head<'_, '_>) -> Result<(), Denial> {
    if !head.is_exactly("content-type", JSON_TYPE.as_bytes()) {
        let content_type = unique(head, "content-type")?.unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(JSON_TYPE) {
            let reason = "the body must be JSON, with the header Content-Type: application/json";
            return Err(Denial::message(415, TRANSPORT_ERROR, reason));
        }
    }
    match unique(head, "content-encoding")? {
        None | Some("identity") => Ok(()),
        Some(_) => Err(Denial::message(415, TRANSPORT_ERROR, "the body must not be compressed")),
    }
}

/// A header that may stand there once.
pub(crate) fn unique<'a>(head: &Head<'_, 'a>, name: &'static str) -> Result<Option<&'a str>, Denial> {
    head.unique(name).map_err(|refusal| Denial::message(refusal.status, TRANSPORT_ERROR, &refusal.to_string()))
}

impl Denial {
    fn unknown_session(id: &str) -> Denial {
        Denial::reply(404, id, SESSION_NOT_FOUND, "the session is unknown or has ended; initialize a new one")
    }

    fn unsupported_version(id: &str, asked: &str) -> Denial {
        let (asked, known) = (shorten(asked), version::supported());
        let message = format!("unsupported MCP-Protocol-Version {asked:?}; this endpoint speaks {known}, {MODERN}");
        Denial::reply(400, id, TRANSPORT_ERROR, &message)
    }
}
