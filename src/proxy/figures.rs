//! What the core counts of itself, and how it stands at the moment: for whoever watches it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Proxy;
use crate::base::histogram::Histogram;
use crate::base::id::ServerId;
use crate::mcp::call::CallState;
use crate::mcp::method::McpMethod;
use crate::mcp::tally::CallEnd;

/// A turn of the loop usually takes some microseconds. One of a second is a fault.
const TURN_BOUNDS: [Duration; 8] = [
    Duration::from_micros(100),
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
];

/// What is counted of the whole proxy.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Since when, in seconds of Unix time.
    pub(crate) since: u64,
    /// What downstreams sent.
    pub(crate) received_bytes: u64,
    /// What they were sent.
    pub(crate) sent_bytes: u64,
    /// How long turns of the loop took.
    pub(crate) turns: Histogram<{ TURN_BOUNDS.len() }>,
}

impl Counts {
    pub(super) fn new(since: u64) -> Counts {
        Counts { since, received_bytes: 0, sent_bytes: 0, turns: Histogram::new(&TURN_BOUNDS) }
    }
}

/// How a configured server stands, together with all private ones that it is the entrance of.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) sessions: usize,
    pub(crate) calls_in_flight: usize,
    /// Calls that wait for it to become ready.
    pub(crate) calls_waiting: usize,
    /// What waits to be sent to it, be it ready or not.
    pub(crate) queued_bytes: usize,
}

/// Counting.
impl Proxy {
    /// A call to a server is over.
    pub(super) fn count_call(&mut self, server: ServerId, method: McpMethod, end: CallEnd, took: Duration) {
        let entrance = self.entrance_of(server);
        if let Some(entry) = self.servers.get_mut(entrance) {
            entry.tally.on_call_over(method, end, took);
        }
    }

    /// A server is started, and not for the first time.
    pub(super) fn count_restart(&mut self, server: ServerId) {
        let entrance = self.entrance_of(server);
        if let Some(entry) = self.servers.get_mut(entrance) {
            entry.tally.restarts += 1;
        }
    }

    /// The configured server that this one is, or is one of.
    fn entrance_of(&self, server: ServerId) -> ServerId {
        self.servers.get(server).and_then(|entry| entry.entrance()).unwrap_or(server)
    }
}

/// Looking.
impl Proxy {
    /// How each configured server stands that has anything to do.
    pub(crate) fn loads(&self) -> BTreeMap<ServerId, Load> {
        let mut loads: BTreeMap<ServerId, Load> = BTreeMap::new();
        for (_, session) in self.sessions.iter().filter(|(_, session)| !session.is_modern()) {
            loads.entry(session.entrance).or_default().sessions += 1;
        }
        for (_, call) in self.calls.iter() {
            let load = loads.entry(self.entrance_of(call.server)).or_default();
            match call.state {
                CallState::Waiting { .. } => load.calls_waiting += 1,
                CallState::InFlight | CallState::Asking => load.calls_in_flight += 1,
                CallState::Ended(_) => {}
            }
        }
        for (_, link) in self.links.iter() {
            loads.entry(self.entrance_of(link.server)).or_default().queued_bytes += link.queued_bytes();
        }
        for (id, server) in self.servers.iter() {
            loads.entry(self.entrance_of(id)).or_default().queued_bytes += server.waiting_bytes;
        }
        loads
    }

    /// What waits to be sent to downstreams.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.conns.iter().map(|(_, conn)| conn.outgoing.len()).sum()
    }
}
