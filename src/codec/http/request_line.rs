//! The request line: method, target, version (RFC 9112, 3).

use std::str;

use super::grammar::is_token_byte;
use super::refusal::Refusal;
use super::version::{BadVersion, Version};
use crate::limits::{METHOD_BYTES_MAX, TARGET_BYTES_MAX};

/// A request method of RFC 9110 or RFC 5789. Case matters. CONNECT is missing: only forward proxies serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `TRACE`
    Trace,
}

impl Method {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Trace => "TRACE",
        }
    }

    fn parse(name: &[u8]) -> Result<Method, Refusal> {
        match name {
            b"GET" => Ok(Method::Get),
            b"HEAD" => Ok(Method::Head),
            b"POST" => Ok(Method::Post),
            b"DELETE" => Ok(Method::Delete),
            b"OPTIONS" => Ok(Method::Options),
            b"PUT" => Ok(Method::Put),
            b"PATCH" => Ok(Method::Patch),
            b"TRACE" => Ok(Method::Trace),
            _ => Err(Refusal::new(501, "the request method is not implemented")),
        }
    }
}

/// A whole request line.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestLine<'a> {
    pub(super) method: Method,
    /// Not empty, visible ASCII characters only.
    pub(super) target: &'a str,
    pub(super) version: Version,
}

impl<'a> RequestLine<'a> {
    /// Reads a line, given without its CRLF.
    pub(super) fn parse(line: &'a [u8]) -> Result<RequestLine<'a>, Refusal> {
        let (method, rest) = split_method(line)?;
        let Some((target, version)) = rest.and_then(split_target) else {
            check_target(rest.unwrap_or_default())?;
            return Err(Refusal::bad_request("the request line is not method, target and version"));
        };
        check_target(target)?;
        let version = parse_version(version)?;
        let method = Method::parse(method)?;
        match str::from_utf8(target) {
            Ok(target) if !target.is_empty() => Ok(RequestLine { method, target, version }),
            Ok(_) | Err(_) => Err(Refusal::bad_request("the request line has no target")),
        }
    }

    /// Whether the beginning of a line can still become a request line.
    pub(super) fn check_prefix(line: &[u8]) -> Result<(), Refusal> {
        let (_, Some(rest)) = split_method(line)? else { return Ok(()) };
        let Some((target, version)) = split_target(rest) else { return check_target(rest) };
        check_target(target)?;
        if Version::is_start(version) { Ok(()) } else { Err(BAD_VERSION) }
    }
}

const BAD_VERSION: Refusal = Refusal::bad_request("the request line does not end in an HTTP version");

/// The method, and what follows the space behind it if there is one.
fn split_method(line: &[u8]) -> Result<(&[u8], Option<&[u8]>), Refusal> {
    let seen = &line[..line.len().min(METHOD_BYTES_MAX + 1)];
    let end = seen.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(seen.len());
    if end > METHOD_BYTES_MAX {
        return Err(Refusal::new(501, "the request method is not implemented"));
    }
    match line.get(end) {
        None => Ok((line, None)),
        Some(b' ') if end > 0 => Ok((&line[..end], Some(&line[end + 1..]))),
        Some(_) => Err(Refusal::bad_request("the request line does not begin with a method")),
    }
}

/// The target, and what follows the space behind it.
fn split_target(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', rest)?;
    Some((&rest[..end], &rest[end + 1..]))
}

/// Length first: whoever sends too much of anything should learn just that, however the bytes came in.
fn check_target(target: &[u8]) -> Result<(), Refusal> {
    let seen = &target[..target.len().min(TARGET_BYTES_MAX)];
    if !seen.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::bad_request("the request target contains a character that must be percent-encoded"));
    }
    if target.len() > TARGET_BYTES_MAX { Err(Refusal::TARGET_TOO_LONG) } else { Ok(()) }
}

fn parse_version(text: &[u8]) -> Result<Version, Refusal> {
    Version::parse(text).map_err(|error| match error {
        BadVersion::Unsupported => Refusal::new(505, "the HTTP version is not supported: 1.1 and 1.0 are"),
        BadVersion::Malformed => BAD_VERSION,
    })
}
