//! Requests, written straight into the connection's out-buffer. What could break out of its place is an error: names,
//! paths and values come from configuration files, from other servers and from downstreams.

use std::error::Error;
use std::fmt;

use crate::base::buf::Buf;
use crate::codec::http::grammar::{is_authority, is_text, is_token_byte};
use crate::codec::http::request_line::Method;
use crate::codec::http::target::Target;
use crate::codec::http::write::{write_checked_header, write_content_length, write_parts};

/// The head of a request, as far as the caller decides it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What is to be done.
    pub method: Method,
    /// Path and query; the whole URL for a forward proxy.
    pub target: &'a str,
    /// Host, and port unless it is the scheme's default.
    pub host: &'a str,
    /// Further headers, none of those that are the codec's (see [`check_header`]).
    pub headers: &'a [(&'a str, &'a str)],
}

/// Why a request cannot be sent. Our fault, or that of whoever told us what to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// The connection is busy or closing.
    NotIdle,
    /// The target is no path with an optional query, or not written as a URL must be.
    Target,
    /// The host is no name or address with an optional port.
    Host,
    /// A header's name is no token.
    HeaderName,
    /// A header's value contains a control character, such as a line end.
    HeaderValue,
    /// A header that is the codec's.
    ReservedHeader,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RequestError::NotIdle => "the connection is not free for another request",
            RequestError::Target => "the path or query contains a character that must be percent-encoded",
            RequestError::Host => "the host is no name or address with an optional port",
            RequestError::HeaderName => "a header name contains a character that no name may have",
            RequestError::HeaderValue => "a header value contains a control character",
            RequestError::ReservedHeader => "the header decides about the connection and cannot be set",
        })
    }
}

impl Error for RequestError {}

/// The codec's own: set twice, or set wrongly, they would let a request end elsewhere than the peer thinks, or make it
/// answer with something that the codec does not understand.
const RESERVED: [&str; 11] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// Whether a header may be sent. Whoever reads headers from a configuration can say so early.
///
/// # Errors
/// One of [`RequestError::HeaderName`], [`RequestError::HeaderValue`] and [`RequestError::ReservedHeader`].
pub fn check_header(name: &str, value: &str) -> Result<(), RequestError> {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(RequestError::HeaderName);
    }
    if !is_text(value.as_bytes()) {
        return Err(RequestError::HeaderValue);
    }
    let is_reserved = RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
    if is_reserved { Err(RequestError::ReservedHeader) } else { Ok(()) }
}

/// A request whose head was checked and written once, to be sent often: only its body differs.
#[derive(Debug)]
pub struct PreparedRequest {
    pub(super) method: Method,
    /// All but the length of the body and the empty line.
    head: Buf,
}

impl PreparedRequest {
    /// Checks a request and writes its head.
    ///
    /// # Errors
    /// Something in it could break out of its place.
    pub fn new(request: &Request<'_>) -> Result<PreparedRequest, RequestError> {
        check(request)?;
        let mut head = Buf::new();
        write_head(&mut head, request);
        Ok(PreparedRequest { method: request.method, head })
    }

    /// Writes it with further headers, or nothing if anything is wrong with them.
    pub(super) fn write(
        &self,
        out: &mut Buf,
        headers: &[(&str, &str)],
        body_parts: &[&[u8]],
    ) -> Result<(), RequestError> {
        headers.iter().try_for_each(|(name, value)| check_header(name, value))?;
        let length: usize = body_parts.iter().map(|part| part.len()).sum();
        out.reserve(self.head.len() + header_bytes(headers) + OWN_BYTES + length);
        out.push(self.head.as_slice());
        for (name, value) in headers {
            write_checked_header(out, name, value);
        }
        write_rest(out, self.method, body_parts);
        Ok(())
    }
}

/// What is ours of a head, at most: method and version, names and values of our own headers, line ends.
const OWN_BYTES: usize = 128;

/// Writes a request, or nothing if anything is wrong with it.
pub(super) fn write(out: &mut Buf, request: &Request<'_>, body_parts: &[&[u8]]) -> Result<(), RequestError> {
    check(request)?;
    let length: usize = body_parts.iter().map(|part| part.len()).sum();
    out.reserve(OWN_BYTES + request.target.len() + request.host.len() + header_bytes(request.headers) + length);
    write_head(out, request);
    write_rest(out, request.method, body_parts);
    Ok(())
}

fn header_bytes(headers: &[(&str, &str)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len()).sum()
}

/// All of a checked head that does not depend on the body.
fn write_head(out: &mut Buf, request: &Request<'_>) {
    out.push(request.method.as_str().as_bytes());
    out.push(b" ");
    out.push(request.target.as_bytes());
    out.push(b" HTTP/1.1\r\n");
    write_checked_header(out, "Host", request.host);
    for (name, value) in request.headers {
        write_checked_header(out, name, value);
    }
    out.push(b"Accept-Encoding: identity\r\n");
}

fn write_rest(out: &mut Buf, method: Method, body_parts: &[&[u8]]) {
    let length = body_parts.iter().map(|part| part.len()).sum();
    if length > 0 || expects_body(method) {
        write_content_length(out, length);
    }
    out.push(b"\r\n");
    write_parts(out, body_parts);
}

fn check(request: &Request<'_>) -> Result<(), RequestError> {
    let is_plain = request.target.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || Target::parse(request.method, request.target).is_err() {
        return Err(RequestError::Target);
    }
    if !is_authority(request.host) {
        return Err(RequestError::Host);
    }
    request.headers.iter().try_for_each(|(name, value)| check_header(name, value))
}

/// Whether an absent body has to be announced as well (RFC 9110, 8.6).
fn expects_body(method: Method) -> bool {
    match method {
        Method::Post | Method::Put | Method::Patch => true,
        Method::Get | Method::Head | Method::Delete | Method::Options | Method::Trace => false,
    }
}
