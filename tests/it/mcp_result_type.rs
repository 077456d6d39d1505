//! `mcp::result_type`: complete or not, and what is asked.

use mcp_proxy::limits::INPUT_REQUESTS_MAX;
use mcp_proxy::mcp::result_type::{InputRequest, InputRequired, InvalidResult, ResultType, read};
use serde_json::Value;

use crate::support::jsonrpc;
use crate::support::results::replies;
use crate::support::wire::Cuts;

fn check(result: &str, expected: &Result<ResultType<'_>, InvalidResult>) {
    for line in replies(&format!("\"result\":{result}")) {
        assert_eq!(read(line.as_bytes()), *expected, "{line}");
    }
}

#[test]
fn most_results_are_complete() {
    for result in [
        "{}",
        r#"{"resultType":"complete"}"#,
        r#"{ "a":1, "resultType" : "complete" }"#,
        r#"{"result\u0054ype":"\u0063omplete"}"#,
        r#"{"structuredContent":{"resultType":"input_required"}}"#,
        r#"{"structuredContent":{"resultType":"task"},"resultType":"complete"}"#,
        r#"{"content":[{"type":"text","text":"{\"resultType\":\"input_required\"}"}]}"#,
        r#"{"content":[{"type":"text","text":"\"resultType"}]}"#,
        r#"{"content":["resultType","input_required"]}"#,
        r#"{"a":"resultType","b":{"resultType":7}}"#,
        r#"{"resulttype":"input_required"}"#,
    ] {
        check(result, &Ok(ResultType::Complete));
    }
    for line in replies(r#""error":{"code":-1,"message":"m","data":{"resultType":"task"}}"#) {
        assert_eq!(read(line.as_bytes()), Ok(ResultType::Complete), "an error is no result that goes on: {line}");
    }
}

