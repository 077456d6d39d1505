//! How connections end: because all is said, because the downstream hung up, because it was too slow, or to make room.

use std::time::Instant;

use super::conns::{Conn, ConnState};
use super::{Output, Proxy};
use crate::base::id::{ConnId, Id};
use crate::base::time::Now;
use crate::limits;
use crate::routes::errors::{self, JSON};

impl Proxy {
    /// No further request is taken: an idle connection closes now, a busy one after its answer.
    pub(super) fn close_soon(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        match conn.state {
            ConnState::AwaitingHead => self.close_conn(id, now),
            ConnState::Receiving { .. } | ConnState::Answering(_) | ConnState::Awaiting => {
                conn.codec.close_after_answer()
            }
            ConnState::Closing | ConnState::Lingering => {}
        }
    }

    /// Nothing more will be said: send what waits, then go.
    pub(crate) fn close_conn(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.is_full() && !conn.is_finished {
            self.outputs.push_back(Output::Resume(id)); // what still comes is read and thrown away
        }
        conn.incoming.clear();
        if !conn.outgoing.is_empty() {
            conn.state = ConnState::Closing;
            conn.state_due = None;
            self.transmit(id, now);
        } else if conn.is_finished {
            self.drop_conn(id, now);
        } else {
            conn.state = ConnState::Lingering;
            self.outputs.push_back(Output::FinishWriting(id));
            self.arm_conn(id, now + limits::LINGER_TIME_MAX);
        }
    }

    /// Closes the socket now.
    pub(super) fn drop_conn(&mut self, id: ConnId, now: Instant) {
        if self.conns.is_live(id) {
            self.outputs.push_back(Output::Close(id));
            self.forget_conn(id, now);
        }
    }

    /// The socket is closed.
    pub(super) fn forget_conn(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.remove(id) else { return };
        self.log_lost_request(conn.note, now);
        if let ConnState::Answering(stream) = conn.state {
            self.on_conn_lost(stream, now);
        }
    }

    pub(super) fn on_finished(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.is_finished = true;
        match conn.state {
            ConnState::AwaitingHead | ConnState::Receiving { .. } => self.close_conn(id, now),
            ConnState::Lingering => self.drop_conn(id, now),
            // An event stream is of no use to a downstream that hung up; one that only shut its sending side down
            // after a request still gets the answer. In the modern era that is how a request is cancelled.
            ConnState::Answering(stream) => {
                let session = self.streams.get(stream).and_then(|stream| stream.session);
                if self.is_streaming(stream) || session.is_some_and(|session| self.is_modern(session)) {
                    self.drop_conn(id, now);
                }
            }
            ConnState::Awaiting | ConnState::Closing => {}
        }
    }

    pub(super) fn on_conn_timeout(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.write_due.is_some_and(|due| due <= now) {
            self.drop_conn(id, now);
            return;
        }
        if conn.state_due.is_none_or(|due| due > now) {
            self.arm_timer(id);
            return;
        }
        conn.state_due = None;
        match conn.state {
            ConnState::AwaitingHead if conn.incoming.is_empty() => self.close_conn(id, now),
            ConnState::AwaitingHead => {
                let seconds = limits::HEAD_TIME_MAX.as_secs();
                self.refuse_slow(id, &format!("the head of the request did not arrive within {seconds} s"), now);
            }
            ConnState::Receiving { .. } => {
                let seconds = limits::BODY_PAUSE_MAX.as_secs();
                self.refuse_slow(id, &format!("the body of the request stopped for {seconds} s"), now);
            }
            ConnState::Answering(stream) => self.on_stream_timeout(stream, now),
            ConnState::Awaiting | ConnState::Closing => {}
            ConnState::Lingering => self.drop_conn(id, now),
        }
        self.arm_timer(id);
    }

    /// 408 (RFC 9110, 15.5.9).
    fn refuse_slow(&mut self, id: ConnId, reason: &str, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.codec.abandon_request();
        self.respond(id, 408, &[JSON], &[errors::plain(reason).as_bytes()], now);
    }

    /// The system has no descriptor for another connection. The one that has been idle longest makes room, if it has
    /// been so for a while.
    pub fn handle_shortage(&mut self, now: Now) {
        let idle = self.conns.iter().filter_map(|(id, conn)| Some((conn.idle_since()?, id.index(), id)));
        let idle = idle.filter(|(since, ..)| *since + limits::IDLE_TIME_MIN <= now.instant);
        if let Some((.., id)) = idle.min() {
            self.drop_conn(id, now.instant);
        }
    }

    /// Ends the connection that has gone longest without doing anything useful. Says whether there was one.
    pub(super) fn make_room_for_conn(&mut self, now: Instant) -> bool {
        let waiting = |conn: &Conn| match conn.state {
            ConnState::AwaitingHead | ConnState::Receiving { .. } | ConnState::Closing | ConnState::Lingering => true,
            ConnState::Answering(_) | ConnState::Awaiting => false,
        };
        let stalest = self.conns.iter().filter(|(_, conn)| waiting(conn));
        let stalest = stalest.min_by_key(|(id, conn)| (conn.state_due, id.index())).map(|(id, _)| id);
        stalest.inspect(|id| self.drop_conn(*id, now)).is_some()
    }
}
