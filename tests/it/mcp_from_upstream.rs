//! `mcp::from_upstream`: what a line of a child means.

use mcp_proxy::base::sequence::Number;
use mcp_proxy::codec::jsonrpc::envelope::Outcome;
use mcp_proxy::mcp::from_upstream::{FromUpstream, answered_ask, read};
use mcp_proxy::mcp::log_level::LogLevel;

/// What was read, as a short text: enums that borrow are hard to compare.
fn describe(line: &str) -> String {
    let at = |range: &std::ops::Range<usize>| line[range.clone()].to_owned();
    match read(line.as_bytes()) {
        Err(malformed) => format!("malformed {}", malformed.code),
        Ok(FromUpstream::Reply { call, id, is_error }) => {
            format!("reply {} at {} error={is_error}", call.number(), at(&id))
        }
        Ok(FromUpstream::OwnReply { id, outcome: Outcome::Result(text) }) => format!("own {id} result {text}"),
        Ok(FromUpstream::OwnReply { id, outcome: Outcome::Error(text) }) => format!("own {id} error {text}"),
        Ok(FromUpstream::Progress { call, token }) => format!("progress {} at {}", call.number(), at(&token)),
        Ok(FromUpstream::Log { level }) => format!("log {}", level.map_or("none", LogLevel::as_str)),
        Ok(FromUpstream::Acknowledged) => "acknowledged".to_owned(),
        Ok(FromUpstream::ListChanged { list }) => format!("list {list:?}"),
        Ok(FromUpstream::Updated { uri }) => format!("updated {uri}"),
        Ok(FromUpstream::Ask { kind, id, progress_token, params: _ }) => {
            format!("ask {kind:?} {id} token={progress_token:?}")
        }
        Ok(FromUpstream::TaskStatus { task }) => format!("{task:?}"),
        Ok(FromUpstream::ElicitationComplete { elicitation }) => format!("{elicitation:?}"),
        Ok(FromUpstream::AskCancelled { id }) => format!("cancelled {id}"),
        Ok(FromUpstream::Ping { id }) => format!("ping {id}"),
        Ok(FromUpstream::UnknownNotification { method }) => format!("notification {method}"),
        Ok(FromUpstream::Stray) => "stray".to_owned(),
        Ok(FromUpstream::Complaint) => "complaint".to_owned(),
    }
}

#[track_caller]
fn assert_all(cases: &[(&str, &str)]) {
    for (members, expected) in cases {
        assert_eq!(describe(&format!("{{\"jsonrpc\":\"2.0\",{members}}}")), *expected, "{members}");
    }
}

