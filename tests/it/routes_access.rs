//! Who may call: origins, hosts, tokens.

use serde_json::Value;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{Config, Listener};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, initialize, loopback};

fn public() -> Config {
    let mut config = config(&["demo"]);
    config.base_url = Url::parse("https://mcp.example.com/").unwrap();
    config.allowed_origins = vec!["https://app.example.org".to_owned(), "http://inner:8080".to_owned()];
    config
}

/// The status of an initialize with this header.
fn status(config: &Config, listener: Listener, name: &str, value: &str) -> u16 {
    let mut play = Playbook::build(config.clone(), listener, false);
    play.ready("demo");
    let answer = play.request("a", &initialize("2025-11-25", "{}").with(name, value));
    match answer.head.status {
        200 => 200,
        status => {
            assert_error(&answer, status, -32000, Value::Null, &["allowed"]);
            play.expect(&[]);
            status
        }
    }
}

#[test]
fn origins() {
    let config = public();
    for origin in [
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "https://[::1]",
        "https://mcp.example.com",
        "https://mcp.example.com:443",
        "https://app.example.org",
        "http://inner:8080",
    ] {
        assert_eq!(status(&config, loopback(), "Origin", origin), 200, "{origin}");
    }
    for origin in [
        "https://evil.example",
        "http://mcp.example.com",
        "https://mcp.example.com:8443",
        "https://mcp.example.com.evil.example",
        "http://app.example.org",
        "http://inner",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://user@localhost",
        "null",
        "",
        "*",
        "file://",
    ] {
        assert_eq!(status(&config, loopback(), "Origin", origin), 403, "{origin}");
    }
    let open = Config { allowed_origins: vec!["*".to_owned()], ..config };
    assert_eq!(status(&open, loopback(), "Origin", "https://evil.example"), 200);
    assert_eq!(status(&open, loopback(), "Origin", "null"), 200);
}

#[test]
fn hosts_on_a_loopback_listener() {
    let mut config = public();
    for host in ["localhost", "LOCALHOST:9090", "127.0.0.1:1", "[::1]:9090", "mcp.example.com", "mcp.example.com:1"] {
        assert_eq!(status(&config, loopback(), "Host", host), 200, "{host}");
    }
    for host in ["evil.example", "evil.example:9090", "app.example.org", "localhost.evil.example", "192.168.0.1"] {
        assert_eq!(status(&config, loopback(), "Host", host), 403, "{host}");
    }
    let mapped = Listener { local: "[::ffff:127.0.0.1]:9090".parse().unwrap() };
    assert_eq!(status(&config, mapped, "Host", "evil.example"), 403);
    config.allowed_hosts = vec!["gateway.lan".to_owned()];
    assert_eq!(status(&config, loopback(), "Host", "gateway.lan:80"), 200);
    assert_eq!(status(&config, loopback(), "Host", "evil.example"), 403);
}

#[test]
fn hosts_on_another_listener() {
    let listener = Listener { local: ([192, 168, 0, 1], 9090).into() };
    let mut config = public();
    assert_eq!(status(&config, listener, "Host", "anything.example"), 200);
    config.allowed_hosts = vec!["gateway.lan".to_owned()];
    assert_eq!(status(&config, listener, "Host", "gateway.lan"), 200);
    assert_eq!(status(&config, listener, "Host", "anything.example"), 403);
}

#[test]
fn an_origin_is_refused_whatever_the_path_and_the_method() {
    let mut play = Playbook::new();
    play.forget();
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        for path in ["/demo/mcp", "/nowhere"] {
            let answer = play.request("a", &Http::new(method, path).with("Origin", "https://evil.example"));
            assert_error(&answer, 403, -32000, Value::Null, &["https://evil.example", "allowedOrigins"]);
        }
    }
    let answer = play.request("a", &Http::new("GET", "/demo/mcp").with("Host", "evil.example"));
    assert_error(&answer, 403, -32000, Value::Null, &["evil.example", "allowedHosts"]);
}

