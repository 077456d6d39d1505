//! `mcp::missing`: what a call failed for, as far as that can be known.

use mcp_proxy::mcp::ask::AskKind;
use mcp_proxy::mcp::missing::{data, is_tool_failure};
use serde_json::{Value, json};

#[test]
fn failures_of_tools() {
    assert!(is_tool_failure(br#"{"jsonrpc":"2.0","id":7,"result":{"isError":true}}"#));
    assert!(!is_tool_failure(br#"{"jsonrpc":"2.0","id":7,"result":{"isError":false}}"#));
    assert!(!is_tool_failure(br#"{"jsonrpc":"2.0","id":7,"result":{"a":{"isError":true}}}"#));
    assert!(!is_tool_failure(br#"{"jsonrpc":"2.0","id":7,"error":{"isError":true}}"#));
}

#[test]
fn what_is_missing_and_what_was_said() {
    let reply = br#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"x"}}"#;
    let kinds = [AskKind::Roots, AskKind::Sampling, AskKind::SamplingTools, AskKind::Roots, AskKind::Unknown];
    let data: Value = serde_json::from_str(&data(&kinds, reply)).unwrap();
    let required = json!({"roots": {}, "sampling": {"tools": {}}});
    assert_eq!(data, json!({"requiredCapabilities": required, "upstream": {"code": 1, "message": "x"}}));
}
