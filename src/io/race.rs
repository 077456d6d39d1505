//! From addresses to a connected socket: "happy eyeballs" (RFC 8305, 5).
//!
//! The addresses are tried one after the other, each with a head start before the next one, or until it fails. Whoever
//! is connected first wins; the others are closed.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustix::net::sockopt;

use crate::limits;

/// What is told of addresses that failed; more would say the same again.
const FAILURES_TOLD_MAX: usize = 3;

/// Attempts to connect.
#[derive(Debug)]
pub(super) struct Race {
    waiting: VecDeque<SocketAddr>,
    running: Vec<(SocketAddr, TcpStream)>,
    /// When the next one starts, if nobody has won by then.
    next_start: Instant,
    failures: Vec<String>,
}

/// How the race stands.
#[derive(Debug)]
pub(super) enum Standing {
    Running,
    Won(TcpStream),
    /// All have failed; why, for a person.
    Lost(String),
}

impl Race {
    /// Nobody has started yet.
    pub(super) fn new(addresses: Vec<SocketAddr>, now: Instant) -> Race {
        Race { waiting: addresses.into(), running: Vec::new(), next_start: now, failures: Vec::new() }
    }

    /// When to call [`Race::poll`] if no event comes; `None` once all have started.
    pub(super) fn next_start(&self) -> Option<Instant> {
        (!self.waiting.is_empty()).then_some(self.next_start)
    }

    /// Looks at all who run, and lets the next one start if it is time.
    pub(super) fn poll(&mut self, token: Token, registry: &Registry, now: Instant) -> Standing {
        let mut is_early = false;
        let mut index = 0;
        while let Some((address, stream)) = self.running.get(index) {
            match outcome(stream) {
                Ok(true) => return Standing::Won(self.running.swap_remove(index).1),
                Ok(false) => index += 1,
                Err(error) => {
                    self.failures.push(explain(*address, &error));
                    self.running.swap_remove(index);
                    is_early = true;
                }
            }
        }
        while (is_early || self.running.is_empty() || self.next_start <= now)
            && let Some(address) = self.waiting.pop_front()
        {
            match start(address, token, registry) {
                Ok(stream) => {
                    self.running.push((address, stream));
                    self.next_start = now + limits::CONNECT_HEAD_START;
                    is_early = false;
                }
                Err(error) => self.failures.push(explain(address, &error)),
            }
        }
        if self.running.is_empty() { Standing::Lost(self.complaint()) } else { Standing::Running }
    }

    /// Those who have not answered.
    pub(super) fn silent(&self) -> String {
        let addresses: Vec<String> = self.running.iter().map(|(address, _)| address.to_string()).collect();
        addresses.join(", ")
    }

    fn complaint(&mut self) -> String {
        self.failures.truncate(FAILURES_TOLD_MAX);
        self.failures.join("; ")
    }
}

fn start(address: SocketAddr, token: Token, registry: &Registry) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    // A request is written whole, waiting would only delay it. A socket that refuses any of this is worse, not wrong.
    let _ = stream.set_nodelay(true);
    let _ = keep_alive(&stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

/// A stream of events may be silent for hours. When its other end has vanished meanwhile, only the kernel notices.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, limits::KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, limits::KEEPALIVE_INTERVAL)?;
    Ok(sockopt::set_tcp_keepcnt(stream, limits::KEEPALIVE_PROBES)?)
}

/// Whether it is connected by now. Events may be about others with the same token, so the socket itself is asked.
fn outcome(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        // The kernel may choose the very port that nobody listens on as ours, and connect the socket with itself.
        Ok(peer) if stream.local_addr().is_ok_and(|local| local == peer) => {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

fn explain(address: SocketAddr, error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::ConnectionRefused {
        format!("connection refused by {address}")
    } else if kind == io::ErrorKind::TimedOut {
        format!("no answer from {address}")
    } else if [io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable].contains(&kind) {
        format!("no route to {address}")
    } else {
        format!("cannot connect to {address} ({error})")
    }
}
