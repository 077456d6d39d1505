//! URLs, as far as configuration and the `Origin` and `Host` headers need them.
//!
//! What is accepted is a part of RFC 3986, on purpose: no user names, no percent-encoded or shorthand hosts
//! (`127.1`), no empty ports. Whatever two parsers could read differently is refused.
//!
//! ```text
//! https://mcp.example.com:8443/tools
//! └─┬─┘   └──────┬──────┘ └┬─┘└─┬──┘
//! scheme       host      port  path
//!         └── Authority ──────┘
//! └────── Origin ────────────┘
//! └────── Url ─────────────────────┘
//! ```

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A domain name in text form (RFC 1035, 2.3.4, without the root's empty label).
const HOST_BYTES_MAX: usize = 254;

/// Why something is no URL, origin or authority that we accept. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Not `http://…` or `https://…`.
    Scheme,
    /// `user:password@host`.
    Userinfo,
    /// Neither a name nor an IPv4 address nor an IPv6 address in brackets.
    Host,
    /// Not a number up to 65535.
    Port,
    /// A character that RFC 3986 (3.3) does not allow in a path, or a `%` without two hex digits.
    Path,
    /// A segment `.` or `..`, which downstreams resolve away before they ask.
    DotSegment,
    /// `?…`
    Query,
    /// `#…`
    Fragment,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlError::Scheme => "it must start with http:// or https://",
            UrlError::Userinfo => "it must not contain a user name or password",
            UrlError::Host => "its host is neither a name nor an IP address",
            UrlError::Port => "its port must be a number up to 65535",
            UrlError::Path => "its path contains a character that must be percent-encoded",
            UrlError::DotSegment => "its path must not contain the segments . or ..",
            UrlError::Query => "it must not have a query (?...)",
            UrlError::Fragment => "it must not have a fragment (#...)",
        })
    }
}

impl std::error::Error for UrlError {}

/// The two schemes that MCP travels by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port of a URL that names none.
    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    fn parse(text: &str) -> Option<Scheme> {
        [Scheme::Http, Scheme::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}

/// `host[:port]`: the value of a `Host` header (RFC 9110, 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Parses `host`, `host:port`, `[::1]` or `[::1]:port`.
    pub fn parse(text: &str) -> Result<Authority, UrlError> {
        if text.contains('@') {
            return Err(UrlError::Userinfo);
        }
        let (host, port) = split_port(text);
        let port = port.map(|port| parse_port(port).ok_or(UrlError::Port)).transpose()?;
        Ok(Authority { host: parse_host(host).ok_or(UrlError::Host)?, port })
    }

    /// Lower-cased; an IPv6 address is in brackets and in its canonical form (RFC 5952).
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `None` where none was written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Splits at the colon before the port, which is the first one outside brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    let after_brackets = if text.starts_with('[') { text.find(']').map_or(text.len(), |end| end + 1) } else { 0 };
    match text[after_brackets..].find(':') {
        Some(colon) => (&text[..after_brackets + colon], Some(&text[after_brackets + colon + 1..])),
        None => (text, None),
    }
}

/// A port as plain digits. (`u16::from_str` alone would take a plus sign.)
pub fn parse_port(text: &str) -> Option<u16> {
    let is_plain = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

/// A host in its one canonical spelling.
fn parse_host(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_well_formed = text.len() <= HOST_BYTES_MAX && text.bytes().all(is_name_byte);
    if !is_well_formed || name.split('.').any(str::is_empty) {
        return None;
    }
    // A last label that is a number makes browsers read the whole as IPv4 (URL Standard, "ends in a number"), in
    // spellings that others read as names; only the usual one passes.
    let last_label = name.rsplit('.').next().unwrap_or_default();
    let is_hex = last_label.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    let is_numeric = is_hex || last_label.bytes().all(|b| b.is_ascii_digit());
    if is_numeric && name.parse::<Ipv4Addr>().is_err() {
        return None;
    }
    Some(text.to_ascii_lowercase())
}

/// Whether a host (as in a URL or a `Host` header, without port) can only mean this machine: `localhost` and names
/// below it (RFC 6761, 6.3), 127.0.0.0/8, `[::1]`. With or without a trailing dot, in any case.
pub fn is_loopback_name(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().is_ok_and(|address| address.to_canonical().is_loopback());
    }
    let Some(canonical) = parse_host(host) else { return false };
    let name = canonical.strip_suffix('.').unwrap_or(&canonical);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Where a web page comes from (RFC 6454): the value of an `Origin` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `null`: a sandboxed frame, a local file, a redirect across origins. It equals nothing worth trusting.
    Opaque,
    /// `scheme://host[:port]`. The scheme may be any: browser extensions and editors have their own.
    Tuple {
        /// Lower-cased.
        scheme: String,
        /// As [`Authority::host`].
        host: String,
        /// The default of http and https filled in; `None` for other schemes without a port.
        port: Option<u16>,
    },
}

