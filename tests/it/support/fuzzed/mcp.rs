//! What must hold for whatever is read of the protocol itself.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::header_value::{decode, encode};
use mcp_proxy::codec::jsonrpc::envelope::{Message, read_message};
use mcp_proxy::codec::jsonrpc::rewrite::Rewrite;
use mcp_proxy::codec::jsonrpc::splice::{Patch, push_line, range_in};
use mcp_proxy::mcp::era_error::{self, LegacyError};
use mcp_proxy::mcp::legacy_result;
use mcp_proxy::mcp::log_level::LogLevel;
use mcp_proxy::mcp::meta::{Meta, ModernKey, ModernKeys, with_modern_keys, without_modern_keys};
use mcp_proxy::mcp::modern_result::{self, Additions};
use mcp_proxy::mcp::result_type::{self, InvalidResult, ResultType};
use serde_json::{Map, Value};

/// Every text comes back from the value that stands for it, and what stands for a text does so in one of two ways only:
/// as it is, or in the one encoding of it.
pub(crate) fn header_value(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let value = encode(text);
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        assert_eq!(value.trim(), value);
        assert_eq!(decode(value.as_bytes()).as_deref(), Ok(text));
    }
    let Ok(text) = decode(data) else { return };
    let value = data.trim_ascii();
    if text.as_bytes() == value {
        return;
    }
    assert!(value.starts_with(b"=?base64?") && value.ends_with(b"?="));
    let anew = encode(&text);
    assert!(anew == text || anew.as_bytes() == value, "two encodings of one text");
}

/// Parameters keep all but the modern keys: with them, what was set is read; without them, none is left.
pub(crate) fn meta(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let message = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{text}}}");
    let Ok(Message::Request { params, .. }) = read_message(message.as_bytes()) else { return };
    let keys = ModernKeys {
        protocol_version: "2026-07-28",
        client_info: None,
        client_capabilities: "{\"roots\":{}}",
        log_level: Some(LogLevel::Warning),
    };
    let read = Meta::read(params.meta);
    let Ok(without) = without_modern_keys(message.as_bytes(), params.meta) else {
        assert!(read.is_err() && with_modern_keys(message.as_bytes(), params.text, &keys).is_err());
        return;
    };
    if without.is_empty() {
        assert!(read.is_ok_and(|read| !read.has_any()));
    }
    let left = rewritten(&message, &without, params.progress_token);
    assert!(!meta_of(&left).has_any());
    let with = with_modern_keys(message.as_bytes(), params.text, &keys).unwrap();
    let set = rewritten(&message, &with, params.progress_token);
    let expected = Meta {
        protocol_version: Some("2026-07-28".into()),
        client_info: None,
        client_capabilities: Some("{\"roots\":{}}"),
        log_level: Some("\"warning\""),
    };
    assert_eq!(meta_of(&set), expected);
    // A tree cannot be built of everything that may pass: nesting and numbers have their bounds there.
    let tree = |text: &str| serde_json::from_str::<Value>(text);
    if let (Ok(mut before), Ok(left), Ok(mut set)) = (tree(&message), tree(&left), tree(&set)) {
        before["params"]["_meta"] = meta_left(&before);
        assert_eq!(meta_left(&left), before["params"]["_meta"]);
        for tree in [&mut before, &mut set] {
            tree["params"]["_meta"] = meta_left(tree);
        }
        assert_eq!(set, before);
    }
}

fn meta_of(message: &str) -> Meta<'_> {
    let Ok(Message::Request { params, .. }) = read_message(message.as_bytes()) else { panic!("no request: {message}") };
    Meta::read(params.meta).unwrap()
}

/// `_meta` of a request without the modern keys; a request without a `_meta` that is an object has an empty one.
fn meta_left(message: &Value) -> Value {
    let mut meta = message["params"]["_meta"].clone();
    let Some(members) = meta.as_object_mut() else { return Value::Object(Map::new()) };
    members.retain(|key, _| ModernKey::ALL.iter().all(|known| known.as_str() != key));
    members.entry("progressToken").and_modify(|token| *token = 4711.into());
    meta
}

/// The message with its parts replaced, the progress token among them. All else keeps its bytes.
fn rewritten(message: &str, rewrite: &Rewrite, token: Option<&str>) -> String {
    let token = token.map(|token| Patch { range: range_in(message.as_bytes(), token).unwrap(), text: "4711" });
    let mut patches: Vec<Patch<'_>> = rewrite.patches().chain(token).collect();
    let mut out = Buf::new();
    push_line(&mut out, message.as_bytes(), &mut patches);
    assert!(patches.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start), "they overlap");
    String::from_utf8(out.as_slice().to_vec()).unwrap()
}

/// What is made of a reply for the other era is a reply, and one that needs nothing more to be made of it.
pub(crate) fn results(data: &[u8]) {
    let additions = Additions { is_cacheable: true, server_info: Some("{}") };
    let Ok(Message::Response { id, .. }) = read_message(data) else {
        // Whatever an upstream says, and wherever its id was seen.
        let _ = modern_result::for_modern(data, &(0..data.len() / 2), &additions);
        let _ = (result_type::read(data), legacy_result::of_call(data), legacy_result::of_list(data));
        let _ = (era_error::of_legacy(data), era_error::of_modern(data, Some("a")));
        return;
    };
    let Some(id) = range_in(data, id) else { return }; // an error without an id
    if let Some(rewrite) = modern_result::for_modern(data, &id, &additions) {
        let modern = replied(data, &rewrite);
        let id = match read_message(&modern) {
            Ok(Message::Response { id, .. }) => range_in(&modern, id).unwrap(),
            other => panic!("no reply: {other:?}"),
        };
        let again = modern_result::for_modern(&modern, &id, &additions).unwrap();
        assert_eq!(replied(&modern, &again), modern);
        assert!(matches!(result_type::read(&modern), Ok(ResultType::Complete) | Err(InvalidResult::Doubled)));
    }
    let call = replied(data, &legacy_result::of_call(data));
    assert!(legacy_result::of_call(&call).is_empty());
    let list = replied(data, &legacy_result::of_list(data));
    assert!(legacy_result::of_list(&list).is_empty());
    if let LegacyError::Passes(rewrite) = era_error::of_legacy(data) {
        assert_eq!(era_error::of_legacy(&replied(data, &rewrite)), LegacyError::Passes(Rewrite::default()));
    }
    replied(data, &era_error::of_modern(data, Some("a")));
    let _ = result_type::read(data);
}

/// The reply with its parts replaced.
fn replied(line: &[u8], rewrite: &Rewrite) -> Vec<u8> {
    let line = rewrite.pieces(line, []).concat();
    assert!(matches!(read_message(&line), Ok(Message::Response { .. })), "{}", String::from_utf8_lossy(&line));
    line
}
