//! `oauth::token`: codes and refresh tokens for tokens; which client asks is `oauth::client_auth`'s part.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use mcp_proxy::codec::form;
use mcp_proxy::limits::{CODES_MAX, GRANT_TOKENS_MAX};
use mcp_proxy::oauth::Posted;
use mcp_proxy::oauth::answer::Answer;
use mcp_proxy::oauth::settings::Settings;
use mcp_proxy::oauth::token::is_verified;

use crate::support::oauth::{
    App, CHALLENGE, CLAUDE, Desk, VERIFIER, body, changed, read_tokens, refusal, refused, settings,
};

const DEMO: &str = "https://mcp.example.com/base/demo/mcp";
const OTHER: &str = "https://mcp.example.com/base/other/mcp";

fn prepared() -> (Desk, App) {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    (desk, app)
}

#[test]
fn a_verifier_proves_what_its_challenge_was_made_of() {
    assert!(is_verified(VERIFIER, CHALLENGE), "RFC 7636, appendix B");
    assert!(!is_verified(CHALLENGE, CHALLENGE), "plain");
    for verifier in ["", &VERIFIER[..42], &"a".repeat(129), &format!("{}=", &VERIFIER[..42]), &format!("{VERIFIER} ")] {
        assert!(!is_verified(verifier, CHALLENGE), "{verifier}");
    }
    // At both ends of what is allowed: openssl dgst -sha256 -binary | basenc --base64url
    assert!(is_verified(&"a".repeat(43), "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"));
}

#[test]
fn a_code_yields_tokens_once_they_are_durable() {
    let (mut desk, app) = prepared();
    let code = desk.code(&app, &[]);
    let before = desk.disk.file.clone();
    let answer = desk.redeem(&app, &code, &[]);
    assert_eq!((answer.status, answer.header("Cache-Control")), (200, Some("no-store")));
    assert_eq!((answer.header("Pragma"), answer.header("Access-Control-Allow-Origin")), (Some("no-cache"), Some("*")));
    let told = body(&answer);
    assert_eq!(
        (&told["token_type"], &told["expires_in"], &told["scope"]),
        (&json!("Bearer"), &json!(3600), &json!("mcp"))
    );
    let tokens = read_tokens(&answer);
    assert!(desk.opens(&tokens.access, "demo") && desk.opens(&tokens.access, "other"));
    assert_ne!(desk.disk.file, before);
    let file = String::from_utf8(desk.disk.file.clone().unwrap()).unwrap();
    for secret in [&tokens.access, &tokens.refresh, &code] {
        assert!(!file.contains(secret.as_str()), "a secret in the file");
        assert!(!desk.notices.iter().any(|line| line.contains(secret.as_str())), "a secret in the log");
    }
}

/// Every refusal, then the honest request, for which the code is still good.
#[test]
fn a_code_is_bound_to_client_redirect_verifier_and_resource() {
    let (mut desk, app) = prepared();
    let thief = desk.public_app(CLAUDE);
    let code = desk.code(&app, &[("resource", DEMO)]);
    let honest = app.redemption(&code);
    let other_verifier = "a".repeat(43);
    for (name, value, error) in [
        ("client_id", Some(thief.id.as_str()), "invalid_grant"),
        ("redirect_uri", Some("https://claude.com/api/mcp/auth_callback"), "invalid_grant"),
        ("redirect_uri", None, "invalid_grant"),
        ("code_verifier", Some(other_verifier.as_str()), "invalid_grant"),
        ("code_verifier", Some(CHALLENGE), "invalid_grant"),
        ("code_verifier", Some("short"), "invalid_grant"),
        ("code_verifier", None, "invalid_grant"),
        ("code", Some("another"), "invalid_grant"),
        ("code", None, "invalid_grant"),
        ("grant_type", Some("password"), "unsupported_grant_type"),
        ("grant_type", None, "invalid_request"),
    ] {
        let answer = desk.token(&changed(&honest, name, value));
        assert_eq!(refusal(&answer), refused(400, error), "{name} {value:?}");
    }
    for resource in [OTHER, "https://mcp.example.com/base", "https://evil.example/"] {
        let answer = desk.redeem(&app, &code, &[("resource", resource)]);
        assert_eq!(refusal(&answer), refused(400, "invalid_target"), "{resource}");
    }
    let twice = [&honest[..], &[("code_verifier", VERIFIER)]].concat();
    assert_eq!(refusal(&desk.token(&twice)), refused(400, "invalid_request"));
    let tokens = read_tokens(&desk.redeem(&app, &code, &[("resource", DEMO)]));
    assert!(desk.opens(&tokens.access, "demo") && !desk.opens(&tokens.access, "other"));
}

