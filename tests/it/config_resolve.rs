//! Defaults, inheritance, and what the rest of the program gets to see.

use std::time::Duration;

use mcp_proxy::config::addr::Addr;
use mcp_proxy::config::environment::Inheritance;
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Command, Config, Listener, StatusPage, ToolFilter, ToolFilterMode, Transports, load};
use mcp_proxy::limits::{REQUEST_TIME, STARTUP_TIME};

#[track_caller]
fn resolved(text: &str) -> Config {
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn problems_of(text: &str) -> usize {
    load(&Source::new("config.json", text), &Around::default()).err().map_or(0, |problems| problems.0.len())
}

#[test]
fn a_list_of_servers_is_enough() {
    let config = resolved(r#"{ "mcpServers": { "time": { "command": "uvx", "args": ["mcp-server-time"] } } }"#);
    assert_eq!((config.name.as_str(), config.version.as_str()), ("mcp-proxy", env!("CARGO_PKG_VERSION")));
    assert_eq!(config.addr, Addr { host: None, port: 9090 });
    assert_eq!(config.base_url.to_string(), "http://localhost:9090");
    assert_eq!(config.warnings, []);
    let server = &config.servers[0];
    assert_eq!(server.name, "time");
    let args = vec!["mcp-server-time".to_owned()];
    assert_eq!(
        server.target.command(),
        Some(&Command { program: "uvx".to_owned(), args, inherits: Inheritance::Minimal, env: Vec::new() })
    );
    assert!(server.auth_tokens.is_empty() && !server.panic_if_invalid && !server.log_enabled);
    assert_eq!((server.startup_time, server.request_time), (STARTUP_TIME, REQUEST_TIME));
}

#[test]
fn what_is_given_counts() {
    let config = resolved(
        r#"{
        "mcpProxy": {
            "baseURL": "https://MCP.example.com/tools/", "addr": "[::1]:0", "name": "MCP Proxy", "version": "1.0.0",
            "type": "streamable-http",
            "allowedOrigins": ["https://App.example.com:443", "*"], "allowedHosts": ["A.Example", "[::2]"]
        },
        "mcpServers": {
            "z": { "command": "x", "env": { "B": "1", "A": "" }, "transportType": "stdio" },
            "a": { "command": "y" }
        }
    }"#,
    );
    assert_eq!((config.name.as_str(), config.version.as_str()), ("MCP Proxy", "1.0.0"));
    assert_eq!(config.base_url.to_string(), "https://mcp.example.com/tools");
    assert_eq!(config.addr, Addr { host: Some("::1".to_owned()), port: 0 });
    assert_eq!(config.allowed_origins, ["https://app.example.com", "*"]);
    assert_eq!(config.allowed_hosts, ["a.example", "[::2]"]);
    assert_eq!(config.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    let env = vec![("B".to_owned(), "1".to_owned()), ("A".to_owned(), String::new())];
    assert_eq!(config.servers[0].target.command().expect("a command").env, env);
}

#[test]
fn the_status_page_is_for_this_machine_unless_the_file_says_otherwise() {
    let config = |members: &str| {
        resolved(&format!(r#"{{ "mcpProxy": {{ {members} }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#))
    };
    let listener = |local: &str| Listener { local: local.parse().expect("an address") };
    let (here, mapped) = (listener("127.0.0.1:1"), listener("[::ffff:127.0.0.1]:1"));
    let (all, lan) = (listener("[::]:1"), listener("192.168.0.1:1"));
    for (members, given, shown_on) in [
        ("", StatusPage::Local, [true, true, false, false]),
        (r#""statusPage": null"#, StatusPage::Local, [true, true, false, false]),
        (r#""baseURL": "http://[::1]:8080/tools""#, StatusPage::Local, [true, true, false, false]),
        (r#""baseURL": "https://mcp.example.com""#, StatusPage::Local, [false; 4]),
        (r#""statusPage": true, "baseURL": "https://mcp.example.com""#, StatusPage::Everywhere, [true; 4]),
        (r#""statusPage": false"#, StatusPage::Nowhere, [false; 4]),
    ] {
        let config = config(members);
        assert_eq!(config.status_page, given, "{members}");
        assert_eq!([here, mapped, all, lan].map(|listener| config.has_status_page(listener)), shown_on, "{members}");
    }
}

#[test]
fn the_type_says_which_transports_are_served() {
    for (members, transports) in [
        ("", Transports::Both),
        (r#""type": null"#, Transports::Both),
        (r#""type": "both""#, Transports::Both),
        (r#""type": "sse""#, Transports::Sse),
        (r#""type": "streamable-http""#, Transports::Streamable),
    ] {
        let text = format!(r#"{{ "mcpProxy": {{ {members} }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#);
        let config = resolved(&text);
        assert_eq!((config.transports, config.warnings.len()), (transports, 0), "{members}");
    }
    let with = |kind: &str| {
        format!(r#"{{ "mcpProxy": {{ "type": "{kind}" }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#)
    };
    assert_eq!(problems_of(&with("http")), 1);
    assert_eq!(problems_of(&with("")), 1);
}

#[test]
fn a_base_url_has_no_query() {
    let with = |url: &str| {
        format!(r#"{{ "mcpProxy": {{ "baseURL": "{url}" }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#)
    };
    assert_eq!(problems_of(&with("https://a/b")), 0);
    assert_eq!(problems_of(&with("https://a/b?c")), 1);
}

#[test]
fn servers_inherit_what_they_do_not_say() {
    let config = resolved(
        r#"{
        "mcpProxy": { "options": { "panicIfInvalid": true, "logEnabled": true, "authTokens": ["common"],
            "startupTimeout": "2m", "requestTimeout": "1h" } },
        "mcpServers": {
            "heir": { "command": "x" },
            "heir-too": { "command": "x", "options": { "authTokens": null } },
            "own": { "command": "x", "options": { "panicIfInvalid": false, "logEnabled": false, "authTokens": ["own"],
                "startupTimeout": "500ms", "requestTimeout": "1m30s" } },
            "open": { "command": "x", "options": { "authTokens": [] } }
        }
    }"#,
    );
    let [heir, heir_too, own, open] = &config.servers[..] else { panic!("four servers") };
    assert!(heir.panic_if_invalid && heir.log_enabled);
    assert_eq!((heir.startup_time, heir.request_time), (Duration::from_secs(120), Duration::from_secs(3_600)));
    assert_eq!(heir.auth_tokens, ["common"]);
    assert_eq!(heir_too.auth_tokens, ["common"]);
    assert!(!own.panic_if_invalid && !own.log_enabled);
    assert_eq!((own.startup_time, own.request_time), (Duration::from_millis(500), Duration::from_secs(90)));
    assert_eq!(own.auth_tokens, ["own"]);
    assert!(open.auth_tokens.is_empty(), "an empty list is said, not missing");
    let [warning] = &config.warnings[..] else { panic!("one warning: {:?}", config.warnings) };
    assert!(warning.to_string().contains("open.options.authTokens: opens the server to everybody"), "{warning}");
}

#[test]
fn who_closes_a_server_otherwise_is_not_warned() {
    let config = resolved(
        r#"{
        "mcpProxy": { "options": { "authTokens": ["common"] } },
        "mcpServers": { "a/0123456789abcdef": { "command": "x", "options": { "authTokens": [] } } }
    }"#,
    );
    assert_eq!(config.warnings.len(), 0, "{:?}", config.warnings);
}

#[test]
fn tokens_are_kept_without_their_scheme() {
    let config = resolved(
        r#"{ "mcpServers": { "a": { "command": "x",
        "options": { "authTokens": ["t1", "Bearer t2", " t3 ", "bearer  t4", "BEARER t5"] } } } }"#,
    );
    assert_eq!(config.servers[0].auth_tokens, ["t1", "t2", "t3", "t4", "t5"]);
}

#[test]
fn a_refused_token_never_leaves_a_server_open() {
    for tokens in
        [r#"[""]"#, r#"[" "]"#, r#"["Bearer"]"#, r#"["Bearer "]"#, r#""t""#, "[1]", "[null]", "{}", r#"["${T}"]"#]
    {
        let text =
            format!(r#"{{ "mcpServers": {{ "a": {{ "command": "x", "options": {{ "authTokens": {tokens} }} }} }} }}"#);
        assert_eq!(problems_of(&text), 1, "{tokens}");
        let text = format!(
            r#"{{ "mcpProxy": {{ "options": {{ "authTokens": {tokens} }} }},
            "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#
        );
        assert_eq!(problems_of(&text), 1, "{tokens} inherited");
    }
}

#[test]
fn a_disabled_server_is_left_out_whatever_else_it_says() {
    let config = resolved(
        r#"{ "mcpServers": {
        "amap": { "url": "https://a.example/sse?k=1", "oauth": {}, "options": { "disabled": true, "toolFilter": {} } },
        "empty": { "options": { "disabled": true } },
        "time": { "command": "uvx", "options": { "disabled": false } }
    } }"#,
    );
    assert_eq!(config.servers.len(), 1);
    assert_eq!(
        problems_of(
            r#"{ "mcpServers": { "a": { "cmmand": "x", "options": { "disabled": true } }, "b": { "command": "x" } } }"#
        ),
        1
    );
}

#[test]
fn the_base_url_follows_the_address() {
    for (addr, base_url) in [
        (":8080", "http://localhost:8080"),
        ("0.0.0.0:8080", "http://localhost:8080"),
        ("[::]:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:80", "http://[::1]"),
        ("Gateway:8080", "http://gateway:8080"),
    ] {
        let text =
            format!(r#"{{ "mcpProxy": {{ "addr": "{addr}" }}, "mcpServers": {{ "a": {{ "command": "x" }} }} }}"#);
        assert_eq!(resolved(&text).base_url.to_string(), base_url, "{addr}");
    }
}

#[test]
fn the_command_line_overrides_the_address() {
    let source = Source::new("c", r#"{ "mcpProxy": { "addr": ":1" }, "mcpServers": { "a": { "command": "x" } } }"#);
    let addr = Addr::parse("127.0.0.1:7").expect("an address");
    let config = load(&source, &Around { addr: Some(addr.clone()), ..Around::default() }).expect("a configuration");
    assert_eq!(config.addr, addr);
    assert_eq!(config.base_url.to_string(), "http://127.0.0.1:7");
}

#[test]
fn all_problems_come_at_once_and_in_the_order_of_the_file() {
    let text = r#"{ "mcpServers": { "sse": { "comand": "x" },
        "b": { "command": 1, "args": [2] } },
        "mcpProxy": { "addr": "9" } }"#;
    let problems = load(&Source::new("c.json", text), &Around::default()).expect_err("problems").0;
    let places: Vec<(usize, &str)> = problems.iter().map(|p| (p.position.line, p.path.as_str())).collect();
    assert_eq!(
        places,
        [
            (1, "mcpServers.sse"),
            (1, "mcpServers.sse"),
            (1, "mcpServers.sse.comand"),
            (2, "mcpServers.b.command"),
            (2, "mcpServers.b.args[0]"),
            (3, "mcpProxy.addr")
        ]
    );
}

#[test]
fn a_tool_filter_is_the_servers_own() {
    let config = resolved(
        r#"{
        "mcpProxy": { "options": { "toolFilter": { "mode": "block", "list": ["common"] } } },
        "mcpServers": {
            "own": { "command": "x", "options": { "toolFilter": { "mode": "ALLOW", "list": ["get_*", " a"] } } },
            "no-heir": { "command": "x" },
            "empty": { "command": "x", "options": { "toolFilter": { "mode": "allow", "list": [] } } },
            "null": { "command": "x", "options": { "toolFilter": null } }
        } }"#,
    );
    let names = vec!["get_*".to_owned(), " a".to_owned()];
    assert_eq!(config.servers[0].tool_filter, Some(ToolFilter { mode: ToolFilterMode::Allow, names }));
    assert!(config.servers[1..].iter().all(|server| server.tool_filter.is_none()));
}

#[test]
fn the_environment_is_inherited_on_request() {
    let config = resolved(
        r#"{
        "mcpProxy": { "options": { "inheritEnv": true } },
        "mcpServers": {
            "heir": { "command": "x" },
            "own": { "command": "x", "options": { "inheritEnv": false } },
            "remote": { "url": "http://a/" }
        } }"#,
    );
    let inherits: Vec<Option<Inheritance>> =
        config.servers.iter().map(|server| server.target.command().map(|command| command.inherits)).collect();
    assert_eq!(inherits, [Some(Inheritance::Everything), Some(Inheritance::Minimal), None]);
}
