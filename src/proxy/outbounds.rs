//! Connections to remote upstreams: made when they are needed, kept for a while, and fed through the codec.
//!
//! ```text
//!  Connecting ──▶ Busy ──▶ Idle ──▶ Busy …          (keep-alive)
//!       └──────────┴─────────┴───▶ gone
//! ```

use std::time::Instant;

use super::{Due, Output, Proxy};
use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::base::id::{LinkId, OutboundId};
use crate::base::url::Url;
use crate::codec::http::ClientCodec;
use crate::codec::http::client::{Event, Fault, ResponseStorage};
use crate::limits;
use crate::upstream::exchange::{Exchange, Purpose};
use crate::upstream::reception::Reception;

/// One connection.
pub(super) struct Outbound {
    pub(super) link: LinkId,
    pub(super) codec: ClientCodec,
    pub(super) state: OutboundState,
    /// What came and could not be used yet: a part of a head.
    incoming: Buf,
    /// The request as it goes out. Kept until its response is complete: one that was refused unread is sent again.
    pub(super) request: Buf,
    /// Where its body begins.
    pub(super) body_at: usize,
    /// How much of it is sent.
    pub(super) sent: usize,
    /// Whether the shell knows that something waits in `request`.
    pub(super) is_transmitting: bool,
    /// Whether a response has come on it before.
    has_served: bool,
    pub(super) timer: Timer,
}

/// What a connection is doing.
pub(super) enum OutboundState {
    /// It is being made, for this.
    Connecting(Task),
    /// A response is awaited, or coming.
    Busy(Task),
    /// It is free.
    Idle,
}

/// An exchange under way.
pub(super) struct Task {
    pub(super) exchange: Exchange,
    pub(super) reception: Reception,
}

/// How a request was lost.
pub(super) struct Loss {
    /// For people.
    pub(super) cause: String,
    /// Whether the upstream may have got it.
    pub(super) was_sent: bool,
}

impl Outbound {
    /// One that is to be made.
    pub(super) fn new(link: LinkId) -> Outbound {
        Outbound {
            link,
            codec: ClientCodec::new(),
            state: OutboundState::Idle,
            incoming: Buf::new(),
            request: Buf::new(),
            body_at: 0,
            sent: 0,
            is_transmitting: false,
            has_served: false,
            timer: Timer::default(),
        }
    }

    pub(super) fn task(&self) -> Option<&Task> {
        match &self.state {
            OutboundState::Connecting(task) | OutboundState::Busy(task) => Some(task),
            OutboundState::Idle => None,
        }
    }

    pub(super) fn task_mut(&mut self) -> Option<&mut Task> {
        match &mut self.state {
            OutboundState::Connecting(task) | OutboundState::Busy(task) => Some(task),
            OutboundState::Idle => None,
        }
    }

    /// Takes the exchange out: the connection is free, or about to go.
    pub(super) fn take_task(&mut self) -> Option<Task> {
        match std::mem::replace(&mut self.state, OutboundState::Idle) {
            OutboundState::Connecting(task) | OutboundState::Busy(task) => Some(task),
            OutboundState::Idle => None,
        }
    }

    /// The message that was POSTed, to be sent again.
    pub(super) fn body(&self) -> Buf {
        let mut body = Buf::new();
        body.push(self.request.as_slice().get(self.body_at..).unwrap_or_default());
        body
    }

    /// How many bytes of the message have not left.
    pub(super) fn unsent(&self) -> usize {
        self.request.len().saturating_sub(self.sent.max(self.body_at))
    }

    pub(super) fn is_awaiting_head(&self) -> bool {
        self.task().is_some_and(|task| matches!(task.reception, Reception::AwaitingHead))
    }

    /// Whether the upstream has yet to say what it makes of the request, or is about to say why it refuses it.
    pub(super) fn is_undecided(&self) -> bool {
        self.task().is_some_and(|task| matches!(task.reception, Reception::AwaitingHead | Reception::Refusal(_)))
    }

    /// The upstream has closed it. Whether that has crossed with the request, which then goes out on another one: the
    /// upstream may close a free connection at any moment (RFC 9112, 9.3.1 and 9.5).
    fn has_crossed(&self) -> bool {
        let is_silent = self.has_served && self.incoming.is_empty();
        let is_harmless = |task: &Task| self.sent == 0 || task.exchange.is_repeatable();
        is_silent && self.is_awaiting_head() && self.task().is_some_and(is_harmless)
    }
}

