//! What is printed once the proxy listens: what is served where, and how to use it. Tokens are never printed,
//! nor are paths that are as good as one.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::clients::claude_code;
use crate::clients::entrances::{Entrance, Front, Secrets, Transport, entrances, quoted, transports};
use crate::config::{Config, Listener};

/// The least that makes a server answer something to look at.
const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}"#
);

/// For a configuration of the user's: its URLs, and how to add them to Claude Code.
pub fn welcome(config: &Config, local: SocketAddr) -> String {
    let mut text = listening(local) + &routes(config, local.port()) + &status_page(config, local);
    text.push_str("\nAdd to Claude Code:\n\n");
    push_claude_lines(&mut text, config, local.port());
    text
}

/// For `-demo`: the same and a line to paste.
pub fn demo(config: &Config, local: SocketAddr) -> String {
    let mut text = listening(local) + &routes(config, local.port()) + &status_page(config, local);
    text.push_str("\nTry it:\n\n");
    for entrance in entrances(front(config, local.port()), &config.servers, Transport::Streamable, Secrets::Hidden) {
        let _ = writeln!(text, "  {}", curl_line(&entrance));
    }
    text.push_str("\nAdd it to Claude Code:\n\n");
    push_claude_lines(&mut text, config, local.port());
    text.push_str("\nStop it with Ctrl-C.\n");
    text
}

/// For `-check-config`: what would be served. The first line is the reference's.
pub fn check(config: &Config) -> String {
    let count = config.servers.len();
    format!("Config OK: {count} MCP server(s) configured\n\n{}", routes(config, config.addr.port))
}

/// `port` takes the place of one that the system was to choose.
pub(super) fn front(config: &Config, port: u16) -> Front<'_> {
    Front { base_url: &config.base_url, port, transports: config.transports }
}

fn listening(local: SocketAddr) -> String {
    format!("mcp-proxy {} listens on {local}\n\n", env!("CARGO_PKG_VERSION"))
}

fn routes(config: &Config, port: u16) -> String {
    let mut text = String::new();
    let width = config.servers.iter().map(|server| server.label.chars().count()).max().unwrap_or_default();
    for server in &config.servers {
        let protection = match (server.is_behind_login, server.auth_tokens.is_empty()) {
            (false, true) => "",
            (false, false) => "  (token)",
            (true, true) => "  (login)",
            (true, false) => "  (login or token)",
        };
        // No more than the origin: paths and queries may be secrets.
        let upstream = server.target.remote().map(|remote| format!("  -> {}", remote.url.origin())).unwrap_or_default();
        let location = front(config, port).location_of(server, Secrets::Hidden);
        let mut name = server.label.as_str();
        for transport in transports(config.transports) {
            let _ = writeln!(text, "  {name:width$}  {location}/{}{protection}{upstream}", transport.segment());
            name = "";
        }
    }
    text
}

/// Where the status page is, if there is one.
fn status_page(config: &Config, local: SocketAddr) -> String {
    if !config.has_status_page(Listener { local }) {
        return String::new();
    }
    format!("\nStatus: {}/\n", front(config, local.port()).location())
}

fn push_claude_lines(text: &mut String, config: &Config, port: u16) {
    let best = transports(config.transports).first().copied().unwrap_or(Transport::Streamable);
    for entrance in entrances(front(config, port), &config.servers, best, Secrets::Hidden) {
        let _ = writeln!(text, "  {}", claude_code(&entrance));
    }
}

fn curl_line(entrance: &Entrance) -> String {
    let header = entrance.token.as_ref().map(|token| format!(" -H 'Authorization: Bearer {token}'"));
    let (url, header) = (quoted(&entrance.url), header.unwrap_or_default());
    let accept = "Accept: application/json, text/event-stream";
    format!("curl -s {url} -H 'Content-Type: application/json' -H '{accept}'{header} -d '{INITIALIZE}'")
}
