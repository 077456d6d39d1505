//! Sessions from initialize to DELETE, versions, and the GET stream.

use std::time::Duration;

use serde_json::json;

use crate::support::playbook::Playbook;
use crate::support::requests::{Http, initialize};

/// An upstream that answered `initialize` with this version.
fn with_link_version(version: &str) -> Playbook {
    let mut play = Playbook::new();
    play.spawned("demo");
    let result =
        format!(r#"{{"capabilities":{{}},"protocolVersion":"{version}","serverInfo":{{"name":"é","x":1.0}}}}"#);
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{result}}}"#));
    play.expect(&["demo spawn", "…", r#"demo <- {"method":"notifications/initialized"}"#]);
    play
}

#[test]
fn versions_are_negotiated() {
    let cases = [
        ("2025-11-25", "2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-11-25", "2025-06-18"),
        ("2025-03-26", "2025-11-25", "2025-03-26"),
        ("2025-11-25", "2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25", "2024-11-05"),
        ("2025-11-25", "2024-11-05", "2024-11-05"),
        ("2026-07-28", "2025-11-25", "2025-11-25"),
        ("nonsense", "2025-06-18", "2025-06-18"),
        ("", "2025-11-25", "2025-11-25"),
    ];
    for (asked, link, agreed) in cases {
        let mut play = with_link_version(link);
        let answer = play.request("a", &initialize(asked, "{}"));
        assert_eq!(answer.head.status, 200);
        assert_eq!(answer.head.header("mcp-session-id").map(str::len), Some(32));
        let result =
            format!(r#"{{"capabilities":{{}},"protocolVersion":"{agreed}","serverInfo":{{"name":"é","x":1.0}}}}"#);
        assert_eq!(answer.body, format!(r#"{{"jsonrpc":"2.0","id":0,"result":{result}}}"#), "{asked} over {link}");
        play.expect(&[]);
    }
}

#[test]
fn every_initialize_begins_a_session() {
    let (mut play, s) = Playbook::ready_with_session();
    let again = play.request("a", &initialize("2025-11-25", "{}").session(&s));
    let other = again.head.header("mcp-session-id").unwrap().to_owned();
    assert_ne!(s, other);
    assert_eq!(play.proxy.census().sessions, 2);
    play.http("a", &initialize("2025-11-25", "{}").session("nobody knows this one"));
    assert_eq!(play.answer("a").head.status, 200);
}

#[test]
fn initialize_as_an_event_stream() {
    let (mut play, _) = Playbook::ready_with_session();
    play.http("a", &initialize("2025-11-25", "{}").with("Accept", "text/event-stream"));
    play.expect(&[
        "a 200 [Mcp-Session-Id: 02020202020202020202020202020202] stream",
        r#"a event {"id":0,"result":{"protocolVersion":"2025-11-25",…}}"#,
        "a end",
    ]);
}

#[test]
fn notifications_are_accepted_with_202_and_nothing() {
    let (mut play, s) = Playbook::ready_with_session();
    for message in [
        r#"{"method":"notifications/initialized"}"#,
        r#"{"method":"notifications/cancelled","params":{"requestId":99}}"#,
        r#"{"method":"notifications/cancelled","params":{}}"#,
        r#"{"method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#,
        r#"{"id":12345,"result":{}}"#,
        r#"{"id":"x","error":{"code":1,"message":""}}"#,
    ] {
        play.post("a", &s, message);
        let answer = play.answer("a");
        assert_eq!((answer.head.status, answer.body.as_str()), (202, ""), "{message}");
    }
    play.expect(&[]);
    play.post("a", &s, r#"{"method":"notifications/roots/list_changed"}"#);
    play.expect(&[r#"demo <- {"method":"notifications/roots/list_changed"}"#, "a 202"]);
}

#[test]
fn the_stream_of_a_get() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&s));
    play.expect(&["g 200 stream"]);
    play.advance(Duration::from_millis(14_999));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&["g comment still here"]);
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    play.expect(&[
        r#"demo <- {"id":"mcp-proxy:tools/list:1","method":"tools/list","params":{}}"#,
        r#"g event {"method":"notifications/tools/list_changed"}"#,
    ]);
    play.http("a", &Http::new("DELETE", "/demo/mcp").session(&s));
    play.expect(&["a 204", "g end"]);
    let answer = play.request("g", &Http::get("/demo/mcp").session(&s));
    assert_eq!(answer.head.status, 404, "the connection stays, the session is gone");
}

#[test]
fn a_ninth_stream_ends_the_first() {
    let (mut play, s) = Playbook::ready_with_session();
    for name in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        play.http(name, &Http::get("/demo/mcp").session(&s));
    }
    play.forget();
    play.http("9", &Http::get("/demo/mcp").session(&s));
    play.expect(&["1 end", "9 200 stream"]);
    assert_eq!(play.proxy.census().streams, 8);
}

#[test]
fn the_newest_stream_hears() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http("old", &Http::get("/demo/mcp").session(&s));
    play.http("new", &Http::get("/demo/mcp").session(&s));
    play.forget();
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.expect(&[r#"new event {"method":"notifications/prompts/list_changed"}"#]);
    play.hang_up("new");
    play.says("demo", r#"{"method":"notifications/prompts/list_changed"}"#);
    play.expect(&[r#"old event {"method":"notifications/prompts/list_changed"}"#]);
}

#[test]
fn head_is_get_without_a_stream() {
    let (mut play, s) = Playbook::ready_with_session();
    let answer = play.request("a", &Http::new("HEAD", "/demo/mcp").with("Accept", "text/event-stream").session(&s));
    assert_eq!((answer.head.status, answer.head.header("content-type")), (200, Some("text/event-stream")));
    let answer = play.request("a", &Http::new("HEAD", "/demo/mcp"));
    assert_eq!((answer.head.status, answer.head.header("allow")), (405, Some("POST, DELETE, OPTIONS")));
    assert_eq!(play.proxy.census().streams, 0);
}

#[test]
fn delete_cancels_what_is_under_way() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, r#"{"id":1,"method":"tools/call"}"#);
    play.post("b", &s, r#"{"id":"two","method":"tools/call"}"#);
    play.forget();
    play.http("c", &Http::new("DELETE", "/demo/mcp").session(&s));
    play.expect(&[
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1,"reason":"the session was ended"}}"#,
        r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#2,"reason":"the session was ended"}}"#,
        r#"a 200 json {"id":1,"error":{"code":-32603,"message":"the request was cancelled: the session was ended"}}"#,
        r#"b 200 json {"id":"two","error":{"code":-32603,"message":"the request was cancelled: the session…"}}"#,
        "c 204",
    ]);
    let census = play.proxy.census();
    assert_eq!((census.sessions, census.calls, census.streams), (0, 0, 0));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[]);
}

#[test]
fn sessions_end_when_nobody_uses_them() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const SWEEP: Duration = Duration::from_secs(10 * 60);
    let (mut play, used) = Playbook::ready_with_session();
    play.session("b");
    let listening = play.session("c");
    play.http("c", &Http::get("/demo/mcp").session(&listening));
    play.advance(DAY - SWEEP);
    play.http(
        "d",
        &Http::post("/demo/mcp", r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).session(&used),
    );
    assert_eq!(play.proxy.census().sessions, 3);
    play.advance(SWEEP * 2);
    assert_eq!(play.proxy.census().sessions, 2, "only the unused one has ended");
    play.advance(DAY);
    assert_eq!(play.proxy.census().sessions, 1, "the listening one stays");
    play.hang_up("c");
    play.advance(DAY / 2);
    assert_eq!(play.proxy.census().sessions, 1, "it was in use until its stream ended");
    play.advance(DAY);
    assert_eq!(play.proxy.census().sessions, 0);
}

#[test]
fn tokens_do_not_repeat() {
    let (mut play, first) = Playbook::ready_with_session();
    let second = play.session("a");
    assert_eq!(json!([first, second]), json!(["01".repeat(16), "02".repeat(16)]));
}
