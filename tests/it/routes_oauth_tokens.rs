//! Attacks on codes and tokens, over HTTP: each is refused, and the honest client goes on.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcp_proxy::config::Config;
use serde_json::{Value, json};

use crate::support::login::{
    BASE, BOB, FORM, access, between, client, code, config, config_with, form, greet, pairs, play_with, post, query,
    restarted, tokens, usual,
};
use crate::support::oauth::{ADA, CLAUDE, VERIFIER, changed};
use crate::support::playbook::{Answer, Playbook};
use crate::support::requests::{Http, initialize};

const TWO: &str = r#""demo": { "command": "run-demo" }, "other": { "command": "run-other" }"#;

fn two_servers() -> Config {
    config_with(&format!(r#""baseURL": "{BASE}", "#), "", TWO)
}

fn text(answer: &Answer, name: &str) -> String {
    answer.json()[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer:?}")).to_owned()
}

fn token(play: &mut Playbook, parameters: &[(&str, &str)]) -> Answer {
    play.answer_to(&post("/oauth/token", FORM, &pairs(parameters)))
}

fn refresh(play: &mut Playbook, client: &str, refresh: &str) -> Answer {
    token(play, &[("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", client)])
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.head.status, &answer.json()["error"]), (status, &json!(error)), "{answer:?}");
    assert_eq!(answer.head.header("cache-control"), Some("no-store"));
}

fn opens(play: &mut Playbook, access: &str, path: &str) -> u16 {
    let hello = initialize("2025-11-25", "{}").at(path).with("Authorization", &format!("Bearer {access}"));
    play.answer_to(&hello).head.status
}

/// A login for one server: its code.
fn code_for(play: &mut Playbook, client: &str, resource: &str) -> String {
    let login = form(play, &format!("{}&{}", query(client), pairs(&[("resource", resource)])));
    let page = play.answer_to(&login.filled(ADA));
    between(&page.body, "?code=", "&amp;").to_owned()
}

fn redemption<'a>(client: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    let grant = ("grant_type", "authorization_code");
    vec![grant, ("code", code), ("redirect_uri", CLAUDE), ("code_verifier", VERIFIER), ("client_id", client)]
}

#[test]
fn code_replay() {
    let mut play = usual();
    let client = client(&mut play);
    let honest = access(&mut play);
    let code = code(&mut play, &client);
    let first = tokens(&mut play, &client, &code);
    let (stolen, renewed) = (text(&first, "access_token"), text(&first, "refresh_token"));
    assert_eq!(opens(&mut play, &stolen, "/demo/mcp"), 200);
    assert_refused(&tokens(&mut play, &client, &code), 400, "invalid_grant");
    assert_eq!(opens(&mut play, &stolen, "/demo/mcp"), 401, "the whole family ends");
    assert_refused(&refresh(&mut play, &client, &renewed), 400, "invalid_grant");
    assert_eq!(opens(&mut play, &honest, "/demo/mcp"), 200, "another login stays");
}

#[test]
fn a_code_in_the_wrong_hands() {
    let mut play = usual();
    let (owner, thief) = (client(&mut play), client(&mut play));
    let code = code(&mut play, &owner);
    let honest = redemption(&owner, &code);
    for (name, value, error) in [
        ("client_id", Some(thief.as_str()), "invalid_grant"),
        ("redirect_uri", Some("https://claude.com/api/mcp/auth_callback"), "invalid_grant"),
        ("redirect_uri", None, "invalid_grant"),
        ("code_verifier", None, "invalid_grant"),
        ("grant_type", Some("client_credentials"), "unsupported_grant_type"),
        ("grant_type", Some("password"), "unsupported_grant_type"),
    ] {
        assert_refused(&token(&mut play, &changed(&honest, name, value)), 400, error);
    }
    for name in ["code", "client_id", "redirect_uri", "code_verifier", "grant_type"] {
        let twice = [&honest[..], &[(name, "x")]].concat();
        assert_refused(&token(&mut play, &twice), 400, "invalid_request");
    }
    let in_query = Http::new("POST", &format!("/oauth/token?{}", pairs(&honest))).with("Content-Type", FORM).body("");
    assert_ne!(play.answer_to(&in_query).head.status, 200, "parameters belong in the body");
    assert_eq!(token(&mut play, &honest).head.status, 200);
}

/// A member that comes twice is read by one as the first, by another as the second.
#[test]
fn json_with_a_member_that_comes_twice() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let honest: Value = redemption(&client, &code)
        .into_iter()
        .collect::<std::collections::BTreeMap<_, _>>()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let twice = honest.to_string().replacen('{', "{\"client_id\":\"another\",", 1);
    assert_refused(&play.answer_to(&post("/oauth/token", "application/json", &twice)), 400, "invalid_request");
    // Bug 7 of the reference: the body was read twice, and JSON never worked.
    let answer = play.answer_to(&post("/oauth/token", "application/json", &honest.to_string()));
    assert_eq!(answer.head.status, 200, "{answer:?}");
}

