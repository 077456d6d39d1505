//! Servers that the configuration has no more, or has others in the place of: no path leads to them, their calls get
//! the time to finish, then their sessions end and they are stopped.
//!
//! A downstream whose session has ended this way hears 404 with its next message, and begins a new one with whatever
//! is there now.

use std::time::Instant;

use super::links::Role;
use super::{Due, Proxy};
use crate::base::deadline::Timer;
use crate::base::id::{ServerId, SessionId};
use crate::limits;
use crate::mcp::call::{Call, CallState};
use crate::mcp::trouble::Trouble;

/// Retired servers that still have calls.
#[derive(Debug, Default)]
pub(super) struct Retired {
    servers: Vec<ServerId>,
    /// Whether one of them may have lost its last call.
    is_due: bool,
}

impl Retired {
    /// A call has ended, whosoever's it was.
    pub(super) fn on_call_over(&mut self) {
        self.is_due = !self.servers.is_empty();
    }
}

impl Proxy {
    /// A server is not configured any more.
    pub(super) fn retire(&mut self, id: ServerId, now: Instant) {
        let Some(server) = self.servers.get_mut(id) else { return };
        let mut timer = Timer::default();
        self.deadlines.arm(&mut timer, Due::Retirement(id), now + limits::RETIREMENT_GRACE);
        server.role = Role::Retired { timer };
        server.is_essential = false;
        self.retired.servers.push(id);
        self.retired.is_due = true;
    }

    /// Stops those whose calls are over.
    pub(super) fn end_retired(&mut self, now: Instant) {
        if !std::mem::take(&mut self.retired.is_due) {
            return;
        }
        let retired = std::mem::take(&mut self.retired.servers);
        let (busy, done) = retired.into_iter().partition(|id| self.calls.iter().any(|(_, call)| self.is_at(call, *id)));
        self.retired.servers = busy;
        for id in Vec::from_iter::<Vec<ServerId>>(done) {
            self.end_retired_server(id, now);
        }
    }

    /// Calls are not waited for any longer.
    pub(super) fn on_retirement_timeout(&mut self, id: ServerId, now: Instant) {
        let calls = self.calls.iter().filter(|(_, call)| self.is_at(call, id)).map(|(call, _)| call);
        for call in calls.collect::<Vec<_>>() {
            if let Some(server) = self.calls.get(call).map(|call| call.server) {
                self.notify_cancelled(server, call, "the configuration of the proxy has changed");
            }
            self.fail_call(call, &Trouble::Retired, now);
        }
        self.retired.is_due = true;
    }

    fn end_retired_server(&mut self, id: ServerId, now: Instant) {
        let sessions = self.sessions.iter().filter(|(_, session)| session.entrance == id).map(|(session, _)| session);
        for session in sessions.collect::<Vec<SessionId>>() {
            self.end_session(session, now);
        }
        self.end_tenants(Some(id), now);
        self.end_temporary(id, now);
    }

    /// Whether a call is with a server, or with a private one that stands for it.
    fn is_at(&self, call: &Call, id: ServerId) -> bool {
        if matches!(call.state, CallState::Ended(_)) {
            return false;
        }
        call.server == id || self.servers.get(call.server).is_some_and(|server| server.entrance() == Some(id))
    }
}
