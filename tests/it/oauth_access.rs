//! `oauth::access`: does this token open that server?

use mcp_proxy::oauth::access::Denied;
use mcp_proxy::oauth::password::fingerprint;
use mcp_proxy::oauth::users::Users;

use crate::support::oauth::{ADA_HASH, CLAUDE, Desk, WithUser, read_tokens, settings};

const DEMO: &str = "https://mcp.example.com/base/demo/mcp";

#[test]
fn a_token_opens_its_server_and_no_other() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let tokens = desk.tokens(&app, &[("resource", DEMO)]);
    let now = desk.now();
    let caller = desk.server.check_access(&tokens.access, "demo", now).unwrap();
    assert_eq!((caller.username, caller.client_id), ("ada", app.id.as_str()));
    for server in ["other", "team/a", "dem", "demo/mcp", "", "*"] {
        assert_eq!(desk.server.check_access(&tokens.access, server, now), Err(Denied::OtherServer), "{server}");
    }
    for token in ["", "x", &tokens.refresh, &tokens.access[1..], &format!("{} ", tokens.access)] {
        assert_eq!(desk.server.check_access(token, "demo", now), Err(Denied::Unknown), "{token}");
    }
    assert_eq!(desk.server.check_access(&tokens.access, "demo", now + 3_600), Err(Denied::Expired));
}

/// Nothing that is kept can be shown as a token.
#[test]
fn the_file_opens_nothing() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    desk.tokens(&app, &[]);
    let file = String::from_utf8(desk.disk.file.clone().unwrap()).unwrap();
    let digests: Vec<&str> = file.split('"').filter(|text| text.starts_with("sha256:")).collect();
    assert!(digests.len() >= 2);
    for digest in digests {
        for token in [digest, &digest["sha256:".len()..]] {
            assert!(!desk.opens(token, "demo"));
            assert_eq!(desk.refresh(&app, token, &[]).status, 400);
        }
    }
}

/// A grant dies when its user leaves the configuration, or the password changes; those of others go on.
#[test]
fn a_grant_ends_with_its_user_and_with_the_password() {
    let with_bob = || settings().with_user("bob", "swordfish");
    for (label, changed) in [("gone", settings()), ("another", settings().with_user("bob", "cod"))] {
        for is_restarted in [false, true] {
            let mut desk = Desk::with(with_bob());
            let app = desk.public_app(CLAUDE);
            let ada = desk.tokens(&app, &[]);
            let form = desk.login_form(&app, &[]);
            let url = crate::support::oauth::success_url(&desk.type_in(&form, ("bob", "swordfish")));
            let code = crate::support::oauth::parameter(&url, "code").unwrap();
            let bob = read_tokens(&desk.redeem(&app, &code, &[]));
            let form = desk.login_form(&app, &[]);
            let url = crate::support::oauth::success_url(&desk.type_in(&form, ("bob", "swordfish")));
            let unused = crate::support::oauth::parameter(&url, "code").unwrap();
            if is_restarted {
                desk.restart(changed.clone());
            } else {
                desk.server.handle_settings(changed.clone(), desk.clock.now());
                desk.settle();
            }
            assert!(desk.opens(&ada.access, "demo") && !desk.opens(&bob.access, "demo"), "{label}");
            assert_eq!(desk.refresh(&app, &bob.refresh, &[]).status, 400, "{label}");
            assert_eq!(desk.redeem(&app, &unused, &[]).status, 400, "{label}");
            desk.restart(with_bob());
            assert!(desk.opens(&ada.access, "demo") && !desk.opens(&bob.access, "demo"), "{label}: gone for good");
        }
    }
}

/// The password may be written in another way, but then it is another value: nobody can tell that it is the same.
#[test]
fn a_password_written_anew_is_a_new_one() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let tokens = desk.tokens(&app, &[]);
    let mut anew = settings();
    anew.users.clear();
    desk.restart(anew.clone().with_user("ada", ADA_HASH));
    assert!(desk.opens(&tokens.access, "demo"));
    desk.restart(anew.with_user("ada", "password"));
    assert!(!desk.opens(&tokens.access, "demo"));
}

/// It is computed while everything else waits, and most reloads are about something else.
#[test]
fn a_reload_computes_fingerprints_of_new_passwords_only() {
    let old = settings().with_user("bob", "secret").with_user("eve", "secret");
    let new = settings().with_user("bob", "secret").with_user("eve", "changed").with_user("joe", "secret");
    let (key, mut computed) = ([7; 32], Vec::new());
    let users = Users::new(&old, fingerprint(&key));
    let users = users.after(&old, &new, |name, password| {
        computed.push(name.to_owned());
        fingerprint(&key)(name, password)
    });
    assert_eq!(computed, ["eve", "joe"]);
    let afresh = Users::new(&new, fingerprint(&key));
    assert_eq!(users.all(), afresh.all(), "as if all had been computed");
    assert_eq!(users.fingerprint("joe"), afresh.fingerprint("joe"));
}
