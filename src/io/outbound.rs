//! One connection to a remote upstream, and how it comes about.
//!
//! ```text
//!                              via a proxy             https
//!  Preparing ──> Connecting ──┬──────────> Tunnelling ──┬──────> Handshaking ──> Open
//!   names, trust  race        └─────────────────────────┴──────────────────────────^
//!                                          http
//! ```
//!
//! Each state before the last waits for something outside, takes it, and says what comes next.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Instant;

use mio::Registry;
use mio::event::Event;
use mio::net::TcpStream;

use super::channel::{Channel, Layer, broken};
use super::helper::TlsConfig;
use super::outbounds::Core;
use super::race::{Race, Standing};
use super::readiness::{Progress, Source};
use super::socket::{Bytes, Socket};
use super::tls::{self, Received, Tls};
use super::way::{Stop, Way};
use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::base::id::{Id, OutboundId};
use crate::base::time::Now;
use crate::base::url::Scheme;
use crate::codec::http::client::{Tunnel, TunnelStep};
use crate::config::forward_proxy::ForwardProxy;
use crate::limits;
use crate::proxy::Input;

/// One connection.
#[derive(Debug)]
pub(super) struct Outbound {
    pub(super) way: Way,
    state: State,
    /// When it must be open.
    deadline: Instant,
    pub(super) timer: Timer,
    /// Whether it stands in the queue of those to be read.
    pub(super) is_queued: bool,
    /// Whether it stands in the queue of those to be written.
    pub(super) is_dirty: bool,
}

#[derive(Debug)]
enum State {
    /// Until the addresses are known and, for https, whom to trust.
    Preparing { addresses: Option<Vec<SocketAddr>> },
    /// Until the first of the addresses has answered.
    Connecting(Race),
    /// Until the proxy has answered.
    Tunnelling { socket: Socket, tunnel: Tunnel, request: Buf, received: Buf },
    /// Until both sides have agreed on keys. `early` has what the upstream said together with its last word on them.
    Handshaking { socket: Socket, tls: Tls, early: Vec<u8> },
    /// Nothing is missing.
    Open(Channel),
    /// Over, or between two of the others.
    Ended,
}

/// What a state came to.
enum Step {
    /// It still waits.
    Wait(State),
    /// It is done, and this comes next.
    Go(State),
    /// The connection is there, and this has come on it already.
    Arrived(Channel, Vec<u8>),
}

/// What a connection works with in its turn.
pub(super) struct Turn<'a, C> {
    pub(super) core: &'a mut C,
    pub(super) registry: &'a Registry,
    pub(super) buffer: &'a mut [u8],
    pub(super) tls: Option<&'a TlsConfig>,
    pub(super) now: Now,
}

impl Outbound {
    pub(super) fn new(way: Way, now: Instant) -> Outbound {
        let addresses = match &way.stop {
            Stop::Addresses(addresses) => Some(addresses.clone()),
            Stop::Name(_) => None,
        };
        Outbound {
            way,
            state: State::Preparing { addresses },
            deadline: now + limits::CONNECT_TIME_MAX,
            timer: Timer::default(),
            is_queued: false,
            is_dirty: false,
        }
    }

    /// The addresses of its first stop have been found.
    pub(super) fn on_addresses(&mut self, found: &[SocketAddr]) {
        if let State::Preparing { addresses } = &mut self.state {
            *addresses = Some(found.to_vec());
        }
    }

    /// Whether it waits for what the helper finds out.
    pub(super) fn is_preparing(&self) -> bool {
        matches!(self.state, State::Preparing { .. })
    }

    /// Notes what the poll said.
    pub(super) fn on_event(&mut self, event: &Event) {
        match &mut self.state {
            State::Tunnelling { socket, .. } | State::Handshaking { socket, .. } => socket.on_event(event),
            State::Open(channel) => channel.on_event(event),
            // The sockets of a race are asked themselves.
            State::Connecting(_) | State::Preparing { .. } | State::Ended => {}
        }
    }

    /// The open connection, if that is what it is.
    pub(super) fn channel(&mut self) -> Option<&mut Channel> {
        match &mut self.state {
            State::Open(channel) => Some(channel),
            State::Preparing { .. }
            | State::Connecting(_)
            | State::Tunnelling { .. }
            | State::Handshaking { .. }
            | State::Ended => None,
        }
    }

