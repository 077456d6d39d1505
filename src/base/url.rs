//! URLs, as far as configuration, upstreams and the `Origin` and `Host` headers need them.
//!
//! What is accepted is a part of RFC 3986, on purpose: no user names, no percent-encoded or shorthand hosts
//! (`127.1`), no empty ports. Whatever two parsers could read differently is refused.
//!
//! ```text
//! https://mcp.example.com:8443/tools?key=1
//! └─┬─┘   └──────┬──────┘ └┬─┘└─┬──┘ └─┬─┘
//! scheme       host      port  path  query
//!         └── Authority ──────┘
//! └────── Origin ────────────┘
//! └────── Url ───────────────────────────┘
//! ```

mod authority;
mod origin;
mod reference;

use std::fmt;

pub use authority::{Authority, is_loopback_name, parse_port};
pub use origin::Origin;

use reference::split_query;

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
    /// A character in a query that browsers percent-encode, or a `%` without two hex digits.
    QueryCharacter,
    /// `?…` where there must be none.
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
            UrlError::QueryCharacter => "its query contains a character that must be percent-encoded",
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

/// An absolute http or https URL without user name and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

impl Url {
    /// Parses the URL of something: it is kept to the letter, but for the root's slash.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        if text.contains('#') && split_scheme(text).is_ok() {
            return Err(UrlError::Fragment);
        }
        Url::read(text, str::to_owned)
    }

    /// Parses a URL below which there are others: it has no query, and slashes at its end are dropped.
    pub fn parse_base(text: &str) -> Result<Url, UrlError> {
        let mut url = Url::parse(text)?;
        if url.query.is_some() {
            return Err(UrlError::Query);
        }
        url.path.truncate(url.path.trim_end_matches('/').len());
        Ok(url)
    }

    /// Parses a URL without fragment; `tidy` makes of its path what is kept.
    fn read(text: &str, tidy: impl Fn(&str) -> String) -> Result<Url, UrlError> {
        let (scheme, rest) = split_scheme(text)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = split_query(rest);
        let Authority { host, port } = Authority::parse(authority)?;
        let port = port.unwrap_or(scheme.default_port());
        Url { scheme, host, port, path: String::new(), query: None }.with_path(&tidy(path), query)
    }

    /// The same with another path and query.
    fn with_path(&self, path: &str, query: Option<&str>) -> Result<Url, UrlError> {
        check_path(path)?;
        query.map_or(Ok(()), check_query)?;
        let path = if path == "/" { "" } else { path };
        Ok(Url { path: path.to_owned(), query: query.map(str::to_owned), ..self.clone() })
    }

    /// `http://host:port` for a host that has been checked already: a name or an IP address, IPv6 without brackets.
    pub fn http(host: &str, port: u16) -> Url {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_ascii_lowercase() };
        Url { scheme: Scheme::Http, host, port, path: String::new(), query: None }
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

    /// Empty for the root, else with a slash in front.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What follows the `?`, without it.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Path and query, as a request line has them.
    pub fn target(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        match &self.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// Host and port, as a `Host` header has them: a default port is left out.
    pub fn authority(&self) -> Authority {
        let port = Some(self.port).filter(|port| *port != self.scheme.default_port());
        Authority { host: self.host.clone(), port }
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

/// All of it: a query may be a secret. The root has no slash at its end, nor has anything from [`Url::parse_base`], so
/// that `/…` can be appended.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

/// Schemes with which a browser runs or shows something instead of handing the URL on.
const BROWSERS_OWN: [&str; 8] =
    ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"];

/// Whether a scheme (RFC 3986, 3.1) may be one that an application has claimed for its links: neither of the web's, nor
/// one that browsers keep for themselves.
pub fn is_app_scheme(scheme: &str) -> bool {
    let is_scheme_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(is_scheme_byte);
    let is_taken = BROWSERS_OWN.iter().any(|own| scheme.eq_ignore_ascii_case(own)) || Scheme::parse(scheme).is_some();
    is_scheme && !is_taken
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), UrlError> {
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
    Ok((Scheme::parse(scheme).ok_or(UrlError::Scheme)?, rest))
}

/// Whether `b` may stand in a path segment as it is: `pchar` of RFC 3986 (3.3) but for `%`.
pub fn is_segment_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b)
}

fn check_path(path: &str) -> Result<(), UrlError> {
    if !is_encoded(path, |b| b == b'/' || is_segment_byte(b)) {
        return Err(UrlError::Path);
    }
    let is_dot = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(is_dot) { Err(UrlError::DotSegment) } else { Ok(()) }
}

/// Takes what browsers send as it is (URL Standard, "query percent-encode set"), which is more than RFC 3986 allows.
fn check_query(query: &str) -> Result<(), UrlError> {
    let is_query_byte = |b: u8| b.is_ascii_graphic() && !b"\"#%<>".contains(&b);
    if is_encoded(query, is_query_byte) { Ok(()) } else { Err(UrlError::QueryCharacter) }
}

/// Whether a text consists of allowed bytes and percent-encoded ones.
fn is_encoded(text: &str, is_allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    let is_hex_next = |bytes: &mut std::str::Bytes<'_>| bytes.next().is_some_and(|b| b.is_ascii_hexdigit());
    while let Some(b) = bytes.next() {
        let is_right = if b == b'%' { is_hex_next(&mut bytes) && is_hex_next(&mut bytes) } else { is_allowed(b) };
        if !is_right {
            return false;
        }
    }
    true
}
