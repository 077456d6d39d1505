//! How bytes travel between the core and hosts, and what happens to them on the way.

use std::time::Instant;

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::limits;
use mcp_proxy::proxy::Input;

use super::World;
use super::host::Host;
use super::pipe::{End, Life, Pipe};

/// What the core asks for.
impl World {
    pub(super) fn on_connect(&mut self, id: OutboundId) {
        let url = self.proxy.destination(id).expect("a connection to somewhere");
        let authority = url.authority().to_string();
        let now = self.clock.instant();
        let host = self.hosts.iter_mut().find(|host| host.authority == authority).expect("a known host");
        host.pipes.push(Pipe::new(id, now));
    }

    pub(super) fn on_transmit_outbound(&mut self, id: OutboundId) {
        let pipe = self.pipe(id);
        assert!(pipe.is_connected(), "bytes for a connection that is not there yet");
        pipe.has_output = true;
    }

    pub(super) fn on_close_outbound(&mut self, id: OutboundId) {
        self.pipe(id);
        self.forget_outbound(id);
    }

    fn pipe(&mut self, id: OutboundId) -> &mut Pipe {
        assert!(!self.dead_outbounds.contains(&id), "an output for a dead connection to a host");
        self.hosts.iter_mut().find_map(|host| host.pipe(id)).expect("an output for a known connection to a host")
    }

    fn forget_outbound(&mut self, id: OutboundId) {
        self.dead_outbounds.insert(id);
        for host in &mut self.hosts {
            host.forget(id);
        }
    }

    /// What waits is announced and bounded.
    pub(super) fn check_outbounds(&self) {
        let census = self.proxy.census();
        let limit = census.links * (limits::LINK_QUEUE_BYTES_MAX + limits::BODY_BYTES_MAX);
        assert!(census.queued_bytes <= limit, "{census:?}");
        for host in &self.hosts {
            for pipe in &host.pipes {
                let waiting = self.proxy.request_bytes(pipe.id).len();
                let is_announced = pipe.has_output || !pipe.is_connected();
                assert!(waiting == 0 || is_announced, "bytes wait for {:?} and nobody says so", pipe.id);
            }
            assert!(host.pipes.len() <= limits::LINK_CONNS_MAX * limits::ISOLATED_MAX);
        }
    }
}

/// Bytes travel.
impl World {
    pub(super) fn deliver_to_host(&mut self) {
        if let Some((host, pipe)) = self.pick_pipe() {
            let share = *self.rng.pick(&[1, 50, 500, 100_000]);
            let share = self.rng.between(1, share);
            self.write_to_host(host, pipe, share);
        }
    }

    pub(super) fn deliver_from_host(&mut self) {
        if let Some((host, pipe)) = self.pick_pipe() {
            let share = *self.rng.pick(&[1, 10, 100, 1_000, 100_000]);
            let share = self.rng.between(1, share);
            self.read_from_host(host, pipe, share);
        }
    }

    fn pick_pipe(&mut self) -> Option<(usize, usize)> {
        let total: usize = self.hosts.iter().map(|host| host.pipes.len()).sum();
        let mut at = if total == 0 { return None } else { self.rng.below(total) };
        for (index, host) in self.hosts.iter().enumerate() {
            if at < host.pipes.len() {
                return Some((index, at));
            }
            at -= host.pipes.len();
        }
        None
    }

    /// Says whether anything happened.
    fn write_to_host(&mut self, at: usize, place: usize, share: usize) -> bool {
        let host = &mut self.hosts[at];
        let pipe = &mut host.pipes[place];
        let id = pipe.id;
        if !pipe.is_connected() || !pipe.has_output || !pipe.takes {
            return false;
        }
        let waiting = self.proxy.request_bytes(id);
        let bytes = waiting[..waiting.len().min(share)].to_vec();
        pipe.has_output = bytes.len() < waiting.len();
        if bytes.is_empty() {
            return false;
        }
        self.exposed.extend(mark_within(waiting));
        host.hear(id, &bytes, self.clock.instant(), &mut self.rng);
        self.note_host(at);
        self.handle(Input::OutboundSent { outbound: id, count: bytes.len() });
        true
    }

    /// What a host has done is remembered.
    fn note_host(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        self.tally.talks += std::mem::take(&mut host.talks_begun);
        self.tally.resumptions += std::mem::take(&mut host.resumptions);
        self.tally.redirects += std::mem::take(&mut host.redirects);
        let mut notes = std::mem::take(&mut host.notes);
        self.note(&mut notes);
    }

    /// Says whether anything happened.
    fn read_from_host(&mut self, at: usize, place: usize, share: usize) -> bool {
        let pipe = &mut self.hosts[at].pipes[place];
        let id = pipe.id;
        match pipe.life {
            Life::Asked(_) => return self.answer_connect(at, place),
            Life::Void(_) => return false,
            Life::Open => {}
        }
        if !pipe.gives {
            return false;
        }
        if !pipe.outbox.is_empty() {
            let bytes: Vec<u8> = pipe.outbox.drain(..share.min(pipe.outbox.len())).collect();
            self.say(|| format!("{id:?} brings {:.300}", String::from_utf8_lossy(&bytes).replace("\r\n", " | ")));
            self.handle(Input::OutboundReceived { outbound: id, bytes: &bytes });
            return true;
        }
        match pipe.end {
            None => return false,
            Some(End::Finished) => {
                self.say(|| format!("{id:?} finished"));
                self.handle(Input::OutboundFinished { outbound: id });
                assert!(self.dead_outbounds.contains(&id), "a connection of no use is kept");
            }
            Some(End::Broken) => self.break_outbound(id, "connection reset by peer"),
        }
        true
    }

