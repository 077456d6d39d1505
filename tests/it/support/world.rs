//! The seeded simulator: the real core between several clients and misbehaving servers, in virtual time.
//!
//! Bytes travel in random pieces and in random order, clients stall, hang up and lie, children crash, stall and babble.
//! What must hold whatever happens is checked at every step:
//!
//! - a request on a connection that stays open is answered once, with its own id and its own payload;
//! - progress, asks and updates reach those whom they concern;
//! - every answer is well-formed ([`super::answers`] is strict), and no event is torn;
//! - nobody waits for ever: a deadline lies in the future, bytes that wait have been announced;
//! - a dead connection or link is never mentioned again;
//! - who comes back for a broken stream misses nothing of it, and gets nothing twice;
//! - what waits is bounded, and nothing remains when everybody has gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mcp_proxy::base::id::{ConnId, LinkId};
use mcp_proxy::limits;
use mcp_proxy::proxy::{Input, Output, Proxy};

use super::clock::Clock;
use super::requests::{config, loopback};
use super::rng::Rng;

mod child;
mod client;
mod comebacks;
mod expected;
mod script;

use child::Child;
use client::Client;
use comebacks::{Broken, Wire};
pub(crate) use expected::Tally;

/// The servers behind the core.
pub(crate) const SERVERS: [&str; 2] = ["demo", "other"];

/// How rough the world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nobody misbehaves and nothing is cancelled: every call succeeds.
    Fair,
    /// Clients hang up, cancel, stall; children are well.
    Windy,
    /// Children misbehave too.
    Stormy,
}

/// Everything.
pub(crate) struct World {
    pub(crate) proxy: Proxy,
    clock: Clock,
    rng: Rng,
    weather: Weather,
    clients: Vec<Client>,
    sessions: Vec<Session>,
    children: Vec<Child>,
    asks: Vec<Ask>,
    broken: Vec<Broken>,
    dead_conns: BTreeSet<ConnId>,
    dead_links: BTreeSet<LinkId>,
    markers: u64,
    is_ending: bool,
    is_stopped: bool,
    pub(crate) tally: Tally,
    is_loud: bool,
}

/// A conversation, as its clients know it.
struct Session {
    server: usize,
    wire: Wire,
    /// Its name, or its message endpoint, once it can be used.
    token: Option<String>,
    /// A DELETE is on its way, or was answered.
    is_doomed: bool,
    is_batching: bool,
    has_subscribed: bool,
    next_id: u64,
    /// Numbers of asks that it was sent.
    asked: BTreeSet<u64>,
}

/// A question that a client was asked and has not answered.
struct Ask {
    session: usize,
    id: u64,
    method: String,
}

impl World {
    pub(crate) fn new(seed: u64, is_loud: bool) -> World {
        let mut rng = Rng::new(seed);
        let weather = *rng.pick(&[Weather::Fair, Weather::Windy, Weather::Stormy, Weather::Stormy]);
        let clock = Clock::new();
        let mut bytes = rng.clone();
        let random = move |out: &mut [u8]| bytes.fill(out);
        let proxy = Proxy::new(config(&SERVERS), loopback(), Box::new(random), clock.now());
        let mut world = World {
            proxy,
            clock,
            rng,
            weather,
            clients: Vec::new(),
            sessions: Vec::new(),
            children: Vec::new(),
            asks: Vec::new(),
            broken: Vec::new(),
            dead_conns: BTreeSet::new(),
            dead_links: BTreeSet::new(),
            markers: 0,
            is_ending: false,
            is_stopped: false,
            tally: Tally::default(),
            is_loud,
        };
        world.drain();
        world
    }

    /// Lives, then ends in one of two ways.
    pub(crate) fn run(&mut self) {
        for _ in 0..self.rng.between(100, 400) {
            self.step();
        }
        match self.rng.below(3) {
            0 => self.end_in_peace(),
            1 => self.shut_down(),
            _ => {
                self.end_in_peace();
                self.shut_down();
            }
        }
    }

