//! Attacks by names and addresses that are not what they say, over HTTP.

use mcp_proxy::config::Transports;
use serde_json::json;

use crate::support::login::{BASE, access, between, config, config_with, play_with, post, register, usual};
use crate::support::oauth::CLAUDE;
use crate::support::playbook::Playbook;
use crate::support::requests::{Http, initialize};

const SERVER: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// Section 4a: who may register is told by the peer, and by headers of proxies that are trusted.
#[test]
fn ip_spoofing() {
    let mut play = play_with(config(&format!(r#""baseURL": "{BASE}", "#), r#""allowedIPs": ["192.0.2.0/24"], "#, ""));
    let metadata = json!({ "redirect_uris": [CLAUDE] }).to_string();
    let request = post("/oauth/register", "application/json", &metadata);
    let forged = [
        ("X-Forwarded-For", "192.0.2.7, 203.0.113.9"),
        ("X-Forwarded-For", "192.0.2.7,garbage"),
        ("Forwarded", "for=192.0.2.7, for=203.0.113.9"),
        ("CF-Connecting-IP", "203.0.113.9"),
        ("X-Real-IP", "192.0.2.7, 203.0.113.9"),
    ];
    for (name, value) in forged {
        let answer = play.answer_to(&request.clone().with(name, value));
        assert_eq!(answer.head.status, 403, "{name}: {value}");
    }
    let both = request.clone().with("X-Forwarded-For", "192.0.2.7").also("CF-Connecting-IP", "203.0.113.9");
    assert_eq!(play.answer_to(&both).head.status, 403, "one of two that disagree is forged");
    let lines = request.clone().with("X-Forwarded-For", "192.0.2.7").also("X-Forwarded-For", "203.0.113.9");
    assert_eq!(play.answer_to(&lines).head.status, 403, "several lines are one list");
    play.peer = "203.0.113.9".parse().expect("an address");
    for name in
        ["X-Forwarded-For", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Real-IP", "X-Cluster-Client-IP"]
    {
        let value = if name == "Forwarded" { "for=192.0.2.7" } else { "192.0.2.7" };
        assert_eq!(play.answer_to(&request.clone().with(name, value)).head.status, 403, "{name} of a stranger");
    }
    play.peer = "127.0.0.1".parse().expect("an address");
    assert_eq!(play.answer_to(&request.with("X-Forwarded-For", "192.0.2.7")).head.status, 201);
}

#[test]
fn dns_rebinding() {
    let mut play = usual();
    let token = format!("Bearer {}", access(&mut play));
    let hello = initialize("2025-11-25", "{}").with("Authorization", &token);
    for attack in [hello.clone().with("Host", "evil.example:9090"), hello.clone().with("Origin", "http://evil.example")]
    {
        assert_eq!(play.answer_to(&attack).head.status, 403);
    }
    for path in [SERVER, "/oauth/authorize", "/authorize"] {
        assert_eq!(play.answer_to(&Http::get(path).with("Host", "evil.example:9090")).head.status, 403, "{path}");
    }
    let metadata = json!({ "redirect_uris": [CLAUDE] }).to_string();
    let forged = post("/oauth/register", "application/json", &metadata).with("Host", "evil.example:9090");
    assert_eq!(play.answer_to(&forged).head.status, 403);
    assert_eq!(play.answer_to(&hello).head.status, 200);
}

/// Everything is named by `baseURL`, whatever the request says.
#[test]
fn host_poisoning() {
    let mut play = play_with(config(r#""baseURL": "https://mcp.example.com", "allowedHosts": ["a.lan"], "#, "", ""));
    let poisons = [
        ("Host", "a.lan"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "81"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Original-URL", "/evil"),
        ("X-Rewrite-URL", "/evil"),
        ("Forwarded", "host=evil.example;proto=http"),
    ];
    for (name, value) in poisons {
        let with = |request: Http| request.with("Host", "mcp.example.com").with(name, value);
        let document = play.answer_to(&with(Http::get(SERVER)));
        assert_eq!(document.json()["token_endpoint"], "https://mcp.example.com/oauth/token", "{name}");
        let resource = play.answer_to(&with(Http::get(&format!("{RESOURCE}/demo/mcp"))));
        assert_eq!(resource.json()["resource"], "https://mcp.example.com/demo/mcp", "{name}");
        let refused = play.answer_to(&with(initialize("2025-11-25", "{}")));
        let challenge = refused.head.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("\"https://mcp.example.com/.well-known/"), "{name}: {challenge}");
        assert!(!format!("{document:?}{resource:?}{refused:?}").contains("evil"), "{name}");
    }
}

/// Without `baseURL`, the name must be one that cannot be an attacker's, and well-formed.
#[test]
fn a_host_that_is_no_host() {
    let mut play = play_with(config("", "", ""));
    for host in
        ["localhost:9090\"", "localhost:9090/evil", "user@localhost", "localhost:99999", "localhost evil", "[::1"]
    {
        let answer = play.answer_to(&Http::get(SERVER).with("Host", host));
        assert!(matches!(answer.head.status, 400 | 403), "{host}: {answer:?}");
    }
    let twice = Http::get(SERVER).with("X-Forwarded-Host", "localhost:1").also("X-Forwarded-Host", "localhost:2");
    assert_eq!(play.answer_to(&twice).head.status, 400);
    let answer = play.answer_to(&Http::get(SERVER).with("Host", "localhost:9090"));
    assert_eq!(answer.json()["issuer"], "http://localhost:9090");
}

/// On a loopback listener too; and for the login alone.
#[test]
fn a_further_name_is_one_of_the_login() {
    let mut play = play_with(config("", r#""allowedHosts": ["gateway.lan"], "#, ""));
    let answer = play.answer_to(&Http::get(SERVER).with("Host", "gateway.lan:9090"));
    assert_eq!(answer.json()["issuer"], "http://gateway.lan:9090");
    let server = initialize("2025-11-25", "{}").with("Host", "gateway.lan:9090");
    assert_eq!(play.answer_to(&server).head.status, 403);
    assert_eq!(play.answer_to(&Http::get(SERVER).with("Host", "evil.lan")).head.status, 403);
}

fn with_paths() -> Playbook {
    let servers = r#""demo": { "command": "run-demo" }, "team/a": { "command": "run-team/a" },
        "fetch/0123456789abcdef": { "command": "run-fetch/0123456789abcdef" }"#;
    play_with(config_with(&format!(r#""baseURL": "{BASE}", "#), "", servers))
}

/// Paths behind the well-known part that could be taken for something else, and names that are secrets.
#[test]
fn well_known_paths_that_lead_astray() {
    let mut play = with_paths();
    for suffix in [
        "/demo/../demo/mcp",
        "/./demo/mcp",
        "/demo/%2e%2e/demo/mcp",
        "/demo%2Fmcp",
        "/demo%2fmcp",
        "/team%2Fa/mcp",
        "//demo/mcp",
        "/demo//mcp",
        "/demo/mcp/mcp",
        "/demo/mcp/..",
        "/DEMO/mcp",
        "/demo/message",
        "/demo\\mcp",
        "/team",
        "/team/mcp",
        "/fetch",
        "/fetch/mcp",
        "/fetch/0123456789abcde/mcp",
        "/*",
        "/*/mcp",
        "/demo/mcp%00",
        "/demo/mcp;x",
        "/nobody/mcp",
    ] {
        for document in [SERVER, RESOURCE] {
            let answer = play.answer_to(&Http::get(&format!("{document}{suffix}")));
            assert!(matches!(answer.head.status, 400 | 404), "{document}{suffix}: {answer:?}");
            for name in ["team/a", "0123456789abcdef/", "fetch/0123456789abcdef"] {
                assert!(!answer.body.contains(name), "{suffix} names {name}");
            }
        }
    }
    for (suffix, resource) in [("/team/a/mcp", "team/a/mcp"), ("/demo/mcp/", "demo/mcp"), ("/demo/sse", "demo/sse")] {
        let answer = play.answer_to(&Http::get(&format!("{RESOURCE}{suffix}")));
        assert_eq!(answer.json()["resource"], format!("{BASE}/{resource}"));
    }
    // Whoever knows the whole path may ask about it; what it is called says the first part alone.
    let known = play.answer_to(&Http::get(&format!("{RESOURCE}/fetch/0123456789abcdef/mcp")));
    assert_eq!(known.json()["resource_name"], "fetch");
    // But for the command, which is the test's.
    let lines = play.logs.iter().filter(|line| !line.contains("Starting: "));
    assert!(
        lines.clone().count() > 0 && lines.clone().all(|line| !line.contains("0123456789abcdef")),
        "{:?}",
        play.logs
    );
}

/// Python's SDK gives up on anything there that is neither a document nor a 4xx; and nobody is kept from it.
#[test]
fn discovery_is_never_an_error_of_ours() {
    let mut play = with_paths();
    for _ in 0..500 {
        for path in [SERVER.to_owned(), format!("{RESOURCE}/demo/mcp"), "/.well-known/openid-configuration".to_owned()]
        {
            let status = play.answer_to(&Http::get(&path)).head.status;
            assert!(matches!(status, 200 | 404), "{path}: {status}");
        }
    }
    play.disk = Err("no space left on device".to_owned());
    assert_eq!(play.answer_to(&Http::get(SERVER)).head.status, 200);
    play.disk = Ok(());
    assert_eq!(register(&mut play, "/oauth/register").head.status, 201);
}

/// HTTP+SSE beside streamable HTTP: all of its endpoints ask for the same login.
#[test]
fn the_older_transport_is_behind_the_login_too() {
    let mut config = config(&format!(r#""baseURL": "{BASE}", "type": "both", "#), "", "");
    config.transports = Transports::Both;
    let mut play = play_with(config);
    let message = || Http::post("/demo/message?sessionId=00000000000000000000000000000000", "{}");
    for (request, endpoint) in [(Http::get("/demo/sse"), "sse"), (message(), "message")] {
        let refused = play.answer_to(&request);
        let challenge = refused.head.header("www-authenticate").expect("a challenge").to_owned();
        let document = between(&challenge, "resource_metadata=\"", "\"");
        assert_eq!((refused.head.status, document), (401, format!("{BASE}{RESOURCE}/demo/sse").as_str()), "{endpoint}");
        let resource = play.answer_to(&Http::get(&document[BASE.len()..]));
        assert_eq!(resource.json()["resource"], format!("{BASE}/demo/sse"));
    }
    let token = format!("Bearer {}", access(&mut play));
    assert_eq!(play.answer_to(&message().with("Authorization", &token)).head.status, 404, "no such session");
    play.http("s", &Http::get("/demo/sse").with("Authorization", &token));
    assert_eq!(play.take().first().map(String::as_str), Some("s 200 stream"));
}
