//! `codec::jsonrpc::envelope`: what is a message, what is not, and what is said about it.

use mcp_proxy::codec::jsonrpc::envelope::{Body, Message, Outcome, Params, json_string, read_body, read_message};
use mcp_proxy::codec::jsonrpc::members::member;
use mcp_proxy::codec::jsonrpc::{INVALID_REQUEST, PARSE_ERROR};
use mcp_proxy::limits::{BATCH_MESSAGES_MAX, ID_BYTES_MAX};

use crate::support::wire::Cuts;
use crate::support::{fuzzed, jsonrpc};

fn request<'a>(id: &'a str, method: &'a str, text: Option<&'a str>, progress_token: Option<&'a str>) -> Message<'a> {
    let meta = member(text, "_meta").filter(|meta| meta.starts_with('{'));
    Message::Request { id, method: method.into(), params: Params { text, meta, progress_token } }
}

#[track_caller]
fn assert_refused(text: &[u8], code: i32, words: &str) {
    let malformed = read_message(text).expect_err("it is no message");
    assert_eq!(malformed.code, code, "{}", malformed.reason);
    assert!(malformed.reason.contains(words), "{words:?} is missing in: {}", malformed.reason);
    assert!(read_body(text).is_err());
}

#[test]
fn the_three_kinds_are_told_apart_in_any_order_and_spacing() {
    let cases = [
        (r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#, request("1", "m", None, None)),
        (r#"{"method":"m","id":"a","jsonrpc":"2.0"}"#, request("\"a\"", "m", None, None)),
        (" \t\r\n{ \"jsonrpc\" : \"2.0\" ,\n\"id\" : 1 , \"method\" : \"m\" } \n", request("1", "m", None, None)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a\u002fb"}"#, request("1", "a/b", None, None)),
        (r#"{"jsonrpc":"2.0","\u0069d":1,"meth\u006fd":"m"}"#, request("1", "m", None, None)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","x":1,"y":[null]}"#, request("1", "m", None, None)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"a": 1.0}}"#, request("1", "m", Some("{\"a\": 1.0}"), None)),
        (r#"{"jsonrpc":"2.0","method":"m"}"#, Message::Notification { method: "m".into(), params: Params::default() }),
        (r#"{"jsonrpc":"2.0","id":1,"result":null}"#, Message::Response { id: "1", outcome: Outcome::Result("null") }),
        (
            r#"{"result": [1.0] ,"id":-1,"jsonrpc":"2.0"}"#,
            Message::Response { id: "-1", outcome: Outcome::Result("[1.0]") },
        ),
        (r#"{"jsonrpc":"2.0","id":"","error":{}}"#, Message::Response { id: "\"\"", outcome: Outcome::Error("{}") }),
        (r#"{"jsonrpc":"2.0","id":null,"error":{}}"#, Message::Response { id: "null", outcome: Outcome::Error("{}") }),
        (r#"{"jsonrpc":"2.0","error":{}}"#, Message::Response { id: "null", outcome: Outcome::Error("{}") }),
    ];
    for (text, expected) in cases {
        assert_eq!(read_message(text.as_bytes()), Ok(expected), "{text}");
        fuzzed::jsonrpc(text.as_bytes());
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    let cases: [&[u8]; 19] = [
        b"",
        b" ",
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"method\":\"m\"}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\xff\"}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\xed\xa0\x80\"}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\xc0\xaf\"}",
        b"{",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\"",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\",}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\"} x",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\"}{}",
        b"{jsonrpc:\"2.0\"}",
        b"{'jsonrpc':'2.0'}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":01}}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":NaN}}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":\"\n\"}}",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"\\x\"}",
        b"nul",
        b"\xc2\xa0{}",
    ];
    for text in cases {
        assert_refused(text, PARSE_ERROR, "");
        fuzzed::jsonrpc(text);
    }
    assert_refused(b"\xff", PARSE_ERROR, "UTF-8");
}

#[test]
fn json_that_is_no_message_is_an_invalid_request() {
    let cases = [
        ("null", "object"),
        ("7", "object"),
        ("\"{}\"", "object"),
        ("true", "object"),
        ("{}", "jsonrpc"),
        (r#"{"id":1,"method":"m"}"#, "jsonrpc"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, "jsonrpc"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"m"}"#, "jsonrpc"),
        (r#"{"jsonrpc":null,"id":1,"method":"m"}"#, "jsonrpc"),
        (r#"{"jsonrpc":"2.0"}"#, "neither"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "neither"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","result":1}"#, "exclude"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","error":{}}"#, "exclude"),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#, "exclude"),
        (r#"{"jsonrpc":"2.0","id":1,"result":1,"error":null}"#, "exclude"),
        (r#"{"jsonrpc":"2.0","result":1}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":null,"result":1}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1.0,"error":{}}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":null}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":"{}"}"#, "params"),
        (r#"{"jsonrpc":"2.0","method":"m","params":7}"#, "params"),
    ];
    for (text, words) in cases {
        assert_refused(text.as_bytes(), INVALID_REQUEST, words);
    }
}

#[test]
fn ids_are_strings_or_integers_of_any_size_up_to_the_bound() {
    let bound = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 2));
    let digits = "9".repeat(ID_BYTES_MAX);
    for id in ["0", "-0", "-7", "18446744073709551616", "\"\"", "\"\\u0000\"", "\"null\"", &bound, &digits] {
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"m\"}}");
        assert_eq!(read_message(text.as_bytes()), Ok(request(id, "m", None, None)));
    }
    let above = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 1));
    let more_digits = "9".repeat(ID_BYTES_MAX + 1);
    for id in ["null", "1.0", "1e3", "-1.5", "true", "false", "{}", "[]", "[1]", &above, &more_digits] {
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"m\"}}");
        assert_refused(text.as_bytes(), INVALID_REQUEST, "id");
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":1}}");
        assert_refused(text.as_bytes(), INVALID_REQUEST, "id");
    }
}

#[test]
fn a_member_that_stands_there_twice_is_refused_however_it_is_spelt() {
    let twice = [
        r#""jsonrpc":"2.0""#,
        r#""id":2"#,
        r#""i\u0064":1"#,
        r#""\u0069\u0064":1"#,
        r#""method":"m""#,
        r#""m\u0065thod":"other""#,
        r#""params":{}"#,
        r#""x":1"#,
        r#""\u0078":1"#,
        r#""a\"b":1"#,
    ];
    for member in twice {
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{{}},\"x\":2,\"a\\u0022b\":3,{member}}}"
        );
        assert_refused(text.as_bytes(), INVALID_REQUEST, "duplicate");
    }
    assert_refused(br#"{"jsonrpc":"2.0","id":1,"result":1,"r\u0065sult":2}"#, INVALID_REQUEST, "duplicate");
    assert_refused(br#"{"jsonrpc":"2.0","id":null,"error":{},"id":null}"#, INVALID_REQUEST, "duplicate");
    let elsewhere = r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"id":1,"a":{"id":2},"method":"n"}}"#;
    assert!(read_message(elsewhere.as_bytes()).is_ok());
}

#[test]
fn the_progress_token_is_found_wherever_it_hides() {
    let cases = [
        (r#"{"_meta":{"progressToken":7}}"#, Some("7")),
        (r#"{"_meta":{"progressToken":"t"}}"#, Some("\"t\"")),
        (r#"{ "a" : 1, "_meta" : { "b" : {} , "progressToken" : -7 } }"#, Some("-7")),
        (r#"{"\u005fmeta":{"progressToken":7}}"#, Some("7")),
        (r#"{"_m\u0065ta":{"progress\u0054oken":"\u0074"}}"#, Some("\"\\u0074\"")),
        (r#"{"_meta":{"progress\u0054oken":7}}"#, Some("7")),
        (r#"{"_meta":{}}"#, None),
        (r#"{"_meta":null}"#, None),
        (r#"{"_meta":7}"#, None),
        (r#"{"_meta":["progressToken"]}"#, None),
        (r#"{"_meta":{"progressToken":null}}"#, None),
        (r#"{"_meta":{"a":{"progressToken":7}}}"#, None),
        (r#"{"arguments":{"_meta":{"progressToken":7}}}"#, None),
        (r#"{"progressToken":7}"#, None),
        (r#"{"a":"\"_meta\":{\"progressToken\":7}"}"#, None),
        (r#"{}"#, None),
    ];
    for (params, token) in cases {
        for head in [r#""id":1,"method":"m""#, r#""method":"m""#] {
            let text = format!("{{\"jsonrpc\":\"2.0\",{head},\"params\":{params}}}");
            let message = read_message(text.as_bytes());
            let (Ok(Message::Request { params, .. }) | Ok(Message::Notification { params, .. })) = message else {
                panic!("{text}: {message:?}");
            };
            assert_eq!(params.progress_token, token, "{text}");
            fuzzed::jsonrpc(text.as_bytes());
        }
    }
}

#[test]
fn a_progress_token_that_can_be_read_in_two_ways_is_refused() {
    let cases = [
        r#"{"_meta":{"progressToken":1.5}}"#,
        r#"{"_meta":{"progressToken":true}}"#,
        r#"{"_meta":{"progressToken":{}}}"#,
        r#"{"_meta":{"progressToken":1,"progressToken":2}}"#,
        r#"{"_meta":{"progressToken":1,"progress\u0054oken":2}}"#,
        r#"{"_meta":{"progressToken":1},"_meta":{}}"#,
        r#"{"_meta":{"progressToken":1},"\u005fmeta":{"progressToken":2}}"#,
    ];
    for params in cases {
        let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{params}}}");
        assert_refused(text.as_bytes(), INVALID_REQUEST, "");
    }
    let long = format!("{{\"_meta\":{{\"progressToken\":\"{}\"}}}}", "x".repeat(ID_BYTES_MAX));
    let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{long}}}");
    assert_refused(text.as_bytes(), INVALID_REQUEST, "1024");
}

#[test]
fn depth_is_no_danger() {
    const DEPTH: usize = 100_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"_meta\":", "}]")] {
        let deep = format!("{}1{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let in_params = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{{\"_meta\":{deep}}}}}");
        let params = &in_params[in_params.find("{\"_meta\"").unwrap()..in_params.len() - 1];
        let is_read = read_message(in_params.as_bytes()) == Ok(request("1", "m", Some(params), None));
        assert!(is_read, "with {open}");
        let in_result = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{deep}}}");
        assert!(matches!(read_message(in_result.as_bytes()), Ok(Message::Response { .. })));
        let in_batch = format!("[{in_params},{deep}]");
        let Ok(Body::Batch(items)) = read_body(in_batch.as_bytes()) else { panic!("no batch") };
        assert_eq!(items.iter().filter(|item| item.message.is_ok()).count(), 1);
        assert!(read_message(deep.as_bytes()).is_err());
        assert_eq!(read_message("[".repeat(DEPTH).as_bytes()).unwrap_err().code, PARSE_ERROR);
    }
}

#[test]
fn a_batch_is_split_and_what_is_no_message_does_not_spoil_the_rest() {
    let text = " [ {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"} , 7,{\"jsonrpc\":\"2.0\",\"method\":\"n\"},\n\
                [],{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}] ";
    let Ok(Body::Batch(items)) = read_body(text.as_bytes()) else { panic!("no batch") };
    assert_eq!(items[0].message, Ok(request("1", "m", None, None)));
    assert_eq!(items[1].message.as_ref().unwrap_err().code, INVALID_REQUEST);
    assert_eq!(items[3].text, "[]");
    assert_eq!(items[3].message.as_ref().unwrap_err().code, INVALID_REQUEST);
    let wants: Vec<bool> = items.iter().map(|item| item.wants_reply()).collect();
    assert_eq!(wants, [true, true, false, true, false]);
    fuzzed::jsonrpc(text.as_bytes());
}

#[test]
fn batches_have_bounds() {
    let message = "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}";
    let batch = |count: usize| format!("[{}]", vec![message; count].join(","));
    for count in [1, 2, BATCH_MESSAGES_MAX] {
        let text = batch(count);
        let Ok(Body::Batch(items)) = read_body(text.as_bytes()) else { panic!("no batch of {count}") };
        assert_eq!(items.len(), count);
    }
    for (text, words) in [(batch(0), "empty"), (batch(BATCH_MESSAGES_MAX + 1), "100"), ("[ ]".to_owned(), "empty")] {
        let malformed = read_body(text.as_bytes()).unwrap_err();
        assert_eq!(malformed.code, INVALID_REQUEST);
        assert!(malformed.reason.contains(words), "{}", malformed.reason);
    }
    for text in ["[", "[1", "[1,]", "[1]x", "[{]"] {
        assert_eq!(read_body(text.as_bytes()).unwrap_err().code, PARSE_ERROR, "{text}");
    }
    assert_refused_as_message(&batch(1));
}

#[test]
fn nothing_behind_the_bound_of_a_batch_is_read() {
    let start = "0,".repeat(BATCH_MESSAGES_MAX);
    for rest in ["0]", "0, no JSON", "0", "\"", &"[".repeat(1_000)] {
        let malformed = read_body(format!("[{start}{rest}").as_bytes()).unwrap_err();
        let is_read = matches!(rest, "\"") || rest.starts_with('[');
        assert_eq!(malformed.code, if is_read { PARSE_ERROR } else { INVALID_REQUEST }, "{rest}: {}", malformed.reason);
    }
}

fn assert_refused_as_message(text: &str) {
    assert_eq!(read_message(text.as_bytes()).unwrap_err().code, INVALID_REQUEST);
}

#[test]
fn json_strings_are_read() {
    let cases = [("\"a\"", Some("a")), ("\"\"", Some("")), ("\"\\u0061\\n\"", Some("a\n")), ("7", None), ("\"", None)];
    for (text, expected) in cases {
        assert_eq!(json_string(text).as_deref(), expected, "{text}");
    }
    assert_eq!(json_string(r#""\ud800""#), None, "half a surrogate pair");
}

#[test]
fn no_beginning_of_a_message_is_a_message() {
    let mut rng = Cuts::new(8);
    for _ in 0..50 {
        let whole = jsonrpc::request(&mut rng);
        for end in 0..whole.len() {
            assert!(
                read_message(&whole.as_bytes()[..end]).is_err(),
                "{}",
                String::from_utf8_lossy(&whole.as_bytes()[..end])
            );
        }
        assert!(read_message(whole.as_bytes()).is_ok());
    }
}

/// What is usual and what is not must be judged alike, one byte next to the usual above all.
#[test]
fn a_message_with_any_byte_changed_is_read_alike_on_both_paths() {
    let array = format!("{}0{}", "[".repeat(40), "]".repeat(40));
    let nested = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"a":{array}}}}}"#);
    let whole = [
        r#"{"jsonrpc":"2.0","id":-10,"method":"a/b","params":{"a":[1.50e+7,true,false,null,{}],"b":"\u00e9\\é"}}"#,
        r#" { "id" : "a" , "result" : { "k" : [ ] , "l" : "12345678\"12345678" } , "jsonrpc" : "2.0" } "#,
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-0.0E-1,"message":""}}"#,
        &nested,
    ];
    for whole in whole.map(str::as_bytes) {
        fuzzed::jsonrpc(whole);
        for at in 0..whole.len() {
            for byte in b"\"\\{}[]:,0-.eu \n\x00\x1f\x7f\x80\xe9t" {
                fuzzed::jsonrpc(&[&whole[..at], &[*byte], &whole[at + 1..]].concat());
                fuzzed::jsonrpc(&[&whole[..at], &[*byte], &whole[at..]].concat());
            }
            fuzzed::jsonrpc(&[&whole[..at], &whole[at + 1..]].concat());
            fuzzed::jsonrpc(&whole[..at]);
        }
    }
}
