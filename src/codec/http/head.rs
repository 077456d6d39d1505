//! The request head: everything up to the empty line (RFC 9112, 2 to 5).

use super::body::BodyLength;
use super::framing::{Framing, Persistence};
use super::head_reader::{HeadReader, HeadRules, Progress};
use super::headers::{self, HeadStorage, Headers, first_line};
use super::refusal::Refusal;
use super::request_line::{Method, RequestLine};
use super::target::Target;
use super::version::Version;
use crate::limits::{EMPTY_LINES_MAX, HEAD_BYTES_MAX, HEADERS_MAX};

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
    headers: Headers<'s, 'a>,
}

impl<'s, 'a> Head<'s, 'a> {
    /// Host and port the request is for: from an absolute-form target, else from `Host`. Valid, as sent; empty only
    /// if an HTTP/1.0 request names none.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// How many header lines there are.
    pub fn header_count(&self) -> usize {
        self.headers.0.len()
    }

    /// The values of all header lines with this name (any case), in order; the bytes above ASCII are opaque.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.headers.all(name)
    }

    /// All header lines whose name starts so (any case), in order: what follows in the name, and the value.
    pub fn starting(&self, prefix: &'static str) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'s, 'a> {
        self.headers.starting(prefix)
    }

    /// The value of a header that may come once only.
    ///
    /// # Errors
    /// 400 if there are several, since whoever stands in front of us may have gone by another one; also for bytes that
    /// are not UTF-8.
    pub fn unique(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        self.headers.unique(name)
    }

    /// Whether a header comes once, with this very value: a question that needs nothing to be taken apart, for what
    /// nearly every request says in the same words.
    pub fn is_exactly(&self, name: &'static str, value: &[u8]) -> bool {
        self.headers.is_exactly(name, value)
    }

    /// The elements of a comma-separated header, over all its lines, without empty ones (RFC 9110, 5.6.1). For
    /// headers whose quoted strings never contain commas.
    pub fn list(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.headers.list(name)
    }
}

/// What [`read`] made of the input.
#[derive(Debug)]
pub(super) enum Found<'s, 'a> {
    /// The head is not complete.
    Incomplete,
    /// An empty line before the request line, of this length: to be skipped.
    EmptyLine(usize),
    /// A head of `length` bytes.
    Head { length: usize, head: Head<'s, 'a>, persistence: Persistence },
}

const RULES: HeadRules = HeadRules {
    bytes_max: HEAD_BYTES_MAX,
    too_large: Refusal::HEAD_TOO_LARGE,
    empty_lines_max: EMPTY_LINES_MAX,
    check_prefix: RequestLine::check_prefix,
    check_lines: |lines| split(lines, &mut HeadStorage::new()).map(|_| ()),
};

/// Looks for a request head at the start of `input`; see [`HeadReader::handle`].
pub(super) fn read<'s, 'a>(
    reader: &mut HeadReader,
    input: &'a [u8],
    storage: &'s mut HeadStorage<'a>,
) -> Result<Found<'s, 'a>, Refusal> {
    match reader.handle(&RULES, input)? {
        Progress::Incomplete => Ok(Found::Incomplete),
        Progress::EmptyLine(length) => Ok(Found::EmptyLine(length)),
        Progress::Complete(length) => parse(&input[..length], storage),
    }
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
        headers: Headers(headers),
    };
    Ok(Found::Head { length: bytes.len(), head, persistence: framing.persistence })
}

/// Splits complete lines, of which there is at least one, into the request line and the headers. The request line is
/// read here first since `httparse` does not tell apart what is answered with different statuses.
fn split<'s, 'a>(
    lines: &'a [u8],
    storage: &'s mut HeadStorage<'a>,
) -> Result<(RequestLine<'a>, &'s [httparse::Header<'a>]), Refusal> {
    let line = RequestLine::parse(first_line(lines))?;
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(lines, &mut storage.0);
    parsed.map_err(|error| headers::refusal(error, HEADERS_MAX))?;
    Ok((line, request.headers))
}
