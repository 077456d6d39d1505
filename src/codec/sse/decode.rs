//! Reading an event stream, to the letter of WHATWG HTML, 9.2.5 and 9.2.6.
//!
//! Lines end with CR, LF or CRLF; U+2028 is a character like any other. What belongs to an unfinished event is kept
//! here, up to a bound; a longer event is skipped and reported.

use crate::base::buf::Buf;
use crate::limits;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// What kind of event it is; `message` unless the stream says otherwise.
    pub name: &'a [u8],
    /// Its data; several lines are joined by LF.
    pub data: &'a [u8],
    /// The last id that this or an earlier event gave; empty if none did.
    pub id: &'a [u8],
}

/// What [`Decoder::handle`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// An event.
    Event(Event<'a>),
    /// An event that exceeds the bound. Its end may be far, or never come.
    TooLong,
}

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    event_bytes_max: usize,
    position: Position,
    state: State,
    /// The beginning of an unfinished line.
    line: Buf,
    /// Bytes in the complete lines of the unfinished event.
    event_bytes: usize,
    name: Vec<u8>,
    /// Every line with LF behind it: "no data" and "empty data" are two things.
    data: Buf,
    /// Becomes the last id when its event is complete.
    id: Vec<u8>,
    last_id: Vec<u8>,
    retry: Option<u64>,
}

/// What may have to be skipped before the next byte of a line.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// The stream began with this many bytes of a byte order mark.
    Start { matched: usize },
    /// Nothing.
    Line,
    /// The LF of a CRLF, whose CR has ended the line already.
    AfterCr,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Collecting,
    /// The event was delivered; what it was made of is forgotten at the next call.
    Delivered,
    /// An overlong event goes by.
    Skipping {
        /// Whether nothing stands in the current line yet: an empty one ends the event.
        is_blank: bool,
    },
}

impl Decoder {
    /// A decoder for a fresh stream, whose events have at most `event_bytes_max` bytes.
    pub const fn new(event_bytes_max: usize) -> Decoder {
        Decoder {
            event_bytes_max,
            position: Position::Start { matched: 0 },
            state: State::Collecting,
            line: Buf::new(),
            event_bytes: 0,
            name: Vec::new(),
            data: Buf::new(),
            id: Vec::new(),
            last_id: Vec::new(),
            retry: None,
        }
    }

    /// Takes the next event from the front of `input`; `None` once all of it is used up. An event without its final
    /// empty line is never delivered, not even at the stream's end.
    pub fn handle(&mut self, input: &mut &[u8]) -> Option<Item<'_>> {
        if let State::Delivered = self.state {
            self.forget_event();
        }
        loop {
            self.skip_marks(input);
            let Some(end) = memchr::memchr2(b'\r', b'\n', input) else {
                let is_overlong = self.on_piece(input);
                *input = &[];
                return is_overlong.then_some(Item::TooLong);
            };
            let piece = &input[..end];
            self.position = if input[end] == b'\r' { Position::AfterCr } else { Position::Line };
            *input = &input[end + 1..];
            let is_overlong = self.on_piece(piece);
            self.on_line_end();
            if is_overlong {
                return Some(Item::TooLong);
            }
            if let State::Delivered = self.state {
                return Some(Item::Event(self.event()));
            }
        }
    }

    /// Where to resume the stream: the id of the last complete event that had one. Empty if there was none.
    pub fn last_id(&self) -> &[u8] {
        &self.last_id
    }

    /// What is kept of an event that is not complete, and of ids.
    pub fn held_bytes(&self) -> usize {
        self.line.len() + self.data.len() + self.name.len() + self.id.len() + self.last_id.len()
    }

    /// Milliseconds to wait before reconnecting, if the stream said so.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Skips a byte order mark, or the second half of a CRLF.
    fn skip_marks(&mut self, input: &mut &[u8]) {
        match self.position {
            Position::Line => {}
            Position::AfterCr => {
                if let Some((first, rest)) = input.split_first() {
                    self.position = Position::Line;
                    *input = if *first == b'\n' { rest } else { input };
                }
            }
            Position::Start { mut matched } => {
                while let Some((first, rest)) = input.split_first() {
                    if BYTE_ORDER_MARK.get(matched) != Some(first) {
                        self.on_no_mark(matched);
                        return;
                    }
                    *input = rest;
                    matched += 1;
                    self.position = Position::Start { matched };
                }
            }
        }
    }

    /// The start of the stream is over. What only began like a mark belongs to the first line.
    fn on_no_mark(&mut self, matched: usize) {
        self.position = Position::Line;
        if matched < BYTE_ORDER_MARK.len() {
            self.line.push(&BYTE_ORDER_MARK[..matched]);
        }
    }

    /// A piece of a line. Says whether the event turns out too long with it.
    fn on_piece(&mut self, piece: &[u8]) -> bool {
        if let State::Skipping { is_blank } = &mut self.state {
            *is_blank &= piece.is_empty();
            return false;
        }
        let is_overlong = self.event_bytes + self.line.len() + piece.len() > self.event_bytes_max;
        if is_overlong {
            self.forget_event();
            self.state = State::Skipping { is_blank: false };
        } else {
            self.line.push(piece);
        }
        is_overlong
    }

    fn on_line_end(&mut self) {
        if let State::Skipping { is_blank } = self.state {
            self.state = if is_blank { State::Collecting } else { State::Skipping { is_blank: true } };
            return;
        }
        if self.line.is_empty() {
            self.on_event_end();
        } else {
            let line = std::mem::take(&mut self.line);
            self.on_field(line.as_slice());
            self.line = line;
            self.line.clear();
        }
    }

    fn on_field(&mut self, line: &[u8]) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(0) => return, // a comment
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        self.event_bytes += line.len();
        match name {
            b"data" => {
                self.data.push(value);
                self.data.push(b"\n");
            }
            // What is kept of these two beyond their event is not counted as held.
            b"event" if value.len() <= limits::EVENT_NAME_BYTES_MAX => replace(&mut self.name, value),
            b"id" if value.len() <= limits::EVENT_ID_BYTES_MAX && !value.contains(&b'\0') => {
                replace(&mut self.id, value)
            }
            b"retry" => self.retry = number(value).or(self.retry),
            _ => {} // unknown fields are ignored
        }
    }

    fn on_event_end(&mut self) {
        if self.last_id != self.id {
            self.last_id.clone_from(&self.id);
        }
        if self.data.is_empty() {
            self.forget_event();
        } else {
            self.state = State::Delivered;
        }
    }

    fn event(&self) -> Event<'_> {
        let data = self.data.as_slice();
        Event {
            name: if self.name.is_empty() { b"message" } else { &self.name },
            data: data.strip_suffix(b"\n").unwrap_or(data),
            id: &self.last_id,
        }
    }

    fn forget_event(&mut self) {
        self.state = State::Collecting;
        self.event_bytes = 0;
        self.line.clear();
        self.name.clear();
        self.data.clear();
    }
}

fn replace(field: &mut Vec<u8>, value: &[u8]) {
    field.clear();
    field.extend_from_slice(value);
}

/// Digits and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()
}
