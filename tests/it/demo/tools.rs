//! The tools; those that ask are in [`asks`].

mod asks;

use std::time::Duration;

use mcp_proxy::demo::Effect;
use mcp_proxy::limits::{DEMO_BIG_BYTES_MAX, DEMO_CALLS_MAX, LINE_BYTES_MAX};
use serde_json::{Value, json};

use super::{Play, notification, request};

const TOOLS: [&str; 11] = ["echo", "add", "slow", "big", "ask", "sample", "roots", "log", "bump", "toggle", "crash"];

#[test]
fn the_list_comes_in_pages() {
    let mut play = Play::open();
    let (tools, pages) = play.walk("tools/list", "tools");
    assert_eq!(pages, [5, 5, 1]);
    for (tool, name) in tools.iter().zip(TOOLS) {
        assert_eq!(tool["name"], name);
        assert_eq!(tool["inputSchema"]["type"], "object");
        for text in ["title", "description"] {
            assert!(!tool[text].as_str().unwrap().is_empty());
        }
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        let required = tool["inputSchema"]["required"].as_array();
        assert!(required.into_iter().flatten().all(|name| properties.contains_key(name.as_str().unwrap())));
    }
    assert_eq!(tools[1]["outputSchema"]["required"], json!(["sum"]));
}

#[test]
fn a_cursor_that_was_not_given_is_unknown() {
    let mut play = Play::open();
    let made_up =
        ["", "5", "tools", "tools.", "tools.0", "tools.4", "tools.05", "tools.+5", "tools.15", "prompts.5", "tools.5 "];
    for cursor in made_up {
        play.send(request(1, "tools/list", json!({ "cursor": cursor }))).expect_error(1, -32602);
    }
    for cursor in [json!(5), json!(null), json!({})] {
        play.send(request(1, "tools/list", json!({ "cursor": cursor }))).expect_error(1, -32602);
    }
}

#[test]
fn an_unknown_tool_is_an_error_of_the_protocol() {
    let mut play = Play::open();
    play.call(1, "no such", json!({})).expect_error(1, -32602);
    play.call(2, "toggled", json!({})).expect_error(2, -32602);
    play.call(3, "echo", json!([])).expect_error(3, -32602);
    play.send(request(4, "tools/call", json!({}))).expect_error(4, -32602);
    play.send(request(5, "tools/call", json!({ "name": 5 }))).expect_error(5, -32602);
    play.send(request(6, "tools/call", json!({ "name": "roots", "_meta": 6 }))).expect_error(6, -32602);
}

#[test]
fn echo() {
    let mut play = Play::open();
    for message in ["hello", "", "a\nb\u{2028}c\0d\"e\\ 🦀"] {
        play.call("e", "echo", json!({ "message": message })).expect_text("e", message);
    }
    play.call(1, "echo", json!({})).expect_failure(1, "`message`");
    play.call(2, "echo", json!({ "message": 5 })).expect_failure(2, "`message`");
    play.send(request(3, "tools/call", json!({ "name": "echo" }))).expect_failure(3, "`message`");
}

#[test]
fn add() {
    let cases = [
        (json!(2), json!(3), json!(5), "5"),
        (json!(0.5), json!(0.25), json!(0.75), "0.75"),
        (json!(9_007_199_254_740_993_i64), json!(-1), json!(9_007_199_254_740_992_i64), "9007199254740992"),
        (json!(i64::MAX), json!(i64::MAX), json!(1.844_674_407_370_955_2e19), "1.8446744073709552e+19"),
    ];
    let mut play = Play::open();
    for (a, b, sum, text) in cases {
        let result = json!({ "content": [{ "type": "text", "text": text }], "structuredContent": { "sum": sum } });
        play.call(1, "add", json!({ "a": a, "b": b })).expect_result(1, result);
    }
    play.call(2, "add", json!({ "a": 1 })).expect_failure(2, "`b` is missing");
    play.call(3, "add", json!({ "a": "1", "b": 2 })).expect_failure(3, "`a` must be a number");
    play.call(4, "add", json!({ "a": 1e308, "b": 1e308 })).expect_failure(4, "larger");
}

