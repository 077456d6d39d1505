//! Conversations with remote upstreams: how they open, stay alive and end.

use std::time::Instant;

use super::links::Transport;
use super::outbounds::Task;
use super::{Due, Level, Proxy};
use crate::base::buf::Buf;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::codec::http::client::ResponseHead;
use crate::limits;
use crate::mcp::trouble::Trouble;
use crate::upstream::exchange::{Exchange, Headers, Purpose, Resume};
use crate::upstream::handshake::{self, OwnRequest};
use crate::upstream::reception::Reception;
use crate::upstream::refusal::HttpRefusal;
use crate::upstream::remote::{Opening, Pulse, RemoteLink};

/// Opening.
impl Proxy {
    /// The first request of a conversation.
    pub(super) fn start_conversation(&mut self, link: LinkId, now: Instant) {
        let Some(entry) = self.links.get(link) else { return };
        let server = entry.server;
        let Transport::Remote(remote) = &entry.transport else { return };
        let verb = if self.is_restarted(server) { "Connecting again" } else { "Connecting" };
        // No more than the origin: paths and queries may be secrets.
        let place = remote.url(false).map(|url| url.origin().to_string()).unwrap_or_default();
        let is_sse = remote.is_sse();
        let wire = if is_sse { "SSE" } else { "streamable HTTP" };
        self.log(Level::Info, Some(server), format!("{verb}: {place} ({wire})"));
        if is_sse {
            self.push_exchange(link, Exchange::bare(Purpose::Listen, None));
        } else {
            self.begin_greeting(link, now);
        }
    }

    /// What `initialize` brings beside its result.
    pub(super) fn learn_session(&mut self, link: LinkId, head: &ResponseHead<'_, '_>) {
        let session = head.unique("mcp-session-id").ok().flatten().map(str::to_owned);
        if let Some(remote) = self.remote_mut(link) {
            remote.set_session(session);
            remote.on_recognised();
        }
    }

    /// An SSE upstream has said where to POST.
    pub(super) fn on_endpoint_event(&mut self, link: LinkId, data: &[u8], now: Instant) {
        let Some(remote) = self.remote_mut(link) else { return };
        if !remote.is_sse() || remote.url(true).is_some() {
            return;
        }
        match remote.on_endpoint(&String::from_utf8_lossy(data)) {
            Ok(()) => self.begin_initialize(link, now),
            Err(cause) => self.on_conversation_over(link, &cause, now),
        }
    }

    /// `notifications/initialized` was taken: calls may flow.
    pub(super) fn on_confirmed(&mut self, link: LinkId, now: Instant) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let server = entry.server;
        let Transport::Remote(remote) = &mut entry.transport else { return };
        let Opening::Confirming { is_first } = remote.opening else { return };
        remote.opening = Opening::Open;
        if !remote.is_sse() {
            self.push_exchange(link, Exchange::bare(Purpose::Listen, None));
        }
        self.arm_link(link);
        self.on_ready(server, is_first, now);
    }
}

/// The stream of what belongs to no request.
impl Proxy {
    /// An SSE upstream says everything on it: without it there is no conversation. Another one's is opened again.
    pub(super) fn on_listening_ended(
        &mut self,
        link: LinkId,
        resume: Option<Resume>,
        retry: Option<u64>,
        cause: &str,
        now: Instant,
    ) {
        let Some(remote) = self.remote_mut(link) else { return };
        if remote.is_sse() {
            return self.on_conversation_over(link, cause, now);
        }
        self.post_later(link, Exchange::bare(Purpose::Listen, resume), retry, now);
    }

    pub(super) fn on_listening_refused(
        &mut self,
        link: LinkId,
        resume: Option<Resume>,
        refusal: &HttpRefusal,
        now: Instant,
    ) {
        let Some(remote) = self.remote_mut(link) else { return };
        let (is_sse, has_session) = (remote.is_sse(), remote.session().is_some());
        let cause = format!("it answered GET with {}", refusal.describe());
        if is_sse {
            return self.on_conversation_over(link, &cause, now);
        }
        if refusal.is_for_now() {
            // It may be the event that it stumbles over.
            let resume = resume.map(|resume| Resume { failures: resume.failures + 1, ..resume });
            let resume = resume.filter(|resume| resume.failures <= limits::RESUME_FAILURES_MAX);
            return self.post_later(link, Exchange::bare(Purpose::Listen, resume), None, now);
        }
        // A server without GET says 404 as well as one that has forgotten the session: another request tells.
        if has_session && refusal.is_about_session() {
            self.send_own(link, OwnRequest::Ping, &handshake::ping());
        }
        if !refusal.is_about_transport() {
            self.warn_of(link, &format!("What belongs to no call will not be heard: {cause}"));
        }
        self.on_no_stream(link, resume.as_ref(), now);
    }

