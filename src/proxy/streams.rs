//! Answers made of upstream messages: one JSON body, or an event stream.

use std::time::Instant;

use super::{ConnState, Proxy};
use crate::base::id::{ConnId, SessionId, StreamId};
use crate::codec::http::Response;
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::codec::sse::{self, Fields};
use crate::limits;
use crate::mcp::call::Call;
use crate::mcp::stream::{Accepts, Outlet, Stream, StreamState};
use crate::routes::cors;
use crate::routes::errors::JSON;

/// The header of every event stream. `no-store`: what one downstream is told is for nobody else. The last one keeps
/// nginx from buffering.
const SSE_HEADERS: [(&str, &str); 3] =
    [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")];

/// SDKs expect the name.
pub(super) const MESSAGE: &str = "message";

/// What an event carries, in pieces.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payload<'a> {
    /// A reply; it must not be lost in silence.
    Reply(&'a [&'a [u8]]),
    /// A notification or an ask.
    Other(&'a [&'a [u8]]),
}

impl<'a> Payload<'a> {
    pub(super) fn parts(self) -> &'a [&'a [u8]] {
        match self {
            Payload::Reply(parts) | Payload::Other(parts) => parts,
        }
    }
}

impl Proxy {
    /// An answer to a POST with requests begins; nothing is said yet.
    pub(crate) fn open_answer(
        &mut self,
        conn: ConnId,
        session: Option<SessionId>,
        state: StreamState,
        now: Instant,
    ) -> StreamId {
        let waits = match &state {
            StreamState::Undecided { accepts: Accepts::Both, .. } => limits::JSON_WAIT_MAX,
            StreamState::Undecided { .. }
            | StreamState::Open { .. }
            | StreamState::Listening
            | StreamState::Complete => limits::SSE_COMMENT_INTERVAL,
        };
        let is_sse = match &state {
            StreamState::Undecided { accepts, .. } => *accepts == Accepts::Sse,
            StreamState::Open { .. } | StreamState::Listening | StreamState::Complete => true,
        };
        let outlet = Outlet::Attached(conn);
        let stream = self.streams.insert(Stream { outlet, session, state, replay: None });
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
        match &mut stream.state {
            StreamState::Undecided { accepts: Accepts::Sse, .. } => {
                self.begin_sse(id, headers, now);
                self.push_reply(id, status, headers, parts, now);
            }
            StreamState::Undecided { batch: None, .. } => match headers {
                [] => self.answer_whole(id, status, &[JSON], parts, now),
                some => self.answer_whole(id, status, &[some, &[JSON]].concat(), parts, now),
            },
            StreamState::Undecided { batch: Some(replies), due, .. } => {
                replies.push(String::from_utf8_lossy(&parts.concat()).into_owned());
                *due = due.saturating_sub(1);
                if *due == 0 {
                    let body = format!("[{}]", replies.join(","));
                    self.answer_whole(id, 200, &[JSON], &[body.as_bytes()], now);
                } else if replies.iter().map(String::len).sum::<usize>() > limits::NOTIFY_QUEUE_BYTES_MAX {
                    self.flush_batch(id, now);
                }
            }
            StreamState::Open { due } => {
                *due = due.saturating_sub(1);
                let is_last = *due == 0;
                self.write_event(id, Payload::Reply(parts), now);
                if is_last {
                    self.end_stream(id, now);
                }
            }
            StreamState::Listening => {
                self.write_event(id, Payload::Reply(parts), now);
            }
            StreamState::Complete => {}
        }
    }

