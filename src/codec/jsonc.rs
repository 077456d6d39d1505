//! JSON with comments, as editors know it, made plain JSON in place.
//!
//! Comments and trailing commas become spaces, so every other byte keeps its line and column and whatever is
//! wrong later can still be pointed at. Strings are not touched. Whether the rest is JSON is the JSON parser's to say.
//!
//! ```text
//! {"args": ["-y", /* always */ "x",],}   in
//! {"args": ["-y",              "x" ] }   out
//! ```

use std::fmt;

/// What makes the rest of the text unreadable. The offset is that of the opening mark: the closing one is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsoncError {
    /// `/*` without `*/`.
    UnterminatedComment {
        /// Of the slash.
        offset: usize,
    },
    /// A quote without its partner on the same line; JSON strings cannot span lines.
    UnterminatedString {
        /// Of the quote.
        offset: usize,
    },
}

impl JsoncError {
    /// Where it is, in bytes.
    pub fn offset(&self) -> usize {
        match *self {
            JsoncError::UnterminatedComment { offset } | JsoncError::UnterminatedString { offset } => offset,
        }
    }
}

impl fmt::Display for JsoncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JsoncError::UnterminatedComment { .. } => "this comment has no end (*/)",
            JsoncError::UnterminatedString { .. } => "this string has no closing quote on its line",
        })
    }
}

impl std::error::Error for JsoncError {}

/// Blanks comments, trailing commas and a byte order mark.
pub fn blank(text: &mut [u8]) -> Result<(), JsoncError> {
    let mut at = 0;
    if text.starts_with(b"\xef\xbb\xbf") {
        text[..3].fill(b' ');
        at = 3;
    }
    let mut commas = Commas::default();
    while let Some(&byte) = text.get(at) {
        at = match (byte, text.get(at + 1)) {
            (b'/', Some(b'/')) => blank_line_comment(text, at),
            (b'/', Some(b'*')) => blank_block_comment(text, at)?,
            (b' ' | b'\t' | b'\r' | b'\n', _) => at + 1,
            (b'"', _) => {
                commas.on_significant(text, at);
                end_of_string(text, at)?
            }
            _ => {
                commas.on_significant(text, at);
                at + 1
            }
        };
    }
    Ok(())
}

/// Remembers the last comma until it is known what follows it.
#[derive(Default)]
struct Commas {
    previous: Option<u8>,
    /// A comma after a value, with nothing but space and comments since.
    pending: Option<usize>,
}

impl Commas {
    fn on_significant(&mut self, text: &mut [u8], at: usize) {
        let byte = text[at];
        if let (Some(comma), b'}' | b']') = (self.pending, byte) {
            text[comma] = b' ';
        }
        // In `[,]` and `[1,,]` no value stands before the comma: it stays, for the parser to complain about.
        let follows_value = !matches!(self.previous, None | Some(b'[' | b'{' | b',' | b':'));
        self.pending = (byte == b',' && follows_value).then_some(at);
        self.previous = Some(byte);
    }
}

/// Returns where the line ends; its end stays.
fn blank_line_comment(text: &mut [u8], start: usize) -> usize {
    let length = text[start..].iter().position(|b| matches!(b, b'\n' | b'\r'));
    let end = length.map_or(text.len(), |length| start + length);
    text[start..end].fill(b' ');
    end
}

/// Returns where the comment ends; line ends inside it stay.
fn blank_block_comment(text: &mut [u8], start: usize) -> Result<usize, JsoncError> {
    let body = start + 2; // so that `/*/` does not end itself
    let length = text[body..].windows(2).position(|pair| pair == b"*/");
    let end = body + length.ok_or(JsoncError::UnterminatedComment { offset: start })? + 2;
    text[start..end].iter_mut().filter(|b| !matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
    Ok(end)
}

/// Returns the place after the closing quote.
fn end_of_string(text: &[u8], start: usize) -> Result<usize, JsoncError> {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\n' | b'\r' => break,
            b'\\' if !matches!(text.get(at + 1), Some(b'\n' | b'\r')) => at += 2,
            _ => at += 1,
        }
    }
    Err(JsoncError::UnterminatedString { offset: start })
}
