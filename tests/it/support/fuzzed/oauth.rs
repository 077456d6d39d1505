//! What must hold for arbitrary forms, authorization requests and store files.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use mcp_proxy::base::time::Now;
use mcp_proxy::codec::form::{Form, write};
use mcp_proxy::config::oauth::Redirect;
use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::limits;
use mcp_proxy::oauth::answer::{Answer, Body, Page};
use mcp_proxy::oauth::redirects::Redirects;
use mcp_proxy::oauth::settings::Settings;
use mcp_proxy::oauth::store::document::{LoadError, Loaded, load, whole};
use mcp_proxy::oauth::{AuthorizationServer, Browser, Output, Posted, Visit};
use serde_json::Value;

const ISSUER: &str = "https://mcp.example.com";
const CALLBACK: &str = "http://localhost/callback";
/// The id of the client that the store below holds.
const STORE: &str = "{\"version\":2,\"passwordKey\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"clients\":{\
    \"c\":{\
    \"redirectUris\":[\"http://localhost/callback\"],\"authMethod\":\"none\",\"grantTypes\":[\"authorization_code\"],\
    \"createdAt\":1}},\"grants\":{},\"accessTokens\":{},\"refreshTokens\":{}}\n";

/// A form that is read is the same when it is written and read again.
pub(crate) fn form(data: &[u8]) {
    let Ok(form) = Form::parse(data) else { return };
    let written = write(form.pairs());
    assert!(written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte)));
    // A pair of two empty texts is written as `=`, and any other keeps its place.
    assert_eq!(Form::parse(written.as_bytes()).as_ref(), Ok(&form));
    for (name, value) in form.pairs() {
        assert!(form.value(name).is_some() || value.is_empty() || form.is_repeated(name));
    }
}

fn open(file: &[u8]) -> Result<(AuthorizationServer, Now), LoadError> {
    let settings = Settings {
        users: Vec::new(),
        servers: vec!["demo".to_owned()],
        redirects: Redirects::of(&["claude", "loopback"].map(|entry| Redirect::parse(entry).unwrap())),
        token_expiration: limits::TOKEN_TIME,
        refresh_grace: limits::REFRESH_GRACE,
        require_resource: false,
    };
    let now = Now { instant: Instant::now(), unix_seconds: 1_000 };
    let mut counter = 0;
    let random = move |bytes: &mut [u8]| {
        counter += 1;
        bytes.fill(counter);
    };
    Ok((AuthorizationServer::open(settings, Some(file), Box::new(random), now)?, now))
}

/// Whatever a query asks for, nobody is sent anywhere but to the client's own callback, or to a listed site.
pub(crate) fn oauth_authorize(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let (mut server, now) = open(STORE.as_bytes()).unwrap();
    server.handle_authorize(Visit { issuer: ISSUER, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), now }, query);
    let mut answers = Vec::new();
    while let Some(output) = server.poll_output() {
        if let Output::Answer { answer, .. } = output {
            answers.push(answer);
        }
    }
    let [answer] = &answers[..] else { panic!("{} answers", answers.len()) };
    let leads_home = |uri: &str| {
        let is_own = uri.strip_prefix("http://localhost").is_some_and(|rest| {
            let rest =
                rest.strip_prefix(':').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
            rest == "/callback" || rest.starts_with("/callback?")
        });
        is_own
            || ["https://claude.ai/api/mcp/auth_callback?", "https://claude.com/api/mcp/auth_callback?"]
                .iter()
                .any(|listed| uri.starts_with(listed))
    };
    match &**answer {
        Answer { status: 302, .. } => {
            let location = answer.header("Location").unwrap();
            assert!(leads_home(location) && location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
            assert!(location.contains("iss=https%3A%2F%2Fmcp.example.com"));
        }
        Answer { status: 200, body: Body::Page(Page::Login(page)), .. } => {
            assert!(leads_home(page.redirect_uri.as_str()) && page.client_id == "c", "{page:?}");
            assert_eq!(
                page.redirect_uri.is_loopback(),
                page.redirect_uri.as_str().ends_with(&CALLBACK["http://localhost".len()..])
            );
        }
        Answer { status: 400, body: Body::Page(Page::Error { .. }), .. } => {}
        other => panic!("{other:?}"),
    }
}

/// A store that is read is the same when it is written and read again, and a server that opens it lives.
pub(crate) fn oauth_store(data: &[u8]) {
    if let Ok(Loaded::Store { store, journal_bytes, .. }) = load(data) {
        assert!(journal_bytes <= data.len());
        let Ok(Loaded::Store { store: again, is_sound: true, .. }) = load(&whole(&store, 0)) else {
            panic!("what we write we can read")
        };
        assert_eq!(again, store);
    }
    let Ok((mut server, now)) = open(data) else { return };
    let later = Now { instant: server.poll_timeout(), unix_seconds: now.unix_seconds + 86_400 };
    server.handle_timeout(later);
    assert_eq!(server.logins().count(), 0, "there are no users");
    while server.poll_output().is_some() {}
}

/// Whatever is posted to whichever endpoint is answered once and in order, and opens nothing.
pub(crate) fn oauth_posts(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    let (authorization, body) = match body.iter().position(|byte| *byte == 7) {
        Some(end) => (std::str::from_utf8(&body[..end]).ok(), &body[end + 1..]),
        None => (None, body),
    };
    let (mut server, now) = open(STORE.as_bytes()).unwrap();
    let visit = Visit { issuer: ISSUER, ip: IpAddr::V4(Ipv4Addr::LOCALHOST), now };
    let content_type = Some(if choice & 4 == 4 { "application/json" } else { "application/x-www-form-urlencoded" });
    let posted = Posted { authorization, content_type, body };
    let ticket = match choice & 3 {
        0 => server.handle_token(visit, posted),
        1 => server.handle_revoke(visit, posted),
        2 => server.handle_register(visit, body),
        _ => server.handle_login(visit, Browser { cookie: authorization, ..Browser::default() }, body),
    };
    let mut answers = Vec::new();
    while let Some(output) = server.poll_output() {
        match output {
            Output::Answer { ticket: of, answer } => answers.push((of, answer)),
            Output::Write(write) => server.handle_written(write.number, true),
            Output::Verify { job, .. } => server.handle_verdict(job, false, now),
            Output::Notice(notice) => assert!(!notice.text.contains('\n'), "{}", notice.text),
        }
    }
    let [(of, answer)] = &answers[..] else { panic!("{} answers", answers.len()) };
    assert_eq!(*of, ticket);
    for (name, value) in &answer.headers {
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {value}");
    }
    let text = match &answer.body {
        Body::Json(text) => text.as_str(),
        Body::Empty | Body::Page(_) => "{}",
    };
    let json: Value = serde_json::from_str(text).unwrap();
    assert!(json.get("access_token").is_none() && json.get("code").is_none(), "{text}");
    assert_eq!(answer.status >= 400, json.get("error").is_some() || matches!(answer.body, Body::Page(_)), "{answer:?}");
    let clients = server.census().clients;
    assert_eq!(clients, 1 + usize::from(answer.status == 201), "{answer:?}");
    if let Some(uris) = json["redirect_uris"].as_array() {
        assert!(!uris.is_empty() && uris.iter().all(|uri| RedirectUri::parse(uri.as_str().unwrap()).is_ok()));
    }
}
