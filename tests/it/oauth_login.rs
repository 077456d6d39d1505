//! `oauth::login`: the form comes back.

use mcp_proxy::limits::{LOGIN_FAILURES_MAX, VERIFICATIONS_MAX};
use mcp_proxy::oauth::Browser;
use mcp_proxy::oauth::answer::{Answer, Body, LoginPage, Page};

use crate::support::oauth::{
    ADA, App, CLAUDE, Desk, ISSUER, WithUser, assert_error_page, parameter, read_form, read_tokens, settings,
    success_url,
};

fn prepared() -> (Desk, App, (LoginPage, String)) {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let form = desk.login_form(&app, &[]);
    (desk, app, form)
}

fn fields<'a>(form: &'a (LoginPage, String), user: (&'a str, &'a str)) -> [(&'a str, &'a str); 3] {
    [("txn", &form.0.txn), ("username", user.0), ("password", user.1)]
}

fn with_cookie(form: &(LoginPage, String)) -> Browser<'_> {
    Browser { cookie: Some(&form.1), ..Browser::default() }
}

#[test]
fn the_right_password_leads_to_the_client_with_code_state_and_iss() {
    let (mut desk, app, form) = prepared();
    let answer = desk.type_in(&form, ADA);
    let url = success_url(&answer);
    assert!(url.starts_with(CLAUDE), "{url}");
    assert_eq!(parameter(&url, "state").as_deref(), Some("a state/&='\"<>"));
    assert_eq!(parameter(&url, "iss").as_deref(), Some(ISSUER));
    assert!(url.contains("state=a%20state%2F%26%3D%27%22%3C%3E"), "{url}");
    let Body::Page(Page::Success(page)) = &answer.body else { unreachable!() };
    assert_eq!((page.username.as_str(), page.client_name.as_str()), ("ada", "An app"));
    assert_eq!(answer.header("Set-Cookie"), None, "the page's cookie stays for who clicks twice");
    read_tokens(&desk.redeem(&app, &parameter(&url, "code").unwrap(), &[]));
}

#[test]
fn a_plain_password_opens_too() {
    let mut desk = Desk::with(settings().with_user("bob", "swordfish"));
    let app = desk.public_app(CLAUDE);
    for (user, status) in
        [(("bob", "swordfis"), 401), (("bob", "swordfish"), 200), (("ada", "swordfish"), 401), (ADA, 200)]
    {
        let form = desk.login_form(&app, &[]);
        assert_eq!(desk.type_in(&form, user).status, status, "{user:?}");
    }
}

/// What tells an unknown user from a wrong password: nothing.
#[test]
fn a_wrong_name_and_a_wrong_password_get_the_same_answer() {
    let (mut desk, app, form) = prepared();
    let wrong = desk.type_in(&form, (ADA.0, "wrong"));
    let (page, cookie) = read_form(&wrong);
    assert_eq!((wrong.status, page.username.as_str()), (401, "ada"));
    let form = desk.login_form(&app, &[]);
    let unknown = desk.type_in(&form, ("eve", "wrong"));
    let (other, _) = read_form(&unknown);
    let blank = |page: &LoginPage| LoginPage { txn: String::new(), username: String::new(), ..page.clone() };
    assert_eq!(blank(&page), blank(&other));
    assert_eq!(unknown.status, 401);
    assert!(!desk.notices.iter().any(|line| line.contains("eve")), "a name may be a password: {:?}", desk.notices);
    assert_eq!(desk.type_in(&(page, cookie), ADA).status, 200);
}

#[test]
fn the_same_work_is_done_for_an_unknown_user() {
    let (mut desk, _, form) = prepared();
    desk.is_holding = true;
    desk.start_login(with_cookie(&form), &fields(&form, ("eve", "wrong")));
    desk.settle();
    assert_eq!(desk.jobs.len(), 1);
    assert_eq!(format!("{:?}", desk.jobs[0].1), "Verification(…)");
}

