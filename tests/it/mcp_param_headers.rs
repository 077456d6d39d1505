//! `mcp::param_headers`: arguments into headers, and headers against arguments.

use std::collections::BTreeMap;

use mcp_proxy::codec::header_value::HeaderValueError;
use mcp_proxy::mcp::header_mismatch::{Mismatch, Problem, Sent};
use mcp_proxy::mcp::tool_headers::ToolHeaders;

use crate::support::jsonrpc;
use crate::support::wire::Cuts;

fn tool() -> ToolHeaders {
    ToolHeaders::of_schema(
        r#"{"type":"object","properties":{
            "region":{"type":"string","x-mcp-header":"Region"},
            "count":{"type":"integer","x-mcp-header":"Count"},
            "dry":{"type":"boolean","x-mcp-header":"Dry-Run"},
            "query":{"type":"string"},
            "where":{"type":"object","properties":{
                "zone":{"type":"string","x-mcp-header":"Zone"},
                "in":{"properties":{"row":{"type":"integer","x-mcp-header":"Row"}}}}}}}"#,
    )
    .unwrap()
}

/// Headers as they are written, without `Mcp-Param-`: `Name: value`.
fn written(arguments: Option<&str>) -> Vec<String> {
    let headers = tool().params(arguments);
    let mut lines: Vec<String> = headers
        .into_iter()
        .map(|(name, value)| format!("{}: {value}", name.strip_prefix("Mcp-Param-").unwrap()))
        .collect();
    lines.sort();
    lines
}

/// What is wrong with headers that are given as `Name: value`.
fn problem(arguments: Option<&str>, lines: &[&str]) -> Option<(String, Problem)> {
    let mut headers: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.entry(format!("mcp-param-{}", name.to_lowercase())).or_default().push(value);
    }
    let checked = tool().check(arguments, |name| match headers.get(&name.to_lowercase()).map(Vec::as_slice) {
        None | Some([]) => Sent::Nothing,
        Some([value]) => Sent::Once(value.as_bytes()),
        Some(_) => Sent::Several,
    });
    let Err(Mismatch { header, problem }) = checked else { return None };
    Some((header.strip_prefix("Mcp-Param-").unwrap().to_owned(), problem))
}

