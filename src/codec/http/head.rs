//! The request head: everything up to the empty line (RFC 9112, 2 to 5).
//!
//! Lines are judged as they become complete, so a head that can never become valid is refused before it ends; the
//! unfinished line is checked for control characters, and an unfinished request line for all it can be checked for.
//! Each byte is looked at a bounded number of times however slowly the head drips in.

use std::fmt;
use std::mem::MaybeUninit;
use std::str;

use super::body::BodyLength;
use super::framing::{Framing, Persistence};
use super::grammar::{is_text_byte, trim};
use super::refusal::Refusal;
use super::request_line::{Method, RequestLine, Version};
use super::target::Target;
use crate::limits::{EMPTY_LINES_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

/// Room for the header lines of one head, lent to [`super::ServerCodec::handle`]. Making one costs nothing: it stays
/// uninitialised.
pub struct HeadStorage<'a>([MaybeUninit<httparse::Header<'a>>; HEADERS_MAX]);

impl HeadStorage<'_> {
    /// Room for one head.
    pub const fn new() -> Self {
        HeadStorage([MaybeUninit::uninit(); HEADERS_MAX])
    }
}

impl Default for HeadStorage<'_> {
    fn default() -> Self {
        HeadStorage::new()
    }
}

impl fmt::Debug for HeadStorage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadStorage")
    }
}

/// A valid request head, borrowed from the input.
#[derive(Debug, Clone, Copy)]
pub struct Head<'s, 'a> {
    /// What is to be done.
    pub method: Method,
    /// To which resource.
    pub target: Target<'a>,
    /// What the peer can understand.
    pub version: Version,
    /// Whether body data follow.
    pub body: BodyLength,
    /// The peer waits for [`super::ServerCodec::send_continue`] before it sends the body.
    pub expects_continue: bool,
    host: &'a str,
    headers: &'s [httparse::Header<'a>],
}

impl<'s, 'a> Head<'s, 'a> {
    /// Host and port the request is for: from an absolute-form target, else from `Host`. Valid, as sent; empty only
    /// if an HTTP/1.0 request names none.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// How many header lines there are.
    pub fn header_count(&self) -> usize {
        self.headers.len()
    }

    /// The values of all header lines with this name (any case), in order; the bytes above ASCII are opaque.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        let headers = self.headers;
        headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }

    /// The value of a header that may come once only.
    ///
    /// # Errors
    /// 400 if there are several, since whoever stands in front of us may have gone by another one; also for bytes that
    /// are not UTF-8.
    pub fn unique(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::bad_request("a header that may come only once is repeated"));
        }
        match str::from_utf8(value) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Refusal::bad_request("a header value is not UTF-8")),
        }
    }

    /// The elements of a comma-separated header, over all its lines, without empty ones (RFC 9110, 5.6.1). For
    /// headers whose quoted strings never contain commas.
    pub fn list(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.all(name).flat_map(elements)
    }
}

/// Splits one value of a comma-separated header.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// What [`HeadReader::handle`] made of the input.
#[derive(Debug)]
pub(super) enum Found<'s, 'a> {
    /// The head is not complete.
    Incomplete,
    /// An empty line before the request line, of this length: to be skipped.
    EmptyLine(usize),
    /// A head of `length` bytes.
    Head { length: usize, head: Head<'s, 'a>, persistence: Persistence },
}

/// How far the search for the end of a head has come.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    empty_lines: usize,
    /// The lines before this offset are complete and in order.
    judged: usize,
    /// The bytes before this offset contain no line end but those of the judged lines.
    searched: usize,
}

impl HeadReader {
    /// Looks for a head at the start of `input`, which begins with all that an earlier call called incomplete.
    pub(super) fn handle<'s, 'a>(
        &mut self,
        input: &'a [u8],
        storage: &'s mut HeadStorage<'a>,
    ) -> Result<Found<'s, 'a>, Refusal> {
        let window = &input[..input.len().min(HEAD_BYTES_MAX)];
        let mut at = self.judged;
        while let Some(end) = memchr::memchr(b'\n', &window[self.searched..]).map(|offset| self.searched + offset) {
            let Some(line) = window[at..end].strip_suffix(b"\r") else {
                return Err(refuse_bare_lf(window, at, end, storage));
            };
            if line.is_empty() && at == 0 {
                return self.on_empty_line();
            }
            if line.is_empty() {
                return parse(&window[..end + 1], storage);
            }
            at = end + 1;
            self.searched = at;
        }
        self.on_incomplete(input, window, at, storage)
    }

