//! Resources, templates and subscriptions.

use serde_json::{Value, json};

use super::{Play, request};

fn read(play: &mut Play, uri: &str) -> Value {
    play.send(request("read", "resources/read", json!({ "uri": uri })));
    let mut result = play.result(json!("read"));
    assert_eq!(result["contents"].as_array().unwrap().len(), 1);
    assert_eq!(result["contents"][0]["uri"], uri);
    result["contents"][0].take()
}

#[test]
fn what_is_listed_can_be_read() {
    let mut play = Play::open();
    let (resources, pages) = play.walk("resources/list", "resources");
    assert_eq!(pages, [5, 1]);
    for resource in resources {
        let content = read(&mut play, resource["uri"].as_str().unwrap());
        assert_eq!(content["mimeType"], resource["mimeType"]);
        let text = content.get("text").map(|text| text.as_str().unwrap().len());
        if let Some((size, length)) = resource.get("size").zip(text) {
            assert_eq!(size.as_u64().unwrap(), length as u64);
        }
        assert!(text.is_some() != content.get("blob").is_some());
    }
}

#[test]
fn texts_and_pictures() {
    let mut play = Play::open();
    assert!(read(&mut play, "demo://readme")["text"].as_str().unwrap().starts_with("# The demo server\n"));
    let awkward = read(&mut play, "demo://awkward");
    assert!(
        ['"', '\\', '\n', '\r', '\0', '\u{2028}', '🦀'].iter().all(|c| awkward["text"].as_str().unwrap().contains(*c))
    );
    assert_eq!(read(&mut play, "demo://empty")["text"], "");
    // The base64 of the signature that every PNG begins with, and of the chunk that ends it.
    let picture = read(&mut play, "demo://picture");
    let blob = picture["blob"].as_str().unwrap();
    assert!(blob.starts_with("iVBORw0KGgo") && blob.ends_with("ABJRU5ErkJggg=="));
    assert_eq!(blob.len(), 108);
    let (resources, _) = play.walk("resources/list", "resources");
    let listed = resources.iter().find(|resource| resource["name"] == "picture").unwrap();
    assert_eq!(listed["size"], 79);
}

#[test]
fn greetings_come_from_a_template() {
    let mut play = Play::open();
    let (templates, _) = play.walk("resources/templates/list", "resourceTemplates");
    assert_eq!(templates[0]["uriTemplate"], "demo://greeting/{name}");
    let cases = [("Ada", "Ada"), ("Ada%20Lovelace", "Ada Lovelace"), ("%C3%89mile", "Émile"), ("a+b", "a+b")];
    for (name, greeted) in cases {
        let content = read(&mut play, &format!("demo://greeting/{name}"));
        assert_eq!(content["text"], format!("Hello, {greeted}!"));
    }
}

#[test]
fn what_is_missing_is_named() {
    let mut play = Play::open();
    let missing =
        ["", "demo://nope", "demo://toggled", "file:///etc/passwd", "demo://greeting/", "demo://greeting/a/b"];
    let broken =
        ["demo://greeting/%", "demo://greeting/%4", "demo://greeting/%+1", "demo://greeting/%é", "demo://greeting/%ff"];
    for uri in missing.into_iter().chain(broken) {
        play.send(request(1, "resources/read", json!({ "uri": uri })));
        assert_eq!(play.error(json!(1), -32002)["data"], json!({ "uri": uri }));
        play.send(request(2, "resources/subscribe", json!({ "uri": uri })));
        assert_eq!(play.error(json!(2), -32002)["data"], json!({ "uri": uri }));
    }
    for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
        play.send(request(3, method, json!({}))).expect_error(3, -32602);
        play.send(request(4, method, json!({ "uri": 5 }))).expect_error(4, -32602);
    }
}

#[test]
fn subscribers_hear_of_changes() {
    let mut play = Play::open();
    let counter = json!({ "uri": "demo://counter" });
    assert_eq!(read(&mut play, "demo://counter")["text"], "0");
    play.call(1, "bump", json!({})).expect_text(1, "demo://counter is now 1.");
    // Subscribed twice is subscribed; and another resource is not meant.
    for uri in ["demo://counter", "demo://counter", "demo://table"] {
        play.send(request(2, "resources/subscribe", json!({ "uri": uri }))).expect_result(2, json!({}));
    }
    play.call(3, "bump", json!({})).expect_notification("notifications/resources/updated", counter.clone());
    play.expect_text(3, "demo://counter is now 2.");
    assert_eq!(read(&mut play, "demo://counter")["text"], "2");
    play.send(request(4, "resources/unsubscribe", counter.clone())).expect_result(4, json!({}));
    play.send(request(5, "resources/unsubscribe", counter)).expect_result(5, json!({}));
    play.call(6, "bump", json!({})).expect_text(6, "demo://counter is now 3.");
}

#[test]
fn toggle_adds_a_resource() {
    let mut play = Play::open();
    let changed = json!({ "jsonrpc": "2.0", "method": "notifications/resources/list_changed" });
    play.call(1, "toggle", json!({ "list": "resources" })).expect(changed.clone());
    play.expect_text(1, "The resource `demo://toggled` is there.");
    assert_eq!(play.names("resources/list", "resources").last().unwrap(), "toggled");
    assert_eq!(read(&mut play, "demo://toggled")["text"], "Here I am.");
    play.call(2, "toggle", json!({ "list": "resources" })).expect(changed);
    play.expect_text(2, "The resource `demo://toggled` is gone.");
    play.send(request(3, "resources/read", json!({ "uri": "demo://toggled" }))).expect_error(3, -32002);
}