#[test]
fn replies_to_calls_carry_integers() {
    assert_all(&[
        (r#""id":7,"result":{}"#, "reply 7 at 7 error=false"),
        (r#""id":7,"error":{}"#, "reply 7 at 7 error=true"),
        (r#""result":{},"id":7"#, "reply 7 at 7 error=false"),
        (r#""error":{},"id":7"#, "reply 7 at 7 error=true"),
        (r#" "id" : 7 , "result" : ",\"error\":" "#, "reply 7 at 7 error=false"),
        (r#""i\u0064":7,"result":1"#, "reply 7 at 7 error=false"),
        (r#""id":7,"result":{"error":1}"#, "reply 7 at 7 error=false"),
        (r#""id":2147483647,"result":1"#, "reply 2147483647 at 2147483647 error=false"),
    ]);
    assert_eq!(describe(r#"{"result":{"error":1},"jsonrpc":"2.0","id":7}"#), "reply 7 at 7 error=false");
    assert_eq!(describe(r#"{"error":{"code":1},"jsonrpc":"2.0","id":7}"#), "reply 7 at 7 error=true");
    assert_eq!(describe(r#" {"id":7,"error":{},"jsonrpc":"2.0"} "#), "reply 7 at 7 error=true");
}

#[test]
fn replies_to_what_was_never_asked_are_stray() {
    assert_all(&[
        (r#""id":0,"result":1"#, "stray"),
        (r#""id":2147483648,"result":1"#, "stray"),
        (r#""id":18446744073709551616,"result":1"#, "stray"),
        (r#""id":-7,"result":1"#, "stray"),
        (r#""id":-0,"result":1"#, "stray"),
        (r#""id":null,"error":{}"#, "complaint"),
        (r#""error":{}"#, "complaint"),
    ]);
}

#[test]
fn replies_to_the_proxy_itself_carry_strings() {
    assert_all(&[
        (r#""id":"a","result":{"b":1.0}"#, "own \"a\" result {\"b\":1.0}"),
        (r#""id":"7","error":{}"#, "own \"7\" error {}"),
    ]);
}

#[test]
fn requests_are_asks_pings_or_unknown() {
    assert_all(&[
        (r#""id":"s1","method":"ping""#, "ping \"s1\""),
        (r#""id":-1,"method":"ping","params":{}"#, "ping -1"),
        (r#""id":1,"method":"roots/list""#, "ask Roots 1 token=None"),
        (
            r#""id":1,"method":"sampling/createMessage","params":{"_meta":{"progressToken":"p"}}"#,
            "ask Sampling 1 token=Some(\"\\\"p\\\"\")",
        ),
        (r#""id":1,"method":"elicitation/create","params":{"mode":"url"}"#, "ask ElicitationUrl 1 token=None"),
        (r#""id":1,"method":"elicitation/create","params":{}"#, "ask ElicitationForm 1 token=None"),
        (r#""id":1,"method":"tasks/get""#, "ask Tasks 1 token=None"),
        (r#""id":1,"method":"notifications/progress""#, "ask Unknown 1 token=None"),
    ]);
}

#[test]
fn notifications_are_sorted_by_what_they_concern() {
    assert_all(&[
        (r#""method":"notifications/progress","params":{"progress":1,"progressToken":7}"#, "progress 7 at 7"),
        (r#""method":"notifications/progress","params":{"progress\u0054oken" : 7 }"#, "progress 7 at 7"),
        (r#""method":"notifications/progress","params":{"progressToken":"7"}"#, "stray"),
        (r#""method":"notifications/progress","params":{"progressToken":7.0}"#, "stray"),
        (r#""method":"notifications/progress","params":{}"#, "stray"),
        (r#""method":"notifications/progress""#, "stray"),
        (r#""method":"notifications/message","params":{"level":"error","data":{"level":"debug"}}"#, "log error"),
        (r#""method":"notifications/message","params":{"level":"ERROR"}"#, "log none"),
        (r#""method":"notifications/message""#, "log none"),
        (r#""method":"notifications/tools/list_changed""#, "list Tools"),
        (r#""method":"notifications/prompts/list_changed""#, "list Prompts"),
        (r#""method":"notifications/resources/list_changed","params":{}"#, "list Resources"),
        (r#""method":"notifications/resources/updated","params":{"uri":"a:\/b"}"#, "updated a:/b"),
        (r#""method":"notifications/resources/updated","params":{}"#, "stray"),
        (r#""method":"notifications/cancelled","params":{"requestId":"s1"}"#, "cancelled \"s1\""),
        (r#""method":"notifications/cancelled","params":{"requestId":-7}"#, "cancelled -7"),
        (r#""method":"notifications/cancelled","params":{}"#, "stray"),
        (r#""method":"notifications/tasks/status""#, "stray"),
        (r#""method":"notifications/tasks/status","params":{"taskId":"t"}"#, "Task(\"t\")"),
        (r#""method":"notifications/elicitation/complete","params":{"elicitationId":"e"}"#, "Elicitation(\"e\")"),
        (r#""method":"roots/list""#, "notification roots/list"),
        (r#""method":"""#, "notification "),
    ]);
}

#[test]
fn lines_that_are_no_messages_are_malformed() {
    let cases = [
        ("", -32700),
        ("Server running on stdio", -32700),
        ("{", -32700),
        ("\u{feff}{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", -32700),
        ("[{\"jsonrpc\":\"2.0\",\"method\":\"m\"}]", -32600),
        ("{}", -32600),
        ("null", -32600),
        ("{\"level\":\"info\",\"msg\":\"a log line\"}", -32600),
    ];
    for (line, code) in cases {
        assert_eq!(describe(line), format!("malformed {code}"), "{line}");
    }
    assert!(read(b"\xff\xfe").is_err());
}

#[test]
fn answers_to_asks_carry_the_asks_number() {
    assert_eq!(answered_ask("7").map(Number::number), Some(7));
    for id in ["\"7\"", "-7", "7.0", "null", "2147483648", "99999999999999999999"] {
        assert_eq!(answered_ask(id), None, "{id}");
    }
}
