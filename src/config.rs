//! Row 3: the configuration, as typed by the user and as resolved.
//!
//! ```text
//! Source ── raw::read ──> Raw ── expand::everywhere ──> Raw ── resolve::resolve ──> Config
//!               └─────────────────> Report <────────────────────────┘   all problems, in the order of the file
//! ```
//!
//! [`source`] knows lines and columns, [`raw`] keeps what the user typed with its place in the file (in the old format:
//! [`v1`]), [`expand`] fills in environment variables, [`resolve`] applies defaults and inheritance and yields
//! [`Config`], which the rest of the program sees. [`download`] is for a text that is on another machine. Nothing here
//! reads a file, a socket or the environment.

pub mod addr;
pub mod change;
pub mod download;
pub mod duration;
pub mod environment;
pub mod expand;
pub mod forward_proxy;
pub mod keys;
pub mod names;
pub mod networks;
pub mod node;
pub mod oauth;
pub mod password;
pub mod raw;
pub mod redirect_uri;
pub mod report;
pub mod resolve;
pub mod source;
pub mod v1;

use std::net::SocketAddr;
use std::time::Duration;

pub use self::addr::{ADDR_FORMS, Addr, AddrError};
use self::environment::Inheritance;
pub use self::oauth::OAuth;
use self::report::{Problem, Problems, Report};
use self::source::Source;
use crate::base::url::{Url, is_loopback_name};

/// The smallest configuration that does something, for messages.
pub const EXAMPLE: &str = r#"Add a server, for example:
{
  "mcpServers": {
    "time": { "command": "uvx", "args": ["mcp-server-time"] }
  }
}"#;

/// What else decides about a configuration, beside its text.
#[derive(Clone, Default)]
pub struct Around<'a> {
    /// Listen there, whatever the file says.
    pub addr: Option<Addr>,
    /// The values of environment variables; `None` leaves every `$` as it is.
    pub variables: Option<&'a Variables<'a>>,
    /// Whether warnings may repeat what is probably secret.
    pub shows_secrets: bool,
}

/// The value of the environment variable of a name, if it is set.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Reads and resolves a configuration: with warnings, or not at all and with everything that is wrong.
pub fn load(source: &Source, around: &Around<'_>) -> Result<Config, Problems> {
    let mut report = Report::default();
    let mut raw = raw::read(source, around.shows_secrets, &mut report);
    v1::refuse_placeholders(&mut raw, &mut report);
    if let Some(variables) = around.variables {
        expand::everywhere(&mut raw, variables, &mut report);
    }
    let config = resolve::resolve(&raw, around.addr.clone(), &mut report);
    let warnings = report.finish(source)?;
    Ok(Config { warnings, ..config })
}

/// Where a configuration says that customised pages are, whatever else is wrong with it.
///
/// # Errors
/// It cannot be read, or names a variable that is not set.
pub fn template_dir(source: &Source, variables: Option<&Variables<'_>>) -> Result<Option<String>, Problems> {
    let mut report = Report::default();
    let raw = raw::read(source, false, &mut report);
    let Some(oauth2) = raw.proxy.options.oauth2.value() else {
        return if raw.servers.is_refused() { report.finish(source).map(|_| None) } else { Ok(None) };
    };
    let mut report = Report::default();
    let dir = expand::field(&oauth2.template_dir, variables, &mut report);
    report.finish(source).map(|_| dir)
}

/// A whole configuration: validated, defaults filled in.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the proxy is called, for `clientInfo` towards upstreams.
    pub name: String,
    /// Its version, likewise.
    pub version: String,
    /// Where to listen, as typed (`:9090`, `localhost:9090`, `[::1]:9090`); resolved by the shell.
    pub addr: Addr,
    /// Under which URL downstreams reach the proxy; its path prefixes every route.
    pub base_url: Url,
    /// Whether that was given, and not derived from `addr`.
    pub is_base_url_given: bool,
    /// Which transports downstreams are offered.
    pub transports: Transports,
    /// Origins allowed beside loopback and `base_url`'s own, spelt as `Origin` displays them; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// `Host` names (spelt as `Authority::host`, without port) allowed beside loopback names and `base_url`'s own.
    /// Empty: no further ones on a loopback listener, any on another.
    pub allowed_hosts: Vec<String>,
    /// Who gets to see the status page.
    pub status_page: StatusPage,
    /// Whether `/metrics` is served.
    pub metrics: bool,
    /// The authorization server; `None`: there is none.
    pub oauth: Option<OAuth>,
    /// The upstreams, in the order of the file; disabled ones are left out.
    pub servers: Vec<ServerConfig>,
    /// What the user should know, in the order of the file.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Whether a listener has a status page; how a request came may still speak against it. A listener on loopback
    /// with a base URL elsewhere is reached by others than the users of this machine: a reverse proxy stands before it.
    pub fn has_status_page(&self, listener: Listener) -> bool {
        match self.status_page {
            StatusPage::Everywhere => true,
            StatusPage::Nowhere => false,
            StatusPage::Local => listener.is_loopback() && is_loopback_name(self.base_url.host()),
        }
    }
}

