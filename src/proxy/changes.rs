//! What changes at a modern upstream: one `subscriptions/listen` for each link, for all downstreams of either era.

use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::envelope::{self, Message, Outcome};
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::Patch;
use crate::codec::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND, write};
use crate::limits;
use crate::mcp::call::{Call, CallState};
use crate::mcp::listen_filter::{ListenFilter, Lists};
use crate::mcp::method::McpMethod;
use crate::mcp::tally::CallEnd;
use crate::upstream::changes::{self, Agreement, Over, Step};
use crate::upstream::exchange::Purpose;
use crate::upstream::refusal::HttpRefusal;

/// Wanting.
impl Proxy {
    /// What is wanted of a modern upstream may have changed.
    pub(super) fn update_changes(&mut self, server: ServerId, now: Instant) {
        let Some(link) = self.ready_link(server).filter(|link| self.is_modern_link(*link)) else { return };
        let wanted = self.wanted_changes(server);
        let step = self.links.get_mut(link).and_then(|entry| entry.changes.want(wanted));
        self.on_step(link, step, now);
    }

    fn on_step(&mut self, link: LinkId, step: Option<Step>, now: Instant) {
        match step {
            Some(Step::Begin(number)) => {
                self.send_listen(link, number);
                if let Some(entry) = self.links.get_mut(link) {
                    let due = now + limits::LISTEN_ACKNOWLEDGEMENT_TIME_MAX;
                    self.deadlines.arm(&mut entry.changes.timer, Due::Changes(link), due);
                }
            }
            Some(Step::End(number)) => self.end_changes(link, number),
            None => {}
        }
    }

    /// All lists whose changes the upstream tells, and the resources of all sessions.
    fn wanted_changes(&self, server: ServerId) -> ListenFilter {
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        let capabilities = introduction.map(|introduction| introduction.capabilities).unwrap_or_default();
        let lists = Lists {
            tools: capabilities.tells_tools,
            prompts: capabilities.tells_prompts,
            resources: capabilities.tells_resources,
        };
        let sessions = self.sessions.with(server).filter(|_| capabilities.subscribe);
        ListenFilter { lists, uris: sessions.flat_map(|(_, session)| session.subscriptions.iter().cloned()).collect() }
    }

    fn send_listen(&mut self, link: LinkId, number: u32) {
        let Some(message) = self.links.get(link).and_then(|entry| entry.changes.request()) else { return };
        let Ok(Message::Request { params, .. }) = envelope::read_message(message.as_bytes()) else { return };
        let keys = self.with_own_keys(message.as_bytes(), params.text);
        let mut patches: Vec<Patch<'_>> = keys.iter().flat_map(Rewrite::patches).collect();
        let headers = super::upward::method_header("subscriptions/listen");
        self.push_to_link(link, Purpose::Changes(number), headers, message.as_bytes(), &mut patches);
    }

    /// A session subscribes, or gives a subscription up: no upstream of the modern era has requests for that. Says
    /// whether the call is one of these.
    pub(super) fn begin_subscription(&mut self, link: LinkId, id: CallId, now: Instant) -> bool {
        let Some(call) = self.calls.get(id).filter(|_| self.is_modern_link(link)) else { return false };
        let (server, method, uri) = (call.server, call.method, call.kind.subscribed().map(str::to_owned));
        if method == McpMethod::Unsubscribe {
            self.answer_subscription(id, true, now);
            self.update_changes(server, now);
            return true;
        }
        let Some(uri) = uri else { return false };
        self.on_in_flight(id, now);
        self.update_changes(server, now);
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        let tells = introduction.is_some_and(|introduction| introduction.capabilities.subscribe);
        match self.links.get(link).map(|entry| entry.changes.agreement(&uri)) {
            _ if !tells => self.answer_subscription(id, false, now),
            Some(Agreement::Granted) => self.answer_subscription(id, true, now),
            Some(Agreement::Refused) => self.answer_subscription(id, false, now),
            Some(Agreement::Open) | None => {} // until it is acknowledged
        }
        true
    }