#[test]
fn a_login_for_all_servers_may_be_redeemed_for_one() {
    let (mut desk, app) = prepared();
    let code = desk.code(&app, &[]);
    let tokens = read_tokens(&desk.redeem(&app, &code, &[("resource", DEMO)]));
    assert!(desk.opens(&tokens.access, "demo") && !desk.opens(&tokens.access, "other"));
}

#[test]
fn a_code_that_comes_again_ends_what_it_yielded() {
    let (mut desk, app) = prepared();
    let bystander = desk.tokens(&app, &[]);
    let code = desk.code(&app, &[]);
    let tokens = read_tokens(&desk.redeem(&app, &code, &[]));
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.pass(500);
    assert_eq!(refusal(&desk.redeem(&app, &code, &[])), refused(400, "invalid_grant"));
    assert!(!desk.opens(&tokens.access, "demo") && !desk.opens(&next.access, "demo"));
    assert_eq!(refusal(&desk.refresh(&app, &next.refresh, &[])), refused(400, "invalid_grant"));
    assert!(desk.opens(&bystander.access, "demo"), "another login of the same user with the same client");
    desk.restart(settings());
    assert!(!desk.opens(&next.access, "demo") && desk.opens(&bystander.access, "demo"));
}

#[test]
fn a_code_lives_for_a_minute() {
    for (seconds, status) in [(59, 200), (60, 400)] {
        let (mut desk, app) = prepared();
        let code = desk.code(&app, &[]);
        desk.pass_and_sweep(seconds);
        assert_eq!(desk.redeem(&app, &code, &[]).status, status);
        desk.pass_and_sweep(601);
        assert_eq!(desk.server.census().codes, 0);
    }
}

#[test]
fn a_client_shows_its_secret_in_either_place() {
    let mut desk = Desk::new();
    let app = desk.secret_app(CLAUDE);
    let code = desk.code(&app, &[]);
    let without = changed(&app.redemption(&code), "client_secret", None);
    let wrong = changed(&app.redemption(&code), "client_secret", Some("wrong"));
    for pairs in [&without, &wrong, &changed(&wrong, "client_id", None), &changed(&wrong, "client_id", Some("x"))] {
        let answer = desk.token(pairs);
        assert_eq!(refusal(&answer), refused(401, "invalid_client"), "bug 3: secrets were never checked");
        assert_eq!(answer.header("WWW-Authenticate"), None);
    }
    let post = |desk: &mut Desk, authorization: &str, pairs: &[(&str, &str)]| {
        let body = form::write(pairs.iter().copied());
        let posted = Posted { authorization: Some(authorization), body: body.as_bytes(), content_type: None };
        let ticket = desk.start_token(posted);
        desk.answer(ticket).unwrap()
    };
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for header in ["Basic !", "Basic", "Bearer x", &basic("x"), &basic(&format!("{}:wrong", app.id))] {
        let answer = post(&mut desk, header, &without);
        assert_eq!(refusal(&answer), refused(401, "invalid_client"), "{header}");
        assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Basic "));
    }
    let stranger = post(&mut desk, &basic("x:y"), &changed(&without, "client_id", None));
    assert_eq!(refusal(&stranger), refused(401, "invalid_client"));
    let both = post(&mut desk, &app.basic(), &app.redemption(&code));
    assert_eq!(refusal(&both), refused(400, "invalid_request"));
    let other = post(&mut desk, &app.basic(), &changed(&without, "client_id", Some("x")));
    assert_eq!(refusal(&other), refused(400, "invalid_request"));
    let tokens = read_tokens(&post(&mut desk, &app.basic(), &changed(&without, "client_id", None)));
    read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
}

/// Bug 7 of the reference: the body was read twice, so that refreshing with JSON always failed.
#[test]
fn the_body_may_be_json() {
    let (mut desk, app) = prepared();
    let post = |desk: &mut Desk, body: &str| -> Answer {
        let content_type = Some("Application/JSON; charset=utf-8");
        let ticket = desk.start_token(Posted { content_type, body: body.as_bytes(), ..Posted::default() });
        desk.answer(ticket).unwrap()
    };
    let code = desk.code(&app, &[]);
    let as_json = |pairs: &[(&str, &str)]| json!(pairs.iter().copied().collect::<std::collections::BTreeMap<_, _>>());
    let mut asked = as_json(&app.redemption(&code));
    asked["resource"] = json!(null);
    for bad in ["", "[]", "{", "{\"grant_type\":7}", "{\"grant_type\":[\"refresh_token\"]}"] {
        assert_eq!(refusal(&post(&mut desk, bad)), refused(400, "invalid_request"), "{bad}");
    }
    let tokens = read_tokens(&post(&mut desk, &asked.to_string()));
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": tokens.refresh, "client_id": app.id });
    read_tokens(&post(&mut desk, &refresh.to_string()));
    let huge = format!("{{\"code\":\"{}\"}}", "x".repeat(65_536));
    assert_eq!(refusal(&post(&mut desk, &huge)), refused(413, "invalid_request"));
}

