//! Row 4: what clients are told about servers: where, and what to paste there. `-print-client-config` prints it, the
//! status page offers it.
//!
//! ```text
//! Cursor: ~/.cursor/mcp.json, or .cursor/mcp.json in a project
//!
//! { "mcpServers": { ... } }
//! ```

pub mod entrances;

mod pieces;

use std::fmt;

use self::entrances::{Entrance, Front, Secrets, TOKEN, Transport, quoted};
use self::pieces::Shape;
use crate::config::{ServerConfig, Transports};

/// A client whose configuration we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Cursor,
    VsCode,
    Windsurf,
    Cline,
    Continue,
    Zed,
    Gemini,
    Codex,
    Goose,
    LibreChat,
}

/// All of them, as users name them.
pub const CLIENTS: [(&str, Client); 12] = [
    ("claude-code", Client::ClaudeCode),
    ("claude-desktop", Client::ClaudeDesktop),
    ("cursor", Client::Cursor),
    ("vscode", Client::VsCode),
    ("windsurf", Client::Windsurf),
    ("cline", Client::Cline),
    ("continue", Client::Continue),
    ("zed", Client::Zed),
    ("gemini", Client::Gemini),
    ("codex", Client::Codex),
    ("goose", Client::Goose),
    ("librechat", Client::LibreChat),
];

/// The client speaks streamable HTTP only, and the proxy is told to offer only SSE. Displays as advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoCommonTransport;

impl fmt::Display for NoCommonTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "this client does not speak HTTP+SSE, the only transport that is offered\n    \
             Remove \"type\": \"sse\" from mcpProxy: both transports are offered then.",
        )
    }
}

impl std::error::Error for NoCommonTransport {}

impl Client {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Client::ClaudeCode => "Claude Code",
            Client::ClaudeDesktop => "Claude Desktop",
            Client::Cursor => "Cursor",
            Client::VsCode => "VS Code",
            Client::Windsurf => "Windsurf",
            Client::Cline => "Cline",
            Client::Continue => "Continue",
            Client::Zed => "Zed",
            Client::Gemini => "Gemini CLI",
            Client::Codex => "Codex",
            Client::Goose => "Goose",
            Client::LibreChat => "LibreChat",
        }
    }

    /// Where it is told about servers.
    pub fn place(self) -> &'static str {
        match self {
            Client::ClaudeCode => "run this, or write what it writes into .mcp.json of a project",
            Client::ClaudeDesktop => {
                "claude_desktop_config.json, in ~/Library/Application Support/Claude (macOS)\n\
                 or %APPDATA%\\Claude (Windows); it starts mcp-remote, which needs Node.js"
            }
            Client::Cursor => "~/.cursor/mcp.json, or .cursor/mcp.json in a project",
            Client::VsCode => {
                ".vscode/mcp.json in a project, or for the user mcp.json in ~/.config/Code/User (Linux),\n\
                 ~/Library/Application Support/Code/User (macOS) or %APPDATA%\\Code\\User (Windows)"
            }
            Client::Windsurf => "~/.codeium/windsurf/mcp_config.json",
            Client::Cline => "~/.cline/data/settings/cline_mcp_settings.json",
            Client::Continue => "~/.continue/config.yaml",
            Client::Zed => "~/.config/zed/settings.json, or %APPDATA%\\Zed\\settings.json (Windows)",
            Client::Gemini => "~/.gemini/settings.json",
            Client::Codex => "~/.codex/config.toml",
            Client::Goose => "~/.config/goose/config.yaml, or %APPDATA%\\Block\\goose\\config\\config.yaml (Windows)",
            Client::LibreChat => "librechat.yaml",
        }
    }

    /// The best transport of those offered that it knows.
    pub fn transport(self, offered: Transports) -> Option<Transport> {
        let is_known = |transport: &&Transport| **transport == Transport::Streamable || !self.is_streamable_only();
        entrances::transports(offered).iter().find(is_known).copied()
    }

    fn is_streamable_only(self) -> bool {
        matches!(self, Client::Zed | Client::Codex | Client::Goose)
    }

    /// What to paste there, for these servers.
    pub fn snippet(self, entrances: &[Entrance]) -> String {
        match self {
            Client::ClaudeCode => entrances.iter().map(|entrance| claude_code(entrance) + "\n").collect(),
            Client::ClaudeDesktop => pieces::json("mcpServers", entrances, pieces::mcp_remote),
            Client::Cursor => pieces::remotes("mcpServers", entrances, Shape { url: "url", kinds: None }),
            Client::VsCode => pieces::remotes("servers", entrances, Shape { url: "url", kinds: Some(["http", "sse"]) }),
            Client::Windsurf => pieces::remotes("mcpServers", entrances, Shape { url: "serverUrl", kinds: None }),
            Client::Cline => {
                let kinds = Some(["streamableHttp", "sse"]);
                pieces::remotes("mcpServers", entrances, Shape { url: "url", kinds })
            }
            Client::Continue => pieces::continue_yaml(entrances),
            Client::Zed => pieces::remotes("context_servers", entrances, Shape { url: "url", kinds: None }),
            Client::Gemini => {
                pieces::remotes("mcpServers", entrances, Shape { url: "url", kinds: Some(["http", "sse"]) })
            }
            Client::Codex => pieces::codex_toml(entrances),
            Client::Goose => pieces::goose_yaml(entrances),
            Client::LibreChat => pieces::librechat_yaml(entrances),
        }
    }
}

/// All that is to be printed.
///
/// # Errors
///
/// The client knows no transport that is offered.
pub fn text(
    client: Client,
    front: Front<'_>,
    servers: &[ServerConfig],
    secrets: Secrets,
) -> Result<String, NoCommonTransport> {
    let transport = client.transport(front.transports).ok_or(NoCommonTransport)?;
    let snippet = client.snippet(&entrances::entrances(front, servers, transport, secrets));
    let mut text = format!("{}: {}\n\n{snippet}", client.title(), client.place());
    let is_hidden = servers.iter().any(|server| !server.auth_tokens.is_empty() || server.is_name_secret());
    if is_hidden && secrets == Secrets::Hidden {
        text.push_str("\nA token belongs where <token> stands, a path where … stands; -show-secrets prints them.\n");
    }
    Ok(text)
}

/// The line that adds a server to Claude Code.
pub fn claude_code(entrance: &Entrance) -> String {
    let Entrance { name, url, transport, token } = entrance;
    let transport = match transport {
        Transport::Streamable => "http",
        Transport::Sse => "sse",
    };
    let header = match token.as_deref() {
        None => String::new(),
        Some(TOKEN) => format!(" --header \"Authorization: Bearer {TOKEN}\""),
        Some(token) => format!(" --header {}", quoted(&format!("Authorization: Bearer {token}"))),
    };
    format!("claude mcp add --transport {transport} {name} {}{header}", quoted(url))
}
