//! The body of a message: its end, and nothing else, is found here (RFC 9112, 6).

use super::chunked::Chunked;
use super::refusal::Refusal;
use crate::limits::BODY_BYTES_MAX;

/// How the end of a request's body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none, or it is empty: no [`Data`] follow.
    None,
    /// It has this many bytes, at least 1.
    Length(u64),
    /// It comes in chunks and says itself when it ends.
    Chunked,
}

/// How the end of a response's body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseLength {
    /// There is none, or it is empty: no [`Data`] follow.
    None,
    /// It has this many bytes, at least 1.
    Length(u64),
    /// It comes in chunks and says itself when it ends.
    Chunked,
    /// The connection ends with it.
    UntilClose,
}

/// A piece of a body, borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// Its bytes. Empty only for the end of a body that comes in chunks or until the connection ends.
    pub bytes: &'a [u8],
    /// Whether the body is complete with it.
    pub is_last: bool,
}

/// A body that is being read.
#[derive(Debug)]
pub struct Body(State);

#[derive(Debug)]
enum State {
    Complete,
    Sized { left: u64 },
    Chunked(Chunked),
    UntilClose,
}

impl Body {
    /// The body that a request's head announced.
    pub fn new(length: BodyLength) -> Body {
        Body(match length {
            BodyLength::None | BodyLength::Length(0) => State::Complete,
            BodyLength::Length(left) => State::Sized { left },
            BodyLength::Chunked => State::Chunked(Chunked::new(BODY_BYTES_MAX as u64)),
        })
    }

    /// The body that a response's head announced. It has no bound: it may be a stream that never ends.
    pub fn of_response(length: ResponseLength) -> Body {
        Body(match length {
            ResponseLength::None | ResponseLength::Length(0) => State::Complete,
            ResponseLength::Length(left) => State::Sized { left },
            ResponseLength::Chunked => State::Chunked(Chunked::new(u64::MAX)),
            ResponseLength::UntilClose => State::UntilClose,
        })
    }

    /// Whether its end was seen.
    pub fn is_complete(&self) -> bool {
        matches!(self.0, State::Complete)
    }

    /// Whether the end of the connection is its end.
    pub fn is_until_close(&self) -> bool {
        matches!(self.0, State::UntilClose)
    }

    /// How many bytes are missing at least: all of them where their number was announced.
    pub fn missing(&self) -> u64 {
        match &self.0 {
            State::Complete | State::UntilClose => 0,
            State::Sized { left } => *left,
            State::Chunked(chunked) => chunked.missing(),
        }
    }

    /// Takes the next piece. Returns how many bytes of `input` are used up, chunk framing included, and the data among
    /// them. All input is used up once the calls return no more data, unless the body is complete.
    ///
    /// # Errors
    /// 400 for malformed chunks, 413 and 431 for too much of them. The body cannot be read any further then.
    pub fn handle<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Data<'a>>), Refusal> {
        let (consumed, data) = match &mut self.0 {
            State::Complete => (0, None),
            State::Sized { .. } | State::UntilClose if input.is_empty() => (0, None),
            State::Sized { left } => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= count as u64;
                (count, Some(Data { bytes: &input[..count], is_last: *left == 0 }))
            }
            State::Chunked(chunked) => chunked.handle(input)?,
            State::UntilClose => (input.len(), Some(Data { bytes: input, is_last: false })),
        };
        if data.is_some_and(|data| data.is_last) {
            self.0 = State::Complete;
        }
        Ok((consumed, data))
    }
}