    fn step(&mut self) {
        match self.rng.below(25) {
            0..=5 => self.act(),
            6..=9 => self.deliver_to_core(),
            10..=12 => self.deliver_to_client(),
            13..=15 => self.deliver_to_child(),
            16..=19 => self.deliver_from_child(),
            20 => self.misbehave(),
            21 => self.break_stream(),
            _ => {
                let millis = *self.rng.pick(&[1, 10, 100, 1_000, 5_000, 20_000]);
                let millis = self.rng.between(0, millis) as u64;
                self.advance(Duration::from_millis(millis));
            }
        }
    }

    fn say(&self, text: impl FnOnce() -> String) {
        if self.is_loud {
            println!("{:>9.3} {}", self.clock.passed().as_secs_f64(), text());
        }
    }

    // ---- Time ----

    /// Lets time pass. Nobody is polite who keeps others waiting meanwhile.
    fn advance(&mut self, by: Duration) {
        let end = self.clock.instant() + by;
        self.flush_polite();
        if self.weather == Weather::Fair {
            self.flush_all();
        }
        while let Some(next) = self.next_deadline().filter(|next| *next <= end && !self.is_stopped) {
            self.clock.advance_to(next);
            self.tick();
            self.flush_polite();
        }
        if !self.is_stopped {
            self.clock.advance_to(end);
            self.tick();
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let demos = self.children.iter().filter_map(Child::poll_timeout);
        demos.chain(self.proxy.poll_timeout()).min()
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for child in &mut self.children {
            child.handle_timeout(now.instant, &mut self.rng);
        }
        if self.proxy.poll_timeout().is_some_and(|due| due <= now.instant) {
            self.proxy.handle_timeout(now);
            self.drain();
            assert!(self.proxy.poll_timeout().is_none_or(|due| due > now.instant), "a deadline stays due");
        }
    }

    // ---- The core ----

    fn handle(&mut self, input: Input<'_>) {
        self.proxy.handle(input, self.clock.now());
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.proxy.poll_output() {
            assert!(!self.is_stopped, "{output:?} after the end");
            self.perform(output);
        }
        for client in &mut self.clients {
            let is_reading = self.proxy.is_reading(client.conn);
            assert!(client.was_reading || !is_reading, "nobody says that there is something to read");
            client.was_reading = is_reading;
            let waiting = self.proxy.outgoing_len(client.conn);
            assert!(waiting <= limits::CONN_QUEUE_BYTES_MAX, "{waiting} bytes wait");
            assert!(waiting == 0 || client.has_output, "bytes wait and nobody says so");
        }
        for child in &self.children {
            let waiting = self.proxy.stdin(child.link).len();
            assert!(waiting <= limits::LINK_QUEUE_BYTES_MAX * 2, "{waiting} bytes wait for a child");
            assert!(waiting == 0 || child.has_output || !child.is_hearing(), "bytes wait and nobody says so");
        }
    }

    fn perform(&mut self, output: Output) {
        self.say(|| format!("  core: {output:?}"));
        match output {
            Output::Transmit(conn) => self.client(conn).has_output = true,
            Output::Resume(conn) => self.client(conn).was_reading = true,
            Output::FinishWriting(conn) => {
                let is_ending = self.is_ending;
                self.client(conn).on_end(is_ending, false);
            }
            Output::Close(conn) => {
                let is_ending = self.is_ending;
                self.client(conn).on_end(is_ending, true);
                self.forget_client(conn);
            }
            Output::Spawn(link) => {
                let command = self.proxy.command(link).expect("a command for a new link");
                assert!(SERVERS.iter().any(|name| command.program == format!("run-{name}")));
                let child = Child::new(link, self.weather, &mut self.rng);
                self.children.push(child);
            }
            Output::TransmitStdin(link) => self.child(link).has_output = true,
            Output::CloseStdin(link) => self.child(link).on_close_stdin(),
            Output::Terminate(link) => self.child(link).on_terminate(),
            Output::Kill(link) => self.child(link).on_kill(),
            Output::Connect(_) | Output::TransmitOutbound(_) | Output::CloseOutbound(_) => {
                panic!("there is no remote upstream: {output:?}")
            }
            Output::Log(record) => assert!(!record.message.contains('\n'), "a log line of several lines: {record:?}"),
            Output::Stopped { failure } => {
                assert!(self.is_ending && failure.is_none());
                self.is_stopped = true;
            }
        }
    }

    fn client(&mut self, conn: ConnId) -> &mut Client {
        assert!(!self.dead_conns.contains(&conn), "an output for a dead connection");
        self.clients.iter_mut().find(|client| client.conn == conn).expect("an output for a known connection")
    }

    fn child(&mut self, link: LinkId) -> &mut Child {
        assert!(!self.dead_links.contains(&link), "an output for a dead link");
        self.children.iter_mut().find(|child| child.link == link).expect("an output for a known link")
    }

    fn forget_client(&mut self, conn: ConnId) {
        self.dead_conns.insert(conn);
        if let Some(index) = self.clients.iter().position(|client| client.conn == conn) {
            let client = self.clients.remove(index);
            self.on_gone(client);
        }
    }

    // ---- The ends ----

    /// Everybody minds their manners: every request that was sent is answered, then all leave, and nothing remains.
    fn end_in_peace(&mut self) {
        self.say(|| "-- peace".to_owned());
        for client in &mut self.clients {
            client.takes = true;
        }
        for child in &mut self.children {
            child.calm_down();
        }
        self.asks.clear();
        // Three requests may be in one pipe, and each may have asked somebody who does not answer.
        let patience = (limits::ASK_TIME_MAX + limits::STARTUP_TIME + Duration::from_secs(300)) * 3;
        for _ in 0..60 {
            self.flush_all();
            self.advance(patience / 60);
        }
        self.flush_all();
        for client in &self.clients {
            client.assert_nothing_is_due();
        }
        self.assert_conversations_are_complete();
        for conn in self.clients.iter().map(|client| client.conn).collect::<Vec<_>>() {
            self.hang_up(conn);
        }
        self.advance(limits::REPLAY_TIME_MAX + limits::REPLAY_SWEEP_INTERVAL);
        let census = self.proxy.census();
        assert_eq!((census.conns, census.streams, census.calls, census.asks), (0, 0, 0, 0), "{census:?}");
        assert_eq!(census.replay_bytes, 0, "{census:?}");
        assert!(census.links <= SERVERS.len(), "{census:?}");
        self.advance(limits::SESSION_IDLE_MAX + limits::SESSION_SWEEP_INTERVAL * 2);
        self.flush_all();
        assert_eq!(self.proxy.census().sessions, 0);
    }

    fn shut_down(&mut self) {
        self.say(|| "-- shutdown".to_owned());
        self.is_ending = true;
        self.handle(Input::Shutdown);
        let begun = self.clock.passed();
        if self.rng.one_in(8) {
            self.handle(Input::Shutdown);
            assert!(self.is_stopped, "a second signal means now");
            return;
        }
        let patience = limits::SHUTDOWN_GRACE + limits::STDIN_GRACE + limits::TERM_GRACE + limits::LINGER_TIME_MAX;
        while !self.is_stopped {
            assert!(self.clock.passed() - begun <= patience + Duration::from_secs(1), "the end takes too long");
            match self.rng.below(100) {
                0 => self.advance(Duration::from_millis(100)),
                1 => self.reap(),
                2..=40 => self.deliver_to_client(),
                41..=60 => self.deliver_to_child(),
                _ => self.deliver_from_child(),
            }
        }
        assert_eq!(self.proxy.census().calls, 0);
        assert_eq!(self.proxy.census().links, 0);
    }
}
