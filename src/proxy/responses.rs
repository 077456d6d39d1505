//! Responses of remote upstreams: what comes in, and where a redirect leads.

use std::rc::Rc;
use std::time::Instant;

use super::Proxy;
use super::outbounds::{Loss, Task};
use crate::base::id::{LinkId, OutboundId};
use crate::base::url::Url;
use crate::codec::http::client::ResponseHead;
use crate::codec::http::{Method, ResponseLength};
use crate::codec::sse::{Decoder, Item};
use crate::limits;
use crate::mcp::attribution::Carrier;
use crate::mcp::trouble::Trouble;
use crate::upstream::exchange::{Exchange, Purpose};
use crate::upstream::handshake::OwnRequest;
use crate::upstream::reception::Reception;
use crate::upstream::remote::RemoteLink;

/// A response comes in.
impl Proxy {
    pub(super) fn on_response_head(&mut self, id: OutboundId, head: &ResponseHead<'_, '_>, now: Instant) {
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        let link = outbound.link;
        let Some(task) = outbound.task() else { return };
        let (purpose, method) = (task.exchange.purpose, task.exchange.method());
        if let Some(place) = redirection(method, head) {
            return self.on_redirect(id, &place, now);
        }
        let is_sse = self.remote_mut(link).is_some_and(|remote| remote.is_sse());
        let reception = match Reception::of(head, purpose, is_sse) {
            Ok(reception) => reception,
            Err(_) if self.is_sent_probe(id) => return self.on_probe_unreadable(id, now),
            Err(cause) => return self.lose_outbound(id, &cause, true, now),
        };
        // The answer to a GET that comes back for the rest does not name the session.
        let is_taken = (200..=299).contains(&head.status) && method == Method::Post;
        if purpose == Purpose::Own(OwnRequest::Initialize) && is_taken && !is_sse {
            self.learn_session(link, head);
        }
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        if matches!(reception, Reception::Events(_)) && outbound.task().is_some_and(|task| task.exchange.may_last()) {
            outbound.timer.disarm();
        }
        if let Some(task) = outbound.task_mut() {
            task.reception = reception;
        }
        if head.body == ResponseLength::None {
            self.on_response_complete(id, now);
        }
    }

    pub(super) fn on_response_data(&mut self, id: OutboundId, bytes: &[u8], is_last: bool, now: Instant) {
        let Some(task) = self.outbounds.get_mut(id).and_then(|outbound| outbound.task_mut()) else { return };
        let held = task.reception.held_bytes();
        if is_step(held, held + bytes.len()) && self.held_bytes() + bytes.len() > limits::UPSTREAM_BYTES_MAX {
            let cause = format!("too much is being received at once (at most {} bytes)", limits::UPSTREAM_BYTES_MAX);
            return self.lose_outbound(id, &cause, true, now);
        }
        let Some(task) = self.outbounds.get_mut(id).and_then(|outbound| outbound.task_mut()) else { return };
        match &mut task.reception {
            Reception::Message(text) if text.len() + bytes.len() > limits::LINE_BYTES_MAX => {
                let cause = format!("its answer has more than {} bytes", limits::LINE_BYTES_MAX);
                return self.lose_outbound(id, &cause, true, now);
            }
            // A body that came in one piece is never copied.
            Reception::Message(text) if text.is_empty() && is_last => return self.on_reply_body(id, bytes, now),
            Reception::Message(text) => {
                text.extend_from_slice(bytes);
                if is_last {
                    let lump = Rc::new(std::mem::take(text));
                    return self.with_lump(&lump, |proxy, bytes| proxy.on_reply_body(id, bytes, now));
                }
            }
            Reception::Events(decoder) => {
                let decoder = std::mem::replace(&mut **decoder, Decoder::new(0));
                self.on_events(id, decoder, bytes, now);
            }
            Reception::Refusal(refusal) => refusal.push(bytes),
            Reception::Ignored | Reception::AwaitingHead => {}
        }
        if is_last {
            self.on_response_complete(id, now);
        }
    }

    /// What is kept of all unfinished messages of remote upstreams.
    fn held_bytes(&self) -> usize {
        self.outbounds.iter().filter_map(|(_, outbound)| outbound.task()).map(|task| task.reception.held_bytes()).sum()
    }

    fn on_reply_body(&mut self, id: OutboundId, text: &[u8], now: Instant) {
        let Some(outbound) = self.outbounds.get(id) else { return };
        let (link, carrier) = (outbound.link, outbound.task().map(|task| task.exchange.carrier()));
        if let Some(carrier) = carrier {
            self.note_answered(id, text);
            self.on_upstream_text(link, text, carrier, now);
        }
        self.on_response_complete(id, now);
    }

