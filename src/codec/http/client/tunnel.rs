//! A tunnel through a forward proxy: `CONNECT` (RFC 9110, 9.3.6).
//!
//! The response to it decides what the connection is from then on: after a 2xx head every byte belongs to the tunnel,
//! after any other the connection is good for nothing, because its body may have any length.

use std::error::Error;
use std::fmt;

use super::fault::Fault;
use super::head::{self, Found, ResponseStorage};
use super::request::RequestError;
use crate::base::buf::Buf;
use crate::codec::http::exchange::Shape;
use crate::codec::http::grammar::{is_authority, is_text_byte};
use crate::codec::http::head_reader::HeadReader;
use crate::codec::http::write::write_header;
use crate::limits::INTERIM_RESPONSES_MAX;

/// A tunnel that has been asked for.
#[derive(Debug)]
pub struct Tunnel {
    reader: HeadReader,
    interim: usize,
}

/// What [`Tunnel::handle`] made of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TunnelStep {
    /// The head is not complete.
    Incomplete,
    /// An interim response of this length: not to be presented again.
    Skip(usize),
    /// The tunnel is open. What follows after this many bytes has come through it.
    Open(usize),
}

/// Why there is no tunnel. Reads as the end of a sentence about the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TunnelError {
    /// The status that the proxy answered with.
    Refused(u16),
    /// What it answered is no HTTP.
    Fault(Fault),
}

impl fmt::Display for TunnelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TunnelError::Refused(407) => f.write_str("it wants a user name and password, or other ones (status 407)"),
            TunnelError::Refused(status) => write!(f, "it refused with status {status}"),
            TunnelError::Fault(fault) => fault.fmt(f),
        }
    }
}

impl Error for TunnelError {}

impl Tunnel {
    /// Asks for a tunnel to `authority`, a host and a port. `authorization` is the value of `Proxy-Authorization`.
    ///
    /// # Errors
    /// One of the two could break out of its place. Nothing has been written then.
    pub fn request(out: &mut Buf, authority: &str, authorization: Option<&str>) -> Result<Tunnel, RequestError> {
        if !is_authority(authority) {
            return Err(RequestError::Host);
        }
        if !authorization.unwrap_or_default().bytes().all(is_text_byte) {
            return Err(RequestError::HeaderValue);
        }
        out.push(b"CONNECT ");
        out.push(authority.as_bytes());
        out.push(b" HTTP/1.1\r\n");
        write_header(out, "Host", authority);
        if let Some(authorization) = authorization {
            write_header(out, "Proxy-Authorization", authorization);
        }
        out.push(b"\r\n");
        Ok(Tunnel { reader: HeadReader::default(), interim: 0 })
    }

    /// Looks for the response at the start of `input`, which is all that has come and was not used up.
    ///
    /// # Errors
    /// There will be no tunnel. The connection is to be closed.
    pub fn handle(&mut self, input: &[u8]) -> Result<TunnelStep, TunnelError> {
        let mut storage = ResponseStorage::new();
        // What a 2xx head says about a body is to be ignored, and that of another one nobody wants.
        let found = head::read(&mut self.reader, input, &mut storage, Shape::HeadOnly);
        match found.map_err(|refusal| TunnelError::Fault(refusal.into()))? {
            Found::Incomplete => Ok(TunnelStep::Incomplete),
            Found::Head { length, head, .. } => match head.status {
                200..=299 => Ok(TunnelStep::Open(length)),
                101 => Err(TunnelError::Fault(Fault::Switched)),
                100..=199 if self.interim == INTERIM_RESPONSES_MAX => Err(TunnelError::Fault(Fault::TOO_MANY_INTERIM)),
                100..=199 => {
                    *self = Tunnel { reader: HeadReader::default(), interim: self.interim + 1 };
                    Ok(TunnelStep::Skip(length))
                }
                status => Err(TunnelError::Refused(status)),
            },
        }
    }
}
