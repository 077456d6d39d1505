//! How a link becomes ready: both sides introduce themselves, one confirms, calls flow.

use std::time::Instant;

use super::links::Transport;
use super::{Level, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::codec::jsonrpc::write;
use crate::mcp::era::MODERN;
use crate::mcp::introduction::Introduction;
use crate::upstream::remote::Opening;
use crate::upstream::supervisor::State;

impl Proxy {
    /// The upstream has introduced itself: it is greeted in turn.
    pub(super) fn on_introduced(&mut self, server: ServerId, link: LinkId, introduction: Introduction, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let Some(present) = self.links.get_mut(link) else { return };
        if !matches!(entry.supervisor.state(), State::Starting { .. }) || present.is_introduced() {
            return;
        }
        let era = introduction.era();
        present.era = Some(era);
        let course = present.probe.next_course(Some(era));
        let is_first = entry.introduction.replace(introduction).is_none();
        match &mut present.transport {
            Transport::Remote(remote) => remote.on_introduced(era),
            Transport::Stdio(stdio) => stdio.timer.disarm(),
        }
        let is_over_http = matches!(present.transport, Transport::Remote(_));
        entry.catalogue.on_link(era.is_modern() && is_over_http);
        self.remember_course(server, course);
        if era.is_modern() {
            self.on_modern_ready(server, link, is_first, now);
        } else if self.awaits_confirmation(server) {
            self.on_ready(server, is_first, now); // for the answer to its downstream
        } else {
            let message = write::notification("notifications/initialized", None);
            self.confirm(link, message.as_bytes(), is_first, now);
        }
    }

    /// A modern upstream has nothing to be told before its first request.
    fn on_modern_ready(&mut self, server: ServerId, link: LinkId, is_first: bool, now: Instant) {
        self.log(Level::Debug, Some(server), format!("It speaks {MODERN}"));
        self.forgo_confirmation(server);
        if let Some(remote) = self.remote_mut(link) {
            remote.opening = Opening::Open;
            self.arm_link(link);
        }
        self.on_ready(server, is_first, now);
    }

    /// `notifications/initialized` goes out.
    pub(super) fn confirm(&mut self, link: LinkId, message: &[u8], is_first: bool, now: Instant) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let server = entry.server;
        match &mut entry.transport {
            Transport::Stdio(_) => {
                self.send_initialized(link, message);
                self.on_ready(server, is_first, now);
            }
            Transport::Remote(remote) => {
                // POSTs may overtake each other: nothing else is sent until this one is answered.
                remote.opening = Opening::Confirming { is_first };
                self.send_initialized(link, message);
            }
        }
    }

    /// Calls may flow.
    pub(super) fn on_ready(&mut self, server: ServerId, is_first: bool, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        entry.supervisor.on_ready(now);
        let introduction = entry.introduction.as_ref();
        let capabilities = introduction.map(|introduction| introduction.capabilities).unwrap_or_default();
        let is_confirmed = !self.awaits_confirmation(server);
        if !is_first && is_confirmed && !self.is_modern_upstream(server) {
            self.restore(server, capabilities);
        }
        if !is_confirmed {
            // Some servers take no request before they have been told that the handshake is over.
        } else if capabilities.tools {
            self.read_catalogue(server);
        } else {
            self.log(Level::Info, Some(server), "Ready, without tools".to_owned());
        }
        self.update_changes(server, now);
        self.release_waiting(server, now);
        self.grant_waiting(server, now);
    }
}
