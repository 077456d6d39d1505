//! Origins: what a browser says where a page comes from.

use std::fmt;

use super::authority::{Authority, is_loopback_name};
use super::{Scheme, UrlError};

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
