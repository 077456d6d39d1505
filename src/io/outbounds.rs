//! Connections to remote upstreams: whose turn it is, what the helper has found out, and when their time is over.
//!
//! Everything goes through the queue of those to be read, even what makes the connection: an event, an answer of the
//! helper and a deadline all mean "look again".

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use mio::event::Event;
use mio::{Registry, Waker};

pub use super::helper::{Resolve, resolve};
pub use super::tls::Trust;
pub use super::worker::waker;

use super::helper::{Finding, Helper, Place};
use super::outbound::{Outbound, Turn};
use super::readiness::Source;
use super::table::Table;
use super::turns::Turns;
use super::way::Way;
use crate::base::deadline::Deadlines;
use crate::base::id::OutboundId;
use crate::base::time::Now;
use crate::base::url::{Scheme, Url};
use crate::config::forward_proxy::ForwardProxies;
use crate::proxy::{Input, Proxy};

/// What connections need of the core.
pub trait Core {
    /// See [`Proxy::destination`].
    fn destination(&self, outbound: OutboundId) -> Option<&Url>;
    /// See [`Proxy::request_bytes`].
    fn request_bytes(&self, outbound: OutboundId) -> &[u8];
    /// See [`Proxy::handle`].
    fn handle(&mut self, input: Input<'_>, now: Now);
}

impl Core for Proxy {
    fn destination(&self, outbound: OutboundId) -> Option<&Url> {
        Proxy::destination(self, outbound)
    }

    fn request_bytes(&self, outbound: OutboundId) -> &[u8] {
        Proxy::request_bytes(self, outbound)
    }

    fn handle(&mut self, input: Input<'_>, now: Now) {
        Proxy::handle(self, input, now);
    }
}

/// What is the same for all connections.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// Which of them go through a proxy.
    pub proxies: ForwardProxies,
    /// Whose certificates are good.
    pub trust: Trust,
    /// How names are looked up: [`resolve`], but for tests.
    pub resolve: Resolve,
}

/// All connections to remote upstreams.
pub struct Outbounds {
    table: Table<OutboundId, Outbound>,
    proxies: ForwardProxies,
    helper: Helper,
    /// Those to be read, or to be brought further.
    ready: Turns<OutboundId, Outbound>,
    /// Those to be written.
    dirty: Turns<OutboundId, Outbound>,
    deadlines: Deadlines<OutboundId>,
    /// What the operator should know.
    warning: Option<String>,
}

impl Outbounds {
    /// No connections yet; nothing is read or started before the first. `waker` ends the wait of the poll that will be
    /// given with them.
    pub fn new(settings: OutboundSettings, waker: Arc<Waker>) -> Outbounds {
        let OutboundSettings { proxies, trust, resolve } = settings;
        Outbounds {
            table: Table::default(),
            proxies,
            helper: Helper::new(resolve, trust, waker),
            ready: Turns::new(|outbound| &mut outbound.is_queued),
            dirty: Turns::new(|outbound| &mut outbound.is_dirty),
            deadlines: Deadlines::default(),
            warning: None,
        }
    }

    /// Begins to make the connection that the core has given an id.
    pub fn connect(&mut self, id: OutboundId, core: &mut impl Core, now: Now) {
        let Some(url) = core.destination(id) else { return };
        match Way::to(url, &self.proxies).and_then(|way| self.prepare(way, now)) {
            Ok(mut outbound) => {
                arm(&mut self.deadlines, id, &mut outbound);
                self.table.insert(id, outbound);
                self.mark_ready(id);
            }
            Err(error) => core.handle(Input::ConnectFailed { outbound: id, error }, now),
        }
    }

    fn prepare(&mut self, way: Way, now: Now) -> Result<Outbound, String> {
        // First: it is the one of the two that does not depend on anybody else's machine.
        if way.scheme == Scheme::Https {
            self.helper.load_trust().map_err(|error| error.to_string())?;
        }
        if let Some(place) = way.name() {
            self.helper.look_up(place).map_err(|error| error.to_string())?;
        }
        Ok(Outbound::new(way, now.instant))
    }

    /// Notes what the poll said; nothing is read or written here. Events of others are ignored.
    pub fn on_event(&mut self, event: &Event) {
        let Some(Source::Outbound(index)) = Source::of(event.token()) else { return };
        let Some((id, outbound)) = self.table.at(index) else { return };
        outbound.on_event(event);
        self.ready.push(id, outbound);
        self.mark_dirty(id);
    }