impl Origin {
    /// Parses `null` or `scheme://host[:port]`; a path, even `/`, makes it something else.
    pub fn parse(text: &str) -> Result<Origin, UrlError> {
        if text == "null" {
            return Ok(Origin::Opaque);
        }
        let (scheme, authority) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let is_scheme_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme_byte) {
            return Err(UrlError::Scheme);
        }
        let Authority { host, port } = Authority::parse(authority)?;
        let port = port.or_else(|| Scheme::parse(scheme).map(Scheme::default_port));
        Ok(Origin::Tuple { scheme: scheme.to_ascii_lowercase(), host, port })
    }

    /// Whether it is a page that this machine serves to itself over http or https.
    pub fn is_loopback(&self) -> bool {
        match self {
            Origin::Opaque => false,
            Origin::Tuple { scheme, host, .. } => Scheme::parse(scheme).is_some() && is_loopback_name(host),
        }
    }
}

/// The canonical spelling (RFC 6454, 6.2): a default port is left out.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin::Tuple { scheme, host, port } = self else { return f.write_str("null") };
        write!(f, "{scheme}://{host}")?;
        let default_port = Scheme::parse(scheme).map(Scheme::default_port);
        match port {
            Some(port) if Some(*port) != default_port => write!(f, ":{port}"),
            Some(_) | None => Ok(()),
        }
    }
}

/// An absolute http or https URL without user name, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

impl Url {
    /// Parses an absolute URL. Slashes at its end are dropped.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(UrlError::Scheme)?;
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        if rest.contains('?') {
            return Err(UrlError::Query);
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Authority { host, port } = Authority::parse(authority)?;
        let path = path.trim_end_matches('/');
        check_path(path)?;
        Ok(Url { scheme, host, port: port.unwrap_or(scheme.default_port()), path: path.to_owned() })
    }

    /// `http://host:port` for a host that has been checked already: a name or an IP address, IPv6 without brackets.
    pub fn http(host: &str, port: u16) -> Url {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_ascii_lowercase() };
        Url { scheme: Scheme::Http, host, port, path: String::new() }
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// As [`Authority::host`].
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The scheme's default where none was written. 0 only in a default for a listener whose port the system chooses.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Empty, or with a slash in front and none at the end.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Origin {
        Origin::Tuple { scheme: self.scheme.as_str().to_owned(), host: self.host.clone(), port: Some(self.port) }
    }

    /// The same with another port.
    pub fn with_port(self, port: u16) -> Url {
        Url { port, ..self }
    }
}

/// Without a slash at its end, so that `/…` can be appended.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)
    }
}

/// Whether `b` may stand in a path segment as it is: `pchar` of RFC 3986 (3.3) but for `%`.
pub fn is_segment_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b)
}

fn check_path(path: &str) -> Result<(), UrlError> {
    let mut bytes = path.bytes();
    while let Some(b) = bytes.next() {
        let is_allowed = match b {
            b'/' => true,
            b'%' => {
                bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            _ => is_segment_byte(b),
        };
        if !is_allowed {
            return Err(UrlError::Path);
        }
    }
    let is_dot = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(is_dot) { Err(UrlError::DotSegment) } else { Ok(()) }
}
