//! The endpoints of the authorization server, over HTTP. What the flows decide is for `oauth_*`.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::oauth::pages::Page;
use mcp_proxy::proxy::{Exit, Order, Task, TemplateChange};
use serde_json::json;

use crate::support::login::{
    BASE, FORM, access, between, client, code, config, greet, log_in, pairs, play_with, post, query, register, tokens,
    usual,
};
use crate::support::oauth::{ADA, CLAUDE, VERIFIER};
use crate::support::playbook::Playbook;
use crate::support::requests::{Http, initialize, rpc};

#[test]
fn a_client_finds_its_way_from_the_401_to_a_session() {
    let mut play = usual();
    let refused = play.answer_to(&initialize("2025-11-25", "{}"));
    assert_eq!(refused.head.status, 401);
    let challenge = refused.head.header("www-authenticate").expect("a challenge").to_owned();
    let document = between(&challenge, "resource_metadata=\"", "\"").to_owned();
    assert_eq!(document, format!("{BASE}/.well-known/oauth-protected-resource/demo/mcp"));
    let resource = play.answer_to(&Http::get(&document[BASE.len()..])).json();
    assert_eq!(
        (&resource["resource"], &resource["authorization_servers"]),
        (&json!(format!("{BASE}/demo/mcp")), &json!([BASE]))
    );
    let server = play.answer_to(&Http::get("/.well-known/oauth-authorization-server")).json();
    assert_eq!(server["issuer"], BASE);
    assert_eq!(server["token_endpoint"], format!("{BASE}/oauth/token"));
    let token = access(&mut play);
    let greeted = greet(&mut play, &format!("Bearer {token}"));
    assert_eq!(greeted.head.status, 200, "{greeted:?}");
    let wrong = greet(&mut play, "Bearer wrong");
    let challenge = wrong.head.header("www-authenticate").expect("a challenge");
    assert!(wrong.head.status == 401 && challenge.starts_with("Bearer error=\"invalid_token\", "), "{wrong:?}");
}

