//! Answers made of upstream messages: one JSON body, or an event stream.

use std::time::Instant;

use super::{ConnState, Proxy};
use crate::base::id::{ConnId, ServerId, SessionId, StreamId};
use crate::codec::http::Response;
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::codec::sse::{self, Fields};
use crate::limits;
use crate::mcp::call::Call;
use crate::mcp::stream::{Accepts, Stream, StreamState};
use crate::routes::cors;
use crate::routes::errors::JSON;

/// The header of every event stream. `no-store`: what one downstream is told is for nobody else. The last one keeps
/// nginx from buffering.
const SSE_HEADERS: [(&str, &str); 3] =
    [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")];

/// SDKs expect the name.
const MESSAGE: &str = "message";

impl Proxy {
    /// An answer to a POST with requests begins; nothing is said yet.
    pub(crate) fn open_answer(
        &mut self,
        conn: ConnId,
        server: ServerId,
        session: Option<SessionId>,
        state: StreamState,
        now: Instant,
    ) -> StreamId {
        let waits = match &state {
            StreamState::Undecided { accepts: Accepts::Both, .. } => limits::JSON_WAIT_MAX,
            StreamState::Undecided { .. } | StreamState::Open { .. } | StreamState::Listening => {
                limits::SSE_COMMENT_INTERVAL
            }
        };
        let is_sse = match &state {
            StreamState::Undecided { accepts, .. } => *accepts == Accepts::Sse,
            StreamState::Open { .. } | StreamState::Listening => true,
        };
        let stream = self.streams.insert(Stream { conn, server, session, state });
        if let Some(conn) = self.conns.get_mut(conn) {
            conn.state = ConnState::Answering(stream);
        }
        self.arm_conn(conn, now + waits);
        // An initialize keeps its head back until its session has a name.
        if is_sse && session.is_some() {
            self.begin_sse(stream, &[], now);
        }
        stream
    }

    /// An upstream's reply to a call. Where it is to stand in an array with others, which it must not spoil, its
    /// upstream's word is not taken for it that it is JSON.
    pub(super) fn push_upstream_reply(&mut self, call: &Call, parts: &[&[u8]], now: Instant) {
        let is_joined = self.streams.get(call.stream).is_some_and(|stream| stream.state.is_joining());
        if is_joined && !is_json(parts) {
            let body = write::error(&call.id, INTERNAL_ERROR, "the server's answer is not JSON");
            return self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
        }
        self.push_reply(call.stream, 200, &[], parts, now);
    }

    /// A reply for the stream. It is the whole answer if nothing was said before and nothing else is due; `status` and
    /// `headers` are used only then.
    pub(crate) fn push_reply(
        &mut self,
        id: StreamId,
        status: u16,
        headers: &[(&str, &str)],
        parts: &[&[u8]],
        now: Instant,
    ) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let conn = stream.conn;
        match &mut stream.state {
            StreamState::Undecided { accepts: Accepts::Sse, .. } => {
                self.begin_sse(id, headers, now);
                self.push_reply(id, status, headers, parts, now);
            }
            StreamState::Undecided { batch: None, .. } => {
                self.streams.remove(id);
                match headers {
                    [] => self.respond(conn, status, &[JSON], parts, now),
                    some => self.respond(conn, status, &[some, &[JSON]].concat(), parts, now),
                }
            }
            StreamState::Undecided { batch: Some(replies), due, .. } => {
                replies.push(String::from_utf8_lossy(&parts.concat()).into_owned());
                *due = due.saturating_sub(1);
                if *due == 0 {
                    let body = format!("[{}]", replies.join(","));
                    self.streams.remove(id);
                    self.respond(conn, 200, &[JSON], &[body.as_bytes()], now);
                } else if replies.iter().map(String::len).sum::<usize>() > limits::NOTIFY_QUEUE_BYTES_MAX {
                    self.flush_batch(id, now);
                }
            }
            StreamState::Open { due } => {
                *due = due.saturating_sub(1);
                let is_last = *due == 0;
                self.write_event(id, parts, now);
                if is_last {
                    self.end_stream(id, now);
                }
            }
            StreamState::Listening => self.write_event(id, parts, now),
        }
    }

    /// The replies of a batch have become too many bytes to be kept back: they go out as a stream, or, to a downstream
    /// that takes none, not at all.
    fn flush_batch(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        match &stream.state {
            StreamState::Undecided { accepts: Accepts::Both | Accepts::Sse, .. } => self.begin_sse(id, &[], now),
            StreamState::Undecided { accepts: Accepts::Json, batch, .. } => {
                let kept: usize = batch.iter().flatten().map(String::len).sum();
                if kept > limits::CONN_QUEUE_BYTES_MAX {
                    self.drop_conn(stream.conn, now);
                }
            }
            StreamState::Open { .. } | StreamState::Listening => {}
        }
    }

    /// A message that is no reply: a notification or an ask. Says whether it went out: not if the stream is gone, the
    /// downstream takes no event streams, or it is so slow that only replies are kept for it.
    pub(crate) fn push_event(&mut self, id: StreamId, parts: &[&[u8]], now: Instant) -> bool {
        let Some(stream) = self.streams.get(id) else { return false };
        let queued = self.conns.get(stream.conn).map_or(usize::MAX, |conn| conn.outgoing.len());
        if queued > limits::NOTIFY_QUEUE_BYTES_MAX {
            return false;
        }
        match &stream.state {
            StreamState::Undecided { accepts: Accepts::Json, .. } => return false,
            StreamState::Undecided { .. } => self.begin_sse(id, &[], now),
            StreamState::Open { .. } | StreamState::Listening => {}
        }
        self.write_event(id, parts, now);
        true
    }

    /// From here on the answer is an event stream. Replies of a batch that were kept back go out first.
    pub(crate) fn begin_sse(&mut self, id: StreamId, headers: &[(&str, &str)], now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut kept = Vec::new();
        if let StreamState::Undecided { due, batch, .. } = &mut stream.state {
            kept = batch.take().unwrap_or_default();
            stream.state = StreamState::Open { due: *due };
        }
        let conn_id = stream.conn;
        let Some(conn) = self.conns.get_mut(conn_id) else { return };
        let headers = [&SSE_HEADERS, headers].concat();
        let headers = cors::with_origin(&headers, conn.origin.as_deref());
        let response = Response { status: 200, headers: &headers, date: self.date.as_str() };
        conn.codec.begin_stream(&mut conn.outgoing, &response);
        self.transmit(conn_id, now);
        self.arm_conn(conn_id, now + limits::SSE_COMMENT_INTERVAL);
        for reply in kept {
            self.write_event(id, &[reply.as_bytes()], now);
        }
    }

    fn write_event(&mut self, id: StreamId, payload: &[&[u8]], now: Instant) {
        self.write_named_event(id, MESSAGE, payload, now);
    }

    pub(crate) fn write_named_event(&mut self, id: StreamId, name: &str, payload: &[&[u8]], now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        let conn_id = stream.conn;
        let Some(conn) = self.conns.get_mut(conn_id) else { return };
        let fields = Fields { name: Some(name), ..Fields::default() };
        conn.codec.stream(&mut conn.outgoing, &sse::event(&fields, payload));
        self.transmit(conn_id, now);
    }

    /// The stream says nothing more.
    pub(crate) fn end_stream(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        let conn_id = stream.conn;
        self.forget_stream(id, now);
        let Some(conn) = self.conns.get_mut(conn_id) else { return };
        conn.codec.end_stream(&mut conn.outgoing);
        self.on_answered(conn_id, now);
    }

    /// The stream is gone. Its calls go on: a legacy downstream that hangs up has not cancelled. But over HTTP+SSE it
    /// was all that the session had.
    pub(super) fn forget_stream(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.remove(id) else { return };
        let Some(session_id) = stream.session else { return };
        let Some(session) = self.sessions.get_mut(session_id) else { return };
        let had = session.streams.len();
        session.streams.retain(|other| *other != id);
        if session.is_sse() && session.streams.len() < had {
            self.end_session(session_id, now);
        }
    }

    /// Whether the answer is an event stream already.
    pub(super) fn is_streaming(&self, id: StreamId) -> bool {
        self.streams.get(id).is_none_or(|stream| match stream.state {
            StreamState::Undecided { .. } => false,
            StreamState::Open { .. } | StreamState::Listening => true,
        })
    }

    /// Nothing was said for a while: an answer that waits for a call becomes a stream, so that nobody gives up on its
    /// headers; a stream gets a comment, so that nobody takes the connection for dead.
    pub(super) fn on_stream_timeout(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        let conn_id = stream.conn;
        match stream.state {
            StreamState::Undecided { accepts: Accepts::Both, .. } if stream.session.is_some() => {
                self.begin_sse(id, &[], now);
            }
            StreamState::Undecided { .. } => {}
            StreamState::Open { .. } | StreamState::Listening => {
                if let Some(conn) = self.conns.get_mut(conn_id).filter(|conn| conn.outgoing.is_empty()) {
                    conn.codec.stream(&mut conn.outgoing, &sse::comment("still here"));
                    self.transmit(conn_id, now);
                }
            }
        }
        self.arm_conn(conn_id, now + limits::SSE_COMMENT_INTERVAL);
    }
}

fn is_json(parts: &[&[u8]]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(&parts.concat()).is_ok()
}
