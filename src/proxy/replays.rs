//! Streams that outlive their connections: what they say is kept, and said again to a downstream that comes back.
//!
//! ```text
//!  Attached ── the connection breaks ──▶ Detached ── GET with Last-Event-ID ──▶ Attached
//!      └────── all is said ──▶ Complete ──▶ gone, when it is too old or its place is needed
//! ```
//!
//! Whose events make room: first those of the session's own complete streams, then its own oldest. A reply is never
//! dropped in silence: where it finds no room, an error that says so takes its place.

use std::time::Instant;

use super::{ConnState, Due, Proxy};
use crate::base::id::{ConnId, SessionId, StreamId};
use crate::codec::jsonrpc::envelope::{self, Message};
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::codec::sse::{self, Fields};
use crate::limits;
use crate::mcp::replay::{EventId, Replay, cost};
use crate::mcp::stream::{Outlet, StreamState};
use crate::mcp::version::Version;

use super::streams::{MESSAGE, Payload};

/// What came of a `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// The stream goes on, on the new connection.
    Resumed,
    /// The downstream has everything: the stream is over.
    Over,
    /// There is no such stream, or not any more.
    Unknown,
}

impl Proxy {
    /// An event stream begins. From 2025-03-26 on its events have ids; from 2025-11-25 on it begins with one that has
    /// nothing else, so that the downstream can come back even if it hears nothing more. Older readers choke on that.
    pub(super) fn begin_replay(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let Some(session) = stream.session.and_then(|session| self.sessions.get_mut(session)) else { return };
        if session.is_one_stream() || session.version < Version::V2025_03_26 {
            return;
        }
        session.streams_begun = session.streams_begun.wrapping_add(1);
        session.resumable.push(id);
        let replay = Replay::new(session.streams_begun);
        let first = replay.last_id().to_string();
        stream.replay = Some(Box::new(replay));
        let Some(conn) = stream.conn().and_then(|conn| self.conns.get_mut(conn)) else { return };
        if session.version >= Version::V2025_11_25 {
            let fields = Fields { name: None, id: Some(&first), retry: Some(limits::SSE_RETRY_MILLIS) };
            conn.codec.stream(&mut conn.outgoing, &sse::event(&fields, &[]));
        }
    }

    /// An event goes out, or would if its stream had a connection. Returns its id, and whether it is kept.
    pub(super) fn keep_event(&mut self, id: StreamId, payload: Payload<'_>) -> (Option<EventId>, bool) {
        let Some(stream) = self.streams.get_mut(id) else { return (None, false) };
        let (Some(session), Some(replay)) = (stream.session, stream.replay.as_mut()) else { return (None, false) };
        let event = replay.advance();
        let bytes: usize = payload.parts().iter().map(|part| part.len()).sum();
        let data = if self.make_room_for_event(session, id, cost(bytes)) {
            payload.parts().concat()
        } else {
            match payload.reply_id() {
                Some(reply_id) => too_large(&reply_id).into_bytes(),
                None => return (Some(event), false),
            }
        };
        if let Some(replay) = self.streams.get_mut(id).and_then(|stream| stream.replay.as_mut()) {
            self.replay_bytes += cost(data.len());
            replay.keep(data.into_boxed_slice());
        }
        (Some(event), true)
    }

    /// Lets older events of the session go until there is room for another of this stream. Says whether there is.
    fn make_room_for_event(&mut self, session: SessionId, id: StreamId, cost: usize) -> bool {
        if cost > limits::SESSION_REPLAY_BYTES_MAX {
            return false;
        }
        loop {
            let (bytes, events) = self.kept_of(session);
            let fits = bytes + cost <= limits::SESSION_REPLAY_BYTES_MAX
                && events < limits::SESSION_REPLAY_EVENTS_MAX
                && self.replay_bytes + cost <= limits::REPLAY_BYTES_MAX;
            if fits {
                return true;
            }
            if !self.drop_one_event(session, id) {
                return false;
            }
        }
    }

    /// Bytes and events that are kept for a session.
    fn kept_of(&self, session: SessionId) -> (usize, usize) {
        let streams = self.sessions.get(session).map(|session| session.resumable.as_slice()).unwrap_or_default();
        let replays = streams.iter().filter_map(|id| self.streams.get(*id)?.replay.as_ref());
        replays.fold((0, 0), |(bytes, events), replay| (bytes + replay.bytes(), events + replay.len()))
    }

    /// The oldest complete stream goes, else the oldest event of a stream that has a connection, else of this one.
    fn drop_one_event(&mut self, session: SessionId, own: StreamId) -> bool {
        let streams = self.sessions.get(session).map(|session| session.resumable.as_slice()).unwrap_or_default();
        let complete =
            |id: &StreamId| self.streams.get(*id).is_some_and(|stream| matches!(stream.state, StreamState::Complete));
        if let Some(id) = streams.iter().copied().find(complete) {
            self.remove_stream(id);
            return true;
        }
        let has_events = |id: StreamId| {
            let replay = self.streams.get(id).and_then(|stream| stream.replay.as_ref());
            replay.is_some_and(|replay| !replay.is_empty())
        };
        let attached = streams.iter().copied().find(|id| self.is_attached(*id) && has_events(*id));
        let Some(id) = attached.or_else(|| Some(own).filter(|own| has_events(*own))) else { return false };
        self.change_replay(id, Replay::drop_oldest);
        true
    }

    /// Changes what is kept of a stream, and the sum with it.
    fn change_replay(&mut self, id: StreamId, change: impl FnOnce(&mut Replay)) {
        if let Some(replay) = self.streams.get_mut(id).and_then(|stream| stream.replay.as_mut()) {
            let before = replay.bytes();
            change(replay);
            self.replay_bytes -= before - replay.bytes();
        }
    }

