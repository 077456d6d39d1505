//! `oauth::revoke`: the end of tokens, by their client (RFC 7009) and by the operator.

use mcp_proxy::oauth::answer::Body;

use crate::support::oauth::{App, CLAUDE, Desk, read_tokens, refusal, refused, settings};

fn prepared() -> (Desk, App) {
    let mut desk = Desk::new();
    let app = desk.secret_app(CLAUDE);
    (desk, app)
}

#[test]
fn an_access_token_ends_alone() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    let answer = desk.revoke(&app, &tokens.access);
    assert_eq!((answer.status, &answer.body), (200, &Body::Empty));
    assert!(!desk.opens(&tokens.access, "demo"));
    let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
    assert!(desk.opens(&next.access, "demo"));
}

#[test]
fn a_refresh_token_ends_all_that_came_of_its_login() {
    for is_rotated in [false, true] {
        let (mut desk, app) = prepared();
        let bystander = desk.tokens(&app, &[]);
        let tokens = desk.tokens(&app, &[]);
        let next = read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
        desk.pass_and_sweep(1_000);
        let shown = if is_rotated { &tokens.refresh } else { &next.refresh };
        assert_eq!(desk.revoke(&app, shown).status, 200);
        assert_eq!(desk.revoke(&app, shown).status, 200, "again");
        desk.restart(settings());
        for dead in [&tokens, &next] {
            assert!(!desk.opens(&dead.access, "demo"));
            assert_eq!(desk.refresh(&app, &dead.refresh, &[]).status, 400);
        }
        assert!(desk.opens(&bystander.access, "demo"));
    }
}

#[test]
fn only_the_client_itself_can_revoke_its_tokens() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    let thief = desk.public_app(CLAUDE);
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(desk.revoke(&thief, token).status, 200, "nothing is told");
        let impostor = App { secret: Some("wrong".to_owned()), ..app.clone() };
        assert_eq!(refusal(&desk.revoke(&impostor, token)), refused(401, "invalid_client"));
    }
    for unknown in ["", "x", &"A".repeat(64)] {
        assert_eq!(desk.revoke(&app, unknown).status, 200, "{unknown}");
    }
    assert!(desk.opens(&tokens.access, "demo"));
    read_tokens(&desk.refresh(&app, &tokens.refresh, &[]));
}

/// What takes away stands, even if it cannot be written at once.
#[test]
fn a_revocation_that_cannot_be_stored_stands() {
    let (mut desk, app) = prepared();
    let tokens = desk.tokens(&app, &[]);
    desk.is_holding = true;
    let name = app.id.clone();
    assert_eq!(desk.server.revoke_logins(&name, desk.clock.now()), 1);
    desk.settle();
    desk.fail();
    assert!(!desk.opens(&tokens.access, "demo"));
    desk.release();
    desk.pass_and_sweep(60);
    desk.restart(settings());
    assert!(!desk.opens(&tokens.access, "demo"), "the sweep wrote it");
}

#[test]
fn the_operator_sees_logins_and_ends_them_by_id_user_or_client() {
    let (mut desk, app) = prepared();
    let [first, second] = [desk.tokens(&app, &[]), desk.tokens(&app, &[])];
    let now = desk.clock.now();
    let list: Vec<_> = desk.server.logins().map(|(id, grant)| (id, grant.username.clone())).collect();
    assert_eq!(list.len(), 2);
    assert!(list.iter().all(|(_, username)| username == "ada"));
    let caller = desk.server.check_access(&first.access, "demo", now.unix_seconds).unwrap();
    let id = caller.grant.to_string();
    for nobody in ["", "eve", "*"] {
        assert_eq!(desk.server.revoke_logins(nobody, now), 0, "{nobody}");
    }
    assert_eq!(desk.server.revoke_logins(&id, now), 1);
    assert!(!desk.opens(&first.access, "demo") && desk.opens(&second.access, "demo"));
    assert_eq!(desk.server.revoke_logins("ada", now), 1);
    assert!(!desk.opens(&second.access, "demo"));
    desk.settle();
    desk.assert_unharmed();
}
