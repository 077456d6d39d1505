//! `"isolation": "session"` and the modern era: an upstream for the requests of each principal.

use std::time::Duration;

use mcp_proxy::config::{Config, Isolation};
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;

use crate::support::modern::Modern;
use crate::support::playbook::{INTRODUCTION, Playbook};
use crate::support::requests::{Http, config};

fn isolated() -> Config {
    let mut config = config(&["demo"]);
    config.servers[0].isolation = Isolation::Session;
    config.servers[0].auth_tokens = vec!["one".to_owned(), "two".to_owned()];
    config
}

fn of(token: &str, request: &Modern) -> Http {
    request.http().with("Authorization", &format!("Bearer {token}"))
}

/// A process for the requests of `token`, and its first call.
fn tenant(play: &mut Playbook, conn: &str, token: &str, child: &str) {
    play.http(conn, &of(token, &Modern::call(1)));
    play.spawned(child);
    play.says(child, &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
    play.says(child, r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    play.answers_last(child, "{}");
    play.forget();
}

#[test]
fn requests_of_one_principal_share_a_process() {
    let mut play = Playbook::with(isolated());
    play.expect(&[]);
    tenant(&mut play, "a", "one", "demo");
    tenant(&mut play, "b", "two", "demo2");
    play.http("a", &of("one", &Modern::call(2)));
    let lines = play.take();
    assert!(lines.len() == 1 && lines[0].starts_with("demo <- "), "{lines:?}");
    play.http("b", &of("two", &Modern::call(3)));
    let lines = play.take();
    assert!(lines.len() == 1 && lines[0].starts_with("demo2 <- "), "{lines:?}");
    assert_eq!(play.proxy.census().privates, 2);
}

#[test]
fn it_ends_when_nobody_has_used_it_for_long() {
    let mut play = Playbook::with(isolated());
    tenant(&mut play, "a", "one", "demo");
    play.advance(limits::ISOLATED_IDLE_MAX - Duration::from_secs(1));
    assert_eq!(play.proxy.census().privates, 1);
    play.forget();
    play.advance(limits::SESSION_SWEEP_INTERVAL + Duration::from_secs(1));
    let lines = play.take();
    assert!(lines.contains(&"demo close-stdin".to_owned()), "{lines:?}");
    play.exits("demo", Exit::Code(0));
    assert_eq!((play.proxy.census().privates, play.proxy.census().links), (0, 0));
}

#[test]
fn it_ends_with_its_server() {
    let mut play = Playbook::with(isolated());
    tenant(&mut play, "a", "one", "demo");
    play.reload(config(&[]));
    let lines = play.take();
    assert!(lines.contains(&"demo close-stdin".to_owned()), "{lines:?}");
    play.exits("demo", Exit::Code(0));
    let census = play.proxy.census();
    assert_eq!((census.privates, census.retired, census.links), (0, 0, 0));
}

#[test]
fn a_process_that_dies_is_started_anew_by_the_next_request() {
    let mut play = Playbook::with(isolated());
    tenant(&mut play, "a", "one", "demo");
    play.exits("demo", Exit::Code(1));
    play.forget();
    play.http("a", &of("one", &Modern::call(2)));
    let lines = play.take();
    assert!(lines.iter().any(|line| line.ends_with("spawn")), "{lines:?}");
}

#[test]
fn nothing_is_begun_for_a_request_that_arrives_while_the_proxy_ends() {
    let mut play = Playbook::with(isolated());
    tenant(&mut play, "a", "one", "demo");
    play.connect("b");
    let request = of("two", &Modern::call(2)).text().into_bytes();
    let (first, rest) = request.split_at(request.len() - 5);
    play.send("b", first);
    play.shut_down();
    play.send("b", rest);
    assert_eq!(play.answer("b").head.status, 503);
    assert_eq!(play.proxy.census().privates, 1);
    play.forget();
    play.exits("demo", Exit::Code(0));
    let lines = play.take();
    assert!(lines.contains(&"stopped".to_owned()), "{lines:?}");
}
