//! What clients read: JSON, YAML or TOML, each with its own words.

use std::collections::HashSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::entrances::{Entrance, Transport, distinct, quoted};
use crate::base::ordered::Ordered;
use crate::base::url::{Authority, is_loopback_name};

/// The members of one server.
type Members = Ordered<Value>;

/// How a client that connects by itself calls things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The key of the URL.
    pub(super) url: &'static str,
    /// The values of `type` for streamable HTTP and SSE, where there is one.
    pub(super) kinds: Option<[&'static str; 2]>,
}

/// A file with all servers under one key.
pub(super) fn json(key: &str, entrances: &[Entrance], members: impl Fn(&Entrance) -> Members) -> String {
    let servers = entrances.iter().map(|entrance| (entrance.name.clone(), members(entrance))).collect();
    let file = Ordered(vec![(key.to_owned(), Ordered(servers))]);
    serde_json::to_string_pretty(&file).unwrap_or_default() + "\n" // strings always can be written
}

/// The same for clients that connect by themselves.
pub(super) fn remotes(key: &str, entrances: &[Entrance], shape: Shape) -> String {
    json(key, entrances, |entrance| {
        let kind = shape.kinds.map(|kinds| ("type", json!(kind(entrance, kinds))));
        let headers = authorization(entrance).map(|value| ("headers", json!({ "Authorization": value })));
        members(kind.into_iter().chain([(shape.url, json!(entrance.url))]).chain(headers))
    })
}

/// A program between a client that only starts programs, and us. The token is in the environment: an argument would be
/// seen by everybody on the machine, and on Windows would lose what is behind a space.
pub(super) fn mcp_remote(entrance: &Entrance) -> Members {
    let mut args = vec!["-y", "mcp-remote", &entrance.url];
    if is_plain_http(&entrance.url) {
        args.push("--allow-http");
    }
    if entrance.token.is_some() {
        args.extend(["--header", "Authorization:${AUTH}"]);
    }
    let env = authorization(entrance).map(|value| ("env", json!({ "AUTH": value })));
    members([("command", json!("npx")), ("args", json!(args))].into_iter().chain(env))
}

/// Whether somebody on the way could read along. The path, which may hold no more than a mask, does not matter.
fn is_plain_http(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    !Authority::parse(authority).is_ok_and(|authority| is_loopback_name(authority.host()))
}

pub(super) fn continue_yaml(entrances: &[Entrance]) -> String {
    let mut text = "mcpServers:\n".to_owned();
    for entrance in entrances {
        let kind = kind(entrance, ["streamable-http", "sse"]);
        let _ = write!(
            text,
            "  - name: {}\n    type: {kind}\n    url: {}\n",
            scalar(&entrance.name),
            scalar(&entrance.url)
        );
        if let Some(token) = &entrance.token {
            let _ = writeln!(text, "    apiKey: {}", scalar(token));
        }
    }
    text
}

pub(super) fn librechat_yaml(entrances: &[Entrance]) -> String {
    let mut text = "mcpServers:\n".to_owned();
    for entrance in entrances {
        let kind = kind(entrance, ["streamable-http", "sse"]);
        let _ = write!(text, "  {}:\n    type: {kind}\n    url: {}\n", scalar(&entrance.name), scalar(&entrance.url));
        push_headers(&mut text, entrance);
    }
    text
}

pub(super) fn goose_yaml(entrances: &[Entrance]) -> String {
    let mut text = "extensions:\n".to_owned();
    for entrance in entrances {
        let name = scalar(&entrance.name);
        let _ = write!(
            text,
            "  {name}:\n    enabled: true\n    type: streamable_http\n    name: {name}\n    description: {name}\n    \
             uri: {}\n    timeout: 300\n",
            scalar(&entrance.url)
        );
        push_headers(&mut text, entrance);
    }
    text
}

/// Codex takes the token from the environment only. Names that differ may be alike as names of variables.
pub(super) fn codex_toml(entrances: &[Entrance]) -> String {
    let mut text = String::new();
    let mut exports = String::new();
    let mut taken = HashSet::new();
    for entrance in entrances {
        let line_end = if text.is_empty() { "" } else { "\n" };
        let _ = write!(text, "{line_end}[mcp_servers.{}]\nurl = {}\n", entrance.name, scalar(&entrance.url));
        if let Some(token) = &entrance.token {
            let name = entrance.name.to_ascii_uppercase().replace('-', "_");
            let variable = format!("MCP_{}_TOKEN", distinct(name, &mut taken));
            let _ = writeln!(text, "bearer_token_env_var = \"{variable}\"");
            let _ = writeln!(exports, "export {variable}={}", quoted(token));
        }
    }
    if exports.is_empty() { text } else { format!("{text}\nIn the shell that starts Codex:\n\n{exports}") }
}

fn push_headers(text: &mut String, entrance: &Entrance) {
    if let Some(value) = authorization(entrance) {
        let _ = write!(text, "    headers:\n      Authorization: {}\n", scalar(&value));
    }
}

fn members<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Members {
    Ordered(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn kind(entrance: &Entrance, [streamable, sse]: [&'static str; 2]) -> &'static str {
    match entrance.transport {
        Transport::Streamable => streamable,
        Transport::Sse => sse,
    }
}

fn authorization(entrance: &Entrance) -> Option<String> {
    entrance.token.as_ref().map(|token| format!("Bearer {token}"))
}

/// A string as JSON has it, which YAML and TOML read as well.
fn scalar(text: &str) -> String {
    Value::from(text).to_string()
}
