//! `oauth::register`: who may be a client, and what it is told (RFC 7591).

use serde_json::{Value, json};

use mcp_proxy::limits::{CLIENT_REDIRECTS_MAX, CLIENTS_MAX, REGISTRATIONS_MAX};

use crate::support::oauth::{CLAUDE, Desk, body, refusal, refused};

#[test]
fn a_public_client_gets_an_id_and_no_secret() {
    let mut desk = Desk::new();
    let asked = json!({
        "redirect_uris": [CLAUDE, "https://claude.com/api/mcp/auth_callback"],
        "client_name": " Claude ", "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "scope": "claudeai", "application_type": "web", "token_endpoint_auth_method": "none", "contacts": [1],
    });
    let answer = desk.register(&asked);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let told = body(&answer);
    let id = told["client_id"].as_str().unwrap();
    assert!(id.len() == 22 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{id}");
    let expected = json!({
        "client_id": id, "client_id_issued_at": desk.now(), "client_name": "Claude",
        "redirect_uris": asked["redirect_uris"], "grant_types": asked["grant_types"], "response_types": ["code"],
        "scope": "claudeai", "application_type": "web", "token_endpoint_auth_method": "none",
    });
    assert_eq!(told, expected);
}

#[test]
fn a_client_that_says_little_gets_a_secret() {
    let mut desk = Desk::new();
    let told = body(&desk.register(&json!({ "redirect_uris": [CLAUDE], "client_name": null, "scope": null })));
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!(told["client_secret_expires_at"], 0);
    let secret = told["client_secret"].as_str().unwrap();
    assert!(secret.len() == 43 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{secret}");
    assert_eq!(told["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert!(told.get("client_name").is_none() && told.get("scope").is_none());
    let basic = json!({ "redirect_uris": [CLAUDE], "token_endpoint_auth_method": "client_secret_basic" });
    let told = body(&desk.register(&basic));
    assert_eq!(told["token_endpoint_auth_method"], "client_secret_basic");
    assert!(told["client_secret"].is_string());
}

#[test]
fn metadata_that_cannot_be_is_refused() {
    let mut desk = Desk::new();
    let long = "x".repeat(201);
    let with = |name: &str, value: Value| {
        let mut asked = json!({ "redirect_uris": [CLAUDE] });
        asked[name] = value;
        asked
    };
    let too_many: Vec<String> = (0..=CLIENT_REDIRECTS_MAX).map(|n| format!("http://localhost/{n}")).collect();
    for (asked, error) in [
        (json!([]), "invalid_client_metadata"),
        (json!("x"), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": null }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": CLAUDE }), "invalid_client_metadata"),
        (json!({ "redirect_uris": too_many }), "invalid_redirect_uri"),
        (with("client_name", json!(long)), "invalid_client_metadata"),
        (with("client_name", json!(7)), "invalid_client_metadata"),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
        (with("grant_types", json!(["client_credentials"])), "invalid_client_metadata"),
        (with("response_types", json!(["token"])), "invalid_client_metadata"),
        (with("scope", json!("x".repeat(1_025))), "invalid_client_metadata"),
    ] {
        assert_eq!(refusal(&desk.register(&asked)), refused(400, error), "{asked}");
    }
    let huge = with("client_name", json!("x".repeat(65_536)));
    assert_eq!(refusal(&desk.register(&huge)), refused(413, "invalid_client_metadata"));
    assert_eq!(desk.server.census().clients, 0);
    desk.assert_unharmed();
}

#[test]
fn one_uri_that_is_not_allowed_refuses_the_whole_and_names_the_key() {
    let mut desk = Desk::new();
    for uri in ["https://evil.example/", "http://user@localhost/", "http://localhost/#f", "javascript:alert(1)"] {
        let answer = desk.register(&json!({ "redirect_uris": [CLAUDE, uri] }));
        assert_eq!(refusal(&answer), refused(400, "invalid_redirect_uri"), "{uri}");
    }
    let answer = desk.register(&json!({ "redirect_uris": ["https://evil.example/"] }));
    assert!(body(&answer)["error_description"].as_str().unwrap().contains("oauth2.redirectURIs"));
    assert!(desk.notices.iter().any(|line| line.contains("oauth2.redirectURIs")), "{:?}", desk.notices);
    desk.assert_unharmed();
}

#[test]
fn a_flood_from_one_address_is_stopped_and_others_go_on() {
    let mut desk = Desk::new();
    let asked = json!({ "redirect_uris": [CLAUDE] });
    for _ in 0..REGISTRATIONS_MAX {
        assert_eq!(desk.register(&asked).status, 201);
    }
    let answer = desk.register(&asked);
    assert_eq!((answer.status, answer.header("Retry-After")), (429, Some("600")));
    let home = desk.ip;
    desk.ip = "203.0.113.1".parse().unwrap();
    desk.assert_unharmed();
    desk.ip = home;
    desk.pass(600);
    assert_eq!(desk.register(&asked).status, 201);
}

/// An address of its own for each, so that only the bound on all of them matters.
fn register_from(desk: &mut Desk, index: usize) -> u16 {
    let home = desk.ip;
    desk.ip = std::net::IpAddr::from((index as u32 + 0x0b00_0000).to_be_bytes());
    let status = desk.register(&json!({ "redirect_uris": [CLAUDE] })).status;
    desk.ip = home;
    status
}

#[test]
fn at_the_bound_the_oldest_unused_client_goes_and_never_one_that_is_in_use() {
    let mut desk = Desk::new();
    let used = desk.public_app(CLAUDE);
    let tokens = desk.tokens(&used, &[]);
    for index in 1..CLIENTS_MAX {
        assert_eq!(register_from(&mut desk, index), 201);
    }
    assert_eq!(register_from(&mut desk, 0), 429, "their users may be logging in");
    desk.pass(600);
    assert_eq!(register_from(&mut desk, 0), 201);
    assert_eq!(desk.server.census().clients, CLIENTS_MAX);
    assert!(desk.opens(&tokens.access, "demo"));
    desk.assert_unharmed();
}

#[test]
fn a_client_that_was_never_used_goes_after_a_day() {
    let mut desk = Desk::new();
    let used = desk.public_app(CLAUDE);
    desk.tokens(&used, &[]);
    desk.public_app(CLAUDE);
    desk.pass_and_sweep(86_399);
    assert_eq!(desk.server.census().clients, 2);
    desk.pass_and_sweep(60);
    assert_eq!(desk.server.census().clients, 1);
    assert!(desk.server.store().client(&used.id).is_some());
}
