//! The response head: everything up to the empty line (RFC 9112, 2 to 5).
//!
//! Servers are sloppier than clients, but three things stay refused here as well. Line ends of LF alone: see
//! [`crate::codec::http::head_reader`]. Folded header lines: RFC 9112 (5.2) leaves a gateway the choice, and
//! unfolding would need a copy of what is borrowed. A space before a header's colon: the name with the space is
//! another name to whoever does not remove it.

use std::borrow::Cow;

use super::framing::Framing;
use super::status_line::StatusLine;
use super::{CloseReason, Fault};
use crate::codec::http::body::ResponseLength;
use crate::codec::http::exchange::Shape;
use crate::codec::http::grammar::trim;
use crate::codec::http::head_reader::{HeadReader, HeadRules, Progress};
use crate::codec::http::headers::{self, HeadStorage, Headers, first_line};
use crate::codec::http::refusal::Refusal;
use crate::codec::http::version::Version;
use crate::limits::{RESPONSE_HEAD_BYTES_MAX, RESPONSE_HEADERS_MAX};

/// Room for the header lines of one response head.
pub type ResponseStorage<'a> = HeadStorage<'a, RESPONSE_HEADERS_MAX>;

/// A valid head of a final response, borrowed from the input.
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'s, 'a> {
    /// 200 to 999. Above 599 it is as bad as a 5xx (RFC 9110, 15).
    pub status: u16,
    /// What the peer can understand.
    pub version: Version,
    /// Whether body data follow.
    pub body: ResponseLength,
    headers: Headers<'s, 'a>,
}

impl<'s, 'a> ResponseHead<'s, 'a> {
    /// How many header lines there are.
    pub fn header_count(&self) -> usize {
        self.headers.0.len()
    }

    /// The values of all header lines with this name (any case), in order; the bytes above ASCII are opaque.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.headers.all(name)
    }

    /// The value of a header that may come once only.
    ///
    /// # Errors
    /// There are several, or it is not UTF-8. The codec is not affected: the body may be read nevertheless.
    pub fn unique(&self, name: &'static str) -> Result<Option<&'a str>, Fault> {
        Ok(self.headers.unique(name)?)
    }

    /// The elements of a comma-separated header, over all its lines, without empty ones (RFC 9110, 5.6.1). For
    /// headers whose quoted strings never contain commas.
    pub fn list(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.headers.list(name)
    }

    /// Whether `Content-Type` is this type, such as `text/event-stream`, with any parameters. The first line counts
    /// if there are several.
    pub fn is_content_type(&self, media_type: &str) -> bool {
        let value = self.all("content-type").next().unwrap_or_default();
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        trim(essence).eq_ignore_ascii_case(media_type.as_bytes())
    }

    /// How the body is encoded though `identity` was asked for: the first such `Content-Encoding`. Some servers
    /// compress no matter what; their bodies are good for nothing, and the reason should be told.
    pub fn foreign_coding(&self) -> Option<Cow<'a, str>> {
        let coding = self.list("content-encoding").find(|coding| !coding.eq_ignore_ascii_case(b"identity"))?;
        Some(String::from_utf8_lossy(coding))
    }
}

/// What [`read`] made of the input.
#[derive(Debug)]
pub(super) enum Found<'s, 'a> {
    /// The head is not complete.
    Incomplete,
    /// A head of `length` bytes, interim or final.
    Head { length: usize, head: ResponseHead<'s, 'a>, closes: Option<CloseReason> },
}

const RULES: HeadRules = HeadRules {
    bytes_max: RESPONSE_HEAD_BYTES_MAX,
    too_large: Refusal::limit(
        431,
        "the status line and headers are larger than this many bytes",
        RESPONSE_HEAD_BYTES_MAX,
    ),
    empty_lines_max: 0, // RFC 9112 (2.2) asks this indulgence of servers only
    check_prefix: StatusLine::check_prefix,
    check_lines: |lines| split(lines, &mut ResponseStorage::new()).map(|_| ()),
};

/// Looks for a response head at the start of `input`; see [`HeadReader::handle`].
pub(super) fn read<'s, 'a>(
    reader: &mut HeadReader,
    input: &'a [u8],
    storage: &'s mut ResponseStorage<'a>,
    shape: Shape,
) -> Result<Found<'s, 'a>, Refusal> {
    match reader.handle(&RULES, input)? {
        Progress::Incomplete | Progress::EmptyLine(_) => Ok(Found::Incomplete),
        Progress::Complete(length) => parse(&input[..length], storage, shape),
    }
}

/// Reads a complete head.
fn parse<'s, 'a>(
    bytes: &'a [u8],
    storage: &'s mut ResponseStorage<'a>,
    shape: Shape,
) -> Result<Found<'s, 'a>, Refusal> {
    let (line, headers) = split(bytes, storage)?;
    let framing = Framing::new(line, shape, headers)?;
    let head =
        ResponseHead { status: line.status, version: line.version, body: framing.body, headers: Headers(headers) };
    Ok(Found::Head { length: bytes.len(), head, closes: framing.closes })
}

/// Splits complete lines, of which there is at least one, into the status line and the headers. The status line is
/// read here first so that it is judged by the same rules as its beginnings.
fn split<'s, 'a>(
    lines: &'a [u8],
    storage: &'s mut ResponseStorage<'a>,
) -> Result<(StatusLine, &'s [httparse::Header<'a>]), Refusal> {
    let line = StatusLine::parse(first_line(lines))?;
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, lines, &mut storage.0);
    parsed.map_err(|error| headers::refusal(error, RESPONSE_HEADERS_MAX))?;
    Ok((line, response.headers))
}
