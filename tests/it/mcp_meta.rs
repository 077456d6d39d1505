//! `mcp::meta`: what the modern keys say, and requests with others or without them.

use std::borrow::Cow;

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::jsonrpc::envelope::{Message, Params, read_message};
use mcp_proxy::codec::jsonrpc::members::member;
use mcp_proxy::codec::jsonrpc::rewrite::Rewrite;
use mcp_proxy::codec::jsonrpc::splice::{Patch, push_line, range_in};
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::mcp::meta::{Meta, MetaError, ModernKey, ModernKeys, with_modern_keys, without_modern_keys};

use crate::support::wire::Cuts;
use crate::support::{fuzzed, jsonrpc};

const KEYS: ModernKeys<'static> = ModernKeys {
    protocol_version: "2026-07-28",
    client_info: Some(r#"{"name":"c"}"#),
    client_capabilities: "{}",
    log_level: Some(LogLevel::Info),
};

/// The members that [`KEYS`] are.
const SET: &str = concat!(
    r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"info""#
);

/// Short names for the keys: `@V`, `@I`, `@C` and `@L`; `@S` for all four as they are set.
fn spelt(text: &str) -> String {
    text.replace("@V", "io.modelcontextprotocol/protocolVersion")
        .replace("@I", "io.modelcontextprotocol/clientInfo")
        .replace("@C", "io.modelcontextprotocol/clientCapabilities")
        .replace("@L", "io.modelcontextprotocol/logLevel")
        .replace("@S", SET)
}

fn request(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

fn params_of(message: &str) -> Params<'_> {
    match read_message(message.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {message}")) {
        Message::Request { params, .. } | Message::Notification { params, .. } => params,
        Message::Response { .. } => panic!("a response"),
    }
}

fn applied(message: &str, rewrite: &Rewrite, others: &[Patch<'_>]) -> String {
    let mut patches: Vec<Patch<'_>> = rewrite.patches().chain(others.iter().cloned()).collect();
    let mut out = Buf::new();
    push_line(&mut out, message.as_bytes(), &mut patches);
    String::from_utf8(out.as_slice().to_vec()).unwrap().trim_end_matches('\n').to_owned()
}

fn without(message: &str) -> String {
    let rewrite = without_modern_keys(message.as_bytes(), params_of(message).meta).unwrap();
    applied(message, &rewrite, &[])
}

fn with(message: &str) -> String {
    let rewrite = with_modern_keys(message.as_bytes(), params_of(message).text, &KEYS).unwrap();
    applied(message, &rewrite, &[])
}

fn read(params: &str) -> Result<Meta<'_>, MetaError> {
    Meta::read(member(Some(params), "_meta"))
}

