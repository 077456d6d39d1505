//! Words of a peer within words of ours.

use std::borrow::Cow;

/// What is quoted of a peer's words, in bytes: enough to recognise them, too little to flood a log or an answer.
pub const QUOTED_BYTES_MAX: usize = 200;

/// The beginning of a text, with an ellipsis where something is missing. It is one line: spaces stand for control
/// characters, with which a peer could forge lines of the log, or worse on a terminal.
pub fn shorten(text: &str) -> Cow<'_, str> {
    let is_whole = text.len() <= QUOTED_BYTES_MAX;
    if is_whole && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let end = if is_whole {
        text.len()
    } else {
        (0..=QUOTED_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default()
    };
    let ellipsis = if is_whole { "" } else { "…" };
    Cow::Owned(format!("{}{ellipsis}", text[..end].replace(char::is_control, " ")))
}

/// The same of bytes that may be no text.
pub fn shorten_bytes(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED_BYTES_MAX + 4)]);
    shorten(&text).into_owned()
}
