//! Exchanges with remote upstreams: how they end, and what is done when one is refused or lost.

use std::time::Instant;

use super::outbounds::{Loss, OutboundState, Task};
use super::{Level, Proxy};
use crate::base::buf::Buf;
use crate::base::id::{LinkId, OutboundId};
use crate::base::sequence::CallId;
use crate::limits;
use crate::mcp::trouble::Trouble;
use crate::upstream::changes::Over;
use crate::upstream::exchange::{Exchange, Purpose, Resume};
use crate::upstream::handshake::OwnRequest;
use crate::upstream::reception::Reception;
use crate::upstream::refusal::HttpRefusal;
use crate::upstream::remote::resume_after;

/// A response has ended.
impl Proxy {
    /// In order, and the connection is free again.
    pub(super) fn on_exchange_done(&mut self, link: LinkId, task: Task, now: Instant) {
        match task.reception {
            Reception::Events(_) => self.on_stream_ended(link, task, "the stream ended", now),
            Reception::Refusal(refusal) => self.on_request_refused(link, task.exchange, &refusal, now),
            Reception::AwaitingHead | Reception::Message(_) | Reception::Ignored => {
                self.on_request_taken(link, &task.exchange, now);
            }
        }
    }

    /// The upstream has taken the request. If a reply was due in the response, it has come by now.
    fn on_request_taken(&mut self, link: LinkId, exchange: &Exchange, now: Instant) {
        let is_sse = self.remote_mut(link).is_some_and(|remote| remote.is_sse());
        match exchange.purpose {
            Purpose::Initialized => self.on_confirmed(link, now),
            Purpose::Farewell => self.on_left(link, now),
            Purpose::Call(call) if !is_sse => self.fail_unanswered(link, call, "its answer was no reply", now),
            Purpose::Own(request) if !is_sse && !exchange.is_answered => self.on_own_unanswered(link, request, now),
            Purpose::Call(_) | Purpose::Own(_) | Purpose::OneWay => {}
            Purpose::Listen => self.on_no_stream(link, exchange.resume.as_ref(), now),
            Purpose::Changes(number) => self.on_changes_over(link, number, Over::Lost, now),
        }
    }

    /// A stream is over, in order or not. It goes on elsewhere if it can and something is still due.
    pub(super) fn on_stream_ended(&mut self, link: LinkId, task: Task, cause: &str, now: Instant) {
        let Reception::Events(decoder) = task.reception else { return };
        let exchange = task.exchange;
        let failures = exchange.resume.as_ref().map_or(0, |resume| resume.failures);
        let old_id = exchange.resume.as_ref().map(|resume| resume.last_event_id.as_bytes());
        let last_id = Some(decoder.last_id()).filter(|id| !id.is_empty()).or(old_id).unwrap_or_default();
        // Modern streams cannot be resumed, whatever their events are called.
        let resume = resume_after(last_id, failures + 1).filter(|_| !self.is_modern_link(link));
        match exchange.purpose {
            Purpose::Listen => self.on_listening_ended(link, resume, decoder.retry(), cause, now),
            Purpose::Call(call) => {
                let is_due = self.is_call_due(link, call);
                let goes_on = is_due
                    && (self.go_on_later(link, exchange.purpose, resume, decoder.retry(), now)
                        || self.repeat_call(link, &exchange, now));
                if !goes_on {
                    self.fail_unanswered(link, call, cause, now);
                }
            }
            Purpose::Own(request) if !exchange.is_answered => {
                if !self.go_on_later(link, exchange.purpose, resume, decoder.retry(), now) {
                    self.on_own_unanswered(link, request, now);
                }
            }
            Purpose::Changes(number) => self.on_changes_over(link, number, Over::Lost, now),
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => {}
        }
    }

    /// Goes on with a stream later, unless that was tried in vain too often or cannot be. Says which.
    fn go_on_later(
        &mut self,
        link: LinkId,
        purpose: Purpose,
        resume: Option<Resume>,
        retry: Option<u64>,
        now: Instant,
    ) -> bool {
        let resume = resume.filter(|resume| resume.failures <= limits::RESUME_FAILURES_MAX);
        let is_possible = resume.is_some();
        if is_possible {
            self.post_later(link, Exchange::bare(purpose, resume), retry, now);
        }
        is_possible
    }