#[test]
fn everything_is_found_with_and_without_the_path_of_the_base_url() {
    let mut play = play_with(config(r#""baseURL": "https://mcp.example.com/tools", "#, "", ""));
    let get = |play: &mut Playbook, path: &str| play.answer_to(&Http::get(path).with("Host", "mcp.example.com"));
    let issuer = json!("https://mcp.example.com/tools");
    for path in [
        "/.well-known/oauth-authorization-server/tools",
        "/tools/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/tools/demo/mcp",
        "/.well-known/oauth-authorization-server/demo/mcp",
    ] {
        assert_eq!(get(&mut play, path).json()["issuer"], issuer, "{path}");
    }
    for (path, resource) in [
        ("/.well-known/oauth-protected-resource/tools/demo/mcp", "https://mcp.example.com/tools/demo/mcp"),
        ("/.well-known/oauth-protected-resource/tools/demo", "https://mcp.example.com/tools/demo"),
        ("/.well-known/oauth-protected-resource/tools", "https://mcp.example.com/tools"),
        ("/.well-known/oauth-protected-resource", "https://mcp.example.com/tools"),
        ("/tools/.well-known/oauth-protected-resource/demo/mcp", "https://mcp.example.com/tools/demo/mcp"),
    ] {
        assert_eq!(get(&mut play, path).json()["resource"], resource, "{path}");
    }
    for path in [
        "/.well-known/oauth-protected-resource/tools/nobody/mcp",
        "/.well-known/oauth-protected-resourceful",
        "/.well-known/oauth-authorization-server/nobody/mcp",
        "/.well-known/openid-configuration",
        "/tools/.well-known/openid-configuration",
        "/oauth/other",
    ] {
        assert_eq!(get(&mut play, path).head.status, 404, "{path}");
    }
    for path in ["/oauth/register", "/tools/oauth/register", "/register", "/tools/register"] {
        assert_eq!(register(&mut play, path).head.status, 201, "{path}");
    }
    for path in ["/oauth/authorize", "/tools/oauth/authorize", "/authorize", "/tools/authorize"] {
        assert_eq!(get(&mut play, path).head.status, 400, "{path}: a request without parameters");
    }
    let refused = play.answer_to(&initialize("2025-11-25", "{}").at("/tools/demo/mcp"));
    let challenge = refused.head.header("www-authenticate").expect("a challenge");
    let document = "https://mcp.example.com/.well-known/oauth-protected-resource/tools/demo/mcp";
    assert!(challenge.contains(&format!("resource_metadata=\"{document}\"")), "{challenge}");
}

#[test]
fn none_of_it_is_there_while_it_is_switched_off() {
    let mut play = Playbook::new();
    for path in ["/.well-known/oauth-authorization-server", "/oauth/authorize", "/authorize"] {
        assert_eq!(play.answer_to(&Http::get(path)).head.status, 404, "{path}");
    }
    assert_eq!(register(&mut play, "/oauth/register").head.status, 404);
}

#[test]
fn a_wrong_method_is_405_and_says_which_are_right() {
    let mut play = usual();
    for (method, path, allowed) in [
        ("GET", "/oauth/register", "POST, OPTIONS"),
        ("GET", "/oauth/token", "POST, OPTIONS"),
        ("DELETE", "/oauth/revoke", "POST, OPTIONS"),
        ("PUT", "/oauth/authorize", "GET, HEAD, POST, OPTIONS"),
        ("POST", "/.well-known/oauth-authorization-server", "GET, HEAD, OPTIONS"),
    ] {
        let answer = play.answer_to(&Http::new(method, path).body(""));
        assert_eq!((answer.head.status, answer.head.header("allow")), (405, Some(allowed)), "{method} {path}");
    }
}

#[test]
fn pages_of_any_origin_may_use_all_but_the_login() {
    let mut play = usual();
    let foreign = |method: &str, path: &str| Http::new(method, path).with("Origin", "https://inspector.example");
    for path in ["/oauth/register", "/oauth/token", "/oauth/revoke", "/.well-known/oauth-protected-resource/demo/mcp"] {
        let preflight = foreign("OPTIONS", path).with("Access-Control-Request-Method", "POST");
        let answer = play.answer_to(&preflight);
        assert_eq!((answer.head.status, answer.head.header("access-control-allow-origin")), (204, Some("*")), "{path}");
        assert_eq!(answer.head.header("access-control-allow-credentials"), None);
    }
    let document = play.answer_to(&foreign("GET", "/.well-known/oauth-authorization-server"));
    assert_eq!((document.head.status, document.head.header("access-control-allow-origin")), (200, Some("*")));
    let refused = play.answer_to(&foreign("POST", "/oauth/token").with("Content-Type", FORM).body("grant_type=x"));
    assert_eq!((refused.head.status, refused.head.header("access-control-allow-origin")), (401, Some("*")));
    let login = play.answer_to(&foreign("OPTIONS", "/oauth/authorize"));
    assert_eq!(login.head.header("access-control-allow-origin"), None);
}

#[test]
fn a_long_body_is_413_however_it_is_framed() {
    let mut play = usual();
    let long = "x".repeat(64 * 1024 + 1);
    assert_eq!(play.answer_to(&post("/oauth/register", "application/json", &long)).head.status, 413);
    play.connect("a");
    let head = "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1:9090\r\nTransfer-Encoding: chunked\r\n\r\n";
    play.send("a", format!("{head}10001\r\n{long}\r\n0\r\n\r\n").as_bytes());
    assert_eq!(play.answer("a").head.status, 413);
    // As much as is allowed is read, and found to be no JSON.
    let most = "x".repeat(64 * 1024);
    assert_eq!(play.answer_to(&post("/oauth/register", "application/json", &most)).head.status, 400);
}

#[test]
fn who_may_register_is_told_by_the_peer_or_by_headers_of_trusted_proxies() {
    let mut play = play_with(config(&format!(r#""baseURL": "{BASE}", "#), r#""allowedIPs": ["192.0.2.0/24"], "#, ""));
    let refused = register(&mut play, "/oauth/register");
    assert_eq!((refused.head.status, &refused.json()["error"]), (403, &json!("access_denied")));
    let metadata = json!({ "redirect_uris": [CLAUDE] }).to_string();
    let forwarded = |chain: &str| post("/oauth/register", "application/json", &metadata).with("X-Forwarded-For", chain);
    assert_eq!(play.answer_to(&forwarded("192.0.2.7")).head.status, 201);
    assert_eq!(play.answer_to(&forwarded("192.0.2.7, 203.0.113.9")).head.status, 403);
    play.peer = "203.0.113.9".parse().expect("an address");
    assert_eq!(play.answer_to(&forwarded("192.0.2.7")).head.status, 403, "nobody trusts that peer");
    play.peer = "192.0.2.8".parse().expect("an address");
    assert_eq!(register(&mut play, "/oauth/register").head.status, 201);
}

#[test]
fn without_a_base_url_the_issuer_is_the_host_if_that_cannot_be_an_attackers() {
    let mut play = play_with(config("", r#""allowedHosts": ["gateway.lan"], "#, ""));
    let issuer = |play: &mut Playbook, host: &str, headers: &[(&str, &str)]| {
        let request = Http::get("/.well-known/oauth-authorization-server").with("Host", host);
        let request = headers.iter().fold(request, |request, (name, value)| request.with(name, value));
        let answer = play.answer_to(&request);
        (answer.head.status, answer.json()["issuer"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(issuer(&mut play, "localhost:9090", &[]), (200, "http://localhost:9090".to_owned()));
    assert_eq!(issuer(&mut play, "evil.example", &[]).0, 403);
    let forwarded = [("X-Forwarded-Host", "gateway.lan"), ("X-Forwarded-Proto", "https")];
    assert_eq!(issuer(&mut play, "localhost:9090", &forwarded), (200, "https://gateway.lan".to_owned()));
    let poisoned = [("X-Forwarded-Host", "evil.example")];
    assert_eq!(issuer(&mut play, "localhost:9090", &poisoned).0, 403);
    play.peer = "203.0.113.9".parse().expect("an address");
    assert_eq!(issuer(&mut play, "localhost:9090", &forwarded).1, "http://localhost:9090", "an untrusted peer");
}

#[test]
fn a_token_of_the_servers_own_opens_it_too_and_an_exempt_server_needs_none() {
    let proxy = format!(r#""baseURL": "{BASE}", "#);
    let mut play = play_with(config(&proxy, "", r#""authTokens": ["static"]"#));
    assert_eq!(greet(&mut play, "Bearer static").head.status, 200);
    let token = access(&mut play);
    assert_eq!(greet(&mut play, &format!("Bearer {token}")).head.status, 200);
    assert_eq!(greet(&mut play, "Bearer other").head.status, 401);
    let mut play = play_with(config(&proxy, "", r#""oauth2": { "enabled": false }, "authTokens": ["static"]"#));
    assert_eq!(greet(&mut play, "Bearer static").head.status, 200);
    let refused = play.answer_to(&initialize("2025-11-25", "{}"));
    let challenge = refused.head.header("www-authenticate").expect("a challenge");
    assert!(refused.head.status == 401 && !challenge.contains("resource_metadata"), "{challenge}");
}

#[test]
fn a_wrong_password_shows_the_form_again_and_the_right_one_goes_on() {
    let mut play = usual();
    let client = client(&mut play);
    let again = log_in(&mut play, &client, "wrong");
    assert_eq!(again.head.status, 401);
    assert!(again.body.contains("The user name or the password is wrong."), "{}", again.body);
    assert_eq!(log_in(&mut play, &client, ADA.1).head.status, 200);
}

#[test]
fn pages_carry_what_keeps_browsers_from_harm() {
    let mut play = usual();
    let client = client(&mut play);
    let page = play.answer_to(&Http::get(&format!("/oauth/authorize?{}", query(&client))));
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("content-type", "text/html; charset=utf-8"),
    ] {
        assert_eq!(page.head.header(name), Some(value), "{name}");
    }
    let policy = page.head.header("content-security-policy").expect("a policy");
    assert!(policy.contains("form-action 'self' https://claude.ai;"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let cookie = page.head.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    // What goes wrong before there is a client to be told has a page, too, and repeats nothing as HTML.
    let broken = play.answer_to(&Http::get("/oauth/authorize?client_id=%3Cscript%3E"));
    assert_eq!(broken.head.status, 400);
    assert!(broken.body.starts_with("<!DOCTYPE html>") && !broken.body.contains("<script>"), "{}", broken.body);
}

#[test]
fn a_file_takes_the_place_of_a_page_and_a_broken_one_does_not() {
    let mut play = usual();
    let client = client(&mut play);
    let change = |source: Result<Option<&str>, &str>| TemplateChange {
        page: Page::Authorize,
        file: "templates/oauth/authorize.html".to_owned(),
        source: source.map(|source| source.map(str::to_owned)).map_err(str::to_owned),
    };
    let shown = |play: &mut Playbook| play.answer_to(&Http::get(&format!("/oauth/authorize?{}", query(&client)))).body;
    play.templates = vec![change(Ok(Some("<!doctype html><p>ours for {{.ClientName}}<form method=post></form>")))];
    assert!(shown(&mut play).contains("<p>ours for claude.ai"));
    play.templates = vec![change(Ok(Some("<p>{{.ClientNam}}<form method=post></form>")))];
    assert!(shown(&mut play).contains("<p>ours for claude.ai"), "the last good one stays");
    let told = play.logs.last().expect("a line");
    assert!(told.starts_with("error: templates/oauth/authorize.html: ") && told.contains("ClientNam"), "{told}");
    play.templates = vec![change(Ok(None))];
    assert!(shown(&mut play).contains("Sign in"), "without the file it is the built-in one");
}

#[test]
fn what_cannot_be_kept_is_answered_with_500_and_opens_nothing() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    play.disk = Err("no space left on device".to_owned());
    let refused = tokens(&mut play, &client, &code);
    assert_eq!((refused.head.status, &refused.json()["error"]), (500, &json!("server_error")));
    assert!(play.logs.iter().any(|line| line.contains("no space left on device")), "{:?}", play.logs);
    assert_eq!(register(&mut play, "/oauth/register").head.status, 500);
    play.disk = Ok(());
    let answer = tokens(&mut play, &client, &code);
    assert_eq!(answer.head.status, 200, "the code was not used up: {answer:?}");
}

#[test]
fn the_end_waits_for_what_is_on_its_way_to_the_disk() {
    for disk in [Ok(()), Err("no space left on device".to_owned())] {
        let mut play = usual();
        let client = client(&mut play);
        let code = code(&mut play, &client);
        (play.disk, play.held) = (disk.clone(), Some(Vec::new()));
        let grant = ("grant_type", "authorization_code");
        let body =
            [grant, ("code", &code), ("redirect_uri", CLAUDE), ("code_verifier", VERIFIER), ("client_id", &client)];
        play.http("a", &post("/oauth/token", FORM, &pairs(&body)));
        play.shut_down();
        play.forget();
        play.advance(Duration::from_secs(4));
        play.expect(&[]);
        play.release();
        assert_eq!(play.answer("a").head.status, if disk.is_ok() { 200 } else { 500 });
        play.exits("demo", Exit::Code(0));
        assert_eq!(play.take().last().map(String::as_str), Some("stopped"));
    }
}

#[test]
fn the_end_waits_for_a_request_that_came_while_the_servers_ended() {
    let mut play = usual();
    let client = client(&mut play);
    play.connect("a");
    let metadata = json!({ "redirect_uris": [CLAUDE] }).to_string();
    let request = post("/oauth/register", "application/json", &metadata).text();
    let split = request.len() - 5;
    play.send("a", &request.as_bytes()[..split]);
    play.shut_down();
    play.held = Some(Vec::new());
    play.send("a", &request.as_bytes()[split..]);
    play.exits("demo", Exit::Code(0));
    assert!(!play.take().contains(&"stopped".to_owned()), "a client of {client} waits for its answer");
    play.release();
    assert_eq!(play.answer("a").head.status, 201);
    assert!(play.take().contains(&"stopped".to_owned()));
}

#[test]
fn a_revocation_that_could_not_be_written_is_written_at_the_end() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let answer = tokens(&mut play, &client, &code).json();
    play.disk = Err("no space left on device".to_owned());
    let token = answer["refresh_token"].as_str().expect("a token");
    let request = post("/oauth/revoke", FORM, &pairs(&[("token", token), ("client_id", &client)]));
    for attempt in ["first", "second"] {
        assert_eq!(play.answer_to(&request).head.status, 500, "the {attempt} time: it is not on the disk");
    }
    (play.disk, play.held) = (Ok(()), Some(Vec::new()));
    play.shut_down();
    assert!(matches!(play.held.as_deref(), Some([Task::Write(_)])), "{:?}", play.held);
    play.exits("demo", Exit::Code(0));
    assert!(!play.take().contains(&"stopped".to_owned()));
    play.release();
    assert!(play.take().contains(&"stopped".to_owned()));
}

#[test]
fn a_user_who_is_taken_out_of_the_configuration_is_logged_out() {
    let mut play = usual();
    let token = format!("Bearer {}", access(&mut play));
    let proxy = format!(r#""baseURL": "{BASE}", "#);
    play.reload(config(&proxy, r#""tokenExpirationMinutes": 5, "#, ""));
    assert_eq!(greet(&mut play, &token).head.status, 200, "who stays stays logged in");
    let mut without = config(&proxy, "", "");
    without.oauth.as_mut().expect("it is switched on").users[0].name = "eve".to_owned();
    play.reload(without);
    assert_eq!(greet(&mut play, &token).head.status, 401);
}

#[test]
fn it_is_not_switched_on_or_off_while_the_proxy_runs() {
    let mut play = usual();
    play.reload(crate::support::requests::config(&["demo"]));
    let told = "error: The configuration was not reloaded, nothing has changed: \
                switching oauth2 off takes effect when the proxy is started anew";
    assert_eq!(play.logs.last().map(String::as_str), Some(told));
    assert_eq!(play.answer_to(&initialize("2025-11-25", "{}")).head.status, 401);
    let mut play = Playbook::new();
    play.reload(config("", "", ""));
    assert!(play.logs.last().expect("a line").contains("switching oauth2 on"), "{:?}", play.logs);
}

#[test]
fn the_operator_logs_a_user_out_of_a_proxy_that_runs() {
    let mut play = usual();
    let token = format!("Bearer {}", access(&mut play));
    let order = |whose: &str| Order { whose: whose.to_owned(), path: "order".into() };
    play.orders = vec![order("nobody")];
    play.advance(limits::ORDERS_INTERVAL);
    assert!(play.orders.is_empty(), "it was carried out");
    assert_eq!(greet(&mut play, &token).head.status, 200);
    play.orders = vec![order(ADA.0)];
    play.advance(limits::ORDERS_INTERVAL);
    assert!(play.orders.is_empty(), "it was carried out");
    assert_eq!(greet(&mut play, &token).head.status, 401);
}

#[test]
fn a_server_behind_a_login_that_is_not_there_is_shut() {
    let mut play = Playbook::with(config("", "", ""));
    play.ready("demo");
    assert_eq!(play.answer_to(&initialize("2025-11-25", "{}")).head.status, 401);
    assert_eq!(greet(&mut play, "Bearer anything").head.status, 401);
}

#[test]
fn requests_behind_one_another_are_answered_in_order() {
    let mut play = usual();
    let client = client(&mut play);
    let first = Http::get(&format!("/oauth/authorize?{}", query(&client))).text();
    let second = Http::get("/_healthz").text();
    play.connect("a");
    play.send("a", format!("{first}{second}").as_bytes());
    assert_eq!(play.answer("a").json(), json!({ "status": "ok" }));
    assert!(play.answer("a").body.contains("Sign in"));
}

#[test]
fn no_secret_is_logged() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let answer = tokens(&mut play, &client, &code).json();
    log_in(&mut play, &client, "a-wrong-password");
    let message = rpc(r#"{"id":1,"method":"tools/list"}"#);
    play.answer_to(&Http::post("/demo/mcp", &message).with("Authorization", "Bearer some-token-of-ours"));
    let log = play.logs.join("\n");
    let secrets = ["access_token", "refresh_token"].map(|name| answer[name].as_str().map(str::to_owned).unwrap());
    for secret in secrets.iter().map(String::as_str).chain([&*code, VERIFIER, "a-wrong-password", "some-token-of-ours"])
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