/// Bug 3 of the reference: secrets were never checked.
#[test]
fn a_client_without_its_secret() {
    let mut play = usual();
    let metadata = json!({ "redirect_uris": [CLAUDE], "client_name": "An app" }).to_string();
    let registered = play.answer_to(&post("/oauth/register", "application/json", &metadata));
    let (id, secret) = (text(&registered, "client_id"), text(&registered, "client_secret"));
    let code = code(&mut play, &id);
    let honest = redemption(&id, &code);
    for wrong in [None, Some("wrong"), Some("")] {
        let secret = wrong.map(|secret| ("client_secret", secret));
        let asked: Vec<_> = honest.iter().copied().chain(secret).collect();
        assert_refused(&token(&mut play, &asked), 401, "invalid_client");
    }
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let body = pairs(&changed(&honest, "client_id", None));
    let with = |authorization: &str| post("/oauth/token", FORM, &body).with("Authorization", authorization);
    for header in [basic(&format!("{id}:wrong")), basic(&id), "Basic !".to_owned(), format!("Bearer {secret}")] {
        let answer = play.answer_to(&with(&header));
        assert_refused(&answer, 401, "invalid_client");
        assert!(answer.head.header("www-authenticate").is_some_and(|said| said.starts_with("Basic ")), "{header}");
    }
    let right = basic(&format!("{id}:{secret}"));
    let twice = with(&right).also("Authorization", &right);
    assert_eq!(play.answer_to(&twice).head.status, 400);
    assert_eq!(play.answer_to(&with(&right)).head.status, 200);
}

/// Bugs 5 and 6 of the reference: the refresh token went with its access token, or to whoever asked first.
#[test]
fn refresh_reuse() {
    let mut play = usual();
    let (owner, thief) = (client(&mut play), client(&mut play));
    let code = code(&mut play, &owner);
    let first = tokens(&mut play, &owner, &code);
    let original = text(&first, "refresh_token");
    assert_refused(&refresh(&mut play, &thief, &original), 400, "invalid_grant");
    assert_refused(&refresh(&mut play, "nobody", &original), 401, "invalid_client");
    play.advance(Duration::from_secs(2 * 60 * 60));
    assert_eq!(opens(&mut play, &text(&first, "access_token"), "/demo/mcp"), 401, "it has expired");
    let second = refresh(&mut play, &owner, &original);
    let renewed = text(&second, "access_token");
    assert_eq!(opens(&mut play, &renewed, "/demo/mcp"), 200);
    let sibling = refresh(&mut play, &owner, &original);
    assert_eq!(sibling.head.status, 200, "honest clients refresh twice at once");
    play.advance(Duration::from_secs(121));
    assert_refused(&refresh(&mut play, &owner, &original), 400, "invalid_grant");
    assert_eq!(opens(&mut play, &renewed, "/demo/mcp"), 401, "one of the two was a thief: both are out");
    assert_refused(&refresh(&mut play, &owner, &text(&second, "refresh_token")), 400, "invalid_grant");
    let again = access(&mut play);
    assert_eq!(opens(&mut play, &again, "/demo/mcp"), 200, "a new login goes on");
}

