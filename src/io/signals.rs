//! Signals as bytes in the one poll.
//!
//! A handler may do next to nothing, so it writes one byte to a socket pair. There is one pair for each meaning: what
//! arrives there says all.

use std::io::{self, IsTerminal, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::net::UnixStream;
use mio::{Interest, Registry};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::low_level::pipe;

use super::readiness::Source;

/// The reading ends.
#[derive(Debug)]
pub(super) struct Signals {
    ends: UnixStream,
    hang_ups: UnixStream,
    exits: UnixStream,
    /// Whether the proxy was started from a terminal.
    had_terminal: bool,
}

/// What SIGHUP means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HangUp {
    /// The terminal was closed that the proxy was started from: it ends too.
    TerminalGone,
    /// What it means to every daemon: read the configuration again.
    Reload,
}

impl Signals {
    /// Installs the handlers. SIGPIPE is ignored by the Rust runtime.
    ///
    /// # Errors
    ///
    /// What the system said; it is out of descriptors or memory.
    pub(super) fn install(registry: &Registry) -> io::Result<Signals> {
        let (mut ends, ends_writer) = std_pair()?;
        let (mut hang_ups, hang_ups_writer) = std_pair()?;
        let (mut exits, exits_writer) = std_pair()?;
        for signal in [SIGTERM, SIGINT] {
            pipe::register(signal, ends_writer.try_clone()?)?;
        }
        pipe::register(SIGHUP, hang_ups_writer)?;
        pipe::register(SIGCHLD, exits_writer)?;
        // A file that may not grow (`ulimit -f`) is a full disk to whoever writes it: an error, not the end.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        registry.register(&mut ends, Source::Ends.token(), Interest::READABLE)?;
        registry.register(&mut hang_ups, Source::HangUps.token(), Interest::READABLE)?;
        registry.register(&mut exits, Source::Exits.token(), Interest::READABLE)?;
        Ok(Signals { ends, hang_ups, exits, had_terminal: io::stderr().is_terminal() })
    }

    /// How many times the operator asked the proxy to end since the last call.
    pub(super) fn take_ends(&mut self) -> usize {
        drain(&mut self.ends)
    }

    /// What the last SIGHUP means, if there was one since the last call. A terminal that was closed is none any more.
    pub(super) fn take_hang_up(&mut self) -> Option<HangUp> {
        if drain(&mut self.hang_ups) == 0 {
            return None;
        }
        let is_gone = self.had_terminal && !io::stderr().is_terminal();
        Some(if is_gone { HangUp::TerminalGone } else { HangUp::Reload })
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
