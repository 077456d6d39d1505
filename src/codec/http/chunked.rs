//! The chunked transfer coding (RFC 9112, 7.1), with line ends of CRLF only.
//!
//! ```text
//!  SizeStart ─> Size ─┬───────────────┬─> SizeLineFeed ─┬─> Data ─> DataCr ─> DataLf ─> SizeStart
//!                     └─> Extension ──┘                 │ size 0
//!                                                       └─> TrailerStart ─┬─> FinalLineFeed ─> the end
//!                                           ^                             └─> TrailerName ─> TrailerValue ─┐
//!                                           └──────────────── TrailerLineFeed <────────────────────────────┘
//! ```
//!
//! Framing is read byte by byte, so nothing of it has to be kept and the first wrong byte is refused.

use super::body::Data;
use super::grammar::{is_text_byte, is_token_byte};
use super::refusal::Refusal;
use crate::limits::{CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};

/// A chunked body that is being read.
#[derive(Debug)]
pub(super) struct Chunked {
    state: State,
    /// What `total` may come to.
    bytes_max: u64,
    /// Sizes of all chunks so far.
    total: u64,
    /// Bytes of the size line or the trailer section so far.
    framing_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum State {
    SizeStart,
    Size { size: u64 },
    Extension { size: u64 },
    SizeLineFeed { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    FinalLineFeed,
    Complete,
}

const BAD_SIZE: Refusal = Refusal::bad_request("a chunk does not begin with its size in hexadecimal digits");
const BAD_EXTENSION: Refusal = Refusal::bad_request("a chunk extension contains a control character");
const BAD_LINE_END: Refusal = Refusal::bad_request("a line of the chunk framing does not end in CRLF");
const BAD_DATA_END: Refusal = Refusal::bad_request("the data of a chunk are not followed by CRLF");
const BAD_TRAILER: Refusal = Refusal::bad_request("a trailer field is malformed");

impl Chunked {
    pub(super) fn new(bytes_max: u64) -> Chunked {
        Chunked { state: State::SizeStart, bytes_max, total: 0, framing_bytes: 0 }
    }

    /// Data bytes that are still to come at least.
    pub(super) fn missing(&self) -> u64 {
        if let State::Data { left } = self.state { left } else { 0 }
    }

    /// Takes framing up to and including the next piece of data.
    pub(super) fn handle<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Option<Data<'a>>), Refusal> {
        for (at, byte) in input.iter().enumerate() {
            if let State::Data { left } = self.state {
                let bytes = &input[at..];
                let bytes = &bytes[..usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())];
                let left = left - bytes.len() as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                return Ok((at + bytes.len(), Some(Data { bytes, is_last: false })));
            }
            self.state = self.on_framing_byte(*byte)?;
            if let State::Complete = self.state {
                return Ok((at + 1, Some(Data { bytes: b"", is_last: true })));
            }
        }
        Ok((input.len(), None))
    }

    fn on_framing_byte(&mut self, byte: u8) -> Result<State, Refusal> {
        match (self.state, byte) {
            (State::SizeStart, _) => self.on_size_start(byte),
            (State::Size { size }, b'\r' | b';') => self.on_size_end(size, byte),
            (State::Size { size }, _) => self.on_size_digit(size, byte),
            (State::Extension { size }, b'\r') => Ok(State::SizeLineFeed { size }),
            (State::Extension { size }, _) => self.on_extension_byte(size, byte),
            (State::SizeLineFeed { size: 0 }, b'\n') => Ok(self.on_trailer_section()),
            (State::SizeLineFeed { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::SizeStart),
            (State::DataCr | State::DataLf, _) => Err(BAD_DATA_END),
            (State::TrailerStart, b'\r') => Ok(State::FinalLineFeed),
            (State::TrailerName, b':') => self.on_trailer_byte(State::TrailerValue),
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                self.on_trailer_byte(State::TrailerName)
            }
            (State::TrailerValue, b'\r') => self.on_trailer_byte(State::TrailerLineFeed),
            (State::TrailerValue, _) if is_text_byte(byte) => self.on_trailer_byte(State::TrailerValue),
            (State::TrailerStart | State::TrailerName | State::TrailerValue, _) => Err(BAD_TRAILER),
            (State::TrailerLineFeed, b'\n') => self.on_trailer_byte(State::TrailerStart),
            (State::FinalLineFeed, b'\n') => Ok(State::Complete),
            (State::SizeLineFeed { .. } | State::TrailerLineFeed | State::FinalLineFeed, _) => Err(BAD_LINE_END),
            (State::Data { .. } | State::Complete, _) => Ok(self.state), // not framing: never asked
        }
    }

    fn on_size_start(&mut self, byte: u8) -> Result<State, Refusal> {
        self.framing_bytes = 0;
        self.on_size_digit(0, byte)
    }

    fn on_size_digit(&mut self, size: u64, byte: u8) -> Result<State, Refusal> {
        let digit = char::from(byte).to_digit(16).ok_or(BAD_SIZE)?;
        self.count_line_byte()?;
        match size.checked_mul(16) {
            Some(size) => Ok(State::Size { size: size + u64::from(digit) }),
            None => Err(Refusal::bad_request("a chunk size does not fit into 64 bits")),
        }
    }

    fn on_size_end(&mut self, size: u64, byte: u8) -> Result<State, Refusal> {
        self.total = self.total.saturating_add(size);
        if self.total > self.bytes_max {
            return Err(Refusal::BODY_TOO_LARGE);
        }
        if byte == b'\r' {
            return Ok(State::SizeLineFeed { size });
        }
        self.count_line_byte()?;
        Ok(State::Extension { size })
    }

    fn on_extension_byte(&mut self, size: u64, byte: u8) -> Result<State, Refusal> {
        if !is_text_byte(byte) {
            return Err(BAD_EXTENSION);
        }
        self.count_line_byte()?;
        Ok(State::Extension { size })
    }

    fn on_trailer_section(&mut self) -> State {
        self.framing_bytes = 0;
        State::TrailerStart
    }

    fn on_trailer_byte(&mut self, next: State) -> Result<State, Refusal> {
        self.framing_bytes += 1;
        if self.framing_bytes > TRAILER_BYTES_MAX { Err(Refusal::TRAILER_TOO_LARGE) } else { Ok(next) }
    }

    fn count_line_byte(&mut self) -> Result<(), Refusal> {
        self.framing_bytes += 1;
        if self.framing_bytes > CHUNK_LINE_BYTES_MAX { Err(Refusal::CHUNK_LINE_TOO_LONG) } else { Ok(()) }
    }
}