#[test]
fn the_four_keys_are_read() {
    let params = spelt(concat!(
        r#"{"name":"t","_meta":{"progressToken":1,"@V":"2026-07-28","@I": {"name":"c","version":"1"},"#,
        r#""@C":{"roots":{}} ,"@L":"debug","x":[]}}"#
    ));
    let meta = read(&params).unwrap();
    let expected = Meta {
        protocol_version: Some("2026-07-28".into()),
        client_info: Some(r#"{"name":"c","version":"1"}"#),
        client_capabilities: Some(r#"{"roots":{}}"#),
        log_level: Some("\"debug\""),
    };
    assert_eq!(meta, expected);
    assert!(matches!(meta.protocol_version, Some(Cow::Borrowed(_))));
    for text in [meta.client_info, meta.client_capabilities, meta.log_level] {
        assert!(range_in(params.as_bytes(), text.unwrap()).is_some(), "it is borrowed");
    }
}

#[test]
fn a_request_is_modern_by_one_of_the_required_keys() {
    for (params, is_modern, has_any) in [
        (r#"{"_meta":{"@V":"2026-07-28"}}"#, true, true),
        (r#"{"_meta":{"@V":""}}"#, true, true),
        (r#"{"_meta":{"@C":{}}}"#, true, true),
        (r#"{"_meta":{"@C":null}}"#, true, true),
        (r#"{"_meta":{"@I":{}}}"#, false, true),
        (r#"{"_meta":{"@L":null}}"#, false, true),
        (r#"{"_meta":{}}"#, false, false),
        ("{}", false, false),
        (r#"{"_meta":null}"#, false, false),
        (r#"{"_meta":["@V"]}"#, false, false),
        (r#"{"_meta":"@V"}"#, false, false),
        (r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}"#, false, false),
        (r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}"#, false, false),
        (r#"{"_meta":{"IO.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#, false, false),
        (r#"{"_meta":{"@V ":"2026-07-28"," @C":{}}}"#, false, false),
        (r#"{"_meta":{"x":{"@V":"2026-07-28"}}}"#, false, false),
        (r#"{"_meta":{"x":"\"@V\":\"2026-07-28\""}}"#, false, false),
        (r#"{"arguments":{"_meta":{"@V":"2026-07-28"}}}"#, false, false),
        (r#"{"@V":"2026-07-28","@C":{}}"#, false, false),
        (r#"{"_Meta":{"@V":"2026-07-28"}}"#, false, false),
    ] {
        let params = spelt(params);
        let meta = read(&params).unwrap();
        assert_eq!((meta.is_modern(), meta.has_any()), (is_modern, has_any), "{params}");
    }
    assert_eq!(Meta::read(None), Ok(Meta::default()));
}

/// Spellings of one and the same request that a search for the plain key misses.
const HIDDEN: [&str; 7] = [
    r#"{"_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28"}}"#,
    r#"{"_meta":{"io.modelcontextprotocol\u002fprotocolVersion":"2026-07-28"}}"#,
    r#"{"_meta":{"io.modelcontextprotocol\u002FprotocolVersion":"2026-07-28"}}"#,
    r#"{"_meta":{"\u0069o.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
    r#"{"_meta":{"io.modelcontextprotocol/protocolVersio\u006e":"2026-07-28"}}"#,
    r#"{"\u005fmeta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
    r#"{"_met\u0061":{"\u0069\u006f.modelcontextprotocol\/protocolVersion":"2026\u002d07-28"}}"#,
];

#[test]
fn escapes_hide_nothing() {
    for params in HIDDEN {
        let meta = read(params).unwrap();
        assert_eq!(meta.protocol_version.as_deref(), Some("2026-07-28"), "{params}");
        let message = request(params);
        let left = without(&message);
        assert!(left.ends_with("meta\":{}}}") || left.ends_with("met\\u0061\":{}}}"), "{left}");
        let line = with(&message);
        assert_eq!(line.matches("ersion\"").count(), 1, "one of them must be gone: {line}");
        fuzzed::meta(params.as_bytes());
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_an_error() {
    let doubled = |key| Err(MetaError::Doubled(key));
    for (params, expected) in [
        (r#"{"_meta":{"@V":"a","@V":"a"}}"#, doubled(ModernKey::ProtocolVersion)),
        (r#"{"_meta":{"@V":"a","io.modelcontextprotocol\/protocolVersion":"a"}}"#, doubled(ModernKey::ProtocolVersion)),
        (r#"{"_meta":{"@I":1,"@I":2}}"#, doubled(ModernKey::ClientInfo)),
        (r#"{"_meta":{"@C":{},"x":1,"@C":null}}"#, doubled(ModernKey::ClientCapabilities)),
        (r#"{"_meta":{"@L":"info","@L":"info"}}"#, doubled(ModernKey::LogLevel)),
        (r#"{"_meta":{"@V":7}}"#, Err(MetaError::VersionNotText)),
        (r#"{"_meta":{"@V":null}}"#, Err(MetaError::VersionNotText)),
        (r#"{"_meta":{"@V":["2026-07-28"]}}"#, Err(MetaError::VersionNotText)),
        (r#"{"_meta":{"@V":"\ud800"}}"#, Err(MetaError::VersionNotText)),
        (r#"{"_meta":{"\ud800":1,"@V":"a"}}"#, Err(MetaError::Unreadable)),
    ] {
        let params = spelt(params);
        assert_eq!(read(&params), expected, "{params}");
        let Err(reason) = expected else { continue };
        assert!(reason.to_string().contains("params"), "{reason}");
    }
}

#[test]
fn parameters_that_can_be_read_in_two_ways_are_not_rewritten() {
    for (params, expected) in [
        (r#"{"_meta":{"@V":"a"},"_meta":{}}"#, MetaError::DoubledMeta),
        (r#"{"_meta":null,"\u005fmeta":{"@V":"a"}}"#, MetaError::DoubledMeta),
        (r#"["@V","_meta"]"#, MetaError::Unreadable),
        (r#"{"_meta":{"@V":"a"}"#, MetaError::Unreadable),
    ] {
        let params = spelt(params);
        let message = request(&params);
        assert_eq!(with_modern_keys(message.as_bytes(), Some(&params), &KEYS), Err(expected), "{params}");
    }
}

#[test]
fn without_them_all_other_bytes_stay() {
    for (params, expected) in [
        ("{}", "{}"),
        (r#"{"name":"t"}"#, r#"{"name":"t"}"#),
        (r#"{"_meta":{}}"#, r#"{"_meta":{}}"#),
        (r#"{"_meta":{"@V":"a"}}"#, r#"{"_meta":{}}"#),
        (r#"{"_meta":{"@V":"a","@I":{},"@C":{},"@L":"info"}}"#, r#"{"_meta":{}}"#),
        (r#"{"_meta": { "@V" : "a" , "x":1 } , "b":1.0}"#, r#"{"_meta": { "x":1 } , "b":1.0}"#),
        (r#"{"_meta": { "x":1 , "@V" : "a" } }"#, r#"{"_meta": { "x":1 } }"#),
        (
            r#"{"_meta":{"@C":{},"progressToken":7,"@V":"a","z":[1.0e0],"@L":"x"}}"#,
            r#"{"_meta":{"progressToken":7,"z":[1.0e0]}}"#,
        ),
        (r#"{"_meta":{"@V":"a","@V":"b","x":1,"@V":"c"}}"#, r#"{"_meta":{"x":1}}"#),
        (
            r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"},"@C":{}}}"#,
            r#"{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"1"}}}"#,
        ),
        (r#"{"_meta":{"io.modelcontextprotocol/x":"@V"}}"#, r#"{"_meta":{"io.modelcontextprotocol/x":"@V"}}"#),
        (r#"{"_meta":"@V"}"#, r#"{"_meta":"@V"}"#),
        (
            r#"{"arguments":{"_meta":{"@V":"a"}},"_meta":{"@V":"a"}}"#,
            r#"{"arguments":{"_meta":{"@V":"a"}},"_meta":{}}"#,
        ),
        (r#"{"@V":"a"}"#, r#"{"@V":"a"}"#),
    ] {
        let message = request(&spelt(params));
        assert_eq!(without(&message), request(&spelt(expected)), "{params}");
    }
    let notification = r#"{"method":"notifications/cancelled","jsonrpc":"2.0"}"#;
    assert_eq!(without(notification), notification);
}

#[test]
fn with_them_all_other_bytes_stay() {
    for (params, expected) in [
        ("{}", r#"{"_meta":{@S}}"#),
        ("{ }", r#"{"_meta":{@S} }"#),
        (r#"{"name":"t"}"#, r#"{"_meta":{@S},"name":"t"}"#),
        (r#"{ "b":1.0, "a":1e2 }"#, r#"{"_meta":{@S}, "b":1.0, "a":1e2 }"#),
        (r#"{"_meta":{}}"#, r#"{"_meta":{@S}}"#),
        (r#"{"a":1,"_meta" : { } ,"b":2}"#, r#"{"a":1,"_meta" : {@S } ,"b":2}"#),
        (r#"{"_meta":{"progressToken":7}}"#, r#"{"_meta":{@S,"progressToken":7}}"#),
        (r#"{"_meta":{"@V":"a"}}"#, r#"{"_meta":{@S}}"#),
        (r#"{"_meta":{"@C":{},"x":1,"@V":"a","y":"\/"}}"#, r#"{"_meta":{@S,"x":1,"y":"\/"}}"#),
        (r#"{"_meta":{"x":1,"@V":"a","@V":"b"}}"#, r#"{"_meta":{@S,"x":1}}"#),
        (r#"{"_meta":null}"#, r#"{"_meta":{@S}}"#),
        (r#"{"_meta":7,"a":1}"#, r#"{"_meta":{@S},"a":1}"#),
        (r#"{"_meta":["@V"]}"#, r#"{"_meta":{@S}}"#),
        (r#"{"\u005fmeta":{"x":1}}"#, r#"{"\u005fmeta":{@S,"x":1}}"#),
        (r#"{"arguments":{"_meta":{"@V":"a"}}}"#, r#"{"_meta":{@S},"arguments":{"_meta":{"@V":"a"}}}"#),
        (r#"{"arguments":{"a":"\u005fmeta"}}"#, r#"{"_meta":{@S},"arguments":{"a":"\u005fmeta"}}"#),
    ] {
        let message = request(&spelt(params));
        assert_eq!(with(&message), request(&spelt(expected)), "{params}");
    }
}

#[test]
fn a_request_without_parameters_gets_some() {
    for (message, expected) in [
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{@S}}}"#,
        ),
        (
            " { \"method\" : \"}\" , \"jsonrpc\":\"2.0\", \"id\":1 } \t",
            " { \"method\" : \"}\" , \"jsonrpc\":\"2.0\", \"id\":1 ,\"params\":{\"_meta\":{@S}}} \t",
        ),
    ] {
        assert_eq!(with(message), spelt(expected));
        assert_eq!(without(message), message);
    }
}

#[test]
fn only_what_is_known_is_set() {
    let keys = ModernKeys {
        protocol_version: "a\"b",
        client_info: None,
        client_capabilities: "{\n \"roots\": {\r\n} }",
        log_level: None,
    };
    let message = request(&spelt(r#"{"_meta":{"@L":"debug","@I":{}}}"#));
    let rewrite = with_modern_keys(message.as_bytes(), params_of(&message).text, &keys).unwrap();
    let expected = spelt(r#"{"_meta":{"@V":"a\"b","@C":{  "roots": {  } }}}"#);
    assert_eq!(applied(&message, &rewrite, &[]), request(&expected), "line ends must not get into a line");
}

#[test]
fn the_id_and_the_progress_token_are_replaced_in_the_same_breath() {
    for meta in [
        r#"{"@V":"a","progressToken":"t","@C":{}}"#,
        r#"{"progressToken":"t"}"#,
        r#"{"progressToken":"t","@V":"a"}"#,
        r#"{"@V":"a","progressToken":"t"}"#,
        r#"{"@V":"a","progressToken":"t","x":1,"@C":{}}"#,
    ] {
        let message = spelt(&format!(r#"{{"params":{{"_meta":{meta}}},"jsonrpc":"2.0","id":"i","method":"m"}}"#));
        let params = params_of(&message);
        let place = |part| range_in(message.as_bytes(), part).unwrap();
        let id = message.find("\"i\"").unwrap();
        let others = [
            Patch { range: place(params.progress_token.unwrap()), text: "4711" },
            Patch { range: id..id + 3, text: "4712" },
        ];
        for rewrite in [
            without_modern_keys(message.as_bytes(), params.text).unwrap(),
            with_modern_keys(message.as_bytes(), params.text, &KEYS).unwrap(),
        ] {
            let line = applied(&message, &rewrite, &others);
            assert_eq!(params_of(&line).progress_token, Some("4711"), "{line}");
            assert!(line.contains("\"id\":4712"), "{line}");
        }
    }
}

#[test]
fn what_cannot_be_rewritten_is_an_error() {
    let elsewhere = spelt(r#"{"_meta":{"@V":"a"}}"#);
    for (message, params) in [(request(&elsewhere), elsewhere.as_str()), (String::new(), "[]")] {
        assert!(with_modern_keys(message.as_bytes(), Some(params), &KEYS).is_err());
    }
    assert!(without_modern_keys(b"{}", Some(&elsewhere)).is_err(), "not of this message");
    assert!(with_modern_keys(b"", None, &KEYS).is_err());
    let doubled = r#"{"_meta":{"@V":"a"},"_meta":{}}"#;
    let message = spelt(doubled);
    assert_eq!(with_modern_keys(message.as_bytes(), Some(&message), &KEYS), Err(MetaError::DoubledMeta));
    assert_eq!(with_modern_keys(b"[{}]", Some("[{}]"), &KEYS), Err(MetaError::Unreadable));
}

#[test]
fn random_requests_keep_all_but_the_keys() {
    let mut rng = Cuts::new(14);
    for _ in 0..20_000 {
        let members: Vec<String> = (0..rng.below(5))
            .map(|_| {
                let keys = ["@V", "@I", "@C", "@L", "x", "y", "progressToken"];
                let key = spelt(keys[rng.below(keys.len())]).replace('/', ["/", "\\/", "\\u002f"][rng.below(3)]);
                format!("\"{key}\"{}{}", [":", " : "][rng.below(2)], ["7", "\"a\""][rng.below(2)])
            })
            .collect();
        let meta = format!("{{{}}}", members.join([",", " ,\n"][rng.below(2)]));
        let params = match rng.below(4) {
            0 => meta,
            1 => format!("{{\"_meta\":{meta}}}"),
            2 => format!("{{\"a\":{},\"_meta\":{meta},\"z\":1}}", jsonrpc::value(&mut rng, 2)),
            _ => jsonrpc::object(&mut rng, 3),
        };
        fuzzed::meta(params.as_bytes());
    }
}
