//! Prompts, and completion for them and for templates.

use serde_json::json;

use super::{Play, request};

#[test]
fn the_list_names_the_arguments() {
    let mut play = Play::open();
    let (prompts, pages) = play.walk("prompts/list", "prompts");
    assert_eq!(pages, [2]);
    assert_eq!(prompts[0]["name"], "tour");
    assert!(prompts[0].get("arguments").is_none());
    assert_eq!(prompts[1]["name"], "poem");
    let arguments = prompts[1]["arguments"].as_array().unwrap();
    assert_eq!((&arguments[0]["name"], &arguments[0]["required"]), (&json!("topic"), &json!(true)));
    assert_eq!((&arguments[1]["name"], &arguments[1]["required"]), (&json!("form"), &json!(false)));
    play.send(request(1, "prompts/list", json!({ "cursor": "prompts.5" }))).expect_error(1, -32602);
}

#[test]
fn tour_carries_the_readme() {
    let mut play = Play::open();
    play.send(request(1, "resources/read", json!({ "uri": "demo://readme" })));
    let readme = play.result(json!(1))["contents"][0].take();
    play.send(request(2, "prompts/get", json!({ "name": "tour" })));
    let result = play.result(json!(2));
    assert_eq!(result["messages"][0]["content"], json!({ "type": "resource", "resource": readme }));
    assert_eq!(result["messages"][1]["content"]["type"], "text");
    assert!(result["messages"].as_array().unwrap().iter().all(|message| message["role"] == "user"));
}

#[test]
fn poem_takes_arguments() {
    let mut play = Play::open();
    let cases = [
        (json!({ "topic": "the sea" }), "Write a poem about the sea."),
        (json!({ "topic": "the sea", "form": "haiku", "more": 5 }), "Write a haiku about the sea."),
    ];
    for (arguments, text) in cases {
        let message = json!({ "role": "user", "content": { "type": "text", "text": text } });
        play.send(request(1, "prompts/get", json!({ "name": "poem", "arguments": arguments })));
        play.expect_result(1, json!({ "description": "A poem", "messages": [message] }));
    }
}

#[test]
fn wrong_prompts_and_arguments_are_refused() {
    let mut play = Play::open();
    for params in [
        json!({}),
        json!({ "name": 1 }),
        json!({ "name": "nope" }),
        json!({ "name": "toggled" }),
        json!({ "name": "poem" }),
        json!({ "name": "poem", "arguments": [] }),
        json!({ "name": "poem", "arguments": { "form": "ode" } }),
        json!({ "name": "poem", "arguments": { "topic": 5 } }),
        json!({ "name": "poem", "arguments": { "topic": "x", "form": null } }),
    ] {
        play.send(request(1, "prompts/get", params)).expect_error(1, -32602);
    }
}

#[test]
fn toggle_adds_a_prompt() {
    let mut play = Play::open();
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/prompts/list_changed" });
    play.call(1, "toggle", json!({ "list": "prompts" })).expect(changed.clone());
    play.expect_text(1, "The prompt `toggled` is there.");
    assert_eq!(play.names("prompts/list", "prompts"), ["tour", "poem", "toggled"]);
    play.send(request(2, "prompts/get", json!({ "name": "toggled" })));
    assert_eq!(play.result(json!(2))["messages"].as_array().unwrap().len(), 1);
    play.call(3, "toggle", json!({ "list": "prompts" })).expect(changed);
    play.expect_text(3, "The prompt `toggled` is gone.");
    assert_eq!(play.names("prompts/list", "prompts"), ["tour", "poem"]);
}

#[test]
fn completion_offers_what_begins_like_that() {
    let mut play = Play::open();
    let poem = json!({ "type": "ref/prompt", "name": "poem" });
    let greeting = json!({ "type": "ref/resource", "uri": "demo://greeting/{name}" });
    let cases = [
        (&poem, "form", "", json!(["ballad", "haiku", "limerick", "ode", "sonnet"])),
        (&poem, "form", "H", json!(["haiku"])),
        (&poem, "topic", "a p", json!(["a proxy", "a protocol"])),
        (&greeting, "name", "a", json!(["Ada", "Alan"])),
        (&greeting, "name", "Ä", json!([])),
    ];
    for (reference, name, value, values) in cases {
        let params = json!({ "ref": reference, "argument": { "name": name, "value": value } });
        let total = values.as_array().unwrap().len();
        let completion = json!({ "values": values, "total": total, "hasMore": false });
        play.send(request(1, "completion/complete", params)).expect_result(1, json!({ "completion": completion }));
    }
}

#[test]
fn completion_checks_what_it_is_for() {
    let mut play = Play::open();
    let argument = json!({ "name": "form", "value": "" });
    for params in [
        json!({}),
        json!({ "ref": { "type": "ref/prompt", "name": "poem" } }),
        json!({ "ref": { "type": "ref/prompt", "name": "poem" }, "argument": { "name": "form" } }),
        json!({ "ref": { "type": "ref/prompt", "name": "poem" }, "argument": { "name": "nope", "value": "" } }),
        json!({ "ref": { "type": "ref/prompt", "name": "tour" }, "argument": argument }),
        json!({ "ref": { "type": "ref/resource", "uri": "poem" }, "argument": argument }),
        json!({ "ref": { "type": "ref/tool", "name": "poem" }, "argument": argument }),
        json!({ "ref": "poem", "argument": argument }),
    ] {
        play.send(request(1, "completion/complete", params)).expect_error(1, -32602);
    }
}
