//! What the status page shows, as data: the members of its JSON form.
//!
//! Nobody is asked who he is, so there are no tokens here, no arguments, environments, headers, paths or queries of
//! upstreams, and no paths within names. What a protected server said of itself is for those who may call it.

use std::time::Instant;

use serde::Serialize;

use crate::base::id::ServerId;
use crate::base::text::shorten;
use crate::clients::entrances::{self, Entrance, Front, Secrets, Transport};
use crate::clients::{CLIENTS, Client};
use crate::config::{Isolation, ServerConfig, Target};
use crate::limits;
use crate::mcp::trouble::Outline;
use crate::proxy::{Proxy, Server};
use crate::routes::probes::{ServerState, numbered, state_of};
use crate::upstream::supervisor::State;

/// All of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    /// What the proxy is called.
    name: String,
    version: &'static str,
    is_ending: bool,
    sessions: usize,
    /// The clients whose snippets there are.
    clients: Vec<ClientView>,
    pub(super) servers: Vec<ServerView>,
}

/// A client, and where it is told about servers.
#[derive(Debug, Serialize)]
struct ClientView {
    title: &'static str,
    place: String,
}

/// A server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerView {
    pub(super) name: String,
    pub(super) state: &'static str,
    is_fine: bool,
    /// For how long it has been ready.
    ready_seconds: Option<u64>,
    /// When it is tried again.
    retry_seconds: Option<u64>,
    kind: Kind,
    /// The name of the program, or the origin.
    target: String,
    sessions: usize,
    /// How often it was started after the first time; `null` where each session has its own.
    restarts: Option<u32>,
    /// The names of its tools, or some of them; `null` where they were never read.
    tools: Option<Vec<String>>,
    /// How many there are more.
    further_tools: usize,
    last_failure: Option<Failure>,
    endpoints: Vec<EndpointView>,
    needs_token: bool,
    /// Whether a part of its URL is left out.
    needs_path: bool,
    /// What to paste into each of the clients, in their order; `null` for one that knows no transport which is offered.
    snippets: Vec<Option<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Process,
    Remote,
}

/// How a server failed last.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    what: &'static str,
    /// `null` where it is not told.
    cause: Option<String>,
    last_words: Option<String>,
    seconds_ago: u64,
}

#[derive(Debug, Serialize)]
struct EndpointView {
    transport: &'static str,
    url: String,
}

impl Proxy {
    /// How everything is at this moment.
    pub(super) fn status(&self, now: Instant) -> Status {
        let servers: Vec<(ServerId, &Server)> = self.configured().collect();
        let configs: Vec<&ServerConfig> = servers.iter().map(|(_, server)| &*server.config).collect();
        let names = numbered(&configs.iter().map(|config| entrances::withheld(config)).collect::<Vec<_>>());
        let front = Front {
            base_url: &self.config.base_url,
            port: self.listener.local.port(),
            transports: self.config.transports,
        };
        let offers: Vec<Offer> = entrances::transports(self.config.transports)
            .iter()
            .map(|transport| Offer::new(*transport, front, &configs))
            .collect();
        let views = servers.iter().enumerate().map(|(at, (id, server))| ServerView {
            name: names[at].clone(),
            sessions: self.sessions.iter().filter(|(_, session)| session.entrance == *id).count(),
            endpoints: offers.iter().map(|offer| offer.endpoint(at)).collect(),
            snippets: CLIENTS.iter().map(|(_, client)| snippet(*client, front, &offers, at)).collect(),
            ..view(server, now)
        });
        Status {
            name: self.config.name.clone(),
            version: env!("CARGO_PKG_VERSION"),
            is_ending: self.is_ending(),
            sessions: self.sessions.len(),
            clients: CLIENTS
                .iter()
                .map(|(_, client)| ClientView { title: client.title(), place: client.place().replace('\n', " ") })
                .collect(),
            servers: views.collect(),
        }
    }
}

/// All servers over one transport.
struct Offer {
    transport: Transport,
    entrances: Vec<Entrance>,
}

