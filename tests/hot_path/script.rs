//! What is called, and what kind of server is behind the proxy.

use mcp_proxy::config::{Config, RemoteTransport};

use crate::support::requests::{Http, config, remote_config};

/// What is called over and over.
pub(crate) struct Script {
    name: &'static str,
    /// Whether the clients speak 2026-07-28.
    pub(crate) is_modern: bool,
    /// Whether the server is behind streamable HTTP, otherwise it is a process.
    pub(crate) is_remote: bool,
    /// How long the text in each result is.
    pub(crate) text_bytes: usize,
}

/// Clients and servers are of one era: their calls pass as they are.
const SCRIPTS: [Script; 5] = [
    Script { name: "legacy-stdio", is_modern: false, is_remote: false, text_bytes: 64 },
    Script { name: "modern-stdio", is_modern: true, is_remote: false, text_bytes: 64 },
    Script { name: "legacy-http", is_modern: false, is_remote: true, text_bytes: 64 },
    Script { name: "modern-http", is_modern: true, is_remote: true, text_bytes: 64 },
    Script { name: "large-stdio", is_modern: false, is_remote: false, text_bytes: 100 * 1_024 },
];

const CALL: &str = concat!(
    r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "#,
    r#""arguments": {"message": "a message that is as long as the one that the load sends with each call"}"#
);

const META: &str = concat!(
    r#", "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "#,
    r#""io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"}, "#,
    r#""io.modelcontextprotocol/clientCapabilities": {}}"#
);

impl Script {
    pub(crate) fn named(name: &str) -> Option<Script> {
        SCRIPTS.into_iter().find(|script| script.name == name)
    }

    pub(crate) fn names() -> String {
        SCRIPTS.map(|script| script.name).join(", ")
    }

    /// One server, `demo`.
    pub(crate) fn config(&self) -> Config {
        if self.is_remote { remote_config("http://up.example/mcp", RemoteTransport::Auto) } else { config(&["demo"]) }
    }

    /// The request that all connections send. `session`: what a legacy client was given.
    pub(crate) fn request(&self, session: &str) -> Vec<u8> {
        let meta = if self.is_modern { META } else { "" };
        let http = Http::post("/demo/mcp", &format!("{CALL}{meta}}}}}"));
        let http = if self.is_modern {
            http.with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", "tools/call").with("Mcp-Name", "echo")
        } else {
            http.with("MCP-Protocol-Version", "2025-11-25").with("Mcp-Session-Id", session)
        };
        http.text().into_bytes()
    }
}