    pub(super) fn is_call_due(&self, link: LinkId, call: CallId) -> bool {
        let server = self.links.get(link).map(|link| link.server);
        server.is_some_and(|server| self.calls.get(call).is_some_and(|call| call.is_in_flight(server)))
    }

    /// The response is over, and the reply was not in it.
    fn fail_unanswered(&mut self, link: LinkId, call: CallId, cause: &str, now: Instant) {
        if self.is_call_due(link, call) {
            self.fail_call(call, &Trouble::Disconnected { cause: cause.to_owned() }, now);
        }
    }

    fn on_own_unanswered(&mut self, link: LinkId, request: OwnRequest, now: Instant) {
        let Some(entry) = self.links.get(link) else { return };
        let server = entry.server;
        match request {
            OwnRequest::Discover if !entry.is_introduced() => self.on_discover_unanswered(link, now),
            OwnRequest::Initialize if !entry.is_introduced() => self.on_initialize_unanswered(link, now),
            OwnRequest::ListTools => {
                if let Some(server) = self.servers.get_mut(server) {
                    server.catalogue.on_refused();
                }
                self.on_tools_known(server, now);
            }
            OwnRequest::Discover => self.on_era_unclear(link, now),
            OwnRequest::Initialize | OwnRequest::SetLevel | OwnRequest::Subscription | OwnRequest::Ping => {}
        }
    }
}

/// A request came to nothing.
impl Proxy {
    /// The upstream answered with an HTTP error.
    fn on_request_refused(&mut self, link: LinkId, exchange: Exchange, refusal: &HttpRefusal, now: Instant) {
        let has_session = self.remote_mut(link).is_some_and(|remote| remote.has_session());
        let cause = refusal.describe();
        let is_opening =
            matches!(exchange.purpose, Purpose::Own(OwnRequest::Discover) | Purpose::Own(OwnRequest::Initialize));
        let may_tell = !is_opening && !matches!(exchange.purpose, Purpose::Listen | Purpose::Farewell);
        if has_session && may_tell && refusal.is_about_session() {
            return self.on_session_lost(link, exchange, now);
        }
        if self.hold_call(link, &exchange, refusal) {
            return;
        }
        match exchange.purpose {
            Purpose::Call(call) => {
                // It may be a reply, only with a status that says the same.
                if serde_json::from_slice::<serde::de::IgnoredAny>(&refusal.text).is_ok() {
                    self.on_upstream_text(link, &refusal.text, exchange.carrier(), now);
                }
                if self.is_call_due(link, call) {
                    self.fail_call(call, &Trouble::Refused { cause }, now);
                }
            }
            Purpose::Own(OwnRequest::Discover) => self.on_discover_refused(link, refusal, now),
            Purpose::Own(OwnRequest::Initialize) => self.on_initialize_refused(link, refusal, now),
            Purpose::Own(OwnRequest::Ping) => {} // it lives
            Purpose::Own(request) => {
                self.warn_of(link, &format!("It refused a request of the proxy: {cause}"));
                self.on_own_unanswered(link, request, now);
            }
            Purpose::OneWay => self.warn_of(link, &format!("It refused a message: {cause}")),
            Purpose::Initialized => {
                self.warn_of(link, &format!("It refused notifications/initialized: {cause}"));
                self.on_confirmed(link, now);
            }
            Purpose::Listen => self.on_listening_refused(link, exchange.resume, refusal, now),
            Purpose::Changes(number) => self.on_listen_refused(link, number, refusal, now),
            Purpose::Farewell => self.on_left(link, now),
        }
    }