#[test]
fn arguments_become_headers() {
    let cases: [(&str, &[&str]); 24] = [
        ("{}", &[]),
        (r#"{"query":"SELECT 1"}"#, &[]),
        (r#"{"region":"us-west1"}"#, &["Region: us-west1"]),
        (r#"{"region":"Hello, 世界"}"#, &["Region: =?base64?SGVsbG8sIOS4lueVjA==?="]),
        (r#"{"region":"a\r\nX-Injected: b"}"#, &["Region: =?base64?YQ0KWC1JbmplY3RlZDogYg==?="]),
        (r#"{"region":"\u0061"}"#, &["Region: a"]),
        (r#"{"\u0072egion":"a"}"#, &["Region: a"]),
        (r#"{"region":""}"#, &["Region: =?base64??="]),
        (r#"{"region":null,"count":null}"#, &[]),
        (r#"{"region":["a"],"count":{"a":1}}"#, &[]),
        (r#"{"region":"\ud800"}"#, &[]),
        (r#"{"count":42,"dry":false}"#, &["Count: 42", "Dry-Run: false"]),
        (r#"{"count":-7,"dry":true}"#, &["Count: -7", "Dry-Run: true"]),
        (r#"{"count":42.0}"#, &["Count: 42"]),
        (r#"{"count":4.2e1}"#, &["Count: 42"]),
        (r#"{"count":-0}"#, &["Count: 0"]),
        (r#"{"count":1.50}"#, &["Count: 1.50"]),
        (r#"{"count":12345678901234567890}"#, &["Count: 12345678901234567890"]),
        (r#"{"count":"42","region":7,"dry":"yes"}"#, &["Count: 42", "Dry-Run: yes", "Region: 7"]),
        (r#"{"where":{"zone":"z","in":{"row":1}},"zone":"no"}"#, &["Row: 1", "Zone: z"]),
        (r#"{"where":"zone","in":{"row":1}}"#, &[]),
        (r#"{"where":null}"#, &[]),
        (r#"{"region":"a","region":"b","where":{"zone":"c"},"where":{}}"#, &["Region: b"]),
        (r#"{"Region":"a"}"#, &[]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(written(Some(arguments)), expected, "{arguments}");
    }
    for arguments in [None, Some("null"), Some("[]"), Some("7"), Some("{"), Some("")] {
        assert_eq!(written(arguments), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn headers_that_repeat_the_arguments_pass() {
    let cases: [(&str, &[&str]); 20] = [
        ("{}", &[]),
        ("{}", &["Query: ignored", "Other: ignored"]),
        (r#"{"region":"us-west1"}"#, &["Region: us-west1"]),
        (r#"{"region":"us-west1"}"#, &["rEGION:   us-west1 "]),
        (r#"{"region":"us-west1"}"#, &["Region: =?base64?dXMtd2VzdDE=?="]),
        (r#"{"region":"=?base64?a"}"#, &["Region: =?base64?a"]),
        (r#"{"region":null,"where":{"zone":null}}"#, &[]),
        (r#"{"region":["a"],"where":[]}"#, &[]),
        (r#"{"count":42}"#, &["Count: 42"]),
        (r#"{"count":42}"#, &["Count: 42.0"]),
        (r#"{"count":42.0}"#, &["Count: 42"]),
        (r#"{"count":4.2e1}"#, &["Count: 42.00"]),
        (r#"{"count":1e16}"#, &["Count: 1e16"]),
        (r#"{"count":9007199254740993}"#, &["Count: 9007199254740993"]),
        (r#"{"count":9007199254740993}"#, &[]),
        (r#"{"count":0}"#, &["Count: -0"]),
        (r#"{"dry":false}"#, &["Dry-Run: false"]),
        (r#"{"count":"042"}"#, &["Count: 042"]),
        (r#"{"where":{"in":{"row":3},"zone":"é"}}"#, &["Row: 3", "Zone: =?base64?w6k=?="]),
        (r#"{"query":"a","query":"b"}"#, &[]),
    ];
    for (arguments, lines) in cases {
        assert_eq!(problem(Some(arguments), lines), None, "{arguments} {lines:?}");
    }
    for arguments in [None, Some("null"), Some("[]")] {
        assert_eq!(problem(arguments, &[]), None);
    }
}

#[test]
fn headers_that_do_not_are_a_mismatch() {
    let different = |header: &str, body: &str| Problem::Different { header: header.to_owned(), body: body.to_owned() };
    let cases: [(&str, &[&str], &str, Problem); 30] = [
        (r#"{"region":"a"}"#, &[], "Region", Problem::Missing),
        (r#"{"region":""}"#, &[], "Region", Problem::Missing),
        (r#"{"count":0}"#, &[], "Count", Problem::Missing),
        (r#"{"count":9007199254740991}"#, &[], "Count", Problem::Missing),
        (r#"{"count":0.5}"#, &[], "Count", Problem::Missing),
        (r#"{"dry":false}"#, &[], "Dry-Run", Problem::Missing),
        (r#"{"where":{"zone":"z"}}"#, &[], "Zone", Problem::Missing),
        ("{}", &["Region: a"], "Region", Problem::Unexpected),
        (r#"{"region":null}"#, &["Region: null"], "Region", Problem::Unexpected),
        (r#"{"region":["a"]}"#, &["Region: a"], "Region", Problem::Unexpected),
        (r#"{"where":{}}"#, &["Zone: z"], "Zone", Problem::Unexpected),
        (r#"{"where":"z"}"#, &["Zone: z"], "Zone", Problem::Unexpected),
        (r#"{"region":"a"}"#, &["Region: b"], "Region", different("b", "a")),
        (r#"{"region":"a"}"#, &["Region: A"], "Region", different("A", "a")),
        (r#"{"region":" a"}"#, &["Region:  a"], "Region", different("a", " a")),
        (r#"{"region":"a"}"#, &["Region: =?base64?Yg==?="], "Region", different("b", "a")),
        (r#"{"region":"a"}"#, &["Region: a", "REGION: a"], "Region", Problem::Doubled),
        (r#"{"region":"a"}"#, &["Region: =?base64?Y?="], "Region", Problem::Undecodable(HeaderValueError::Base64)),
        (r#"{"region":"é"}"#, &["Region: é"], "Region", Problem::Undecodable(HeaderValueError::Character)),
        ("{}", &["Region: é"], "Region", Problem::Undecodable(HeaderValueError::Character)),
        (r#"{"count":42}"#, &["Count: 43"], "Count", different("43", "42")),
        (r#"{"count":42}"#, &["Count: 4.2e1"], "Count", different("4.2e1", "42")),
        (r#"{"count":42}"#, &["Count: 042"], "Count", different("042", "42")),
        (r#"{"count":42}"#, &["Count: 0x2a"], "Count", different("0x2a", "42")),
        (
            r#"{"count":9007199254740993}"#,
            &["Count: 9007199254740992"],
            "Count",
            different("9007199254740992", "9007199254740993"),
        ),
        (r#"{"count":"42"}"#, &["Count: 42.0"], "Count", different("42.0", "42")),
        (r#"{"dry":true}"#, &["Dry-Run: True"], "Dry-Run", different("True", "true")),
        (r#"{"region":"a","region":"a"}"#, &["Region: a"], "Region", Problem::Unclear),
        (r#"{"where":{"zone":"a"},"where":{"zone":"a"}}"#, &["Zone: a"], "Row", Problem::Unclear),
        (r#"{"region":"\ud800"}"#, &[], "Region", Problem::Unclear),
    ];
    for (arguments, lines, header, expected) in cases {
        assert_eq!(problem(Some(arguments), lines), Some((header.to_owned(), expected)), "{arguments} {lines:?}");
    }
    for arguments in [None, Some("null"), Some("[]"), Some("{}")] {
        assert_eq!(problem(arguments, &["Count: 1"]), Some(("Count".to_owned(), Problem::Unexpected)));
    }
    for arguments in ["{", r#"{"region":"a""#, r#"{"\ud800":1}"#, r#"{"where":{"\ud800":1}}"#] {
        assert!(matches!(problem(Some(arguments), &["Region: a"]), Some((_, Problem::Unclear))), "{arguments}");
    }
}

#[test]
fn arguments_that_some_reader_finds_elsewhere_are_unclear() {
    let region = |name: &str| if name == "Mcp-Param-Region" { Sent::Once(b"a") } else { Sent::Nothing };
    for (params, is_clear) in [
        (r#"{"name":"t","arguments":{"region":"a"}}"#, true),
        (r#"{"name":"t","arguments":{"region":"a"},"arguments":{"region":"b"}}"#, false),
        (r#"{"name":"t","arguments":{"region":"b"},"\u0061rguments":{"region":"a"}}"#, false),
        (r#"{"name":"t","arguments":{"region":"a"},"Arguments":{"region":"b"}}"#, false),
    ] {
        let problem = tool().check_call(Some(params), region).map_err(|mismatch| mismatch.problem);
        assert_eq!(problem, if is_clear { Ok(()) } else { Err(Problem::Unclear) }, "{params}");
    }
}

#[test]
fn where_no_parameter_is_repeated_nothing_is_looked_at() {
    let none = ToolHeaders::default();
    assert_eq!(none.params(Some("{")), []);
    assert_eq!(none.check(Some("{"), |_| Sent::Several), Ok(()));
}

#[test]
fn what_is_written_is_what_is_checked() {
    let mut rng = Cuts::new(15);
    let mut headers = 0;
    for _ in 0..20_000 {
        let mut value = || jsonrpc::value(&mut rng, 1);
        let values = [value(), value(), value(), value(), value()];
        let arguments = format!(
            r#"{{"region":{},"count":{},"dry":{},"where":{{"zone":{},"in":{{"row":{}}}}}}}"#,
            values[0], values[1], values[2], values[3], values[4]
        );
        let written = written(Some(&arguments));
        headers += written.len();
        let lines: Vec<&str> = written.iter().map(String::as_str).collect();
        assert_eq!(problem(Some(&arguments), &lines), None, "{arguments} {written:?}");
    }
    assert!(headers > 10_000, "only {headers}");
}
