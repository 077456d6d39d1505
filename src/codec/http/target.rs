//! The request target: which resource is meant (RFC 9112, 3.2).

use super::grammar::is_authority;
use super::refusal::Refusal;
use super::request_line::Method;

/// A request target, split. Nothing is decoded: `%2F` stays `%2F`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Starts with `/`; `*` for an OPTIONS request about the server as a whole.
    pub path: &'a str,
    /// What follows the first `?`, without it.
    pub query: Option<&'a str>,
    /// From an absolute-form target: host and port, which replace those of the `Host` header (RFC 9112, 3.2.2).
    pub(super) authority: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Splits a target of visible ASCII characters.
    pub(super) fn parse(method: Method, text: &'a str) -> Result<Target<'a>, Refusal> {
        if memchr::memchr(b'#', text.as_bytes()).is_some() {
            return Err(Refusal::bad_request("the request target contains a fragment"));
        }
        if text.starts_with('/') {
            return Ok(Target::split(text, None));
        }
        if text == "*" {
            return match method {
                Method::Options => Ok(Target { path: text, query: None, authority: None }),
                Method::Get
                | Method::Head
                | Method::Post
                | Method::Delete
                | Method::Put
                | Method::Patch
                | Method::Trace => Err(Refusal::bad_request("the request target * is for OPTIONS only")),
            };
        }
        Target::parse_absolute(text)
    }

    /// `http://host:port/path?query`, which RFC 9112 wants every server to accept although only proxies are sent it.
    fn parse_absolute(text: &'a str) -> Result<Target<'a>, Refusal> {
        let rest = strip_scheme(text, "http://").or_else(|| strip_scheme(text, "https://"));
        let Some(rest) = rest else {
            return Err(Refusal::bad_request("the request target is neither a path nor an http URL"));
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if !is_authority(authority) {
            return Err(Refusal::bad_request("the host in the request target is invalid"));
        }
        Ok(Target::split(path, Some(authority)))
    }

    fn split(text: &'a str, authority: Option<&'a str>) -> Target<'a> {
        let (path, query) = match memchr::memchr(b'?', text.as_bytes()) {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        // Only an absolute-form target can lack its path; the empty path means the root.
        Target { path: if path.is_empty() { "/" } else { path }, query, authority }
    }
}

fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}
