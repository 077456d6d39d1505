//! Requests on their way to remote upstreams: which goes out next, on which connection, and how it is written.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::links::Transport;
use super::outbounds::{Loss, Outbound, OutboundState, Task};
use super::{Due, Output, Proxy};
use crate::base::buf::Buf;
use crate::base::id::{LinkId, OutboundId};
use crate::codec::http::Request;
use crate::codec::http::client::{PreparedRequest, RequestError};
use crate::limits;
use crate::upstream::exchange::{Exchange, Purpose};
use crate::upstream::handshake::OwnRequest;
use crate::upstream::reception::Reception;
use crate::upstream::remote::RemoteLink;

impl Proxy {
    /// Sends what waits for a connection, as far as there are any.
    pub(super) fn dispatch_exchanges(&mut self, now: Instant) {
        while let Some(link) = self.posting.pop() {
            self.check_forgotten(link, now);
            while let Some(exchange) = self.remote_mut(link).and_then(RemoteLink::next_exchange) {
                self.dispatch(link, exchange, now);
            }
        }
    }

    fn dispatch(&mut self, link: LinkId, mut exchange: Exchange, now: Instant) {
        let free = self.remote_mut(link).and_then(|remote| remote.idle.pop());
        let id = free.unwrap_or_else(|| self.connect(link));
        if let Err(cause) = self.write_request(id, link, &exchange) {
            self.on_unqueued(link, exchange.body.len());
            self.remove_outbound(id, free.is_some()); // a new one was not asked for yet
            self.on_exchange_lost(link, exchange, Loss { cause, was_sent: false }, now);
            return;
        }
        exchange.body = Buf::new();
        if let Some(remote) = self.remote_mut(link) {
            remote.on_dispatched(&exchange, id);
        }
        let patience = self.patience_with(link, &exchange);
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        outbound.timer.disarm();
        if let Some(patience) = patience {
            self.deadlines.arm(&mut outbound.timer, Due::Outbound(id), now + patience);
        }
        let task = Task { exchange, reception: Reception::AwaitingHead };
        if free.is_some() {
            outbound.state = OutboundState::Busy(task);
            self.transmit_request(id);
        } else {
            outbound.state = OutboundState::Connecting(task);
            self.outputs.push_back(Output::Connect(id));
        }
    }

    /// How long its response may take; `None` for calls, which have their own patience.
    fn patience_with(&self, link: LinkId, exchange: &Exchange) -> Option<Duration> {
        let server = self.links.get(link).and_then(|link| self.servers.get(link.server));
        match (exchange.purpose, server) {
            (Purpose::Call(_), _) => None,
            (Purpose::Own(OwnRequest::Discover), _) if self.is_probing(link) => Some(limits::PROBE_TIME_MAX),
            (Purpose::Own(OwnRequest::Discover | OwnRequest::Initialize), Some(server)) => {
                Some(limits::EXCHANGE_TIME_MAX.max(server.config.startup_time))
            }
            (_, _) => Some(limits::EXCHANGE_TIME_MAX),
        }
    }

    fn connect(&mut self, link: LinkId) -> OutboundId {
        let id = self.outbounds.insert(Outbound::new(link));
        if let Some(remote) = self.remote_mut(link) {
            remote.outbounds.push(id);
        }
        id
    }

    fn write_request(&mut self, id: OutboundId, link: LinkId, exchange: &Exchange) -> Result<(), String> {
        let Some(outbound) = self.outbounds.get_mut(id) else { return Err(no_link()) };
        outbound.request.clear();
        outbound.sent = 0;
        let is_usual = !exchange.body.is_empty() && exchange.place.is_none() && exchange.resume.is_none();
        if is_usual { self.write_post(id, link, exchange) } else { self.write_other_request(id, link, exchange) }
    }

    fn write_post(&mut self, id: OutboundId, link: LinkId, exchange: &Exchange) -> Result<(), String> {
        let head = self.post_head(link, exchange)?;
        let Some(outbound) = self.outbounds.get_mut(id) else { return Err(no_link()) };
        let body = exchange.body.as_slice();
        let own: Vec<(&str, &str)> = exchange.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        let written = outbound.codec.request_prepared(&mut outbound.request, &head, &own, &[body]);
        outbound.body_at = outbound.request.len().saturating_sub(body.len());
        written.map_err(|error| error.to_string())
    }

    /// The head that all POSTs of a conversation have in common: it is written once.
    fn post_head(&mut self, link: LinkId, exchange: &Exchange) -> Result<Rc<PreparedRequest>, String> {
        if let Some(head) = self.remote_mut(link).and_then(|remote| remote.post_head()) {
            return Ok(Rc::clone(head));
        }
        let head = Rc::new(self.with_request(link, exchange, PreparedRequest::new)?);
        if let Some(remote) = self.remote_mut(link) {
            remote.set_post_head(Rc::clone(&head));
        }
        Ok(head)
    }

    /// GET, DELETE, and POSTs to another place.
    fn write_other_request(&mut self, id: OutboundId, link: LinkId, exchange: &Exchange) -> Result<(), String> {
        let Some(outbound) = self.outbounds.get_mut(id) else { return Err(no_link()) };
        let (mut codec, mut out) = (std::mem::take(&mut outbound.codec), std::mem::take(&mut outbound.request));
        let body = &exchange.body;
        let parts: &[&[u8]] = if body.is_empty() { &[] } else { &[body.as_slice()] };
        let written = self.with_request(link, exchange, |request| codec.request(&mut out, request, parts));
        let Some(outbound) = self.outbounds.get_mut(id) else { return Err(no_link()) };
        (outbound.codec, outbound.request) = (codec, out);
        outbound.body_at = outbound.request.len() - if written.is_ok() { body.len() } else { 0 };
        written
    }

    /// Does something with what an exchange has to say in its head.
    fn with_request<T>(
        &self,
        link: LinkId,
        exchange: &Exchange,
        work: impl FnOnce(&Request<'_>) -> Result<T, RequestError>,
    ) -> Result<T, String> {
        let entry = self.links.get(link).ok_or_else(no_link)?;
        let Transport::Remote(remote) = &entry.transport else { return Err(no_link()) };
        let config = self.servers.get(entry.server).and_then(|server| server.config.target.remote());
        let is_post = !exchange.body.is_empty();
        let url = exchange.place.as_ref().or_else(|| remote.url(is_post));
        let url = url.ok_or("it has not said where messages are to be sent")?;
        let mut headers = remote_headers(remote, exchange, is_post);
        headers.extend(config.iter().flat_map(|config| &config.headers).map(|(name, value)| (&**name, &**value)));
        let (target, host) = (url.target(), url.authority().to_string());
        let request = Request { method: exchange.method(), target: &target, host: &host, headers: &headers };
        work(&request).map_err(|error| error.to_string())
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

fn no_link() -> String {
    "the link is gone".to_owned()
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
    headers.extend(remote.session().map(|session| ("Mcp-Session-Id", session)));
    headers.extend(remote.version_header().map(|version| ("MCP-Protocol-Version", version)));
    headers.extend(exchange.resume.as_ref().map(|resume| ("Last-Event-ID", &*resume.last_event_id)));
    headers
}
