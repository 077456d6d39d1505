//! The seeded simulator: the real core between several clients of both eras and misbehaving servers: processes, and
//! hosts in the network. Time is virtual.
//!
//! Bytes travel in random pieces and in random order, clients stall, hang up and lie, children crash, stall and babble,
//! hosts restart, forget, redirect and refuse, and connections to them break or go silent.
//! What must hold whatever happens is checked at every step:
//!
//! - a request on a connection that stays open is answered once, with its own id and its own payload;
//! - progress, asks and updates reach those whom they concern;
//! - every answer is well-formed ([`super::answers`] is strict), and no event is torn;
//! - a call that may have run is never repeated; one whose process has ended is answered at once; one that is
//!   cancelled is given up by its process;
//! - what a session has subscribed to, and how much of the log it wants, a process that is started anew is told again,
//!   and nobody is asked for what nobody wants any more;
//! - who does not read, or does not answer, delays nobody else;
//! - nobody waits for ever: a deadline lies in the future, bytes that wait have been announced;
//! - a dead connection, in either direction, or link is never mentioned again;
//! - who comes back for a broken stream misses nothing of it, and gets nothing twice;
//! - what waits is bounded, and nothing remains when everybody has gone.
//!
//! And of clients of the modern era:
//!
//! - a call ends upstream when its client leaves, unless that was told to come back: then it waits, but not for ever;
//! - what a client is told to come back with is good once, for its own call and in the right hands, and no other answer
//!   ever reaches an upstream;
//! - nobody is asked or told what they have not declared or asked for; what is not answered is asked again;
//! - who wants to hear of changes is told so first, then of them, each time with its own id.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_proxy::base::id::{ConnId, LinkId, OutboundId};
use mcp_proxy::config::Config;
use mcp_proxy::limits;
use mcp_proxy::proxy::{Input, Output, Proxy, Sources, Vitals};

use super::clock::Clock;
use super::lives::Life;
use super::requests::loopback;
use super::rng::Rng;

mod call;
mod child;
mod client;
mod comebacks;
mod ends;
mod errand;
mod expected;
mod feast;
mod hearing;
mod host;
mod machine;
mod manners;
mod message;
mod moderns;
mod pipe;
mod pipes;
mod probes;
mod quiz;
mod reload;
mod returns;
mod script;
mod servers;
mod speech;
mod talk;
mod tally;
mod time;
mod what;
mod wishes;

use child::Child;
use client::Client;
use comebacks::{Broken, Wire};
use errand::Errand;
use hearing::Hearing;
use host::Host;
use machine::Notes;
use servers::{Place, Server, Who};
pub(crate) use tally::Tally;

/// How rough the world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nobody misbehaves: every call that somebody waits for succeeds.
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
    seed: u64,
    rng: Rng,
    weather: Weather,
    /// In fair weather: the one server that behaves as in a storm.
    rotten: Option<usize>,
    /// Whether, even in fair weather, some client does not read.
    has_staller: bool,
    /// Whether there are clients of the modern era among the others.
    has_moderns: bool,
    servers: Vec<Server>,
    /// What the core was told of them last.
    config: Config,
    clients: Vec<Client>,
    sessions: Vec<Session>,
    children: Vec<Child>,
    hosts: Vec<Host>,
    asks: Vec<Ask>,
    broken: Vec<Broken>,
    errands: Vec<Errand>,
    hearings: Vec<Hearing>,
    modern_ids: u64,
    /// All that modern clients were told to come back with.
    states: BTreeSet<String>,
    dead_conns: BTreeSet<ConnId>,
    dead_links: BTreeSet<LinkId>,
    dead_outbounds: BTreeSet<OutboundId>,
    markers: u64,
    /// Marks of the tools that ran.
    ran: BTreeSet<u64>,
    /// Marks of the calls that began to travel to a host.
    exposed: BTreeSet<u64>,
    is_calm: bool,
    /// Somebody read so slowly that notifications may have been dropped.
    is_flooded: bool,
    is_ending: bool,
    is_stopped: bool,
    pub(crate) tally: Tally,
    is_loud: bool,
}

