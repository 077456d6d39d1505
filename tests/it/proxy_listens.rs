//! `subscriptions/listen`: acknowledged first, then what was asked for and nothing else, each with its id.

use std::time::Duration;

use mcp_proxy::limits;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::config;

const TELLING: &str = concat!(
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true},"#,
    r#""resources":{"subscribe":true,"listChanged":true}},"serverInfo":{"name":"up","version":"0"}}"#
);
const TOOLS_CHANGED: &str = r#"{"method":"notifications/tools/list_changed"}"#;
const SUBSCRIBE: &str = r##"demo <- {"id":#1,"method":"resources/subscribe","params":{"uri":"file:///x"}}"##;

fn introduce(play: &mut Playbook) {
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{TELLING}}}"#));
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    play.forget();
}

fn ready() -> Playbook {
    let mut play = Playbook::new();
    play.spawned("demo");
    introduce(&mut play);
    play
}

fn listen(id: u32, wanted: &str) -> Modern {
    Modern::new(id, "subscriptions/listen").param("notifications", wanted)
}

fn acknowledged(conn: &str, id: u32, granted: &str) -> String {
    format!(
        "{conn} event {{\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{{\"_meta\":\
         {{\"io.modelcontextprotocol/subscriptionId\":{id}}},\"notifications\":{granted}}}}}"
    )
}

fn updated(conn: &str, id: u32, uri: &str) -> String {
    format!(
        "{conn} event {{\"method\":\"notifications/resources/updated\",\"params\":{{\"uri\":\"{uri}\",\"_meta\":\
         {{\"io.modelcontextprotocol/subscriptionId\":{id}}}}}}}"
    )
}

#[test]
fn lists_that_change() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"toolsListChanged":true,"unknown":1}"#).http());
    play.http("b", &listen(2, r#"{"promptsListChanged":true,"resourcesListChanged":true}"#).http());
    play.expect(&[
        "a 200 stream",
        &acknowledged("a", 1, r#"{"toolsListChanged":true}"#),
        "b 200 stream",
        &acknowledged("b", 2, r#"{"promptsListChanged":true,"resourcesListChanged":true}"#),
    ]);
    play.says("demo", TOOLS_CHANGED);
    let lines = play.take();
    let tagged = concat!(
        r#"a event {"method":"notifications/tools/list_changed","params":"#,
        r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#
    );
    assert!(lines.contains(&tagged.to_owned()), "{lines:?}");
    assert!(!lines.iter().any(|line| line.starts_with("b ")), "{lines:?}");
    assert_eq!(play.last_event("a"), None, "a modern stream is not resumed, so its events have no ids");
}

#[test]
fn resources_that_change_once_the_upstream_agrees() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"resourceSubscriptions":["file:///x"]}"#).http());
    play.expect(&[SUBSCRIBE, "a 200 stream"]);
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[&acknowledged("a", 1, r#"{"resourceSubscriptions":["file:///x"]}"#), &updated("a", 1, "file:///x")]);
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"file:///x/y"}}"#);
    play.expect(&[&updated("a", 1, "file:///x/y")]);
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"file:///z"}}"#);
    play.expect(&[]);
}

