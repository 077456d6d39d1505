//! Listening addresses: `:9090`, `localhost:9090`, `127.0.0.1:0`, `[::1]:9090`.

use std::fmt;

use crate::base::url::{Authority, parse_port};

/// A listening address: the host may be a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addr {
    /// A name or an IP address, IPv6 without brackets. `None`: every address of the machine.
    pub host: Option<String>,
    /// 0 lets the system choose.
    pub port: u16,
}

/// Why something is no listening address. Reads as a sentence with its advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddrError {
    /// No colon, or nothing after it.
    MissingPort,
    /// Not a number up to 65535.
    Port,
    /// An IPv6 address without brackets.
    Brackets,
    /// Neither a name nor an IP address.
    Host,
}

impl fmt::Display for AddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddrError::MissingPort => "it names no port",
            AddrError::Port => "its port must be a number from 0 to 65535",
            AddrError::Brackets => "an IPv6 address must be in brackets",
            AddrError::Host => "its host is neither a name nor an IP address",
        })
    }
}

impl std::error::Error for AddrError {}

/// The forms that are right, for messages.
pub const ADDR_FORMS: &str = "Write \":9090\" (every address of this machine), \"127.0.0.1:9090\" or \"[::1]:9090\".";

impl Addr {
    /// Parses `host:port`; the host may be missing.
    pub fn parse(text: &str) -> Result<Addr, AddrError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddrError::MissingPort)?;
        if host.contains(':') && !host.starts_with('[') {
            return Err(AddrError::Brackets);
        }
        if port.is_empty() || port.contains(']') {
            return Err(AddrError::MissingPort);
        }
        let port = parse_port(port).ok_or(AddrError::Port)?;
        if host.is_empty() {
            return Ok(Addr { host: None, port });
        }
        let host = Authority::parse(host).map_err(|_| AddrError::Host)?;
        Ok(Addr { host: Some(host.host().trim_matches(['[', ']']).to_owned()), port })
    }
}

/// As it was typed, in canonical spelling.
impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            None => write!(f, ":{}", self.port),
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
        }
    }
}