    /// The request was lost with its connection, or could not be sent at all.
    pub(super) fn on_exchange_lost(&mut self, link: LinkId, exchange: Exchange, loss: Loss, now: Instant) {
        let Loss { cause, was_sent } = loss;
        if was_sent && self.repeat_call(link, &exchange, now) {
            return;
        }
        match exchange.purpose {
            Purpose::Call(call) if was_sent || exchange.resume.is_some() => {
                self.on_call_lost(link, call, exchange, &cause, now);
            }
            // One connection that cannot be made says little about those that can.
            Purpose::Call(call) if self.is_link_busy(link) => {
                if self.is_call_due(link, call) {
                    self.fail_call(call, &Trouble::Unreachable { cause }, now);
                }
            }
            Purpose::Call(call) => {
                self.return_call(call, exchange.body, &Trouble::Unreachable { cause: cause.clone() }, now);
                self.on_conversation_over(link, &cause, now);
            }
            Purpose::Own(OwnRequest::Discover | OwnRequest::Initialize | OwnRequest::Ping) | Purpose::Initialized => {
                self.on_conversation_over(link, &cause, now);
            }
            Purpose::Own(request) => {
                self.warn_of(link, &format!("A request of the proxy was lost: {cause}"));
                self.on_own_unanswered(link, request, now);
            }
            Purpose::OneWay => self.warn_of(link, &format!("A message was lost: {cause}")),
            Purpose::Listen => self.on_listening_ended(link, exchange.resume, None, &cause, now),
            Purpose::Changes(number) => self.on_changes_over(link, number, Over::Lost, now),
            Purpose::Farewell => self.on_left(link, now),
        }
    }

    /// The upstream may have seen the call: it is never sent again. A stream that was to be resumed may be tried again.
    fn on_call_lost(&mut self, link: LinkId, call: CallId, exchange: Exchange, cause: &str, now: Instant) {
        let resume = exchange.resume.map(|resume| Resume { failures: resume.failures + 1, ..resume });
        if !self.is_call_due(link, call) || !self.go_on_later(link, exchange.purpose, resume, None, now) {
            self.fail_unanswered(link, call, cause, now);
        }
    }

    /// Whether any connection of the link is in use.
    fn is_link_busy(&mut self, link: LinkId) -> bool {
        let outbounds = self.remote_mut(link).map(|remote| remote.outbounds.clone()).unwrap_or_default();
        let is_busy = |id| self.outbounds.get(id).is_some_and(|it| matches!(it.state, OutboundState::Busy(_)));
        outbounds.into_iter().any(is_busy)
    }

    /// A call that the upstream has never seen, or refused unseen, waits for the next link; once, lest it is sent for
    /// ever.
    pub(super) fn return_call(&mut self, call: CallId, line: Buf, trouble: &Trouble, now: Instant) {
        match self.calls.get_mut(call) {
            Some(entry) if !entry.was_returned && !line.is_empty() => {
                entry.was_returned = true;
                self.wait_for_server(call, line, now);
            }
            Some(_) => self.fail_call(call, trouble, now),
            None => {}
        }
    }

    /// The link is about to go: the calls that were never sent wait for the next one.
    pub(super) fn return_unsent(&mut self, link: LinkId, trouble: &Trouble, now: Instant) {
        let Some(remote) = self.remote_mut(link) else { return };
        let waiting: Vec<Exchange> = remote.outbox.take_calls().collect();
        let carrying: Vec<OutboundId> = remote.carrying.values().copied().collect();
        let unsent = carrying.into_iter().filter_map(|id| {
            let outbound = self.outbounds.get_mut(id).filter(|outbound| outbound.sent == 0)?;
            let body = outbound.body();
            outbound.take_task().map(|task| Exchange { body, ..task.exchange })
        });
        let all: Vec<Exchange> = unsent.chain(waiting).collect();
        for exchange in all {
            if let (Purpose::Call(call), None) = (exchange.purpose, exchange.resume) {
                self.return_call(call, exchange.body, trouble, now);
            }
        }
    }

    pub(super) fn warn_of(&mut self, link: LinkId, message: &str) {
        let server = self.links.get(link).map(|link| link.server);
        self.log(Level::Warn, server, message.to_owned());
    }
}
