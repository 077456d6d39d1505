//! Subscriptions and log levels: kept per session, told to the one upstream as their union.

use std::collections::BTreeSet;
use std::time::Instant;

use super::Proxy;
use crate::base::id::{ServerId, SessionId};
use crate::limits;
use crate::mcp::call::{Call, CallKind, CallState};
use crate::mcp::log_level::LogLevel;
use crate::mcp::server_capabilities::ServerCapabilities;
use crate::mcp::session::Session;
use crate::upstream::handshake::{self, OwnRequest};

impl Proxy {
    /// What a request to subscribe means: a subscription that the upstream has to agree to, or nothing new.
    ///
    /// # Errors
    /// It is too much to remember; says so.
    pub(crate) fn check_subscription(&self, id: SessionId, uri: String) -> Result<CallKind, String> {
        let Some(session) = self.sessions.get(id) else { return Ok(CallKind::Passive) };
        if session.subscriptions.contains(&*uri) {
            // While none is agreed to, the last of them decides: the others may be refused or cancelled.
            return Ok(if self.is_pending(id, &uri) { CallKind::Subscribe(uri) } else { CallKind::Passive });
        }
        if uri.len() > limits::URI_BYTES_MAX {
            return Err(format!("the URI is too long to subscribe to (at most {} bytes)", limits::URI_BYTES_MAX));
        }
        if session.subscriptions.len() >= limits::SESSION_SUBSCRIPTIONS_MAX {
            return Err(format!("too many subscriptions in this session ({})", limits::SESSION_SUBSCRIPTIONS_MAX));
        }
        Ok(CallKind::Subscribe(uri))
    }

    /// Whether a session has asked for a resource and the upstream has yet to agree.
    pub(super) fn is_pending(&self, session: SessionId, uri: &str) -> bool {
        let calls = self.sessions.get(session).map(|session| session.calls.as_slice()).unwrap_or_default();
        calls.iter().filter_map(|call| self.calls.get(*call)).any(|call| call.kind.subscribed() == Some(uri))
    }

