//! `"isolation": "session"`: an upstream of its own for each session.
//!
//! A configured server stands for all of them and is never started itself. Each `initialize` begins a private one,
//! with that downstream's own parameters; it ends with the session. To the rest of the core a private server is a
//! server like any other, only that a single session is with it.

use std::rc::Rc;
use std::time::Instant;

use super::links::{Confirmation, Role, Server};
use super::{Due, Output, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::codec::jsonrpc::write;
use crate::config::Isolation;
use crate::limits;
use crate::mcp::introduction::Greeting;
use crate::mcp::session::Session;
use crate::mcp::trouble::Trouble;

impl Proxy {
    /// The upstream for a new conversation with a configured server: that one, or a new one of its own.
    ///
    /// # Errors
    /// There is no room for another one.
    pub(super) fn upstream_for(
        &mut self,
        server: ServerId,
        greeting: &Greeting,
        now: Instant,
    ) -> Result<ServerId, Trouble> {
        let Some(entry) = self.servers.get(server) else { return Err(Trouble::ShuttingDown) };
        if entry.config.isolation == Isolation::Shared {
            return Ok(server);
        }
        let config = Rc::clone(&entry.config);
        if self.private_count(server) >= limits::ISOLATED_MAX {
            let is_meant = |session: &Session| session.entrance == server;
            let Some(stalest) = self.sessions.stalest(is_meant, |stream| self.is_attached(stream)) else {
                let bound = format!("it has too many sessions with a process each ({})", limits::ISOLATED_MAX);
                return Err(Trouble::Crowded { bound });
            };
            self.end_session(stalest, now);
        }
        let (hello, confirmation) = (greeting.params.clone(), Confirmation::Awaited);
        let role = Role::Private { entrance: server, hello, confirmation };
        Ok(self.servers.insert(Server::new(config, role)))
    }

    fn private_count(&self, server: ServerId) -> usize {
        self.servers.iter().filter(|(_, other)| other.entrance() == Some(server)).count()
    }

    /// The parameters of the downstream that a private upstream is for.
    pub(super) fn private_hello(&self, link: LinkId) -> Option<&str> {
        let server = self.links.get(link)?.server;
        match &self.servers.get(server)?.role {
            Role::Configured | Role::Retired { .. } => None,
            Role::Private { hello, .. } => Some(hello),
        }
    }

    /// Whether a private upstream has yet to hear that its downstream is ready.
    pub(super) fn awaits_confirmation(&self, server: ServerId) -> bool {
        let role = self.servers.get(server).map(|server| &server.role);
        matches!(role, Some(Role::Private { confirmation: Confirmation::Awaited, .. }))
    }

    /// A downstream is ready. A shared upstream was told so long ago; one of its own may have waited for this to ask
    /// for something.
    pub(crate) fn on_downstream_ready(&mut self, server: ServerId, message: &[u8], now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let Role::Private { confirmation, .. } = &mut entry.role else { return };
        if std::mem::replace(confirmation, Confirmation::Given) == Confirmation::Awaited
            && let Some(link) = entry.supervisor.ready_link()
        {
            self.confirm(link, message, true, now);
        }
    }

    /// A downstream sends requests without having said that it is ready: it is taken to be.
    pub(crate) fn on_downstream_asks(&mut self, server: ServerId, now: Instant) {
        if self.awaits_confirmation(server) {
            let message = write::notification("notifications/initialized", None);
            self.on_downstream_ready(server, message.as_bytes(), now);
        }
    }

    /// Something ended that a private upstream may have been there for.
    pub(super) fn suspect_unused(&mut self, server: ServerId) {
        if self.servers.get(server).is_some_and(|server| server.entrance().is_some()) {
            self.suspects.push(server);
        }
    }

    fn is_server_used(&self, id: ServerId) -> bool {
        self.sessions.with(id).next().is_some() || self.calls.iter().any(|(_, call)| call.server == id)
    }

    /// Ends private upstreams that nobody uses any more.
    pub(super) fn end_unused(&mut self, now: Instant) {
        while let Some(id) = self.suspects.pop() {
            if !self.is_server_used(id) {
                self.end_temporary(id, now);
            }
        }
    }

    /// Ends an upstream that is not to come back.
    pub(super) fn end_temporary(&mut self, id: ServerId, now: Instant) {
        let Some(server) = self.servers.get_mut(id) else { return };
        match server.supervisor.on_stop(now) {
            None => drop(self.servers.remove(id)),
            Some((link, look_again)) => {
                self.deadlines.arm(&mut server.supervisor.timer, Due::Server(id), look_again);
                self.stop_link(link, now);
            }
        }
    }

    /// Asks the upstream behind a link to end.
    pub(super) fn stop_link(&mut self, link: LinkId, now: Instant) {
        if self.is_remote(link) {
            self.leave(link, now);
        } else {
            self.outputs.push_back(Output::CloseStdin(link));
        }
    }

    /// A private upstream that has ended, or that nobody waits for, is gone for good; a retired one that has ended too.
    pub(super) fn on_temporary_gone(&mut self, id: ServerId) -> bool {
        let is_used = self.is_server_used(id);
        let is_over = |server: &Server| match &server.role {
            Role::Configured => false,
            Role::Retired { .. } => server.supervisor.is_stopped(),
            Role::Private { .. } => server.supervisor.is_stopped() || !is_used,
        };
        let is_gone = self.servers.get(id).is_some_and(is_over);
        if is_gone {
            self.servers.remove(id);
        }
        is_gone
    }
}
