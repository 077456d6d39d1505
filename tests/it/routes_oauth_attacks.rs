//! Attacks on the login, over HTTP: each is refused, and whoever is honest does not notice. Those on tokens are in
//! `routes_oauth_tokens`, those on names and addresses in `routes_oauth_origins`, those on sessions in
//! `routes_oauth_sessions`.

use std::time::Duration;

use mcp_proxy::limits::{LOGIN_FAILURES_MAX, REGISTRATIONS_MAX};
use serde_json::json;

use crate::support::login::{
    BASE, FORM, Form, ask, between, client, code, config, form, log_in, pairs, play_with, post, query, register,
    request, tokens, usual,
};
use crate::support::oauth::{ADA, CHALLENGE, CLAUDE, changed, parameter};
use crate::support::playbook::{Answer, Playbook};
use crate::support::requests::Http;

/// The whole way, from a login to tokens.
#[track_caller]
fn assert_unharmed(play: &mut Playbook, client: &str) {
    let code = code(play, client);
    let answer = tokens(play, client, &code);
    assert_eq!(answer.head.status, 200, "{answer:?}");
}

/// A page that leads nowhere.
#[track_caller]
fn assert_stays_here(answer: &Answer, status: u16) {
    assert_eq!((answer.head.status, answer.head.header("location")), (status, None), "{answer:?}");
    assert!(answer.body.starts_with("<!DOCTYPE html>") && !answer.body.contains("evil"), "{}", answer.body);
}

/// A client that comes back to a place that `redirectURIs` lists.
fn client_at(play: &mut Playbook, uri: &str, name: &str) -> String {
    let metadata = json!({ "redirect_uris": [uri], "client_name": name, "token_endpoint_auth_method": "none" });
    let answer = play.answer_to(&post("/oauth/register", "application/json", &metadata.to_string()));
    assert_eq!(answer.head.status, 201, "{answer:?}");
    answer.json()["client_id"].as_str().expect("an id").to_owned()
}

