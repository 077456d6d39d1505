//! What upstreams say that nobody expects: it is understood as far as it can be, and does no harm beyond that.

use std::time::Duration;

use mcp_proxy::base::text::QUOTED_BYTES_MAX;
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::playbook::{INTRODUCTION, Playbook, assert_error};
use crate::support::requests::{initialize, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call"}"#;

/// Two calls in flight, `#1` on `a` and `#2` on `b`, and nothing logged so far.
fn two_calls() -> (Playbook, String) {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.post("b", &s, r#"{"id":2,"method":"tools/call","params":{"_meta":{"progressToken":"t"}}}"#);
    play.forget();
    play.logs.clear();
    (play, s)
}

/// The child writes these messages as an array; their numbers are symbols.
fn says_array(play: &mut Playbook, items: &[&str]) {
    let items: Vec<String> = items.iter().map(|item| rpc(item)).collect();
    play.says("demo", &format!("[{}]", items.join(" , ")));
}

// ---- Arrays ----

#[test]
fn an_array_is_split() {
    let (mut play, s) = two_calls();
    says_array(
        &mut play,
        &[
            r#"{"method":"notifications/progress","params":{"progressToken":#2,"progress":0.50}}"#,
            r#"{"id":#1,"result":{"n":1.0}}"#,
            r#"{"id":"u","method":"roots/list"}"#,
            r#"{"result":{"n":2.0},"id":#2}"#,
        ],
    );
    play.expect(&[
        r#"demo <- {"id":"u","error":{"code":-32603,"message":"the call that this belongs to has ended"}}"#,
        r#"a 200 json {"id":1,"result":{"n":1.0}}"#,
        "b 200 stream",
        r#"b event {"method":"notifications/progress","params":{"progressToken":"t","progress":0.50}}"#,
        r#"b event {"id":?1,"method":"roots/list"}"#,
        r#"b event {"method":"notifications/cancelled","params":{"requestId":?1}}"#,
        r#"b event {"result":{"n":2.0},"id":2}"#,
        "b end",
    ]);
    assert_eq!(play.logs, Vec::<String>::new());
    play.post("a", &s, r#"{"id":3,"method":"ping"}"#);
    play.expect(&[r#"demo <- {"id":#3,"method":"ping"}"#]);
}

#[test]
fn an_array_may_introduce_an_upstream() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.http("a", &initialize("2025-11-25", "{}"));
    play.forget();
    says_array(&mut play, &[&format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#)]);
    assert_eq!(play.answer("a").head.status, 200);
}

#[test]
fn what_is_no_message_in_an_array_does_no_harm() {
    let (mut play, _) = two_calls();
    let nested = r#"[{"jsonrpc":"2.0","id":#2,"result":{"nested":true}}]"#;
    says_array(&mut play, &["5", "null", r#""text""#, nested, "{}", r#"{"id":7}"#, r#"{"id":#1,"result":{}}"#]);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    assert!(play.logs.iter().all(|line| line.starts_with("warn demo: It said something")), "{:?}", play.logs);
    assert_eq!(play.logs.len(), 2, "one for each object that is no message");
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"b 200 json {"id":2,"result":{}}"#]);
}

#[test]
fn an_array_that_is_none() {
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}{}", "]".repeat(100_000));
    let one = r#"{"jsonrpc":"2.0","method":"notifications/n"}"#;
    let many = format!("[{}]", vec![one; mcp_proxy::limits::BATCH_MESSAGES_MAX + 1].join(","));
    for (line, warnings) in [("[", 1), ("[]", 1), ("[5", 1), ("[] []", 1), (&deep, 1), (&closed, 0), (&many, 1)] {
        let (mut play, _) = two_calls();
        play.writes("demo", format!("{line}\n").as_bytes());
        play.expect(&[]);
        assert_eq!(play.logs.len(), warnings, "{:?}", play.logs);
        assert!(line != many || play.logs[0].contains("more than 100 messages"), "{:?}", play.logs);
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    }
}

// ---- Introductions ----

#[test]
fn a_second_answer_to_initialize_means_nothing() {
    for answer in [
        r#"{"id":"mcp-proxy:initialize","error":{"code":-32603,"message":"API key missing"}}"#,
        r#"{"id":"mcp-proxy:initialize","result":{"protocolVersion":"1999-01-01","capabilities":{}}}"#,
        r#"{"id":"mcp-proxy:initialize","result":{"protocolVersion":"2024-11-05","capabilities":{}}}"#,
        r#"{"id":"mcp-proxy:initialize","result":7}"#,
    ] {
        let (mut play, _) = two_calls();
        play.says("demo", answer);
        play.advance(Duration::from_secs(5));
        play.expect(&[]);
        assert_eq!(play.logs, Vec::<String>::new());
        play.says("demo", r#"{"id":#1,"result":{}}"#);
        play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
        let again = play.request("a", &initialize("2025-11-25", "{}"));
        assert_eq!(again.json()["result"]["protocolVersion"], "2025-11-25", "{answer}");
    }
}

#[test]
fn an_initialize_whose_connection_broke_begins_no_session() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.http("a", &initialize("2025-11-25", "{}"));
    play.http("b", &initialize("2025-11-25", "{}"));
    play.hang_up("a");
    play.ready("demo");
    assert_eq!(play.answer("b").head.status, 200);
    let census = play.proxy.census();
    assert_eq!((census.sessions, census.calls, census.streams), (1, 0, 0));
}

// ---- Complaints, and quotes in the log ----

#[test]
fn an_error_without_an_id_is_a_warning() {
    for id in ["", r#""id":null,"#] {
        let (mut play, _) = two_calls();
        play.says("demo", &format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32700,"message":"Parse error"}}}}"#));
        play.expect(&[]);
        let [line] = play.logs.as_slice() else { panic!("{:?}", play.logs) };
        assert!(line.starts_with("warn demo: ") && line.contains("Parse error"), "{line}");
    }
}

#[test]
fn an_answer_to_a_request_that_nobody_sent_is_noted() {
    for outcome in [r#""result":{}"#, r#""error":{"code":1,"message":"no"}"#] {
        let (mut play, _) = two_calls();
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:tools/lost",{outcome}}}"#));
        play.expect(&[]);
        assert_eq!(play.logs, [r#"debug demo: It answered a request that nobody sent: "mcp-proxy:tools/lost""#]);
    }
}

/// Room for a sentence around two quotes: what is wrong may name a part of the line.
const LINE_BYTES_MAX: usize = 2 * QUOTED_BYTES_MAX + 200;

/// Something was logged, with a quote, and briefly.
#[track_caller]
fn assert_brief(logs: &[String]) {
    assert!(
        logs.iter().any(|line| line.contains("xxxx") && line.contains('…')),
        "nothing is cut: {} lines",
        logs.len()
    );
    for line in logs {
        assert!(line.len() <= LINE_BYTES_MAX, "{} bytes: {}", line.len(), line.chars().take(300).collect::<String>());
    }
}

#[test]
fn what_it_says_is_quoted_briefly() {
    let long = "x".repeat(10_000);
    for line in [
        long.clone(),
        format!("[{long}"),
        format!(r#"{{"jsonrpc":"2.0","{long}":1,"{long}":2}}"#),
        format!(r#"{{"jsonrpc":"2.0","method":"{long}"}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":0,"result":"{long}"}}"#),
        format!(r#"{{"jsonrpc":"2.0","error":{{"code":-32700,"message":"{long}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{long}"}}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":"mcp-proxy:logging/setLevel","error":{{"message":"{long}"}}}}"#),
    ] {
        let mut play = Playbook::new();
        play.ready("demo");
        play.logs.clear();
        play.writes("demo", format!("{line}\n").as_bytes());
        play.expect(&[]);
        assert_brief(&play.logs);
    }
}

#[test]
fn what_it_says_of_itself_is_quoted_briefly() {
    let long = "x".repeat(10_000);
    for said in [
        format!(r#""error":{{"code":-1,"message":"{long}"}}"#),
        format!(r#""result":{{"protocolVersion":"{long}","capabilities":{{}}}}"#),
        format!(r#""result":{{"protocolVersion":"2025-11-25","capabilities":"{long}"}}"#),
    ] {
        let mut play = Playbook::new();
        play.spawned("demo");
        play.http("a", &initialize("2025-11-25", "{}"));
        play.forget();
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize",{said}}}"#));
        play.advance(Duration::from_millis(60));
        let answer = play.answer("a");
        assert_error(&answer, 502, -32603, json!(0), &["xxxx"]);
        assert!(answer.body.len() <= LINE_BYTES_MAX, "{} bytes", answer.body.len());
        assert_brief(&play.logs);
        play.exits("demo", Exit::Signal(15));
        assert_brief(&play.logs);
    }
}

#[test]
fn what_it_says_of_its_tools_is_quoted_briefly() {
    let long = "x".repeat(10_000);
    for said in [
        format!(r#""error":{{"code":-1,"message":"{long}"}}"#),
        format!(r#""result":{{"tools":"{long}"}}"#),
        format!(r#""result":{{"tools":[{{"name":"{long}"}}]}}"#),
    ] {
        let mut play = Playbook::new();
        play.spawned("demo");
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:tools/list",{said}}}"#));
        assert_brief(&play.logs);
    }
}

#[test]
fn last_words_may_lack_a_line_end() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.complains("demo", "compiling\nfatal: no key");
    play.exits("demo", Exit::Code(1));
    assert!(play.logs.contains(&"info demo: fatal: no key".to_owned()), "{:?}", play.logs);
}

#[test]
fn a_message_without_an_end_is_logged_while_it_lasts() {
    let (mut play, _) = Playbook::ready_with_session();
    let part = vec![b'x'; 1 << 20];
    for _ in 0..=limits::LINE_BYTES_MAX >> 20 {
        play.writes("demo", &part);
    }
    let told = |play: &Playbook| play.logs.iter().filter(|line| line.contains("Dropped a message")).count();
    assert_eq!(told(&play), 1, "{:?}", play.logs);
    play.writes("demo", &part);
    play.writes("demo", b"\n");
    assert_eq!(told(&play), 1);
}
