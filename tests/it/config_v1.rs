//! The old configuration format.

use std::time::Duration;

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, RemoteTransport, load};

#[track_caller]
fn loaded(text: &str, shows_secrets: bool) -> Config {
    let around = Around { shows_secrets, ..Around::default() };
    load(&Source::new("config.json", text), &around).unwrap_or_else(|problems| panic!("{problems}"))
}

const OLD: &str = include_str!("golden/config/old_format.json");

#[test]
fn it_means_what_it_meant() {
    let config = loaded(OLD, false);
    assert_eq!((config.name.as_str(), config.version.as_str()), ("Tools", "0.9.0"));
    assert_eq!(
        (config.base_url.to_string(), config.addr.to_string()),
        ("https://tools.example.org".into(), ":8080".into())
    );
    let [clock, maps, news] = &config.servers[..] else { panic!("three servers") };
    let command = clock.target.command().expect("a command");
    assert_eq!((command.program.as_str(), command.args.len(), command.env.len()), ("uvx", 2, 1));
    assert!(clock.panic_if_invalid && clock.log_enabled && !maps.panic_if_invalid && !maps.log_enabled);
    let transports = [maps, news].map(|server| server.target.remote().expect("a URL").transport);
    assert_eq!(transports, [RemoteTransport::Sse, RemoteTransport::Streamable]);
    assert_eq!(news.request_time, Duration::from_secs(30));
}

#[test]
fn a_global_token_opens_every_server_whatever_else_does() {
    let config = loaded(OLD, false);
    let tokens: Vec<Vec<&str>> =
        config.servers.iter().map(|server| server.auth_tokens.iter().map(String::as_str).collect()).collect();
    assert_eq!(tokens, [vec!["hunter2-clock", "hunter2-for-all"], vec!["hunter2-for-all"], vec!["hunter2-for-all"]]);
    let without = loaded(r#"{ "clients": { "a": { "config": { "command": "x" }, "authTokens": ["own"] } } }"#, false);
    assert_eq!(without.servers[0].auth_tokens, ["own"]);
}

/// The JSON in the warning, which is indented as advice is.
fn rewritten(config: &Config) -> String {
    let advice = &config.warnings.first().expect("a warning").advice;
    advice[advice.find('{').expect("JSON")..].to_owned()
}

#[test]
fn what_is_printed_says_the_same_in_the_present_format() {
    let (old, text) = (loaded(OLD, true), rewritten(&loaded(OLD, true)));
    let new = loaded(&text, false);
    assert_eq!(new.warnings.len(), 0, "{:?}", new.warnings);
    assert_eq!(format!("{:?}", Config { warnings: Vec::new(), ..old }), format!("{new:?}"));
}

#[test]
fn the_half_that_is_old_is_printed() {
    let config =
        loaded(r#"{ "server": { "globalAuthTokens": ["t"] }, "mcpServers": { "a": { "command": "x" } } }"#, true);
    assert_eq!(config.servers[0].auth_tokens, ["t"]);
    let expected = serde_json::json!({ "mcpProxy": { "options": { "authTokens": ["t"] } } });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&rewritten(&config)).expect("JSON"), expected);
    let config = loaded(
        r#"{ "mcpProxy": { "options": { "authTokens": ["t"] } },
            "clients": { "a": { "config": { "command": "x" } } } }"#,
        true,
    );
    assert_eq!(config.servers[0].auth_tokens, ["t"]);
    let expected = serde_json::json!({ "mcpServers": { "a": { "command": "x" } } });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&rewritten(&config)).expect("JSON"), expected);
}

#[test]
fn secrets_are_printed_only_on_request() {
    let said = |shows_secrets| loaded(OLD, shows_secrets).warnings[0].to_string();
    assert!(!said(false).contains("hunter2"), "{}", said(false));
    assert_eq!(said(true).matches("hunter2").count(), 6, "{}", said(true));
}

#[test]
fn so_are_tokens_in_names() {
    let old = r#"{ "clients": { "maps/hunter2-hunter2": { "config": { "command": "x" } } } }"#;
    let said = |shows_secrets| loaded(old, shows_secrets).warnings[0].to_string();
    assert!(said(false).contains("\"maps/…\"") && !said(false).contains("hunter2"), "{}", said(false));
    assert!(said(true).contains("\"maps/hunter2-hunter2\""), "{}", said(true));
    let pasted = load(&Source::new("config.json", rewritten(&loaded(old, false))), &Around::default());
    assert!(pasted.is_err_and(|problems| problems.to_string().contains("cannot stand in a URL's path")));
}

#[test]
fn what_is_printed_without_secrets_cannot_be_used_so() {
    let text = rewritten(&loaded(OLD, false));
    let problems = load(&Source::new("config.json", text), &Around::default()).expect_err("problems").0;
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "mcpProxy.options.authTokens[0]",
        "mcpServers.clock.env.KEY",
        "mcpServers.clock.options.authTokens[0]",
        "mcpServers.clock.options.authTokens[1]",
        "mcpServers.maps.url",
        "mcpServers.news.headers.X-Key",
    ];
    assert_eq!(paths, expected);
    assert!(problems.iter().all(|problem| problem.what == "stands for a secret"));
}