    fn answer_subscription(&mut self, id: CallId, is_granted: bool, now: Instant) {
        let end = if is_granted { CallEnd::Ok } else { CallEnd::Error };
        let Some(call) = self.end_call(id, end, now) else { return };
        let body = match call.kind.subscribed().filter(|_| !is_granted) {
            Some(uri) => {
                self.on_subscribe_refused(call.session, uri);
                write::error(&call.id, INVALID_PARAMS, "the server does not tell when this resource changes")
            }
            None => write::result(&call.id, "{}"),
        };
        self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
    }
}

/// Hearing.
impl Proxy {
    /// Whether a notification of changes counts: one of a modern link must be of its present listen.
    pub(super) fn is_heard(&self, link: LinkId, line: &[u8]) -> bool {
        let Some(entry) = self.links.get(link).filter(|entry| entry.is_modern()) else { return true };
        subscription(line).is_some_and(|number| entry.changes.is_current(number))
    }

    pub(super) fn on_acknowledged(&mut self, link: LinkId, server: ServerId, line: &[u8], now: Instant) {
        let Ok(Message::Notification { params, .. }) = envelope::read_message(line) else { return };
        let (Some(number), Ok(granted)) = (subscription(line), ListenFilter::parse(params.text)) else { return };
        let Some(entry) = self.links.get_mut(link) else { return };
        let Some(acknowledged) = entry.changes.on_acknowledged(number, granted) else { return };
        if let Some(old) = acknowledged.replaced {
            self.end_changes(link, old);
        }
        self.answer_subscriptions(link, server, now);
        if acknowledged.was_deaf {
            self.on_deaf(link, server, now);
        }
        self.update_changes(server, now);
    }

    /// The sessions that wait for the upstream to agree are told what it has said.
    fn answer_subscriptions(&mut self, link: LinkId, server: ServerId, now: Instant) {
        let Some(entry) = self.links.get(link) else { return };
        let asked = self.calls.iter().filter(|(_, call)| call.is_in_flight(server));
        let answers = asked.filter_map(|(id, call)| Some((id, entry.changes.agreement(call.kind.subscribed()?))));
        for (id, agreement) in answers.collect::<Vec<_>>() {
            match agreement {
                Agreement::Granted => self.answer_subscription(id, true, now),
                Agreement::Refused => self.answer_subscription(id, false, now),
                Agreement::Open => {}
            }
        }
    }

    /// For a while nobody could be told anything: what may have happened is told now.
    fn on_deaf(&mut self, link: LinkId, server: ServerId, now: Instant) {
        self.read_catalogue(server);
        let granted = self.links.get(link).map(|entry| entry.changes.granted().map(str::to_owned).collect::<Vec<_>>());
        for uri in granted.unwrap_or_default() {
            let params = format!("{{\"uri\":{}}}", write::string(&uri));
            let line = write::notification("notifications/resources/updated", Some(&params));
            self.on_updated(server, line.as_bytes(), &uri, now);
        }
    }

    /// The upstream has answered: a listen is over, or never was.
    pub(super) fn on_changes_answered(&mut self, link: LinkId, number: u32, outcome: &Outcome<'_>, now: Instant) {
        let over = match outcome {
            Outcome::Result(_) => Over::Lost,
            Outcome::Error(error) => refusal(error),
        };
        let Some(entry) = self.links.get(link) else { return };
        let (server, is_ignored) = (entry.server, entry.changes.is_next(number) && over == Over::Lost);
        self.on_changes_over(link, number, over, now);
        if is_ignored {
            self.refuse_subscriptions(server, now); // it has never agreed to anything
        }
    }

    /// Who still waits for the upstream to agree waits in vain.
    fn refuse_subscriptions(&mut self, server: ServerId, now: Instant) {
        let waits = |call: &Call| call.is_in_flight(server) && call.kind.subscribed().is_some();
        let waiting: Vec<CallId> = self.calls.iter().filter(|(_, call)| waits(call)).map(|(id, _)| id).collect();
        for id in waiting {
            self.answer_subscription(id, false, now);
        }
    }

