//! Which paths there are: `{baseURL path}/{name}/mcp`, and for HTTP+SSE `…/sse` and `…/message`.

use super::errors::Denial;
use crate::base::id::ServerId;
use crate::clients::entrances::Transport;
use crate::proxy::Proxy;

/// What a path leads to, beside the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The one endpoint of streamable HTTP.
    Streamable,
    /// Where the stream of HTTP+SSE is opened.
    Sse,
    /// Where the messages of HTTP+SSE are sent.
    Message,
}

impl Endpoint {
    pub(super) const ALL: [Endpoint; 3] = [Endpoint::Streamable, Endpoint::Sse, Endpoint::Message];

    pub(crate) fn segment(self) -> &'static str {
        match self {
            Endpoint::Streamable => Transport::Streamable.segment(),
            Endpoint::Sse => Transport::Sse.segment(),
            Endpoint::Message => "message",
        }
    }

    /// What it allows, for `Allow` (RFC 9110, 10.2.1).
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Endpoint::Streamable => "GET, POST, DELETE, OPTIONS",
            Endpoint::Sse => "GET, OPTIONS",
            Endpoint::Message => "POST, OPTIONS",
        }
    }
}

impl Proxy {
    /// The server behind a path, and what of it; a slash at the end does not matter.
    pub(super) fn find_endpoint(&self, path: &str) -> Result<(ServerId, Endpoint), Denial> {
        let found = self.split_path(path).and_then(|(name, endpoint)| {
            let (id, _) = self.configured().find(|(_, server)| server.config.name == name)?;
            Some((id, endpoint))
        });
        found.ok_or_else(|| Denial::unknown_path(path, &self.public_paths()))
    }

    /// Only the last segment is ours: a name may contain slashes.
    fn split_path<'a>(&self, path: &'a str) -> Option<(&'a str, Endpoint)> {
        let rest = path.strip_prefix(self.config.base_url.path())?.strip_prefix('/')?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let slash = memchr::memrchr(b'/', rest.as_bytes())?;
        let (name, segment) = (&rest[..slash], &rest[slash + 1..]);
        let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.segment() == segment)?;
        self.is_served(endpoint).then_some((name, endpoint))
    }

    fn is_served(&self, endpoint: Endpoint) -> bool {
        match endpoint {
            Endpoint::Streamable => self.config.transports.has_streamable(),
            Endpoint::Sse | Endpoint::Message => self.config.transports.has_sse(),
        }
    }

    /// Where an endpoint of a server is.
    pub(super) fn path_of(&self, server: ServerId, endpoint: Endpoint) -> String {
        let name = self.servers.get(server).map_or("", |server| &server.config.name);
        format!("{}/{name}/{}", self.config.base_url.path(), endpoint.segment())
    }

    /// All paths at which a client may begin, unless a secret protects any of them: then they are nobody's business.
    fn public_paths(&self) -> Vec<String> {
        if self.configured().any(|(_, server)| server.config.is_protected()) {
            return Vec::new();
        }
        let entrances = [Endpoint::Streamable, Endpoint::Sse].into_iter().filter(|endpoint| self.is_served(*endpoint));
        let entrances: Vec<Endpoint> = entrances.collect();
        let paths = self.configured().flat_map(|(id, _)| entrances.iter().map(move |endpoint| (id, *endpoint)));
        paths.map(|(id, endpoint)| self.path_of(id, endpoint)).collect()
    }
}
