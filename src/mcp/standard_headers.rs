//! The headers that every modern request has (MCP 2026-07-28, Streamable HTTP, Standard Request Headers), and the
//! values in its body that they repeat.

use std::borrow::Cow;

use super::header_mismatch::{Mismatch, Problem, Sent, sent_text};
use crate::codec::jsonrpc::envelope::json_string;
use crate::codec::jsonrpc::spelling::{Unclear, sole};

/// The protocol version, as in `_meta`.
pub const PROTOCOL_VERSION: &str = "MCP-Protocol-Version";
/// The method.
pub const METHOD: &str = "Mcp-Method";
/// What the method is about: see [`named_by`].
pub const NAME: &str = "Mcp-Name";

/// The member of the parameters that `Mcp-Name` repeats; `None` for methods that need no such header. Those of the
/// Tasks extension name their task.
pub fn named_by(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// What `Mcp-Name` must say for this request. `None` where the method needs no such header, or where the parameters
/// lack the value, which is then what is wrong with them.
///
/// # Errors
/// The parameters can be read in two ways.
pub fn name<'a>(method: &str, params: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Unclear> {
    let (Some(key), Some(params)) = (named_by(method), params) else { return Ok(None) };
    match sole(Some(params), key)? {
        Some(value) if value.starts_with('"') => json_string(value).map(Some).ok_or(Unclear),
        Some(_) | None => Ok(None),
    }
}

/// Whether `Mcp-Name` says what the body says, if the method needs it.
pub fn check_name(method: &str, params: Option<&str>, sent: Sent<'_>) -> Result<(), Mismatch> {
    let said = name(method, params).map_err(|Unclear| Mismatch::new(NAME, Problem::Unclear))?;
    let Some(said) = said else { return Ok(()) };
    match sent_text(NAME, sent)? {
        None => Err(Mismatch::new(NAME, Problem::Missing)),
        Some(text) if text == said => Ok(()),
        Some(text) => Err(Mismatch::different(NAME, &text, &said)),
    }
}

/// Whether `Mcp-Method` is the body's method.
pub fn check_method(method: &str, sent: Sent<'_>) -> Result<(), Mismatch> {
    check_plain(METHOD, method, sent)
}

/// Whether `MCP-Protocol-Version` is the version in the body.
pub fn check_version(version: &str, sent: Sent<'_>) -> Result<(), Mismatch> {
    check_plain(PROTOCOL_VERSION, version, sent)
}

/// These two stand in their headers as they are; nobody decodes them.
fn check_plain(header: &str, said: &str, sent: Sent<'_>) -> Result<(), Mismatch> {
    match sent {
        Sent::Nothing => Err(Mismatch::new(header, Problem::Missing)),
        Sent::Several => Err(Mismatch::new(header, Problem::Doubled)),
        Sent::Once(value) if value.trim_ascii() == said.as_bytes() => Ok(()),
        Sent::Once(value) => Err(Mismatch::different(header, &String::from_utf8_lossy(value), said)),
    }
}
