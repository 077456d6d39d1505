//! Signals as bytes in the one poll.
//!
//! A handler may do next to nothing, so it writes one byte to a socket pair. There is one pair for each meaning: what
//! arrives there says all.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::net::UnixStream;
use mio::{Interest, Registry};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use super::readiness::Source;

/// The reading ends.
#[derive(Debug)]
pub(super) struct Signals {
    ends: UnixStream,
    exits: UnixStream,
}

impl Signals {
    /// Installs the handlers.
    ///
    /// SIGHUP says that the terminal was closed. A proxy that was started from there ends with it; for any other it
    /// means nothing (yet), and it must not be what kills a daemon. SIGPIPE is ignored by the Rust runtime.
    ///
    /// # Errors
    ///
    /// What the system said; it is out of descriptors or memory.
    pub(super) fn install(registry: &Registry) -> io::Result<Signals> {
        let (mut ends, ends_writer) = std_pair()?;
        let (mut exits, exits_writer) = std_pair()?;
        for signal in [SIGTERM, SIGINT] {
            pipe::register(signal, ends_writer.try_clone()?)?;
        }
        if io::stderr().is_terminal() {
            pipe::register(SIGHUP, ends_writer)?;
        } else {
            signal_hook::flag::register(SIGHUP, Arc::<AtomicBool>::default())?;
        }
        pipe::register(SIGCHLD, exits_writer)?;
        registry.register(&mut ends, Source::Ends.token(), Interest::READABLE)?;
        registry.register(&mut exits, Source::Exits.token(), Interest::READABLE)?;
        Ok(Signals { ends, exits })
    }

    /// How many times the operator asked the proxy to end since the last call.
    pub(super) fn take_ends(&mut self) -> usize {
        drain(&mut self.ends)
    }

    /// Forgets the reports of ended children: `wait` knows better who has ended.
    pub(super) fn clear_exits(&mut self) {
        drain(&mut self.exits);
    }
}

fn std_pair() -> io::Result<(UnixStream, std::os::unix::net::UnixStream)> {
    let (reader, writer) = std::os::unix::net::UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    Ok((UnixStream::from_std(reader), writer))
}

/// Reads until `WouldBlock`: the next byte has to raise an edge.
fn drain(stream: &mut UnixStream) -> usize {
    let mut buffer = [0; 64];
    let mut total = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return total,
            Ok(count) => total += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return total,
        }
    }
}