#[test]
fn a_client_that_did_not_register_codes_gets_none() {
    let mut desk = Desk::new();
    let asked = json!({
        "redirect_uris": [CLAUDE], "grant_types": ["refresh_token"], "token_endpoint_auth_method": "none",
    });
    let app = App::read(&desk.register(&asked), CLAUDE);
    let code = desk.code(&app, &[]);
    assert_eq!(refusal(&desk.redeem(&app, &code, &[])), refused(400, "unauthorized_client"));
}

/// Bug 5 of the reference: the refresh token went with its expired access token.
#[test]
fn a_refresh_token_outlives_its_access_token() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    desk.pass_and_sweep(3_600);
    assert!(!desk.opens(&tokens.access, "demo"));
    desk.restart(settings());
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[("scope", "mcp claudeai"), ("resource", DEMO)]));
    assert!(desk.opens(&next.access, "demo"));
    desk.pass_and_sweep(30 * 86_400 - 1);
    let last = read_tokens(&desk.refresh(&app, &next.refresh, &[]));
    desk.pass_and_sweep(30 * 86_400);
    assert_eq!(refusal(&desk.refresh(&app, &last.refresh, &[])), refused(400, "invalid_grant"), "idle for too long");
    assert_eq!(desk.server.census().grants, 0);
}

/// Concurrent, late and foreign reuse. Claude refreshes from two addresses and in bursts.
#[test]
fn within_the_grace_siblings_come_and_after_it_the_family_ends() {
    let (mut desk, app) = prepared();
    let bystander = desk.tokens(&app, &[]);
    let tokens = desk.tokens(&app, &[]);
    let mut siblings = Vec::new();
    for second in 0..11 {
        siblings.push(read_tokens(&desk.refresh(&app, &tokens.refresh, &[])));
        desk.pass_and_sweep(if second < 10 { 10 } else { 20 });
    }
    assert!(siblings.iter().all(|sibling| desk.opens(&sibling.access, "demo")));
    let next = read_tokens(&desk.refresh(&app, &siblings[3].refresh, &[]));
    desk.pass_and_sweep(61);
    assert_eq!(refusal(&desk.refresh(&app, &tokens.refresh, &[])), refused(400, "invalid_grant"));
    for tokens in siblings.iter().chain([&tokens, &next]) {
        assert!(!desk.opens(&tokens.access, "demo"));
        assert_eq!(refusal(&desk.refresh(&app, &tokens.refresh, &[])), refused(400, "invalid_grant"));
    }
    assert!(desk.opens(&bystander.access, "demo"));
    read_tokens(&desk.refresh(&app, &bystander.refresh, &[]));
}

#[test]
fn more_siblings_than_a_burst_has_end_the_family() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    for _ in 0..11 {
        read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    }
    assert_eq!(desk.refresh(&app, &tokens.refresh, &[]).status, 400);
    assert!(!desk.opens(&tokens.access, "demo"));
    desk.assert_unharmed();
}

#[test]
fn an_old_token_is_known_as_such_even_when_its_record_is_gone() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.pass_and_sweep(3_000);
    assert_eq!(desk.server.census().refresh, 1, "the rotated one was swept away");
    desk.restart(settings());
    assert_eq!(refusal(&desk.refresh(&app, &tokens.refresh, &[])), refused(400, "invalid_grant"));
    assert!(!desk.opens(&next.access, "demo"));
}

/// Bug 6 of the reference: the token was used up before the client was looked at.
#[test]
fn another_clients_refresh_token_is_refused_and_not_used_up() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    let thief = desk.public_app(CLAUDE);
    let stranger = App { id: "stranger".to_owned(), ..thief.clone() };
    assert_eq!(refusal(&desk.refresh(&thief, &tokens.refresh, &[])), refused(400, "invalid_grant"));
    assert_eq!(refusal(&desk.refresh(&stranger, &tokens.refresh, &[])), refused(401, "invalid_client"));
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.pass_and_sweep(3_000);
    assert_eq!(desk.refresh(&thief, &tokens.refresh, &[]).status, 400);
    assert!(desk.opens(&next.access, "demo"), "a replay by another client is nobody's family's");
    for unknown in ["", "x", &tokens.access, &"A".repeat(64)] {
        assert_eq!(desk.refresh(&app, unknown, &[]).status, 400, "{unknown}");
    }
    assert!(desk.opens(&next.access, "demo"));
}

