//! The servers behind the core: processes and hosts, shared and private.

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{Config, Isolation, Remote, RemoteTransport, Target};

use super::Rng;
use crate::support::requests::{self, Http};

/// A server as it is configured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) place: Place,
    isolation: Isolation,
    /// Whether its clients offer sampling, elicitation and roots.
    pub(super) is_askable: bool,
    /// Whether it wants a token.
    is_guarded: bool,
}

/// Where a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Process,
    Host { transport: RemoteTransport, speech: Speech },
}

/// What a host really speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Streamable,
    /// HTTP+SSE.
    Sse,
}

const STREAMABLE: Place = Place::Host { transport: RemoteTransport::Streamable, speech: Speech::Streamable };
const SSE: Place = Place::Host { transport: RemoteTransport::Sse, speech: Speech::Sse };

const NEW_BY_GUESS: Place = Place::Host { transport: RemoteTransport::Auto, speech: Speech::Streamable };
const OLD_BY_GUESS: Place = Place::Host { transport: RemoteTransport::Auto, speech: Speech::Sse };

/// What a world has some of.
const KNOWN: [Server; 10] = [
    shared("demo", Place::Process, true),
    shared("other", Place::Process, false),
    shared("far", STREAMABLE, true),
    shared("wide", STREAMABLE, false),
    shared("old", SSE, true),
    shared("new-by-guess", NEW_BY_GUESS, true),
    shared("old-by-guess", OLD_BY_GUESS, false),
    private("own", Place::Process),
    private("own-far", STREAMABLE),
    private("own-old", SSE),
];

const fn shared(name: &'static str, place: Place, is_askable: bool) -> Server {
    Server { name, place, isolation: Isolation::Shared, is_askable, is_guarded: false }
}

const fn private(name: &'static str, place: Place) -> Server {
    Server { name, place, isolation: Isolation::Session, is_askable: true, is_guarded: false }
}

impl Server {
    /// Whether each session has an upstream of its own.
    pub(super) fn is_private(&self) -> bool {
        self.isolation == Isolation::Session
    }

    /// Whether it says in which call it asks.
    pub(super) fn is_telling(&self) -> bool {
        matches!(self.place, Place::Host { speech: Speech::Streamable, .. })
    }

    /// Somebody who may send it requests.
    pub(super) fn somebody(&self, rng: &mut Rng) -> Who {
        match (self.is_guarded, rng.below(2)) {
            (false, _) => Who::Anybody,
            (true, 0) => Who::One,
            (true, _) => Who::Two,
        }
    }
}

/// Who sends a request, as far as the token tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Anybody,
    One,
    Two,
}

impl Who {
    /// As a person would be called; nobody in particular has no name.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Who::Anybody => None,
            Who::One => Some("one"),
            Who::Two => Some("two"),
        }
    }

    /// Somebody else, where there is one.
    pub(super) fn other(self) -> Option<Who> {
        match self {
            Who::Anybody => None,
            Who::One => Some(Who::Two),
            Who::Two => Some(Who::One),
        }
    }

    /// The request, with the token that says so.
    pub(super) fn sign(self, http: Http) -> Http {
        match self.name() {
            None => http,
            Some(name) => http.with("Authorization", &format!("Bearer {name}")),
        }
    }
}

/// Two or three of them.
pub(super) fn choose(rng: &mut Rng) -> Vec<Server> {
    let mut known = KNOWN.to_vec();
    let count = rng.between(2, 3);
    let mut choice: Vec<Server> = (0..count).map(|_| known.swap_remove(rng.below(known.len()))).collect();
    for server in &mut choice {
        server.is_guarded = rng.one_in(3);
    }
    choice
}

pub(super) fn config(servers: &[Server]) -> Config {
    let names: Vec<&str> = servers.iter().map(|server| server.name).collect();
    let mut config = requests::config(&names);
    for (entry, server) in config.servers.iter_mut().zip(servers) {
        entry.isolation = server.isolation;
        entry.log_enabled = true;
        if server.is_guarded {
            entry.auth_tokens = [Who::One, Who::Two].iter().filter_map(|who| who.name()).map(str::to_owned).collect();
        }
        if let Place::Host { transport, .. } = server.place {
            let url = Url::parse(&format!("http://{}.example:8080/mcp?key=s", server.name)).expect("a URL");
            let headers = vec![("X-Key".to_owned(), "secret".to_owned())];
            entry.target = Target::Remote(Remote { url, transport, headers });
        }
    }
    config
}
