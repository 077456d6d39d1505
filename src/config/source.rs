//! The text of a configuration, and where in it an offset is.

use std::fmt;

use crate::limits::CONFIG_BYTES_MAX;

/// A configuration file as read.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
}

/// Why bytes are not the text of a configuration, wherever they came from. Reads as the end of a sentence about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// More than [`CONFIG_BYTES_MAX`].
    TooLong,
    /// Not UTF-8: the offset of the first wrong byte.
    Encoding(usize),
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextError::TooLong => write!(f, "is longer than {} MiB", CONFIG_BYTES_MAX >> 20),
            TextError::Encoding(offset) => {
                write!(f, "is not UTF-8 (byte {offset})\n    Save it again with that encoding.")
            }
        }
    }
}

impl std::error::Error for TextError {}

/// The text of a configuration, all of which has been read.
///
/// # Errors
/// It is too long, or no text.
pub fn text(bytes: Vec<u8>) -> Result<String, TextError> {
    if bytes.len() > CONFIG_BYTES_MAX {
        return Err(TextError::TooLong);
    }
    String::from_utf8(bytes).map_err(|error| TextError::Encoding(error.utf8_error().valid_up_to()))
}

/// A place as editors count it, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Lines end with a line feed.
    pub line: usize,
    /// In characters, not bytes.
    pub column: usize,
}

impl Source {
    /// `name` is what messages call it: the path as the user typed it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// The path as the user typed it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the byte at `offset` is; an offset beyond the end counts as the end.
    pub fn position(&self, offset: usize) -> Position {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let is_character_start = |b: &&u8| **b & 0b1100_0000 != 0b1000_0000;
        Position {
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: before[line_start..].iter().filter(is_character_start).count() + 1,
        }
    }

    /// The offset of a line and a column in bytes, both from 1, as a JSON parser reports them: of the character there.
    pub fn offset(&self, line: usize, column_bytes: usize) -> usize {
        let line_start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        self.text.floor_char_boundary(line_start + column_bytes.saturating_sub(1))
    }
}
