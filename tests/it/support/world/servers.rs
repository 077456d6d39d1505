//! The servers behind the core: processes and hosts, shared and private.

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{Config, Isolation, Remote, RemoteTransport, Target};

use super::Rng;
use crate::support::requests;

/// A server as it is configured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) place: Place,
    isolation: Isolation,
    /// Whether its sessions offer sampling and roots.
    pub(super) is_askable: bool,
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

/// What a world has some of.
const KNOWN: [Server; 10] = [
    Server { name: "demo", place: Place::Process, isolation: Isolation::Shared, is_askable: true },
    Server { name: "other", place: Place::Process, isolation: Isolation::Shared, is_askable: false },
    Server { name: "far", place: STREAMABLE, isolation: Isolation::Shared, is_askable: true },
    Server { name: "wide", place: STREAMABLE, isolation: Isolation::Shared, is_askable: false },
    Server { name: "old", place: SSE, isolation: Isolation::Shared, is_askable: true },
    Server {
        name: "new-by-guess",
        place: Place::Host { transport: RemoteTransport::Auto, speech: Speech::Streamable },
        isolation: Isolation::Shared,
        is_askable: true,
    },
    Server {
        name: "old-by-guess",
        place: Place::Host { transport: RemoteTransport::Auto, speech: Speech::Sse },
        isolation: Isolation::Shared,
        is_askable: false,
    },
    Server { name: "own", place: Place::Process, isolation: Isolation::Session, is_askable: true },
    Server { name: "own-far", place: STREAMABLE, isolation: Isolation::Session, is_askable: true },
    Server { name: "own-old", place: SSE, isolation: Isolation::Session, is_askable: true },
];

impl Server {
    /// Whether each session has an upstream of its own.
    pub(super) fn is_private(&self) -> bool {
        self.isolation == Isolation::Session
    }
}

/// Two or three of them.
pub(super) fn choose(rng: &mut Rng) -> Vec<Server> {
    let mut known = KNOWN.to_vec();
    let count = rng.between(2, 3);
    (0..count).map(|_| known.swap_remove(rng.below(known.len()))).collect()
}

pub(super) fn config(servers: &[Server]) -> Config {
    let names: Vec<&str> = servers.iter().map(|server| server.name).collect();
    let mut config = requests::config(&names);
    for (entry, server) in config.servers.iter_mut().zip(servers) {
        entry.isolation = server.isolation;
        entry.log_enabled = true;
        if let Place::Host { transport, .. } = server.place {
            let url = Url::parse(&format!("http://{}.example:8080/mcp?key=s", server.name)).expect("a URL");
            let headers = vec![("X-Key".to_owned(), "secret".to_owned())];
            entry.target = Target::Remote(Remote { url, transport, headers });
        }
    }
    config
}
