//! Downstream connections: bytes in, requests to the routes, answers out.
//!
//! ```text
//!  AwaitingHead ──▶ Receiving ──▶ Answering ──▶ AwaitingHead …          (keep-alive)
//!       └───────────────┴─────────────┴───▶ Closing ──▶ Lingering ──▶ gone
//! ```

use std::net::IpAddr;
use std::time::Instant;

use super::request_log::RequestNote;
use super::responses::is_step;
use super::{Due, Output, Proxy};
use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::base::id::{ConnId, StreamId};
use crate::base::out_queue::OutQueue;
use crate::base::time::Now;
use crate::codec::http::{Event, HeadStorage, Phase, Refusal, Response, ServerCodec};
use crate::limits;
use crate::routes::cors;
use crate::routes::errors::JSON;
use crate::routes::oauth;
use crate::routes::post::Post;

/// One connection.
pub(crate) struct Conn {
    /// Who is at its other end: perhaps a reverse proxy.
    pub(crate) peer: IpAddr,
    pub(crate) codec: ServerCodec,
    pub(crate) state: ConnState,
    /// What came and could not be used yet: a part of a head, or the next requests.
    pub(super) incoming: Buf,
    /// What waits to be sent.
    pub(crate) outgoing: OutQueue,
    /// Whether the shell knows that something waits in `outgoing`.
    is_transmitting: bool,
    /// Whether the downstream has said that it will send no more.
    pub(super) is_finished: bool,
    /// Whether a request on it has been answered.
    has_served: bool,
    /// The allowed origin of the page whose request is being answered.
    pub(super) origin: Option<Box<str>>,
    /// What will be logged of that request, if anything.
    pub(super) note: Option<Box<RequestNote>>,
    pub(crate) timer: Timer,
    /// When the state has lasted too long, or a comment is due.
    pub(super) state_due: Option<Instant>,
    /// When the downstream has read nothing for too long.
    pub(super) write_due: Option<Instant>,
}

impl Conn {
    /// Whether so much waits behind the request in hand that no more is read.
    pub(super) fn is_full(&self) -> bool {
        self.incoming.len() >= limits::HEAD_BYTES_MAX
    }

    /// Since when nothing has happened on it and nothing is due; `None` if something is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let is_idle = matches!(self.state, ConnState::AwaitingHead)
            && self.codec.phase() == Phase::AwaitingHead
            && self.incoming.is_empty()
            && self.outgoing.is_empty();
        let time = if self.has_served { limits::IDLE_TIME_MAX } else { limits::HEAD_TIME_MAX };
        self.state_due.filter(|_| is_idle)?.checked_sub(time)
    }

    /// The head of an answer is written.
    pub(super) fn on_status(&mut self, status: u16) {
        if let Some(note) = &mut self.note {
            note.status = Some(status);
        }
    }

    fn is_closing(&self) -> bool {
        matches!(self.state, ConnState::Closing | ConnState::Lingering)
    }
}

/// What a connection is doing.
#[derive(Debug)]
pub(crate) enum ConnState {
    /// Waits for a request, or reads the rest of a refused one.
    AwaitingHead,
    /// Collects the body of a request.
    Receiving { post: Box<Post>, body: Vec<u8> },
    /// An upstream's words are the answer.
    Answering(StreamId),
    /// The authorization server has the request.
    Awaiting,
    /// Everything is said; it goes once that is sent.
    Closing,
    /// All is sent; time for the downstream to read it.
    Lingering,
}

impl Proxy {
    /// Takes on a connection from an address. `None`: there is no room, and it is to be closed.
    pub fn handle_accept(&mut self, peer: IpAddr, now: Now) -> Option<ConnId> {
        if self.shutdown.is_under_way()
            || (self.conns.len() >= limits::CONNS_MAX && !self.make_room_for_conn(now.instant))
        {
            return None;
        }
        let conn = Conn {
            peer: peer.to_canonical(),
            codec: ServerCodec::new(),
            state: ConnState::AwaitingHead,
            incoming: Buf::new(),
            outgoing: OutQueue::new(),
            is_transmitting: false,
            is_finished: false,
            has_served: false,
            origin: None,
            note: None,
            timer: Timer::default(),
            state_due: None,
            write_due: None,
        };
        let id = self.conns.insert(conn);
        self.arm_conn(id, now.instant + limits::HEAD_TIME_MAX);
        Some(id)
    }

    /// Whether the core wants more bytes of this connection. It reads ahead while it answers, in order to notice a
    /// downstream that hangs up, but not without bounds.
    pub fn is_reading(&self, conn: ConnId) -> bool {
        self.conns.get(conn).is_some_and(|conn| match conn.state {
            ConnState::AwaitingHead | ConnState::Receiving { .. } | ConnState::Lingering => !conn.is_finished,
            ConnState::Answering(_) | ConnState::Awaiting | ConnState::Closing => !conn.is_finished && !conn.is_full(),
        })
    }