    /// The connection of a stream is gone. What can be resumed waits for its downstream to come back.
    pub(super) fn on_conn_lost(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if !stream.is_resumable() {
            return self.forget_stream(id, now);
        }
        stream.outlet = Outlet::Detached { since: now };
        self.expect_end_of_replays(now);
    }

    /// All is said. The end may have been lost on its way: it is kept for a while.
    pub(super) fn on_complete(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.replay.as_ref().is_none_or(|replay| replay.is_empty()) {
            return drop(self.remove_stream(id));
        }
        stream.state = StreamState::Complete;
        stream.outlet = Outlet::Detached { since: now };
        self.expect_end_of_replays(now);
    }

    /// A downstream comes back for what it has missed, with the id of the last event that it got.
    pub(crate) fn resume(&mut self, conn: ConnId, session: SessionId, last: &str, now: Instant) -> Resumption {
        let Some((id, position)) = self.find_resumable(session, last) else { return Resumption::Unknown };
        self.change_replay(id, |replay| replay.on_received(position));
        let Some(stream) = self.streams.get_mut(id) else { return Resumption::Unknown };
        let is_complete = matches!(stream.state, StreamState::Complete);
        if is_complete && stream.replay.as_ref().is_none_or(|replay| replay.is_empty()) {
            self.remove_stream(id);
            return Resumption::Over;
        }
        let old = std::mem::replace(&mut stream.outlet, Outlet::Attached(conn));
        // It broke without our noticing, and would take the events that it cannot deliver.
        if let Outlet::Attached(old) = old {
            self.end_body(old, now);
        }
        if let Some(conn) = self.conns.get_mut(conn) {
            conn.state = ConnState::Answering(id);
        }
        if let Some(entry) = self.sessions.get_mut(session) {
            entry.last_used = now;
            if let Some(at) = entry.streams.iter().position(|other| *other == id) {
                entry.streams[at..].rotate_left(1); // it is the newest now
            }
        }
        self.begin_body(conn, &[], now);
        self.write_kept(id, conn);
        self.transmit(conn, now);
        if is_complete {
            self.on_conn_lost(id, now);
            self.end_body(conn, now);
        }
        Resumption::Resumed
    }

    /// The stream that an id belongs to, and the position. Only what was said can have been heard.
    fn find_resumable(&self, session: SessionId, last: &str) -> Option<(StreamId, u64)> {
        let last = EventId::parse(last)?;
        let streams = &self.sessions.get(session)?.resumable;
        let found = streams.iter().copied().find(|id| {
            let replay = self.streams.get(*id).and_then(|stream| stream.replay.as_ref());
            replay.is_some_and(|replay| replay.serial() == last.serial && last.position <= replay.last_id().position)
        });
        found.map(|id| (id, last.position))
    }

    fn write_kept(&mut self, id: StreamId, conn: ConnId) {
        let Some(replay) = self.streams.get(id).and_then(|stream| stream.replay.as_ref()) else { return };
        let Some(conn) = self.conns.get_mut(conn) else { return };
        for (event, data) in replay.events() {
            let event = event.to_string();
            let fields = Fields { name: Some(MESSAGE), id: Some(&event), retry: None };
            conn.codec.stream(&mut conn.outgoing, &sse::event(&fields, &[data]));
        }
    }

    fn expect_end_of_replays(&mut self, now: Instant) {
        if self.replay_sweep.due().is_none() {
            let due = now + limits::REPLAY_SWEEP_INTERVAL;
            self.deadlines.arm(&mut self.replay_sweep, Due::Replays, due);
        }
    }

    /// Looks for streams that nobody came back for. One that still waits for a reply stays: the call ends in any case.
    pub(super) fn on_replay_sweep(&mut self, now: Instant) {
        let since = |id: StreamId| {
            let stream = self.streams.get(id)?;
            match (&stream.state, stream.outlet) {
                (StreamState::Complete | StreamState::Listening, Outlet::Detached { since }) => Some(since),
                (StreamState::Undecided { .. } | StreamState::Open { .. }, _) | (_, Outlet::Attached(_)) => None,
            }
        };
        let waiting: Vec<(StreamId, Instant)> =
            self.streams.ids().into_iter().filter_map(|id| Some((id, since(id)?))).collect();
        let (old, young): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, since)| *since + limits::REPLAY_TIME_MAX <= now);
        for (id, _) in old {
            self.forget_stream(id, now);
        }
        if !young.is_empty() {
            self.expect_end_of_replays(now);
        }
    }
}

/// The answer in the place of one that finds no room.
fn too_large(id: &str) -> String {
    let reason = format!(
        "the connection broke, and the answer was too large to be kept for another (at most {} bytes); the call may \
         have taken effect",
        limits::SESSION_REPLAY_BYTES_MAX
    );
    write::error(id, INTERNAL_ERROR, &reason)
}

impl Payload<'_> {
    /// The id of a reply, as JSON text. Large ones come in pieces around it, and are not read for it.
    fn reply_id(&self) -> Option<String> {
        match self {
            Payload::Reply([before, id, _]) if before.trim_ascii_end().ends_with(b"\"id\":") => {
                std::str::from_utf8(id).ok().map(str::to_owned)
            }
            Payload::Reply(parts) => match envelope::read_message(&parts.concat()) {
                Ok(Message::Response { id, .. }) => Some(id.to_owned()),
                Ok(Message::Request { .. } | Message::Notification { .. }) | Err(_) => None,
            },
            Payload::Other(_) => None,
        }
    }
}