impl Offer {
    fn new(transport: Transport, front: Front<'_>, servers: &[&ServerConfig]) -> Offer {
        let entrances = entrances::entrances(front, servers.iter().copied(), transport, Secrets::Withheld);
        Offer { transport, entrances }
    }

    fn endpoint(&self, at: usize) -> EndpointView {
        let transport = match self.transport {
            Transport::Streamable => "streamable HTTP",
            Transport::Sse => "HTTP+SSE",
        };
        EndpointView { transport, url: self.entrances[at].url.clone() }
    }
}

fn snippet(client: Client, front: Front<'_>, offers: &[Offer], at: usize) -> Option<String> {
    let transport = client.transport(front.transports)?;
    let offer = offers.iter().find(|offer| offer.transport == transport)?;
    Some(client.snippet(&offer.entrances[at..=at]).trim_end().to_owned())
}

/// What a server alone knows; the rest is empty.
fn view(server: &Server, now: Instant) -> ServerView {
    let state = state_of(server);
    let supervisor = &server.supervisor;
    let seconds_since = |at: Instant| now.saturating_duration_since(at).as_secs();
    let (ready_seconds, retry_seconds) = match supervisor.state() {
        _ if state == ServerState::OnDemand => (None, None),
        State::Ready { since, .. } => (Some(seconds_since(*since)), None),
        State::BackingOff => {
            let due = supervisor.timer.due();
            (None, due.map(|due| due.saturating_duration_since(now).as_secs_f32().ceil() as u64))
        }
        State::Starting { .. } | State::Ending { .. } | State::Stopping { .. } | State::Stopped => (None, None),
    };
    let (kind, target) = target(&server.config.target);
    let (tools, further_tools) = tools(server);
    ServerView {
        name: String::new(),
        state: state.as_str(),
        is_fine: state.is_fine(),
        ready_seconds,
        retry_seconds,
        kind,
        target,
        sessions: 0,
        restarts: (server.config.isolation == Isolation::Shared).then(|| server.starts.saturating_sub(1)),
        tools,
        further_tools,
        last_failure: failure(server, now),
        endpoints: Vec::new(),
        needs_token: !server.config.auth_tokens.is_empty(),
        needs_path: server.config.name.contains('/'),
        snippets: Vec::new(),
    }
}

/// Folders tell who runs the proxy, arguments and paths of URLs may be secrets: none of them is told.
fn target(target: &Target) -> (Kind, String) {
    match target {
        Target::Command(command) => {
            let program = command.program.rsplit('/').next().unwrap_or_default();
            (Kind::Process, program.to_owned())
        }
        Target::Remote(remote) => (Kind::Remote, remote.url.origin().to_string()),
    }
}

/// Those that are offered. Where each session has a server of its own, each has tools of its own, too.
fn tools(server: &Server) -> (Option<Vec<String>>, usize) {
    if !server.catalogue.was_read() {
        let has_none = server.introduction.as_ref().is_some_and(|introduction| !introduction.capabilities.tools);
        return (has_none.then(Vec::new), 0);
    }
    let tools = server.catalogue.tools();
    let shown = tools.iter().take(limits::STATUS_TOOLS_MAX).map(|tool| shorten(tool).into_owned());
    (Some(shown.collect()), tools.len().saturating_sub(limits::STATUS_TOOLS_MAX))
}

/// Whoever may call an open server is told all of this by its errors. Of a protected one, what it wrote or answered is
/// left out: it may have repeated a key of its own.
fn failure(server: &Server, now: Instant) -> Option<Failure> {
    let (trouble, at) = server.last_failure.as_ref()?;
    let Outline { what, cause, last_words } = trouble.outline();
    let is_open = !server.config.is_protected();
    let is_ours = server.config.target.command().is_some();
    Some(Failure {
        what,
        cause: (is_open || is_ours).then(|| shorten(cause).into_owned()).filter(|cause| !cause.is_empty()),
        last_words: last_words.filter(|_| is_open).map(|words| shorten(words).into_owned()),
        seconds_ago: now.saturating_duration_since(*at).as_secs(),
    })
}
