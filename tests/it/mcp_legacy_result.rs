//! `mcp::legacy_result`: what legacy downstreams could not read.

use mcp_proxy::codec::jsonrpc::rewrite::Rewrite;
use mcp_proxy::mcp::legacy_result::{of_call, of_list};
use serde_json::{Value, json};

use crate::support::jsonrpc;
use crate::support::results::{replies, written};
use crate::support::wire::Cuts;

fn check(rewrite: fn(&[u8]) -> Rewrite, result: &str, expected: &str) {
    let lines = replies(&format!("\"result\":{result}"));
    for (line, expected) in lines.iter().zip(replies(&format!("\"result\":{expected}"))) {
        let rewrite = rewrite(line.as_bytes());
        assert_eq!(written(line, &rewrite), expected, "{line}");
        assert_eq!(rewrite.is_empty(), *line == expected, "{line}");
    }
}

#[test]
fn structured_content_that_is_no_object_becomes_a_text() {
    for (result, expected) in [
        (r#"{"content":[],"structuredContent":[1, 2]}"#, r#"{"content":[{"type":"text","text":"[1, 2]"}]}"#),
        (
            r#"{"resultType":"x","structuredContent":"\"" ,"content" : [ {"type":"image"} ] , "x":1.0}"#,
            r#"{"resultType":"x" ,"content" : [ {"type":"image"} ,{"type":"text","text":"\"\\\"\""}] , "x":1.0}"#,
        ),
        (r#"{"structuredContent":7}"#, r#"{"content":[{"type":"text","text":"7"}]}"#),
        (
            r#"{"structuredContent":null,"isError":false}"#,
            r#"{"content":[{"type":"text","text":"null"}],"isError":false}"#,
        ),
        (r#"{"structuredContent":true,"content":null}"#, r#"{"content":[{"type":"text","text":"true"}]}"#),
        (r#"{"structuredContent":"é","content":{}}"#, r#"{"content":[{"type":"text","text":"\"é\""}]}"#),
        (r#"{"content":[ ],"structuredContent":0}"#, r#"{"content":[ {"type":"text","text":"0"}]}"#),
        (r#"{"structured\u0043ontent":0,"content":[]}"#, r#"{"content":[{"type":"text","text":"0"}]}"#),
        (r#"{"content":[["text"],7],"structuredContent":0}"#, r#"{"content":[["text"],7,{"type":"text","text":"0"}]}"#),
    ] {
        check(of_call, result, expected);
    }
}

#[test]
fn where_a_text_says_the_same_it_only_goes() {
    for (result, expected) in [
        (
            r#"{"content":[{"type":"text","text":"[1]"}],"structuredContent":[1]}"#,
            r#"{"content":[{"type":"text","text":"[1]"}]}"#,
        ),
        (
            r#"{"structuredContent":[1],"content":[{"type":"image"},{"text":"1","typ\u0065":"te\u0078t"}]}"#,
            r#"{"content":[{"type":"image"},{"text":"1","typ\u0065":"te\u0078t"}]}"#,
        ),
        (
            r#"{"a":1,"structuredContent":[1],"content":[{"type":"text","text":""}],"structuredContent":2}"#,
            r#"{"a":1,"content":[{"type":"text","text":""}]}"#,
        ),
    ] {
        check(of_call, result, expected);
    }
}

#[test]
fn results_that_everybody_can_read_stay_as_they_are() {
    for result in [
        "{}",
        r#"{"content":[]}"#,
        r#"{"content":[],"structuredContent":{}}"#,
        r#"{ "structuredContent" : { "a":[1] } ,"resultType":"complete"}"#,
        r#"{"content":[{"type":"text","text":"{\"structuredContent\":[1]}"}]}"#,
        r#"{"content":[{"type":"resource","structuredContent":[1]}]}"#,
        r#"{"structuredContent":{"structuredContent":[1]}}"#,
        r#"{"content":["structuredContent"]}"#,
        "[]",
        "null",
        r#"["structuredContent"]"#,
    ] {
        check(of_call, result, result);
    }
    for line in replies(r#""error":{"code":-1,"message":"m","data":{"structuredContent":1}}"#) {
        assert!(of_call(line.as_bytes()).is_empty() && of_list(line.as_bytes()).is_empty(), "{line}");
    }
    for line in ["", "{", r#"{"structuredContent":1}"#, r#"{"result":{"structuredContent":1}}"#, "\"outputSchema\""] {
        assert!(of_call(line.as_bytes()).is_empty() && of_list(line.as_bytes()).is_empty(), "{line}");
    }
    assert!(of_call(b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"structuredContent\":\"\xff\"}}").is_empty());
}

#[test]
fn output_schemas_that_are_no_objects_go() {
    for (result, expected) in [
        (
            r#"{"tools":[{"name":"a","outputSchema":{"type":"array","items":{"type":"object"}}}],"ttlMs":0}"#,
            r#"{"tools":[{"name":"a"}],"ttlMs":0}"#,
        ),
        (
            concat!(
                r#"{"tools" : [ {"outputSchema":{"type":"string"} , "name":"a"} , "#,
                r#"{"name":"b","outputSchema":{"type":"object"}},{"name":"c","outputSchema":{},"x":1.0} ]}"#
            ),
            r#"{"tools" : [ {"name":"a"} , {"name":"b","outputSchema":{"type":"object"}},{"name":"c","x":1.0} ]}"#,
        ),
        (r#"{"tools":[{"outputSchema":{"anyOf":[{"type":"object"}]}}]}"#, r#"{"tools":[{}]}"#),
        (r#"{"tools":[{"outputSchema":{"type":["object"]}}]}"#, r#"{"tools":[{}]}"#),
        (r#"{"tools":[{"outputSchema":{"type":"object","type":"array"}}]}"#, r#"{"tools":[{}]}"#),
        (r#"{"tools":[{"outputSchema":null},{"outputSchema":true}]}"#, r#"{"tools":[{},{}]}"#),
        (r#"{"tools":[{"output\u0053chema":{"type":"number"}}]}"#, r#"{"tools":[{}]}"#),
        (r#"{"tools":[7,["outputSchema"],{"outputSchema":7}]}"#, r#"{"tools":[7,["outputSchema"],{}]}"#),
    ] {
        check(of_list, result, expected);
    }
}

#[test]
fn other_schemas_stay() {
    for result in [
        r#"{"tools":[]}"#,
        r#"{"tools":[{"name":"a","inputSchema":{"type":"array"}}]}"#,
        r#"{"tools":[{"outputSchema":{"properties":{"type":{"type":"array"}},"type":"object"}}]}"#,
        r#"{"tools":[{"outputSchema":{"typ\u0065":"\u006fbject"}}]}"#,
        r#"{"tools":[{"inputSchema":{"outputSchema":{"type":"array"}}}]}"#,
        r#"{"tools":[{"description":"\"outputSchema\":{\"type\":\"array\"}"}]}"#,
        r#"{"tools":{"outputSchema":{"type":"array"}}}"#,
        r#"{"prompts":[{"outputSchema":{"type":"array"}}]}"#,
        r#"{"tools":null,"outputSchema":7}"#,
    ] {
        check(of_list, result, result);
    }
}

#[test]
fn random_results_lose_nothing_else() {
    let mut rng = Cuts::new(18);
    for _ in 0..20_000 {
        let value = |rng: &mut Cuts| match rng.below(4) {
            0 => r#"[{"type":"text","text":"x"}]"#.to_owned(),
            1 => "[{\"type\":\"image\"} ]".to_owned(),
            2 => r#"{"type":"object"}"#.to_owned(),
            _ => jsonrpc::value(rng, 2),
        };
        let mut keys = vec!["structuredContent", "content", "isError", "structured\\u0043ontentX", "outputSchema"];
        let turns = rng.below(keys.len());
        keys.rotate_left(turns);
        keys.truncate(rng.below(keys.len() + 1));
        let members: Vec<String> = keys.iter().map(|key| format!("\"{key}\":{}", value(&mut rng))).collect();
        let object = format!("{{{}}}", members.join([",", " , "][rng.below(2)]));
        let Ok(tree) = serde_json::from_str::<Value>(&object) else { continue };
        let line = replies(&format!("\"result\":{object}"))[rng.below(5)].clone();
        let after: Value = serde_json::from_str(&written(&line, &of_call(line.as_bytes()))).unwrap();
        assert_eq!(after["result"], as_call(tree.clone(), &object), "{line}");
        let line = replies(&format!("\"result\":{{\"tools\":[{object}, {object}]}}"))[rng.below(5)].clone();
        let after: Value = serde_json::from_str(&written(&line, &of_list(line.as_bytes()))).unwrap();
        let tool = as_tool(tree);
        assert_eq!(after["result"]["tools"], json!([tool, tool]), "{line}");
    }
}

/// The same by way of a tree.
fn as_call(mut result: Value, text: &str) -> Value {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Structured<'a> {
        #[serde(borrow)]
        structured_content: &'a serde_json::value::RawValue,
    }
    let members = result.as_object_mut().unwrap();
    if members.get("structuredContent").is_none_or(Value::is_object) {
        return result;
    }
    members.remove("structuredContent");
    let text = serde_json::from_str::<Structured<'_>>(text).unwrap().structured_content.get();
    let content = members.entry("content").or_insert(json!([]));
    if !content.is_array() {
        *content = json!([]);
    }
    let blocks = content.as_array_mut().unwrap();
    if !blocks.iter().any(|block| block["type"] == "text") {
        blocks.push(json!({"type": "text", "text": text}));
    }
    result
}

fn as_tool(mut tool: Value) -> Value {
    if tool.get("outputSchema").is_some_and(|schema| schema["type"] != "object") {
        tool.as_object_mut().unwrap().remove("outputSchema");
    }
    tool
}