/// What the shell asks.
impl Proxy {
    /// Where a connection is to lead: scheme, host and port of this URL.
    pub fn destination(&self, outbound: OutboundId) -> Option<&Url> {
        let link = self.links.get(self.outbounds.get(outbound)?.link)?;
        self.servers.get(link.server)?.config.target.remote().map(|remote| &remote.url)
    }

    /// The bytes that wait for a remote upstream.
    pub fn request_bytes(&self, outbound: OutboundId) -> &[u8] {
        let Some(outbound) = self.outbounds.get(outbound) else { return &[] };
        outbound.request.as_slice().get(outbound.sent..).unwrap_or_default()
    }
}

/// In.
impl Proxy {
    pub(super) fn on_outbound_received(&mut self, id: OutboundId, bytes: &[u8], now: Instant) {
        self.note_heard(id, now);
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        if outbound.incoming.is_empty() {
            let used = self.advance_outbound(id, bytes, now);
            if let Some(outbound) = self.outbounds.get_mut(id) {
                outbound.incoming.push(&bytes[used..]);
            }
            return;
        }
        outbound.incoming.push(bytes);
        let mut incoming = std::mem::take(&mut outbound.incoming);
        let used = self.advance_outbound(id, incoming.as_slice(), now);
        incoming.consume(used);
        if let Some(outbound) = self.outbounds.get_mut(id) {
            outbound.incoming = incoming;
        }
    }

    /// Gives bytes to the codec until it wants no more. Returns how many were used.
    fn advance_outbound(&mut self, id: OutboundId, bytes: &[u8], now: Instant) -> usize {
        let mut used = 0;
        loop {
            let Some(outbound) = self.outbounds.get_mut(id) else { return bytes.len() };
            let mut storage = ResponseStorage::new();
            let step = match outbound.codec.handle(&bytes[used..], &mut storage) {
                Ok(step) => step,
                Err(fault) => {
                    self.lose_outbound(id, &fault.to_string(), true, now);
                    return bytes.len();
                }
            };
            used += step.consumed;
            match step.event {
                Some(Event::Head(head)) => self.on_response_head(id, &head, now),
                Some(Event::Data(data)) => self.on_response_data(id, data.bytes, data.is_last, now),
                None if step.consumed == 0 => return used,
                None => {}
            }
        }
    }

    pub(super) fn on_outbound_finished(&mut self, id: OutboundId, now: Instant) {
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        match outbound.codec.finish() {
            Ok(Some(data)) => self.on_response_data(id, data.bytes, data.is_last, now),
            Ok(None) => {
                self.remove_outbound(id, true);
            }
            Err(Fault::Unanswered) if outbound.has_crossed() => self.send_elsewhere(id, true),
            Err(Fault::Unanswered) if self.is_sent_probe(id) => self.on_probe_lost(id, now),
            Err(fault) => self.lose_outbound(id, &fault.to_string(), true, now),
        }
    }

    pub(super) fn on_outbound_broken(&mut self, id: OutboundId, error: &str, now: Instant) {
        if self.outbounds.get(id).is_some_and(Outbound::has_crossed) {
            self.send_elsewhere(id, false);
        } else {
            self.lose_outbound(id, error, false, now);
        }
    }

    /// What a connection carries goes out on another one.
    fn send_elsewhere(&mut self, id: OutboundId, is_open: bool) {
        let Some(mut outbound) = self.remove_outbound(id, is_open) else { return };
        let body = outbound.body();
        if let (Some(task), Some(remote)) = (outbound.take_task(), self.remote_mut(outbound.link)) {
            remote.queued_bytes += body.len();
            remote.outbox.push_again(Exchange { body, ..task.exchange });
        }
    }

    pub(super) fn on_connect_failed(&mut self, id: OutboundId, error: &str, now: Instant) {
        self.lose_outbound(id, error, false, now);
    }

