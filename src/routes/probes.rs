//! For whoever watches the proxy: is it alive, and does everything that it must have work? No token is asked for, and
//! nothing secret is told.

use std::time::Instant;

use super::errors::{Denial, JSON};
use crate::base::id::ConnId;
use crate::codec::http::{Head, Method};
use crate::codec::jsonrpc::write;
use crate::config::Isolation;
use crate::config::names::first_part;
use crate::proxy::{Proxy, Server};

/// Answers of the moment are nobody's to keep.
pub(super) const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// `/_healthz`: does the loop run? It answers, so it does.
    Health,
    /// `/_readyz`: are all servers there without which the proxy is of no use?
    Readiness,
}

impl Probe {
    pub(super) const ALL: [Probe; 2] = [Probe::Health, Probe::Readiness];

    pub(super) fn path(self) -> &'static str {
        match self {
            Probe::Health => "/_healthz",
            Probe::Readiness => "/_readyz",
        }
    }

    /// The probe at a path. Names of servers cannot begin with `_`, so no server is hidden by one. Whoever stands in
    /// front of the proxy may strip the path of `baseURL`, `base`, or not.
    pub(super) fn at(path: &str, base: &str) -> Option<Probe> {
        if !path.ends_with("z") {
            return None;
        }
        let below_base = path.strip_prefix(base).unwrap_or(path);
        Probe::ALL.into_iter().find(|probe| [below_base, path].contains(&probe.path()))
    }
}

impl Proxy {
    pub(super) fn on_probe(
        &mut self,
        conn: ConnId,
        probe: Probe,
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        if !matches!(head.method, Method::Get | Method::Head) {
            return Err(Denial::plain_not_allowed("GET, HEAD", "a probe is asked with GET or HEAD"));
        }
        let (status, body) = match probe {
            Probe::Health => (200, "{\"status\":\"ok\"}".to_owned()),
            Probe::Readiness => self.readiness(),
        };
        self.respond(conn, status, &[JSON, NO_STORE], &[body.as_bytes()], now);
        Ok(())
    }

    /// 503 while a server is not ready that must be: one with `panicIfInvalid`, once the proxy runs. The others keep
    /// trying, and answer with their reason.
    fn readiness(&self) -> (u16, String) {
        let (mut is_ready, mut states) = (!self.is_ending(), Vec::new());
        for (name, (_, server)) in self.shown_names().iter().zip(self.configured()) {
            let state = state_of(server);
            is_ready &= state.is_fine() || !server.config.panic_if_invalid;
            states.push(format!("{}:{{\"state\":\"{}\"}}", write::string(name), state.as_str()));
        }
        let status = if is_ready { "ready" } else { "not ready" };
        let body = format!("{{\"status\":\"{status}\",\"servers\":{{{}}}}}", states.join(","));
        (if is_ready { 200 } else { 503 }, body)
    }

    /// The names of all configured servers, as far as they are told to whoever asks. A path within a name may be a
    /// credential (`fetch/{token}`), so only its first part is told.
    pub(super) fn shown_names(&self) -> Vec<String> {
        let firsts: Vec<&str> = self.configured().map(|(_, server)| first_part(&server.config.label)).collect();
        numbered(&firsts)
    }
}

/// Of several names that are the same, the later ones are numbered.
pub(super) fn numbered<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    let shown = names.iter().enumerate().map(|(at, name)| {
        let name = name.as_ref();
        match names[..at].iter().filter(|earlier| earlier.as_ref() == name).count() {
            0 => name.to_owned(),
            others => format!("{name} ({})", others + 1),
        }
    });
    shown.collect()
}

/// A server's state, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerState {
    Ready,
    /// It is started for each session.
    OnDemand,
    Starting,
    Down,
}

impl ServerState {
    pub(super) fn is_fine(self) -> bool {
        matches!(self, ServerState::Ready | ServerState::OnDemand)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            ServerState::Ready => "ready",
            ServerState::OnDemand => "on demand",
            ServerState::Starting => "starting",
            ServerState::Down => "down",
        }
    }
}

pub(super) fn state_of(server: &Server) -> ServerState {
    use crate::upstream::supervisor::State;
    match server.supervisor.state() {
        _ if server.config.isolation == Isolation::Session => ServerState::OnDemand,
        State::Ready { .. } => ServerState::Ready,
        State::Starting { .. } => ServerState::Starting,
        State::Ending { .. } | State::BackingOff | State::Stopping { .. } | State::Stopped => ServerState::Down,
    }
}
