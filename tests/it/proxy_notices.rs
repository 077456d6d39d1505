//! Notifications of upstreams, log levels and subscriptions: everybody hears what concerns them, and nothing else.

use mcp_proxy::limits;
use serde_json::json;

use crate::support::pair::Pair;
use crate::support::playbook::{INTRODUCTION, Playbook, assert_error};
use crate::support::requests::Http;

fn log(level: &str) -> String {
    format!(r#"{{"method":"notifications/message","params":{{"level":"{level}","data":"é"}}}}"#)
}

/// Two sessions, each with a stream of its own: `ga` and `gb`.
fn two_listeners() -> (Playbook, String, String) {
    let (mut play, one) = Playbook::ready_with_session();
    let two = play.session("b");
    play.http("ga", &Http::get("/demo/mcp").session(&one));
    play.http("gb", &Http::get("/demo/mcp").session(&two));
    play.forget();
    (play, one, two)
}

#[test]
fn the_level_is_kept_per_session_and_the_most_verbose_goes_up() {
    let (mut play, one, two) = two_listeners();
    let set =
        |id: u8, level: &str| format!(r#"{{"id":{id},"method":"logging/setLevel","params":{{"level":"{level}"}}}}"#);
    play.post("a", &one, &set(1, "warning"));
    play.expect(&[r#"demo <- {"id":#1,"method":"logging/setLevel","params":{"level":"warning"}}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    play.post("b", &two, &set(2, "debug"));
    play.expect(&[r#"demo <- {"id":#2,"method":"logging/setLevel","params":{"level":"debug"}}"#]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.forget();
    play.post("a", &one, &set(3, "error"));
    play.expect(&[r#"demo <- {"id":#3,"method":"logging/setLevel","params":{"level":"debug"}}"#]);
    play.says("demo", r#"{"id":#3,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":3,"result":{}}"#]);

    play.post("a", &one, r#"{"id":4,"method":"tools/call"}"#);
    play.forget();
    for level in ["debug", "info", "notice", "warning"] {
        play.says("demo", &log(level));
    }
    play.expect(&[]);
    play.says("demo", &log("error"));
    play.says("demo", &log("emergency"));
    play.expect(&[
        "a 200 stream",
        r#"a event {"method":"notifications/message","params":{"level":"error","data":"é"}}"#,
        r#"a event {"method":"notifications/message","params":{"level":"emergency","data":"é"}}"#,
    ]);
}

#[test]
fn a_level_that_was_refused_counts_for_nothing() {
    let (mut play, one, _) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"logging/setLevel","params":{"level":"emergency"}}"#);
    play.says("demo", r#"{"id":#1,"error":{"code":-32602,"message":"no"}}"#);
    play.post("a", &one, r#"{"id":2,"method":"tools/call"}"#);
    play.forget();
    play.says("demo", &log("info"));
    play.expect(&["a 200 stream", "a event {…}"]);
    play.post("c", &one, r#"{"id":3,"method":"logging/setLevel","params":{"level":"loud"}}"#);
    play.expect(&[r#"demo <- {"id":#3,"method":"logging/setLevel","params":{"level":"loud"}}"#]);
}

#[test]
fn a_session_without_a_level_hears_info_and_above() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":4,"method":"tools/call"}"#);
    play.forget();
    play.says("demo", &log("debug"));
    play.expect(&[]);
    play.says("demo", &log("info"));
    play.expect(&["a 200 stream", "a event {…}"]);
}

#[test]
fn log_lines_of_several_callers_are_for_the_operator() {
    let (mut play, one, two) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"tools/call"}"#);
    play.post("b", &two, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.says("demo", &log("error"));
    play.expect(&[]);
    assert!(play.logs.last().unwrap().contains("notifications/message"));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.says("demo", &log("error"));
    play.expect(&["b 200 stream", "b event {…}"]);
}

#[test]
fn lists_and_pings_cause_nothing() {
    let (mut play, one, two) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"tools/call"}"#);
    for method in ["ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list"] {
        play.post(method, &two, &format!(r#"{{"id":1,"method":"{method}"}}"#));
    }
    play.forget();
    play.says("demo", &log("error"));
    play.expect(&["a 200 stream", "a event {…}"]);
}

#[test]
fn every_session_hears_of_changed_lists() {
    for list in ["tools", "prompts", "resources"] {
        let (mut play, _, two) = two_listeners();
        let three = play.session("c");
        play.session("nobody listens here");
        play.post("c", &three, r#"{"id":1,"method":"tools/call"}"#);
        play.post("b", &two, r#"{"id":1,"method":"tools/call"}"#);
        play.forget();
        let notice = format!(r#"{{"method":"notifications/{list}/list_changed","x":1.0}}"#);
        play.says("demo", &notice);
        let mut seen = play.take();
        seen.retain(|line| !line.starts_with("demo <- "));
        let expected = [
            "c 200 stream".to_owned(),
            format!("c event {notice}"),
            format!("ga event {notice}"),
            format!("gb event {notice}"),
        ];
        seen.sort();
        assert_eq!(seen, expected, "the session's own stream comes first");
    }
}

#[test]
fn subscriptions_are_counted() {
    let (mut play, one, two) = two_listeners();
    let subscribe = r#"{"id":1,"method":"resources/subscribe","params":{"uri":"x://1"}}"#;
    let unsubscribe = r#"{"id":2,"method":"resources/unsubscribe","params":{"uri":"x://1"}}"#;
    let updated = r#"{"method":"notifications/resources/updated","params":{"uri":"x://1"}}"#;
    play.says("demo", updated);
    play.expect(&[]);
    for (name, session) in [("a", &one), ("b", &two)] {
        play.post(name, session, subscribe);
        play.answers_last("demo", "{}");
    }
    play.forget();
    play.says("demo", updated);
    play.expect(&[&format!("ga event {updated}"), &format!("gb event {updated}")]);
    play.post("a", &one, unsubscribe);
    play.expect(&[r#"a 200 json {"id":2,"result":{}}"#]);
    play.says("demo", updated);
    play.expect(&[&format!("gb event {updated}")]);
    play.post("b", &two, unsubscribe);
    play.expect(&[r#"demo <- {"id":#3,"method":"resources/unsubscribe","params":{"uri":"x://1"}}"#]);
    play.says("demo", updated);
    play.expect(&[]);
}

#[test]
fn a_subscription_covers_what_lies_below() {
    let (mut play, one, _) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"resources/subscribe","params":{"uri":"file:///dir"}}"#);
    play.answers_last("demo", "{}");
    play.forget();
    for (uri, is_heard) in
        [("file:///dir", true), ("file:///dir/a", true), ("file:///director", false), ("file:///", false)]
    {
        play.says("demo", &format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#));
        assert_eq!(!play.take().is_empty(), is_heard, "{uri}");
    }
}

#[test]
fn a_refused_subscription_is_none() {
    let (mut play, one, _) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"resources/subscribe","params":{"uri":"x://1"}}"#);
    play.says("demo", r#"{"id":#1,"error":{"code":-32002,"message":"no such resource"}}"#);
    play.forget();
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"x://1"}}"#);
    play.expect(&[]);
}

#[test]
fn a_subscription_that_failed_here_is_none() {
    let (mut play, one, _) = two_listeners();
    play.post("a", &one, r#"{"id":1,"method":"resources/subscribe","params":{"uri":"x://1"}}"#);
    play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &[]);
    play.advance(std::time::Duration::from_secs(1));
    play.forget();
    play.ready("demo");
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"x://1"}}"#);
    play.expect(&[]);
}

#[test]
fn the_end_of_a_session_gives_its_subscriptions_up() {
    let (mut play, one, two) = two_listeners();
    for (name, session, uri) in [("a", &one, "x://1"), ("a", &one, "x://2"), ("b", &two, "x://2")] {
        let message = format!(r#"{{"id":1,"method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#);
        play.post(name, session, &message);
        play.answers_last("demo", "{}");
    }
    play.forget();
    play.http("a", &Http::new("DELETE", "/demo/mcp").session(&one));
    play.expect(&[
        r#"demo <- {"id":"mcp-proxy:resources/subscribe","method":"resources/unsubscribe","params":{"uri":"x://1"}}"#,
        "a 204",
        "ga end",
    ]);
}

#[test]
fn too_many_subscriptions() {
    let (mut play, one, _) = two_listeners();
    for number in 0..limits::SESSION_SUBSCRIPTIONS_MAX {
        let uri = format!(r#"{{"id":1,"method":"resources/subscribe","params":{{"uri":"x://{number}"}}}}"#);
        play.post("a", &one, &uri);
        play.answers_last("demo", "{}");
    }
    play.forget();
    play.post("a", &one, r#"{"id":2,"method":"resources/subscribe","params":{"uri":"x://more"}}"#);
    assert_error(&play.answer("a"), 200, -32603, json!(2), &["1000"]);
    play.expect(&[]);
    play.post("a", &one, r#"{"id":3,"method":"resources/subscribe","params":{"uri":"x://7"}}"#);
    assert_eq!(play.take().len(), 1, "one that it has already is not one more");
}

#[test]
fn the_demo_notifies() {
    let (mut pair, s) = Pair::new();
    pair.http("g", &Http::get("/demo/mcp").session(&s));
    pair.post("a", &s, r#"{"id":1,"method":"resources/subscribe","params":{"uri":"demo://counter"}}"#);
    pair.forget();
    pair.call("a", &s, 2, "bump", "{}");
    pair.expect(&[
        r#"a 200 json {"id":2,"result":{"content":[{"text":"demo://counter is now 1.","type":"text"}]}}"#,
        r#"g event {"method":"notifications/resources/updated","params":{"uri":"demo://counter"}}"#,
    ]);
    pair.call("a", &s, 3, "log", r#"{"count":2}"#);
    let seen = pair.take();
    assert_eq!((seen[0].as_str(), seen.len()), ("a 200 stream", 5));
    assert_eq!(seen[4], "a end");
    pair.call("a", &s, 4, "toggle", "{}");
    assert!(pair.take().contains(&r#"g event {"method":"notifications/tools/list_changed"}"#.to_owned()));
}

#[test]
fn a_slow_reader_loses_notifications_and_never_answers() {
    let (mut play, one, _) = two_listeners();
    let big = format!(r#"{{"method":"notifications/custom","params":{{"k":"{}"}}}}"#, "x".repeat(400_000));
    play.post("a", &one, r#"{"id":1,"method":"tools/call"}"#);
    play.forget();
    play.takes("a", false);
    for _ in 0..10 {
        play.says("demo", &big);
    }
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let waiting = play.unread("a").len();
    assert!(waiting < limits::NOTIFY_QUEUE_BYTES_MAX + 500_000, "{waiting}");
    play.takes("a", true);
    let seen = play.take();
    assert_eq!(&seen[seen.len() - 2..], [r#"a event {"id":1,"result":{}}"#, "a end"]);
    let notices = |name: &str| seen.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!(
        (notices("a event {\"method"), notices("ga event")),
        (3, 7),
        "the rest goes to the session's other stream"
    );
}

#[test]
fn sessions_hear_that_a_restarted_server_has_other_tools() {
    let introduction = INTRODUCTION.replace(r#""tools":{}"#, r#""tools":{"listChanged":true}"#);
    let mut play = Playbook::new();
    let lives = |play: &mut Playbook, tool: &str| {
        play.spawned("demo");
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{introduction}}}"#));
        play.forget();
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:tools/list","result":{{"tools":[{{"name":"{tool}"}}]}}}}"#));
    };
    lives(&mut play, "one");
    let session = play.session("a");
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    for (tool, told) in [("one", None), ("two", Some(r#"g event {"method":"notifications/tools/list_changed"}"#))] {
        play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
        play.advance(limits::BACK_OFF_MAX);
        lives(&mut play, tool);
        let events: Vec<String> = play.take().into_iter().filter(|line| line.starts_with("g event")).collect();
        assert_eq!(events, Vec::from_iter(told), "{tool}");
    }
}
