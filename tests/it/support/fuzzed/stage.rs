//! The whole core on a stage: the input says, choice by choice, which servers there are, what downstreams of both eras
//! and upstreams of all kinds say and do, how time passes, and when it ends.
//!
//! What must hold is checked after every step: what comes is well-formed, is for those who asked, and comes once; what
//! waits is announced and bounded; nobody who is gone is mentioned; and in the end nothing is left.

use std::collections::BTreeSet;
use std::time::Duration;

use mcp_proxy::base::id::{ConnId, LinkId, OutboundId};
use mcp_proxy::config::Config;
use mcp_proxy::limits;
use mcp_proxy::proxy::{Input, Output, Proxy, Sources, Task, Vitals};

use crate::support::clock::Clock;
use crate::support::requests::loopback;
use crate::support::rng::Rng;

mod children;
mod choices;
mod downs;
mod known;
mod logins;
mod outbounds;
mod sayings;
mod setting;
mod speech;

use children::Child;
use choices::Choices;
use downs::Down;
use known::Known;
use outbounds::Outbound;
use sayings::{Asked, Manners};
use setting::SERVERS;

/// Steps of one life.
const STEPS_MAX: usize = 300;

const PAUSES: [Duration; 12] = [
    Duration::from_millis(1),
    limits::GATHERING_TIME,
    Duration::from_millis(300),
    limits::FORGOTTEN_TIME_MAX,
    limits::OUTBOUND_IDLE_TIME,
    limits::JSON_WAIT_MAX,
    limits::SSE_COMMENT_INTERVAL,
    limits::BACK_OFF_MAX,
    limits::STARTUP_TIME,
    limits::REPLAY_TIME_MAX,
    limits::PARKED_TIME_MAX,
    limits::ISOLATED_IDLE_MAX,
];

/// What must hold for a whole life of the core.
pub(crate) fn core(data: &[u8]) {
    let mut choices = Choices::new(data);
    let is_peaceful = choices.flag();
    let mut stage = Stage::new(&mut choices);
    for _ in 0..STEPS_MAX {
        if choices.is_over() || stage.is_stopped {
            break;
        }
        stage.step(&mut choices);
        stage.flow();
    }
    if is_peaceful && !stage.is_ending {
        stage.end_in_peace();
    }
    stage.shut_down();
}

/// Everything.
struct Stage {
    proxy: Proxy,
    clock: Clock,
    config: Config,
    downs: Vec<Down>,
    children: Vec<Child>,
    outbounds: Vec<Outbound>,
    /// What hosts have not answered.
    asked: Vec<Asked>,
    known: Known,
    /// What the authorization server wants to be done.
    tasks: Vec<Task>,
    /// Whether that waits until the input says so.
    has_slow_disk: bool,
    /// Those of the servers, in their order, and of any other.
    manners: [Manners; SERVERS.len() + 1],
    dead_conns: BTreeSet<ConnId>,
    dead_links: BTreeSet<LinkId>,
    dead_outbounds: BTreeSet<OutboundId>,
    is_ending: bool,
    is_stopped: bool,
    /// Whether it was not given the time to end.
    is_forced: bool,
}

impl Stage {
    fn new(choices: &mut Choices<'_>) -> Stage {
        let config = setting::config(choices);
        let manners = [(); SERVERS.len() + 1].map(|()| Manners::of(choices.byte()));
        let mut rng = Rng::new(u64::from(choices.byte()));
        let random = move |out: &mut [u8]| rng.fill(out);
        let sources = Sources { random: Box::new(random), vitals: Box::new(Vitals::default) };
        let clock = Clock::new();
        let proxy = Proxy::new(config.clone(), loopback(), sources, clock.now());
        let mut stage = Stage {
            proxy,
            clock,
            config,
            downs: Vec::new(),
            children: Vec::new(),
            outbounds: Vec::new(),
            asked: Vec::new(),
            known: Known::default(),
            tasks: Vec::new(),
            has_slow_disk: false,
            manners,
            dead_conns: BTreeSet::new(),
            dead_links: BTreeSet::new(),
            dead_outbounds: BTreeSet::new(),
            is_ending: false,
            is_stopped: false,
            is_forced: false,
        };
        stage.authorize();
        stage.drain();
        stage.flow();
        stage
    }

    /// Of a server.
    fn manners(&self, name: &str) -> Manners {
        self.manners[SERVERS.iter().position(|server| *server == name).unwrap_or(SERVERS.len())]
    }

    fn step(&mut self, choices: &mut Choices<'_>) {
        match choices.below(24) {
            0 | 1 => self.initialize(choices),
            2..=5 => self.speak(choices),
            6..=8 => self.speak_modern(choices),
            9 | 10 => self.listen(choices),
            11 => self.ask_anything(choices),
            12 => self.send_raw(choices),
            13 => self.trouble_down(choices),
            14..=16 => self.act_child(choices),
            17..=19 => self.act_outbound(choices),
            20 | 21 => self.advance(*choices.pick(&PAUSES)),
            22 => {
                setting::change(&mut self.config, choices);
                self.handle(Input::Reload(Box::new(self.config.clone())));
            }
            _ => match choices.byte() {
                7 => self.signal(),
                8 => self.act_login(choices),
                _ => self.advance(Duration::from_millis(u64::from(choices.byte()) * 10)),
            },
        }
    }