    /// Whether the stream of what belongs to no request is about to open: what happens before is not heard.
    pub(super) fn is_stream_opening(&self, server: ServerId) -> bool {
        let link = self.ready_link(server).and_then(|link| self.links.get(link));
        let Some(Transport::Remote(remote)) = link.map(|link| &link.transport) else { return false };
        let tasks = remote.outbounds.iter().filter_map(|id| self.outbounds.get(*id)?.task());
        let is_opening =
            |task: &Task| task.exchange.purpose == Purpose::Listen && matches!(task.reception, Reception::AwaitingHead);
        tasks.into_iter().any(is_opening)
    }

    /// It offers no stream, which it need not; or none that goes on after that event.
    pub(super) fn on_no_stream(&mut self, link: LinkId, resume: Option<&Resume>, now: Instant) {
        if self.remote_mut(link).is_some_and(|remote| remote.is_sse()) {
            self.on_conversation_over(link, "it sent no stream", now);
        } else if resume.is_some() {
            self.post_later(link, Exchange::bare(Purpose::Listen, None), None, now);
        }
    }
}

/// Sending.
impl Proxy {
    /// A message goes out with the next free connection.
    pub(super) fn post(&mut self, link: LinkId, purpose: Purpose, headers: Headers, body: Buf) {
        if let Some(remote) = self.remote_mut(link) {
            remote.queued_bytes += body.len();
        }
        self.push_exchange(link, Exchange::post(purpose, headers, body));
    }

    fn push_exchange(&mut self, link: LinkId, exchange: Exchange) {
        if let Some(remote) = self.remote_mut(link) {
            remote.outbox.push(exchange);
            self.posting.push(link);
        }
    }

    pub(super) fn post_later(&mut self, link: LinkId, exchange: Exchange, retry: Option<u64>, now: Instant) {
        let Some(remote) = self.remote_mut(link) else { return };
        if remote.opening == Opening::Leaving {
            return;
        }
        let pause = remote.pause_before(&exchange, retry);
        remote.later.push((now + pause, exchange));
        self.arm_link(link);
    }

    /// The call is over, its response may not be: it gets a little time to end in order.
    pub(super) fn abandon_exchange(&mut self, call: CallId, now: Instant) {
        let Some(link) = self.calls.get(call).and_then(|call| self.ready_link(call.server)) else { return };
        let Some(remote) = self.remote_mut(link) else { return };
        if let Some(exchange) = remote.outbox.take_call(call) {
            return self.on_unqueued(link, exchange.body.len());
        }
        let Some(id) = remote.carrying.get(&call).copied() else {
            return remote.later.retain(|(_, exchange)| exchange.purpose != Purpose::Call(call));
        };
        let Some(outbound) = self.outbounds.get_mut(id) else { return };
        if outbound.sent == 0 {
            self.remove_outbound(id, true);
        } else {
            self.deadlines.arm(&mut outbound.timer, Due::Outbound(id), now + limits::ABANDONED_TIME_MAX);
        }
    }

    /// Whether a call has not even begun to go out.
    pub(super) fn is_unsent(&self, link: LinkId, call: CallId) -> bool {
        let Some(Transport::Remote(remote)) = self.links.get(link).map(|link| &link.transport) else { return false };
        let carrier = remote.carrying.get(&call).and_then(|id| self.outbounds.get(*id));
        remote.outbox.has_call(call) || carrier.is_some_and(|outbound| outbound.sent == 0)
    }

    pub(super) fn remote_mut(&mut self, link: LinkId) -> Option<&mut RemoteLink> {
        match &mut self.links.get_mut(link)?.transport {
            Transport::Stdio(_) => None,
            Transport::Remote(remote) => Some(remote),
        }
    }
}

