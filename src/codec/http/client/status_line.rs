//! The status line: version, status, and a reason that nobody reads (RFC 9112, 4).

use crate::codec::http::grammar::is_text_byte;
use crate::codec::http::refusal::Refusal;
use crate::codec::http::version::{BadVersion, Version};

/// A whole status line.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatusLine {
    pub(super) version: Version,
    /// 100 to 999.
    pub(super) status: u16,
}

const NOT_HTTP: Refusal = Refusal::bad_request("the response does not begin with an HTTP version");
const TLS: Refusal = Refusal::bad_request("the server answers with TLS: should the URL begin with https://?");
const BAD_STATUS: Refusal = Refusal::bad_request("the status line has no status of three digits, the first not 0");
const BAD_REASON: Refusal = Refusal::bad_request("the reason in the status line is malformed");
const UNSUPPORTED: Refusal = Refusal::bad_request("the HTTP version of the response is neither 1.1 nor 1.0");

/// The types of TLS records that may answer plain HTTP: alert, handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

impl StatusLine {
    /// Reads a line, given without its CRLF. The reason may be missing, and with it the space that RFC 9112 wants
    /// nevertheless: many servers have neither.
    pub(super) fn parse(line: &[u8]) -> Result<StatusLine, Refusal> {
        StatusLine::check_prefix(line)?;
        let (version, rest) = line.split_at_checked(Version::BYTES).ok_or(NOT_HTTP)?;
        let version = Version::parse(version).map_err(|error| match error {
            BadVersion::Unsupported => UNSUPPORTED,
            BadVersion::Malformed => NOT_HTTP,
        })?;
        let digits = rest.get(1..4).ok_or(BAD_STATUS)?;
        let status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        Ok(StatusLine { version, status })
    }

    /// Whether the beginning of a line can still become a status line.
    pub(super) fn check_prefix(line: &[u8]) -> Result<(), Refusal> {
        let (version, rest) = line.split_at(line.len().min(Version::BYTES));
        let (status, reason) = rest.split_at(rest.len().min(" 200".len()));
        if !Version::is_start(version) {
            return Err(if version.first().is_some_and(|first| TLS_RECORDS.contains(first)) { TLS } else { NOT_HTTP });
        }
        match status {
            [] | [b' '] => {}
            [b' ', b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => {}
            [..] => return Err(BAD_STATUS),
        }
        match reason {
            [] => Ok(()),
            [b' ', text @ ..] if text.iter().copied().all(is_text_byte) => Ok(()),
            [..] => Err(BAD_REASON),
        }
    }
}