fn listing(entries: &str) -> Playbook {
    play_with(config(&format!(r#""baseURL": "{BASE}", "#), &format!(r#""redirectURIs": [{entries}], "#), ""))
}

/// Bug 1 of the reference: a victim's login delivered a code to any site.
#[test]
fn open_redirect() {
    let mut play = usual();
    let client = client(&mut play);
    let honest = request(&client);
    for uri in [
        "https://evil.example/",
        "https://claude.ai@evil.example/api/mcp/auth_callback",
        "https://claude.ai/api/mcp/auth_callback#evil",
        "https://claude.ai/api/mcp/auth_callback/evil",
        "https://claude.ai/api/mcp/auth_callback?evil",
        "https://claude.ai/api/mcp/../../evil",
        "https://claude.ai.evil.example/api/mcp/auth_callback",
        "//evil.example/api/mcp/auth_callback",
        "javascript:alert('evil')",
        "",
    ] {
        assert_stays_here(&ask(&mut play, &pairs(&changed(&honest, "redirect_uri", Some(uri)))), 400);
        // Nobody whom we do not know is sent there, either.
        let unknown = changed(&changed(&honest, "client_id", Some("nobody")), "redirect_uri", Some(uri));
        assert_stays_here(&ask(&mut play, &pairs(&unknown)), 400);
    }
    let twice = [&honest[..], &[("redirect_uri", "https://evil.example/")]].concat();
    assert_stays_here(&ask(&mut play, &pairs(&twice)), 400);
    // The form that comes back cannot lead elsewhere than its page.
    let login = form(&mut play, &query(&client));
    let filled = login.filled(ADA);
    let elsewhere = [("txn", login.txn.as_str()), ("username", ADA.0), ("password", ADA.1)];
    let elsewhere = pairs(&[&elsewhere[..], &[("redirect_uri", "https://evil.example/")]].concat());
    assert_stays_here(&play.answer_to(&filled.body(&elsewhere)), 400);
    for uris in [json!(["https://evil.example/"]), json!([CLAUDE, "https://evil.example/"]), json!([]), json!(CLAUDE)] {
        let metadata = json!({ "redirect_uris": uris }).to_string();
        let answer = play.answer_to(&post("/oauth/register", "application/json", &metadata));
        assert_eq!(answer.head.status, 400, "{answer:?}");
    }
    assert_unharmed(&mut play, &client);
}

/// Bug 2 of the reference: without a challenge, or with that of `plain`, nothing was compared.
#[test]
fn pkce_left_out_or_weakened() {
    let mut play = usual();
    let client = client(&mut play);
    for (name, value) in [
        ("code_challenge", None),
        ("code_challenge", Some("")),
        ("code_challenge", Some("short")),
        ("code_challenge_method", None),
        ("code_challenge_method", Some("plain")),
        ("code_challenge_method", Some("s256")),
    ] {
        let answer = ask(&mut play, &pairs(&changed(&request(&client), name, value)));
        let url = answer.head.header("location").unwrap_or_else(|| panic!("{name} {value:?}: {answer:?}"));
        assert_eq!(parameter(url, "error").as_deref(), Some("invalid_request"), "{name} {value:?}");
        assert!(url.starts_with(CLAUDE) && parameter(url, "code").is_none(), "{url}");
    }
    for name in ["code_challenge", "code_challenge_method"] {
        let twice = [&request(&client)[..], &[(name, "S256")]].concat();
        let answer = ask(&mut play, &pairs(&twice));
        assert_eq!(parameter(answer.head.header("location").unwrap(), "error").as_deref(), Some("invalid_request"));
    }
    let code = code(&mut play, &client);
    let grant = ("grant_type", "authorization_code");
    let honest = [grant, ("code", code.as_str()), ("redirect_uri", CLAUDE), ("client_id", client.as_str())];
    for verifier in [None, Some(CHALLENGE), Some("short"), Some("")] {
        let verifier = verifier.map(|verifier| ("code_verifier", verifier));
        let body: Vec<_> = honest.into_iter().chain(verifier).collect();
        let answer = play.answer_to(&post("/oauth/token", FORM, &pairs(&body)));
        assert_eq!((answer.head.status, &answer.json()["error"]), (400, &json!("invalid_grant")), "{verifier:?}");
    }
    assert_eq!(tokens(&mut play, &client, &code).head.status, 200, "none of them used the code up");
}

#[test]
fn login_csrf() {
    let mut play = usual();
    let client = client(&mut play);
    let login = form(&mut play, &query(&client));
    let another = form(&mut play, &query(&client));
    let honest = login.filled(ADA);
    for (attack, why) in [
        (honest.clone().without("Cookie"), "without the cookie"),
        (honest.clone().with("Cookie", &another.cookie), "with another page's cookie"),
        (honest.clone().with("Cookie", "mcp-login-00000000=x"), "with a cookie of the attacker's"),
        (honest.clone().with("Origin", "https://evil.example"), "from another site"),
        (honest.clone().with("Origin", "null"), "from a sandboxed frame"),
        (honest.clone().with("Origin", "http://127.0.0.1:9091"), "from another port"),
        (honest.clone().with("Origin", "https://127.0.0.1:9090"), "by another scheme"),
        (honest.clone().with("Sec-Fetch-Site", "cross-site"), "as browsers say it"),
        (honest.clone().with("Sec-Fetch-Site", "same-site"), "from a neighbouring name"),
        (Form { txn: "made-up".to_owned(), cookie: login.cookie.clone() }.filled(ADA), "with a txn of its own"),
    ] {
        let answer = play.answer_to(&attack);
        assert_stays_here(&answer, 403);
        assert!(answer.head.header("set-cookie").is_none(), "{why}");
    }
    for name in ["Origin", "Sec-Fetch-Site"] {
        let twice = honest.clone().with(name, BASE).also(name, BASE);
        assert_eq!(play.answer_to(&twice).head.status, 400, "{name} twice");
    }
    // The answer to the honest one goes to the honest browser, and to nobody else who sends the same.
    let honest = honest.also("Cookie", "other=1").with("Sec-Fetch-Site", "same-origin");
    assert_eq!(play.answer_to(&honest).head.status, 200);
    assert_stays_here(&play.answer_to(&honest.clone().without("Cookie")), 403);
    assert_stays_here(&play.answer_to(&honest.with("Cookie", &another.cookie)), 403);
    assert_eq!(play.answer_to(&another.filled(ADA)).head.status, 200, "the other tab still works");
}

/// Parameters in a URL do not make a GET what a POST is.
#[test]
fn methods_that_are_none_of_the_endpoints() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let body = pairs(&[("grant_type", "authorization_code"), ("code", &code), ("client_id", &client)]);
    for (path, methods) in [
        ("/oauth/token", &["GET", "HEAD", "PUT", "DELETE"][..]),
        ("/oauth/register", &["GET", "HEAD", "PUT", "DELETE"]),
        ("/oauth/revoke", &["GET", "HEAD", "PUT", "DELETE"]),
        ("/oauth/authorize", &["PUT", "DELETE"]),
        ("/.well-known/oauth-authorization-server", &["POST", "PUT", "DELETE"]),
    ] {
        for method in methods {
            let answer = play.answer_to(&Http::new(method, &format!("{path}?{body}")).body(""));
            assert_eq!(answer.head.status, 405, "{method} {path}");
            assert!(answer.head.header("allow").is_some(), "{method} {path}");
        }
    }
    let head = play.answer_to(&Http::new("HEAD", &format!("/oauth/authorize?{}", query(&client))));
    assert_eq!((head.head.status, head.body.as_str()), (200, ""));
    assert_eq!(tokens(&mut play, &client, &code).head.status, 200);
}

/// Every page, those for errors too, and every redirect.
#[test]
fn clickjacking() {
    let mut play = usual();
    let client = client(&mut play);
    let login = ask(&mut play, &query(&client));
    let success = play.answer_to(&Form::read(&login).filled(ADA));
    let again = log_in(&mut play, &client, "wrong");
    let used_up = play.answer_to(&Form::read(&login).filled(ADA));
    let broken = ask(&mut play, "client_id=%");
    let long = play.answer_to(&post("/oauth/authorize", FORM, &"x".repeat(64 * 1024 + 1)));
    let back = ask(&mut play, &pairs(&changed(&request(&client), "response_type", Some("token"))));
    assert_eq!(back.head.status, 302);
    for (answer, what) in
        [(&login, "login"), (&success, "success"), (&again, "again"), (&used_up, "used up"), (&broken, "broken")]
    {
        let policy = answer.head.header("content-security-policy").unwrap_or_else(|| panic!("{what}: {answer:?}"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{what}: {policy}");
        assert!(policy.contains("form-action ") && policy.starts_with("default-src 'none';"), "{what}: {policy}");
        assert_eq!(answer.head.header("content-type"), Some("text/html; charset=utf-8"), "{what}");
    }
    for answer in [&login, &success, &again, &used_up, &broken, &back] {
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.head.header(name), Some(value), "{name}: {answer:?}");
        }
        assert_eq!(answer.head.header("access-control-allow-origin"), None);
    }
    assert_eq!(long.head.status, 413);
}

/// Chromium applies `form-action` to the redirect that follows a form.
#[test]
fn a_form_may_lead_to_its_client_and_nowhere_else() {
    let mut play = listing(r#""claude", "cursor", "loopback""#);
    for (uri, sources) in [
        (CLAUDE, "'self' https://claude.ai;"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "'self' cursor:;"),
        ("http://localhost:6274/oauth/callback", "'self' http://localhost:6274;"),
        ("http://[::1]:6274/oauth/callback", "'self' http:;"),
    ] {
        let client = client_at(&mut play, uri, "An app");
        let login = ask(&mut play, &pairs(&changed(&request(&client), "redirect_uri", Some(uri))));
        let success = play.answer_to(&Form::read(&login).filled(ADA));
        for page in [login, success] {
            let policy = page.head.header("content-security-policy").expect("a policy");
            assert!(policy.contains(&format!("form-action {sources}")), "{uri}: {policy}");
            assert_eq!(page.head.status, 200);
        }
    }
}

#[test]
fn brute_force() {
    let mut play = usual();
    let client = client(&mut play);
    for _ in 0..LOGIN_FAILURES_MAX {
        assert_eq!(log_in(&mut play, &client, "wrong").head.status, 401);
    }
    let slowed = log_in(&mut play, &client, ADA.1);
    assert_eq!(slowed.head.status, 429, "even the right password has to wait");
    let seconds: u64 = slowed.head.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=2).contains(&seconds) && slowed.body.contains("Too many attempts"), "{seconds}");
    // By what it says of itself, it is the same client.
    for (name, value) in [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.2"), ("X-Real-IP", "192.0.2.3")]
    {
        play.peer = "203.0.113.9".parse().expect("an address");
        let other = log_in(&mut play, &client, "wrong");
        assert_eq!(other.head.status, 401, "another address has its own tries");
        let login = form(&mut play, &query(&client));
        let spoofed = play.answer_to(&login.filled((ADA.0, "wrong")).with(name, value));
        assert!(matches!(spoofed.head.status, 401 | 429), "{spoofed:?}");
        play.peer = "127.0.0.1".parse().expect("an address");
    }
    play.peer = "203.0.113.9".parse().expect("an address");
    let login = form(&mut play, &query(&client));
    let spoofed = play.answer_to(&login.filled(ADA).with("X-Forwarded-For", "192.0.2.77"));
    assert_eq!(spoofed.head.status, 429, "the six failures count for the peer, whatever it says");
    play.peer = "127.0.0.1".parse().expect("an address");
    play.advance(Duration::from_secs(seconds + 1));
    assert_eq!(log_in(&mut play, &client, ADA.1).head.status, 200);
    let log = play.logs.join("\n");
    assert!(log.contains("too many wrong passwords from 127.0.0.1"), "{log}");
}

/// The same work is done for them (`oauth_login` has that), and the same is said.
#[test]
fn enumeration_of_users() {
    let mut play = usual();
    let client = client(&mut play);
    let mut said = Vec::new();
    for name in [ADA.0, "eve", "ada ", "ADA"] {
        let login = form(&mut play, &query(&client));
        let answer = play.answer_to(&login.filled((name, "wrong")));
        assert_eq!(answer.head.status, 401);
        let again = Form::read(&answer);
        let body = answer.body.replace(&again.txn, "").replace(&format!("value=\"{name}\""), "");
        let policy = answer.head.header("content-security-policy").expect("a policy");
        said.push(body.replace(between(policy, "script-src 'nonce-", "'"), ""));
    }
    assert!(said.iter().all(|body| *body == said[0]), "{said:?}");
    assert_eq!(log_in(&mut play, &client, ADA.1).head.status, 200);
}

#[test]
fn registration_flood() {
    let mut play = usual();
    for _ in 0..REGISTRATIONS_MAX {
        assert_eq!(register(&mut play, "/oauth/register").head.status, 201);
    }
    let refused = register(&mut play, "/register");
    assert_eq!(refused.head.status, 429);
    let seconds: u64 = refused.head.header("retry-after").expect("a time").parse().expect("seconds");
    assert!(seconds <= 600, "{seconds}");
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/demo/mcp"] {
        assert_eq!(play.answer_to(&Http::get(path)).head.status, 200, "discovery is never throttled");
    }
    play.peer = "203.0.113.9".parse().expect("an address");
    let client = client(&mut play);
    assert_unharmed(&mut play, &client);
    play.peer = "127.0.0.1".parse().expect("an address");
    play.advance(Duration::from_secs(seconds));
    assert_eq!(register(&mut play, "/oauth/register").head.status, 201);
}

/// What is written into pages by strangers: a client's name, the state, what was typed, the name of a resource.
#[test]
fn xss() {
    let hostile = "</title><script>alert(1)</script>'\"><img src=x onerror=alert(1)> {{.}} javascript:alert(1)";
    let mut play = usual();
    let client = client_at(&mut play, CLAUDE, hostile);
    let mut asked = changed(&request(&client), "state", Some(hostile));
    asked.extend([("scope", hostile), ("prompt", hostile)]);
    let login = ask(&mut play, &pairs(&asked));
    let wrong = play.answer_to(&Form::read(&login).filled((hostile, "wrong")));
    assert_eq!((login.head.status, wrong.head.status), (200, 401));
    let success = play.answer_to(&Form::read(&wrong).filled(ADA));
    assert_eq!(success.head.status, 200, "{success:?}");
    let error = ask(&mut play, &pairs(&[("client_id", hostile), ("redirect_uri", hostile)]));
    let twice = play.answer_to(&post("/oauth/authorize", FORM, &pairs(&[(hostile, "1"), (hostile, "2")])));
    assert_eq!((error.head.status, twice.head.status), (400, 400));
    for page in [&login, &wrong, &success, &error, &twice] {
        assert!(!page.body.contains("<script") && !page.body.contains("<img"), "{}", page.body);
        assert!(!page.body.contains("\"><img") && !page.body.contains("'\">"), "{}", page.body);
        let policy = page.head.header("content-security-policy").expect("a policy");
        assert!(!policy.contains("alert") && !policy.contains("unsafe-inline' 'nonce"), "{policy}");
    }
    assert!(login.body.contains("{{.}}"), "what looks like a template is none");
    let url = between(&success.body, "0;url=", "\"").replace("&amp;", "&").replace("&#43;", "+");
    assert_eq!(parameter(&url, "state").as_deref(), Some(hostile), "the client gets its state as it was");
}

/// RFC 9207: a client that uses several authorization servers sees which one answers.
#[test]
fn mix_up() {
    let mut play = usual();
    let client = client(&mut play);
    let page = log_in(&mut play, &client, ADA.1);
    let url = between(&page.body, "0;url=", "\"").replace("&amp;", "&");
    assert_eq!((parameter(&url, "iss").as_deref(), parameter(&url, "state").as_deref()), (Some(BASE), Some("s")));
    for (name, value) in [("response_type", Some("token")), ("code_challenge", None), ("resource", Some("x"))] {
        let mut asked = request(&client);
        asked.push(("resource", "http://127.0.0.1:9090/demo/mcp"));
        let back = ask(&mut play, &pairs(&changed(&asked, name, value)));
        let url = back.head.header("location").expect("the way back");
        assert_eq!((parameter(url, "iss").as_deref(), parameter(url, "state").as_deref()), (Some(BASE), Some("s")));
        assert!(parameter(url, "error").is_some(), "{url}");
    }
    let unknown = ask(&mut play, &query("forgotten"));
    assert_eq!(parameter(unknown.head.header("location").expect("the way back"), "iss").as_deref(), Some(BASE));
}