/// Login CSRF.
#[test]
fn a_form_that_is_not_ours_is_refused_and_uses_nothing_up() {
    let (mut desk, app, form) = prepared();
    let another = desk.login_form(&app, &[]);
    let same_name = format!("{}=wrong", form.1.split('=').next().unwrap());
    for cookie in [None, Some(""), Some("x=y"), Some(another.1.as_str()), Some(same_name.as_str())] {
        let browser = Browser { cookie, ..Browser::default() };
        assert_error_page(&desk.login(browser, &fields(&form, ADA)), 403);
    }
    for origin in ["https://evil.example", "null", "http://mcp.example.com", "https://mcp.example.com:8443", ""] {
        let browser = Browser { origin: Some(origin), ..with_cookie(&form) };
        assert_error_page(&desk.login(browser, &fields(&form, ADA)), 403);
    }
    for site in ["cross-site", "same-site", "x"] {
        let browser = Browser { fetch_site: Some(site), ..with_cookie(&form) };
        assert_error_page(&desk.login(browser, &fields(&form, ADA)), 403);
    }
    let cookies = format!("a=b; {}; c", form.1);
    let browser =
        Browser { cookie: Some(&cookies), origin: Some("https://mcp.example.com"), fetch_site: Some("same-origin") };
    assert_eq!(desk.login(browser, &fields(&form, ADA)).status, 200);
}

#[test]
fn a_form_works_once() {
    let (mut desk, _, form) = prepared();
    let wrong = desk.type_in(&form, (ADA.0, "wrong"));
    let old = format!("{}=; ", form.1.split('=').next().unwrap());
    let is_taken_away = |(name, value): &&(_, String)| *name == "Set-Cookie" && value.starts_with(&old);
    assert_eq!((wrong.status, wrong.headers.iter().filter(is_taken_away).count()), (401, 1));
    assert_error_page(&desk.type_in(&form, ADA), 403);
    let (mut desk, app, form) = prepared();
    let right = desk.type_in(&form, ADA);
    read_tokens(&desk.redeem(&app, &parameter(&success_url(&right), "code").unwrap(), &[]));
    assert_error_page(&desk.type_in(&form, ADA), 403);
    let (mut desk, _, form) = prepared();
    desk.pass(600);
    assert_error_page(&desk.type_in(&form, ADA), 403);
}

#[test]
fn two_tabs_do_not_disturb_each_other() {
    let (mut desk, app, one) = prepared();
    let other = desk.login_form(&app, &[("resource", "https://mcp.example.com/base/demo/mcp")]);
    assert_ne!(one.1.split('=').next(), other.1.split('=').next());
    let both = format!("{}; {}", one.1, other.1);
    let browser = Browser { cookie: Some(&both), ..Browser::default() };
    for form in [&other, &one] {
        assert_eq!(desk.login(browser, &fields(form, ADA)).status, 200);
    }
}

/// The redirect URI is compared on POST too: with what the page was given out for.
#[test]
fn a_form_cannot_be_turned_to_another_client_or_place() {
    let (mut desk, app, form) = prepared();
    for field in [("redirect_uri", "https://evil.example/"), ("client_id", "another")] {
        let form = desk.login_form(&app, &[]);
        let answer = desk.login(with_cookie(&form), &[&fields(&form, ADA)[..], &[field]].concat());
        assert_error_page(&answer, 400);
    }
    // What the templates of the reference repeat is no harm.
    let repeated =
        [("redirect_uri", CLAUDE), ("client_id", app.id.as_str()), ("state", "x"), ("response_type", "code")];
    assert_eq!(desk.login(with_cookie(&form), &[&fields(&form, ADA)[..], &repeated].concat()).status, 200);
}

