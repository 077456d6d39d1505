//! Responses, written straight into the connection's out-buffer. Nothing is formatted through `format!`.

use super::framing::Persistence;
use super::status;
use super::write::{Hexadecimal, write_content_length, write_header, write_parts};
use crate::base::buf::Sink;
use crate::base::decimal::Decimal;

/// The head of a response, as far as the caller decides it.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// 200 to 599.
    pub status: u16,
    /// Further headers. Never `Date`, `Connection`, `Content-Length` or `Transfer-Encoding`: those are the codec's.
    pub headers: &'a [(&'a str, &'a str)],
    /// The value of `Date`; see [`crate::base::time::http_date`].
    pub date: &'a str,
}

/// How the peer finds the end of the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// The status says that there is no body.
    Bodiless,
    /// `Content-Length`.
    Length(usize),
    /// Chunks.
    Chunked,
    /// The connection closes: all that HTTP/1.0 has for streams.
    Close,
}

impl Delimiter {
    /// How much of a body will follow at once, as far as that is known.
    fn body_bytes(self) -> usize {
        match self {
            Delimiter::Length(length) => length,
            Delimiter::Bodiless | Delimiter::Chunked | Delimiter::Close => 0,
        }
    }
}

/// What our heads fit into, with few exceptions.
const HEAD_BYTES_USUAL: usize = 256;

/// Whether responses with this status have no body at all (RFC 9110, 6.4.1).
pub(super) fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// Writes the status line and the headers with the empty line behind them.
pub(super) fn write_head(out: &mut impl Sink, response: &Response<'_>, delimiter: Delimiter, persistence: Persistence) {
    out.reserve(HEAD_BYTES_USUAL + delimiter.body_bytes());
    write_status_line(out, response.status);
    write_header(out, "Date", response.date);
    for (name, value) in response.headers {
        write_header(out, name, value);
    }
    match delimiter {
        Delimiter::Bodiless | Delimiter::Close => {}
        Delimiter::Length(length) => write_content_length(out, length),
        Delimiter::Chunked => out.push(b"Transfer-Encoding: chunked\r\n"),
    }
    match persistence {
        Persistence::Stays => {}
        Persistence::StaysIfTold => out.push(b"Connection: keep-alive\r\n"),
        Persistence::Closes(_) => out.push(b"Connection: close\r\n"),
    }
    out.push(b"\r\n");
}

/// Writes one chunk; nothing if it would be empty, which would mean the end.
pub(super) fn write_chunk(out: &mut impl Sink, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    if length == 0 {
        return;
    }
    out.push(Hexadecimal::new(length).as_bytes());
    out.push(b"\r\n");
    write_parts(out, parts);
    out.push(b"\r\n");
}

fn write_status_line(out: &mut impl Sink, code: u16) {
    match status::line(code) {
        Some(line) => out.push(line.as_bytes()),
        None => {
            out.push(b"HTTP/1.1 ");
            out.push(Decimal::new(u64::from(code)).as_bytes());
            out.push(b" \r\n");
        }
    }
}
