//! Everything: the core, the server, the way there, and the clients.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use mcp_proxy::proxy::{Input, Output, Proxy, Sources, Vitals};

use super::clients::{Client, Question, Session};
use super::server::Server;
use super::ways::{Pipe, Process};
use crate::support::clock::Clock;
use crate::support::lives::Life;
use crate::support::requests;
use crate::support::rng::Rng;

/// Counts of what happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(super) starts: usize,
    pub(super) calls: usize,
    pub(super) successes: usize,
    pub(super) failures: usize,
    pub(super) questions: usize,
    pub(super) answers: usize,
    pub(super) progress: usize,
    pub(super) updates: usize,
    pub(super) cancellations: usize,
    pub(super) crashes: usize,
    pub(super) refusals: usize,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Tally) {
        self.starts += other.starts;
        self.calls += other.calls;
        self.successes += other.successes;
        self.failures += other.failures;
        self.questions += other.questions;
        self.answers += other.answers;
        self.progress += other.progress;
        self.updates += other.updates;
        self.cancellations += other.cancellations;
        self.crashes += other.crashes;
        self.refusals += other.refusals;
    }

    /// Whether so many lives had something of everything.
    pub(super) fn is_eventful(&self, lives: usize) -> bool {
        let often = [self.calls, self.successes, self.questions, self.answers, self.progress];
        let rare = [self.starts, self.failures, self.updates, self.cancellations, self.crashes, self.refusals];
        often.into_iter().all(|count| count >= lives) && rare.into_iter().all(|count| count >= lives / 5)
    }
}

pub(super) struct World {
    pub(super) proxy: Proxy,
    clock: Clock,
    pub(super) rng: Rng,
    /// Whether what is sent may be on its way for minutes.
    pub(super) is_way_slow: bool,
    /// Whether things go wrong.
    pub(super) is_rough: bool,
    pub(super) is_process: bool,
    pub(super) server: Server,
    pub(super) process: Option<Process>,
    pub(super) pipes: Vec<Pipe>,
    pub(super) sessions: Vec<Session>,
    pub(super) clients: Vec<Client>,
    pub(super) questions: Vec<Question>,
    pub(super) marks: u64,
    /// Marks of the calls that were refused for a reason that passes, and have not come again.
    pub(super) refused: BTreeSet<u64>,
    pub(super) tally: Tally,
    is_loud: bool,
}

impl World {
    pub(super) fn new(seed: u64, is_loud: bool) -> World {
        let mut rng = Rng::new(seed);
        let (is_rough, is_process) = (rng.one_in(2), rng.one_in(2));
        let server = Server::new(rng.one_in(2));
        let config = match is_process {
            true => requests::config(&["demo"]),
            false => requests::remote_config("http://sim.example/mcp", RemoteTransport::Auto),
        };
        let clock = Clock::new();
        let mut bytes = rng.clone();
        let sources = Sources { random: Box::new(move |out| bytes.fill(out)), vitals: Box::new(Vitals::default) };
        let mut world = World {
            proxy: Proxy::new(config, requests::loopback(), sources, clock.now()),
            clock,
            rng,
            is_way_slow: is_rough,
            is_rough,
            is_process,
            server,
            process: None,
            pipes: Vec::new(),
            sessions: Vec::new(),
            clients: Vec::new(),
            questions: Vec::new(),
            marks: 0,
            refused: BTreeSet::new(),
            tally: Tally::default(),
            is_loud,
        };
        world.drain();
        world
    }

    /// How many steps a life has.
    pub(super) fn steps(seed: u64) -> u64 {
        Rng::new(seed).between(100, 400) as u64
    }

    pub(super) fn run(&mut self, life: &Life) {
        for step in &life.steps {
            self.rng = Life::rng_of(life.seed, *step);
            self.step();
        }
        self.rng = Life::rng_of(life.seed, Self::steps(life.seed));
        self.end();
    }