#[test]
fn a_form_that_says_things_twice_or_too_long_is_refused() {
    let (mut desk, _, form) = prepared();
    let twice = [&fields(&form, ADA)[..], &[("username", "eve")]].concat();
    assert_error_page(&desk.login(with_cookie(&form), &twice), 400);
    let huge = "x".repeat(65_537);
    assert_error_page(&desk.login(with_cookie(&form), &[("txn", &huge)]), 413);
    assert_eq!(desk.type_in(&form, ADA).status, 200, "neither used the form up");
    for user in [("", "password"), ("ada", ""), ("ada", &huge[..1_025]), (&huge[..257], "password")] {
        let (mut desk, _, form) = prepared();
        let answer = desk.type_in(&form, user);
        assert_eq!(answer.status, 401);
        assert_eq!(desk.type_in(&read_form(&answer), ADA).status, 200);
    }
}

/// Types a wrong password into the form that the last answer brought.
fn fail(desk: &mut Desk, last: &Answer) -> Answer {
    desk.type_in(&read_form(last), (ADA.0, "wrong"))
}

#[test]
fn after_five_failures_there_is_a_wait_that_ends() {
    let (mut desk, app, _) = prepared();
    let mut last = desk.authorize(&app.request());
    for _ in 0..LOGIN_FAILURES_MAX {
        last = fail(&mut desk, &last);
        assert_eq!(last.status, 401);
    }
    last = fail(&mut desk, &last);
    assert_eq!((last.status, last.header("Retry-After")), (429, Some("1")));
    let right = desk.type_in(&read_form(&last), ADA);
    assert_eq!(right.status, 429, "the right password must not show itself during the wait");
    desk.pass(1);
    let right = desk.type_in(&read_form(&right), ADA);
    assert_eq!(right.status, 200);
    let form = desk.login_form(&app, &[]);
    assert_eq!(desk.type_in(&form, (ADA.0, "wrong")).status, 401, "the count begins anew");
}

#[test]
fn attempts_at_once_are_counted_before_they_are_judged() {
    let (mut desk, app, _) = prepared();
    desk.is_holding = true;
    let tickets: Vec<_> = (0..10)
        .map(|_| {
            let form = desk.login_form(&app, &[]);
            desk.start_login(with_cookie(&form), &fields(&form, (ADA.0, "wrong")))
        })
        .collect();
    desk.settle();
    assert_eq!(desk.jobs.len(), LOGIN_FAILURES_MAX as usize);
    desk.release();
    let statuses: Vec<u16> = tickets.into_iter().map(|ticket| desk.answer(ticket).unwrap().status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429, 429]);
}

#[test]
fn only_so_many_passwords_are_verified_at_once() {
    let (mut desk, app, _) = prepared();
    desk.is_holding = true;
    for index in 0..=VERIFICATIONS_MAX {
        desk.ip = std::net::IpAddr::from([203, 0, 113, index as u8]);
        let form = desk.login_form(&app, &[]);
        let ticket = desk.start_login(with_cookie(&form), &fields(&form, ADA));
        let answer = desk.answer(ticket);
        assert_eq!(answer.as_ref().map(|answer| answer.status), (index == VERIFICATIONS_MAX).then_some(429));
        if let Some(answer) = answer {
            assert_eq!(read_form(&answer).0.error_message, "Many log in at once. Try again in a second.");
        }
    }
    let said = desk.notices.last().unwrap();
    assert!(said.contains("many others try at once") && !said.contains("wrong passwords"), "{said}");
    desk.release();
    assert_eq!(desk.server.census().verifying, 0);
}

#[test]
fn a_password_that_changes_while_it_is_verified_is_wrong() {
    let (mut desk, _, form) = prepared();
    desk.is_holding = true;
    let ticket = desk.start_login(with_cookie(&form), &fields(&form, ADA));
    desk.settle();
    let mut changed = settings();
    changed.users.clear();
    desk.server.handle_settings(changed.with_user("ada", "another"), desk.clock.now());
    desk.release();
    assert_eq!(desk.answer(ticket).unwrap().status, 401);
}
