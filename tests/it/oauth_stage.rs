//! `oauth::stage`: forms that come twice, or too late.

use mcp_proxy::limits::{LOGIN_FAILURES_MAX, REPEATED_LOGIN_TIME};
use mcp_proxy::oauth::Browser;
use mcp_proxy::oauth::answer::LoginPage;

use crate::support::oauth::{
    ADA, App, CLAUDE, Desk, assert_error_page, changed, parameter, read_form, read_tokens, success_url,
};

type Form = (LoginPage, String);

/// What the built-in page sends: what was asked for goes along.
fn fields<'a>((page, _): &'a Form, user: (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    vec![
        ("txn", &page.txn),
        ("client_id", &page.client_id),
        ("redirect_uri", page.redirect_uri.as_str()),
        ("scope", &page.scope),
        ("state", &page.state),
        ("code_challenge", &page.code_challenge),
        ("resource", &page.resource),
        ("username", user.0),
        ("password", user.1),
    ]
}

fn with_cookie(form: &Form) -> Browser<'_> {
    Browser { cookie: Some(&form.1), ..Browser::default() }
}

fn prepared() -> (Desk, App, Form) {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let form = desk.login_form(&app, &[("resource", "https://mcp.example.com/base/demo/mcp")]);
    (desk, app, form)
}

#[test]
fn a_form_that_comes_twice_at_once_is_verified_once_and_both_get_the_answer() {
    let (mut desk, app, form) = prepared();
    desk.is_holding = true;
    let tickets = [0, 1].map(|_| desk.start_login(with_cookie(&form), &fields(&form, ADA)));
    desk.settle();
    assert_eq!(desk.jobs.len(), 1);
    desk.release();
    let urls = tickets.map(|ticket| success_url(&desk.answer(ticket).unwrap()));
    assert_eq!(urls[0], urls[1]);
    read_tokens(&desk.redeem(&app, &parameter(&urls[0], "code").unwrap(), &[]));
}

#[test]
fn a_form_that_comes_again_gets_the_same_answer_until_its_code_is_used() {
    let (mut desk, app, form) = prepared();
    let first = desk.login(with_cookie(&form), &fields(&form, ADA));
    assert_eq!(desk.login(with_cookie(&form), &fields(&form, ADA)), first);
    let tokens = read_tokens(&desk.redeem(&app, &parameter(&success_url(&first), "code").unwrap(), &[]));
    let again = desk.login(with_cookie(&form), &fields(&form, ADA));
    assert_eq!(again.status, 403);
    assert_ne!(read_form(&again).0.txn, form.0.txn);
    assert!(desk.opens(&tokens.access, "demo"), "the client was not made to bring its code twice");
}

#[test]
fn an_answer_is_not_kept_for_long_nor_told_without_the_cookie() {
    let (mut desk, _, form) = prepared();
    let first = desk.login(with_cookie(&form), &fields(&form, ADA));
    let without = desk.login(Browser::default(), &fields(&form, ADA));
    assert_eq!(without.status, 403);
    read_form(&without);
    desk.pass(REPEATED_LOGIN_TIME.as_secs() - 1);
    assert_eq!(desk.login(with_cookie(&form), &fields(&form, ADA)), first);
    desk.pass(1);
    let late = desk.login(with_cookie(&form), &fields(&form, ADA));
    assert_eq!(late.status, 403);
    read_form(&late);
}

#[test]
fn a_wrong_password_that_is_sent_again_counts_once() {
    let (mut desk, _, form) = prepared();
    let first = desk.login(with_cookie(&form), &fields(&form, (ADA.0, "wrong")));
    for _ in 0..2 * LOGIN_FAILURES_MAX {
        assert_eq!(desk.login(with_cookie(&form), &fields(&form, (ADA.0, "wrong"))), first);
    }
    assert_eq!(desk.type_in(&read_form(&first), ADA).status, 200);
}

#[test]
fn another_password_on_a_used_page_gets_a_new_page_with_what_was_asked() {
    let (mut desk, app, form) = prepared();
    desk.is_holding = true;
    let first = desk.start_login(with_cookie(&form), &fields(&form, (ADA.0, "wrong")));
    let second = desk.start_login(with_cookie(&form), &fields(&form, ADA));
    let answer = desk.answer(second).unwrap();
    assert_eq!(answer.status, 403);
    let (page, cookie) = read_form(&answer);
    assert!(page.error_message.contains("sent already") && page.error_message.contains("again"), "{page:?}");
    let plain = |page: &LoginPage| LoginPage {
        txn: String::new(),
        error_message: String::new(),
        username: String::new(),
        ..page.clone()
    };
    assert_eq!((page.username.as_str(), plain(&page)), (ADA.0, plain(&form.0)));
    desk.release();
    assert_eq!(desk.answer(first).unwrap().status, 401);
    let url = success_url(&desk.type_in(&(page, cookie), ADA));
    assert_eq!(parameter(&url, "state").as_deref(), Some(form.0.state.as_str()));
    let tokens = read_tokens(&desk.redeem(&app, &parameter(&url, "code").unwrap(), &[]));
    assert!(desk.opens(&tokens.access, "demo") && !desk.opens(&tokens.access, "other"));
}

#[test]
fn an_expired_page_and_one_without_its_cookie_are_given_out_anew_with_advice() {
    let (mut desk, _, form) = prepared();
    let answer = desk.login(Browser::default(), &fields(&form, ADA));
    let other = read_form(&answer);
    assert!(other.0.error_message.contains("Allow cookies"), "{other:?}");
    assert_eq!(desk.type_in(&form, ADA).status, 200, "the page was not used up");
    desk.pass(600);
    let answer = desk.login(with_cookie(&other), &fields(&other, ADA));
    assert_eq!(answer.status, 403);
    let anew = read_form(&answer);
    assert!(anew.0.error_message.contains("too old"), "{anew:?}");
    assert_eq!(desk.type_in(&anew, ADA).status, 200);
}

/// Nobody gets more by a form than by a link.
#[test]
fn a_page_that_is_given_out_anew_is_checked_like_a_link() {
    let (mut desk, _, form) = prepared();
    let own = changed(&fields(&form, ADA), "txn", Some("unknown"));
    let evil = changed(&own, "redirect_uri", Some("https://evil.example/"));
    assert_error_page(&desk.login(with_cookie(&form), &evil), 400);
    let weak = changed(&own, "code_challenge", None);
    let answer = desk.login(with_cookie(&form), &weak);
    let to = answer.header("Location").unwrap();
    assert!(to.starts_with(CLAUDE) && parameter(to, "error").as_deref() == Some("invalid_request"), "{to}");
    let foreign = Browser { origin: Some("https://evil.example"), ..with_cookie(&form) };
    assert_error_page(&desk.login(foreign, &own), 403);
    let huge = "x".repeat(257);
    let answer = desk.login(with_cookie(&form), &changed(&own, "username", Some(&huge)));
    assert_eq!(read_form(&answer).0.username, "");
}
