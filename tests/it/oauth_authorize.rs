//! `oauth::authorize`: what a client may ask for, and who is told if it may not.

use mcp_proxy::limits::ADDRESS_LOGINS_MAX;
use mcp_proxy::oauth::answer::{Answer, Body, Page};
use mcp_proxy::oauth::settings::Settings;
use serde_json::json;

use crate::support::oauth::{
    ADA, App, CHALLENGE, CLAUDE, Desk, ISSUER, assert_error_page, changed, parameter, read_form, settings,
};

#[test]
fn the_page_shows_who_asks_for_what_and_where_it_leads() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let resource = format!("{ISSUER}/demo/mcp");
    let answer = desk.authorize(&[&app.request()[..], &[("resource", &resource), ("scope", "claudeai")]].concat());
    assert_eq!(answer.status, 200);
    let (page, cookie) = read_form(&answer);
    assert_eq!((page.client_name.as_str(), page.resource_name.as_str()), ("An app", "demo"));
    assert_eq!((page.client_id.as_str(), page.redirect_uri.as_str()), (app.id.as_str(), CLAUDE));
    assert_eq!((page.response_type.as_str(), page.code_challenge.as_str()), ("code", CHALLENGE));
    assert_eq!((page.scope.as_str(), page.resource.as_str()), ("claudeai", resource.as_str()));
    assert_eq!((page.state.as_str(), page.error_message.as_str()), ("a state/&='\"<>", ""));
    assert_eq!((page.redirect_uri.destination().as_str(), page.redirect_uri.is_loopback()), ("claude.ai", false));
    assert_eq!(page.redirect_uri.csp_source(), "https://claude.ai");
    assert!(cookie.starts_with("__Host-mcp-login-"), "{cookie}");
    let set = answer.header("Set-Cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/", "Max-Age=600"] {
        assert!(set.contains(part), "{set}");
    }
}

/// Clickjacking, caches, referrers.
#[test]
fn pages_and_redirects_carry_the_headers_that_protect_them() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let form = desk.authorize(&app.request());
    let back = desk.authorize(&changed(&app.request(), "response_type", Some("token")));
    let error = desk.authorize(&[("client_id", "x")]);
    for answer in [form, back, error] {
        assert_eq!(answer.header("X-Frame-Options"), Some("DENY"));
        assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert_eq!(answer.header("Referrer-Policy"), Some("same-origin"));
        assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
    }
}

#[test]
fn on_plain_http_the_cookie_is_one_that_browsers_take() {
    let mut desk = Desk::new();
    desk.issuer = "http://localhost:9090".to_owned();
    let app = desk.public_app("http://localhost:1/callback");
    let answer = desk.authorize(&app.request());
    let (page, cookie) = read_form(&answer);
    assert!(cookie.starts_with("mcp-login-") && !answer.header("Set-Cookie").unwrap().contains("Secure"));
    assert!(page.redirect_uri.is_loopback());
    assert_eq!(desk.type_in(&(page, cookie), ADA).status, 200);
}

/// Bug 1 of the reference: neither client nor redirect URI was checked, and any site could have the code.
#[test]
fn a_redirect_leads_only_to_what_the_client_has_registered() {
    let mut desk = Desk::new();
    let app = desk.public_app("http://localhost:1234/callback");
    for uri in [
        "https://evil.example/",
        "http://localhost:1234/callback/",
        "http://localhost:1234/callback?x",
        "http://localhost:1234/callback#f",
        "http://u@localhost:1234/callback",
        "http://127.0.0.1:1234/callback",
        "http://localhost.evil.example/callback",
        CLAUDE,
        "",
    ] {
        let answer = desk.authorize(&changed(&app.request(), "redirect_uri", Some(uri)));
        assert_error_page(&answer, 400);
    }
    assert_error_page(&desk.authorize(&changed(&app.request(), "redirect_uri", None)), 400);
    assert_error_page(&desk.authorize(&[&app.request()[..], &[("redirect_uri", CLAUDE)]].concat()), 400);
    let another_port = App { redirect: "http://localhost:5678/callback".to_owned(), ..app };
    let form = desk.login_form(&another_port, &[]);
    assert!(form.0.redirect_uri.is_loopback());
    let url = crate::support::oauth::success_url(&desk.type_in(&form, ADA));
    assert!(url.starts_with("http://localhost:5678/callback?code="), "{url}");
}

#[test]
fn a_redirect_that_is_no_longer_listed_is_refused() {
    let mut desk = Desk::new();
    let app = desk.public_app("http://localhost:1234/callback");
    let form = desk.login_form(&app, &[]);
    let claude_only = Settings { redirects: crate::support::oauth::redirects(&["claude"]), ..settings() };
    desk.server.handle_settings(claude_only, desk.clock.now());
    let answer = desk.authorize(&app.request());
    assert_error_page(&answer, 400);
    assert!(matches!(&answer.body, Body::Page(Page::Error { message }) if message.contains("oauth2.redirectURIs")));
    assert_error_page(&desk.type_in(&form, ADA), 400);
    desk.assert_unharmed();
}

#[test]
fn an_unknown_client_is_sent_to_no_machine_even_if_that_is_listed() {
    let listed = ["http://localhost:1/callback", "http://lan.example/callback", "app://callback/"];
    let redirects = crate::support::oauth::redirects(&listed);
    let mut desk = Desk::with(Settings { redirects, ..settings() });
    for redirect in listed {
        let unknown = App { id: "gone".to_owned(), secret: None, redirect: redirect.to_owned() };
        assert_error_page(&desk.authorize(&unknown.request()), 400);
        let known = desk.public_app(redirect);
        assert_eq!(desk.authorize(&known.request()).status, 200, "{redirect}");
    }
}

