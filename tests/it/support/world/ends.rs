//! How a world ends.

use std::time::Duration;

use mcp_proxy::limits;
use mcp_proxy::proxy::Input;
use serde_json::json;

use super::call::Kind;
use super::client::Client;
use super::host::Host;
use super::servers::Place;
use super::what::tool;
use super::{Weather, World};

/// For a call to be answered that nothing stands in the way of, but a host that sends its client away for a moment.
const PROMPTLY: Duration = Duration::from_secs(8);

impl World {
    /// Everybody minds their manners: every request that was sent is answered, then all leave, and nothing remains.
    pub(super) fn end_in_peace(&mut self) {
        self.say(|| "-- peace".to_owned());
        self.calm_down();
        // Three requests may be in one pipe, and each may have asked somebody who does not answer.
        let patience = (limits::ASK_TIME_MAX + limits::STARTUP_TIME + Duration::from_secs(300)) * 3;
        for _ in 0..60 {
            self.flush_all();
            let is_done = self.clients.iter().all(Client::is_content) && self.are_conversations_complete();
            if is_done && self.proxy.census().calls == 0 {
                break;
            }
            self.advance(patience / 60);
        }
        for client in &self.clients {
            client.assert_nothing_is_due();
        }
        assert!(self.are_conversations_complete(), "a call over HTTP+SSE was not answered");
        self.assert_wishes_known();
        self.come_too_late();
        self.all_leave();
        self.check_machines();
        self.advance(limits::REPLAY_TIME_MAX + limits::REPLAY_SWEEP_INTERVAL);
        // Who was asked on a stream of their own may still come back with the answer.
        self.advance(limits::ASK_TIME_MAX);
        let census = self.proxy.census();
        assert!(census.sessions <= self.sessions.len(), "modern clients have left something: {census:?}");
        assert_eq!((census.conns, census.streams, census.calls, census.asks), (0, 0, 0, 0), "{census:?}");
        assert_eq!(census.replay_bytes, 0, "{census:?}");
        assert_eq!(census.queued_bytes, 0, "{census:?}");
        self.assert_all_work();
        if self.has_moderns {
            let server = self.rng.below(self.servers.len());
            self.try_modern(server);
        }
        self.leap(limits::SESSION_IDLE_MAX + limits::SESSION_SWEEP_INTERVAL);
        self.advance(limits::SESSION_SWEEP_INTERVAL);
        self.flush_all();
        let census = self.proxy.census();
        assert_eq!((census.sessions, census.privates, census.owned, census.retired), (0, 0, 0, 0), "{census:?}");
        assert!(census.links <= self.servers.len(), "{census:?}");
        self.assert_no_wishes_left();
        let is_fair = self.weather == Weather::Fair;
        for host in self.hosts.iter().filter(|host| is_fair && host.is_strict && !host.habits.keeps_sessions) {
            let kept = usize::from(!self.servers[host.server].is_private());
            assert!(host.talks.len() <= kept, "{} conversations were never ended", host.talks.len());
        }
        // The stream for what belongs to no request, and what is kept for a moment.
        assert!(census.outbounds <= self.hosts.len() * 3, "{census:?}");
    }

    /// Now that nothing is wrong any more, everybody is served again, at once.
    fn assert_all_work(&mut self) {
        self.broken.clear();
        for server in 0..self.servers.len() {
            let has_worked = self.try_server(server);
            // That a process has closed its stdin shows when something is written to it.
            let has_worked = has_worked || self.servers[server].place == Place::Process && self.try_server(server);
            assert!(has_worked, "{} is of no use any more", self.servers[server].name);
        }
    }

    /// Whether a new session can call a server.
    fn try_server(&mut self, server: usize) -> bool {
        let successes = self.tally.successes;
        let Some(index) = self.connect(true) else { return false };
        let session = self.introduce_to(index, server);
        // Some are silent first.
        self.advance(PROMPTLY + limits::PROBE_TIME_MAX);
        if self.sessions[session].token.is_some()
            && let Some(index) = self.connect(true)
        {
            self.call_echo(index, session);
            self.advance(PROMPTLY);
        }
        self.all_leave();
        self.tally.successes > successes
    }