    fn step(&mut self) {
        match self.rng.below(24) {
            0..=3 => self.act(),
            4..=6 => self.answer_question(),
            7..=13 => drop(self.travel()),
            14..=17 => self.work(),
            18 => {
                self.server.change();
                self.collect();
            }
            19 if self.is_rough && self.rng.one_in(4) => {
                if self.is_process {
                    self.crash()
                } else {
                    self.cut()
                }
            }
            20 if self.is_rough && self.rng.one_in(2) => self.hang_up_somebody(),
            21 if self.is_rough => self.cancel_something(),
            _ => {
                let millis = *self.rng.pick(&[1, 50, 1_000, if self.is_rough { 10_000 } else { 100 }]);
                self.advance(Duration::from_millis(millis));
            }
        }
    }

    fn work(&mut self) {
        self.server.work(&mut self.rng);
        self.collect();
    }

    /// All that can be done is done, until nobody waits for anything.
    fn end(&mut self) {
        self.say(|| "-- end".to_owned());
        self.is_rough = false;
        for round in 0..2_000 {
            while self.travel() {}
            if round == 10 {
                self.assert_nothing_kept();
            }
            self.work();
            self.answer_question();
            self.advance(Duration::from_millis(500));
            if self.proxy.census().calls == 0 && self.are_clients_content() {
                break;
            }
        }
        self.assert_clients_content();
        self.leave();
        for _ in 0..20 {
            while self.travel() {}
            self.advance(Duration::from_secs(1));
        }
        self.advance(limits::REPLAY_TIME_MAX + limits::REPLAY_SWEEP_INTERVAL);
        let census = self.proxy.census();
        assert_eq!((census.calls, census.asks, census.sessions, census.streams), (0, 0, 0, 0), "{census:?}");
        assert_eq!((census.conns, census.queued_bytes, census.replay_bytes), (0, 0, 0), "{census:?}");
        assert!(self.server.listens() <= 1, "what was replaced goes on");
        assert!(self.server.is_wanted() || self.server.listens() == 0, "nobody wants to hear of anything");
        assert_eq!(census.links, 1, "{census:?}");
    }

    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.clock.instant() + by;
        self.hurry();
        while let Some(next) = self.proxy.poll_timeout().filter(|next| *next <= end) {
            self.clock.advance_to(next);
            self.proxy.handle_timeout(self.clock.now());
            self.drain();
            self.hurry();
        }
        self.clock.advance_to(end);
    }

    /// While nothing goes wrong, nobody is kept waiting by the way.
    fn hurry(&mut self) {
        while !self.is_rough && self.travel() {}
    }

    pub(super) fn say(&self, text: impl FnOnce() -> String) {
        if self.is_loud {
            println!("{:>9.3} {}", self.clock.passed().as_secs_f64(), text());
        }
    }

    pub(super) fn handle(&mut self, input: Input<'_>) {
        self.proxy.handle(input, self.clock.now());
        self.drain();
    }

    pub(super) fn accept(&mut self) -> mcp_proxy::base::id::ConnId {
        self.proxy.handle_accept(requests::CLIENT, self.clock.now()).expect("room for a connection")
    }

    fn drain(&mut self) {
        while let Some(output) = self.proxy.poll_output() {
            match output {
                Output::Transmit(conn) => self.on_transmit(conn),
                Output::Resume(_) => {}
                Output::FinishWriting(conn) | Output::Close(conn) => self.on_closed(conn),
                Output::Spawn(link) => self.process = Some(Process::new(link)),
                Output::TransmitStdin(_) => self.process.iter_mut().for_each(|process| process.has_output = true),
                Output::CloseStdin(link) | Output::Terminate(link) | Output::Kill(link) => {
                    panic!("{link:?} is to end, although it answers")
                }
                Output::Connect(id) => self.pipes.push(Pipe::new(id)),
                Output::TransmitOutbound(id) => {
                    self.pipes.iter_mut().filter(|pipe| pipe.id == id).for_each(|pipe| pipe.has_output = true);
                }
                Output::CloseOutbound(id) => self.on_close(id),
                Output::Authority(task) => panic!("nobody logs in here: {task:?}"),
                Output::Log(record) => self.say(|| format!("  log: {}", record.message)),
                Output::Stopped { .. } => panic!("nobody has stopped it"),
            }
        }
    }

    pub(super) fn sent(&mut self, conn: mcp_proxy::base::id::ConnId, count: usize) {
        self.proxy.handle(Input::Sent { conn, count }, self.clock.now());
    }
}