#[test]
fn what_the_upstream_refuses_is_not_acknowledged() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///x"]}"#).http());
    play.forget();
    play.says("demo", r#"{"id":#1,"error":{"code":-32602,"message":"no"}}"#);
    play.expect(&[&acknowledged("a", 1, r#"{"toolsListChanged":true}"#)]);
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#);
    play.expect(&[]);
}

#[test]
fn an_upstream_that_says_nothing_holds_nobody_up() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"resourceSubscriptions":["file:///x"]}"#).http());
    play.forget();
    play.advance(limits::LISTEN_GRANT_TIME_MAX);
    let lines = play.take();
    assert!(lines.contains(&acknowledged("a", 1, "{}")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("notifications/cancelled")), "{lines:?}");
}

#[test]
fn several_share_one_subscription() {
    let mut play = ready();
    let session = play.session("s");
    play.post("s", &session, r#"{"id":9,"method":"resources/subscribe","params":{"uri":"file:///x"}}"#);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.http("a", &listen(1, r#"{"resourceSubscriptions":["file:///x"]}"#).http());
    let both = acknowledged("a", 1, r#"{"resourceSubscriptions":["file:///x"]}"#);
    play.expect(&["a 200 stream", &both]);
    play.hang_up("a");
    play.expect(&[]);
    play.http("b", &listen(2, r#"{"resourceSubscriptions":["file:///x"]}"#).http());
    play.post("s", &session, r#"{"id":9,"method":"resources/unsubscribe","params":{"uri":"file:///x"}}"#);
    play.forget();
    play.hang_up("b");
    play.expect(&[r#"demo <- {"id":"mcp-proxy:resources/subscribe","method":"resources/unsubscribe",…}"#]);
    assert_eq!(play.proxy.census().sessions, 1);
}

#[test]
fn what_is_only_asked_for_is_not_shared() {
    let x = r#"{"resourceSubscriptions":["file:///x"]}"#;
    let mut play = ready();
    play.http("a", &listen(1, x).http());
    play.http("b", &listen(2, x).http());
    play.expect(&[SUBSCRIBE, "a 200 stream", &SUBSCRIBE.replace("#1", "#2"), "b 200 stream"]);
    play.says("demo", r#"{"id":#1,"error":{"code":-32602,"message":"no"}}"#);
    play.expect(&[&acknowledged("a", 1, "{}")]);
    play.says("demo", r#"{"id":#2,"error":{"code":-32602,"message":"no"}}"#);
    play.expect(&[&acknowledged("b", 2, "{}")]);
}

#[test]
fn more_resources_than_a_session_may_have_calls() {
    const COUNT: usize = limits::SESSION_CALLS_MAX * 2 + 1;
    let mut play = ready();
    let wanted: Vec<String> = (0..COUNT).map(|number| format!("\"x:{number}\"")).collect();
    play.http("a", &listen(1, &format!(r#"{{"resourceSubscriptions":[{}]}}"#, wanted.join(","))).http());
    for number in 1..=COUNT {
        assert!(!play.take().iter().any(|line| line.starts_with("a event")), "not before the last one");
        play.says("demo", &format!(r#"{{"id":#{number},"result":{{}}}}"#));
    }
    let lines = play.take();
    let granted = lines.iter().find(|line| line.starts_with("a event")).expect("an acknowledgement");
    assert_eq!(granted.matches("\"x:").count(), COUNT);
}

#[test]
fn whoever_listens_waits_for_the_upstream_and_outlives_it() {
    let mut play = Playbook::new();
    play.http("a", &listen(1, r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///x"]}"#).http());
    play.expect(&["demo spawn", "a 200 stream"]);
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{TELLING}}}"#));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let lines = play.take();
    let granted = r#"{"toolsListChanged":true,"resourceSubscriptions":["file:///x"]}"#;
    assert!(lines.contains(&acknowledged("a", 1, granted)), "{lines:?}");
    play.exits("demo", mcp_proxy::proxy::Exit::Code(1));
    play.advance(limits::BACK_OFF_MAX);
    play.spawned("demo");
    play.forget();
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{TELLING}}}"#));
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("resources/subscribe")), "{lines:?}");
    play.says("demo", r#"{"method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#);
    let lines = play.take();
    assert!(lines.contains(&updated("a", 1, "file:///x")), "{lines:?}");
}

#[test]
fn an_end_of_ours_is_told() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"toolsListChanged":true}"#).http());
    play.forget();
    play.shut_down();
    let lines = play.take();
    let end = concat!(
        r#"a event {"id":1,"result":{"resultType":"complete","#,
        r#""_meta":{"io.modelcontextprotocol/subscriptionId":1}}}"#
    );
    assert!(lines.contains(&end.to_owned()), "{lines:?}");
    assert!(lines.contains(&"a end".to_owned()), "{lines:?}");
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn what_cannot_be_listened_to() {
    let mut play = ready();
    let many: Vec<String> = (0..=limits::SESSION_SUBSCRIPTIONS_MAX).map(|number| format!("\"x:{number}\"")).collect();
    let long = format!("[\"{}\"]", "x".repeat(limits::URI_BYTES_MAX + 1));
    for (wanted, words) in [
        ("5".to_owned(), "subscriptions/listen"),
        (format!(r#"{{"resourceSubscriptions":[{}]}}"#, many.join(",")), "1000"),
        (format!(r#"{{"resourceSubscriptions":{long}}}"#), "8192"),
    ] {
        let answer = play.request("a", &listen(5, &wanted).http());
        assert_error(&answer, 200, -32602, json!(5), &[words]);
    }
    let answer = play.request("a", &Modern::new(5, "subscriptions/listen").http());
    assert_error(&answer, 200, -32602, json!(5), &["notifications"]);
    let answer = play.request("b", &listen(5, "{}").http().with("Accept", "application/json"));
    assert_error(&answer, 406, -32000, json!(5), &["text/event-stream"]);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn the_ids_of_two_are_not_confused() {
    let mut play = Playbook::with(config(&["demo"]));
    play.spawned("demo");
    introduce(&mut play);
    let textual = listen(1, r#"{"toolsListChanged":true}"#);
    let body = textual.body().replace("\"id\":1", "\"id\":\"1\"");
    play.http("a", &textual.http().body(&body));
    play.http("b", &textual.http());
    play.forget();
    play.says("demo", TOOLS_CHANGED);
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("a ") && line.contains("subscriptionId\":\"1\"")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("b ") && line.contains("subscriptionId\":1}")), "{lines:?}");
}

#[test]
fn a_listen_is_no_call_in_flight() {
    let mut play = ready();
    play.http("l", &listen(1, r#"{"toolsListChanged":true}"#).http());
    play.forget();
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"error","data":1}}"#);
    assert!(!play.take().iter().any(|line| line.starts_with("l ")));
    play.advance(Duration::from_secs(300)); // longer than any request may take
    assert!(play.take().iter().all(|line| line == "l comment still here"));
    play.http("a", &Modern::call(2).http());
    assert_eq!(play.proxy.census().calls, 1);
    // If the listen counted, it would be one of two that this may be for.
    play.says("demo", r#"{"id":"r1","method":"roots/list"}"#);
    play.advance(limits::GATHERING_TIME);
    assert_eq!(play.answer("a").json()["result"]["resultType"], "input_required");
}

#[test]
fn who_listens_is_not_asked_what_nobody_knows() {
    let mut play = ready();
    play.http("a", &listen(1, r#"{"toolsListChanged":true}"#).http());
    play.forget();
    play.says("demo", r#"{"id":"x","method":"x/y"}"#);
    play.expect(&[r#"demo <- {"id":"x","error":{"code":-32601,…}}"#]);
}
