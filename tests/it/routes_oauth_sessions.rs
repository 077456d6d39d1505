//! Session hijacking (2025-11-25, security best practices): a session is of whoever opened it.

use mcp_proxy::config::Transports;
use mcp_proxy::limits;
use mcp_proxy::proxy::Order;

use crate::support::login::{
    BASE, BOB, access, between, client, code, config, config_with, form, play_with, query, tokens, usual,
};
use crate::support::oauth::ADA;
use crate::support::playbook::Playbook;
use crate::support::requests::{Http, initialize, rpc};

const LIST: &str = r#"{"id":1,"method":"ping"}"#;

/// Logs a user in with a client: the value of `Authorization`.
fn bearer(play: &mut Playbook, client: &str, user: (&str, &str)) -> String {
    let login = form(play, &query(client));
    let page = play.answer_to(&login.filled(user));
    let code = between(&page.body, "?code=", "&amp;").to_owned();
    let answer = tokens(play, client, &code);
    format!("Bearer {}", answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("{answer:?}")))
}

fn session(play: &mut Playbook, authorization: &str) -> String {
    let answer = play.answer_to(&initialize("2025-11-25", "{}").with("Authorization", authorization));
    assert_eq!(answer.head.status, 200, "{answer:?}");
    answer.head.header("mcp-session-id").expect("a session").to_owned()
}

/// Everything that a stolen name could be used for: the statuses of a POST, of an answer to an ask, a GET and a DELETE.
fn statuses(play: &mut Playbook, session: &str, authorization: &str) -> [u16; 4] {
    let post = |body: &str| Http::post("/demo/mcp", &rpc(body));
    let requests = [
        post(r#"{"method":"notifications/initialized"}"#),
        post(r#"{"id":7,"result":{}}"#),
        Http::new("HEAD", "/demo/mcp").with("Accept", "text/event-stream"),
        Http::new("DELETE", "/demo/mcp"),
    ];
    requests.map(|request| play.answer_to(&request.session(session).with("Authorization", authorization)).head.status)
}

#[test]
fn a_stolen_session_with_another_users_token() {
    let mut play = usual();
    let client = client(&mut play);
    let (ada, bob) = (bearer(&mut play, &client, ADA), bearer(&mut play, &client, BOB));
    let session = session(&mut play, &ada);
    assert_eq!(statuses(&mut play, &session, &bob), [404; 4]);
    assert_eq!(statuses(&mut play, &session, "Bearer nothing"), [401; 4]);
    assert_eq!(statuses(&mut play, &session, &ada), [202, 202, 200, 204], "its owner did not notice");
}

#[test]
fn a_stolen_session_with_the_token_of_another_client() {
    let mut play = usual();
    let (owner, thief) = (client(&mut play), client(&mut play));
    let (owner, thief) = (bearer(&mut play, &owner, ADA), bearer(&mut play, &thief, ADA));
    let session = session(&mut play, &owner);
    assert_eq!(statuses(&mut play, &session, &thief), [404; 4]);
    assert_eq!(statuses(&mut play, &session, &owner), [202, 202, 200, 204]);
}

#[test]
fn a_session_outlives_its_token() {
    let mut play = usual();
    let client = client(&mut play);
    let code = code(&mut play, &client);
    let first = tokens(&mut play, &client, &code).json();
    let session = session(&mut play, &format!("Bearer {}", first["access_token"].as_str().expect("a token")));
    let refresh = first["refresh_token"].as_str().expect("a token");
    let body = crate::support::login::pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", &client),
    ]);
    let renewed =
        play.answer_to(&crate::support::login::post("/oauth/token", crate::support::login::FORM, &body)).json();
    let renewed = format!("Bearer {}", renewed["access_token"].as_str().expect("a token"));
    let anew = bearer(&mut play, &client, ADA);
    for authorization in [renewed, anew] {
        let ping = Http::post("/demo/mcp", &rpc(LIST)).session(&session).with("Authorization", &authorization);
        play.http("a", &ping);
        assert!(play.take().iter().any(|line| line.starts_with("demo <- ") || line.starts_with("a 200")));
        play.hang_up("a");
    }
}

#[test]
fn a_stolen_session_among_the_holders_of_tokens() {
    let own = r#""authTokens": ["first", "second"]"#;
    let mut play = play_with(config(&format!(r#""baseURL": "{BASE}", "#), "", own));
    let login = format!("Bearer {}", access(&mut play));
    let session = session(&mut play, "Bearer first");
    for thief in ["Bearer second", &login] {
        assert_eq!(statuses(&mut play, &session, thief), [404; 4], "{thief}");
    }
    assert_eq!(statuses(&mut play, &session, "first"), [202, 202, 200, 204], "however it is written");
}

#[test]
fn a_stolen_session_of_the_older_transport() {
    let mut config = config(&format!(r#""baseURL": "{BASE}", "#), "", "");
    config.transports = Transports::Both;
    let mut play = play_with(config);
    let client = client(&mut play);
    let (ada, bob) = (bearer(&mut play, &client, ADA), bearer(&mut play, &client, BOB));
    play.forget();
    play.http("s", &Http::get("/demo/sse").with("Authorization", &ada));
    let seen = play.take();
    let endpoint = seen[1].strip_prefix("s endpoint ").expect("an endpoint");
    let endpoint = endpoint.strip_prefix(BASE).unwrap_or(endpoint).to_owned();
    let message = Http::post(&endpoint, &rpc(r#"{"method":"notifications/initialized"}"#));
    let say = |play: &mut Playbook, who: &str| play.answer_to(&message.clone().with("Authorization", who)).head.status;
    assert_eq!((say(&mut play, &bob), say(&mut play, &ada)), (404, 202));
    let name = endpoint.split_once("sessionId=").expect("a session").1.to_owned();
    assert_eq!(statuses(&mut play, &name, &ada), [404; 4], "nor is it one of streamable HTTP");
}

#[test]
fn a_session_of_one_server_at_another() {
    let two = r#""demo": { "command": "run-demo" }, "other": { "command": "run-other" }"#;
    let mut play = play_with(config_with(&format!(r#""baseURL": "{BASE}", "#), "", two));
    let token = format!("Bearer {}", access(&mut play));
    let session = session(&mut play, &token);
    let elsewhere = Http::post("/other/mcp", &rpc(LIST)).session(&session).with("Authorization", &token);
    assert_eq!(play.answer_to(&elsewhere).head.status, 404);
    assert_eq!(statuses(&mut play, &session, &token), [202, 202, 200, 204]);
}

#[test]
fn who_is_logged_out_hears_nothing_more_on_streams_that_are_open() {
    let mut play = usual();
    let client = client(&mut play);
    let (ada, bob) = (bearer(&mut play, &client, ADA), bearer(&mut play, &client, BOB));
    for (name, authorization) in [("a", &ada), ("b", &bob)] {
        let session = session(&mut play, authorization);
        play.http(name, &Http::get("/demo/mcp").session(&session).with("Authorization", authorization));
    }
    play.forget();
    play.says("demo", r#"{"method":"notifications/resources/list_changed"}"#);
    let told = r#"{"method":"notifications/resources/list_changed"}"#;
    play.expect(&[&format!("a event {told}"), &format!("b event {told}")]);
    play.orders = vec![Order { whose: ADA.0.to_owned(), path: "order".into() }];
    play.advance(limits::ORDERS_INTERVAL);
    play.expect(&["a end"]);
    play.says("demo", r#"{"method":"notifications/resources/list_changed"}"#);
    play.expect(&[&format!("b event {told}")]);
    assert_eq!(play.proxy.census().sessions, 1);
}
