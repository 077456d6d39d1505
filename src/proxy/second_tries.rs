//! Calls of modern upstreams over HTTP that are sent twice, and those that are given up.
//!
//! - What was lost on its way and does no harm is sent again: lists, reads, completions; never a tool's call.
//! - One whose head said something else than its body (-32020) is sent again when the tools were read anew: their
//!   schemas say what stands in it.
//! - One that was refused because the upstream speaks another revision now (-32022, or whatever a legacy one says of a
//!   session) is sent again when it is known which.
//!
//! Each once, and with a number of its own.

use std::time::Instant;

use super::Proxy;
use super::links::Transport;
use crate::base::buf::Buf;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::envelope::Outcome;
use crate::mcp::introduction::Introduction;
use crate::mcp::method::McpMethod;
use crate::mcp::trouble::Trouble;
use crate::upstream::exchange::{Exchange, Purpose};
use crate::upstream::handshake::{self, OwnRequest};
use crate::upstream::held::{Awaited, Held};
use crate::upstream::refusal::HttpRefusal;

/// What was lost.
impl Proxy {
    /// Whether a call may be sent again although its upstream may have seen it.
    pub(super) fn is_repeatable(&self, link: LinkId, exchange: &Exchange) -> bool {
        let Purpose::Call(id) = exchange.purpose else { return false };
        let is_new = self.calls.get(id).is_some_and(|call| !call.was_returned && call.method.is_harmless());
        is_new && self.is_call_due(link, id) && self.is_modern_link(link)
    }

    /// The answer to a call was lost. Says whether it is sent again.
    pub(super) fn repeat_call(&mut self, link: LinkId, exchange: &Exchange, now: Instant) -> bool {
        let (Purpose::Call(id), true) = (exchange.purpose, self.is_repeatable(link, exchange)) else { return false };
        if exchange.body.is_empty() {
            return false;
        }
        self.send_again(link, id, &exchange.body, now);
        true
    }

    /// A call gets another number, since nobody may use one twice, and goes out.
    fn send_again(&mut self, link: LinkId, id: CallId, body: &Buf, now: Instant) {
        let Some(id) = self.renumber_call(id) else { return };
        if let Some(call) = self.calls.get_mut(id) {
            call.was_returned = true;
        }
        self.begin_waiting_call(link, id, body.as_slice(), now);
    }

    /// A call under another number.
    pub(super) fn renumber_call(&mut self, old: CallId) -> Option<CallId> {
        let call = self.calls.remove(old)?;
        let session = call.session;
        let new = self.calls.insert(call);
        if let Some(session) = session.and_then(|session| self.sessions.get_mut(session)) {
            session.calls.iter_mut().filter(|call| **call == old).for_each(|call| *call = new);
        }
        for (_, ask) in self.asks.iter_mut().filter(|(_, ask)| ask.call == Some(old)) {
            ask.call = Some(new);
        }
        Some(new)
    }
}

/// What was refused.
impl Proxy {
    /// A call was refused for a reason that may pass. Says whether it is kept until then.
    pub(super) fn hold_call(&mut self, link: LinkId, exchange: &Exchange, refusal: &HttpRefusal) -> bool {
        let Purpose::Call(id) = exchange.purpose else { return false };
        let is_due = self.is_modern_link(link) && self.is_call_due(link, id) && !exchange.body.is_empty();
        let Some(call) = self.calls.get_mut(id).filter(|call| is_due && !call.was_returned) else { return false };
        let Some(awaited) = Awaited::of(refusal, call.method == McpMethod::CallTool) else { return false };
        call.was_returned = true;
        let mut body = Buf::new();
        body.push(exchange.body.as_slice());
        let held = Held { call: id, body, awaited, cause: refusal.describe() };
        let Some(server) = self.links.get(link).map(|link| link.server) else { return false };
        if let Some(remote) = self.remote_mut(link) {
            remote.held.push(held);
        }
        match awaited {
            Awaited::Tools => self.read_catalogue(server),
            Awaited::Era => self.send_own(link, OwnRequest::Discover, &handshake::discover()),
        }
        true
    }

    /// What a call was kept for has come to be known.
    pub(super) fn release_held(&mut self, link: LinkId, awaited: Awaited, now: Instant) {
        for held in self.take_held(link, awaited) {
            if self.is_call_due(link, held.call) {
                self.send_again(link, held.call, &held.body, now);
            }
        }
    }

    /// The list of tools was read, or cannot be.
    pub(super) fn on_tools_known(&mut self, server: ServerId, now: Instant) {
        if let Some(link) = self.ready_link(server) {
            self.release_held(link, Awaited::Tools, now);
        }
    }

    fn take_held(&mut self, link: LinkId, awaited: Awaited) -> Vec<Held> {
        let held = self.remote_mut(link).map(|remote| std::mem::take(&mut remote.held)).unwrap_or_default();
        let (meant, others) = held.into_iter().partition(|held| held.awaited == awaited);
        if let Some(remote) = self.remote_mut(link) {
            remote.held = others;
        }
        meant
    }

    /// A modern upstream has said again who it is. Whether it answers at all is all that is asked of one that is idle.
    pub(super) fn on_discovered_again(
        &mut self,
        link: LinkId,
        server: ServerId,
        outcome: &Outcome<'_>,
        label: &str,
        now: Instant,
    ) {
        let introduction = match outcome {
            Outcome::Result(result) => Introduction::from_discover(result, label).ok(),
            Outcome::Error(_) => None,
        };
        match (introduction, self.servers.get_mut(server)) {
            (Some(introduction), Some(entry)) => {
                entry.introduction = Some(introduction);
                self.release_held(link, Awaited::Era, now);
            }
            (_, _) => self.on_era_over(link, now),
        }
    }

    /// It does not know what it did before. If nobody noticed, that may be an accident; else the calls that were
    /// refused wait for the next link, which finds out what it speaks now.
    pub(super) fn on_era_over(&mut self, link: LinkId, now: Instant) {
        let held = self.take_held(link, Awaited::Era);
        if held.is_empty() {
            return;
        }
        for held in held.into_iter().filter(|held| self.is_call_due(link, held.call)).collect::<Vec<_>>() {
            self.wait_for_server(held.call, held.body, now);
        }
        self.on_conversation_over(link, "it does not speak 2026-07-28 any more", now);
    }

    /// It would not say what it speaks.
    pub(super) fn on_era_unclear(&mut self, link: LinkId, now: Instant) {
        for held in self.take_held(link, Awaited::Era) {
            if self.is_call_due(link, held.call) {
                self.fail_call(held.call, &Trouble::Refused { cause: held.cause }, now);
            }
        }
    }
}

/// What is given up.
impl Proxy {
    /// A modern upstream learns over HTTP that a call is cancelled by the end of its connection. Says whether this is
    /// one.
    pub(super) fn hang_up(&mut self, link: LinkId, call: CallId) -> bool {
        let Some(entry) = self.links.get(link).filter(|link| link.is_modern()) else { return false };
        let Transport::Remote(remote) = &entry.transport else { return false };
        if let Some(id) = remote.carrying.get(&call).copied() {
            self.remove_outbound(id, true);
        }
        true
    }
}
