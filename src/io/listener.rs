//! The listening socket: where it is bound, and how connections come out of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::time::Instant;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::RunError;
use super::readiness::Source;
use crate::config::Addr;
use crate::limits;

/// A socket that listens.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    state: Accepting,
    /// When the last shortage was reported.
    reported: Option<Instant>,
}

/// Whether to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepting {
    /// Nobody waits; an event will tell.
    Idle,
    /// Somebody may wait.
    Ready,
    /// Somebody waits, but there was no descriptor for them.
    Paused { until: Instant },
}

/// What [`Listener::accept`] found.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection, and who is at its other end.
    Conn(TcpStream, IpAddr),
    /// Nobody waits any more.
    Nobody,
    /// There is no descriptor or memory for another one: accepting pauses. The error, unless a log line about it would
    /// only repeat the last.
    Shortage(Option<io::Error>),
}

impl Listener {
    /// Binds and listens, and says where.
    ///
    /// Without a host it is every address of the machine: IPv6 and IPv4 through one socket, or IPv4 alone where the
    /// machine has no IPv6. A name is resolved here, which may take a while; nothing else runs yet.
    ///
    /// # Errors
    ///
    /// [`RunError::Resolve`] or [`RunError::Listen`].
    pub(super) fn bind(addr: &Addr, registry: &Registry) -> Result<(Listener, SocketAddr), RunError> {
        let candidates = resolve(addr)?;
        let mut failure = None;
        for candidate in candidates {
            match listen(candidate).and_then(|socket| Listener::start(socket, registry)) {
                Ok(bound) => return Ok(bound),
                Err(error) => failure = failure.or(Some((candidate, error))),
            }
        }
        let (tried, error) = failure.unwrap_or_else(|| (unspecified_v4(addr.port), io::ErrorKind::NotFound.into()));
        Err(RunError::Listen { addr: tried, error })
    }

    fn start(socket: StdListener, registry: &Registry) -> io::Result<(Listener, SocketAddr)> {
        let local = socket.local_addr()?;
        let mut socket = TcpListener::from_std(socket);
        registry.register(&mut socket, Source::Listener.token(), Interest::READABLE)?;
        Ok((Listener { socket, state: Accepting::Idle, reported: None }, local))
    }

    /// The poll says that somebody waits.
    pub(super) fn on_event(&mut self) {
        if self.state == Accepting::Idle {
            self.state = Accepting::Ready;
        }
    }

    /// A descriptor was closed: a shortage may be over.
    pub(super) fn on_descriptor_freed(&mut self) {
        if let Accepting::Paused { .. } = self.state {
            self.state = Accepting::Ready;
        }
    }

    /// When to try again after a shortage.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            Accepting::Paused { until } => Some(until),
            Accepting::Idle | Accepting::Ready => None,
        }
    }

    /// The time may have come to try again.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|until| until <= now) {
            self.state = Accepting::Ready;
        }
    }

    /// Whether [`Listener::accept`] is worth a call.
    pub(super) fn is_ready(&self) -> bool {
        self.state == Accepting::Ready
    }

    /// Takes the next connection.
    pub(super) fn accept(&mut self, now: Instant) -> Accepted {
        loop {
            match self.socket.accept() {
                Ok((stream, peer)) => return Accepted::Conn(stream, peer.ip()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.state = Accepting::Idle;
                    return Accepted::Nobody;
                }
                Err(error) if is_shortage(&error) => {
                    self.state = Accepting::Paused { until: now + limits::ACCEPT_PAUSE };
                    return Accepted::Shortage(self.is_news(now).then_some(error));
                }
                // Linux reports here what befell a connection that waited (accept(2), "Error handling"): it is gone,
                // the next one is not.
                Err(_) => {}
            }
        }
    }

    fn is_news(&mut self, now: Instant) -> bool {
        let is_news = self.reported.is_none_or(|at| now >= at + limits::SHORTAGE_REPORT_INTERVAL);
        if is_news {
            self.reported = Some(now);
        }
        is_news
    }
}

/// Out of descriptors or memory, in this process or in the whole system.
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}

fn unspecified_v4(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

/// The addresses to try, in order. IPv4 first, as Go's `net.Listen` does it: `localhost` is 127.0.0.1.
fn resolve(addr: &Addr) -> Result<Vec<SocketAddr>, RunError> {
    let Some(host) = &addr.host else {
        return Ok(vec![SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), addr.port), unspecified_v4(addr.port)]);
    };
    let found = (host.as_str(), addr.port)
        .to_socket_addrs()
        .map_err(|error| RunError::Resolve { host: host.clone(), error })?;
    let mut candidates: Vec<SocketAddr> = found.collect();
    candidates.sort_by_key(SocketAddr::is_ipv6);
    candidates.dedup();
    Ok(candidates)
}

/// A listening socket by hand: the standard library offers neither the backlog nor the dual stack.
fn listen(addr: SocketAddr) -> io::Result<StdListener> {
    let family = if addr.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    // A restarted proxy gets its port although connections of the last one linger in TIME_WAIT.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if addr.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, !addr.ip().is_unspecified())?;
    }
    rustix::net::bind(&socket, &addr)?;
    rustix::net::listen(&socket, limits::LISTEN_BACKLOG)?;
    Ok(StdListener::from(socket))
}
