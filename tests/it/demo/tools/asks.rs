//! The tools that ask the client: `ask`, `sample`, `roots`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Play, notification, request};

/// The ask that the server sends next; returns its id and params.
fn expect_ask(play: &mut Play, method: &str) -> (Value, Value) {
    let mut ask = play.next();
    assert_eq!(ask["method"], method);
    assert!(ask["id"].is_number());
    (ask["id"].take(), ask.get_mut("params").map(Value::take).unwrap_or_default())
}

fn reply(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn refusal(id: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -1, "message": "not today" } })
}

#[test]
fn ask_tells_what_the_user_answered() {
    let mut play = Play::open();
    let cases = [
        (
            json!({ "action": "accept", "content": { "name": "Ada", "age": 36 } }),
            "The user answered: age = 36, name = \"Ada\"",
        ),
        (json!({ "action": "decline" }), "The user declined to answer."),
        (json!({ "action": "cancel" }), "The user dismissed the question."),
    ];
    for (result, text) in cases {
        play.call("c", "ask", json!({ "question": "Who?" }));
        let (id, params) = expect_ask(&mut play, "elicitation/create");
        assert_eq!(params["message"], "Who?");
        assert_eq!(params["requestedSchema"]["type"], "object");
        assert_eq!(params["requestedSchema"]["required"], json!(["name"]));
        assert!(params["requestedSchema"]["properties"]["name"].is_object());
        play.expect_nothing().send(reply(&id, result)).expect_text("c", text);
    }
    play.call(1, "ask", json!({ "question": 1 })).expect_failure(1, "`question`");
}

#[test]
fn sample_tells_what_the_model_said() {
    let mut play = Play::open();
    let block = |text| json!({ "type": "text", "text": text });
    let image = json!({ "type": "image", "data": "", "mimeType": "image/png" });
    let cases = [
        (json!({ "role": "assistant", "content": block("hi"), "model": "m-1" }), "m-1 said: hi"),
        (json!({ "role": "assistant", "content": [block("a"), image, block("b")] }), "The model said: a\nb"),
    ];
    for (result, text) in cases {
        play.call(1, "sample", json!({ "prompt": "Say hi", "maxTokens": 7 }));
        let (id, params) = expect_ask(&mut play, "sampling/createMessage");
        let message = json!({ "role": "user", "content": { "type": "text", "text": "Say hi" } });
        assert_eq!(params, json!({ "messages": [message], "maxTokens": 7 }));
        play.send(reply(&id, result)).expect_text(1, text);
    }
    play.call(2, "sample", json!({ "prompt": {} })).expect_failure(2, "`prompt`");
    play.call(3, "sample", json!({ "maxTokens": 0 })).expect_failure(3, "`maxTokens`");
}

#[test]
fn roots_lists_them() {
    let mut play = Play::open();
    let cases = [
        (json!([]), "The client has no roots."),
        (json!([{ "uri": "file:///a", "name": "A" }, { "uri": "file:///b" }]), "file:///a (A)\nfile:///b"),
    ];
    for (roots, text) in cases {
        play.call(1, "roots", json!({}));
        let (id, params) = expect_ask(&mut play, "roots/list");
        assert_eq!(params, Value::Null); // absent
        play.send(reply(&id, json!({ "roots": roots }))).expect_text(1, text);
    }
}

#[test]
fn errors_and_nonsense_become_results() {
    let mut play = Play::open();
    for (tool, method) in [("ask", "elicitation/create"), ("sample", "sampling/createMessage"), ("roots", "roots/list")]
    {
        play.call(1, tool, json!({}));
        let (id, _) = expect_ask(&mut play, method);
        play.send(refusal(&id)).expect_failure(1, "not today");
        for nonsense in [json!({}), json!(null), json!([]), json!({ "action": "accept", "content": 5, "roots": 5 })] {
            play.call(1, tool, json!({}));
            let (id, _) = expect_ask(&mut play, method);
            play.send(reply(&id, nonsense)).expect_failure(1, "makes no sense");
        }
        play.call(1, tool, json!({}));
        let (id, _) = expect_ask(&mut play, method);
        play.send(json!({ "jsonrpc": "2.0", "id": id, "error": null })).expect_failure(1, "no reason given");
    }
}

#[test]
fn a_client_that_cannot_be_asked_is_not() {
    let mut play = Play::open_as("2025-11-25", json!({ "elicitation": { "url": {} }, "sampling": true }));
    play.call(1, "ask", json!({})).expect_failure(1, "`elicitation`");
    play.call(2, "sample", json!({})).expect_failure(2, "`sampling`");
    play.call(3, "roots", json!({})).expect_failure(3, "`roots`");
    let mut play = Play::open_as("2025-11-25", json!({ "elicitation": { "url": {}, "form": {} } }));
    play.call(4, "ask", json!({}));
    expect_ask(&mut play, "elicitation/create");
}

#[test]
fn each_reply_finds_its_own_call() {
    let mut play = Play::open();
    play.call(1, "ask", json!({})).call(2, "roots", json!({})).call(3, "ask", json!({}));
    let (first, _) = expect_ask(&mut play, "elicitation/create");
    let (second, _) = expect_ask(&mut play, "roots/list");
    let (third, _) = expect_ask(&mut play, "elicitation/create");
    play.send(reply(&third, json!({ "action": "cancel" }))).expect_text(3, "The user dismissed the question.");
    play.send(reply(&first, json!({ "action": "decline" }))).expect_text(1, "The user declined to answer.");
    play.send(reply(&second, json!({ "roots": [] }))).expect_text(2, "The client has no roots.");
    // A second reply, and one with the id in another type, are nobody's.
    play.call(4, "ask", json!({}));
    let (fourth, _) = expect_ask(&mut play, "elicitation/create");
    play.send(reply(&first, json!({ "action": "decline" }))).expect_nothing();
    play.send(reply(&json!(fourth.to_string()), json!({ "action": "decline" }))).expect_nothing();
    play.send(reply(&fourth, json!({ "action": "decline" }))).expect_text(4, "The user declined to answer.");
}

#[test]
fn a_cancelled_call_withdraws_its_ask() {
    let mut play = Play::open();
    play.call(1, "ask", json!({}));
    let (id, _) = expect_ask(&mut play, "elicitation/create");
    play.send(request(1, "tools/call", json!({ "name": "echo" }))).expect_error(1, -32600);
    play.send(notification("notifications/cancelled", json!({ "requestId": 1 })));
    let params = json!({ "requestId": id, "reason": "the call that asked was cancelled" });
    play.expect_notification("notifications/cancelled", params);
    play.send(reply(&id, json!({ "action": "decline" }))).pass(Duration::from_secs(3_600)).expect_nothing();
}