/// Staying alive.
impl Proxy {
    pub(super) fn arm_link(&mut self, link: LinkId) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let Transport::Remote(remote) = &mut entry.transport else { return };
        match remote.next_due() {
            Some(due) => self.deadlines.arm(&mut remote.timer, Due::Link(link), due),
            None => remote.timer.disarm(),
        }
    }

    pub(super) fn on_link_timeout(&mut self, link: LinkId, now: Instant) {
        if !self.is_remote(link) {
            return self.on_greeting_silence(link, now);
        }
        while let Some(exchange) = self.remote_mut(link).and_then(|remote| remote.pop_later(now)) {
            self.push_exchange(link, exchange);
        }
        self.check_forgotten(link, now);
        self.check_pulse(link, now);
        self.arm_link(link);
    }

    /// A link that nobody uses is asked for a sign of life from time to time: half-open connections show no other way.
    fn check_pulse(&mut self, link: LinkId, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let is_used = self.calls.iter().any(|(_, call)| call.is_in_flight(server));
        let Some(remote) = self.remote_mut(link).filter(|remote| remote.opening == Opening::Open) else { return };
        match remote.pulse {
            Pulse::Quiet if remote.heard + limits::PING_INTERVAL > now => {}
            // A server that works may have no time for pings; a call has its own patience.
            Pulse::Quiet if is_used => remote.heard = now,
            Pulse::Quiet => {
                remote.pulse = Pulse::Pinged { at: now };
                self.send_pulse(link);
            }
            Pulse::Pinged { at } if remote.heard >= at || is_used => {
                remote.heard = now;
                remote.pulse = Pulse::Quiet;
            }
            Pulse::Pinged { at } if at + limits::PING_TIME_MAX <= now => {
                let cause = format!("it did not answer a ping within {} s", limits::PING_TIME_MAX.as_secs());
                self.on_conversation_over(link, &cause, now);
            }
            Pulse::Pinged { .. } => {}
        }
    }
}

/// What an upstream that is asked for a sign of life is asked.
impl Proxy {
    fn send_pulse(&mut self, link: LinkId) {
        if self.is_modern_link(link) {
            self.send_own(link, OwnRequest::Discover, &handshake::discover());
        } else {
            self.send_own(link, OwnRequest::Ping, &handshake::ping());
        }
    }
}

const FORGOTTEN: &str = "it has ended the session";

/// Ending.
impl Proxy {
    /// The upstream has forgotten the session: a new one begins. A request that was refused for that reason never ran,
    /// so it is sent again, once.
    pub(super) fn on_session_lost(&mut self, link: LinkId, exchange: Exchange, now: Instant) {
        match exchange.purpose {
            // What was to be resumed has run.
            Purpose::Call(call) if exchange.resume.is_none() => {
                let cause = "it forgets its sessions as soon as they have begun".to_owned();
                self.return_call(call, exchange.body, &Trouble::Refused { cause }, now);
            }
            Purpose::Call(_)
            | Purpose::Own(_)
            | Purpose::Initialized
            | Purpose::OneWay
            | Purpose::Listen
            | Purpose::Changes(_)
            | Purpose::Farewell => {}
        }
        if let Some(remote) = self.remote_mut(link).filter(|remote| remote.opening == Opening::Open) {
            remote.opening = Opening::Forgotten { until: now + limits::FORGOTTEN_TIME_MAX };
            self.arm_link(link);
            self.posting.push(link);
        } else if !self.is_forgotten(link) {
            self.on_conversation_over(link, FORGOTTEN, now);
        }
    }

    fn is_forgotten(&self, link: LinkId) -> bool {
        let transport = self.links.get(link).map(|link| &link.transport);
        matches!(transport, Some(Transport::Remote(remote)) if matches!(remote.opening, Opening::Forgotten { .. }))
    }

    /// Once all that was sent to a forgotten session has been answered somehow, there is nothing left of it.
    pub(super) fn check_forgotten(&mut self, link: LinkId, now: Instant) {
        let Some(Transport::Remote(remote)) = self.links.get(link).map(|link| &link.transport) else { return };
        let Opening::Forgotten { until } = remote.opening else { return };
        let mut carrying = remote.carrying.values().filter_map(|id| self.outbounds.get(*id));
        if until <= now || !carrying.any(|outbound| outbound.sent > 0 && outbound.is_undecided()) {
            self.on_conversation_over(link, FORGOTTEN, now);
        }
    }

    /// The link is of no use any more.
    pub(super) fn on_conversation_over(&mut self, link: LinkId, cause: &str, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let trouble = self.trouble_of(link, cause.to_owned());
        self.on_link_gone(server, link, &trouble, now);
    }

    /// The upstream is not needed any more, at the end of the proxy or of the one session that it was for: its session
    /// is ended in order.
    pub(super) fn leave(&mut self, link: LinkId, now: Instant) {
        let Some(remote) = self.remote_mut(link) else { return };
        remote.opening = Opening::Leaving;
        remote.outbox.clear();
        remote.later.clear();
        let has_session = remote.session().is_some();
        self.close_outbounds(link);
        if has_session {
            self.push_exchange(link, Exchange::bare(Purpose::Farewell, None));
        } else {
            self.on_left(link, now);
        }
    }

    /// The session is ended.
    pub(super) fn on_left(&mut self, link: LinkId, now: Instant) {
        self.on_conversation_over(link, "it is not needed any more", now);
    }
}
