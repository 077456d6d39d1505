//! `application/x-www-form-urlencoded` (URL Standard, 5): the bodies of forms, and queries.
//!
//! Stricter than the standard, which has an answer for everything: a `%` without two hex digits and bytes that are no
//! UTF-8 are refused, because what one reader repairs another reads differently.
//!
//! ```text
//! code=a%2Fb&state=x+y&&prompt      in
//! (code, a/b) (state, x y) (prompt, "")
//! ```

use std::borrow::Cow;
use std::fmt;

use crate::limits::FORM_PAIRS_MAX;

/// Names and values, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Form<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Why something is no form. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormError {
    /// A `%` without two hex digits.
    Percent,
    /// Bytes that are no UTF-8.
    Text,
    /// More than [`FORM_PAIRS_MAX`].
    TooMany,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormError::Percent => f.write_str("it has a % without two hex digits behind it"),
            FormError::Text => f.write_str("it is not UTF-8"),
            FormError::TooMany => write!(f, "it has more than {FORM_PAIRS_MAX} parameters"),
        }
    }
}

impl std::error::Error for FormError {}

impl<'a> Form<'a> {
    /// Takes a body or a query (without its `?`) apart. Empty pieces are skipped; a piece without `=` is a name with an
    /// empty value.
    pub fn parse(bytes: &'a [u8]) -> Result<Form<'a>, FormError> {
        let text = std::str::from_utf8(bytes).map_err(|_| FormError::Text)?;
        let mut pairs = Vec::new();
        for piece in text.split('&').filter(|piece| !piece.is_empty()) {
            if pairs.len() == FORM_PAIRS_MAX {
                return Err(FormError::TooMany);
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Form { pairs })
    }

    /// A form of pairs that came otherwise.
    pub fn from_pairs(pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Form<'a> {
        Form { pairs }
    }

    /// The first value of a name. An empty one counts as absent (RFC 6749, 3.1).
    pub fn value(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(found, _)| found == name)?;
        Some(pair.1.as_ref()).filter(|value| !value.is_empty())
    }

    /// Whether a name stands there more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(found, _)| found == name).count() > 1
    }

    /// A name that stands there more than once.
    pub fn repeated(&self) -> Option<&str> {
        self.pairs.iter().map(|(name, _)| name.as_ref()).find(|name| self.is_repeated(name))
    }

    /// All of them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// One name or value: `+` is a space, `%` and two hex digits a byte.
pub fn decode(text: &str) -> Result<Cow<'_, str>, FormError> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (Some(high), Some(low)) = (digit(), digit()) else { return Err(FormError::Percent) };
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| FormError::Text)
}

/// Writes a name or value so that it can stand in a body, a query and, for that matter, a path: everything but the
/// unreserved characters of RFC 3986 (2.3) is percent-encoded, spaces too, which every reader understands.
pub fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// A body or query of these pairs.
pub fn write<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(name, &mut out);
        out.push('=');
        encode(value, &mut out);
    }
    out
}