    fn on_empty_line<'s, 'a>(&mut self) -> Result<Found<'s, 'a>, Refusal> {
        if self.empty_lines == EMPTY_LINES_MAX {
            return Err(Refusal::TOO_MANY_EMPTY_LINES);
        }
        self.empty_lines += 1;
        self.searched = 0;
        Ok(Found::EmptyLine(2))
    }

    /// The window ends within the line that begins at `at`.
    fn on_incomplete<'s, 'a>(
        &mut self,
        input: &'a [u8],
        window: &'a [u8],
        at: usize,
        storage: &'s mut HeadStorage<'a>,
    ) -> Result<Found<'s, 'a>, Refusal> {
        if at > self.judged {
            check_lines(&window[..at], storage)?;
            self.judged = at;
        }
        // A CR at the very end may be the first half of a line end; it is looked at again with what follows.
        let tail = window.strip_suffix(b"\r").filter(|tail| tail.len() >= at).unwrap_or(window);
        if at == 0 {
            RequestLine::check_prefix(tail)?;
        }
        if !tail[self.searched.min(tail.len())..].iter().copied().all(is_text_byte) {
            return Err(Refusal::bad_request("a line of the head contains a control character"));
        }
        if input.len() > HEAD_BYTES_MAX {
            return Err(Refusal::HEAD_TOO_LARGE);
        }
        self.searched = tail.len();
        Ok(Found::Incomplete)
    }
}

/// The line from `at` to `end` ends in LF alone; but what was wrong before that is refused first.
fn refuse_bare_lf<'a>(window: &'a [u8], at: usize, end: usize, storage: &mut HeadStorage<'a>) -> Refusal {
    let before = if at == 0 { RequestLine::check_prefix(&window[..end]) } else { check_lines(&window[..at], storage) };
    before.err().unwrap_or(Refusal::bad_request("a line of the head ends in LF without CR"))
}

/// Judges complete lines of a head that has not ended.
fn check_lines<'a>(lines: &'a [u8], storage: &mut HeadStorage<'a>) -> Result<(), Refusal> {
    if lines.is_empty() { Ok(()) } else { split(lines, storage).map(|_| ()) }
}

/// Reads a complete head.
fn parse<'s, 'a>(bytes: &'a [u8], storage: &'s mut HeadStorage<'a>) -> Result<Found<'s, 'a>, Refusal> {
    let (line, headers) = split(bytes, storage)?;
    let target = Target::parse(line.method, line.target)?;
    let framing = Framing::new(line.version, headers)?;
    let head = Head {
        method: line.method,
        target,
        version: line.version,
        body: framing.body,
        expects_continue: framing.expects_continue,
        host: target.authority.unwrap_or(framing.host),
        headers,
    };
    Ok(Found::Head { length: bytes.len(), head, persistence: framing.persistence })
}

/// Splits complete lines, of which there is at least one, into the request line and the headers. The request line is
/// read here first since `httparse` does not tell apart what is answered with different statuses.
fn split<'s, 'a>(
    lines: &'a [u8],
    storage: &'s mut HeadStorage<'a>,
) -> Result<(RequestLine<'a>, &'s [httparse::Header<'a>]), Refusal> {
    let line_end = memchr::memmem::find(lines, b"\r\n").unwrap_or(lines.len());
    let line = RequestLine::parse(&lines[..line_end])?;
    let mut request = httparse::Request::new(&mut []);
    request.parse_with_uninit_headers(lines, &mut storage.0).map_err(refusal)?;
    Ok((line, request.headers))
}

fn refusal(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::TOO_MANY_HEADERS,
        httparse::Error::HeaderName => Refusal::bad_request(
            "a header line is not a name, a colon and a value: no space before the colon, no folding",
        ),
        httparse::Error::HeaderValue | httparse::Error::NewLine => {
            Refusal::bad_request("a header value contains a control character")
        }
        httparse::Error::Token | httparse::Error::Status | httparse::Error::Version => {
            Refusal::bad_request("the request line is malformed")
        }
    }
}
