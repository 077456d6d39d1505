//! Subscriptions and log levels that are refused, repeated, or still on their way.

use mcp_proxy::limits;
use serde_json::json;

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::Http;

/// A session with a stream of its own, `g`.
fn listening() -> (Playbook, String) {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.forget();
    (play, s)
}

fn subscribe(id: u32, uri: &str) -> String {
    format!(r#"{{"id":{id},"method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#)
}

fn set_level(level: &str) -> String {
    format!(r#"{{"id":1,"method":"logging/setLevel","params":{{"level":"{level}"}}}}"#)
}

/// The level that goes up when a session asks for one; `symbol` is the number of its call.
fn level_sent(symbol: usize, level: &str) -> String {
    format!(r#"demo <- {{"id":#{symbol},"method":"logging/setLevel","params":{{"level":"{level}"}}}}"#)
}

/// Whether the session hears that a resource has changed.
fn hears(play: &mut Playbook, uri: &str) -> bool {
    play.forget();
    play.says("demo", &format!(r#"{{"method":"notifications/resources/updated","params":{{"uri":"{uri}"}}}}"#));
    play.take().iter().any(|line| line.starts_with("g event "))
}

// ---- Subscriptions ----

#[test]
fn a_subscription_without_room_leaves_nothing_behind() {
    let (mut play, s) = listening();
    for id in 0..limits::SESSION_CALLS_MAX {
        play.post(&format!("c{id}"), &s, r#"{"id":1,"method":"tools/list"}"#);
    }
    play.post("a", &s, &subscribe(1, "x://1"));
    assert_error(&play.answer("a"), 429, -32603, json!(1), &[&limits::SESSION_CALLS_MAX.to_string()]);
    assert!(!hears(&mut play, "x://1"));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.post("a", &s, &subscribe(2, "x://1"));
    assert_eq!(play.take().len(), 1, "it is no repeat: the upstream is asked");
    assert!(hears(&mut play, "x://1"), "it counts before the upstream agrees");
}

#[test]
fn a_refused_repeat_does_not_end_what_holds() {
    let (mut play, s) = listening();
    play.post("a", &s, &subscribe(1, "x://1"));
    play.answers_last("demo", "{}");
    play.post("a", &s, &subscribe(2, "x://1"));
    play.says("demo", r#"{"id":#2,"error":{"code":-32603,"message":"subscribed already"}}"#);
    assert!(play.answer("a").body.contains("subscribed already"), "the upstream's word reaches the client");
    assert!(hears(&mut play, "x://1"));
    play.post("a", &s, &subscribe(3, "x://1"));
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":3}}"#);
    assert!(hears(&mut play, "x://1"));
}

#[test]
fn a_subscription_that_was_cancelled_is_given_up_since_the_upstream_may_have_agreed() {
    let (mut play, s) = listening();
    play.post("a", &s, &subscribe(1, "x://1"));
    play.forget();
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let given_up = |line: &&String| line.contains("resources/unsubscribe") && line.contains("x://1");
    assert_eq!(play.take().iter().filter(given_up).count(), 1);
    play.post("a", &s, &subscribe(2, "x://2"));
    let other = play.session("o");
    play.post("o", &other, &subscribe(3, "x://2"));
    play.forget();
    play.post("b", &s, r#"{"method":"notifications/cancelled","params":{"requestId":2}}"#);
    assert_eq!(play.take().iter().filter(given_up).count(), 0, "another session wants to hear of it");
}

/// The same resource wanted twice, neither of them answered yet: by calls 1 on `a` and 2 on `b`.
fn wanted_twice() -> (Playbook, String) {
    let (mut play, s) = listening();
    play.post("a", &s, &subscribe(1, "x://1"));
    play.post("b", &s, &subscribe(2, "x://1"));
    assert_eq!(play.take().len(), 2, "either may be the one that is answered");
    (play, s)
}

fn cancel(id: u32) -> String {
    format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
}

#[test]
fn a_second_subscription_outlives_the_end_of_the_first() {
    let (mut play, s) = wanted_twice();
    play.post("c", &s, &cancel(1));
    assert!(!play.take().iter().any(|line| line.contains("resources/unsubscribe")));
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"b 200 json {"id":2,"result":{}}"#]);
    assert!(hears(&mut play, "x://1"));

    let (mut play, s) = wanted_twice();
    play.says("demo", r#"{"id":#1,"error":{"code":-32603,"message":"busy"}}"#);
    assert!(hears(&mut play, "x://1"), "the second counts before the upstream agrees, as the first did");
    play.post("c", &s, &cancel(2));
    assert!(play.take().iter().any(|line| line.contains("resources/unsubscribe")), "nobody is left");
    assert!(!hears(&mut play, "x://1"));
}

#[test]
fn what_was_agreed_to_is_not_undone_by_a_refusal_of_its_repeat() {
    let (mut play, _) = wanted_twice();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.says("demo", r#"{"id":#2,"error":{"code":-32603,"message":"subscribed already"}}"#);
    assert!(hears(&mut play, "x://1"));
}

#[test]
fn a_uri_may_be_too_long_to_remember() {
    let (mut play, s) = listening();
    let longest = format!("x://{}", "u".repeat(limits::URI_BYTES_MAX - 4));
    play.post("a", &s, &subscribe(1, &format!("{longest}u")));
    let answer = play.answer("a");
    assert_error(&answer, 200, -32603, json!(1), &["URI", &limits::URI_BYTES_MAX.to_string()]);
    assert!(answer.body.len() < 300, "the URI is not repeated");
    play.expect(&[]);
    assert!(!hears(&mut play, &format!("{longest}u")));
    play.post("a", &s, &subscribe(2, &longest));
    play.answers_last("demo", "{}");
    assert!(hears(&mut play, &longest));
}

// ---- Log levels ----

#[test]
fn a_level_on_its_way_counts() {
    let (mut play, one) = listening();
    let two = play.session("b");
    play.post("a", &one, &set_level("debug"));
    play.post("b", &two, &set_level("error"));
    play.expect(&[&level_sent(1, "debug"), &level_sent(2, "debug")]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"b 200 json {"id":1,"result":{}}"#, r#"a 200 json {"id":1,"result":{}}"#]);
    play.post("b", &two, &set_level("critical"));
    play.expect(&[&level_sent(3, "debug")]);
}

#[test]
fn a_refused_level_counts_no_longer() {
    let (mut play, one) = listening();
    let two = play.session("b");
    play.post("a", &one, &set_level("debug"));
    play.says("demo", r#"{"id":#1,"error":{"code":-32602,"message":"no"}}"#);
    play.forget();
    play.post("b", &two, &set_level("error"));
    play.expect(&[&level_sent(2, "error")]);
}

#[test]
fn a_session_may_change_its_mind_before_the_answer() {
    let (mut play, one) = listening();
    play.post("a", &one, &set_level("debug"));
    play.post("b", &one, &set_level("error"));
    play.expect(&[&level_sent(1, "debug"), &level_sent(2, "error")]);
}

/// What goes up without a call when a session ends.
fn level_lowered(level: &str) -> String {
    format!(
        r#"demo <- {{"id":"mcp-proxy:logging/setLevel…","method":"logging/setLevel","params":{{"level":"{level}"}}}}"#
    )
}

fn end(play: &mut Playbook, session: &str) {
    play.forget();
    play.http("end", &Http::new("DELETE", "/demo/mcp").session(session));
}

#[test]
fn the_level_follows_the_sessions_that_are_left() {
    let (mut play, one) = listening();
    let two = play.session("b");
    let three = play.session("c");
    play.post("a", &one, &set_level("debug"));
    play.answers_last("demo", "{}");
    play.post("b", &two, &set_level("error"));
    play.answers_last("demo", "{}");
    end(&mut play, &one);
    play.expect(&[&level_lowered("error"), "g end", "end 204"]);
    end(&mut play, &three);
    play.expect(&["end 204"]);
    end(&mut play, &two);
    play.expect(&[&level_lowered("info"), "end 204"]);
}

#[test]
fn a_session_that_was_not_the_most_verbose_ends_in_silence() {
    let (mut play, one) = listening();
    let two = play.session("b");
    for (name, session, level) in [("a", &one, "debug"), ("b", &two, "debug")] {
        play.post(name, session, &set_level(level));
        play.answers_last("demo", "{}");
    }
    end(&mut play, &two);
    play.expect(&["end 204"]);
    play.post("a", &one, &set_level("info"));
    play.answers_last("demo", "{}");
    end(&mut play, &one);
    play.expect(&["g end", "end 204"]);
}

#[test]
fn no_level_is_sent_to_an_upstream_that_is_gone() {
    let (mut play, one) = listening();
    play.post("a", &one, &set_level("debug"));
    play.answers_last("demo", "{}");
    play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
    end(&mut play, &one);
    play.expect(&["g end", "end 204"]);
}