    /// A listen is over. Another one is begun after a while, if that may help.
    pub(super) fn on_changes_over(&mut self, link: LinkId, number: u32, over: Over, now: Instant) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let server = entry.server;
        if let Some(pause) = entry.changes.on_over(number, over) {
            self.deadlines.arm(&mut entry.changes.timer, Due::Changes(link), now + pause);
        }
        self.answer_subscriptions(link, server, now);
    }

    /// It answered with an HTTP error.
    pub(super) fn on_listen_refused(&mut self, link: LinkId, number: u32, refusal: &HttpRefusal, now: Instant) {
        match refusal.error() {
            Some(error) => self.on_changes_answered(link, number, &Outcome::Error(error), now),
            None if refusal.is_for_now() => self.on_changes_over(link, number, Over::Lost, now),
            None => self.on_changes_over(link, number, Over::Unknown, now),
        }
    }

    /// The upstream ends something that is ours, which can only be a listen.
    pub(super) fn on_listen_cancelled(&mut self, link: LinkId, id: &str, now: Instant) {
        if let Some(number) = changes::number(id) {
            self.on_changes_over(link, number, Over::Lost, now);
        }
    }

    /// A pause is over, or the upstream has taken too long to acknowledge a listen. Nothing else could be begun before.
    pub(super) fn on_changes_due(&mut self, link: LinkId, now: Instant) {
        let Some(entry) = self.links.get(link) else { return };
        let (server, unacknowledged) = (entry.server, entry.changes.unacknowledged());
        let Some(number) = unacknowledged else { return self.update_changes(server, now) };
        // What came later is for the next one, which may fare better.
        let waits = |call: &Call| {
            call.is_in_flight(server) && call.kind.subscribed().is_some_and(|uri| entry.changes.is_unacknowledged(uri))
        };
        let waiting: Vec<CallId> = self.calls.iter().filter(|(_, call)| waits(call)).map(|(id, _)| id).collect();
        self.end_changes(link, number);
        self.on_changes_over(link, number, Over::Lost, now);
        for id in waiting {
            self.cancel_call(id, "the upstream did not agree in time", now);
        }
    }

    /// A listen is not needed any more.
    fn end_changes(&mut self, link: LinkId, number: u32) {
        if let Some(outbound) = self.outbound_for(link, Purpose::Changes(number)) {
            self.remove_outbound(outbound, true); // closing the stream says so
            return;
        }
        if !self.is_remote(link) {
            let params = format!("{{\"requestId\":{}}}", changes::id(number));
            self.send_to_link(link, &write::notification("notifications/cancelled", Some(&params)));
        }
    }
}

/// What an error says of a listen.
fn refusal(error: &str) -> Over {
    #[derive(serde::Deserialize)]
    struct Code {
        code: i32,
    }
    match serde_json::from_str::<Code>(error) {
        Ok(Code { code: METHOD_NOT_FOUND }) => Over::Unknown,
        Ok(Code { code: INVALID_PARAMS }) => Over::Refused,
        Ok(_) | Err(_) => Over::Lost,
    }
}

/// The listen that a notification belongs to.
fn subscription(line: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Notification<'a> {
        #[serde(borrow)]
        params: Params<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Params<'a> {
        #[serde(rename = "_meta", borrow)]
        meta: Meta<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Meta<'a> {
        #[serde(rename = "io.modelcontextprotocol/subscriptionId", borrow)]
        id: &'a serde_json::value::RawValue,
    }
    let notification: Notification<'_> = serde_json::from_slice(line).ok()?;
    changes::number(notification.params.meta.id.get())
}

impl Proxy {
    /// Whether a call waits for the upstream to agree, rather than for an answer to itself.
    pub(super) fn is_subscribing(&self, id: CallId) -> bool {
        let is_meant = |call: &Call| {
            matches!(call.state, CallState::InFlight)
                && call.kind.subscribed().is_some()
                && self.is_modern_upstream(call.server)
        };
        self.calls.get(id).is_some_and(is_meant)
    }
}
