//! Connections to remote upstreams: made when they are needed, kept for a while, and fed through the codec.
//!
//! ```text
//!  Connecting ──▶ Busy ──▶ Idle ──▶ Busy …          (keep-alive)
//!       └──────────┴─────────┴───▶ gone
//! ```

use std::time::Instant;

use super::links::Transport;
use super::{Due, Output, Proxy};
use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::base::id::{LinkId, OutboundId};
use crate::base::url::Url;
use crate::codec::http::client::{Event, ResponseStorage};
use crate::codec::http::{ClientCodec, Request};
use crate::limits;
use crate::upstream::exchange::{Exchange, Reception};
use crate::upstream::remote::RemoteLink;

/// One connection.
pub(super) struct Outbound {
    pub(super) link: LinkId,
    codec: ClientCodec,
    pub(super) state: OutboundState,
    /// What came and could not be used yet: a part of a head.
    incoming: Buf,
    /// The request as it goes out. Kept until its response begins: one that was refused unread is sent again.
    request: Buf,
    /// Where its body begins.
    body_at: usize,
    /// How much of it is sent.
    sent: usize,
    /// Whether the shell knows that something waits in `request`.
    is_transmitting: bool,
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

    fn unsent(&self) -> usize {
        self.request.len().saturating_sub(self.sent.max(self.body_at))
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

/// Out.
impl Proxy {
    /// Sends what waits for a connection, as far as there are any.
    pub(super) fn dispatch_exchanges(&mut self, now: Instant) {
        while let Some(link) = self.posting.pop() {
            while let Some(exchange) = self.next_exchange(link) {
                self.dispatch(link, exchange, now);
            }
        }
    }

    /// The next exchange that a connection can be had for.
    fn next_exchange(&mut self, link: LinkId) -> Option<Exchange> {
        let remote = self.remote_mut(link)?;
        let has_room = !remote.idle.is_empty() || remote.outbounds.len() < limits::LINK_CONNS_MAX;
        if has_room { remote.queue.pop_front() } else { None }
    }

    fn dispatch(&mut self, link: LinkId, mut exchange: Exchange, now: Instant) {
        let free = self.remote_mut(link).and_then(|remote| remote.idle.pop());
        let id = free.unwrap_or_else(|| self.connect(link));
        let is_short = exchange.is_short();
        let body = std::mem::take(&mut exchange.body);
        if let Err(cause) = self.write_request(id, link, &exchange, &body) {
            self.remove_outbound(id, true);
            self.on_exchange_lost(link, exchange, Loss { cause, was_sent: false }, now);
            return;
        }
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        let task = Task { exchange, reception: Reception::AwaitingHead };
        outbound.timer.disarm();
        if is_short {
            self.deadlines.arm(&mut outbound.timer, Due::Outbound(id), now + limits::EXCHANGE_TIME_MAX);
        }
        if free.is_some() {
            outbound.state = OutboundState::Busy(task);
            self.transmit_request(id);
        } else {
            outbound.state = OutboundState::Connecting(task);
            self.outputs.push_back(Output::Connect(id));
        }
    }

    fn connect(&mut self, link: LinkId) -> OutboundId {
        let id = self.outbounds.insert(Outbound {
            link,
            codec: ClientCodec::new(),
            state: OutboundState::Idle,
            incoming: Buf::new(),
            request: Buf::new(),
            body_at: 0,
            sent: 0,
            is_transmitting: false,
            timer: Timer::default(),
        });
        if let Some(remote) = self.remote_mut(link) {
            remote.outbounds.push(id);
        }
        id
    }

    fn write_request(&mut self, id: OutboundId, link: LinkId, exchange: &Exchange, body: &Buf) -> Result<(), String> {
        let no_link = || "the link is gone".to_owned();
        let entry = self.links.get(link).ok_or_else(no_link)?;
        let Transport::Remote(remote) = &entry.transport else { return Err(no_link()) };
        let config = self.servers.get(entry.server).and_then(|server| server.config.target.remote());
        let method = exchange.method();
        let is_post = !body.is_empty();
        let url = remote.url(is_post).ok_or("it has not said where messages are to be sent")?;
        let mut headers = remote_headers(remote, exchange, is_post);
        headers.extend(config.iter().flat_map(|config| &config.headers).map(|(name, value)| (&**name, &**value)));
        let (target, host) = (url.target(), url.authority().to_string());
        let request = Request { method, target: &target, host: &host, headers: &headers };
        let Some(outbound) = self.outbounds.get_mut(id) else { return Err(no_link()) };
        outbound.request.clear();
        let parts: &[&[u8]] = if is_post { &[body.as_slice()] } else { &[] };
        outbound.codec.request(&mut outbound.request, &request, parts).map_err(|error| error.to_string())?;
        outbound.body_at = outbound.request.len() - body.len();
        outbound.sent = 0;
        Ok(())
    }

    pub(super) fn on_connected(&mut self, id: OutboundId) {
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        if let Some(task) = outbound.take_task() {
            outbound.state = OutboundState::Busy(task);
        }
        self.transmit_request(id);
    }

    fn transmit_request(&mut self, id: OutboundId) {
        if let Some(outbound) = self.outbounds.get_mut(id)
            && !outbound.is_transmitting
        {
            outbound.is_transmitting = true;
            self.outputs.push_back(Output::TransmitOutbound(id));
        }
    }

    pub(super) fn on_outbound_sent(&mut self, id: OutboundId, count: usize) {
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        let before = outbound.unsent();
        outbound.sent = (outbound.sent + count).min(outbound.request.len());
        outbound.is_transmitting = outbound.sent < outbound.request.len();
        let (link, less) = (outbound.link, before - outbound.unsent());
        self.on_unqueued(link, less);
    }

    /// So many bytes of messages wait no more.
    pub(super) fn on_unqueued(&mut self, link: LinkId, bytes: usize) {
        if let Some(remote) = self.remote_mut(link) {
            remote.queued_bytes = remote.queued_bytes.saturating_sub(bytes);
        }
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
            Err(fault) => self.lose_outbound(id, &fault.to_string(), true, now),
        }
    }

    pub(super) fn on_outbound_broken(&mut self, id: OutboundId, error: &str, now: Instant) {
        self.lose_outbound(id, error, false, now);
    }

    pub(super) fn on_connect_failed(&mut self, id: OutboundId, error: &str, now: Instant) {
        self.lose_outbound(id, error, false, now);
    }

    /// The response is complete: the connection is free for the next request, if it can be used again.
    pub(super) fn on_response_complete(&mut self, id: OutboundId, now: Instant) {
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        let (link, is_sent) = (outbound.link, outbound.sent == outbound.request.len());
        let Some(mut task) = outbound.take_task() else { return };
        if matches!(task.reception, Reception::Refusal(_)) {
            task.exchange.body = outbound.body(); // it may have to be sent again
        }
        if outbound.codec.is_reusable() && is_sent {
            outbound.request.clear();
            outbound.request.release();
            self.deadlines.arm(&mut outbound.timer, Due::Outbound(id), now + limits::OUTBOUND_IDLE_TIME);
            if let Some(remote) = self.remote_mut(link) {
                remote.idle.push(id);
            }
            self.posting.push(link);
        } else {
            self.remove_outbound(id, true);
        }
        self.on_exchange_done(link, task, now);
    }

    /// Time is up: a free connection goes, a busy one is given up.
    pub(super) fn on_outbound_timeout(&mut self, id: OutboundId, now: Instant) {
        self.lose_outbound(id, "it did not answer in time", true, now);
    }

    /// The connection is of no use any more. `is_open`: the shell still has it.
    pub(super) fn lose_outbound(&mut self, id: OutboundId, cause: &str, is_open: bool, now: Instant) {
        let Some(mut outbound) = self.remove_outbound(id, is_open) else { return };
        let loss = Loss { cause: cause.to_owned(), was_sent: outbound.sent > 0 };
        let body = outbound.body();
        let Some(mut task) = outbound.take_task() else { return };
        match task.reception {
            // What came of a stream counts; it may be resumed.
            Reception::Events(_) => self.on_stream_ended(outbound.link, task, cause, now),
            Reception::AwaitingHead | Reception::Message(_) | Reception::Ignored | Reception::Refusal(_) => {
                task.exchange.body = body;
                self.on_exchange_lost(outbound.link, task.exchange, loss, now);
            }
        }
    }

    /// Forgets a connection, and closes it if the shell still has it.
    pub(super) fn remove_outbound(&mut self, id: OutboundId, is_open: bool) -> Option<Outbound> {
        let outbound = self.outbounds.remove(id)?;
        self.on_unqueued(outbound.link, outbound.unsent());
        if let Some(remote) = self.remote_mut(outbound.link) {
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

    fn note_heard(&mut self, id: OutboundId, now: Instant) {
        let link = self.outbounds.get(id).map(|outbound| outbound.link);
        if let Some(remote) = link.and_then(|link| self.remote_mut(link)) {
            remote.heard = now;
        }
    }
}

/// The headers that are ours to send (2025-11-25, transports).
fn remote_headers<'a>(remote: &'a RemoteLink, exchange: &'a Exchange, is_post: bool) -> Vec<(&'static str, &'a str)> {
    let mut headers = Vec::with_capacity(8);
    match (is_post, remote.is_sse()) {
        (true, true) => headers.push(("Content-Type", "application/json")),
        (true, false) => {
            headers.push(("Content-Type", "application/json"));
            headers.push(("Accept", "application/json, text/event-stream"));
        }
        (false, _) => headers.push(("Accept", "text/event-stream")),
    }
    headers.extend(remote.session.as_deref().map(|session| ("Mcp-Session-Id", session)));
    headers.extend(remote.version_header().map(|version| ("MCP-Protocol-Version", version)));
    headers.extend(exchange.resume.as_ref().map(|resume| ("Last-Event-ID", &*resume.last_event_id)));
    headers
}
