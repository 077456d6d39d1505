//! What a new configuration of a server means for the one that runs.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::change::Change;
use mcp_proxy::config::{Isolation, Remote, RemoteTransport, ServerConfig, Target, ToolFilter, ToolFilterMode};

use crate::support::requests::config;

fn server() -> ServerConfig {
    config(&["demo"]).servers.remove(0)
}

fn changed(change: impl FnOnce(&mut ServerConfig)) -> Change {
    let (old, mut new) = (server(), server());
    change(&mut new);
    Change::between(&old, &new)
}

#[test]
fn the_same_is_no_change() {
    assert_eq!(changed(|_| {}), Change::None);
}

#[test]
fn options_that_concern_no_process_are_adjusted() {
    let filter = ToolFilter { mode: ToolFilterMode::Block, names: vec!["x".to_owned()] };
    assert_eq!(changed(|new| new.request_time = Duration::from_secs(1)), Change::Adjusted);
    assert_eq!(changed(|new| new.startup_time = Duration::from_secs(1)), Change::Adjusted);
    assert_eq!(changed(|new| new.log_enabled = true), Change::Adjusted);
    assert_eq!(changed(|new| new.panic_if_invalid = true), Change::Adjusted);
    assert_eq!(changed(|new| new.tool_filter = Some(filter)), Change::Adjusted);
}

#[test]
fn another_upstream_replaces_the_old_one() {
    let url = Url::parse("http://up.example/mcp").expect("a URL");
    let remote = Remote { url, transport: RemoteTransport::Auto, headers: Vec::new() };
    assert_eq!(changed(|new| new.target = Target::Remote(remote)), Change::Replaced);
    assert_eq!(changed(|new| new.isolation = Isolation::Session), Change::Replaced);
    let with_env = |new: &mut ServerConfig| {
        if let Target::Command(command) = &mut new.target {
            command.env.push(("A".to_owned(), "b".to_owned()));
        }
    };
    assert_eq!(changed(with_env), Change::Replaced);
}

#[test]
fn who_may_call_no_more_is_cut_off_and_who_may_now_disturbs_nobody() {
    let with = |tokens: &[&str]| {
        let auth_tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
        ServerConfig { auth_tokens, ..server() }
    };
    let change = |old: &[&str], new: &[&str]| Change::between(&with(old), &with(new));
    assert_eq!(change(&[], &["a"]), Change::Replaced);
    assert_eq!(change(&["a", "b"], &["a"]), Change::Replaced);
    assert_eq!(change(&["a"], &["b"]), Change::Replaced);
    assert_eq!(change(&["a"], &["b", "a"]), Change::Adjusted);
    assert_eq!(change(&["a"], &[]), Change::Adjusted);
    let login = |tokens: &[&str]| ServerConfig { is_behind_login: true, ..with(tokens) };
    assert_eq!(Change::between(&with(&[]), &login(&[])), Change::Replaced);
    assert_eq!(Change::between(&login(&["a"]), &with(&["a"])), Change::Replaced);
    assert_eq!(Change::between(&with(&["a"]), &login(&["a"])), Change::Adjusted);
    assert_eq!(Change::between(&login(&[]), &with(&[])), Change::Adjusted);
}
