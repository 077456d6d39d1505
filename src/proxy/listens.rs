//! `subscriptions/listen`: a modern downstream hears of changes for as long as it wants to (2026-07-28, subscriptions).
//!
//! ```text
//!  Waiting ── the upstream is ready ──▶ Granting ── it has agreed, or refused, or said nothing ──▶ Open
//! ```
//!
//! A listen is a session with one stream. Its resources are the session's subscriptions, so that they count among
//! those of all others.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Due, Proxy, Request};
use crate::base::deadline::Timer;
use crate::base::id::{ServerId, SessionId, StreamId};
use crate::codec::jsonrpc::envelope::{self, Message};
use crate::codec::jsonrpc::object::Object;
use crate::codec::jsonrpc::write;
use crate::limits;
use crate::mcp::call::CallKind;
use crate::mcp::listen_filter::{Changed, ListenFilter, Lists, acknowledged};
use crate::mcp::session::{Scope, Session, Transport};
use crate::mcp::stream::nowhere;
use crate::upstream::handshake;

/// The member of a notification's `_meta` that names the listen that it belongs to.
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// One of them.
#[derive(Debug)]
pub(super) struct Listen {
    /// The downstream's own id of the request, as JSON text.
    id: Box<str>,
    stream: StreamId,
    /// What it hears of; before it is granted, what it wants to hear of.
    lists: Lists,
    state: ListenState,
    /// Belongs to the state.
    pub(super) timer: Timer,
}

/// How far it has come.
#[derive(Debug)]
enum ListenState {
    /// The upstream is not ready.
    Waiting {
        /// The resources that it wants to hear of.
        uris: BTreeSet<Box<str>>,
    },
    /// The upstream is asked for its resources.
    Granting {
        /// The resources that it has yet to be asked for: there is a bound for what is asked at once.
        rest: BTreeSet<Box<str>>,
        /// What has happened in the meantime. The acknowledgement comes first.
        early: Vec<Box<[u8]>>,
    },
    /// It hears of changes.
    Open,
}

/// Beginning.
impl Proxy {
    /// A listen begins; its stream is open.
    pub(crate) fn begin_listen(
        &mut self,
        session: SessionId,
        stream: StreamId,
        id: &str,
        filter: ListenFilter,
        now: Instant,
    ) {
        let state = ListenState::Waiting { uris: filter.uris };
        let listen = Listen { id: id.into(), stream, lists: filter.lists, state, timer: Timer::default() };
        self.listens.insert(session, listen);
        let Some(server) = self.sessions.get(session).map(|session| session.server) else { return };
        if self.ready_link(server).is_some() {
            self.grant(session, now);
        } else if self.servers.get(server).is_some_and(|server| server.supervisor.is_startable()) {
            self.start(server, now);
        }
    }

    /// An upstream is ready: so are those who want to hear from it.
    pub(super) fn grant_waiting(&mut self, server: ServerId, now: Instant) {
        let is_meant = |session: &SessionId| self.sessions.get(*session).is_some_and(|entry| entry.server == server);
        let waiting: Vec<SessionId> = self.listens.keys().copied().filter(is_meant).collect();
        for session in waiting {
            self.grant(session, now);
        }
    }

    fn grant(&mut self, id: SessionId, now: Instant) {
        let Some(server) = self.sessions.get(id).map(|session| session.server) else { return };
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        let Some(capabilities) = introduction.map(|introduction| introduction.capabilities) else { return };
        let Some(listen) = self.listens.get_mut(&id) else { return };
        let ListenState::Waiting { uris } = &mut listen.state else { return };
        let rest = if capabilities.subscribe { std::mem::take(uris) } else { BTreeSet::new() };
        listen.state = ListenState::Granting { rest, early: Vec::new() };
        listen.lists = listen.lists.and(Lists {
            tools: capabilities.tells_tools,
            prompts: capabilities.tells_prompts,
            resources: capabilities.tells_resources,
        });
        self.deadlines.arm(&mut listen.timer, Due::Listen(id), now + limits::LISTEN_GRANT_TIME_MAX);
        self.subscribe_rest(id, now);
    }

    /// Asks for as many of its resources as a session may ask for at once.
    fn subscribe_rest(&mut self, id: SessionId, now: Instant) {
        while let Some(session) = self.sessions.get(id).filter(|it| it.calls.len() < limits::SESSION_CALLS_MAX) {
            let server = session.server;
            let Some(ListenState::Granting { rest, .. }) = self.listens.get_mut(&id).map(|listen| &mut listen.state)
            else {
                return;
            };
            let Some(uri) = rest.pop_first() else { return };
            self.subscribe_listen(server, id, &uri, now);
        }
    }

    /// Subscribes to a resource, unless another session is subscribed already. One that is only about to be may be
    /// refused.
    fn subscribe_listen(&mut self, server: ServerId, id: SessionId, uri: &str, now: Instant) {
        let is_legacy = !self.is_modern_upstream(server);
        let has = |other, session: &Session| session.subscriptions.contains(uri) && !self.is_pending(other, uri);
        if is_legacy && self.sessions.with(server).any(|(other, session)| has(other, session)) {
            return self.subscribe(id, uri);
        }
        let message = handshake::subscription(uri, true);
        let read = envelope::read_message(message.as_bytes());
        let Ok(Message::Request { id: own_id, params, .. }) = read else { return };
        let kind = CallKind::Subscribe(uri.to_owned());
        let message = message.as_bytes();
        let request = Request { message, id: own_id, params, method: "resources/subscribe", kind, modern: None };
        self.accept_call(server, Some(id), nowhere(), request, now);
    }