#[test]
fn slow_reports_each_step() {
    let mut play = Play::open();
    let params = json!({
        "name": "slow", "arguments": { "seconds": 3, "steps": 2 }, "_meta": { "progressToken": "t" },
    });
    play.send(request(1, "tools/call", params)).expect_nothing();
    assert_eq!(play.timeout(), Some(Duration::from_millis(1_500)));
    play.pass(Duration::from_millis(1_499)).expect_nothing();
    let step = |step, message| json!({ "progressToken": "t", "progress": step, "total": 2, "message": message });
    play.pass(Duration::from_millis(1)).expect_notification("notifications/progress", step(1, "step 1 of 2"));
    play.expect_nothing();
    // Other requests are answered meanwhile.
    play.send(request(2, "ping", json!({}))).expect_result(2, json!({}));
    play.pass(Duration::from_secs(9)).expect_notification("notifications/progress", step(2, "step 2 of 2"));
    play.expect_text(1, "Done: 2 steps in 3 seconds.");
    assert_eq!(play.timeout(), None);
}

#[test]
fn slow_without_a_token_is_silent_until_done() {
    let mut play = Play::open();
    play.call(1, "slow", json!({})).pass(Duration::from_millis(4_999)).expect_nothing();
    play.pass(Duration::from_millis(1)).expect_text(1, "Done: 5 steps in 5 seconds.");
    // Nothing to wait for: done at the next visit, which is due at once.
    play.call(2, "slow", json!({ "seconds": 0, "steps": 1.0 }));
    assert_eq!(play.timeout(), Some(Duration::from_secs(5)));
    play.pass(Duration::ZERO).expect_text(2, "Done: 1 steps in 0 seconds.");
}

#[test]
fn slow_calls_overlap() {
    let mut play = Play::open();
    play.call(1, "slow", json!({ "seconds": 2 })).call(2, "slow", json!({ "seconds": 1 }));
    play.call("1", "slow", json!({ "seconds": 2 })).pass(Duration::from_secs(3));
    play.expect_text(2, "Done: 5 steps in 1 seconds.");
    play.expect_text(1, "Done: 5 steps in 2 seconds.").expect_text("1", "Done: 5 steps in 2 seconds.");
}

#[test]
fn slow_can_be_cancelled() {
    let mut play = Play::open();
    play.call(1, "slow", json!({})).call("1", "slow", json!({}));
    play.send(notification("notifications/cancelled", json!({ "requestId": 1, "reason": "enough" })));
    play.pass(Duration::from_secs(5)).expect_text("1", "Done: 5 steps in 5 seconds.").expect_nothing();
    // Its id is free again.
    play.call(1, "slow", json!({ "seconds": 0 })).pass(Duration::ZERO).expect_text(1, "Done: 5 steps in 0 seconds.");
}

#[test]
fn slow_checks_its_arguments() {
    let mut play = Play::open();
    for seconds in [json!(-1), json!(3_601), json!(1e300), json!("1"), json!(null)] {
        play.call(1, "slow", json!({ "seconds": seconds })).expect_failure(1, "`seconds`");
    }
    for steps in [json!(0), json!(-1), json!(10_001), json!(1.5), json!(1e300), json!("1"), json!(null)] {
        play.call(1, "slow", json!({ "steps": steps })).expect_failure(1, "`steps`");
    }
    for token in [json!(1.5), json!(true), json!(null), json!([])] {
        let params = json!({ "name": "slow", "_meta": { "progressToken": token } });
        play.send(request(2, "tools/call", params)).expect_error(2, -32602);
    }
    assert_eq!(play.timeout(), None);
}

#[test]
fn calls_in_flight_are_bounded_and_have_distinct_ids() {
    let mut play = Play::open();
    for id in 0..DEMO_CALLS_MAX {
        play.call(id, "slow", json!({ "seconds": 60 })).expect_nothing();
    }
    play.call(0, "slow", json!({})).expect_error(0, -32600);
    play.call("one more", "slow", json!({})).expect_failure("one more", "Too many calls");
    play.call("ask", "ask", json!({})).expect_failure("ask", "Too many calls");
    play.call("echo", "echo", json!({ "message": "still here" })).expect_text("echo", "still here");
    play.send(notification("notifications/cancelled", json!({ "requestId": 0 })));
    play.call("one more", "slow", json!({})).expect_nothing();
}

#[test]
fn big() {
    let mut play = Play::open();
    play.call(1, "big", json!({ "bytes": 0 })).expect_text(1, "");
    play.call(2, "big", json!({ "bytes": 40 })).expect_text(2, "000000000000000 000000000000016 00000000");
    play.call(3, "big", json!({})).expect_failure(3, "`bytes` is missing");
    for bytes in [json!(-1), json!(1.5), json!("5"), json!(DEMO_BIG_BYTES_MAX + 1), json!(u64::MAX)] {
        play.call(4, "big", json!({ "bytes": bytes })).expect_failure(4, "`bytes` must be");
    }
}