    /// The whole answer at once: there was no stream.
    fn answer_whole(&mut self, id: StreamId, status: u16, headers: &[(&str, &str)], body: &[&[u8]], now: Instant) {
        if let Some(conn) = self.remove_stream(id).and_then(|stream| stream.conn()) {
            self.respond(conn, status, headers, body, now);
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
                if let Some(conn) = stream.conn().filter(|_| kept > limits::CONN_QUEUE_BYTES_MAX) {
                    self.drop_conn(conn, now);
                }
            }
            StreamState::Open { .. } | StreamState::Listening | StreamState::Complete => {}
        }
    }

    /// A message that is no reply: a notification or an ask. Says whether it went out: not if the stream is gone, the
    /// downstream takes no event streams, or it is so slow that only replies are kept for it.
    pub(crate) fn push_event(&mut self, id: StreamId, parts: &[&[u8]], now: Instant) -> bool {
        let Some(stream) = self.streams.get(id) else { return false };
        let queued = stream.conn().and_then(|conn| self.conns.get(conn)).map_or(0, |conn| conn.outgoing.len());
        if queued > limits::NOTIFY_QUEUE_BYTES_MAX {
            return false;
        }
        match &stream.state {
            StreamState::Undecided { accepts: Accepts::Json, .. } | StreamState::Complete => return false,
            StreamState::Undecided { .. } => self.begin_sse(id, &[], now),
            StreamState::Open { .. } | StreamState::Listening => {}
        }
        self.write_event(id, Payload::Other(parts), now)
    }

    /// From here on the answer is an event stream. Replies of a batch that were kept back go out first.
    pub(crate) fn begin_sse(&mut self, id: StreamId, headers: &[(&str, &str)], now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut kept = Vec::new();
        if let StreamState::Undecided { due, batch, .. } = &mut stream.state {
            kept = batch.take().unwrap_or_default();
            stream.state = StreamState::Open { due: *due };
        }
        let Some(conn) = stream.conn() else { return };
        self.begin_body(conn, headers, now);
        self.begin_replay(id);
        self.transmit(conn, now);
        for reply in kept {
            self.write_event(id, Payload::Reply(&[reply.as_bytes()]), now);
        }
    }

    /// The head of an event stream.
    pub(super) fn begin_body(&mut self, id: ConnId, headers: &[(&str, &str)], now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.on_status(200);
        let headers = [&SSE_HEADERS, headers].concat();
        let headers = cors::with_origin(&headers, conn.origin.as_deref());
        let response = Response { status: 200, headers: &headers, date: self.date.as_str() };
        conn.codec.begin_stream(&mut conn.outgoing, &response);
        self.arm_conn(id, now + limits::SSE_COMMENT_INTERVAL);
    }

    /// The end of an event stream; the connection goes on.
    pub(super) fn end_body(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.codec.end_stream(&mut conn.outgoing);
        self.on_answered(id, now);
    }

    /// Says whether the downstream has got it or may come back for it.
    fn write_event(&mut self, id: StreamId, payload: Payload<'_>, now: Instant) -> bool {
        let (event, is_kept) = self.keep_event(id, payload);
        let event = event.map(|event| event.to_string());
        let fields = Fields { name: Some(MESSAGE), id: event.as_deref(), retry: None };
        self.write_fields(id, &fields, payload.parts(), now) || is_kept
    }

    /// An event that is no message. Says whether there is a connection for it.
    pub(crate) fn write_fields(&mut self, id: StreamId, fields: &Fields<'_>, data: &[&[u8]], now: Instant) -> bool {
        let Some(conn_id) = self.streams.get(id).and_then(|stream| stream.conn()) else { return false };
        let Some(conn) = self.conns.get_mut(conn_id) else { return false };
        conn.outgoing.lend(self.in_hand.clone());
        conn.codec.stream(&mut conn.outgoing, &sse::event(fields, data));
        conn.outgoing.lend(None);
        self.transmit(conn_id, now);
        true
    }

    /// All that the stream was for is said.
    fn end_stream(&mut self, id: StreamId, now: Instant) {
        let conn = self.streams.get(id).and_then(|stream| stream.conn());
        self.on_complete(id, now);
        if let Some(conn) = conn {
            self.end_body(conn, now);
        }
    }

    /// The stream says nothing more, and nobody can come back for it.
    pub(crate) fn close_stream(&mut self, id: StreamId, now: Instant) {
        let conn = self.streams.get(id).and_then(|stream| stream.conn());
        self.forget_stream(id, now);
        if let Some(conn) = conn {
            self.end_body(conn, now);
        }
    }

    /// The stream is gone. Its calls go on: a legacy downstream that hangs up has not cancelled. But over HTTP+SSE it
    /// was all that the session had, and a modern downstream cancels in no other way.
    pub(super) fn forget_stream(&mut self, id: StreamId, now: Instant) {
        let session = self.streams.get(id).and_then(|stream| stream.session);
        let is_all = |session: &SessionId| {
            self.sessions.get(*session).is_some_and(|entry| entry.is_one_stream() && entry.streams.contains(&id))
        };
        let ending = session.filter(is_all);
        self.remove_stream(id);
        if let Some(session) = ending {
            self.end_session(session, now);
        }
    }

    /// Takes a stream out, and all that was kept of it.
    pub(super) fn remove_stream(&mut self, id: StreamId) -> Option<Stream> {
        let stream = self.streams.remove(id)?;
        self.replay_bytes -= stream.replay.as_ref().map_or(0, |replay| replay.bytes());
        if let Some(session) = stream.session.and_then(|session| self.sessions.get_mut(session)) {
            session.streams.retain(|other| *other != id);
            session.resumable.retain(|other| *other != id);
        }
        Some(stream)
    }

    /// Whether there is a connection for it.
    pub(crate) fn is_attached(&self, id: StreamId) -> bool {
        self.streams.get(id).is_some_and(|stream| stream.conn().is_some())
    }

    /// The stream on which a session is told what belongs to no call: the newest that has a connection.
    pub(super) fn own_stream(&self, session: SessionId) -> Option<StreamId> {
        let streams = &self.sessions.get(session)?.streams;
        streams.iter().rev().copied().find(|stream| self.is_attached(*stream))
    }

    /// Whether the answer is an event stream already.
    pub(super) fn is_streaming(&self, id: StreamId) -> bool {
        self.streams.get(id).is_none_or(|stream| match stream.state {
            StreamState::Undecided { .. } => false,
            StreamState::Open { .. } | StreamState::Listening | StreamState::Complete => true,
        })
    }

    /// Nothing was said for a while: an answer that waits for a call becomes a stream, so that nobody gives up on its
    /// headers; a stream gets a comment, so that nobody takes the connection for dead.
    pub(super) fn on_stream_timeout(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        let Some(conn_id) = stream.conn() else { return };
        match stream.state {
            StreamState::Undecided { accepts: Accepts::Both, .. } if stream.session.is_some() => {
                self.begin_sse(id, &[], now);
            }
            StreamState::Undecided { .. } => {}
            StreamState::Open { .. } | StreamState::Listening | StreamState::Complete => {
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