/// Who gets to see the status page: `mcpProxy.statusPage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPage {
    /// Whoever reaches the proxy: `true`.
    Everywhere,
    /// Nobody: `false`.
    Nowhere,
    /// Users of this machine, as far as that can be told. The default.
    Local,
}

/// Which transports downstreams are offered: `mcpProxy.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transports {
    /// HTTP+SSE of 2024-11-05, at `/{name}/sse`.
    Sse,
    /// Streamable HTTP, at `/{name}/mcp`.
    Streamable,
    /// Side by side.
    Both,
}

impl Transports {
    /// Whether `/{name}/sse` is served.
    pub fn has_sse(self) -> bool {
        matches!(self, Transports::Sse | Transports::Both)
    }

    /// Whether `/{name}/mcp` is served.
    pub fn has_streamable(self) -> bool {
        matches!(self, Transports::Streamable | Transports::Both)
    }
}

/// One upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerConfig {
    /// Its name in paths. Where [`ServerConfig::is_name_secret`], nobody is told who does not know it.
    pub name: String,
    /// What logs and messages call it: the name, with a mask where it may contain a token; no other server's.
    pub label: String,
    /// Where it is.
    pub target: Target,
    /// Tokens, one of which a downstream must present; empty: open to all. Without the `Bearer` prefix.
    pub auth_tokens: Vec<String>,
    /// Whether an access token of the authorization server opens it.
    pub is_behind_login: bool,
    /// End the whole proxy if this server cannot be initialised at start.
    pub panic_if_invalid: bool,
    /// One log line per request.
    pub log_enabled: bool,
    /// Whether all sessions share it.
    pub isolation: Isolation,
    /// How long a call waits for the server to become ready.
    pub startup_time: Duration,
    /// How long a call may stay silent.
    pub request_time: Duration,
    /// Which of its tools are offered; `None`: all.
    pub tool_filter: Option<ToolFilter>,
}

impl ServerConfig {
    /// Whether its path is a credential.
    pub fn is_name_secret(&self) -> bool {
        self.name != self.label
    }

    /// Whether only those may call who logged in, or know a secret: a token, or a path, which may be one however short.
    pub fn is_protected(&self) -> bool {
        self.is_behind_login || !self.auth_tokens.is_empty() || self.is_name_secret() || self.name.contains('/')
    }
}

/// Which tools of an upstream downstreams get to see; [`crate::mcp::tool_filter`] applies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFilter {
    /// What the names are for.
    pub mode: ToolFilterMode,
    /// At least one. A `*` stands for any characters, or none.
    pub names: Vec<String>,
}

/// What happens to the tools that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolFilterMode {
    /// They are offered, all others are not.
    Allow,
    /// They are not offered, all others are.
    Block,
}

/// Whether sessions share an upstream: `isolation` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// One for all, initialised before anybody is there.
    Shared,
    /// One for each session, initialised with that downstream's own capabilities, ended with it.
    Session,
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A process of our own, on its stdin and stdout.
    Command(Command),
    /// Somewhere in the network.
    Remote(Remote),
}

impl Target {
    /// What to run, if it is a process.
    pub fn command(&self) -> Option<&Command> {
        match self {
            Target::Command(command) => Some(command),
            Target::Remote(_) => None,
        }
    }

    /// Where to connect to, if it is somewhere in the network.
    pub fn remote(&self) -> Option<&Remote> {
        match self {
            Target::Command(_) => None,
            Target::Remote(remote) => Some(remote),
        }
    }
}

/// An upstream in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its endpoint.
    pub url: Url,
    /// How it is spoken to.
    pub transport: RemoteTransport,
    /// Sent with every request; names and values are fit to be sent. Secrets, more often than not.
    pub headers: Vec<(String, String)>,
}

/// How a remote upstream is spoken to: `transportType` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteTransport {
    /// HTTP+SSE of 2024-11-05.
    Sse,
    /// Streamable HTTP.
    Streamable,
    /// Streamable HTTP first; SSE if the upstream does not know it (2025-11-25, transports, backwards compatibility).
    Auto,
}

/// A child process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// A name looked up in `PATH`, or a path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it gets of the proxy's own environment.
    pub inherits: Inheritance,
    /// Added to that.
    pub env: Vec<(String, String)>,
}

/// What the routes need to know of the listener.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    /// Where it really listens.
    pub local: SocketAddr,
}

impl Listener {
    /// Whether nobody else's machine reaches it directly.
    pub fn is_loopback(self) -> bool {
        self.local.ip().to_canonical().is_loopback()
    }
}
