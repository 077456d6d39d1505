//! Hosts and ports.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UrlError;

/// A domain name in text form (RFC 1035, 2.3.4, without the root's empty label).
const HOST_BYTES_MAX: usize = 254;

/// `host[:port]`: the value of a `Host` header (RFC 9110, 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    pub(super) host: String,
    pub(super) port: Option<u16>,
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

/// As it stands in a `Host` header.
impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
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
