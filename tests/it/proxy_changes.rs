//! What changes at a modern upstream, before downstreams of either era.

use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::modern_upstreams::{DISCOVERY, OWN_META, URL, discovered, listed, process};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, remote_config};

/// A `subscriptions/listen` to a process, as it goes out.
fn listen(number: u32, notifications: &str) -> String {
    format!(
        "demo <- {{\"id\":\"mcp-proxy:subscriptions/listen:{number}\",\"method\":\"subscriptions/listen\",\
         \"params\":{{{OWN_META},\"notifications\":{notifications}}}}}"
    )
}

fn notice(number: u32, method: &str, params: &str) -> String {
    format!(
        "{{\"method\":\"notifications/{method}\",\"params\":{{\"_meta\":{{\
         \"io.modelcontextprotocol/subscriptionId\":\"mcp-proxy:subscriptions/listen:{number}\"}}{params}}}}}"
    )
}

fn acknowledges(number: u32, notifications: &str) -> String {
    notice(number, "subscriptions/acknowledged", &format!(",\"notifications\":{notifications}"))
}

const X: &str = r#"{"resourceSubscriptions":["file:///x"]}"#;
const SUBSCRIBE: &str = r#"{"id":7,"method":"resources/subscribe","params":{"uri":"file:///x"}}"#;

