//! Replies with results of any kind, and what was made of them.

use std::ops::Range;

use mcp_proxy::codec::jsonrpc::envelope::{Message, read_message};
use mcp_proxy::codec::jsonrpc::rewrite::Rewrite;
use mcp_proxy::codec::jsonrpc::splice::{Patch, range_in};

/// The usual and the unusual ways to write a reply around its outcome, which is `"result":…` or `"error":…`. The last
/// ones are read with care, so both ways must come to the same end.
pub(crate) fn replies(outcome: &str) -> [String; 5] {
    [
        format!(r#"{{"jsonrpc":"2.0","id":7,{outcome}}}"#),
        format!(r#"{{{outcome},"jsonrpc":"2.0","id":7}}"#),
        format!(r#"{{"jsonrpc":"2.0",{outcome},"id":7}}"#),
        format!(r#"{{ "jsonrpc" : "2.0", "id" : 7 , {outcome} }}"#),
        format!(r#"{{"x":"\u0041","jsonrpc":"2.0",{outcome},"id":7}}"#),
    ]
}

/// Where the id of a reply stands.
pub(crate) fn id_range(line: &str) -> Range<usize> {
    match read_message(line.as_bytes()).unwrap_or_else(|error| panic!("{error:?}: {line}")) {
        Message::Response { id, .. } => range_in(line.as_bytes(), id).unwrap(),
        Message::Request { .. } | Message::Notification { .. } => panic!("no reply: {line}"),
    }
}

/// The reply with its parts replaced, its id among them.
pub(crate) fn written(line: &str, rewrite: &Rewrite) -> String {
    let id = Patch { range: id_range(line), text: "7" };
    String::from_utf8(rewrite.pieces(line.as_bytes(), [id]).concat()).unwrap()
}