    /// The core has bytes for it. They are written by [`Outbounds::flush`].
    pub fn mark_dirty(&mut self, id: OutboundId) {
        let Some(outbound) = self.table.find(id) else { return };
        if outbound.channel().is_some_and(|channel| channel.is_writable()) {
            self.dirty.push(id, outbound);
        }
    }

    fn mark_ready(&mut self, id: OutboundId) {
        if let Some(outbound) = self.table.find(id) {
            self.ready.push(id, outbound);
        }
    }

    /// Brings all that are ready further, or reads from them, each up to its share.
    pub fn read(&mut self, core: &mut impl Core, registry: &Registry, buffer: &mut [u8], now: Now) {
        while let Some(finding) = self.helper.poll_finding() {
            self.on_finding(finding, core, now);
        }
        let mut turn = Turn { core, registry, buffer, tls: self.helper.tls(), now };
        let deadlines = &mut self.deadlines;
        self.ready.serve(&mut self.table, |id, outbound| {
            let progress = outbound.advance(id, &mut turn);
            arm(deadlines, id, outbound);
            progress
        });
    }

    fn on_finding(&mut self, finding: Finding, core: &mut impl Core, now: Now) {
        match finding {
            Finding::Addresses(place, found) => self.on_addresses(&place, &found, core, now),
            Finding::Tls(warning) => {
                self.warning = warning;
                for (id, outbound) in self.table.iter_mut().filter(|(_, outbound)| outbound.is_preparing()) {
                    self.ready.push(id, outbound);
                }
            }
        }
    }

    fn on_addresses(&mut self, place: &Place, found: &Result<Vec<SocketAddr>, String>, core: &mut impl Core, now: Now) {
        let is_meant = |outbound: &Outbound| outbound.is_preparing() && outbound.way.name() == Some(place);
        let mut failed = Vec::new();
        for (id, outbound) in self.table.iter_mut().filter(|(_, outbound)| is_meant(outbound)) {
            match found {
                Ok(addresses) => {
                    outbound.on_addresses(addresses);
                    self.ready.push(id, outbound);
                }
                Err(error) => failed.push((id, outbound.way.blame_stop(error.clone()))),
            }
        }
        for (id, error) in failed {
            self.fail(id, error, core, now);
        }
    }

    fn fail(&mut self, id: OutboundId, error: String, core: &mut impl Core, now: Now) {
        self.table.remove(id);
        core.handle(Input::ConnectFailed { outbound: id, error }, now);
    }

    /// Writes to all that are dirty, each up to its share. The core may have more to say afterwards.
    pub fn flush(&mut self, core: &mut impl Core, now: Now) {
        let ready = &mut self.ready;
        self.dirty.serve(&mut self.table, |id, outbound| {
            let progress = outbound.write(id, core, now);
            if outbound.channel().is_some_and(|channel| channel.has_failed()) {
                ready.push(id, outbound);
            }
            progress
        });
    }

    /// Whether [`Outbounds::flush`] has something to do.
    pub fn is_dirty(&self) -> bool {
        self.dirty.is_waiting()
    }

    /// A turn ends. Returns whether somebody has more to do; then the next poll must not wait.
    pub fn is_busy_after_turn(&mut self, now: Instant) -> bool {
        self.deadlines.put_off(now, |deadlines, entry| {
            if let Some(outbound) = self.table.find(entry.1) {
                deadlines.is_expired(&mut outbound.timer, entry, now);
            }
        });
        self.ready.end_turn() | self.dirty.end_turn()
    }

    /// Closes the connection, or gives up making it.
    pub fn close(&mut self, id: OutboundId) {
        if let Some(outbound) = self.table.remove(id) {
            outbound.close();
        }
    }

    /// When [`Outbounds::handle_timeout`] is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Gives up what has had its time, and lets others have their turn.
    pub fn handle_timeout(&mut self, core: &mut impl Core, now: Now) {
        while let Some(entry) = self.deadlines.pop(now.instant) {
            let id = entry.1;
            let Some(outbound) = self.table.find(id) else { continue };
            if !self.deadlines.is_expired(&mut outbound.timer, entry, now.instant) {
                continue;
            }
            match outbound.overdue(now.instant) {
                Some(error) => self.fail(id, error, core, now),
                None => self.mark_ready(id),
            }
        }
    }

    /// What the operator should know; once.
    pub fn poll_warning(&mut self) -> Option<String> {
        self.warning.take()
    }
}

fn arm(deadlines: &mut Deadlines<OutboundId>, id: OutboundId, outbound: &mut Outbound) {
    match outbound.due() {
        Some(due) => deadlines.arm(&mut outbound.timer, id, due),
        None => outbound.timer.disarm(),
    }
}
