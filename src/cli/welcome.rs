//! What is printed once the proxy listens: what is served where, and how to use it. Tokens are never printed,
//! nor are paths that are as good as one.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::base::url::Url;
use crate::config::names::first_part;
use crate::config::{Config, ServerConfig, Transports};

/// Stands where a token would.
const TOKEN: &str = "<token>";

/// The least that makes a server answer something to look at.
const INITIALIZE: &str = concat!(
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","#,
    r#""capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}"#
);

/// For a configuration of the user's: its URLs, and how to add them to Claude Code.
pub fn welcome(config: &Config, local: SocketAddr) -> String {
    let mut text = routes(config, local);
    text.push_str("\nAdd to Claude Code:\n\n");
    push_claude_lines(&mut text, config, local);
    text
}

/// For `-demo`: the same and a line to paste.
pub fn demo(config: &Config, local: SocketAddr) -> String {
    let mut text = routes(config, local);
    text.push_str("\nTry it:\n\n");
    for server in &config.servers {
        let url = format!("{}/mcp", location(config, local, server));
        let _ = writeln!(text, "  {}", curl_line(server, &url));
    }
    text.push_str("\nAdd it to Claude Code:\n\n");
    push_claude_lines(&mut text, config, local);
    text.push_str("\nStop it with Ctrl-C.\n");
    text
}

fn routes(config: &Config, local: SocketAddr) -> String {
    let mut text = format!("mcp-proxy {} listens on {local}\n\n", env!("CARGO_PKG_VERSION"));
    let width = config.servers.iter().map(|server| server.label.chars().count()).max().unwrap_or_default();
    for server in &config.servers {
        let protection = if server.auth_tokens.is_empty() { "" } else { "  (token)" };
        // No more than the origin: paths and queries may be secrets.
        let upstream = server.target.remote().map(|remote| format!("  -> {}", remote.url.origin())).unwrap_or_default();
        let mut name = server.label.as_str();
        for segment in entrances(config.transports) {
            let location = location(config, local, server);
            let _ = writeln!(text, "  {name:width$}  {location}/{segment}{protection}{upstream}");
            name = "";
        }
    }
    text
}

/// The last segments of the URLs under which clients begin, the better one first.
fn entrances(transports: Transports) -> &'static [&'static str] {
    match transports {
        Transports::Sse => &["sse"],
        Transports::Streamable => &["mcp"],
        Transports::Both => &["mcp", "sse"],
    }
}

/// Where downstreams find a server; with a mask where its path is a secret. Port 0 in the default base URL means:
/// whatever the system chose.
fn location(config: &Config, local: SocketAddr, server: &ServerConfig) -> String {
    let base: Url = config.base_url.clone();
    let base = if base.port() == 0 { base.with_port(local.port()) } else { base };
    format!("{base}/{}", server.label)
}

fn push_claude_lines(text: &mut String, config: &Config, local: SocketAddr) {
    let (transport, segment) = if config.transports.has_streamable() { ("http", "mcp") } else { ("sse", "sse") };
    for server in &config.servers {
        let name = claude_name(first_part(&server.label));
        let url = quoted(&format!("{}/{segment}", location(config, local, server)));
        let header = if server.auth_tokens.is_empty() {
            String::new()
        } else {
            format!(" --header \"Authorization: Bearer {TOKEN}\"")
        };
        let _ = writeln!(text, "  claude mcp add --transport {transport} {name} {url}{header}");
    }
}

fn curl_line(server: &ServerConfig, url: &str) -> String {
    let header =
        if server.auth_tokens.is_empty() { String::new() } else { format!(" -H 'Authorization: Bearer {TOKEN}'") };
    let accept = "Accept: application/json, text/event-stream";
    let url = quoted(url);
    format!("curl -s {url} -H 'Content-Type: application/json' -H '{accept}'{header} -d '{INITIALIZE}'")
}

/// Claude Code takes letters, digits, `-` and `_`, and reads a leading dash as a flag.
fn claude_name(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    if plain.starts_with('-') { format!("_{plain}") } else { plain }
}

/// Safe to paste into a shell.
fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/:@%+,".contains(&b);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
