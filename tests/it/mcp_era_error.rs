//! `mcp::era_error`: the codes that mean something else in the other era.

use mcp_proxy::limits::INPUT_REQUESTS_MAX;
use mcp_proxy::mcp::era_error::{LegacyError, of_legacy, of_modern};

use crate::support::results::{replies, written};

fn check_legacy(error: &str, expected: &str) {
    let lines = replies(&format!("\"error\":{error}"));
    for (line, expected) in lines.iter().zip(replies(&format!("\"error\":{expected}"))) {
        let LegacyError::Passes(rewrite) = of_legacy(line.as_bytes()) else { panic!("taken for another: {line}") };
        assert_eq!(written(line, &rewrite), expected, "{line}");
        assert_eq!(rewrite.is_empty(), *line == expected, "{line}");
    }
}

fn check_modern(error: &str, uri: Option<&str>, expected: &str) {
    let lines = replies(&format!("\"error\":{error}"));
    for (line, expected) in lines.iter().zip(replies(&format!("\"error\":{expected}"))) {
        let rewrite = of_modern(line.as_bytes(), uri);
        assert_eq!(written(line, &rewrite), expected, "{line}");
        assert_eq!(rewrite.is_empty(), *line == expected, "{line}");
    }
}

#[test]
fn a_missing_resource_has_another_code() {
    check_legacy(
        r#"{ "message":"Resource not found", "code" : -32002 ,"data":{"uri":"a"}}"#,
        r#"{ "message":"Resource not found", "code" : -32602 ,"data":{"uri":"a"}}"#,
    );
    check_legacy(r#"{"cod\u0065":-32002.0}"#, r#"{"cod\u0065":-32602}"#);
    for code in ["-32602", "-32602.0"] {
        check_modern(
            &format!(r#"{{"code":{code},"message":"m","data":{{"x":1,"uri":"file:\/\/\/a\u0062"}}}}"#),
            Some("file:///ab"),
            r#"{"code":-32002,"message":"m","data":{"x":1,"uri":"file:\/\/\/a\u0062"}}"#,
        );
    }
}

#[test]
fn invalid_parameters_are_no_missing_resource() {
    for (error, uri) in [
        (r#"{"code":-32602,"message":"m","data":{"uri":"b"}}"#, Some("a")),
        (r#"{"code":-32602,"message":"m","data":{"uri":"a"}}"#, None),
        (r#"{"code":-32602,"message":"m","data":{"uri":null}}"#, None),
        (r#"{"code":-32602,"message":"m","data":{"uri":["a"]}}"#, Some("a")),
        (r#"{"code":-32602,"message":"m","data":{"uri":"a","uri":"a"}}"#, Some("a")),
        (r#"{"code":-32602,"message":"m","data":"a"}"#, Some("a")),
        (r#"{"code":-32602,"message":"m"}"#, Some("a")),
        (r#"{"code":-32603,"message":"m","data":{"uri":"a"}}"#, Some("a")),
        (r#"{"code":"-32602","message":"m","data":{"uri":"a"}}"#, Some("a")),
        (r#"{"message":"m","data":{"uri":"a"}}"#, Some("a")),
    ] {
        check_modern(error, uri, error);
    }
}

#[test]
fn reserved_codes_are_told_in_the_data() {
    for code in ["-32020", "-32021", "-32022", "-32050", "-32099", "-32042"] {
        let error = format!(r#"{{ "code":{code}, "message":"a \"b\"", "data":[1.0] }}"#);
        check_legacy(&error, &format!(r#"{{"code":-32603,"message":"a \"b\"","data":{error}}}"#));
    }
    for error in [r#"{"code":-32020}"#, r#"{"code":-32020,"message":7}"#] {
        let message = "the server gave an error without a message";
        check_legacy(error, &format!(r#"{{"code":-32603,"message":"{message}","data":{error}}}"#));
    }
}

#[test]
fn all_others_stay() {
    for error in [
        r#"{"code":-32000,"message":"m"}"#,
        r#"{"code":-32001,"message":"m"}"#,
        r#"{"code":-32019,"message":"m"}"#,
        r#"{"code":-32100,"message":"m"}"#,
        r#"{"code":-32601,"message":"m"}"#,
        r#"{"code":-32602,"message":"m","data":{"uri":"a"}}"#,
        r#"{"code":-32603,"message":"-32042"}"#,
        r#"{"code":-32700,"message":"m"}"#,
        r#"{"code":32020,"message":"m"}"#,
        r#"{"code":-32020.5,"message":"m"}"#,
        r#"{"code":"-32002","message":"m"}"#,
        r#"{"code":null,"message":"m"}"#,
        r#"{"code":-32002,"code":-32002}"#,
        r#"{"message":"m","data":{"code":-32002}}"#,
        "{}",
        "[-32002]",
        "\"-32002\"",
    ] {
        check_legacy(error, error);
    }
    for line in replies(r#""result":{"error":{"code":-32002,"data":{"uri":"a"}}}"#) {
        assert_eq!(of_legacy(line.as_bytes()), LegacyError::Passes(Default::default()));
        assert!(of_modern(line.as_bytes(), Some("a")).is_empty());
    }
    for line in ["", "{", "{}", r#"{"error":{"code":-32002}}"#] {
        assert_eq!(of_legacy(line.as_bytes()), LegacyError::Passes(Default::default()), "{line}");
        assert!(of_modern(line.as_bytes(), Some("a")).is_empty(), "{line}");
    }
}

#[test]
fn urls_to_be_visited_first_are_recognised() {
    let one = r#"{"mode":"url","elicitationId":"e","url":"https://example.com/","message":"m"}"#;
    for (list, expected) in [(format!("[{one}]"), vec![one]), (format!("[ {one} ,\n{{}}]"), vec![one, "{}"])] {
        let error = format!(r#"{{"code":-32042,"message":"m","data":{{"x":1,"elicitations":{list}}}}}"#);
        for line in replies(&format!("\"error\":{error}")) {
            assert_eq!(of_legacy(line.as_bytes()), LegacyError::UrlElicitation(expected.clone()), "{line}");
        }
    }
}

#[test]
fn without_urls_it_is_an_error_like_others() {
    let many = vec!["{}"; INPUT_REQUESTS_MAX + 1].join(",");
    for data in [
        "null",
        "{}",
        r#"{"elicitations":[]}"#,
        r#"{"elicitations":{}}"#,
        r#"{"elicitations":[7]}"#,
        r#"{"elicitations":[{},"a"]}"#,
        r#"{"elicitations":[{}],"elicitations":[{}]}"#,
        &format!(r#"{{"elicitations":[{many}]}}"#),
    ] {
        let error = format!(r#"{{"code":-32042,"message":"m","data":{data}}}"#);
        check_legacy(&error, &format!(r#"{{"code":-32603,"message":"m","data":{error}}}"#));
    }
}
