//! `oauth::store::reference`: what the reference has left goes on working.

use mcp_proxy::limits::TOKEN_TIME_MAX;
use serde_json::json;

use crate::support::clock::Clock;
use crate::support::oauth::{App, CLAUDE, Desk, Disk, WithUser, read_tokens, refusal, refused, settings};

fn client(secret: &str) -> serde_json::Value {
    json!({
        "client_id": "old", "client_secret": secret, "redirect_uris": [CLAUDE], "grant_types": ["authorization_code"],
        "client_id_issued_at": "1994-11-01T09:49:37.123456789+01:00", "client_name": "Claude",
    })
}

fn old_app() -> App {
    App { id: "old".to_owned(), secret: Some("hush".to_owned()), redirect: CLAUDE.to_owned() }
}

fn open(file: &serde_json::Value) -> Desk {
    let disk = Disk { file: Some(serde_json::to_vec_pretty(file).unwrap()) };
    Desk::open(settings(), disk, Clock::new(), 1).unwrap()
}

#[test]
fn clients_are_still_known_and_their_secrets_are_not() {
    let mut desk = open(&json!({ "old": client("hush") }));
    let record = desk.server.store().client("old").unwrap().clone();
    assert_eq!((record.name.as_str(), record.created_at), ("Claude", 783_679_777));
    let file = String::from_utf8(desk.disk.file.clone().unwrap()).unwrap();
    assert!(file.starts_with("{\"version\":2,") && !file.contains("hush"), "it was written anew");
    let impostor = App { secret: None, ..old_app() };
    let code = desk.code(&impostor, &[]);
    assert_eq!(refusal(&desk.redeem(&impostor, &code, &[])), refused(401, "invalid_client"));
    read_tokens(&desk.redeem(&old_app(), &code, &[]));
    assert_eq!(open(&json!({})).server.census().clients, 0);
}

fn with_tokens() -> serde_json::Value {
    let token = |refresh: &str, resource: &str, expires: &str| {
        json!({
            "Token": "unread", "RefreshToken": refresh, "ClientID": "old", "Scope": "mcp", "Resource": resource,
            "ExpiresAt": expires,
        })
    };
    let [past, future] = ["1994-11-06T08:49:36Z", "1994-11-06T09:19:37Z"];
    json!({
        "clients": { "old": client("hush") },
        "accessTokens": {
            "everything": token("r1", "", future),
            "demo": token("r2", "https://mcp.example.com/base/demo", future),
            "other": token("", "https://elsewhere.example/other/mcp/", future),
            "late": token("r3", "https://mcp.example.com/base/team/a", past),
            "nothing": token("r4", "https://mcp.example.com/unknown", future),
            "gone": token("", "", past),
            "orphan": { "ClientID": "nobody", "ExpiresAt": future },
        },
        "savedAt": "1994-11-06T08:00:00Z",
    })
}

#[test]
fn tokens_open_what_they_opened_and_no_more() {
    let mut desk = open(&with_tokens());
    for is_restarted in [false, true] {
        for (token, opened) in [
            ("everything", [true, true, true]),
            ("demo", [true, false, false]),
            ("other", [false, true, false]),
            ("late", [false; 3]),
            ("nothing", [false; 3]),
            ("gone", [false; 3]),
            ("orphan", [false; 3]),
        ] {
            let opens = ["demo", "other", "team/a"].map(|server| desk.opens(token, server));
            assert_eq!(opens, opened, "{token}, restarted: {is_restarted}");
        }
        desk.restart(settings());
    }
    let file = String::from_utf8(desk.disk.file.clone().unwrap()).unwrap();
    for secret in ["everything", "\"r1\"", "hush"] {
        assert!(!file.contains(secret), "{secret}");
    }
    desk.pass(1_800);
    assert!(!desk.opens("everything", "demo"));
}

#[test]
fn a_token_is_good_for_as_long_as_could_be_configured_whatever_the_file_says() {
    let mut file = with_tokens();
    file["accessTokens"]["everything"]["ExpiresAt"] = "2024-11-06T09:19:37Z".into();
    let mut desk = open(&file);
    let longest = TOKEN_TIME_MAX.as_secs();
    desk.pass(longest - 1);
    assert!(desk.opens("everything", "demo"));
    desk.pass(1);
    assert!(!desk.opens("everything", "demo"));
}

#[test]
fn refresh_tokens_yield_tokens_of_ours_and_their_replay_is_noticed() {
    let mut desk = open(&with_tokens());
    let app = old_app();
    let late = read_tokens(&desk.refresh(&app, "r3", &[]));
    assert!(desk.opens(&late.access, "team/a") && !desk.opens(&late.access, "demo"));
    assert_eq!(desk.refresh(&app, "r4", &[]).status, 400);
    let first = read_tokens(&desk.refresh(&app, "r1", &[]));
    let next = read_tokens(&desk.refresh(&app, &first.refresh, &[]));
    desk.pass_and_sweep(1_000);
    assert_eq!(desk.refresh(&app, "r1", &[]).status, 400);
    assert!(!desk.opens(&next.access, "demo") && desk.opens(&late.access, "team/a"));
}

/// Nobody knows who logged in: it may have been whoever is gone.
#[test]
fn they_end_when_anything_changes_among_the_users() {
    let mut desk = open(&with_tokens());
    desk.restart(settings());
    assert!(desk.opens("everything", "demo"));
    desk.restart(settings().with_user("bob", "swordfish"));
    assert!(!desk.opens("everything", "demo"));
}