#[test]
fn what_was_used_up_stays_so_after_a_restart() {
    let mut play = usual();
    let config = || config(&format!(r#""baseURL": "{BASE}", "#), "", "");
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let first = tokens(&mut play, &client, &code);
    let original = text(&first, "refresh_token");
    let second = refresh(&mut play, &client, &original);
    let kept = access(&mut play);
    let another = crate::support::login::code(&mut play, &client);
    let revoked = text(&tokens(&mut play, &client, &another), "access_token");
    let answer = play.answer_to(&post("/oauth/revoke", FORM, &pairs(&[("token", &revoked), ("client_id", &client)])));
    assert_eq!(answer.head.status, 200, "{answer:?}");
    let mut play = restarted(&play, config());
    assert_refused(&tokens(&mut play, &client, &code), 400, "invalid_grant");
    assert_eq!(opens(&mut play, &revoked, "/demo/mcp"), 401);
    assert_eq!(opens(&mut play, &kept, "/demo/mcp"), 200);
    assert_eq!(opens(&mut play, &text(&second, "access_token"), "/demo/mcp"), 200);
    play.advance(Duration::from_secs(121));
    assert_refused(&refresh(&mut play, &client, &original), 400, "invalid_grant");
    assert_eq!(opens(&mut play, &text(&second, "access_token"), "/demo/mcp"), 401);
    assert_eq!(opens(&mut play, &kept, "/demo/mcp"), 200);
}

/// RFC 6750 (2.3, 5.3): a token in a URL ends up in logs.
#[test]
fn a_token_where_none_belongs() {
    let mut play = usual();
    let token = access(&mut play);
    let hello = initialize("2025-11-25", "{}");
    let path = |query: &str| hello.clone().at(&format!("/demo/mcp?{query}={token}"));
    let right = format!("Bearer {token}");
    for attack in [
        path("access_token"),
        path("token"),
        path("sessionId"),
        hello.clone().with("Cookie", &format!("access_token={token}")),
        hello.clone().with("X-Access-Token", &token),
        hello.clone().with("Proxy-Authorization", &right),
        hello.clone().with("Authorization", &format!("Basic {token}")),
        hello.clone().with("Authorization", &format!("Basic {}", STANDARD.encode(format!("{}:{}", ADA.0, ADA.1)))),
        hello.clone().with("Authorization", &format!("Digest {token}")),
        hello.clone().with("Authorization", &format!("Bearer {token},{token}")),
        hello.clone().with("Authorization", &format!("Bearer {}", token.to_uppercase())),
        hello.clone().with("Authorization", "Bearer "),
    ] {
        let answer = play.answer_to(&attack);
        let challenge = answer.head.header("www-authenticate").unwrap_or_else(|| panic!("{attack:?}: {answer:?}"));
        assert!(answer.head.status == 401 && challenge.contains("resource_metadata="), "{challenge}");
        assert!(!answer.body.contains(&token));
    }
    let twice = hello.clone().with("Authorization", &right).also("Authorization", "Bearer other");
    assert_eq!(play.answer_to(&twice).head.status, 400);
    assert_eq!(play.answer_to(&hello.with("Authorization", &right)).head.status, 200);
}

/// Bug 4 of the reference: the resource was never compared.
#[test]
fn audience_confusion() {
    let mut play = play_with(two_servers());
    let client = client(&mut play);
    let (demo, other) = (format!("{BASE}/demo/mcp"), format!("{BASE}/other/mcp"));
    let code = code_for(&mut play, &client, &demo);
    let widened = [&redemption(&client, &code)[..], &[("resource", other.as_str())]].concat();
    assert_refused(&token(&mut play, &widened), 400, "invalid_target");
    let answer = tokens(&mut play, &client, &code);
    let (access, renewal) = (text(&answer, "access_token"), text(&answer, "refresh_token"));
    assert_eq!(opens(&mut play, &access, "/demo/mcp"), 200);
    assert_eq!(opens(&mut play, &access, "/other/mcp"), 401);
    let asked = [("grant_type", "refresh_token"), ("refresh_token", &renewal), ("client_id", &client)];
    for resource in [other.as_str(), BASE, "https://evil.example/demo/mcp"] {
        let widened = [&asked[..], &[("resource", resource)]].concat();
        assert_refused(&token(&mut play, &widened), 400, "invalid_target");
    }
    let renewed = text(&token(&mut play, &asked), "access_token");
    assert_eq!(opens(&mut play, &renewed, "/demo/mcp"), 200, "a refusal used nothing up");
    assert_eq!(opens(&mut play, &renewed, "/other/mcp"), 401);
    let refresh_as_access = opens(&mut play, &renewal, "/demo/mcp");
    assert_eq!(refresh_as_access, 401, "a refresh token opens nothing");
}

/// A server's own token opens that server, whoever logs in elsewhere.
#[test]
fn a_token_of_one_server_at_another() {
    let servers = r#""demo": { "command": "run-demo", "options": { "authTokens": ["of-demo"] } },
        "other": { "command": "run-other", "options": { "authTokens": ["of-other"] } }"#;
    let mut play = play_with(config_with(&format!(r#""baseURL": "{BASE}", "#), "", servers));
    assert_eq!(opens(&mut play, "of-demo", "/other/mcp"), 401);
    assert_eq!(opens(&mut play, "of-demo", "/demo/mcp"), 200);
    assert_eq!(opens(&mut play, "of-other", "/other/mcp"), 200);
}

/// A client cannot end what is another's.
#[test]
fn revocation_by_a_stranger() {
    let mut play = usual();
    let (owner, thief) = (client(&mut play), client(&mut play));
    let code = code(&mut play, &owner);
    let access = text(&tokens(&mut play, &owner, &code), "access_token");
    let revoke = |play: &mut Playbook, client: &str| {
        play.answer_to(&post("/oauth/revoke", FORM, &pairs(&[("token", &access), ("client_id", client)])))
    };
    revoke(&mut play, &thief);
    assert_eq!(revoke(&mut play, "nobody").head.status, 401);
    assert_eq!(opens(&mut play, &access, "/demo/mcp"), 200);
    assert_eq!(revoke(&mut play, &owner).head.status, 200);
    assert_eq!(opens(&mut play, &access, "/demo/mcp"), 401);
}

#[test]
fn a_user_gets_in_by_the_own_password_only() {
    let mut play = usual();
    let client = client(&mut play);
    for (user, status) in [((ADA.0, BOB.1), 401), ((BOB.0, ADA.1), 401), (ADA, 200), (BOB, 200)] {
        let login = form(&mut play, &query(&client));
        assert_eq!(play.answer_to(&login.filled(user)).head.status, status, "{user:?}");
    }
    assert_eq!(greet(&mut play, &format!("Bearer {}", ADA.1)).head.status, 401, "a password is no token");
}