/// A conversation, as its clients know it.
struct Session {
    server: usize,
    who: Who,
    wire: Wire,
    /// Its name, or its message endpoint, once it can be used.
    token: Option<String>,
    /// A DELETE is on its way, or was answered; or its server was replaced.
    is_doomed: bool,
    is_batching: bool,
    has_subscribed: bool,
    has_unsubscribed: bool,
    /// Its server has agreed to tell it of changes.
    is_subscribed: bool,
    /// Its server has agreed to how much of the log it is to say.
    has_level: bool,
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
        let servers = servers::choose(&mut rng);
        let is_fair = weather == Weather::Fair;
        let rotten = (is_fair && rng.one_in(3)).then(|| rng.below(servers.len()));
        let clock = Clock::new();
        let mut bytes = rng.clone();
        let random = move |out: &mut [u8]| bytes.fill(out);
        let config = servers::config(&servers);
        let sources = Sources { random: Box::new(random), vitals: Box::new(Vitals::default) };
        let proxy = Proxy::new(config.clone(), loopback(), sources, clock.now());
        let mut world = World {
            proxy,
            clock,
            weather,
            rotten,
            has_staller: is_fair && rng.one_in(2),
            has_moderns: !rng.one_in(3),
            seed,
            rng,
            servers,
            config,
            clients: Vec::new(),
            sessions: Vec::new(),
            children: Vec::new(),
            hosts: Vec::new(),
            asks: Vec::new(),
            broken: Vec::new(),
            errands: Vec::new(),
            hearings: Vec::new(),
            modern_ids: 0,
            states: BTreeSet::new(),
            dead_conns: BTreeSet::new(),
            dead_links: BTreeSet::new(),
            dead_outbounds: BTreeSet::new(),
            markers: 0,
            ran: BTreeSet::new(),
            exposed: BTreeSet::new(),
            is_calm: false,
            is_flooded: false,
            is_ending: false,
            is_stopped: false,
            tally: Tally::default(),
            is_loud,
        };
        world.found_hosts();
        world.drain();
        world
    }

    /// How many steps a life has.
    pub(crate) fn steps(seed: u64) -> u64 {
        Rng::new(seed).between(150, 950) as u64
    }

    /// Lives, then ends in one of two ways.
    pub(crate) fn run(&mut self, steps: &[u64]) {
        for step in steps {
            self.rng = Life::rng_of(self.seed, *step);
            self.step();
        }
        self.rng = Life::rng_of(self.seed, Self::steps(self.seed));
        match self.rng.below(3) {
            0 => self.end_in_peace(),
            1 => self.shut_down(),
            _ => {
                self.end_in_peace();
                self.shut_down();
            }
        }
    }

    /// Lives for long, and most of the time nothing happens. Who is idle for long is forgotten.
    pub(crate) fn run_for(&mut self, time: Duration, steps: &[u64]) {
        for step in steps {
            if self.clock.passed() >= time {
                break;
            }
            self.rng = Life::rng_of(self.seed, *step);
            for _ in 0..self.rng.between(1, 60) {
                self.step();
            }
            if self.rng.one_in(2) {
                self.all_leave();
            }
            let nap = self.rng.between(1, 7_200) as u64;
            self.advance(Duration::from_secs(nap));
            self.expect_oblivion(Duration::from_secs(nap));
        }
        self.end_in_peace();
    }

    /// Sessions that nobody has used for long may have ended.
    fn expect_oblivion(&mut self, nap: Duration) {
        let is_long = self.clock.passed() >= limits::SESSION_IDLE_MAX;
        for session in &mut self.sessions {
            let is_private = self.servers[session.server].is_private();
            session.is_doomed |= is_long || is_private && nap >= Duration::from_secs(60);
        }
    }

    fn found_hosts(&mut self) {
        for (index, server) in self.servers.clone().iter().enumerate() {
            if let Place::Host { speech, .. } = server.place {
                let is_rough = self.weather_of(index) == Weather::Stormy;
                self.hosts.push(Host::new(index, server, speech, is_rough, &mut self.rng));
            }
        }
    }

    /// How rough it is around one server.
    fn weather_of(&self, server: usize) -> Weather {
        if self.rotten == Some(server) { Weather::Stormy } else { self.weather }
    }

    /// No tool runs twice for one call, and none that somebody waits for is cancelled.
    fn note(&mut self, notes: &mut Notes) {
        for mark in notes.ran.drain(..) {
            self.tally.runs += 1;
            assert!(self.ran.insert(mark), "call {mark} ran twice");
        }
        for mark in notes.cancelled.drain(..) {
            self.on_cancelled_upstream(mark);
        }
    }

    fn step(&mut self) {
        match self.rng.below(38) {
            0..=5 => self.act(),
            6..=9 => self.deliver_to_core(),
            10..=12 => self.deliver_to_client(),
            13..=15 => self.deliver_to_child(),
            16..=19 => self.deliver_from_child(),
            20 => self.misbehave(),
            21 | 34 => self.break_stream(),
            22..=25 => self.deliver_to_host(),
            26..=30 => self.deliver_from_host(),
            31 | 33 => self.trouble_host(),
            36 if self.rng.one_in(8) => self.reconfigure(),
            37 if self.has_glutton() && self.rng.one_in(6) => self.feast(),
            32 if self.has_staller => self.probe(),
            32 | 35 if self.weather == Weather::Fair => self.restart_quietly(),
            // A person may take as long as that, and some take longer.
            37 if self.has_moderns && self.rng.one_in(50) => self.come_back_at_the_end(),
            37 if self.has_moderns && self.rng.one_in(50) => self.advance(limits::PARKED_TIME_MAX / 2),
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
            self.is_flooded |= waiting >= limits::NOTIFY_QUEUE_BYTES_MAX;
            assert!(waiting == 0 || client.has_output, "bytes wait and nobody says so");
        }
        for child in &self.children {
            let waiting = self.proxy.stdin(child.link).len();
            assert!(waiting <= limits::LINK_QUEUE_BYTES_MAX * 2, "{waiting} bytes wait for a child");
            assert!(waiting == 0 || child.has_output || !child.is_hearing(), "bytes wait and nobody says so");
        }
        self.check_outbounds();
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
                let name = command.program.strip_prefix("run-").expect("a program of ours");
                let server = self.servers.iter().position(|server| server.name == name).expect("a known server");
                let weather = if self.is_calm { Weather::Fair } else { self.weather_of(server) };
                let child = Child::new(link, server, weather, &mut self.rng);
                self.children.push(child);
            }
            Output::TransmitStdin(link) => self.child(link).has_output = true,
            Output::CloseStdin(link) => self.child(link).on_close_stdin(),
            Output::Terminate(link) => self.child(link).on_terminate(),
            Output::Kill(link) => self.child(link).on_kill(),
            Output::Connect(outbound) => self.on_connect(outbound),
            Output::TransmitOutbound(outbound) => self.on_transmit_outbound(outbound),
            Output::CloseOutbound(outbound) => self.on_close_outbound(outbound),
            Output::Authority(task) => panic!("nobody logs in here: {task:?}"),
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
}