    fn note_answered(&mut self, id: OutboundId, text: &[u8]) {
        let Some(task) = self.outbounds.get_mut(id).and_then(|outbound| outbound.task_mut()) else { return };
        if let Purpose::Own(request) = task.exchange.purpose {
            task.exchange.is_answered |= request.is_answered_by(text);
        }
    }

    /// The decoder is taken out while its events are handled: they borrow from it.
    fn on_events(&mut self, id: OutboundId, mut decoder: Decoder, mut bytes: &[u8], now: Instant) {
        let Some(outbound) = self.outbounds.get(id) else { return };
        let (link, carrier) = (outbound.link, outbound.task().map(|task| task.exchange.carrier()));
        let Some(carrier) = carrier else { return };
        let is_silent = bytes.is_empty(); // the end may come alone
        while let Some(item) = decoder.handle(&mut bytes) {
            match item {
                Item::Event(event) if event.name == b"endpoint" => self.on_endpoint_event(link, event.data, now),
                Item::Event(event) if event.data.is_empty() => {} // only an id to resume from
                Item::Event(event) if event.name == b"message" => {
                    self.note_answered(id, event.data);
                    self.on_upstream_text(link, event.data, carrier, now);
                }
                Item::Event(_) => {}
                Item::TooLong => self.on_overlong_message(link),
            }
        }
        let task = self.outbounds.get_mut(id).and_then(|outbound| outbound.task_mut());
        if let Some(Task { exchange, reception: Reception::Events(place) }) = task {
            **place = decoder;
            exchange.resume.iter_mut().filter(|_| !is_silent).for_each(|resume| resume.failures = 0);
        }
        if let Some(remote) = self.remote_mut(link).filter(|_| carrier == Carrier::Shared && !is_silent) {
            remote.on_stream_alive();
        }
    }

    /// It lives elsewhere: the request is sent there, within the origin. What is sent may hold secrets.
    fn on_redirect(&mut self, id: OutboundId, place: &str, now: Instant) {
        let Some(mut outbound) = self.remove_outbound(id, true) else { return };
        let (link, body) = (outbound.link, outbound.body());
        let Some(Task { mut exchange, .. }) = outbound.take_task() else { return };
        let Some(remote) = self.remote_mut(link) else { return };
        let is_post = !body.is_empty();
        match redirected(remote, &exchange, is_post, place) {
            // The GET of a streamable upstream may end at a page for people: messages are not for that.
            Ok(target) if is_post || remote.is_sse() => remote.on_moved(is_post, target),
            Ok(target) => exchange.place = Some(target),
            Err(cause) => return self.on_redirect_refused(link, exchange, cause, now),
        }
        remote.queued_bytes += body.len();
        exchange.redirects += 1;
        exchange.body = body;
        remote.outbox.push_again(exchange);
    }

    fn on_redirect_refused(&mut self, link: LinkId, exchange: Exchange, cause: String, now: Instant) {
        match exchange.purpose {
            Purpose::Call(call) if self.is_call_due(link, call) => {
                self.fail_call(call, &Trouble::Refused { cause }, now);
            }
            Purpose::Call(_) => {}
            Purpose::Own(_)
            | Purpose::Initialized
            | Purpose::OneWay
            | Purpose::Listen
            | Purpose::Changes(_)
            | Purpose::Farewell => {
                self.on_exchange_lost(link, exchange, Loss { cause, was_sent: true }, now);
            }
        }
    }
}

/// Where a redirected request goes. The error says no more than the origin: paths and queries may be secrets.
fn redirected(remote: &RemoteLink, exchange: &Exchange, is_post: bool, place: &str) -> Result<Url, String> {
    let old = exchange.place.as_ref().or_else(|| remote.url(is_post));
    let new = old.and_then(|old| old.resolve(place).ok().map(|new| (old, new)));
    match new {
        None => Err("it redirects to what is no URL".to_owned()),
        Some(_) if exchange.redirects >= limits::REDIRECTS_MAX => Err("it redirects without end".to_owned()),
        Some((old, new)) if new.origin() == old.origin() => Ok(new),
        Some((_, new)) => Err(format!(
            "it redirects to {}, which is not followed: put the right url in the configuration",
            new.origin()
        )),
    }
}

/// Where a response sends a request on to (RFC 9110, 15.4), if requests of that method may follow.
fn redirection(method: Method, head: &ResponseHead<'_, '_>) -> Option<String> {
    let follows = match head.status {
        307 | 308 => true,
        301..=303 => method == Method::Get,
        _ => false,
    };
    let place = head.unique("location").ok().flatten()?;
    follows.then(|| place.to_owned())
}

/// Whether another mebibyte is full, so that it is time to look how much all hold together. Small messages never are.
pub(super) fn is_step(before: usize, after: usize) -> bool {
    before / limits::SMALL_BODY_BYTES != after / limits::SMALL_BODY_BYTES
}
