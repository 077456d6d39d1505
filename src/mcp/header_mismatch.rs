//! Headers that repeat what the body says (MCP 2026-07-28, Streamable HTTP, Server Validation): whoever stands in front
//! of a server may go by them, so they must say the same.

use std::borrow::Cow;
use std::fmt;

use crate::base::text::shorten;
use crate::codec::header_value::{HeaderValueError, decode};

/// What a request has of one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent<'a> {
    /// It does not have it.
    Nothing,
    /// Its value.
    Once(&'a [u8]),
    /// It has it in several lines.
    Several,
}

/// A header and the body do not agree: `HeaderMismatch` (-32020).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The header's name.
    pub header: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is missing, and the body has a value for it.
    Missing,
    /// It is there, and the body has no value for it.
    Unexpected,
    /// It is there more than once.
    Doubled,
    /// It cannot be decoded.
    Undecodable(HeaderValueError),
    /// The two say different things.
    Different {
        /// The beginning of what the header says.
        header: String,
        /// The beginning of what the body says.
        body: String,
    },
    /// The body itself says it in a way that can be read in two ways.
    Unclear,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.header;
        match &self.problem {
            Problem::Missing => write!(f, "header mismatch: {header} is missing, and the body has a value for it"),
            Problem::Unexpected => write!(f, "header mismatch: {header} is there, and the body has no value for it"),
            Problem::Doubled => write!(f, "header mismatch: {header} is there more than once"),
            Problem::Undecodable(reason) => write!(f, "header mismatch: the value of {header} is invalid: {reason}"),
            Problem::Different { header: value, body } => {
                write!(f, "header mismatch: the value {value:?} of {header} does not match {body:?} in the body")
            }
            Problem::Unclear => write!(f, "header mismatch: what the body says for {header} can be read in two ways"),
        }
    }
}

impl std::error::Error for Mismatch {}

impl Mismatch {
    pub(super) fn new(header: &str, problem: Problem) -> Mismatch {
        Mismatch { header: header.to_owned(), problem }
    }

    pub(super) fn different(header: &str, value: &str, body: &str) -> Mismatch {
        let [value, body] = [value, body].map(|text| shorten(text).into_owned());
        Mismatch::new(header, Problem::Different { header: value, body })
    }
}

/// The text that a header stands for, if it is there.
pub(super) fn sent_text<'a>(header: &str, sent: Sent<'a>) -> Result<Option<Cow<'a, str>>, Mismatch> {
    match sent {
        Sent::Nothing => Ok(None),
        Sent::Once(value) => match decode(value) {
            Ok(text) => Ok(Some(text)),
            Err(reason) => Err(Mismatch::new(header, Problem::Undecodable(reason))),
        },
        Sent::Several => Err(Mismatch::new(header, Problem::Doubled)),
    }
}
