//! An open connection to a remote upstream: the core's bytes on one side, a socket on the other, perhaps TLS between.

use std::io::{self, Write};

use mio::event::Event;

use super::outbounds::Core;
use super::readiness::Progress;
use super::socket::{Bytes, Socket};
use super::tls::{self, Received, Tls};
use crate::base::id::OutboundId;
use crate::base::time::Now;
use crate::limits;
use crate::proxy::Input;

/// An open connection.
#[derive(Debug)]
pub(super) struct Channel {
    socket: Socket,
    layer: Layer,
}

/// What is between the core's bytes and the socket's.
#[derive(Debug)]
pub(super) enum Layer {
    Plain,
    Tls(Tls),
}

impl Channel {
    pub(super) fn new(socket: Socket, layer: Layer) -> Channel {
        Channel { socket, layer }
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        self.socket.on_event(event);
    }

    /// Whether [`Channel::write`] is worth a call.
    pub(super) fn is_writable(&self) -> bool {
        self.socket.is_writable()
    }

    /// Whether a write has failed: it is to be read, and will then report why.
    pub(super) fn has_failed(&self) -> bool {
        self.socket.has_failed()
    }

    /// Reads while there is something and the share lasts.
    ///
    /// # Errors
    ///
    /// The connection with `host` broke; why, for a person.
    pub(super) fn read(
        &mut self,
        id: OutboundId,
        host: &str,
        core: &mut impl Core,
        buffer: &mut [u8],
        now: Now,
    ) -> Result<Progress, String> {
        let mut share = limits::TURN_BYTES_MAX;
        while self.socket.is_readable() {
            if share == 0 {
                return Ok(Progress::Again);
            }
            match self.socket.read(buffer).map_err(|error| broken(&error, host))? {
                Bytes::None => {}
                Bytes::Some(count) => {
                    share = share.saturating_sub(count);
                    self.receive(id, host, core, &buffer[..count], now)?;
                }
                Bytes::End => self.on_end(id, host, core, now)?,
            }
        }
        match self.socket.take_failure() {
            Some(error) => Err(broken(&error, host)),
            None => Ok(Progress::Idle),
        }
    }

    fn receive(
        &mut self,
        id: OutboundId,
        host: &str,
        core: &mut impl Core,
        bytes: &[u8],
        now: Now,
    ) -> Result<(), String> {
        let mut hand_in = |bytes: &[u8]| core.handle(Input::OutboundReceived { outbound: id, bytes }, now);
        let tls = match &mut self.layer {
            Layer::Plain => {
                hand_in(bytes);
                return Ok(());
            }
            Layer::Tls(tls) => tls,
        };
        let received = tls.receive(bytes, hand_in);
        tls.send(&mut self.socket); // an alert, if that failed; or the peer wants other keys
        if received.map_err(|error| tls::explain(&error, host))? == Received::Finished {
            self.socket.on_end();
            core.handle(Input::OutboundFinished { outbound: id }, now);
        }
        Ok(())
    }

    /// The end of the socket's bytes. With TLS it proves nothing: anybody on the way can cause it.
    fn on_end(&mut self, id: OutboundId, host: &str, core: &mut impl Core, now: Now) -> Result<(), String> {
        match self.layer {
            Layer::Plain => {
                core.handle(Input::OutboundFinished { outbound: id }, now);
                Ok(())
            }
            Layer::Tls(_) => Err(format!("the TLS connection with {host} was cut off (no close_notify)")),
        }
    }

    /// Writes while the core has something, the socket takes it, and the share lasts.
    pub(super) fn write(&mut self, id: OutboundId, core: &mut impl Core, now: Now) -> Progress {
        let mut share = limits::TURN_BYTES_MAX;
        loop {
            if let Layer::Tls(tls) = &mut self.layer {
                tls.send(&mut self.socket);
            }
            let bytes = core.request_bytes(id);
            if bytes.is_empty() || !self.socket.is_writable() {
                return Progress::Idle;
            }
            if share == 0 {
                return Progress::Again;
            }
            let bytes = &bytes[..bytes.len().min(share)];
            let count = match &mut self.layer {
                // The socket has noted what went wrong, and will not be writable in the next round.
                Layer::Plain => self.socket.write(bytes).unwrap_or_default(),
                Layer::Tls(tls) => match tls.take(bytes) {
                    0 => return Progress::Idle,
                    count => count,
                },
            };
            if count > 0 {
                share -= count;
                core.handle(Input::OutboundSent { outbound: id, count }, now);
            }
        }
    }

    /// The core wants nothing more of it.
    pub(super) fn close(mut self) {
        if let Layer::Tls(tls) = &mut self.layer {
            tls.finish(&mut self.socket);
        }
    }
}

/// A connection with `host` that was there and is not any more.
pub(super) fn broken(error: &io::Error, host: &str) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::ConnectionReset || kind == io::ErrorKind::BrokenPipe {
        format!("{host} reset the connection")
    } else if kind == io::ErrorKind::TimedOut {
        format!("{host} has vanished: it answers nothing any more")
    } else {
        format!("the connection with {host} broke ({error})")
    }
}
