//! What clients are told, to the letter: `golden/clients/NAME.txt`, and `NAME-sse.txt` where only SSE is offered.
//! After a change, `UPDATE_GOLDEN=1 cargo test --test it` writes them anew: read the difference.

use std::fs;
use std::path::Path;

use mcp_proxy::clients::entrances::{Front, Secrets};
use mcp_proxy::clients::{self, CLIENTS, Client, NoCommonTransport};
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};

/// One server behind tokens, one behind a path, and one with a name that clients refuse.
fn config(base_url: &str, transports: &str) -> Config {
    let text = format!(
        r#"{{ "mcpProxy": {{ "baseURL": "{base_url}", "type": "{transports}" }}, "mcpServers": {{
            "git-hub": {{ "command": "x", "options": {{ "authTokens": ["s3cret-t0ken", "other-t0ken"] }} }},
            "time/s3cret-path-0123456789": {{ "command": "x" }},
            "a.b": {{ "command": "x" }} }} }}"#
    );
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn text(client: Client, config: &Config, secrets: Secrets) -> Result<String, NoCommonTransport> {
    let front = Front { base_url: &config.base_url, port: 0, transports: config.transports };
    clients::text(client, front, &config.servers, secrets)
}

const PUBLIC: &str = "https://mcp.example.com/tools";

#[test]
fn every_snippet_is_the_one_agreed_upon() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/clients");
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for (name, client) in CLIENTS {
        for (suffix, transports) in [("", "both"), ("-sse", "sse")] {
            let Ok(said) = text(client, &config(PUBLIC, transports), Secrets::Hidden) else { continue };
            let golden = folder.join(format!("{name}{suffix}.txt"));
            if is_update {
                fs::write(&golden, &said).expect("a writable folder");
            }
            if fs::read_to_string(&golden).unwrap_or_default() != said {
                differing.push(format!("{}:\n{said}", golden.display()));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn each_token_has_a_variable_of_its_own() {
    let server = |token: &str| format!(r#"{{ "command": "x", "options": {{ "authTokens": ["{token}"] }} }}"#);
    let servers = format!(r#""a-b": {}, "a_b": {}, "A_B": {}"#, server("t1"), server("t2"), server("t3"));
    let source = format!(r#"{{ "mcpServers": {{ {servers} }} }}"#);
    let config = load(&Source::new("config.json", source), &Around::default()).expect("three servers");
    let said = text(Client::Codex, &config, Secrets::Shown).expect("it speaks streamable HTTP");
    for line in ["export MCP_A_B_TOKEN=t1", "export MCP_A_B_2_TOKEN=t2", "export MCP_A_B_3_TOKEN=t3"] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn some_clients_do_not_speak_sse() {
    for (name, client) in CLIENTS {
        let is_streamable_only = matches!(client, Client::Zed | Client::Codex | Client::Goose);
        let said = text(client, &config(PUBLIC, "sse"), Secrets::Hidden);
        assert_eq!(said.is_err(), is_streamable_only, "{name}");
    }
    let advice = NoCommonTransport.to_string();
    assert!(advice.contains("mcpProxy"), "{advice}");
}

#[test]
fn secrets_are_printed_on_request_only() {
    for (name, client) in CLIENTS {
        let said = |secrets| text(client, &config(PUBLIC, "both"), secrets).expect("a common transport");
        let hidden = said(Secrets::Hidden);
        assert!(!hidden.contains("s3cret") && hidden.contains("<token>") && hidden.contains('…'), "{name}: {hidden}");
        let shown = said(Secrets::Shown);
        assert!(
            shown.contains("s3cret-t0ken") && shown.contains("/time/s3cret-path-0123456789/mcp"),
            "{name}: {shown}"
        );
        assert!(
            !shown.contains("other-t0ken") && !shown.contains("<token>") && !shown.contains('…'),
            "{name}: {shown}"
        );
    }
}

/// The part that is JSON.
fn json(said: &str) -> serde_json::Value {
    let part = &said[said.find("\n{").expect("an object")..=said.rfind("}\n").expect("its end")];
    serde_json::from_str(part).expect("JSON")
}

#[test]
fn json_is_json() {
    for (client, key) in [
        (Client::ClaudeDesktop, "mcpServers"),
        (Client::Cursor, "mcpServers"),
        (Client::VsCode, "servers"),
        (Client::Windsurf, "mcpServers"),
        (Client::Cline, "mcpServers"),
        (Client::Zed, "context_servers"),
        (Client::Gemini, "mcpServers"),
    ] {
        let said = json(&text(client, &config(PUBLIC, "both"), Secrets::Shown).expect("a common transport"));
        let names: Vec<&str> = said[key].as_object().expect("servers").keys().map(String::as_str).collect();
        assert_eq!(names, ["a_b", "git-hub", "time"], "{client:?}");
    }
}

#[test]
fn mcp_remote_is_told_that_http_is_meant_only_where_it_asks() {
    for (base_url, is_told) in
        [(PUBLIC, false), ("http://localhost:9090", false), ("http://[::1]:9090", false), ("http://mcp.lan", true)]
    {
        let said = text(Client::ClaudeDesktop, &config(base_url, "both"), Secrets::Hidden).expect("a transport");
        assert_eq!(said.matches("--allow-http").count(), if is_told { 3 } else { 0 }, "{base_url}");
    }
}
