//! `mcp::modern_result`: what legacy results get.

use mcp_proxy::mcp::modern_result::{Additions, for_modern, is_cacheable};
use serde_json::{Value, json};

use crate::support::results::{id_range, replies, written};
use crate::support::wire::Cuts;
use crate::support::{fuzzed, jsonrpc};

const INFO: &str = r#"{"name":"s"}"#;

const CALL: Additions<'static> = Additions { is_cacheable: false, server_info: Some(INFO) };
const LIST: Additions<'static> = Additions { is_cacheable: true, server_info: Some(INFO) };
const BARE: Additions<'static> = Additions { is_cacheable: false, server_info: None };

/// `@T` for the type, `@C` for the caching, `@I` for the server's name.
fn spelt(text: &str) -> String {
    text.replace("@T", r#""resultType":"complete""#)
        .replace("@C", r#""ttlMs":0,"cacheScope":"private""#)
        .replace("@I", r#""io.modelcontextprotocol/serverInfo":{"name":"s"}"#)
}

fn check(result: &str, additions: &Additions<'_>, expected: &str) {
    let (result, expected) = (spelt(result), spelt(expected));
    let lines = replies(&format!("\"result\":{result}"));
    for (line, expected) in lines.iter().zip(replies(&format!("\"result\":{expected}"))) {
        let rewrite = for_modern(line.as_bytes(), &id_range(line), additions);
        assert_eq!(written(line, &rewrite.expect("it has a result")), expected, "{line}");
    }
}

#[test]
fn six_methods_say_how_long_their_results_may_be_kept() {
    for method in [
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    ] {
        assert!(is_cacheable(method), "{method}");
    }
    for method in
        ["tools/call", "prompts/get", "completion/complete", "subscriptions/listen", "tasks/list", "", "Tools/list"]
    {
        assert!(!is_cacheable(method), "{method}");
    }
}

#[test]
fn what_is_missing_is_added_and_all_else_stays() {
    for (result, additions, expected) in [
        ("{}", BARE, "{@T}"),
        ("{ }", BARE, "{@T }"),
        ("{}", CALL, r#"{@T,"_meta":{@I}}"#),
        ("{}", LIST, r#"{@T,@C,"_meta":{@I}}"#),
        (
            r#"{"content":[{"type":"text","text":"a"}]}"#,
            CALL,
            r#"{@T,"_meta":{@I},"content":[{"type":"text","text":"a"}]}"#,
        ),
        (r#"{ "tools" : [ 1.0e0 ] }"#, LIST, r#"{@T,@C,"_meta":{@I}, "tools" : [ 1.0e0 ] }"#),
        (r#"{"a":"\/é\u00e9"}"#, BARE, r#"{@T,"a":"\/é\u00e9"}"#),
        (r#"{"ttlMs":5,"tools":[]}"#, LIST, r#"{@T,"cacheScope":"private","_meta":{@I},"ttlMs":5,"tools":[]}"#),
        (
            r#"{"tools":[],"cacheScope":"public"}"#,
            LIST,
            r#"{@T,"ttlMs":0,"_meta":{@I},"tools":[],"cacheScope":"public"}"#,
        ),
        (r#"{"ttlMs":5}"#, CALL, r#"{@T,"_meta":{@I},"ttlMs":5}"#),
    ] {
        check(result, &additions, expected);
    }
}

#[test]
fn what_is_there_is_left() {
    for (result, additions, expected) in [
        ("{@T}", BARE, "{@T}"),
        (r#"{"a":1,@T}"#, BARE, r#"{"a":1,@T}"#),
        (r#"{@T,@C,"_meta":{@I}}"#, LIST, r#"{@T,@C,"_meta":{@I}}"#),
        (
            r#"{"_meta":{"io.modelcontextprotocol/serverInfo":7}}"#,
            CALL,
            r#"{@T,"_meta":{"io.modelcontextprotocol/serverInfo":7}}"#,
        ),
        (r#"{"_meta":{}}"#, BARE, r#"{@T,"_meta":{}}"#),
        (r#"{"result\u0054ype":"complete"}"#, BARE, r#"{"result\u0054ype":"complete"}"#),
    ] {
        check(result, &additions, expected);
    }
}

#[test]
fn the_servers_name_joins_what_is_in_meta() {
    for (result, expected) in [
        (r#"{"_meta":{}}"#, r#"{@T,"_meta":{@I}}"#),
        (r#"{"_meta":{ }}"#, r#"{@T,"_meta":{@I }}"#),
        (r#"{"a":1,"_meta" : {"x":[1], "y":2} }"#, r#"{@T,"a":1,"_meta" : {@I,"x":[1], "y":2} }"#),
        (r#"{"\u005fmeta":{"x":1}}"#, r#"{@T,"\u005fmeta":{@I,"x":1}}"#),
        (r#"{"_meta":null}"#, r#"{@T,"_meta":{@I}}"#),
        (r#"{"_meta":[1],"a":2}"#, r#"{@T,"_meta":{@I},"a":2}"#),
        (r#"{"_meta":"x"}"#, r#"{@T,"_meta":{@I}}"#),
        (r#"{"content":[{"_meta":{"x":1}}]}"#, r#"{@T,"_meta":{@I},"content":[{"_meta":{"x":1}}]}"#),
    ] {
        check(result, &CALL, expected);
    }
    let spread = Additions { is_cacheable: false, server_info: Some("{\n\"name\":\r\n\"s\"}") };
    check(r#"{"a":1}"#, &spread, r#"{@T,"_meta":{"io.modelcontextprotocol/serverInfo":{ "name":  "s"}},"a":1}"#);
}

#[test]
fn what_a_legacy_upstream_calls_its_result_is_not_what_a_modern_downstream_would_understand() {
    for value in [r#""input_required""#, r#""task""#, "7", "null", r#"{"a":[1]}"#, r#""""#] {
        check(
            &format!(r#"{{"a":1,"resultType" : {value} ,"b":2}}"#),
            &BARE,
            r#"{"a":1,"resultType" : "complete" ,"b":2}"#,
        );
    }
}

#[test]
fn members_of_the_same_names_elsewhere_do_not_count() {
    let nested = r#""c":[{@T,"ttlMs":1,"cacheScope":"x","_meta":{@I}}],"d":"{\"resultType\":\"x\",\"_meta\":{}}""#;
    check(&format!("{{{nested}}}"), &LIST, &format!(r#"{{@T,@C,"_meta":{{@I}},{nested}}}"#));
}

#[test]
fn what_has_no_result_that_is_an_object_is_left_alone() {
    for outcome in [
        r#""result":[]"#,
        r#""result":null"#,
        r#""result":7"#,
        r#""result":"{}""#,
        r#""error":{"code":-1,"message":"m"}"#,
        r#""error":{"code":-1,"message":"m","data":{"result":{}}}"#,
    ] {
        for line in replies(outcome) {
            assert_eq!(for_modern(line.as_bytes(), &id_range(&line), &LIST), None, "{line}");
        }
    }
    for line in
        ["", "{}", "7", "[]", "\u{0}", r#"{"jsonrpc":"2.0","id":7}"#, r#"{"jsonrpc":"2.0","id":7,"method":"m"}"#]
    {
        assert_eq!(for_modern(line.as_bytes(), &(1..2), &LIST), None, "{line}");
        assert_eq!(for_modern(line.as_bytes(), &(90..91), &LIST), None, "{line}");
    }
    assert_eq!(for_modern(b"{\"jsonrpc\":\"2.0\",\"result\":{\"_meta\":\"\xff\"},\"id\":7}", &(46..47), &LIST), None);
}

#[test]
fn a_large_result_is_not_copied() {
    let line =
        replies(&format!(r#""result":{{"content":[{{"type":"text","text":"{}"}}]}}"#, "x".repeat(100_000)))[0].clone();
    let rewrite = for_modern(line.as_bytes(), &id_range(&line), &CALL).unwrap();
    let pieces = rewrite.pieces(line.as_bytes(), []);
    let last = pieces.last().unwrap();
    assert_eq!(last.as_ptr(), line[line.find("\"content\"").unwrap()..].as_ptr());
}

#[test]
fn random_results_keep_all_that_they_have() {
    let mut rng = Cuts::new(17);
    let keys = ["resultType", "ttlMs", "cacheScope", "_meta", "a", "b", "result\\u0054ype", "_m\\u0065ta"];
    for _ in 0..20_000 {
        let members: Vec<String> = (0..rng.below(5))
            .map(|_| {
                let value = match rng.below(3) {
                    0 => "\"complete\"".to_owned(),
                    1 => format!("{{\"{}\":1}}", ["x", "io.modelcontextprotocol/serverInfo"][rng.below(2)]),
                    _ => jsonrpc::value(&mut rng, 2),
                };
                format!("\"{}\":{value}", keys[rng.below(keys.len())])
            })
            .collect();
        let result = format!("{{{}}}", members.join([",", " , "][rng.below(2)]));
        let additions = [CALL, LIST, BARE][rng.below(3)];
        let Ok(mut expected) = serde_json::from_str::<Value>(&result) else { continue };
        add(&mut expected, &additions);
        let line = replies(&format!("\"result\":{result}"))[rng.below(5)].clone();
        let rewrite = for_modern(line.as_bytes(), &id_range(&line), &additions).unwrap();
        let after: Value = serde_json::from_str(&written(&line, &rewrite)).unwrap();
        assert_eq!(after["result"], expected, "{line}");
    }
}

#[test]
fn random_answers_are_made_into_answers() {
    let mut rng = Cuts::new(20);
    for _ in 0..20_000 {
        fuzzed::results(jsonrpc::answer(&mut rng).as_bytes());
    }
}

/// The same by way of a tree.
fn add(result: &mut Value, additions: &Additions<'_>) {
    let members = result.as_object_mut().unwrap();
    members.insert("resultType".to_owned(), json!("complete"));
    if additions.is_cacheable {
        members.entry("ttlMs").or_insert(json!(0));
        members.entry("cacheScope").or_insert(json!("private"));
    }
    if additions.server_info.is_some() {
        let meta = members.entry("_meta").or_insert(json!({}));
        if !meta.is_object() {
            *meta = json!({});
        }
        let meta = meta.as_object_mut().unwrap();
        meta.entry("io.modelcontextprotocol/serverInfo").or_insert(json!({"name": "s"}));
    }
}