#[test]
fn tokens() {
    let mut secret = config(&["demo", "open"]);
    secret.servers[0].auth_tokens = vec!["first".to_owned(), "second".to_owned()];
    let mut play = Playbook::with(secret);
    play.ready("demo");
    play.ready("open");
    let hello = initialize("2025-11-25", "{}");
    let answer = play.request("a", &hello);
    assert_error(&answer, 401, -32000, Value::Null, &["Authorization: Bearer"]);
    assert_eq!(answer.head.header("www-authenticate"), Some("Bearer"));
    for wrong in ["Bearer firs", "Bearer firstt", "Bearer First", "Bearer ", "Bearer first second"] {
        let answer = play.request("a", &hello.clone().with("Authorization", wrong));
        assert_eq!(answer.head.status, 401, "{wrong}");
    }
    let answer = play.request("a", &hello.clone().with("Authorization", "Bearer wrong"));
    assert_error(&answer, 401, -32000, Value::Null, &["authTokens"]);
    assert_eq!(answer.head.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    assert!(!answer.body.contains("first"));
    let basic = play.request("a", &hello.clone().with("Authorization", "Basic first"));
    assert_error(&basic, 401, -32000, Value::Null, &["authTokens"]);
    for missing in ["", " ", "Bearer", "bearer  "] {
        let answer = play.request("a", &hello.clone().with("Authorization", missing));
        assert_error(&answer, 401, -32000, Value::Null, &["Authorization: Bearer"]);
        assert_eq!(answer.head.header("www-authenticate"), Some("Bearer"), "{missing:?}");
    }
    for wrong in ["First", "bearer:first", "Bearerfirst"] {
        assert_eq!(play.request("a", &hello.clone().with("Authorization", wrong)).head.status, 401, "{wrong}");
    }
    for right in ["Bearer first", "bearer second", "BEARER  first ", "first", " second "] {
        assert_eq!(play.request("a", &hello.clone().with("Authorization", right)).head.status, 200, "{right}");
    }
    let open = Http::post("/open/mcp", r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    assert_eq!(play.request("a", &open).head.status, 400, "no token is asked for, only a session");
}

#[test]
fn a_get_without_a_session_asks_for_the_token_first() {
    let mut secret = config(&["demo"]);
    secret.servers[0].auth_tokens = vec!["first".to_owned()];
    let mut play = Playbook::with(secret);
    play.forget();
    assert_eq!(play.request("a", &Http::get("/demo/mcp")).head.status, 401);
    let get = Http::get("/demo/mcp").with("Authorization", "Bearer first");
    assert_eq!(play.request("a", &get).head.status, 405);
    assert_eq!(play.request("a", &Http::new("OPTIONS", "/demo/mcp")).head.status, 204, "needs no token");
}

/// A server whose path is a token, beside one whose path is none.
fn with_paths() -> Playbook {
    let mut paths = config(&["fetch/0123456789abcdef", "team/a"]);
    paths.servers[0].label = "fetch/…".to_owned();
    let mut play = Playbook::with(paths);
    play.ready("fetch/0123456789abcdef");
    play.ready("team/a");
    play
}

#[test]
fn a_name_may_be_a_path() {
    let mut play = with_paths();
    for path in ["/fetch/0123456789abcdef/mcp", "/team/a/mcp", "/team/a/mcp/"] {
        let hello = initialize("2025-11-25", "{}").at(path);
        assert_eq!(play.request("a", &hello).head.status, 200, "{path}");
    }
    for path in ["/fetch/mcp", "/fetch/0123456789abcde/mcp", "/team/mcp", "/team/a"] {
        let answer = play.request("a", &initialize("2025-11-25", "{}").at(path));
        assert_eq!(answer.head.status, 404, "{path}");
        let is_told = ["0123456789abcdef/", "team/a/"].iter().any(|name| answer.body.contains(name));
        assert!(!is_told, "{path}: {}", answer.body);
    }
}

#[test]
fn http10_needs_no_host() {
    let mut play = Playbook::build(public(), loopback(), false);
    play.ready("demo");
    let request = initialize("2025-11-25", "{}").http10().without("Host");
    let answer = play.request("a", &request);
    assert_eq!((answer.head.status, answer.head.header("mcp-session-id").is_some()), (200, true));
    let answer = play.request("b", &request.with("Host", "evil.example"));
    assert_error(&answer, 403, -32000, Value::Null, &["evil.example"]);
    let answer = play.request("c", &initialize("2025-11-25", "{}").without("Host"));
    assert_eq!(answer.head.status, 400, "HTTP/1.1 without Host is malformed");
}
