//! What users of the reference have in their files: a configuration of our own for each feature that it documents.

use std::time::Duration;

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, RemoteTransport, ServerConfig, ToolFilterMode, Transports, load};

/// With an environment in which every variable is set.
#[track_caller]
fn loaded(text: &str) -> Config {
    let variable = |name: &str| Some(format!("value-of-{name}"));
    let around = Around { variables: Some(&variable), ..Around::default() };
    let config = load(&Source::new("config.json", text), &around).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.warnings, []);
    config
}

/// One server with these members.
#[track_caller]
fn server(members: &str) -> ServerConfig {
    loaded(&format!(r#"{{ "mcpServers": {{ "a": {{ {members} }} }} }}"#)).servers.remove(0)
}

#[test]
fn a_whole_file_with_comments() {
    let config = loaded(
        r#"{
          // who we are
          "mcpProxy": {
            "baseURL": "https://gateway.example.org", "addr": ":8443", "name": "Gateway", "version": "2.1.0",
            "type": "sse", // the default of the reference
            "options": { "panicIfInvalid": false, "logEnabled": true, "authTokens": ["for-all"] }
          },
          "mcpServers": {
            /* a command */
            "tickets": {
              "command": "npx", "args": ["-y", "ticket-server"], "env": { "TICKET_KEY": "<YOUR_KEY>" },
              "options": { "toolFilter": { "mode": "block", "list": ["close_ticket"] } },
            },
            "clock": {
              "command": "uvx", "args": ["clock-server"],
              "options": { "panicIfInvalid": true, "logEnabled": false, "authTokens": ["for-the-clock"] }
            },
            // a remote server, switched off
            "maps": { "url": "https://maps.example.net/sse?key=<YOUR_KEY>", "options": { "disabled": true } },
            "wiki": { "url": "https://wiki.example.net/mcp", "transportType": "streamable-http" },
          }
        }"#,
    );
    assert_eq!((config.transports, config.servers.len()), (Transports::Sse, 3));
    let [tickets, clock, wiki] = &config.servers[..] else { panic!("three servers") };
    assert_eq!(
        (&tickets.auth_tokens[..], &clock.auth_tokens[..]),
        (&["for-all".into()][..], &["for-the-clock".into()][..])
    );
    assert!(tickets.log_enabled && !tickets.panic_if_invalid && !clock.log_enabled && clock.panic_if_invalid);
    assert_eq!(tickets.tool_filter.as_ref().expect("a filter").mode, ToolFilterMode::Block);
    assert_eq!(wiki.target.remote().expect("a URL").transport, RemoteTransport::Streamable);
}

#[test]
fn the_least_that_the_reference_accepts() {
    let config = loaded(
        r#"{ "mcpProxy": { "baseURL": "http://localhost:9090", "addr": ":9090", "name": "n", "version": "v" },
             "mcpServers": { "a": { "command": "x" } } }"#,
    );
    assert_eq!(config.servers[0].auth_tokens.len(), 0);
}

#[test]
fn a_command() {
    let server =
        server(r#""command": "docker", "args": ["run", "-i", "--rm", "image"], "env": {}, "transportType": "stdio""#);
    assert_eq!(server.target.command().expect("a command").args.len(), 4);
}

#[test]
fn a_remote_server_over_sse_is_meant_by_a_url_alone() {
    let by_default = server(r#""url": "https://a.example/sse", "headers": { "X-Key": "k" }"#);
    let stated = server(r#""url": "https://a.example/sse", "headers": { "X-Key": "k" }, "transportType": "sse""#);
    assert_eq!(by_default.target, stated.target);
}

#[test]
fn a_timeout_in_nanoseconds() {
    let server =
        server(r#""url": "https://a.example/mcp", "transportType": "streamable-http", "timeout": 60000000000"#);
    assert_eq!(server.request_time, Duration::from_secs(60));
}

#[test]
fn a_filter_of_tools() {
    let server = server(r#""command": "x", "options": { "toolFilter": { "mode": "allow", "list": ["a", "b"] } }"#);
    assert_eq!(server.tool_filter.expect("a filter").names, ["a", "b"]);
}

#[test]
fn variables_of_the_environment() {
    let config = loaded(
        r#"{ "mcpProxy": { "baseURL": "https://${DOMAIN}", "options": { "authTokens": ["$MCP_TOKEN"] } },
             "mcpServers": { "a": { "command": "x", "env": { "KEY": "${KEY}" } } } }"#,
    );
    assert_eq!(config.base_url.to_string(), "https://value-of-domain");
    assert_eq!(config.servers[0].auth_tokens, ["value-of-MCP_TOKEN"]);
    assert_eq!(config.servers[0].target.command().expect("a command").env[0].1, "value-of-KEY");
}

#[test]
fn a_token_in_the_path() {
    let config = loaded(
        r#"{ "mcpProxy": { "options": { "authTokens": ["for-all"] } },
             "mcpServers": { "fetch/0123456789abcdef": { "command": "x", "options": { "authTokens": [] } } } }"#,
    );
    let server = &config.servers[0];
    assert_eq!((server.name.as_str(), server.label.as_str()), ("fetch/0123456789abcdef", "fetch/…"));
    assert!(server.auth_tokens.is_empty() && server.is_protected());
}
