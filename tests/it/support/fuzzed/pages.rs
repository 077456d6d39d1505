//! What must hold for the login pages, whatever clients say of themselves and whatever a template of the operator's is.

use std::cell::RefCell;

use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::oauth::answer::{LoginPage, Page as Shown, SuccessPage};
use mcp_proxy::oauth::pages::source::{check_blocks, prepare};
use mcp_proxy::oauth::pages::{Page, Pages};

use super::markup::skeleton;

const CUSTOM: &str = include_str!("../../golden/oauth/authorize.html");
const CUSTOM_SUCCESS: &str = include_str!("../../golden/oauth/success.html");
const NONCE: &str = "n0nce";

/// What is filled in, parsed as HTML, is no markup: the page has the same elements and attributes as one that is filled
/// in with plain words.
pub(crate) fn pages(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split('\u{7}');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let redirect_uri = RedirectUri::parse(&part()).ok();
    let redirect_uri = redirect_uri.unwrap_or_else(|| RedirectUri::parse("https://a.example/cb").unwrap());
    let login = LoginPage {
        client_name: part(),
        resource_name: part(),
        client_id: part(),
        redirect_uri: redirect_uri.clone(),
        response_type: part(),
        scope: part(),
        state: part(),
        code_challenge: part(),
        resource: part(),
        error_message: part(),
        username: part(),
        txn: "txn".to_owned(),
    };
    let parameters = "code=c&state=s".to_owned();
    let success = SuccessPage { username: part(), client_name: part(), redirect_uri, parameters };
    let message = part();
    PAGES.with_borrow(|all| {
        for pages in all {
            assert_same(pages, Shown::Login(Box::new(login.clone())), Shown::Login(Box::new(plain_login(&login))));
            let (one, other) = (Box::new(success.clone()), Box::new(plain_success(&success)));
            assert_same(pages, Shown::Success(one), Shown::Success(other));
            let plain = Shown::Error { message: plain(&message) };
            assert_same(pages, Shown::Error { message: message.clone() }, plain);
        }
    });
}

thread_local! {
    /// The built-in ones, and those that somebody has made; once for all inputs, since reading them takes long.
    static PAGES: RefCell<[Pages; 2]> = {
        let mut custom = Pages::new().unwrap();
        custom.handle_file(Page::Authorize, Some(CUSTOM)).unwrap();
        custom.handle_file(Page::Success, Some(CUSTOM_SUCCESS)).unwrap();
        RefCell::new([Pages::new().unwrap(), custom])
    };
}

fn assert_same(pages: &Pages, filled: Shown, plain: Shown) {
    let [filled, plain] = [filled, plain].map(|page| {
        let rendered = pages.render(&page, NONCE).unwrap();
        assert_eq!(rendered.fault, None);
        assert!(!rendered.policy.contains(['\n', '\r']));
        rendered.html
    });
    assert_eq!(skeleton(&filled), skeleton(&plain), "{filled}");
    let nonces = |html: &str| html.matches(&format!("nonce=\"{NONCE}\"")).count();
    assert_eq!(nonces(&filled), nonces(&plain), "{filled}");
}

/// As long as something was there, something is.
fn plain(text: &str) -> String {
    if text.is_empty() { String::new() } else { "word".to_owned() }
}

fn plain_login(page: &LoginPage) -> LoginPage {
    LoginPage {
        client_name: plain(&page.client_name),
        resource_name: plain(&page.resource_name),
        client_id: plain(&page.client_id),
        redirect_uri: page.redirect_uri.clone(),
        response_type: plain(&page.response_type),
        scope: plain(&page.scope),
        state: plain(&page.state),
        code_challenge: plain(&page.code_challenge),
        resource: plain(&page.resource),
        error_message: plain(&page.error_message),
        username: plain(&page.username),
        txn: page.txn.clone(),
    }
}

fn plain_success(page: &SuccessPage) -> SuccessPage {
    SuccessPage { username: plain(&page.username), client_name: plain(&page.client_name), ..page.clone() }
}

/// Any file can be tried; what is added to one moves nothing else, and what can be used has a way on.
pub(crate) fn template(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let prepared = prepare(source);
    let mut rest = source.chars().peekable();
    for c in prepared.text.chars() {
        rest.next_if_eq(&c);
    }
    assert_eq!(rest.next(), None, "something was taken away: {}", prepared.text);
    assert_eq!(prepared.text.lines().count(), source.lines().count());
    if let Err((line, _)) = check_blocks(source) {
        assert!((1..=source.split('\n').count()).contains(&line));
    }
    let mut pages = Pages::new().unwrap();
    for page in Page::ALL {
        if let Err(fault) = pages.handle_file(page, Some(source)) {
            assert!(fault.line.is_none_or(|line| line > 0) && !fault.cause.is_empty());
        }
    }
    let redirect_uri = RedirectUri::parse("https://a.example/cb").unwrap();
    let (username, client_name, parameters) = ("<u>".to_owned(), "\"n\"".to_owned(), "code=c".to_owned());
    let success = SuccessPage { username, client_name, redirect_uri, parameters };
    let _ = pages.render(&Shown::Success(Box::new(success)), NONCE).unwrap();
}