#[test]
fn the_biggest_result_fits_in_a_line() {
    let mut play = Play::open();
    play.call(1, "big", json!({ "bytes": DEMO_BIG_BYTES_MAX }));
    let Some(Effect::Line(line)) = play.server.poll_output() else { panic!("no answer") };
    assert!((DEMO_BIG_BYTES_MAX..LINE_BYTES_MAX).contains(&line.len()));
}

#[test]
fn log_heeds_the_level() {
    let mut play = Play::open();
    let sent = |level, data| json!({ "level": level, "logger": "demo", "data": data });
    play.call(1, "log", json!({ "message": "m" }));
    play.expect_notification("notifications/message", sent("info", "m"))
        .expect_text(1, "Sent 1 log message at level info.");
    play.call(2, "log", json!({ "level": "debug" }));
    play.expect_text(2, "Not sent: debug is below the log level in force, which is info.");
    play.send(request(3, "logging/setLevel", json!({ "level": "debug" }))).expect_result(3, json!({}));
    play.call(4, "log", json!({ "level": "debug", "message": "d", "count": 2 }));
    play.expect_notification("notifications/message", sent("debug", "d (1 of 2)"));
    play.expect_notification("notifications/message", sent("debug", "d (2 of 2)"));
    play.expect_text(4, "Sent 2 log messages at level debug.");
    play.send(request(5, "logging/setLevel", json!({ "level": "emergency" }))).expect_result(5, json!({}));
    for level in ["debug", "info", "notice", "warning", "error", "critical", "alert"] {
        let text = format!("Not sent: {level} is below the log level in force, which is emergency.");
        play.call(6, "log", json!({ "level": level })).expect_text(6, &text);
    }
    play.call(7, "log", json!({ "level": "emergency", "message": "!" }));
    play.expect_notification("notifications/message", sent("emergency", "!"));
    play.expect_text(7, "Sent 1 log message at level emergency.");
}

#[test]
fn log_checks_its_arguments() {
    let mut play = Play::open();
    play.call(1, "log", json!({ "level": "loud" })).expect_failure(1, "`level`");
    play.call(2, "log", json!({ "level": 5 })).expect_failure(2, "`level`");
    play.call(3, "log", json!({ "message": {} })).expect_failure(3, "`message`");
    play.call(4, "log", json!({ "count": 10_001 })).expect_failure(4, "`count`");
    for params in [json!({}), json!({ "level": "loud" }), json!({ "level": 5 })] {
        play.send(request(5, "logging/setLevel", params)).expect_error(5, -32602);
    }
}

#[test]
fn toggle_changes_the_list_and_says_so() {
    let mut play = Play::open();
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" });
    play.call(1, "toggle", json!({})).expect(changed.clone()).expect_text(1, "The tool `toggled` is there.");
    assert_eq!(play.names("tools/list", "tools").last().unwrap(), "toggled");
    play.call(2, "toggled", json!({})).expect_text(2, "You found the tool that comes and goes.");
    play.call(3, "toggle", json!({ "list": "tools" })).expect(changed).expect_text(3, "The tool `toggled` is gone.");
    assert_eq!(play.names("tools/list", "tools"), TOOLS);
    play.call(4, "toggled", json!({})).expect_error(4, -32602);
    play.call(5, "toggle", json!({ "list": "tables" })).expect_failure(5, "`list`");
}

#[test]
fn crash_is_the_end() {
    let mut play = Play::open();
    play.call(1, "slow", json!({})).call(2, "crash", json!({}));
    play.expect_effect(Effect::Stderr("demo: crashing, as asked".into())).expect_effect(Effect::Exit(3));
    assert_eq!(play.timeout(), None);
    play.send(request(3, "ping", json!({}))).send_raw(b"{").pass(Duration::from_secs(60)).expect_nothing();

    let mut play = Play::open();
    for code in [json!(-1), json!(256), json!("1"), json!(1.5)] {
        play.call(1, "crash", json!({ "code": code })).expect_failure(1, "`code`");
    }
    play.call(2, "crash", json!({ "message": 5 })).expect_failure(2, "`message`");
    play.call(3, "crash", json!({ "code": 0, "message": "bye" }));
    play.expect_effect(Effect::Stderr("bye".into())).expect_effect(Effect::Exit(0));
}

#[test]
fn arguments_that_are_not_known_do_no_harm() {
    let mut play = Play::open();
    let arguments: Value = json!({ "message": "x", "extra": [null] });
    play.call(1, "echo", arguments).expect_text(1, "x");
}
