//! Where clients find the servers, and what they may call them.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::base::url::Url;
use crate::config::names::{MASK, first_part};
use crate::config::{ServerConfig, Transports};

/// Stands where a token would.
pub const TOKEN: &str = "<token>";

/// Where clients find the proxy, and how.
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    /// Under which URL they reach it.
    pub base_url: &'a Url,
    /// Takes the place of port 0 in it, which means: whatever the system chose.
    pub port: u16,
    /// Which transports they are offered.
    pub transports: Transports,
}

impl Front<'_> {
    /// Where the proxy itself is; `/…` can be appended.
    pub fn location(&self) -> Url {
        let base = self.base_url.clone();
        if base.port() == 0 { base.with_port(self.port) } else { base }
    }

    /// Where a server is, without the last segment.
    pub fn location_of(&self, server: &ServerConfig, secrets: Secrets) -> String {
        match secrets {
            Secrets::Shown => format!("{}/{}", self.location(), server.name),
            Secrets::Hidden => format!("{}/{}", self.location(), server.label),
            Secrets::Withheld => format!("{}/{}", self.location(), withheld(server)),
        }
    }
}

/// How a server is reached by clients that know one way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// What a client may call it: letters, digits, `-` and `_`; no other server is called so.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How it is spoken to.
    pub transport: Transport,
    /// What to send along; `None` where nothing is asked for.
    pub token: Option<String>,
}

/// How clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Streamable HTTP.
    Streamable,
    /// HTTP+SSE.
    Sse,
}

impl Transport {
    /// The last segment of the URL.
    pub fn segment(self) -> &'static str {
        match self {
            Transport::Streamable => "mcp",
            Transport::Sse => "sse",
        }
    }
}

/// Whether secrets are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Tokens as they are, and paths that are as good as one.
    Shown,
    /// Something stands in their places.
    Hidden,
    /// The same, and in the place of every path within a name: for whoever asks, unknown.
    Withheld,
}

/// The transports that are offered, the better one first.
pub fn transports(offered: Transports) -> &'static [Transport] {
    match offered {
        Transports::Sse => &[Transport::Sse],
        Transports::Streamable => &[Transport::Streamable],
        Transports::Both => &[Transport::Streamable, Transport::Sse],
    }
}

/// All servers over `transport`.
pub fn entrances<'a>(
    front: Front<'_>,
    servers: impl IntoIterator<Item = &'a ServerConfig>,
    transport: Transport,
    secrets: Secrets,
) -> Vec<Entrance> {
    let mut taken = HashSet::new();
    let entrance = |server: &ServerConfig| Entrance {
        name: distinct(plain_name(first_part(&server.label)), &mut taken),
        url: format!("{}/{}", front.location_of(server, secrets), transport.segment()),
        transport,
        token: server.auth_tokens.first().map(|token| match secrets {
            Secrets::Shown => token.clone(),
            Secrets::Hidden | Secrets::Withheld => TOKEN.to_owned(),
        }),
    };
    servers.into_iter().map(entrance).collect()
}

/// The name, or one with a number behind it where that is taken.
pub(super) fn distinct(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
    let free = free.unwrap_or_else(|| name.clone());
    taken.insert(free.clone());
    free
}

/// What a server is called towards those who may not know its path: of a path, the first part. Another may be called
/// so, too.
pub fn withheld(server: &ServerConfig) -> Cow<'_, str> {
    match server.label.split_once('/') {
        Some((first, _)) => format!("{first}/{MASK}").into(),
        None => server.label.as_str().into(),
    }
}

/// Clients take letters, digits, `-` and `_`; on a command line, a leading dash is a flag.
fn plain_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.starts_with('-') { format!("_{plain}") } else { plain }
}

/// Safe to paste into a shell.
pub fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/:@%+,".contains(&b);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
