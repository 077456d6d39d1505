//! What a legacy upstream wanted to ask of a modern downstream that has not declared it (2026-07-28, `_meta`): the call
//! may have failed for it.

use super::ask::AskKind;
use crate::codec::jsonrpc::envelope::{Message, Outcome, read_message};

/// Whether a reply is a result that says that a tool has failed.
pub fn is_tool_failure(reply: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Reply {
        result: ToolResult,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ToolResult {
        #[serde(default)]
        is_error: bool,
    }
    serde_json::from_slice::<Reply>(reply).is_ok_and(|reply| reply.result.is_error)
}

/// The `data` of an error -32021: what is missing, and what the upstream said without it.
pub fn data(missing: &[AskKind], reply: &[u8]) -> String {
    let mut names: Vec<&str> = missing.iter().filter_map(|kind| kind.capability()).collect();
    names.sort_unstable();
    // One for each capability: the more demanding one stands before the other.
    names.dedup_by_key(|capability| capability.split(':').next());
    format!("{{\"requiredCapabilities\":{{{}}},\"upstream\":{}}}", names.join(","), said(reply))
}

fn said(reply: &[u8]) -> &str {
    match read_message(reply) {
        Ok(Message::Response { outcome: Outcome::Result(text) | Outcome::Error(text), .. }) => text,
        Ok(Message::Request { .. } | Message::Notification { .. }) | Err(_) => "null",
    }
}