#[test]
fn a_legacy_subscription_is_agreed_to_by_the_acknowledgement() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.expect(&[&listen(1, X)]);
    play.says("demo", &acknowledges(1, X));
    play.expect(&[r#"a 200 json {"id":7,"result":{}}"#]);
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    play.says("demo", &notice(1, "resources/updated", r#","uri":"file:///x""#));
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("g event") && line.contains("updated")), "{lines:?}");
    play.post("a", &session, &SUBSCRIBE.replace("resources/sub", "resources/unsub"));
    play.forget();
    play.says("demo", &notice(1, "resources/updated", r#","uri":"file:///x""#));
    play.expect(&[]);
}

#[test]
fn or_it_is_refused() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.forget();
    play.says("demo", &acknowledges(1, "{}"));
    assert_error(&play.answer("a"), 200, -32602, json!(7), &["does not tell"]);
    // Nobody wants anything now. It may think otherwise another time.
    let end = "mcp-proxy:subscriptions/listen:1";
    play.expect(&[&format!(r#"demo <- {{"method":"notifications/cancelled","params":{{"requestId":"{end}"}}}}"#)]);
    play.post("a", &session, SUBSCRIBE);
    play.expect(&[&listen(2, X)]);
    play.says("demo", &acknowledges(2, X));
    play.expect(&[r#"a 200 json {"id":7,"result":{}}"#]);
}

#[test]
fn an_upstream_that_knows_no_such_thing() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.forget();
    play.says("demo", r#"{"id":"mcp-proxy:subscriptions/listen:1","error":{"code":-32601,"message":"?"}}"#);
    assert_error(&play.answer("a"), 200, -32602, json!(7), &[]);
}

#[test]
fn another_wish_replaces_the_old_one_and_nothing_comes_twice() {
    let mut play = process("");
    play.http("a", &Modern::new(1, "subscriptions/listen").param("notifications", X).http());
    play.says("demo", &acknowledges(1, X));
    let both = r#"{"resourceSubscriptions":["file:///x","file:///y"]}"#;
    let y = r#"{"resourceSubscriptions":["file:///y"]}"#;
    play.forget();
    play.http("b", &Modern::new(2, "subscriptions/listen").param("notifications", y).http());
    play.expect(&[&listen(2, both), "b 200 stream"]);
    let updated = |number| notice(number, "resources/updated", r#","uri":"file:///x""#);
    play.says("demo", &updated(2)); // not yet
    play.expect(&[]);
    play.says("demo", &updated(1));
    assert_eq!(play.take().len(), 1);
    play.says("demo", &acknowledges(2, both));
    let lines = play.take();
    let end =
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":"mcp-proxy:subscriptions/listen:1"}}"#;
    assert!(lines.contains(&end.to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("b event") && line.contains("acknowledged")), "{lines:?}");
    play.says("demo", &updated(1)); // not any more
    play.expect(&[]);
    play.says("demo", &updated(2));
    let lines = play.take();
    assert!(lines.len() == 1 && lines[0].contains(r#""io.modelcontextprotocol/subscriptionId":1"#), "{lines:?}");
}

#[test]
fn who_tells_of_lists_is_heard_from_the_beginning_and_again() {
    let mut play = Playbook::probed(config(&["demo"]));
    let telling = DISCOVERY.replace(r#""tools":{}"#, r#""tools":{"listChanged":true}"#);
    play.spawned("demo");
    play.forget();
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:server/discover","result":{telling}}}"#));
    let lines = play.take();
    let first = listen(1, r#"{"toolsListChanged":true}"#);
    assert!(lines.contains(&first), "{lines:?}");
    play.says("demo", &listed(0, ""));
    play.says("demo", &acknowledges(1, r#"{"toolsListChanged":true}"#));
    play.http(
        "a",
        &Modern::new(1, "subscriptions/listen").param("notifications", r#"{"toolsListChanged":true}"#).http(),
    );
    play.forget();
    play.says("demo", &notice(1, "tools/list_changed", ""));
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("a event") && line.contains("subscriptionId\":1}")), "{lines:?}");
    // It ends; another is begun after a pause.
    play.says("demo", r#"{"id":"mcp-proxy:subscriptions/listen:1","result":{"resultType":"complete"}}"#);
    play.forget();
    play.advance(limits::RESUME_PAUSE_MAX);
    let lines = play.take();
    assert!(lines.contains(&listen(2, r#"{"toolsListChanged":true}"#)), "{lines:?}");
}

#[test]
fn over_http_it_is_a_stream_of_its_own() {
    let mut play = Playbook::probed(remote_config(URL, RemoteTransport::Auto));
    play.replies("up1", &discovered(0));
    play.replies("up1", &listed(0, ""));
    play.forget();
    play.http("a", &Modern::new(1, "subscriptions/listen").param("notifications", X).http());
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("[Mcp-Method: subscriptions/listen]")), "{lines:?}");
    let up = play.newest_outbound();
    play.streams(&up);
    play.event(&up, &format!("data: {}\n\n", crate::support::requests::rpc(&acknowledges(1, X))));
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("a event") && line.contains("acknowledged")), "{lines:?}");
    play.advance(limits::PING_INTERVAL / 2);
    play.forget();
    play.event(
        &up,
        &format!(
            "data: {}\n\n",
            crate::support::requests::rpc(&notice(1, "resources/updated", r#","uri":"file:///x""#))
        ),
    );
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("a event") && line.contains("updated")), "{lines:?}");
    play.forget();
    play.hang_up("a");
    play.expect(&[&format!("{up} close")]);
    play.advance(limits::RESUME_PAUSE_MAX);
    let lines = play.take();
    assert!(!lines.iter().any(|line| line.contains("subscriptions/listen")), "nobody wants it: {lines:?}");
}

fn subscribe(id: u32, uri: &str) -> String {
    format!(r#"{{"id":{id},"method":"resources/subscribe","params":{{"uri":"{uri}"}}}}"#)
}

#[test]
fn who_subscribes_twice_is_told_so_at_once() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", &acknowledges(1, X));
    play.forget();
    play.post("a", &session, SUBSCRIBE);
    play.expect(&[r#"a 200 json {"id":7,"result":{}}"#]);
    play.post("a", &session, r#"{"id":8,"method":"resources/subscribe"}"#);
    assert_error(&play.answer("a"), 200, -32602, json!(8), &["uri"]);
}

#[test]
fn a_bad_resource_is_refused_to_who_wants_it() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", &acknowledges(1, X));
    play.post("a", &session, &subscribe(8, "bad"));
    play.forget();
    play.says("demo", r#"{"id":"mcp-proxy:subscriptions/listen:2","error":{"code":-32602,"message":"?"}}"#);
    assert_error(&play.answer("a"), 200, -32602, json!(8), &["does not tell"]);
    play.advance(limits::RESUME_PAUSE_MAX);
    play.expect(&[]);
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    play.says("demo", &notice(1, "resources/updated", r#","uri":"file:///x""#));
    assert_eq!(play.take().len(), 1);
}

#[test]
fn an_upstream_that_never_agrees_has_refused() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", r#"{"id":"mcp-proxy:subscriptions/listen:1","result":{"resultType":"complete"}}"#);
    assert_error(&play.answer("a"), 200, -32602, json!(7), &["does not tell"]);
    play.forget();
    play.advance(limits::RESUME_PAUSE_MAX);
    play.expect(&[]);
}

#[test]
fn one_that_the_upstream_ends_is_begun_anew_and_what_may_have_happened_is_told() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", &acknowledges(1, X));
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    let ended = r#""params":{"requestId":"mcp-proxy:subscriptions/listen:1"}"#;
    play.says("demo", &format!(r#"{{"method":"notifications/cancelled",{ended}}}"#));
    play.expect(&[]);
    play.advance(limits::RESUME_PAUSE);
    play.expect(&[&listen(2, X)]);
    play.says("demo", &acknowledges(2, X));
    let happened = play.take();
    let updated = r#"g event {"method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#;
    assert!(happened.contains(&updated.to_owned()), "{happened:?}");
}

#[test]
fn a_new_process_is_told_what_is_wanted_and_what_may_have_happened_is_told() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", &acknowledges(1, X));
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.exits("demo", Exit::Code(1));
    play.advance(limits::BACK_OFF_MIN);
    play.spawned("demo");
    play.forget();
    play.says("demo", &discovered(0));
    assert!(play.take().contains(&listen(1, X)));
    play.says("demo", &acknowledges(1, X));
    let happened = play.take();
    assert!(happened.iter().any(|line| line.starts_with("g event") && line.contains("updated")), "{happened:?}");
}

#[test]
fn the_last_one_to_go_ends_it() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.says("demo", &acknowledges(1, X));
    play.forget();
    play.http("b", &Http::new("DELETE", "/demo/mcp").session(&session));
    let end = "mcp-proxy:subscriptions/listen:1";
    let ended = format!(r#"demo <- {{"method":"notifications/cancelled","params":{{"requestId":"{end}"}}}}"#);
    play.expect(&[&ended, "b 204"]);
}

#[test]
fn of_lists_too_the_upstream_says_itself_whether_it_tells() {
    for granted in [r#"{"toolsListChanged":true}"#, "{}"] {
        let mut play = Playbook::probed(config(&["demo"]));
        let telling = DISCOVERY.replace(r#""tools":{}"#, r#""tools":{"listChanged":true}"#);
        play.spawned("demo");
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:server/discover","result":{telling}}}"#));
        play.says("demo", &listed(0, ""));
        let wanted = r#"{"toolsListChanged":true,"promptsListChanged":true}"#;
        play.http("a", &Modern::new(1, "subscriptions/listen").param("notifications", wanted).http());
        assert!(!play.take().iter().any(|line| line.starts_with("a event")));
        play.says("demo", &acknowledges(1, granted));
        let lines = play.take();
        let end = format!("\"notifications\":{granted}}}}}");
        assert!(lines.iter().any(|line| line.starts_with("a event") && line.ends_with(&end)), "{lines:?}");
    }
}

#[test]
fn a_resource_that_was_not_agreed_to_is_not_acknowledged_downstream() {
    let mut play = process("");
    play.http("a", &Modern::new(1, "subscriptions/listen").param("notifications", X).http());
    play.says("demo", &acknowledges(1, "{}"));
    let lines = play.take();
    let is_empty = |line: &String| line.starts_with("a event") && line.ends_with(r#""notifications":{}}}"#);
    assert!(lines.iter().any(is_empty), "{lines:?}");
}

#[test]
fn a_listen_lasts_for_as_long_as_it_likes() {
    let mut play = process("");
    play.http("a", &Modern::new(1, "subscriptions/listen").param("notifications", X).http());
    play.says("demo", &acknowledges(1, X));
    play.forget();
    play.advance(Duration::from_secs(300)); // longer than any request may take
    assert!(play.take().iter().all(|line| line == "a comment still here"));
}

fn cancel(id: u32) -> String {
    format!(r#"{{"method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
}

#[test]
fn who_subscribes_twice_before_the_upstream_agrees_is_told_the_same_twice() {
    for (granted, code) in [(X, json!(null)), ("{}", json!(-32602))] {
        let mut play = process("");
        let session = play.session("a");
        play.post("a", &session, SUBSCRIBE);
        play.post("b", &session, &subscribe(8, "file:///x"));
        play.expect(&[&listen(1, X)]);
        play.says("demo", &acknowledges(1, granted));
        assert_eq!(
            [play.answer("a").json()["error"]["code"].clone(), play.answer("b").json()["error"]["code"].clone()],
            [code.clone(), code]
        );
    }
}

#[test]
fn a_subscription_that_is_cancelled_before_the_upstream_agrees_leaves_the_other() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.post("b", &session, &subscribe(8, "file:///x"));
    play.forget();
    play.post("c", &session, &cancel(7));
    // Of the call itself the upstream has never heard.
    assert!(!play.take().iter().any(|line| line.starts_with("demo <-")));
    play.says("demo", &acknowledges(1, X));
    play.expect(&[r#"b 200 json {"id":8,"result":{}}"#]);
}

#[test]
fn an_upstream_that_never_acknowledges_holds_nobody_up() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    play.post("b", &session, &subscribe(8, "file:///y"));
    play.forget();
    play.advance(limits::LISTEN_ACKNOWLEDGEMENT_TIME_MAX);
    let end = "mcp-proxy:subscriptions/listen:1";
    let ended = format!(r#"demo <- {{"method":"notifications/cancelled","params":{{"requestId":"{end}"}}}}"#);
    let lines = play.take();
    assert!(lines.contains(&ended), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("a event") && line.contains("in time")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("b event")), "it was not asked for: {lines:?}");
    play.advance(limits::RESUME_PAUSE_MAX);
    let y = r#"{"resourceSubscriptions":["file:///y"]}"#;
    assert!(play.take().contains(&listen(2, y)));
    play.says("demo", &acknowledges(1, X)); // too late
    play.expect(&[]);
    play.says("demo", &acknowledges(2, y));
    play.expect(&[r#"b event {"id":8,"result":{}}"#, "b end"]);
    play.advance(limits::LISTEN_ACKNOWLEDGEMENT_TIME_MAX);
    play.expect(&[]);
}

#[test]
fn nor_does_a_stream_that_says_nothing() {
    let mut play = Playbook::probed(remote_config(URL, RemoteTransport::Auto));
    play.replies("up1", &discovered(0));
    play.replies("up1", &listed(0, ""));
    let session = play.session("a");
    play.post("a", &session, SUBSCRIBE);
    let up = play.newest_outbound();
    play.streams(&up);
    play.forget();
    play.advance(limits::LISTEN_ACKNOWLEDGEMENT_TIME_MAX);
    let lines = play.take();
    assert!(lines.contains(&format!("{up} close")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("a event") && line.contains("in time")), "{lines:?}");
}