#[test]
fn a_refresh_cannot_widen() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[("resource", DEMO)]);
    for resource in [OTHER, "https://mcp.example.com/base", "https://evil.example/"] {
        let answer = desk.refresh(&app, &tokens.refresh, &[("resource", resource)]);
        assert_eq!(refusal(&answer), refused(400, "invalid_target"), "{resource}");
    }
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[("resource", DEMO), ("scope", "admin")]));
    assert!(desk.opens(&next.access, "demo") && !desk.opens(&next.access, "other"));
}

#[test]
fn the_settings_decide_how_long_tokens_and_the_grace_last() {
    let short = Settings {
        token_expiration: std::time::Duration::from_secs(90),
        refresh_grace: std::time::Duration::ZERO,
        ..settings()
    };
    let mut desk = Desk::with(short);
    let app = desk.public_app(CLAUDE);
    let code = desk.code(&app, &[]);
    let answer = desk.redeem(&app, &code, &[]);
    assert_eq!(body(&answer)["expires_in"], 90);
    let tokens = read_tokens(&answer);
    desk.pass(89);
    assert!(desk.opens(&tokens.access, "demo"));
    read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.pass(1);
    assert!(!desk.opens(&tokens.access, "demo"));
    assert_eq!(desk.refresh(&app, &tokens.refresh, &[]).status, 400);
}

/// Persist before answering; failure: 500, and nothing has happened.
#[test]
fn what_cannot_be_stored_has_not_happened() {
    let (mut desk, app) = prepared();
    let code = desk.code(&app, &[]);
    let pairs = form::write(app.redemption(&code));
    let posted = Posted { body: pairs.as_bytes(), ..Posted::default() };
    let before = desk.server.store().clone();
    desk.is_holding = true;
    let ticket = desk.start_token(posted);
    assert_eq!(desk.answer(ticket), None, "it is not durable yet");
    desk.fail();
    assert_eq!(refusal(&desk.answer(ticket).unwrap()), refused(500, "server_error"));
    assert_eq!(desk.server.store(), &before);
    desk.release();
    let tokens = read_tokens(&desk.redeem(&app, &code, &[]));
    // The same for a rotation: the retry after the grace must not be taken for a replay.
    desk.is_holding = true;
    let pairs =
        form::write([("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh), ("client_id", &app.id)]);
    let ticket = desk.start_token(Posted { body: pairs.as_bytes(), ..Posted::default() });
    desk.settle();
    desk.fail();
    assert_eq!(desk.answer(ticket).unwrap().status, 500);
    desk.release();
    desk.pass_and_sweep(1_000);
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.restart(settings());
    assert!(desk.opens(&next.access, "demo"));
}

#[test]
fn a_user_has_only_so_many_logins_with_one_client() {
    let (mut desk, app) = prepared();
    let first = desk.tokens(&app, &[]);
    desk.pass(1);
    let second = desk.tokens(&app, &[]);
    for _ in 2..50 {
        desk.tokens(&app, &[]);
    }
    assert!(desk.opens(&first.access, "demo"));
    let last = desk.tokens(&app, &[]);
    assert!(!desk.opens(&first.access, "demo"), "the oldest makes room");
    assert!(desk.opens(&second.access, "demo") && desk.opens(&last.access, "demo"));
}

#[test]
fn a_login_that_is_renewed_for_ever_keeps_a_bounded_number_of_tokens() {
    let (mut desk, app) = prepared();
    let first = desk.tokens(&app, &[]);
    let mut refresh = first.refresh.clone();
    let mut access = first.access.clone();
    for _ in 0..GRANT_TOKENS_MAX {
        assert!(desk.opens(&first.access, "demo"));
        desk.pass(1); // so that one is the oldest
        let tokens = read_tokens(&desk.refresh(&app, &refresh, &[]));
        (refresh, access) = (tokens.refresh, tokens.access);
    }
    assert!(desk.opens(&access, "demo"));
    assert!(!desk.opens(&first.access, "demo"), "the oldest has made room, long before its time was over");
    assert_eq!(desk.refresh(&app, &refresh, &[]).status, 200, "the login goes on");
}

#[test]
fn the_oldest_of_too_many_codes_makes_room() {
    let (mut desk, app) = prepared();
    let oldest = desk.code(&app, &[]);
    desk.pass(1);
    let second = desk.code(&app, &[]);
    for _ in 2..=CODES_MAX {
        desk.code(&app, &[]);
    }
    assert_eq!(refusal(&desk.redeem(&app, &oldest, &[])), refused(400, "invalid_grant"));
    assert_eq!(desk.redeem(&app, &second, &[]).status, 200);
}
