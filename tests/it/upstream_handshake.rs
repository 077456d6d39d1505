//! `upstream::handshake`: the proxy's own requests are messages, and their ids come back.

use mcp_proxy::codec::jsonrpc::envelope::{Message, read_message};
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::upstream::handshake::{
    OwnRequest, discover, initialize, list_tools, own_info, own_keys, set_level, subscription,
};
use serde_json::{Value, json};

#[track_caller]
fn assert_request(text: &str, own: OwnRequest, expected_method: &str, expected_params: &Value) {
    let Ok(Message::Request { id, method, params }) = read_message(text.as_bytes()) else { panic!("{text}") };
    assert_eq!(OwnRequest::of(id), Some(own));
    assert_eq!(method, expected_method);
    assert_eq!(serde_json::from_str::<Value>(params.text.unwrap()).unwrap(), *expected_params);
    assert!(!text.contains("null") && !text.contains('\n'), "{text}");
}

#[test]
fn initialize_offers_what_downstreams_may_turn_out_to_have() {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {
            "roots": { "listChanged": true },
            "sampling": { "tools": {} },
            "elicitation": { "form": {}, "url": {} },
        },
        "clientInfo": { "name": "a \"name\"\n", "version": "1\\0" },
    });
    assert_request(&initialize("a \"name\"\n", "1\\0"), OwnRequest::Initialize, "initialize", &params);
}

#[test]
fn the_other_requests_say_what_they_mean() {
    assert_request(&discover(), OwnRequest::Discover, "server/discover", &json!({}));
    assert_request(&list_tools(None), OwnRequest::ListTools, "tools/list", &json!({}));
    assert_request(&list_tools(Some("")), OwnRequest::ListTools, "tools/list", &json!({ "cursor": "" }));
    assert_request(&list_tools(Some("\"\n")), OwnRequest::ListTools, "tools/list", &json!({ "cursor": "\"\n" }));
    let level = json!({ "level": "warning" });
    assert_request(&set_level(LogLevel::Warning), OwnRequest::SetLevel, "logging/setLevel", &level);
    let uri = json!({ "uri": "a:\"b" });
    assert_request(&subscription("a:\"b", true), OwnRequest::Subscription, "resources/subscribe", &uri);
    assert_request(&subscription("a:\"b", false), OwnRequest::Subscription, "resources/unsubscribe", &uri);
}

#[test]
fn a_modern_upstream_is_told_who_asks() {
    let info = own_info("a \"name\"", "1");
    let keys = own_keys(&info);
    assert_eq!(keys.client_info, Some(r#"{"name":"a \"name\"","version":"1"}"#));
    assert_eq!((keys.protocol_version, keys.log_level), ("2026-07-28", None));
    let modern = [OwnRequest::Discover, OwnRequest::ListTools];
    let legacy = [OwnRequest::Initialize, OwnRequest::SetLevel, OwnRequest::Subscription, OwnRequest::Ping];
    assert!(modern.into_iter().all(OwnRequest::is_modern) && !legacy.into_iter().any(OwnRequest::is_modern));
}

#[test]
fn no_id_comes_twice() {
    assert_eq!(OwnRequest::Ping.next_id(3), "\"mcp-proxy:ping:3\"");
    assert_eq!(OwnRequest::of("\"mcp-proxy:ping:3\""), Some(OwnRequest::Ping));
}

#[test]
fn other_ids_are_not_ours() {
    for id in [
        "\"\"",
        "7",
        "null",
        "mcp-proxy:initialize",
        "\"mcp-proxy:initialize\" ",
        "\"mcp-proxy:\"",
        "\"mcp-proxy:ping:\"",
        "\"mcp-proxy:ping2\"",
    ] {
        assert_eq!(OwnRequest::of(id), None, "{id}");
    }
}
