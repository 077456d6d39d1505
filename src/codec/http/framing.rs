//! The headers that decide where a message ends and what becomes of the connection (RFC 9112, 6 and 9): those of
//! requests, and what they have in common with those of responses.

use std::str;

use super::body::BodyLength;
use super::grammar::is_authority;
use super::headers::{elements, is_named};
use super::refusal::Refusal;
use super::server::CloseReason;
use super::version::Version;
use crate::limits::BODY_BYTES_MAX;

/// What becomes of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    /// It stays.
    Stays,
    /// It stays because an HTTP/1.0 peer asked for it, which has to be told so.
    StaysIfTold,
    /// It is closed.
    Closes(CloseReason),
}

/// The framing headers of one head, read in one pass.
#[derive(Debug)]
pub(super) struct Framing<'a> {
    pub(super) body: BodyLength,
    /// Empty if an HTTP/1.0 head has none.
    pub(super) host: &'a str,
    pub(super) expects_continue: bool,
    pub(super) persistence: Persistence,
}

/// What has been seen of the framing headers so far.
#[derive(Default)]
struct Seen<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    expects: bool,
    asks: Option<Wish>,
}

/// What `Connection` asks for; `close` beats `keep-alive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    KeepAlive,
    Close,
}

impl Wish {
    /// What is asked for once another value of `Connection` has been seen.
    pub(super) fn or(asked: Option<Wish>, value: &[u8]) -> Option<Wish> {
        elements(value).fold(asked, |asked, element| {
            if element.eq_ignore_ascii_case(b"close") {
                Some(Wish::Close)
            } else if element.eq_ignore_ascii_case(b"keep-alive") {
                asked.or(Some(Wish::KeepAlive))
            } else {
                asked
            }
        })
    }
}

/// What the framing headers of a message say about its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    Nothing,
    /// `u64::MAX` stands for all that is larger, too.
    Length(u64),
    Chunked,
}

impl Announced {
    /// RFC 9112, 6.3, with every choice it leaves made in favour of refusing.
    pub(super) fn new(
        version: Version,
        transfer_encoding: Option<&[u8]>,
        content_length: Option<&[u8]>,
    ) -> Result<Announced, Refusal> {
        match (transfer_encoding, content_length) {
            (Some(_), Some(_)) => Err(Refusal::bad_request("there are both Transfer-Encoding and Content-Length")),
            (Some(_), None) if version == Version::Http10 => {
                Err(Refusal::bad_request("HTTP/1.0 has no Transfer-Encoding"))
            }
            (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Announced::Chunked),
            (Some(_), None) => Err(Refusal::bad_request("the only Transfer-Encoding that is understood is chunked")),
            (None, Some(digits)) => number(digits).map(Announced::Length),
            (None, None) => Ok(Announced::Nothing),
        }
    }
}

impl<'a> Framing<'a> {
    pub(super) fn new(version: Version, headers: &[httparse::Header<'a>]) -> Result<Framing<'a>, Refusal> {
        let mut seen = Seen::default();
        for header in headers {
            seen.on_header(header)?;
        }
        let body = seen.body(version)?;
        Ok(Framing {
            body,
            host: seen.host(version)?,
            // HTTP/1.0 knows no interim answers; without a body there is nothing to wait with (RFC 9110, 10.1.1).
            expects_continue: seen.expects && version == Version::Http11 && body != BodyLength::None,
            persistence: match (seen.asks, version) {
                (Some(Wish::Close), _) => Persistence::Closes(CloseReason::PeerAsked),
                (Some(Wish::KeepAlive), Version::Http10) => Persistence::StaysIfTold,
                (None, Version::Http10) => Persistence::Closes(CloseReason::OldVersion),
                (None | Some(Wish::KeepAlive), Version::Http11) => Persistence::Stays,
            },
        })
    }
}

impl<'a> Seen<'a> {
    fn on_header(&mut self, header: &httparse::Header<'a>) -> Result<(), Refusal> {
        let is = |name: &str| is_named(header, name);
        // Most headers are none of these: their lengths tell.
        match header.name.len() {
            4 if is("host") => set_once(&mut self.host, header.value, "there are several Host headers"),
            6 if is("expect") => self.on_expect(header.value),
            10 if is("connection") => {
                self.asks = Wish::or(self.asks, header.value);
                Ok(())
            }
            14 if is("content-length") => {
                set_once(&mut self.content_length, header.value, "there are several Content-Length headers")
            }
            17 if is("transfer-encoding") => {
                set_once(&mut self.transfer_encoding, header.value, "there are several Transfer-Encoding headers")
            }
            _ => Ok(()),
        }
    }

    fn on_expect(&mut self, value: &[u8]) -> Result<(), Refusal> {
        for element in elements(value) {
            if !element.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::new(417, "the only expectation that can be met is 100-continue"));
            }
            self.expects = true;
        }
        Ok(())
    }

    fn host(&self, version: Version) -> Result<&'a str, Refusal> {
        match (self.host, version) {
            (Some(value), _) => match str::from_utf8(value) {
                Ok(host) if is_authority(host) => Ok(host),
                Ok(_) | Err(_) => Err(Refusal::bad_request("the Host header is no host with an optional port")),
            },
            (None, Version::Http10) => Ok(""),
            (None, Version::Http11) => Err(Refusal::bad_request("the Host header is missing")),
        }
    }

    fn body(&self, version: Version) -> Result<BodyLength, Refusal> {
        match Announced::new(version, self.transfer_encoding, self.content_length)? {
            Announced::Nothing | Announced::Length(0) => Ok(BodyLength::None),
            Announced::Length(length) if length > BODY_BYTES_MAX as u64 => Err(Refusal::BODY_TOO_LARGE),
            Announced::Length(length) => Ok(BodyLength::Length(length)),
            Announced::Chunked => Ok(BodyLength::Chunked),
        }
    }
}

/// Digits and nothing else: no sign, no list of equal values.
fn number(digits: &[u8]) -> Result<u64, Refusal> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::bad_request("Content-Length is not a number"));
    }
    Ok(digits.iter().fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
}

pub(super) fn set_once<'a>(
    slot: &mut Option<&'a [u8]>,
    value: &'a [u8],
    complaint: &'static str,
) -> Result<(), Refusal> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::bad_request(complaint)),
    }
}