    pub(super) fn on_received(&mut self, id: ConnId, bytes: &[u8], now: Instant) {
        self.counts.received_bytes += bytes.len() as u64;
        let Some(conn) = self.conns.get_mut(id) else { return };
        match conn.state {
            ConnState::Closing | ConnState::Lingering => {}
            ConnState::Answering(_) | ConnState::Awaiting => conn.incoming.push(bytes),
            ConnState::AwaitingHead | ConnState::Receiving { .. } if conn.incoming.is_empty() => {
                let used = self.advance(id, bytes, now);
                self.keep_rest(id, &bytes[used..]);
                self.on_partial_head(id, now);
            }
            ConnState::AwaitingHead | ConnState::Receiving { .. } => {
                conn.incoming.push(bytes);
                if self.advance_buffered(id, now) > 0 {
                    self.on_partial_head(id, now);
                }
            }
        }
    }

    /// The connections whose answer is finished: go on with what came behind it.
    pub(super) fn resume_conns(&mut self, now: Instant) {
        while let Some(id) = self.resumable.pop() {
            let was_full = self.conns.get(id).is_some_and(Conn::is_full);
            self.advance_buffered(id, now);
            self.on_partial_head(id, now);
            let is_open = |conn: &&mut Conn| matches!(conn.state, ConnState::AwaitingHead);
            if self.conns.get_mut(id).filter(is_open).is_some_and(|conn| conn.is_finished) {
                self.close_conn(id, now);
            } else if was_full && self.is_reading(id) {
                self.outputs.push_back(Output::Resume(id));
            }
        }
    }

    /// Goes on with what was kept. Returns how much of it was used.
    fn advance_buffered(&mut self, id: ConnId, now: Instant) -> usize {
        let Some(conn) = self.conns.get_mut(id) else { return 0 };
        let mut incoming = std::mem::take(&mut conn.incoming);
        let used = self.advance(id, incoming.as_slice(), now);
        incoming.consume(used);
        if let Some(conn) = self.conns.get_mut(id).filter(|conn| !conn.is_closing()) {
            conn.incoming = incoming;
        }
        used
    }

    /// Gives bytes to the codec until it wants no more. Returns how many were used.
    fn advance(&mut self, id: ConnId, bytes: &[u8], now: Instant) -> usize {
        let mut used = 0;
        while used < bytes.len() {
            let Some(conn) = self.conns.get_mut(id) else { break };
            if !matches!(conn.state, ConnState::AwaitingHead | ConnState::Receiving { .. }) {
                break;
            }
            let mut storage = HeadStorage::new();
            let step = match conn.codec.handle(&bytes[used..], &mut storage) {
                Ok(step) => step,
                Err(refusal) => {
                    self.on_refused(id, refusal, now);
                    return bytes.len();
                }
            };
            used += step.consumed;
            match step.event {
                Some(Event::Head(head)) => self.on_head(id, &head, now),
                Some(Event::Data(data)) => self.on_data(id, data.bytes, data.is_last, now),
                None if step.consumed == 0 => break,
                None => {}
            }
        }
        self.on_drain_given_up(id, now);
        used
    }

    /// The codec read on behind a refused request in order to keep the connection, and has found it not worth it.
    fn on_drain_given_up(&mut self, id: ConnId, now: Instant) {
        let is_over = |conn: &Conn| {
            matches!(conn.state, ConnState::AwaitingHead) && matches!(conn.codec.phase(), Phase::Closing(_))
        };
        if self.conns.get(id).is_some_and(is_over) {
            self.close_conn(id, now);
        }
    }

    /// What could not be used yet waits; once the connection closes, nothing is of use any more.
    fn keep_rest(&mut self, id: ConnId, rest: &[u8]) {
        if let Some(conn) = self.conns.get_mut(id).filter(|conn| !conn.is_closing()) {
            conn.incoming.push(rest);
        }
    }

    /// If the first bytes of a head are there, the rest has to follow soon. Not for further bytes of the same head:
    /// they buy no time.
    fn on_partial_head(&mut self, id: ConnId, now: Instant) {
        let is_partial = |conn: &Conn| matches!(conn.state, ConnState::AwaitingHead) && !conn.incoming.is_empty();
        if self.conns.get(id).is_some_and(is_partial) {
            self.arm_conn(id, now + limits::HEAD_TIME_MAX);
        }
    }

    /// A request with a body: it is collected, then goes to its route.
    pub(crate) fn receive(&mut self, id: ConnId, post: Post, expects_continue: bool, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.state = ConnState::Receiving { post: Box::new(post), body: Vec::new() };
        if expects_continue {
            conn.codec.send_continue(&mut conn.outgoing);
            self.transmit(id, now);
        }
        self.arm_conn(id, now + limits::BODY_PAUSE_MAX);
    }

