//! `"isolation": "session"`: an upstream of its own for each session.
//!
//! A configured server stands for all of them and is never started itself. Each `initialize` begins a private one,
//! with that downstream's own parameters; it ends with the session. To the rest of the core a private server is a
//! server like any other, only that a single session is with it. Modern requests belong to no session: those of one
//! principal share one, which ends when it has not been used for long.

use std::rc::Rc;
use std::time::Instant;

use super::links::{Confirmation, Role, Server};
use super::{Due, Output, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::codec::jsonrpc::write;
use crate::config::Isolation;
use crate::limits;
use crate::mcp::introduction::Greeting;
use crate::mcp::session::{Opener, Session};
use crate::mcp::trouble::Trouble;

impl Proxy {
    /// The upstream for a new conversation with a configured server: that one, or a new one of its own.
    ///
    /// # Errors
    /// There is no room for another one, or the proxy ends.
    pub(super) fn upstream_for(
        &mut self,
        server: ServerId,
        greeting: &Greeting,
        now: Instant,
    ) -> Result<ServerId, Trouble> {
        let Some(entry) = self.servers.get(server) else { return Err(Trouble::Replaced) };
        if entry.config.isolation == Isolation::Shared {
            return Ok(server);
        }
        let (hello, confirmation) = (greeting.params.clone(), Confirmation::Awaited);
        self.add_private(server, Role::Private { entrance: server, hello, confirmation }, now)
    }

    /// The upstream for a modern request to a configured server: that one, or one for all requests of its sender.
    ///
    /// # Errors
    /// There is no room for another one, or the proxy ends.
    pub(crate) fn upstream_of_request(
        &mut self,
        server: ServerId,
        sender: Opener,
        now: Instant,
    ) -> Result<ServerId, Trouble> {
        let Some(entry) = self.servers.get(server) else { return Err(Trouble::Replaced) };
        if entry.config.isolation == Isolation::Shared {
            return Ok(server);
        }
        let is_theirs = |other: &Server| match &other.role {
            Role::Tenant { entrance, opener, .. } => (*entrance, *opener) == (server, sender),
            Role::Configured | Role::Retired { .. } | Role::Private { .. } => false,
        };
        let present = self.servers.iter().find(|(_, other)| is_theirs(other) && !other.supervisor.is_stopping());
        if let Some((id, _)) = present {
            return Ok(id);
        }
        self.add_private(server, Role::Tenant { entrance: server, opener: sender, last_used: now }, now)
    }

    fn add_private(&mut self, server: ServerId, role: Role, now: Instant) -> Result<ServerId, Trouble> {
        if self.is_ending() {
            return Err(Trouble::ShuttingDown); // nothing begins that would have to end first
        }
        self.make_room_for_private(server, now)?;
        let Some(entry) = self.servers.get(server) else { return Err(Trouble::Replaced) };
        let (config, course) = (Rc::clone(&entry.config), entry.course);
        Ok(self.servers.insert(Server { course, ..Server::new(config, role) }))
    }

    /// At the bound, the private upstream that is of use to nobody at the moment makes room: one without a session
    /// first, then that of the stalest session.
    fn make_room_for_private(&mut self, server: ServerId, now: Instant) -> Result<(), Trouble> {
        // One that is being stopped has made its room already.
        let living = || self.servers.iter().filter(|(_, other)| !other.supervisor.is_stopping());
        if living().filter(|(_, other)| other.entrance() == Some(server)).count() < limits::ISOLATED_MAX {
            return Ok(());
        }
        let tenants = living().filter_map(|(id, other)| match &other.role {
            Role::Tenant { entrance, last_used, .. } if *entrance == server => Some((*last_used, id)),
            Role::Configured | Role::Retired { .. } | Role::Private { .. } | Role::Tenant { .. } => None,
        });
        if let Some((_, idle)) = tenants.filter(|(_, id)| !self.is_server_used(*id)).min() {
            self.end_temporary(idle, now);
            return Ok(());
        }
        let is_meant = |session: &Session| session.entrance == server;
        let Some(stalest) = self.sessions.stalest(is_meant, |stream| self.is_attached(stream)) else {
            let bound = format!("it has too many sessions with a process each ({})", limits::ISOLATED_MAX);
            return Err(Trouble::Crowded { bound });
        };
        self.end_session(stalest, now);
        Ok(())
    }

    /// The parameters of the downstream that a private upstream is for.
    pub(super) fn private_hello(&self, link: LinkId) -> Option<&str> {
        let server = self.links.get(link)?.server;
        match &self.servers.get(server)?.role {
            Role::Configured | Role::Retired { .. } | Role::Tenant { .. } => None,
            Role::Private { hello, .. } => Some(hello),
        }
    }

    /// Whether a private upstream has yet to hear that its downstream is ready.
    pub(super) fn awaits_confirmation(&self, server: ServerId) -> bool {
        let role = self.servers.get(server).map(|server| &server.role);
        matches!(role, Some(Role::Private { confirmation: Confirmation::Awaited, .. }))
    }

    /// Nobody has to say that to a modern upstream; if it comes back as a legacy one, the proxy does.
    pub(super) fn forgo_confirmation(&mut self, server: ServerId) {
        let role = self.servers.get_mut(server).map(|server| &mut server.role);
        if let Some(Role::Private { confirmation, .. }) = role {
            *confirmation = Confirmation::Given;
        }
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

    /// Ends private upstreams that nobody uses any more. Who sends requests without a session may send another.
    pub(super) fn end_unused(&mut self, now: Instant) {
        while let Some(id) = self.suspects.pop() {
            if self.is_server_used(id) {
                continue;
            }
            match self.servers.get_mut(id).map(|server| &mut server.role) {
                Some(Role::Tenant { last_used, .. }) => *last_used = now,
                Some(Role::Configured | Role::Retired { .. } | Role::Private { .. }) => self.end_temporary(id, now),
                None => {}
            }
        }
    }

    /// Ends those that nobody has sent a request to for long, or all those of a server.
    pub(super) fn end_tenants(&mut self, of: Option<ServerId>, now: Instant) {
        let is_over = |server: &Server| match &server.role {
            Role::Tenant { entrance, last_used, .. } => {
                of == Some(*entrance)
                    || (of.is_none() && now.saturating_duration_since(*last_used) >= limits::ISOLATED_IDLE_MAX)
            }
            Role::Configured | Role::Retired { .. } | Role::Private { .. } => false,
        };
        let over: Vec<ServerId> = self.servers.iter().filter(|(_, server)| is_over(server)).map(|(id, _)| id).collect();
        for id in over {
            if of.is_some() || !self.is_server_used(id) {
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
            Role::Private { .. } | Role::Tenant { .. } => server.supervisor.is_stopped() || !is_used,
        };
        let is_gone = self.servers.get(id).is_some_and(is_over);
        if is_gone {
            self.servers.remove(id);
        }
        is_gone
    }
}
