//! Where clients find the servers, and what they may call them.

use std::collections::HashSet;

use crate::base::url::Url;
use crate::config::names::first_part;
use crate::config::{Config, ServerConfig, Transports};
use crate::routes::endpoints::Endpoint;

/// Stands where a token would.
pub const TOKEN: &str = "<token>";

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
            Transport::Streamable => Endpoint::Streamable.segment(),
            Transport::Sse => Endpoint::Sse.segment(),
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
}

/// The transports that are offered, the better one first.
pub fn transports(config: &Config) -> &'static [Transport] {
    match config.transports {
        Transports::Sse => &[Transport::Sse],
        Transports::Streamable => &[Transport::Streamable],
        Transports::Both => &[Transport::Streamable, Transport::Sse],
    }
}

/// All servers over `transport`. `port` takes the place of one that the system was to choose.
pub fn entrances(config: &Config, port: u16, transport: Transport, secrets: Secrets) -> Vec<Entrance> {
    let mut taken = HashSet::new();
    let mut distinct = |name: String| {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        let free = free.unwrap_or_else(|| name.clone());
        taken.insert(free.clone());
        free
    };
    let entrance = |server: &ServerConfig| Entrance {
        name: distinct(plain_name(first_part(&server.label))),
        url: format!("{}/{}", location(config, port, server, secrets), transport.segment()),
        transport,
        token: server.auth_tokens.first().map(|token| match secrets {
            Secrets::Shown => token.clone(),
            Secrets::Hidden => TOKEN.to_owned(),
        }),
    };
    config.servers.iter().map(entrance).collect()
}

/// The URL of a server without its last segment. Port 0 in the default base URL means: whatever the system chose.
pub fn location(config: &Config, port: u16, server: &ServerConfig, secrets: Secrets) -> String {
    let base: Url = config.base_url.clone();
    let base = if base.port() == 0 { base.with_port(port) } else { base };
    match secrets {
        Secrets::Shown => format!("{base}/{}", server.name),
        Secrets::Hidden => format!("{base}/{}", server.label),
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