    fn on_data(&mut self, id: ConnId, bytes: &[u8], is_last: bool, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let ConnState::Receiving { post, body } = &mut conn.state else { return };
        if body.len() + bytes.len() > post.bytes_max() {
            conn.codec.abandon_request();
            return self.deny(id, &oauth::too_large(), now);
        }
        if !is_last {
            let before = body.len();
            body.extend_from_slice(bytes);
            let is_step = is_step(before, body.len());
            self.arm_conn(id, now + limits::BODY_PAUSE_MAX);
            if is_step && self.receiving_bytes() > limits::RECEIVING_BYTES_MAX {
                self.refuse_body(id, now);
            }
            return;
        }
        if !body.is_empty() {
            body.extend_from_slice(bytes);
        }
        let ConnState::Receiving { post, body } = std::mem::replace(&mut conn.state, ConnState::AwaitingHead) else {
            return;
        };
        // A body that came in one piece was never copied.
        self.on_body(id, *post, if body.is_empty() { bytes } else { &body }, now);
    }

    /// The large bodies that are being received, together.
    fn receiving_bytes(&self) -> usize {
        let bodies = self.conns.iter().map(|(_, conn)| match &conn.state {
            ConnState::Receiving { body, .. } => body.len(),
            ConnState::AwaitingHead
            | ConnState::Answering(_)
            | ConnState::Awaiting
            | ConnState::Closing
            | ConnState::Lingering => 0,
        });
        bodies.filter(|bytes| *bytes > limits::SMALL_BODY_BYTES).sum()
    }

    fn refuse_body(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.codec.abandon_request();
        let reason = format!("too much is being received at once (at most {} bytes)", limits::RECEIVING_BYTES_MAX);
        self.respond(id, 503, &[JSON], &[crate::routes::errors::plain(&reason).as_bytes()], now);
    }

    fn on_refused(&mut self, id: ConnId, refusal: Refusal, now: Instant) {
        let body = crate::routes::errors::plain(&refusal.to_string());
        self.respond(id, refusal.status, &[JSON], &[body.as_bytes()], now);
    }

    /// A whole answer. Its headers say of what type it is.
    pub(crate) fn respond(&mut self, id: ConnId, status: u16, headers: &[(&str, &str)], body: &[&[u8]], now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.on_status(status);
        let headers = cors::with_origin(headers, conn.origin.as_deref());
        let response = Response { status, headers: &headers, date: self.date.as_str() };
        conn.outgoing.lend(self.in_hand.clone());
        conn.codec.respond(&mut conn.outgoing, &response, body);
        conn.outgoing.lend(None);
        self.on_answered(id, now);
    }

    /// The request that begins comes from a page of this origin, which is allowed, or from no page.
    pub(crate) fn on_origin(&mut self, id: ConnId, origin: Option<&str>) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.origin = origin.map(Into::into);
        }
    }

    /// An answer is complete: what becomes of the connection?
    pub(crate) fn on_answered(&mut self, id: ConnId, now: Instant) {
        self.log_request(id, now);
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.origin = None;
        conn.has_served = true;
        match conn.codec.phase() {
            Phase::AwaitingHead | Phase::Draining => {
                conn.state = ConnState::AwaitingHead;
                self.resumable.push(id);
                self.arm_conn(id, now + limits::IDLE_TIME_MAX);
                self.transmit(id, now);
            }
            Phase::Closing(_) | Phase::ReceivingBody | Phase::Answering => self.close_conn(id, now),
        }
    }

    pub(super) fn on_sent(&mut self, id: ConnId, count: usize, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.outgoing.consume(count);
        if let Some(note) = &mut conn.note {
            note.taken_bytes += count;
        }
        self.counts.sent_bytes += count as u64;
        if !conn.outgoing.is_empty() {
            conn.write_due = Some(now + limits::WRITE_PAUSE_MAX);
            return;
        }
        conn.write_due = None;
        conn.is_transmitting = false;
        if matches!(conn.state, ConnState::AwaitingHead | ConnState::Answering(_)) {
            conn.outgoing.release();
        }
        if matches!(conn.state, ConnState::Closing) {
            self.close_conn(id, now);
        }
    }

    /// Tells the shell that bytes wait; cuts off a downstream that lets too many wait.
    pub(crate) fn transmit(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.outgoing.len() > limits::CONN_QUEUE_BYTES_MAX {
            self.drop_conn(id, now);
            return;
        }
        if !conn.outgoing.is_empty() && !conn.is_transmitting {
            conn.is_transmitting = true;
            conn.write_due = Some(now + limits::WRITE_PAUSE_MAX);
            self.outputs.push_back(Output::Transmit(id));
            self.arm_timer(id);
        }
    }

    /// Sets how long the present state may last.
    pub(crate) fn arm_conn(&mut self, id: ConnId, due: Instant) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.state_due = Some(due);
            self.arm_timer(id);
        }
    }

    pub(super) fn arm_timer(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let due = [conn.state_due, conn.write_due].into_iter().flatten().min();
        match due {
            Some(due) => self.deadlines.arm(&mut conn.timer, Due::Conn(id), due),
            None => conn.timer.disarm(),
        }
    }
}
