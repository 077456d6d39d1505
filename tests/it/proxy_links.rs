//! How upstreams start, fail, back off and come back, and what their callers see of it.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::playbook::{HELLO, INTRODUCTION, Playbook, assert_error};
use crate::support::requests::{Http, config, initialize, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call"}"#;
const INITIALIZED: &str = r#"demo <- {"method":"notifications/initialized"}"#;
const LIST_TOOLS: &str = r#"demo <- {"id":"mcp-proxy:tools/list","method":"tools/list","params":{}}"#;

fn introduces_itself(play: &mut Playbook) {
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn the_log_of_a_good_start() {
    let mut play = Playbook::new();
    play.spawned("demo");
    introduces_itself(&mut play);
    play.expect(&["demo spawn", HELLO, INITIALIZED, LIST_TOOLS]);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"one"}],"nextCursor":""}}"#);
    play.expect(&[r#"demo <- {"id":"mcp-proxy:tools/list:1","method":"tools/list","params":{"cursor":""}}"#]);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list:1","result":{"tools":[{"name":"two","x":1}]}}"#);
    play.expect(&[]);
    let expected = [
        "info demo: Starting: run-demo (pid 4711)",
        "info demo: <demo> Adding tool one",
        "info demo: <demo> Adding tool two",
        "info demo: Ready with 2 tools",
    ];
    assert_eq!(play.logs, expected);
    play.logs.clear();
    play.says("demo", r#"{"method":"notifications/tools/list_changed"}"#);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list:2","result":{"tools":[{"name":"three"},{"name":"two"}]}}"#);
    assert_eq!(play.logs, ["info demo: <demo> Adding tool three", "info demo: Now with 2 tools"]);
}

#[test]
fn a_crash_answers_every_call_with_how_it_ended() {
    let (mut play, s) = Playbook::ready_with_session();
    let other = play.session("b");
    play.post("a", &s, CALL);
    play.post("b", &other, r#"{"id":"x","method":"tools/list"}"#);
    play.complains("demo", "boot\nfatal: ");
    play.complains("demo", "no such \"thing\"\n\n  \n");
    play.forget();
    play.exits("demo", Exit::Code(3));
    for (name, id) in [("a", json!(1)), ("b", json!("x"))] {
        let words = ["\"demo\"", "exit status 3", r#""fatal: no such \"thing\"""#, "restarted"];
        assert_error(&play.answer(name), 502, -32603, id, &words);
    }
    play.expect(&[]);
    play.advance(Duration::from_secs(1));
    play.expect(&["demo spawn"]);
    assert!(play.logs.iter().any(|line| line.starts_with("error demo: Crashed: exit status 3")), "{:?}", play.logs);
}

#[test]
fn a_crash_in_an_open_stream_is_an_event() {
    let (mut play, s) = Playbook::ready_with_session();
    play.http(
        "a",
        &Http::post("/demo/mcp", &crate::support::requests::rpc(CALL)).session(&s).with("Accept", "text/event-stream"),
    );
    play.forget();
    play.exits("demo", Exit::Signal(9));
    play.expect(&[r#"a event {"id":1,"error":{"code":-32603,"message":"…killed by signal 9…"}}"#, "a end"]);
}

#[test]
fn the_next_call_after_a_crash_starts_it_at_once() {
    let (mut play, s) = Playbook::ready_with_session();
    play.exits("demo", Exit::Code(0));
    play.forget();
    play.post("a", &s, CALL);
    play.expect(&["demo spawn"]);
    play.spawned("demo");
    introduces_itself(&mut play);
    play.expect(&[HELLO, INITIALIZED, LIST_TOOLS, r#"demo <- {"id":#1,"method":"tools/call"}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn an_answer_that_came_before_the_end_counts() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.forget();
    play.writes("demo", b"garbage\n{\"jsonrpc\":\"2.0\",\"id\":");
    let id = play.call_number(1);
    play.writes("demo", format!("{id},\"result\":{{}}}}").as_bytes());
    play.exits("demo", Exit::Code(1));
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn nothing_is_asked_of_a_process_that_has_ended() {
    let odd = r#"{"id":"mcp-proxy:initialize","result":{"protocolVersion":"1999-01-01","capabilities":{}}}"#;
    for last_line in [r#"{"id":"p","method":"ping"}"#, r#"{"id":"a","method":"roots/list"}"#, odd] {
        let mut play = Playbook::new();
        play.spawned("demo");
        if last_line != odd {
            introduces_itself(&mut play);
        }
        play.forget();
        play.writes("demo", rpc(last_line).as_bytes()); // it ends within the line
        play.exits("demo", Exit::Code(0));
        play.expect(&[]);
    }
}

#[test]
fn stdout_ends_before_the_process_does() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.closes_stdout("demo");
    play.forget();
    play.advance(millis(59));
    play.expect(&[]);
    play.exits("demo", Exit::Code(7));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["exit status 7"]);
}

#[test]
fn stdout_ends_and_the_process_stays() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.forget();
    play.closes_stdout("demo");
    play.advance(millis(60));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["closed its stdout"]);
    play.expect(&["demo terminate"]);
    play.advance(millis(1_999));
    play.expect(&[]);
    play.advance(millis(1));
    play.expect(&["demo kill"]);
    play.exits("demo", Exit::Signal(9));
    play.advance(Duration::from_secs(1));
    play.expect(&["demo spawn"]);
}

#[test]
fn a_call_while_the_old_process_ends_gets_the_new_one() {
    for is_slow_to_end in [false, true] {
        let (mut play, s) = Playbook::ready_with_session();
        play.closes_stdout("demo");
        play.forget();
        play.post("a", &s, CALL);
        if is_slow_to_end {
            play.advance(millis(60));
            play.expect(&["demo terminate"]);
        }
        play.exits("demo", Exit::Signal(9));
        play.expect(&["demo spawn"]);
        play.spawned("demo");
        introduces_itself(&mut play);
        play.forget();
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    }
}

/// The pauses between attempts that fail at once, in milliseconds.
fn pauses(jitter: u8, count: usize) -> Vec<u64> {
    let mut play = Playbook::new();
    play.jitter.set(jitter);
    let mut pauses = Vec::new();
    for _ in 0..count {
        play.spawn_fails("demo", "no such file");
        play.forget();
        let begun = play.passed();
        while play.take().is_empty() {
            play.advance(millis(1));
        }
        pauses.push((play.passed() - begun).as_millis() as u64);
    }
    pauses
}

#[test]
fn pauses_double_up_to_half_a_minute() {
    assert_eq!(pauses(128, 9), [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    for (pause, (least, most)) in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000]
        .into_iter()
        .zip(pauses(0, 8).into_iter().zip(pauses(255, 8)))
    {
        assert_eq!(least, (pause * 3u64).div_ceil(4), "a quarter less");
        assert!(
            (pause * 5 / 4 - pause / 100..=pause * 5 / 4 + 1).contains(&most),
            "up to a quarter more: {pause} {most}"
        );
    }
}

#[test]
fn a_link_that_lived_for_a_while_starts_with_the_shortest_pause() {
    for (lived, pause) in [(29, 2_000), (30, 250)] {
        let mut play = Playbook::new();
        for _ in 0..3 {
            play.spawn_fails("demo", "busy");
            play.advance(Duration::from_secs(2));
        }
        play.ready("demo");
        play.advance(Duration::from_secs(lived));
        play.forget();
        play.exits("demo", Exit::Code(1));
        play.advance(millis(pause - 1));
        play.expect(&[]);
        play.advance(millis(1));
        play.expect(&["demo spawn"]);
    }
}

#[test]
fn an_attempt_that_fails_answers_with_the_reason() {
    let (mut play, s) = Playbook::ready_with_session();
    play.exits("demo", Exit::Code(1));
    play.forget();
    play.post("a", &s, CALL);
    play.http("b", &initialize("2025-11-25", "{}"));
    play.expect(&["demo spawn"]);
    play.spawn_fails("demo", "No such file or directory");
    let words = ["\"demo\"", "could not be started", "No such file or directory", "command"];
    assert_error(&play.answer("a"), 502, -32603, json!(1), &words);
    assert_error(&play.answer("b"), 502, -32603, json!(0), &words);
    play.expect(&[]);
    assert_eq!(play.passed(), Duration::ZERO, "at once");
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn an_attempt_that_ends_before_it_is_ready_answers_with_the_reason() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.http("a", &initialize("2025-11-25", "{}"));
    play.complains("demo", "npm ERR! 404");
    play.complains("demo", " Not Found\n");
    play.forget();
    play.exits("demo", Exit::Code(127));
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["exit status 127", "npm ERR! 404 Not Found"]);
}

#[test]
fn calls_wait_for_the_start_in_order() {
    let (mut play, s) = Playbook::ready_with_session();
    play.exits("demo", Exit::Code(1));
    play.forget();
    for (name, id) in [("a", 1), ("b", 2), ("c", 3)] {
        play.post(name, &s, &format!(r#"{{"id":{id},"method":"tools/call"}}"#));
    }
    play.http("d", &initialize("2025-11-25", "{}"));
    play.expect(&["demo spawn"]);
    play.advance(Duration::from_secs(5));
    play.spawned("demo");
    introduces_itself(&mut play);
    assert_eq!(play.answer("d").head.status, 200);
    play.expect(&[
        HELLO,
        INITIALIZED,
        LIST_TOOLS,
        r#"demo <- {"id":#1,"method":"tools/call"}"#,
        r#"demo <- {"id":#2,"method":"tools/call"}"#,
        r#"demo <- {"id":#3,"method":"tools/call"}"#,
    ]);
}

#[test]
fn a_call_that_waits_too_long() {
    let (mut play, s) = Playbook::ready_with_session();
    play.exits("demo", Exit::Code(1));
    play.advance(millis(100));
    play.forget();
    play.post("a", &s, CALL);
    play.spawned("demo");
    play.complains("demo", "compiling\n");
    play.forget();
    play.advance(Duration::from_secs(10));
    play.expect(&["a 200 stream"]);
    play.advance(Duration::from_secs(50));
    let seen = play.take();
    assert!(seen.contains(&"a end".to_owned()) && seen.iter().any(|line| line.contains("was not ready within 60 s")));
    introduces_itself(&mut play);
    play.expect(&[INITIALIZED, LIST_TOOLS]);
}

#[test]
fn a_process_that_never_introduces_itself_is_replaced() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.forget();
    play.advance(Duration::from_secs(299));
    play.expect(&[]);
    play.advance(Duration::from_secs(4));
    play.expect(&["demo terminate", "demo kill"]);
    play.exits("demo", Exit::Signal(9));
    play.advance(Duration::from_secs(1));
    play.expect(&["demo spawn"]);
}

#[test]
fn a_long_startup_timeout_keeps_the_process() {
    let mut patient = config(&["demo"]);
    patient.servers[0].startup_time = limits::HANDSHAKE_TIME_MAX * 2;
    for is_late in [false, true] {
        let mut play = Playbook::with(patient.clone());
        play.spawned("demo");
        play.http("a", &initialize("2025-11-25", "{}").with("Accept", "application/json"));
        play.forget();
        play.advance(limits::HANDSHAKE_TIME_MAX * 2 - millis(1));
        play.expect(&[]);
        if is_late {
            play.advance(millis(1));
            assert_error(&play.answer("a"), 503, -32603, json!(0), &["600 s"]);
            play.advance(millis(60));
            play.expect(&["demo terminate"]);
        } else {
            play.ready("demo");
            assert_eq!(play.answer("a").head.status, 200);
            play.hang_up("a");
            play.advance(limits::HANDSHAKE_TIME_MAX * 2);
            play.expect(&[]);
        }
    }
}

#[test]
fn an_upstream_that_refuses_to_introduce_itself() {
    for answer in [
        r#"{"id":"mcp-proxy:initialize","error":{"code":-32603,"message":"API key missing"}}"#,
        r#"{"id":"mcp-proxy:initialize","result":{"protocolVersion":"1999-01-01","capabilities":{}}}"#,
        r#"{"id":"mcp-proxy:initialize","result":{}}"#,
    ] {
        let mut play = Playbook::new();
        play.spawned("demo");
        play.http("a", &initialize("2025-11-25", "{}"));
        play.forget();
        play.says("demo", answer);
        play.advance(millis(60));
        assert_error(&play.answer("a"), 502, -32603, json!(0), &["\"demo\"", "its answer to initialize"]);
        play.expect(&["demo terminate"]);
    }
}

#[test]
fn a_restart_restores_what_sessions_asked_for() {
    let (mut play, s) = Playbook::ready_with_session();
    let other = play.session("b");
    let gone = play.session("c");
    for (name, session, message) in [
        ("a", &s, r#"{"id":1,"method":"logging/setLevel","params":{"level":"warning"}}"#),
        ("b", &other, r#"{"id":1,"method":"logging/setLevel","params":{"level":"notice"}}"#),
        ("a", &s, r#"{"id":2,"method":"resources/subscribe","params":{"uri":"x://2"}}"#),
        ("a", &s, r#"{"id":3,"method":"resources/subscribe","params":{"uri":"x://1"}}"#),
        ("b", &other, r#"{"id":4,"method":"resources/subscribe","params":{"uri":"x://1"}}"#),
        ("c", &gone, r#"{"id":5,"method":"resources/subscribe","params":{"uri":"x://gone"}}"#),
    ] {
        play.post(name, session, message);
        play.answers_last("demo", "{}");
    }
    play.http("c", &Http::new("DELETE", "/demo/mcp").session(&gone));
    play.exits("demo", Exit::Code(1));
    play.advance(millis(250));
    play.spawned("demo");
    play.forget();
    introduces_itself(&mut play);
    play.expect(&[
        INITIALIZED,
        r#"demo <- {"id":"mcp-proxy:logging/setLevel","method":"logging/setLevel","params":{"level":"notice"}}"#,
        r#"demo <- {"id":"mcp-proxy:resources/subscribe","method":"resources/subscribe","params":{"uri":"x://1"}}"#,
        r#"demo <- {"id":"mcp-proxy:resources/subscribe:1","method":"resources/subscribe","params":{"uri":"x://2"}}"#,
        LIST_TOOLS,
    ]);
    play.post("a", &s, CALL);
    assert_eq!(play.take().len(), 1, "the session lives on");
    assert!(play.logs.iter().any(|line| line == "info demo: Restarting: run-demo (pid 4711)"));
}

#[test]
fn a_crash_while_the_tools_are_listed() {
    let mut play = Playbook::new();
    play.spawned("demo");
    introduces_itself(&mut play);
    play.exits("demo", Exit::Code(1));
    play.advance(millis(250));
    play.spawned("demo");
    play.forget();
    introduces_itself(&mut play);
    play.expect(&[INITIALIZED, LIST_TOOLS]);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    assert_eq!(play.logs.last().unwrap(), "info demo: Ready with 0 tools");
}

#[test]
fn a_server_that_must_be_there() {
    let mut strict = config(&["demo", "other"]);
    strict.servers[0].panic_if_invalid = true;
    let mut play = Playbook::with(strict.clone());
    play.ready("other");
    play.spawn_fails("demo", "No such file");
    play.expect(&["other close-stdin"]);
    play.exits("other", Exit::Code(0));
    play.expect(&["stopped: demo"]);

    let mut play = Playbook::with(strict);
    play.ready("demo");
    play.exits("demo", Exit::Code(1));
    play.spawned("other");
    play.advance(Duration::from_secs(1));
    assert!(!play.is_stopped, "it was initialised once: a later crash is no reason to end");
}

#[test]
fn one_upstream_in_trouble_is_nobody_elses() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let s = play.session("a");
    play.post("a", &s, CALL);
    play.forget();
    play.exits("other", Exit::Signal(11));
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn an_answer_from_another_upstream_is_none() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let s = play.session("a");
    play.post("a", &s, r#"{"id":1,"method":"x","params":{"_meta":{"progressToken":1}}}"#);
    play.forget();
    play.says("other", r#"{"id":#1,"result":{"forged":true}}"#);
    play.says("other", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#);
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn rubbish_on_stdout_is_logged_and_skipped() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.forget();
    play.logs.clear();
    for line in ["Server listening", "{\"jsonrpc\":\"2.0\"", "", "   ", "[]", "{\"id\":1}", "\u{feff}x"] {
        play.writes("demo", format!("{line}\n").as_bytes());
    }
    play.writes("demo", b"\xff\xfe\n\0\n");
    assert_eq!(play.logs.len(), 7, "{:?}", play.logs);
    assert!(play.logs[0].starts_with("warn demo: ") && play.logs[0].ends_with("Server listening"));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
}

#[test]
fn a_ping_of_the_upstream_is_answered_here() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.says("demo", r#"{"id":"p","method":"ping"}"#);
    play.expect(&[r#"demo <- {"id":"p","result":{}}"#]);
    play.says("demo", r#"{"id":3,"method":"what/ever"}"#);
    play.expect(&[
        r#"demo <- {"id":3,"error":{"code":-32601,"message":"no connected client can answer this request"}}"#,
    ]);
}