    pub(super) fn all_leave(&mut self) {
        for conn in self.clients.iter().map(|client| client.conn).collect::<Vec<_>>() {
            self.hang_up(conn);
        }
    }

    /// No upstream works on what nobody waits for any more: it was told. Hosts may have missed it in a storm, or with a
    /// session that they would not end.
    fn check_machines(&self) {
        let children = self.children.iter().filter(|child| child.is_hearing()).map(|child| &child.machine);
        let is_told = |host: &&Host| host.is_strict && !(host.is_private && host.habits.keeps_sessions);
        let hosts = self.hosts.iter().filter(|host| self.weather == Weather::Fair && is_told(host));
        let machines = children.chain(hosts.flat_map(|host| host.talks.iter().map(|talk| &talk.machine)));
        for machine in machines {
            assert_eq!(machine.running(), [0; 0], "calls go on that nobody waits for");
        }
    }

    /// Whoever comes back when all is over is told so.
    fn come_too_late(&mut self) {
        let late: Vec<usize> = (0..self.errands.len()).filter(|at| self.errands[*at].is_parked()).take(2).collect();
        for errand in late {
            if let Some(index) = self.connect(true) {
                self.tally.late += 1;
                self.show_stale(index, errand);
                self.flush_all();
            }
        }
    }

    /// A modern client is told of what happens, and asked what is asked.
    fn try_modern(&mut self, server: usize) {
        let who = self.servers[server].somebody(&mut self.rng);
        let Some(index) = self.connect(true) else { return };
        let wanted = json!({"toolsListChanged": true, "resourceSubscriptions": ["demo://counter"]});
        let hearing = self.hear(index, server, who, wanted);
        self.advance(PROMPTLY);
        let bump = tool("bump", json!({}), Kind::Other(Some("content")));
        let toggle = tool("toggle", json!({"list": "tools"}), Kind::Other(Some("content")));
        let rounds = json!({"rounds": [["roots", "sampling"], ["elicitation"]], "mood": "patient", "strict": false});
        let quiz = tool("quiz", rounds, Kind::Quiz { is_sure: self.servers[server].is_telling() });
        // No more of the log is asked for than the others want, who are quiet by now. In a storm that may go unheard.
        let kind = if self.weather == Weather::Fair { Kind::Whisper } else { Kind::Log };
        let whisper = tool("log", json!({"level": "debug"}), kind);
        for what in [bump, toggle, quiz, whisper] {
            let Some(index) = self.connect(true) else { return };
            let fulfilled = self.tally.errands;
            let errand = self.begin_errand(index, server, who, what);
            for _ in 0..3 {
                self.advance(PROMPTLY);
                if self.errands[errand].is_parked()
                    && let Some(index) = self.connect(true)
                {
                    self.answer(index, errand);
                }
            }
            self.advance(PROMPTLY);
            assert_eq!(self.tally.errands, fulfilled + 1, "{} is of no use any more", self.servers[server].name);
        }
        // Hosts may forget subscriptions, and hear of one before the end of another that ended before.
        let least = if self.servers[server].place == Place::Process { 2 } else { 1 };
        assert!(self.weather != Weather::Fair || self.hearings[hearing].told >= least, "nobody is told");
        self.all_leave();
    }

    fn calm_down(&mut self) {
        self.is_calm = true;
        for client in &mut self.clients {
            client.takes = true;
        }
        for child in &mut self.children {
            child.calm_down();
        }
        for host in &mut self.hosts {
            host.calm_down();
        }
        self.asks.clear();
    }

    pub(super) fn shut_down(&mut self) {
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
            assert!(
                self.clock.passed() - begun <= patience + Duration::from_secs(1),
                "the end takes too long: {:?}",
                self.proxy.census()
            );
            match self.rng.below(100) {
                0 => self.advance(Duration::from_millis(100)),
                1 => self.reap(),
                2..=40 => self.deliver_to_client(),
                41..=50 => self.deliver_to_child(),
                51..=60 => self.deliver_to_host(),
                61..=70 => self.deliver_from_host(),
                _ => self.deliver_from_child(),
            }
        }
        assert_eq!(self.proxy.census().calls, 0);
        assert_eq!(self.proxy.census().links, 0);
        assert_eq!(self.proxy.census().outbounds, 0);
    }
}
