//! The header lines of a head, and finding something in them.

use std::fmt;
use std::mem::MaybeUninit;
use std::str;

use super::grammar::trim;
use super::refusal::Refusal;
use crate::limits::HEADERS_MAX;

/// Room for the header lines of one head, lent to a codec's `handle`. Making one costs nothing: it stays
/// uninitialised.
pub struct HeadStorage<'a, const LINES: usize = HEADERS_MAX>(pub(super) [MaybeUninit<httparse::Header<'a>>; LINES]);

impl<const LINES: usize> HeadStorage<'_, LINES> {
    /// Room for one head.
    pub const fn new() -> Self {
        HeadStorage([MaybeUninit::uninit(); LINES])
    }
}

impl<const LINES: usize> Default for HeadStorage<'_, LINES> {
    fn default() -> Self {
        HeadStorage::new()
    }
}

impl<const LINES: usize> fmt::Debug for HeadStorage<'_, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeadStorage")
    }
}

/// Valid header lines, borrowed from the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Headers<'s, 'a>(pub(super) &'s [httparse::Header<'a>]);

impl<'s, 'a> Headers<'s, 'a> {
    /// The values of all header lines with this name (any case), in order.
    pub(super) fn all(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        let is_meant = move |header: &&httparse::Header<'a>| is_named(header, name);
        self.0.iter().filter(is_meant).map(|header| header.value)
    }

    /// All header lines whose name starts so (in any case): what follows in the name, and the value.
    pub(super) fn starting(self, prefix: &'static str) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'s, 'a> {
        self.0.iter().filter_map(move |header| {
            let (start, rest) = header.name.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then_some((rest, header.value))
        })
    }

    /// The value of a header that may come once only.
    pub(super) fn unique(self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
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

    /// Whether a header comes once, with this very value.
    pub(super) fn is_exactly(self, name: &'static str, value: &[u8]) -> bool {
        let mut values = self.all(name);
        values.next() == Some(value) && values.next().is_none()
    }

    /// The elements of a comma-separated header, over all its lines.
    pub(super) fn list(self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + use<'s, 'a> {
        self.all(name).flat_map(elements)
    }
}

/// Whether a header has this name, in any case. It is made of letters, digits and hyphens: of the bytes that names may
/// have, no other turns into one of these by the bit that tells the cases apart.
pub(super) fn is_named(header: &httparse::Header<'_>, name: &str) -> bool {
    let is_same = |(byte, wanted): (u8, u8)| byte | 0x20 == wanted | 0x20;
    header.name.len() == name.len() && header.name.bytes().zip(name.bytes()).all(is_same)
}

/// The first of complete lines, without its end. No LF stands there without a CR, see [`super::head_reader`].
pub(super) fn first_line(lines: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', lines).unwrap_or(lines.len());
    lines[..end].strip_suffix(b"\r").unwrap_or(lines)
}

/// Splits one value of a comma-separated header, without empty elements (RFC 9110, 5.6.1).
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// What `httparse` found wrong with a head of at most `lines_max` header lines, whose first line is in order.
pub(super) fn refusal(error: httparse::Error, lines_max: usize) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::limit(431, "there are more header lines than", lines_max),
        httparse::Error::HeaderName => Refusal::bad_request(
            "a header line is not a name, a colon and a value: no space before the colon, no folding",
        ),
        httparse::Error::HeaderValue | httparse::Error::NewLine => {
            Refusal::bad_request("a header value contains a control character")
        }
        httparse::Error::Token | httparse::Error::Status | httparse::Error::Version => {
            Refusal::bad_request("the first line is malformed")
        }
    }
}
