//! Lines: what children speak on stdout and stderr.
//!
//! A line ends with LF; a CR before it is dropped. Nothing else ends a line, U+2028 in particular. A line that lies
//! wholly in the input is not copied; of others the beginning is kept, and never searched again.

use std::rc::Rc;

use crate::base::buf::Buf;
use crate::limits::LENT_BYTES_MIN;

/// What becomes of a line that is longer than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlong {
    /// It is reported as [`Line::TooLong`] as soon as that is known, and skipped: a part of a message is no message.
    Skip,
    /// Its beginning is delivered as [`Line::Truncated`], the rest skipped in silence: good enough to be read.
    Truncate,
}

/// A line, without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// All of it; may be empty.
    Whole(&'a [u8]),
    /// All of it, so large that its memory may be handed on: the first `length` bytes of this.
    Lump {
        /// The line, and perhaps a CR.
        lump: &'a Rc<Vec<u8>>,
        /// How long the line is.
        length: usize,
    },
    /// As much of it as the bound allows.
    Truncated(&'a [u8]),
    /// None of it. Its end may be far, or never come.
    TooLong,
}

/// Splits a stream into lines.
#[derive(Debug)]
pub struct Lines {
    line_bytes_max: usize,
    overlong: Overlong,
    state: State,
    /// While collecting, the beginning of a line. Afterwards what was delivered, until the next call.
    partial: Buf,
    /// The large line that was delivered, until the next call.
    lump: Option<Rc<Vec<u8>>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Collecting,
    /// A line was delivered from [`Lines::partial`].
    Delivered,
    /// An overlong line goes by.
    Skipping,
}

impl Lines {
    /// A splitter for lines of at most `line_bytes_max` bytes, their ends not counted.
    pub const fn new(line_bytes_max: usize, overlong: Overlong) -> Lines {
        Lines { line_bytes_max, overlong, state: State::Collecting, partial: Buf::new(), lump: None }
    }

    /// Takes the next line from the front of `input`; `None` once all of it is used up.
    pub fn handle<'a, 'b: 'a>(&'a mut self, input: &mut &'b [u8]) -> Option<Line<'a>> {
        loop {
            match self.state {
                State::Collecting => return self.collect(input),
                State::Delivered => {
                    self.partial.clear();
                    self.lump = None;
                    self.state = State::Collecting;
                }
                State::Skipping => {
                    self.partial.clear();
                    self.skip(input);
                    if input.is_empty() {
                        return None;
                    }
                }
            }
        }
    }

    /// The stream has ended: yields its last line if that lacks an end.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        match self.state {
            State::Collecting if !self.partial.is_empty() => {
                self.state = State::Delivered;
                Some(Line::Whole(without_cr(self.partial.as_slice())))
            }
            State::Collecting | State::Delivered | State::Skipping => None,
        }
    }

    fn collect<'a, 'b: 'a>(&'a mut self, input: &mut &'b [u8]) -> Option<Line<'a>> {
        let Some(end) = memchr::memchr(b'\n', input) else {
            let piece = std::mem::take(input);
            return self.on_piece(piece);
        };
        let piece = &input[..end];
        *input = &input[end + 1..];
        if self.is_overlong(piece) {
            return Some(self.on_overlong(piece, State::Delivered));
        }
        if self.partial.is_empty() {
            return Some(Line::Whole(without_cr(piece)));
        }
        self.partial.push(piece);
        self.state = State::Delivered;
        if self.partial.len() < LENT_BYTES_MIN {
            return Some(Line::Whole(without_cr(self.partial.as_slice())));
        }
        let lump = self.lump.insert(Rc::new(self.partial.take_bytes()));
        let length = without_cr(lump).len();
        Some(Line::Lump { lump, length })
    }

    /// A piece of a line, not its end.
    fn on_piece<'a, 'b: 'a>(&'a mut self, piece: &'b [u8]) -> Option<Line<'a>> {
        if !self.is_overlong(piece) {
            self.partial.push(piece);
            return None;
        }
        Some(self.on_overlong(piece, State::Skipping))
    }

    /// The line turns out too long with this piece, whether or not the piece ends it.
    fn on_overlong<'a, 'b: 'a>(&'a mut self, piece: &'b [u8], next: State) -> Line<'a> {
        self.state = next;
        match self.overlong {
            Overlong::Skip => Line::TooLong,
            Overlong::Truncate => {
                let room = self.line_bytes_max.saturating_sub(self.partial.len());
                self.partial.push(&piece[..room.min(piece.len())]);
                let delivered = self.partial.as_slice();
                Line::Truncated(&delivered[..self.line_bytes_max.min(delivered.len())])
            }
        }
    }

    fn skip(&mut self, input: &mut &[u8]) {
        match memchr::memchr(b'\n', input) {
            None => *input = &[],
            Some(end) => {
                *input = &input[end + 1..];
                self.state = State::Collecting;
            }
        }
    }

    /// Whether the line is too long with this piece. A CR as its last byte may belong to the line's end: that one byte
    /// is granted on top.
    fn is_overlong(&self, piece: &[u8]) -> bool {
        let length = self.partial.len() + piece.len();
        let last = piece.last().or(self.partial.as_slice().last());
        length > self.line_bytes_max + usize::from(last == Some(&b'\r'))
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
