//! Text in a header: the value encoding of `Mcp-Name` and `Mcp-Param-*` (MCP 2026-07-28, Streamable HTTP, Value
//! Encoding).
//!
//! ```text
//! us-west1          us-west1
//! Hello, 世界        =?base64?SGVsbG8sIOS4lueVjA==?=
//! ```
//!
//! Reading is strict: what two readers could take for two texts is refused.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The two are case-sensitive.
const PREFIX: &str = "=?base64?";
const SUFFIX: &str = "?=";

/// Why a value stands for no text. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderValueError {
    /// A byte that is neither visible ASCII nor a space nor a tab (RFC 9110, 5.5, as MCP narrows it).
    Character,
    /// Between the markers is no Base64 (RFC 4648, 4) as an encoder writes it: of the standard alphabet, padded,
    /// without leftover bits.
    Base64,
    /// What was encoded is no UTF-8.
    Text,
}

impl fmt::Display for HeaderValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeaderValueError::Character => "it has a character that no header may have",
            HeaderValueError::Base64 => "it is marked as Base64 and is none",
            HeaderValueError::Text => "it is Base64 of what is not UTF-8",
        })
    }
}

impl std::error::Error for HeaderValueError {}

/// The value that stands for a text.
///
/// Encoded is also what the specification leaves open: tabs, which are control characters too, and the empty text,
/// since some readers take a header without a value for none.
pub fn encode(text: &str) -> Cow<'_, str> {
    if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(format!("{PREFIX}{}{SUFFIX}", STANDARD.encode(text))) }
}

fn is_plain(text: &str) -> bool {
    let has_safe_bytes = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let has_safe_ends = !text.is_empty() && !text.starts_with(' ') && !text.ends_with(' ');
    has_safe_bytes && has_safe_ends && !is_marked(text)
}

/// Whether it matches the sentinel pattern. In `=?base64?=` the two markers share a character: some readers take it for
/// an encoded nothing.
fn is_marked(text: &str) -> bool {
    text.starts_with(PREFIX) && text.ends_with(SUFFIX)
}

/// The text that a value, as it came over the wire, stands for. White space around it is no part of it (RFC 9110, 5.5).
pub fn decode(value: &[u8]) -> Result<Cow<'_, str>, HeaderValueError> {
    if !value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return Err(HeaderValueError::Character);
    }
    let text = std::str::from_utf8(value).map_err(|_| HeaderValueError::Character)?;
    let text = text.trim_matches([' ', '\t']);
    if !is_marked(text) {
        return Ok(Cow::Borrowed(text));
    }
    let inner = text.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX)).ok_or(HeaderValueError::Base64)?;
    let bytes = STANDARD.decode(inner).map_err(|_| HeaderValueError::Base64)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| HeaderValueError::Text)
}