    /// When it has to have a turn although nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Connecting(race) => Some(race.next_start().map_or(self.deadline, |start| start.min(self.deadline))),
            State::Preparing { .. } | State::Tunnelling { .. } | State::Handshaking { .. } => Some(self.deadline),
            State::Open(_) | State::Ended => None,
        }
    }

    /// What is still missing when the time is over; `None` if it is not, or nothing is.
    pub(super) fn overdue(&self, now: Instant) -> Option<String> {
        if now < self.deadline {
            return None;
        }
        let way = &self.way;
        let missing = match (&self.state, way.name()) {
            (State::Preparing { addresses: None }, Some(place)) => format!("no address found for {:?}", place.host),
            (State::Preparing { .. }, _) => "the trusted certificates were not read".to_owned(),
            (State::Connecting(race), _) => format!("no answer from {}", race.silent()),
            (State::Tunnelling { .. }, _) => "it did not answer CONNECT".to_owned(),
            (State::Handshaking { .. }, _) => {
                return Some(way.too_slow(&format!("{} did not finish the TLS handshake", way.host)));
            }
            (State::Open(_) | State::Ended, _) => return None,
        };
        Some(way.blame_stop(way.too_slow(&missing)))
    }

    /// Goes as far as it can: towards an open connection first, then reads from it.
    pub(super) fn advance<C: Core>(&mut self, id: OutboundId, turn: &mut Turn<'_, C>) -> Progress {
        loop {
            if let State::Open(channel) = &mut self.state {
                let read = channel.read(id, &self.way.host, turn.core, turn.buffer, turn.now);
                return read.unwrap_or_else(|error| {
                    turn.core.handle(Input::OutboundBroken { outbound: id, error }, turn.now);
                    Progress::Gone
                });
            }
            let state = std::mem::replace(&mut self.state, State::Ended);
            match self.way.step(state, id, turn) {
                Ok(Step::Wait(state)) => {
                    self.state = state;
                    return Progress::Idle;
                }
                Ok(Step::Go(state)) => self.state = state,
                Ok(Step::Arrived(channel, early)) => {
                    self.state = State::Open(channel);
                    turn.core.handle(Input::Connected { outbound: id }, turn.now);
                    if !early.is_empty() {
                        turn.core.handle(Input::OutboundReceived { outbound: id, bytes: &early }, turn.now);
                    }
                }
                Err(error) => {
                    turn.core.handle(Input::ConnectFailed { outbound: id, error }, turn.now);
                    return Progress::Gone;
                }
            }
        }
    }

    /// Writes what the core has. Before the connection is open it has nothing.
    pub(super) fn write(&mut self, id: OutboundId, core: &mut impl Core, now: Now) -> Progress {
        self.channel().map_or(Progress::Idle, |channel| channel.write(id, core, now))
    }

    /// The core wants nothing more of it.
    pub(super) fn close(self) {
        match self.state {
            State::Open(channel) => channel.close(),
            State::Preparing { .. }
            | State::Connecting(_)
            | State::Tunnelling { .. }
            | State::Handshaking { .. }
            | State::Ended => {}
        }
    }
}

/// One method per state, each as far as it can go. An error is a sentence for a person.
impl Way {
    fn step<C>(&self, state: State, id: OutboundId, turn: &mut Turn<'_, C>) -> Result<Step, String> {
        match state {
            State::Preparing { addresses } => self.prepare(addresses, turn),
            State::Connecting(race) => self.connect(race, id, turn),
            State::Tunnelling { socket, tunnel, request, received } => {
                let step = self.tunnel(socket, tunnel, request, received, turn);
                step.map_err(|error| self.blame_stop(error))
            }
            State::Handshaking { socket, tls, early } => self.shake_hands(socket, tls, early, turn.buffer),
            State::Open(_) | State::Ended => Ok(Step::Wait(state)),
        }
    }

    fn prepare<C>(&self, addresses: Option<Vec<SocketAddr>>, turn: &Turn<'_, C>) -> Result<Step, String> {
        if self.scheme == Scheme::Https && turn.tls.is_none() {
            return Ok(Step::Wait(State::Preparing { addresses }));
        }
        Ok(match addresses {
            Some(addresses) => Step::Go(State::Connecting(Race::new(addresses, turn.now.instant))),
            None => Step::Wait(State::Preparing { addresses }),
        })
    }