    /// The response is complete: the connection is free for the next request, if it can be used again.
    pub(super) fn on_response_complete(&mut self, id: OutboundId, now: Instant) {
        let task = self.outbounds.get(id).and_then(|outbound| Some((outbound.link, outbound.task()?)));
        let is_repeatable = task.is_some_and(|(link, task)| self.is_repeatable(link, &task.exchange));
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        let (link, is_sent) = (outbound.link, outbound.sent == outbound.request.len());
        let Some(mut task) = outbound.take_task() else { return };
        outbound.has_served = true;
        let may_be_due = match task.reception {
            Reception::Refusal(_) => true,
            Reception::Events(_) => is_repeatable,
            Reception::AwaitingHead | Reception::Message(_) | Reception::Ignored => false,
        };
        if may_be_due {
            task.exchange.body = outbound.body(); // it may have to be sent again
        }
        let is_reusable = outbound.codec.is_reusable() && is_sent;
        if is_reusable {
            outbound.request.clear();
            outbound.request.release();
            self.deadlines.arm(&mut outbound.timer, Due::Outbound(id), now + limits::OUTBOUND_IDLE_TIME);
        }
        if let Some(remote) = self.remote_mut(link) {
            remote.on_undispatched(&task.exchange);
            remote.idle.extend(is_reusable.then_some(id));
        }
        if !is_reusable {
            self.remove_outbound(id, true);
        }
        self.posting.push(link);
        self.on_exchange_done(link, task, now);
    }

    /// Time is up: a free connection goes, a busy one is given up.
    pub(super) fn on_outbound_timeout(&mut self, id: OutboundId, now: Instant) {
        if self.is_sent_probe(id) {
            return self.on_probe_lost(id, now);
        }
        self.lose_outbound(id, "it did not answer in time", true, now);
    }

    /// The connection is of no use any more. `is_open`: the shell still has it.
    pub(super) fn lose_outbound(&mut self, id: OutboundId, cause: &str, is_open: bool, now: Instant) {
        let is_probe = self.is_sent_probe(id);
        let Some(mut outbound) = self.remove_outbound(id, is_open) else { return };
        let loss = Loss { cause: cause.to_owned(), was_sent: outbound.sent > 0 };
        let body = outbound.body();
        let Some(mut task) = outbound.take_task() else { return };
        task.exchange.body = body;
        match task.reception {
            // What came of a stream counts; it may be resumed. But who it is nobody says halfway.
            Reception::Events(_) if !is_probe => self.on_stream_ended(outbound.link, task, cause, now),
            Reception::AwaitingHead
            | Reception::Message(_)
            | Reception::Events(_)
            | Reception::Ignored
            | Reception::Refusal(_) => {
                self.on_exchange_lost(outbound.link, task.exchange, loss, now);
            }
        }
    }

    /// The connection on which an exchange for this purpose is.
    pub(super) fn outbound_for(&mut self, link: LinkId, purpose: Purpose) -> Option<OutboundId> {
        let outbounds = self.remote_mut(link).map(|remote| remote.outbounds.clone()).unwrap_or_default();
        let is_meant = |task: &Task| task.exchange.purpose == purpose;
        outbounds.into_iter().find(|id| self.outbounds.get(*id).and_then(Outbound::task).is_some_and(is_meant))
    }

    /// Forgets a connection, and closes it if the shell still has it.
    pub(super) fn remove_outbound(&mut self, id: OutboundId, is_open: bool) -> Option<Outbound> {
        let outbound = self.outbounds.remove(id)?;
        self.on_unqueued(outbound.link, outbound.unsent());
        if let Some(remote) = self.remote_mut(outbound.link) {
            if let Some(task) = outbound.task() {
                remote.on_undispatched(&task.exchange);
            }
            remote.outbounds.retain(|other| *other != id);
            remote.idle.retain(|other| *other != id);
            self.posting.push(outbound.link);
        }
        if is_open {
            self.outputs.push_back(Output::CloseOutbound(id));
        }
        Some(outbound)
    }

    /// The link is gone, and its connections with it.
    pub(super) fn close_outbounds(&mut self, link: LinkId) {
        let outbounds = self.remote_mut(link).map(|remote| remote.outbounds.clone()).unwrap_or_default();
        for id in outbounds {
            self.remove_outbound(id, true);
        }
    }

    /// The upstream lives. Where all that it says comes on one stream, nothing else shows that it can still be heard.
    fn note_heard(&mut self, id: OutboundId, now: Instant) {
        let Some(outbound) = self.outbounds.get(id) else { return };
        let is_listening = outbound.task().is_some_and(|task| task.exchange.purpose == Purpose::Listen);
        if let Some(remote) = self.remote_mut(outbound.link).filter(|remote| is_listening || !remote.is_sse()) {
            remote.heard = now;
        }
    }
}
