//! The socket of a connection that the proxy itself has made, and what is known of it. Those of downstreams are in
//! [`super::conn`].
//!
//! A peer that refuses a request may answer and close before it has read everything. The next write then fails while
//! the answer still waits to be read. So a write that fails is remembered, what has come is read, and the failure is
//! reported in the place of the end.

use std::io::{self, IoSlice, Read, Write};

use mio::event::Event;
use mio::net::TcpStream;

use super::readiness::Readable;

/// A socket with its readiness.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    readable: Readable,
    writable: Writable,
}

/// Whether a write is worth trying.
#[derive(Debug)]
enum Writable {
    Yes,
    /// Answered with `WouldBlock`; an event will tell when there is room again.
    No,
    /// It failed for good.
    Failed(io::Error),
}

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    /// So many, at least 1.
    Some(usize),
    /// None for now.
    None,
    /// The peer will send no more.
    End,
}

impl Socket {
    /// A socket that has just been connected. What the event that told so said about reading is not known any more.
    pub(super) fn new(stream: TcpStream) -> Socket {
        Socket { stream, readable: Readable::UntilEnd, writable: Writable::Yes }
    }

    /// Notes what the poll said.
    pub(super) fn on_event(&mut self, event: &Event) {
        if event.is_error() && self.readable == Readable::Ended {
            self.on_write_failed(io::ErrorKind::ConnectionReset.into());
        }
        self.readable.on_event(event);
        if event.is_writable() && matches!(self.writable, Writable::No) {
            self.writable = Writable::Yes;
        }
    }

    /// Whether [`Socket::read`] is worth a call.
    pub(super) fn is_readable(&self) -> bool {
        self.readable.is_ready()
    }

    /// Whether a write is worth trying.
    pub(super) fn is_writable(&self) -> bool {
        matches!(self.writable, Writable::Yes)
    }

    /// Whether a write has failed: what has come is to be read, then it is over.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.writable, Writable::Failed(_))
    }

    /// Why a write failed, if nothing more is to be read.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        if self.is_readable() {
            return None;
        }
        match std::mem::replace(&mut self.writable, Writable::No) {
            Writable::Failed(error) => Some(error),
            writable @ (Writable::Yes | Writable::No) => {
                self.writable = writable;
                None
            }
        }
    }

    /// Reads once.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Bytes> {
        let bytes = loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.readable.on_end();
                    break Bytes::End;
                }
                Ok(count) => {
                    if count < buffer.len() {
                        self.readable.on_short_read();
                    }
                    return Ok(Bytes::Some(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable.on_would_block();
                    break Bytes::None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        self.take_failure().map_or(Ok(bytes), Err)
    }

    /// The peer has said, in a protocol above this one, that it will send no more.
    pub(super) fn on_end(&mut self) {
        self.readable.on_end();
    }

    fn on_write_failed(&mut self, error: io::Error) {
        self.writable = Writable::Failed(error);
        self.readable.on_write_failed();
    }

    /// Makes of every failure one that has been noted.
    fn on_written(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Ok(count) if count > 0 => return Ok(count),
            Ok(_) => self.on_write_failed(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = Writable::No,
            Err(error) => self.on_write_failed(error),
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Fails with `WouldBlock` alone, or with `Interrupted`: what else there is to know, [`Socket::is_writable`] and the
/// next read know.
impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.stream.write(bytes);
        self.on_written(written)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.stream.write_vectored(slices);
        self.on_written(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
