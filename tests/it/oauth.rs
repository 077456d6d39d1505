//! `oauth`: the server as a whole: what it opens, what it keeps, and what it never says.

use std::time::Duration;

use mcp_proxy::oauth::Browser;
use mcp_proxy::oauth::store::document::LoadError;

use crate::support::clock::Clock;
use crate::support::oauth::{
    ADA, CLAUDE, Desk, Disk, VERIFIER, body, parameter, read_form, read_tokens, settings, success_url,
};

#[test]
fn a_new_store_is_written_at_once_and_a_sound_one_is_left_alone() {
    let mut desk = Desk::new();
    let first = desk.disk.file.clone().unwrap();
    desk.restart(settings());
    assert_eq!(desk.disk.file.as_ref(), Some(&first));
    desk.public_app(CLAUDE);
    let file = desk.disk.file.clone().unwrap();
    assert!(file.starts_with(&first) && file.len() > first.len(), "one change is one line");
    desk.restart(settings());
    assert_eq!(desk.disk.file.as_ref(), Some(&file));
    assert_eq!(desk.server.census().clients, 1);
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_of_its_own_kind() {
    let open = |file: &str| {
        let disk = Disk { file: Some(file.as_bytes().to_vec()) };
        Desk::open(settings(), disk, Clock::new(), 1).map(drop)
    };
    assert!(matches!(open("{\"version\":3}\n"), Err(LoadError::Newer { version: 3 })));
    assert!(matches!(open("{\"version\":2"), Err(LoadError::Corrupt { line: 1, .. })));
    assert!(matches!(open(""), Err(LoadError::Corrupt { .. })));
}

#[test]
fn half_a_line_at_the_end_is_cut_off_before_anything_is_added() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let tokens = desk.tokens(&app, &[]);
    desk.disk.file.as_mut().unwrap().extend_from_slice(b"{\"clients\":{\"x");
    desk.restart(settings());
    assert!(desk.opens(&tokens.access, "demo"));
    let later = desk.tokens(&app, &[]);
    desk.restart(settings());
    assert!(desk.opens(&tokens.access, "demo") && desk.opens(&later.access, "demo"));
}

/// No code, verifier, token, password, nor secret in any line for the log, nor in what `Debug` shows of the server.
#[test]
fn secrets_are_told_to_nobody() {
    let mut desk = Desk::new();
    let app = desk.secret_app(CLAUDE);
    let form = desk.login_form(&app, &[]);
    let wrong = desk.type_in(&form, (ADA.0, "a wrong password"));
    let swapped = desk.type_in(&read_form(&wrong), ("a password for a name", "x"));
    let again = read_form(&swapped);
    let code = parameter(&success_url(&desk.type_in(&again, ADA)), "code").unwrap();
    let tokens = read_tokens(&desk.redeem(&app, &code, &[]));
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    desk.pass(1_000);
    desk.refresh(&app, &tokens.refresh, &[]);
    desk.redeem(&app, &code, &[]);
    desk.login(Browser::default(), &[("txn", "stale"), ("password", "a wrong password")]);
    desk.revoke(&app, &next.refresh);
    let said = format!("{:?}\n{:?}", desk.notices, desk.server);
    assert!(desk.notices.len() >= 5, "{said}");
    for secret in [
        &code,
        &tokens.access,
        &tokens.refresh,
        &next.access,
        &next.refresh,
        app.secret.as_ref().unwrap(),
        &form.0.txn,
        &again.0.txn,
        "a wrong password",
        "a password for a name",
        VERIFIER,
    ] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    assert!(desk.notices.iter().all(|line| !line.contains('\n')));
}

/// Bug 15 of the reference: codes were never swept.
#[test]
fn nothing_stays_for_ever() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    desk.tokens(&app, &[]);
    desk.code(&app, &[]);
    desk.authorize(&app.request());
    for _ in 0..3 {
        desk.pass_and_sweep(Duration::from_secs(31 * 86_400).as_secs());
    }
    let census = desk.server.census();
    assert_eq!((census.grants, census.access, census.refresh), (0, 0, 0));
    assert_eq!((census.logins, census.codes, census.verifying, census.pending), (0, 0, 0, 0));
}

#[test]
fn a_registration_that_cannot_be_stored_has_not_happened() {
    let mut desk = Desk::new();
    desk.is_holding = true;
    let ticket = desk.start_register(&serde_json::json!({ "redirect_uris": [CLAUDE] }));
    assert_eq!(desk.answer(ticket), None);
    desk.fail();
    let answer = desk.answer(ticket).unwrap();
    assert_eq!((answer.status, body(&answer)["error"].as_str()), (500, Some("server_error")));
    assert_eq!(desk.server.census().clients, 0);
    desk.release();
    desk.assert_unharmed();
}
