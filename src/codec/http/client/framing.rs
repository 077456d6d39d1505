//! The headers that decide where a response ends and what becomes of the connection (RFC 9112, 6 and 9).

use super::CloseReason;
use super::status_line::StatusLine;
use crate::codec::http::body::ResponseLength;
use crate::codec::http::exchange::Shape;
use crate::codec::http::framing::{Announced, Wish, set_once};
use crate::codec::http::headers::{elements, is_named};
use crate::codec::http::refusal::Refusal;
use crate::codec::http::response::is_bodiless;
use crate::codec::http::version::Version;

/// The framing headers of one response head.
#[derive(Debug)]
pub(super) struct Framing {
    pub(super) body: ResponseLength,
    /// Why the connection closes after the response; `None` if it stays. Without meaning if it ends the body.
    pub(super) closes: Option<CloseReason>,
}

/// What has been seen of the framing headers so far.
#[derive(Default)]
struct Seen<'a> {
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    asks: Option<Wish>,
}

impl Framing {
    pub(super) fn new(line: StatusLine, shape: Shape, headers: &[httparse::Header<'_>]) -> Result<Framing, Refusal> {
        let mut seen = Seen::default();
        for header in headers {
            seen.on_header(header)?;
        }
        // These have no body whatever their headers say, which is what they would have said with one.
        let body = if is_bodiless(line.status) || shape == Shape::HeadOnly {
            ResponseLength::None
        } else {
            seen.body(line.version)?
        };
        let closes = match (seen.asks, line.version) {
            (Some(Wish::Close), _) => Some(CloseReason::PeerAsked),
            (None, Version::Http10) => Some(CloseReason::OldVersion),
            (Some(Wish::KeepAlive), _) | (None, Version::Http11) => None,
        };
        Ok(Framing { body, closes })
    }
}

impl<'a> Seen<'a> {
    fn on_header(&mut self, header: &httparse::Header<'a>) -> Result<(), Refusal> {
        let is = |name: &str| is_named(header, name);
        if is("content-length") {
            self.on_content_length(header.value)
        } else if is("transfer-encoding") {
            set_once(&mut self.transfer_encoding, header.value, "there are several Transfer-Encoding headers")
        } else {
            if is("connection") {
                self.asks = Wish::or(self.asks, header.value);
            }
            Ok(())
        }
    }

    /// Some gateways add a second `Content-Length` to the one that is there. RFC 9110 (8.6) lets us take several equal
    /// ones for one; different ones are two readings.
    fn on_content_length(&mut self, value: &'a [u8]) -> Result<(), Refusal> {
        let mut numbers = elements(value).peekable();
        let first = self.content_length.unwrap_or(numbers.peek().copied().unwrap_or_default());
        self.content_length = Some(first);
        if numbers.peek().is_none() {
            return Err(Refusal::bad_request("Content-Length is not a number"));
        }
        if numbers.all(|number| number == first) {
            return Ok(());
        }
        Err(Refusal::bad_request("there are different Content-Length headers"))
    }

    /// RFC 9112, 6.3.
    fn body(&self, version: Version) -> Result<ResponseLength, Refusal> {
        match Announced::new(version, self.transfer_encoding, self.content_length)? {
            Announced::Nothing => Ok(ResponseLength::UntilClose),
            Announced::Length(0) => Ok(ResponseLength::None),
            Announced::Length(u64::MAX) => Err(Refusal::bad_request("Content-Length does not fit into 64 bits")),
            Announced::Length(length) => Ok(ResponseLength::Length(length)),
            Announced::Chunked => Ok(ResponseLength::Chunked),
        }
    }
}