#[test]
fn other_types_are_recognised_in_any_spelling() {
    let other = |text: &str| Ok(ResultType::Other(text.to_owned()));
    for (value, expected) in [
        (r#""task""#, Ok(ResultType::Task)),
        (r#""t\u0061sk""#, Ok(ResultType::Task)),
        (r#""Complete""#, other("Complete")),
        (r#""completed""#, other("completed")),
        (r#""""#, other("")),
        (r#""com.example/stream""#, other("com.example/stream")),
        ("null", other("null")),
        ("7", other("7")),
        (r#"["complete"]"#, other(r#"["complete"]"#)),
        (r#""\ud800""#, other(r#""\ud800""#)),
    ] {
        check(&format!(r#"{{"a":{{"resultType":"complete"}},"resultType" : {value} }}"#), &expected);
        check(&format!(r#"{{"\u0072esultType":{value}}}"#), &expected);
    }
}

#[test]
fn what_is_asked_is_read() {
    let request = |key: &'static str, method: &'static str, params| InputRequest {
        key: key.into(),
        method: method.into(),
        params,
    };
    for (members, requests, request_state) in [
        (r#""requestState":"X""#, vec![], Some("\"X\"")),
        (r#""requestState":"\u0058\/""#, vec![], Some(r#""\u0058\/""#)),
        (r#""requestState":"","inputRequests":{}"#, vec![], Some("\"\"")),
        (r#""inputRequests":{}"#, vec![], None),
        (r#""inputRequests":{"g":{"method":"roots/list"}}"#, vec![request("g", "roots/list", None)], None),
        (
            concat!(
                r#""inputRequests":{"b":{"params":{"message": "m"},"method":"elicitation/create","x":1},"#,
                r#""\u0061":{"method":"sampling\/createMessage","params":null}},"requestState":null"#
            ),
            vec![
                request("b", "elicitation/create", Some(r#"{"message": "m"}"#)),
                request("a", "sampling/createMessage", None),
            ],
            None,
        ),
        (r#""inputRequests":null,"requestState":"s""#, vec![], Some("\"s\"")),
        (r#""inputRequests":{"":{"method":"","params":{}}}"#, vec![request("", "", Some("{}"))], None),
    ] {
        let expected = Ok(ResultType::InputRequired(InputRequired { requests, request_state }));
        check(&format!(r#"{{"resultType":"input_required",{members}}}"#), &expected);
        check(&format!(r#"{{{members} , "resultType":"input\u005frequired"}}"#), &expected);
    }
}

#[test]
fn what_asks_for_nothing_that_can_be_understood_is_invalid() {
    for (members, expected) in [
        (r#""x":1"#, InvalidResult::Nothing),
        (r#""inputRequests":null,"requestState":null"#, InvalidResult::Nothing),
        (r#""requestState":7"#, InvalidResult::State),
        (r#""requestState":{"a":1},"inputRequests":{}"#, InvalidResult::State),
        (r#""inputRequests":[]"#, InvalidResult::Requests),
        (r#""inputRequests":7"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":7}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":null}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":7}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":"m","params":[]}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":"m","params":"x"}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":"m","method":"n"}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":"\ud800"}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"\ud800":{"method":"m"}}"#, InvalidResult::Requests),
        (r#""inputRequests":{"a":{"method":"m"},"\u0061":{"method":"n"}}"#, InvalidResult::Doubled),
        (r#""inputRequests":{},"inputRequests":{}"#, InvalidResult::Doubled),
        (r#""requestState":"a","requestState":"b""#, InvalidResult::Doubled),
        (r#""requestState":"a","resultType":"complete""#, InvalidResult::Doubled),
        (r#""\ud800":1"#, InvalidResult::Unreadable),
    ] {
        check(&format!(r#"{{"resultType":"input_required",{members}}}"#), &Err(expected));
        assert!(!expected.to_string().is_empty());
    }
}

#[test]
fn the_number_of_requests_is_bounded() {
    let requests = |count: usize| {
        let all: Vec<String> = (0..count).map(|index| format!(r#""k{index}":{{"method":"m"}}"#)).collect();
        format!(r#"{{"resultType":"input_required","inputRequests":{{{}}}}}"#, all.join(","))
    };
    let line = &replies(&format!("\"result\":{}", requests(INPUT_REQUESTS_MAX)))[0];
    let Ok(ResultType::InputRequired(required)) = read(line.as_bytes()) else { panic!("refused") };
    assert_eq!(required.requests.len(), INPUT_REQUESTS_MAX);
    check(&requests(INPUT_REQUESTS_MAX + 1), &Err(InvalidResult::TooMany));
    assert!(InvalidResult::TooMany.to_string().contains("64"));
}

#[test]
fn what_is_no_reply_is_unreadable_where_it_matters() {
    for line in [
        r#"{"resultType":"task"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"resultType":"task"}}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"task"}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":["resultType"]}"#,
    ] {
        assert_eq!(read(line.as_bytes()), Err(InvalidResult::Unreadable), "{line}");
    }
    assert_eq!(
        read(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"\xff\"}}"),
        Err(InvalidResult::Unreadable)
    );
}

#[test]
fn random_results_are_taken_for_what_they_are() {
    let mut rng = Cuts::new(19);
    let mut complete = 0;
    for _ in 0..30_000 {
        let key = |rng: &mut Cuts| ["resultType", "a", "result\\u0054ype", "\\\"resultType"][rng.below(4)];
        let value = |rng: &mut Cuts| match rng.below(5) {
            0 | 1 => "\"complete\"".to_owned(),
            2 => "\"task\"".to_owned(),
            3 => r#"{"resultType":"task","b":["resultType"]}"#.to_owned(),
            _ => jsonrpc::value(rng, 2),
        };
        let members = [(key(&mut rng), value(&mut rng)), (key(&mut rng), value(&mut rng))];
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
        let line = replies(&format!("\"result\":{{{}}}", members.join(",")))[rng.below(5)].clone();
        let Ok(tree) = serde_json::from_str::<Value>(&line) else { continue };
        match (read(line.as_bytes()), &tree["result"]["resultType"]) {
            (Ok(ResultType::Complete), Value::String(kind)) => assert_eq!(kind, "complete", "{line}"),
            (Ok(ResultType::Complete), kind) => assert!(kind.is_null(), "{line}"),
            (Ok(ResultType::Task), kind) => assert_eq!(kind, "task", "{line}"),
            (Ok(ResultType::Other(text)), kind) => {
                let is_same = kind.as_str().is_some_and(|kind| kind == text);
                assert!(is_same || serde_json::from_str::<Value>(&text).unwrap() == *kind, "{line}");
            }
            (Err(reason), _) => assert_eq!(reason, InvalidResult::Doubled, "{line}"),
            (Ok(ResultType::InputRequired(_)), _) => panic!("{line}"),
        }
        complete += usize::from(read(line.as_bytes()) == Ok(ResultType::Complete));
    }
    assert!(complete > 10_000, "only {complete}");
}