    fn break_outbound(&mut self, id: OutboundId, error: &str) {
        self.say(|| format!("{id:?} breaks: {error}"));
        self.forget_outbound(id);
        self.handle(Input::OutboundBroken { outbound: id, error: error.to_owned() });
    }

    /// A connection that was asked for comes about, or not.
    fn answer_connect(&mut self, at: usize, place: usize) -> bool {
        let now = self.clock.instant();
        let host = &mut self.hosts[at];
        let (is_down, is_rough) = (host.is_down(now), host.is_rough);
        let pipe = &mut host.pipes[place];
        let id = pipe.id;
        if is_rough && self.rng.one_in(15) {
            pipe.gives = false; // nobody answers: it will take its time to fail
        }
        if !pipe.gives {
            return false;
        }
        if is_down || is_rough && self.rng.one_in(30) {
            self.fail_connect(id, "connection refused");
            return true;
        }
        pipe.life = Life::Open;
        self.tally.connects += 1;
        self.handle(Input::Connected { outbound: id });
        true
    }

    fn fail_connect(&mut self, id: OutboundId, error: &str) {
        self.say(|| format!("{id:?} fails: {error}"));
        self.forget_outbound(id);
        self.handle(Input::ConnectFailed { outbound: id, error: error.to_owned() });
    }

    /// Kernels give up on connections.
    pub(super) fn expire_pipes(&mut self, now: Instant) {
        let is_late = |pipe: &&Pipe| pipe.next_due().is_some_and(|due| due <= now);
        let late = self.hosts.iter().flat_map(|host| host.pipes.iter().filter(is_late));
        let late: Vec<(OutboundId, Life)> = late.map(|pipe| (pipe.id, pipe.life)).collect();
        for (id, life) in late {
            if self.dead_outbounds.contains(&id) {
                continue; // what happened to another one ended this one too
            }
            match life {
                Life::Asked(_) => self.fail_connect(id, "no answer within 10 s"),
                Life::Void(_) => self.break_outbound(id, "connection timed out"),
                Life::Open => {}
            }
        }
    }

    /// Lets hosts do all that they can. Says whether any did something.
    pub(super) fn flush_hosts(&mut self, is_meant: impl Fn(&Host) -> bool) -> bool {
        let mut is_busy = false;
        for at in 0..self.hosts.len() {
            if !is_meant(&self.hosts[at]) {
                continue;
            }
            for place in (0..self.hosts[at].pipes.len()).rev() {
                is_busy |= place < self.hosts[at].pipes.len() && self.write_to_host(at, place, usize::MAX);
                is_busy |= place < self.hosts[at].pipes.len() && self.read_from_host(at, place, usize::MAX);
            }
        }
        is_busy
    }
}

/// The mark of the call that a request begins to carry.
fn mark_within(request: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(request);
    let (_, rest) = text.split_once("\"mark\":")?;
    rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Things go wrong.
impl World {
    /// Something happens to some host, or on the way to it.
    pub(super) fn trouble_host(&mut self) {
        if self.hosts.is_empty() {
            return;
        }
        let at = self.rng.below(self.hosts.len());
        let now = self.clock.instant();
        if self.rng.one_in(8) {
            return self.hosts[at].ping(&mut self.rng);
        }
        if self.rng.one_in(4) {
            return self.hosts[at].send_away(&mut self.rng);
        }
        if !self.hosts[at].is_rough || self.rng.one_in(4) {
            return self.close_idle(at);
        }
        self.tally.troubles += 1;
        let kind = self.rng.below(14);
        self.say(|| format!("trouble {kind} with host {at}"));
        let host = &mut self.hosts[at];
        if kind == 0 {
            return host.restart(now, &mut self.rng);
        }
        if kind == 1 {
            return host.talks.clear();
        }
        if host.pipes.is_empty() {
            return;
        }
        if kind == 12 {
            return host.time_out_idle(&mut self.rng);
        }
        let place = self.rng.below(host.pipes.len());
        let pipe = &mut host.pipes[place];
        match kind {
            2 | 3 => pipe.void(now, &mut self.rng),
            4 => pipe.takes = false,
            5 => pipe.gives = false,
            6..=8 => {
                pipe.takes = true;
                pipe.gives = true;
            }
            _ => pipe.cut(&mut self.rng),
        }
    }

    /// A host closes a connection that nobody uses. In fair weather the core hears of it before it uses it again.
    fn close_idle(&mut self, at: usize) {
        let host = &mut self.hosts[at];
        let ids = host.pipes.iter().map(|pipe| pipe.id).filter(|id| host.is_idle(*id));
        let ids: Vec<OutboundId> = ids.filter(|id| self.proxy.request_bytes(*id).is_empty()).collect();
        let is_rough = host.is_rough;
        let is_quiet =
            |id: &&OutboundId| is_rough || host.pipes.iter().any(|pipe| pipe.id == **id && pipe.outbox.is_empty());
        let Some(id) = ids.iter().find(is_quiet).copied() else { return };
        let Some(place) = host.pipes.iter().position(|pipe| pipe.id == id) else { return };
        host.pipes[place].end = Some(End::Finished);
        while !is_rough && !self.dead_outbounds.contains(&id) {
            let Some(place) = self.hosts[at].pipes.iter().position(|pipe| pipe.id == id) else { return };
            self.read_from_host(at, place, usize::MAX);
        }
    }
}