    /// Goes on with those that have more to ask for, and acknowledges those for which nothing is awaited any more.
    pub(super) fn acknowledge_listens(&mut self, now: Instant) {
        if self.listens.is_empty() {
            return;
        }
        let has_rest =
            |listen: &Listen| matches!(&listen.state, ListenState::Granting { rest, .. } if !rest.is_empty());
        let unfinished = self.listens.iter().filter(|(_, listen)| has_rest(listen));
        for id in unfinished.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.subscribe_rest(id, now);
        }
        let is_granted = |id: &SessionId, listen: &Listen| {
            let is_settled = |session: &Session| {
                session.calls.is_empty()
                    && !self.is_stream_opening(session.server)
                    && (listen.lists == Lists::default() || self.told_lists(session.server).is_some())
            };
            let is_asked = matches!(&listen.state, ListenState::Granting { rest, .. } if rest.is_empty());
            is_asked && self.sessions.get(*id).is_none_or(is_settled)
        };
        let granted: Vec<SessionId> =
            self.listens.iter().filter(|(id, listen)| is_granted(id, listen)).map(|(id, _)| *id).collect();
        for id in granted {
            self.acknowledge(id, now);
        }
    }

    /// The lists of whose changes an upstream tells. Of a legacy one nothing more is known than what it says of itself.
    fn told_lists(&self, server: ServerId) -> Option<Lists> {
        if !self.is_modern_upstream(server) {
            return Some(Lists::ALL);
        }
        self.links.get(self.ready_link(server)?)?.changes.lists()
    }

    fn acknowledge(&mut self, id: SessionId, now: Instant) {
        let server = self.sessions.get(id).map(|session| session.server);
        let told = server.and_then(|server| self.told_lists(server)).unwrap_or_default();
        let Some(listen) = self.listens.get_mut(&id) else { return };
        listen.timer.disarm();
        listen.lists = listen.lists.and(told);
        let state = std::mem::replace(&mut listen.state, ListenState::Open);
        let ListenState::Granting { early, .. } = state else { return };
        let (stream, lists, own_id) = (listen.stream, listen.lists, listen.id.clone());
        let Some(session) = self.sessions.get(id) else { return };
        let granted = acknowledged(lists, session.subscriptions.iter().map(|uri| &**uri));
        let params = format!("{{\"_meta\":{{\"{SUBSCRIPTION_ID}\":{own_id}}},\"notifications\":{granted}}}");
        let notice = write::notification("notifications/subscriptions/acknowledged", Some(&params));
        self.push_event(stream, &[notice.as_bytes()], now);
        for line in early {
            self.tell_listen(id, &line, now);
        }
    }

    /// The upstream has not said whether it agrees: what it did not agree to is not acknowledged.
    pub(super) fn on_listen_timeout(&mut self, id: SessionId, now: Instant) {
        let calls = self.sessions.get(id).map(|session| session.calls.clone()).unwrap_or_default();
        for call in calls {
            self.cancel_call(call, "the upstream did not agree in time", now);
        }
        self.acknowledge(id, now);
    }
}

/// Hearing.
impl Proxy {
    /// Those who want to know hear that a list has changed.
    pub(super) fn tell_listens(&mut self, server: ServerId, list: Changed, line: &[u8], now: Instant) {
        let is_meant = |id: &SessionId, listen: &Listen| {
            listen.lists.has(list) && self.sessions.get(*id).is_some_and(|session| session.server == server)
        };
        let meant: Vec<SessionId> =
            self.listens.iter().filter(|(id, listen)| is_meant(id, listen)).map(|(id, _)| *id).collect();
        for id in meant {
            self.tell_listen(id, line, now);
        }
    }

    /// A notification, with the id of the listen in it.
    pub(super) fn tell_listen(&mut self, id: SessionId, line: &[u8], now: Instant) {
        let Some(listen) = self.listens.get_mut(&id) else { return };
        match &mut listen.state {
            ListenState::Waiting { .. } => {}
            ListenState::Granting { early, .. } => {
                if early.len() < limits::LISTEN_EARLY_MAX && !early.iter().any(|other| **other == *line) {
                    early.push(line.into());
                }
            }
            ListenState::Open => {
                let stream = listen.stream;
                if let Some(notice) = tagged(line, &listen.id) {
                    self.push_event(stream, &[notice.as_bytes()], now);
                }
            }
        }
    }
}

/// Ending.
impl Proxy {
    /// A listen is over because we say so: its downstream is told.
    pub(super) fn end_listen(&mut self, id: SessionId, now: Instant) {
        let Some(listen) = self.listens.remove(&id) else { return };
        let result = format!("{{\"resultType\":\"complete\",\"_meta\":{{\"{SUBSCRIPTION_ID}\":{}}}}}", listen.id);
        let reply = write::result(&listen.id, &result);
        self.push_event(listen.stream, &[reply.as_bytes()], now);
    }

    /// All of them are.
    pub(super) fn end_listens(&mut self, now: Instant) {
        for id in self.listens.keys().copied().collect::<Vec<SessionId>>() {
            self.end_session(id, now);
        }
    }

    /// Whether a session is a listen.
    pub(super) fn is_listen(&self, id: SessionId) -> bool {
        self.sessions.get(id).is_some_and(|session| session.transport == Transport::Modern(Scope::Listen))
    }
}

/// A notification of an upstream, as one of a listen.
fn tagged(line: &[u8], id: &str) -> Option<String> {
    let Ok(Message::Notification { method, params }) = envelope::read_message(line) else { return None };
    let mut params = Object::read(params.text.unwrap_or("{}"))?;
    let meta = params.get("_meta").unwrap_or("{}").to_owned();
    let mut meta = Object::read(&meta).unwrap_or_default();
    meta.set(SUBSCRIPTION_ID, id);
    params.set("_meta", meta.to_string());
    Some(write::notification(&method, Some(&params.to_string())))
}