    /// The first asks it to end, the second means now.
    fn signal(&mut self) {
        self.is_forced = self.is_ending && !self.is_stopped;
        self.handle(Input::Shutdown);
        assert!(self.is_ending && (self.is_stopped || !self.is_forced));
    }

    fn handle(&mut self, input: Input<'_>) {
        if !self.is_stopped {
            self.proxy.handle(input, self.clock.now());
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Some(output) = self.proxy.poll_output() {
            assert!(!self.is_stopped, "{output:?} after the end");
            self.perform(output);
        }
        self.check_downs();
        self.check_children();
        self.check_outbounds();
        let census = self.proxy.census();
        let limit = census.links * (limits::LINK_QUEUE_BYTES_MAX + limits::BODY_BYTES_MAX);
        assert!(census.queued_bytes <= limit && census.replay_bytes <= limits::REPLAY_BYTES_MAX, "{census:?}");
        assert!(census.outbounds == self.outbounds.len() && census.conns == self.downs.len(), "{census:?}");
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Transmit(conn) => self.on_transmit(conn),
            Output::Resume(conn) => self.on_resume(conn),
            Output::FinishWriting(conn) => self.on_finish_writing(conn),
            Output::Close(conn) => self.on_close(conn),
            Output::Spawn(link) => self.on_spawn(link),
            Output::TransmitStdin(link) => self.on_transmit_stdin(link),
            Output::CloseStdin(link) => self.on_close_stdin(link),
            Output::Terminate(link) => self.on_terminate(link),
            Output::Kill(link) => self.on_kill(link),
            Output::Connect(outbound) => self.on_connect(outbound),
            Output::TransmitOutbound(outbound) => self.on_transmit_outbound(outbound),
            Output::CloseOutbound(outbound) => self.on_close_outbound(outbound),
            Output::Authority(task) => self.on_task(task),
            Output::Log(record) => {
                assert!(!record.message.contains('\n'), "a log line of several lines: {record:?}");
                self.is_ending |= record.message == "Shutting down"; // a server that must be there may be the cause
            }
            Output::Stopped { .. } => self.is_stopped = true,
        }
    }

    /// Everybody does what can be done at once.
    fn flow(&mut self) {
        while !self.is_stopped && (self.flow_downs() | self.flow_children() | self.flow_outbounds() | self.flow_tasks())
        {
        }
    }

    /// Lets time pass; what is due happens when it is due.
    fn advance(&mut self, by: Duration) {
        let end = self.clock.instant() + by;
        self.flow();
        while let Some(next) = self.proxy.poll_timeout().filter(|next| *next <= end && !self.is_stopped) {
            self.clock.advance_to(next);
            self.tick();
            self.flow();
        }
        self.clock.advance_to(end);
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.proxy.handle_timeout(now);
        self.drain();
        assert!(self.proxy.poll_timeout().is_none_or(|due| due > now.instant), "a deadline stays due");
    }

    /// A long time passes at once, as when the machine sleeps.
    fn leap(&mut self, by: Duration) {
        self.clock.advance_to(self.clock.instant() + by);
        if !self.is_stopped {
            self.tick();
        }
        self.flow();
    }

    /// All downstreams leave, and nothing of them is left.
    fn end_in_peace(&mut self) {
        self.all_leave();
        self.all_children_obey();
        self.all_hosts_obey();
        self.has_slow_disk = false;
        self.manners = [Manners::of(0); SERVERS.len() + 1];
        for pause in [limits::PARKED_TIME_MAX, limits::REPLAY_TIME_MAX, limits::ASK_TIME_MAX, limits::REQUEST_TIME] {
            self.leap(pause + limits::REPLAY_SWEEP_INTERVAL);
        }
        self.leap(limits::SESSION_IDLE_MAX + limits::SESSION_SWEEP_INTERVAL);
        self.advance(limits::SESSION_SWEEP_INTERVAL);
        if self.is_stopped {
            return;
        }
        let census = self.proxy.census();
        assert_eq!((census.conns, census.streams, census.calls, census.asks), (0, 0, 0, 0), "{census:?}");
        assert_eq!((census.sessions, census.privates, census.owned, census.retired), (0, 0, 0, 0), "{census:?}");
        assert_eq!((census.replay_bytes, census.queued_bytes), (0, 0), "{census:?}");
        assert!(census.links <= self.config.servers.len(), "{census:?}");
    }

    /// The end comes in time, whatever everybody does.
    fn shut_down(&mut self) {
        if !self.is_ending && !self.is_stopped {
            self.signal();
        }
        self.all_take();
        self.has_slow_disk = false;
        let patience = limits::SHUTDOWN_GRACE + limits::STDIN_GRACE + limits::TERM_GRACE + limits::LINGER_TIME_MAX;
        self.advance(patience + Duration::from_secs(1));
        let census = self.proxy.census();
        assert!(self.is_stopped, "the end takes too long: {census:?}");
        let is_empty = (census.calls, census.links, census.outbounds) == (0, 0, 0);
        assert!(is_empty || self.is_forced, "{census:?}");
    }
}
