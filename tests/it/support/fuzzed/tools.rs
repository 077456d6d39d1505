//! What must hold for arbitrary lists of tools, for what is called of them, and for what parked calls are found by.

use mcp_proxy::codec::header_value::decode;
use mcp_proxy::config::{ToolFilter, ToolFilterMode};
use mcp_proxy::mcp::header_mismatch::Sent;
use mcp_proxy::mcp::request_state::{Context, NONCE_BYTES, Seal, digest};
use mcp_proxy::mcp::tool_filter::{called_tool, is_match, is_offered, without_filtered};
use mcp_proxy::mcp::tool_headers::ToolHeaders;
use mcp_proxy::upstream::catalogue::Catalogue;
use serde_json::{Value, json};

/// The headers of a tool say what its arguments say, whatever its schema is; no tool that is filtered is left in a
/// list, and none is called.
pub(crate) fn tools(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (schema, arguments) = text.split_once('\u{7}').unwrap_or((text, text));
    headers(schema, arguments);
    let filter = ToolFilter { mode: ToolFilterMode::Block, names: vec!["a*c".to_owned(), "*z".to_owned()] };
    if let Ok(Some((range, left))) = without_filtered(&filter, data, |_| true) {
        let list: Value = serde_json::from_slice(&[&data[..range.start], left.as_bytes(), &data[range.end..]].concat())
            .unwrap_or(Value::Null); // nesting and numbers have their bounds in a tree
        for tool in list["result"]["tools"].as_array().into_iter().flatten() {
            assert!(tool["name"].as_str().is_some_and(|name| is_offered(&filter, name)), "{tool}");
        }
    }
    if let Some(name) = called_tool(Some(text)) {
        assert_eq!(is_offered(&filter, &name), !is_match("a*c", &name) && !is_match("*z", &name));
        assert!(is_match("*", &name));
    }
    let mut catalogue = Catalogue::filtered(Some(filter));
    catalogue.on_link(data.len().is_multiple_of(2));
    let _ = catalogue.on_page(text);
    assert!(catalogue.tools().iter().all(|tool| !is_match("*z", tool)));
}

fn headers(schema: &str, arguments: &str) {
    let Ok(headers) = ToolHeaders::of_schema(schema) else { return };
    assert_eq!(headers.is_empty(), headers.iter().next().is_none());
    let params = headers.params(Some(arguments));
    for (at, (name, value)) in params.iter().enumerate() {
        assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':'), "{name}");
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && decode(value.as_bytes()).is_ok(), "{value}");
        assert!(params[..at].iter().all(|(other, _)| !other.eq_ignore_ascii_case(name)), "{name} twice");
    }
    let sent = |wanted: &str| {
        let found = params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or(Sent::Nothing, |(_, value)| Sent::Once(value.as_bytes()))
    };
    // Only what stands there twice is unclear: it was written, and is refused.
    let is_clear = serde_json::from_str::<Value>(arguments).is_ok_and(|tree| tree.to_string().len() == arguments.len());
    if is_clear {
        assert_eq!(headers.check(Some(arguments), sent), Ok(()), "{params:?}");
    }
}

/// What was sealed comes back to whoever it was made for, and to nobody else; and nobody can make one.
pub(crate) fn request_state(data: &[u8]) {
    let seal = Seal::new([7; 32]);
    let text = String::from_utf8_lossy(data);
    let context = Context { principal: b"p", server: "s", method: "tools/call", digest: [1; 32] };
    assert!(seal.open(&context, &text).is_err(), "a forgery");
    let mut nonce = [0; NONCE_BYTES];
    nonce.iter_mut().zip(data).for_each(|(to, from)| *to = *from);
    let payload = &data[..data.len().min(64)];
    let state = seal.seal(nonce, &context, payload);
    assert!(state.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    assert_eq!(seal.open(&context, &state).as_deref(), Ok(payload));
    for other in [
        Context { principal: data, ..context },
        Context { server: &text, ..context },
        Context { method: &text, ..context },
        Context { principal: b"ps", server: "", ..context },
        Context { digest: [2; 32], ..context },
    ] {
        let is_same = other.principal == b"p" && other.server == "s" && other.method == "tools/call";
        assert!(seal.open(&other, &state).is_err() || is_same && other.digest == [1; 32]);
    }
    let at = data.iter().map(|byte| usize::from(*byte)).sum::<usize>() % state.len();
    let changed = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
    assert!(seal.open(&context, &format!("{}{changed}{}", &state[..at], &state[at + 1..])).is_err());
    // Neither the order of members nor how they are spelt makes it another call.
    if let Ok(tree) = serde_json::from_slice::<Value>(data)
        && let Ok(digested) = digest(Some(&text))
    {
        assert_eq!(digest(Some(&tree.to_string())).ok(), Some(digested));
        let more = json!({"name": tree["name"], "uri": tree["uri"], "arguments": [tree["arguments"]]});
        assert_ne!(digest(Some(&more.to_string())).ok(), Some(digested));
    }
}