    /// A session subscribes. Counted before the upstream agrees, so that no change is lost in between.
    pub(super) fn subscribe(&mut self, session: SessionId, uri: &str) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.subscriptions.insert(uri.into());
        }
    }

    /// A session unsubscribes. Says whether the upstream is to hear of it: not while another session is subscribed.
    pub(crate) fn unsubscribe(&mut self, server: ServerId, session: SessionId, uri: &str) -> bool {
        if let Some(session) = self.sessions.get_mut(session) {
            session.subscriptions.remove(uri);
        }
        !self.sessions.with(server).any(|(_, session)| session.subscriptions.contains(uri))
    }

    /// The upstream has agreed: what else the session has asked for the same is a mere repeat, which may be refused.
    pub(super) fn on_subscribed(&mut self, session: Option<SessionId>, uri: &str) {
        let session = session.and_then(|session| self.sessions.get(session));
        for call in session.map(|session| session.calls.as_slice()).unwrap_or_default() {
            if let Some(call) = self.calls.get_mut(*call).filter(|call| call.kind.subscribed() == Some(uri)) {
                call.kind = CallKind::Passive;
            }
        }
    }

    /// A call that subscribes came to nothing, and is over. Another one for the same may still be agreed to.
    pub(super) fn on_subscribe_refused(&mut self, session: Option<SessionId>, uri: &str) {
        let session = session.filter(|session| !self.is_pending(*session, uri));
        if let Some(session) = session.and_then(|session| self.sessions.get_mut(session)) {
            session.subscriptions.remove(uri);
        }
    }

    /// Nobody waits for the answer to a call that subscribes. The upstream may have agreed before it heard of that.
    pub(super) fn give_up_subscription(&mut self, call: &Call, uri: &str) {
        let is_wanted = self.sessions.with(call.server).any(|(_, session)| session.subscriptions.contains(uri));
        if matches!(call.state, CallState::InFlight) && !is_wanted {
            let message = handshake::subscription(uri, false);
            self.send_own_to_server(call.server, OwnRequest::Subscription, &message);
        }
    }

    /// The session has ended: what nobody else is subscribed to is given up.
    pub(super) fn unsubscribe_all(&mut self, session: &Session, now: Instant) {
        if session.subscriptions.is_empty() {
            return;
        }
        self.update_changes(session.server, now);
        // All others are looked at once, not once for each resource: both may be thousands.
        let mut unwanted: BTreeSet<&str> = session.subscriptions.iter().map(|uri| &**uri).collect();
        for (_, other) in self.sessions.with(session.server).filter(|(_, other)| !other.subscriptions.is_empty()) {
            if unwanted.is_empty() {
                return;
            }
            unwanted.retain(|uri| !other.subscriptions.contains(*uri));
        }
        for uri in unwanted {
            let message = handshake::subscription(uri, false);
            self.send_own_to_server(session.server, OwnRequest::Subscription, &message);
        }
    }

    /// The most verbose level that any session of a server asked for, agreed to or still on its way, with `own` in the
    /// place of `except`'s.
    pub(crate) fn most_verbose(
        &self,
        server: ServerId,
        except: Option<SessionId>,
        own: Option<LogLevel>,
    ) -> Option<LogLevel> {
        let others = self.sessions.with(server).filter(|(id, _)| Some(*id) != except);
        let agreed = others.filter_map(|(_, session)| session.log_level);
        let pending = self.calls.iter().filter(|(_, call)| call.server == server && call.session != except);
        let pending = pending.filter_map(|(_, call)| match call.kind {
            CallKind::SetLevel(level) => Some(level),
            CallKind::Initialize { .. }
            | CallKind::Discover
            | CallKind::Subscribe(_)
            | CallKind::ListTools
            | CallKind::ListTasks
            | CallKind::BeginTask
            | CallKind::Passive
            | CallKind::Active => None,
        });
        agreed.chain(pending).chain(own).min()
    }

    /// A modern request wants more of the log than the upstream says.
    pub(super) fn raise_level(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        let (server, Some(own)) = (session.server, session.log_level) else { return };
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        let takes_level = introduction.is_some_and(|introduction| introduction.capabilities.logging);
        let others = self.most_verbose(server, Some(id), None);
        if takes_level && others.is_none_or(|others| own < others) {
            self.send_own_to_server(server, OwnRequest::SetLevel, &handshake::set_level(own));
        }
    }

    /// A modern call goes on by another request, which wants more or less of the log than the one before.
    pub(crate) fn on_level_changed(&mut self, id: SessionId, old: Option<LogLevel>) {
        let Some((server, new)) = self.sessions.get(id).map(|session| (session.server, session.log_level)) else {
            return;
        };
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        let takes_level = introduction.is_some_and(|introduction| introduction.capabilities.logging);
        let level = self.most_verbose(server, Some(id), new);
        if takes_level && level != self.most_verbose(server, Some(id), old) {
            let level = level.unwrap_or(LogLevel::UNASKED);
            self.send_own_to_server(server, OwnRequest::SetLevel, &handshake::set_level(level));
        }
    }

    /// The session has ended: the upstream is to say no more than the others want, or than it would have said unasked.
    pub(super) fn lower_level(&mut self, ended: &Session) {
        let Some(own) = ended.log_level else { return };
        let level = match self.most_verbose(ended.server, None, None) {
            Some(others) => others.max(own),
            None => LogLevel::UNASKED,
        };
        if level != own {
            self.send_own_to_server(ended.server, OwnRequest::SetLevel, &handshake::set_level(level));
        }
    }

    /// A restarted upstream has forgotten what its sessions asked of it.
    pub(super) fn restore(&mut self, server: ServerId, capabilities: ServerCapabilities) {
        if let Some(level) = self.most_verbose(server, None, None).filter(|_| capabilities.logging) {
            self.send_own_to_server(server, OwnRequest::SetLevel, &handshake::set_level(level));
        }
        let uris: BTreeSet<Box<str>> =
            self.sessions.with(server).flat_map(|(_, session)| session.subscriptions.iter().cloned()).collect();
        for uri in uris {
            self.send_own_to_server(server, OwnRequest::Subscription, &handshake::subscription(&uri, true));
        }
    }
}
