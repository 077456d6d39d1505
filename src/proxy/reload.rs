//! A new configuration while the proxy runs.
//!
//! What it says of the proxy itself counts from now on. Servers that it does not change go on with their sessions,
//! others are adjusted or replaced ([`Change`]), and those that it does not name any more retire.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use super::links::Role;
use super::{Level, Proxy, Server};
use crate::base::id::{ServerId, SessionId};
use crate::config::change::Change;
use crate::config::{Config, Isolation, ServerConfig};

/// What has become of the servers, by their labels.
#[derive(Default)]
struct Outcome {
    added: Vec<String>,
    adjusted: Vec<String>,
    replaced: Vec<String>,
    removed: Vec<String>,
}

impl Proxy {
    /// The servers of the configuration, in its order.
    pub(crate) fn configured(&self) -> impl Iterator<Item = (ServerId, &Server)> {
        self.configured.iter().filter_map(|id| Some((*id, self.servers.get(*id)?)))
    }

    /// A server begins to be configured; nothing is started yet.
    pub(super) fn add_server(&mut self, config: ServerConfig) -> ServerId {
        self.servers.insert(Server::new(Rc::new(config), Role::Configured))
    }

    /// Starts a configured server, unless each session has one of its own.
    pub(super) fn start_configured(&mut self, id: ServerId, now: Instant) {
        if self.servers.get(id).is_some_and(|server| server.config.isolation == Isolation::Shared) {
            self.start(id, now);
        }
    }

    pub(super) fn on_reload(&mut self, mut config: Config, now: Instant) {
        if self.is_ending() {
            return;
        }
        let settings = match self.settings_after(&config) {
            Ok(settings) => settings,
            Err(reason) => {
                let message = format!("The configuration was not reloaded, nothing has changed: {reason}");
                return self.log(Level::Error, None, message);
            }
        };
        for warning in std::mem::take(&mut config.warnings) {
            self.log(Level::Warn, None, warning.to_line());
        }
        let servers = std::mem::take(&mut config.servers);
        self.replace_common(config, now);
        self.on_settings(settings, now);
        let outcome = self.replace_servers(servers, now);
        self.log(Level::Info, None, outcome.to_string());
    }

    /// Everything but the servers.
    fn replace_common(&mut self, mut config: Config, now: Instant) {
        if config.addr != self.config.addr {
            let message = "mcpProxy.addr has changed: that takes effect when the proxy is started anew".to_owned();
            self.log(Level::Warn, None, message);
            if !config.is_base_url_given {
                config.base_url = self.config.base_url.clone();
            }
            config.addr = self.config.addr.clone();
        }
        self.config = config;
        self.allowed_host.clear();
        self.end_unserved(now);
    }

    /// Sessions over a transport that is not offered any more cannot go on.
    fn end_unserved(&mut self, now: Instant) {
        let transports = self.config.transports;
        let is_served = |is_sse: bool| if is_sse { transports.has_sse() } else { transports.has_streamable() };
        let unserved = self.sessions.iter().filter(|(_, session)| !is_served(session.is_sse())).map(|(id, _)| id);
        for session in unserved.collect::<Vec<SessionId>>() {
            self.end_session(session, now);
        }
    }

    fn replace_servers(&mut self, servers: Vec<ServerConfig>, now: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        let mut old: HashMap<String, ServerId> =
            self.configured().map(|(id, server)| (server.config.name.clone(), id)).collect();
        let mut configured = Vec::with_capacity(servers.len());
        let mut fresh = Vec::new();
        for config in servers {
            let label = config.label.clone();
            let known = old.remove(&config.name).and_then(|id| Some((id, &self.servers.get(id)?.config)));
            let change = known.map(|(id, old)| (id, Change::between(old, &config)));
            let id = match change {
                Some((id, Change::None)) => id,
                Some((id, Change::Adjusted)) => {
                    self.adjust(id, config, now);
                    outcome.adjusted.push(label);
                    id
                }
                Some((id, Change::Replaced)) => {
                    self.retire(id, now);
                    outcome.replaced.push(label);
                    self.add_fresh(config, &mut fresh)
                }
                None => {
                    outcome.added.push(label);
                    self.add_fresh(config, &mut fresh)
                }
            };
            configured.push(id);
        }
        for id in self.configured.clone().into_iter().filter(|id| old.values().any(|gone| gone == id)) {
            outcome.removed.extend(self.servers.get(id).map(|server| server.config.label.clone()));
            self.retire(id, now);
        }
        self.configured = configured;
        for id in fresh {
            self.start_configured(id, now);
        }
        outcome
    }

    fn add_fresh(&mut self, config: ServerConfig, fresh: &mut Vec<ServerId>) -> ServerId {
        let id = self.add_server(config);
        fresh.push(id);
        id
    }

    /// A server goes on with other options, and so do those that sessions have for themselves.
    fn adjust(&mut self, id: ServerId, config: ServerConfig, now: Instant) {
        let config = Rc::new(config);
        let is_meant = |other: ServerId, server: &Server| other == id || server.entrance() == Some(id);
        let meant = self.servers.iter().filter(|(other, server)| is_meant(*other, server)).map(|(other, _)| other);
        for id in meant.collect::<Vec<ServerId>>() {
            let Some(server) = self.servers.get_mut(id) else { continue };
            let is_refiltered = server.config.tool_filter != config.tool_filter;
            server.is_essential &= config.panic_if_invalid;
            server.config = Rc::clone(&config);
            if is_refiltered {
                server.catalogue.refilter(config.tool_filter.clone());
                self.on_refiltered(id, now);
            }
        }
    }

    /// Other tools are offered now: sessions hear of it as if the upstream had told them.
    fn on_refiltered(&mut self, id: ServerId, now: Instant) {
        if self.ready_link(id).is_some() {
            self.read_catalogue(id);
            self.on_other_tools(id, now);
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reloaded the configuration")?;
        let changes = [
            ("added", &self.added),
            ("adjusted", &self.adjusted),
            ("restarted", &self.replaced),
            ("removed", &self.removed),
        ];
        let mut separator = ": ";
        for (what, labels) in changes.into_iter().filter(|(_, labels)| !labels.is_empty()) {
            write!(f, "{separator}{what} {}", labels.join(", "))?;
            separator = "; ";
        }
        if separator == ": " {
            f.write_str(": no server has changed")?;
        }
        Ok(())
    }
}