#[test]
fn an_unknown_client_of_a_listed_site_is_sent_back_to_register_anew() {
    let mut desk = Desk::new();
    let unknown = App { id: "gone".to_owned(), secret: None, redirect: CLAUDE.to_owned() };
    let answer = desk.authorize(&unknown.request());
    let url = answer.header("Location").unwrap();
    assert!(answer.status == 302 && url.starts_with(CLAUDE), "{url}");
    assert_eq!(parameter(url, "state").unwrap(), "a state/&='\"<>");
    assert_eq!(parameter(url, "iss").unwrap(), ISSUER);
    let code = parameter(url, "code").unwrap();
    let refusal = crate::support::oauth::refusal(&desk.redeem(&unknown, &code, &[]));
    assert_eq!(refusal, (401, "invalid_client".to_owned()), "what makes it register anew");
    // The code yields nothing to a client that is known, either.
    let known = desk.public_app(CLAUDE);
    assert_eq!(crate::support::oauth::refusal(&desk.redeem(&known, &code, &[])).1, "invalid_grant");
    for uri in ["http://localhost:1/callback", "http://127.0.0.1/", "https://evil.example/", "https://claude.ai/x"] {
        assert_error_page(&desk.authorize(&changed(&unknown.request(), "redirect_uri", Some(uri))), 400);
    }
}

/// The error that an answer sends back to the client, which also gets `state` and `iss`.
fn sent_back(answer: &Answer) -> String {
    let url = answer.header("Location").unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    assert!(url.starts_with(CLAUDE) && parameter(url, "code").is_none(), "{url}");
    assert_eq!(parameter(url, "state").as_deref(), Some("a state/&='\"<>"));
    assert_eq!(parameter(url, "iss").as_deref(), Some(ISSUER));
    parameter(url, "error").expect("an error")
}

/// Bug 2 of the reference: PKCE was skipped where a part of it was missing.
#[test]
fn the_client_is_told_what_else_is_wrong() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let foreign = ["https://evil.example/", "https://mcp.example.com/demo", "x", "https://mcp.example.com/base/no/mcp"];
    let mut cases = vec![
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge", Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
    ];
    cases.extend(foreign.map(|resource| ("resource", Some(resource), "invalid_target")));
    for (name, value, error) in cases {
        let pairs = [&app.request()[..], &[("resource", "https://mcp.example.com/base/demo/mcp")]].concat();
        assert_eq!(sent_back(&desk.authorize(&changed(&pairs, name, value))), error, "{name} {value:?}");
    }
    for name in ["scope", "resource", "code_challenge", "response_type", "prompt"] {
        let twice = [&app.request()[..], &[(name, "x"), (name, "x")]].concat();
        assert_eq!(sent_back(&desk.authorize(&twice)), "invalid_request", "{name}");
    }
    desk.assert_unharmed();
}

#[test]
fn what_means_nothing_is_ignored() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let more = [("scope", " offline_access"), ("prompt", "consent"), ("nonce", "1"), ("nonce", "2")];
    assert_eq!(desk.authorize(&[&app.request()[..], &more].concat()).status, 200);
    let without_state = changed(&app.request(), "state", None);
    let answer = desk.authorize(&without_state);
    let url = crate::support::oauth::success_url(&desk.type_in(&read_form(&answer), ADA));
    assert_eq!(parameter(&url, "state"), None);
}

#[test]
fn a_resource_may_be_required() {
    let mut desk = Desk::with(Settings { require_resource: true, ..settings() });
    let app = desk.public_app(CLAUDE);
    assert_eq!(sent_back(&desk.authorize(&app.request())), "invalid_target");
    assert_eq!(sent_back(&desk.authorize(&[&app.request()[..], &[("resource", ISSUER)]].concat())), "invalid_target");
    let tokens = desk.tokens(&app, &[("resource", "https://mcp.example.com/base/demo/mcp")]);
    assert!(desk.opens(&tokens.access, "demo") && !desk.opens(&tokens.access, "other"));
}

#[test]
fn a_damaged_query_leads_nowhere() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let query = format!("client_id={}&redirect_uri={CLAUDE}&state=%", app.id);
    let ticket = desk.start_authorize(&query);
    assert_error_page(&desk.answer(ticket).unwrap(), 400);
    assert_error_page(&desk.authorize(&[]), 400);
}

#[test]
fn pages_that_nobody_fills_in_cost_little_and_drive_out_nobody_elses() {
    let mut desk = Desk::new();
    let app = desk.public_app(CLAUDE);
    let honest = desk.login_form(&app, &[]);
    let home = desk.ip;
    desk.ip = "203.0.113.1".parse().unwrap();
    for _ in 0..ADDRESS_LOGINS_MAX + 10 {
        desk.pass(1);
        desk.authorize(&app.request());
    }
    assert_eq!(desk.server.census().logins, ADDRESS_LOGINS_MAX + 1);
    desk.ip = home;
    assert_eq!(desk.type_in(&honest, ADA).status, 200);
    desk.pass_and_sweep(601);
    assert_eq!(desk.server.census().logins, 0);
}

#[test]
fn the_name_of_a_client_is_data() {
    let mut desk = Desk::new();
    let name = "{{.}}<script>alert('1')</script>\u{7}";
    let registered = desk.register(&json!({ "redirect_uris": [CLAUDE], "client_name": name }));
    let app = App::read(&registered, CLAUDE);
    let (page, _) = desk.login_form(&app, &[]);
    assert_eq!(page.client_name, name.replace('\u{7}', " "));
    let nameless = desk.secret_app(CLAUDE);
    assert_eq!(desk.login_form(&nameless, &[]).0.client_name, "claude.ai", "bug 17: it was always Claude");
}