    fn connect<C>(&self, mut race: Race, id: OutboundId, turn: &Turn<'_, C>) -> Result<Step, String> {
        match race.poll(Source::Outbound(id.index()).token(), turn.registry, turn.now.instant) {
            Standing::Running => Ok(Step::Wait(State::Connecting(race))),
            Standing::Lost(error) => Err(self.blame_stop(error)),
            Standing::Won(stream) => self.on_connected(stream, turn),
        }
    }

    fn on_connected<C>(&self, stream: TcpStream, turn: &Turn<'_, C>) -> Result<Step, String> {
        let socket = Socket::new(stream);
        match (&self.proxy, self.scheme) {
            (Some(proxy), _) => self.ask_proxy(socket, proxy),
            (None, Scheme::Https) => self.begin_tls(socket, &[], turn),
            (None, Scheme::Http) => Ok(Step::Arrived(Channel::new(socket, Layer::Plain), Vec::new())),
        }
    }

    fn ask_proxy(&self, socket: Socket, proxy: &ForwardProxy) -> Result<Step, String> {
        let mut request = Buf::new();
        let tunnel = Tunnel::request(&mut request, &self.authority, proxy.authorization());
        let tunnel = tunnel.map_err(|error| self.blame_stop(error.to_string()))?;
        Ok(Step::Go(State::Tunnelling { socket, tunnel, request, received: Buf::new() }))
    }

    fn tunnel<C>(
        &self,
        mut socket: Socket,
        mut tunnel: Tunnel,
        mut request: Buf,
        mut received: Buf,
        turn: &mut Turn<'_, C>,
    ) -> Result<Step, String> {
        while !request.is_empty() && socket.is_writable() {
            let written = socket.write(request.as_slice());
            request.consume(written.unwrap_or_default()); // the socket has noted what went wrong
        }
        while socket.is_readable() {
            match socket.read(turn.buffer).map_err(|error| broken(&error, "it"))? {
                Bytes::None => {}
                Bytes::Some(count) => received.push(&turn.buffer[..count]),
                Bytes::End => return Err("it closed the connection without an answer".to_owned()),
            }
            loop {
                match tunnel.handle(received.as_slice()).map_err(|error| error.to_string())? {
                    TunnelStep::Incomplete => break,
                    TunnelStep::Skip(count) => received.consume(count),
                    TunnelStep::Open(count) => return self.begin_tls(socket, &received.as_slice()[count..], turn),
                }
            }
        }
        Ok(Step::Wait(State::Tunnelling { socket, tunnel, request, received }))
    }

    /// `received` has come already: nothing should have, but it belongs to the upstream.
    fn begin_tls<C>(&self, socket: Socket, received: &[u8], turn: &Turn<'_, C>) -> Result<Step, String> {
        let config = match turn.tls {
            Some(Ok(config)) => config.clone(),
            Some(Err(error)) => return Err(error.clone()),
            None => return Err("TLS is not ready".to_owned()), // no way leads here before it is
        };
        let mut tls = Tls::new(config, &self.host)?;
        let mut early = Vec::new();
        let fed = tls.receive(received, |bytes| early.extend_from_slice(bytes));
        fed.map_err(|error| tls::explain(&error, &self.host))?;
        Ok(Step::Go(State::Handshaking { socket, tls, early }))
    }

    fn shake_hands(
        &self,
        mut socket: Socket,
        mut tls: Tls,
        mut early: Vec<u8>,
        buffer: &mut [u8],
    ) -> Result<Step, String> {
        let ended = || format!("{} closed the connection during the TLS handshake", self.host);
        tls.send(&mut socket);
        while tls.is_handshaking() && socket.is_readable() {
            match socket.read(buffer).map_err(|error| broken(&error, &self.host))? {
                Bytes::None => {}
                Bytes::Some(count) => {
                    let received = tls.receive(&buffer[..count], |bytes| early.extend_from_slice(bytes));
                    tls.send(&mut socket); // the next step, or an alert that says why there is none
                    if received.map_err(|error| tls::explain(&error, &self.host))? == Received::Finished {
                        return Err(ended());
                    }
                }
                Bytes::End => return Err(ended()),
            }
        }
        if tls.is_handshaking() {
            return Ok(Step::Wait(State::Handshaking { socket, tls, early }));
        }
        Ok(Step::Arrived(Channel::new(socket, Layer::Tls(tls)), early))
    }
}
