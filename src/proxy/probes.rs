//! How a link is greeted until it is known who it is, and in which era.

use std::time::Instant;

use super::links::{Server, Transport};
use super::{Due, Level, Proxy};
use crate::base::id::{LinkId, OutboundId, ServerId};
use crate::base::text::shorten;
use crate::codec::jsonrpc::envelope::Outcome;
use crate::limits;
use crate::mcp::introduction::Introduction;
use crate::upstream::exchange::Purpose;
use crate::upstream::handshake::OwnRequest;
use crate::upstream::probe::{Course, Hello, Next, Probe};
use crate::upstream::refusal::HttpRefusal;
use crate::upstream::supervisor::State;

/// Greeting.
impl Proxy {
    /// The first message on a link.
    pub(super) fn begin_greeting(&mut self, link: LinkId, now: Instant) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let hello = entry.probe.begin();
        self.greet(link, hello);
        let Some(entry) = self.links.get_mut(link) else { return };
        if let (Transport::Stdio(stdio), Hello::Discover) = (&mut entry.transport, hello) {
            self.deadlines.arm(&mut stdio.timer, Due::Link(link), now + limits::PROBE_TIME_MAX);
        }
    }

    /// The first message on the stream of an SSE upstream.
    pub(super) fn begin_initialize(&mut self, link: LinkId, now: Instant) {
        if let Some(entry) = self.links.get_mut(link) {
            entry.probe = Probe::new(Course::InitializeOnly);
            self.begin_greeting(link, now);
        }
    }

    fn greet(&mut self, link: LinkId, hello: Hello) {
        if let Some(remote) = self.remote_mut(link) {
            remote.set_session(None); // one that came to nothing
        }
        match hello {
            Hello::Discover => self.send_discover(link),
            Hello::Initialize => self.send_initialize(link),
        }
    }

    fn on_next(&mut self, link: LinkId, next: Next, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        match next {
            Next::Send(hello) => self.greet(link, hello),
            Next::Wait => {}
            Next::Introduced(introduction) => self.on_introduced(server, link, *introduction, now),
            Next::Rejected(hello, reason) => self.on_rejected(server, link, hello, &reason, now),
        }
    }

    /// It does not speak with us.
    fn on_rejected(&mut self, server: ServerId, link: LinkId, hello: Hello, reason: &str, now: Instant) {
        let method = hello.method();
        self.log(Level::Error, Some(server), format!("{method} failed: {reason}"));
        self.on_broken(link, &format!("its answer to {method} is of no use ({reason})"), now);
    }

    /// The probe of a link that has not said who it is.
    fn probe_mut(&mut self, link: LinkId) -> Option<&mut Probe> {
        self.links.get_mut(link).filter(|link| !link.is_introduced()).map(|link| &mut link.probe)
    }
}

/// Answers.
impl Proxy {
    /// `server/discover` was answered.
    pub(super) fn on_discovered(&mut self, link: LinkId, server: ServerId, outcome: &Outcome<'_>, now: Instant) {
        let Some(label) = self.servers.get(server).map(|server| server.config.label.clone()) else { return };
        if self.is_modern_link(link) {
            return self.on_discovered_again(link, server, outcome, &label, now);
        }
        if let Some(probe) = self.probe_mut(link) {
            let next = probe.on_discovered(outcome, &label);
            self.on_next(link, next, now);
        }
    }

    /// `initialize` was answered.
    pub(super) fn on_initialized(&mut self, link: LinkId, server: ServerId, outcome: &Outcome<'_>, now: Instant) {
        let Some(entry) = self.servers.get(server) else { return };
        let introduction = match outcome {
            Outcome::Result(result) => Introduction::from_initialize(result, &entry.config.label),
            Outcome::Error(error) => Err(shorten(error).into_owned()),
        };
        match introduction {
            Ok(introduction) => self.on_introduced(server, link, introduction, now),
            Err(reason) => self.on_not_initialized(link, &reason, now),
        }
    }

    fn on_not_initialized(&mut self, link: LinkId, reason: &str, now: Instant) {
        if let Some(probe) = self.probe_mut(link) {
            let next = probe.on_not_initialized(reason);
            self.on_next(link, next, now);
        }
    }
}

/// What is no answer: through a pipe.
impl Proxy {
    /// It is silent.
    pub(super) fn on_greeting_silence(&mut self, link: LinkId, now: Instant) {
        if let Some(probe) = self.probe_mut(link) {
            let next = probe.on_silence();
            self.on_next(link, next, now);
        }
    }

    /// It could not read a message of ours. Says whether that was the greeting.
    pub(super) fn on_greeting_unread(&mut self, link: LinkId, now: Instant) -> bool {
        let Some(probe) = self.probe_mut(link).filter(|probe| probe.is_discovering()) else { return false };
        let next = probe.on_not_discovered();
        self.on_next(link, next, now);
        true
    }

    /// Whether a process that has ended did so when it was asked `server/discover`.
    pub(super) fn died_of_probe(&self, server: ServerId, link: LinkId) -> bool {
        let is_new = self.links.get(link).is_some_and(|link| !link.is_introduced() && link.probe.is_unheard());
        let is_starting = self.servers.get(server).is_some_and(|server| match server.supervisor.state() {
            State::Starting { link: present } | State::Ending { link: present, .. } => *present == link,
            State::Ready { .. } | State::BackingOff | State::Stopping { .. } | State::Stopped => false,
        });
        is_new && is_starting && !self.shutdown.is_under_way()
    }

    /// A new process is greeted as older servers expect it. Who waits for the upstream goes on waiting.
    pub(super) fn start_otherwise(&mut self, server: ServerId, link: LinkId, now: Instant) {
        if let Some(probe) = self.probe_mut(link) {
            probe.on_harm();
        }
        self.forget_asks_of(link, now);
        self.remember_failure(link);
        self.links.remove(link);
        let Some(entry) = self.servers.get_mut(server) else { return };
        entry.supervisor.on_retry();
        if !self.on_temporary_gone(server) {
            let message = "It ended when it was asked server/discover: the next one is asked initialize";
            self.log(Level::Info, Some(server), message.to_owned());
            self.start(server, now);
        }
    }
}

/// What is no answer: over HTTP.
impl Proxy {
    /// Whether there is another greeting to be tried after this time, or after this link.
    pub(super) fn is_probing(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(|link| !link.is_introduced() && link.probe.is_discovering())
    }

    /// `server/discover` was refused with an error status.
    pub(super) fn on_discover_refused(&mut self, link: LinkId, refusal: &HttpRefusal, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        if let (true, Some(error)) = (refusal.is_about_era(), refusal.error()) {
            return self.on_discovered(link, server, &Outcome::Error(error), now);
        }
        let Some(probe) = self.probe_mut(link) else {
            return if refusal.is_about_era() { self.on_era_over(link, now) } else { self.on_era_unclear(link, now) };
        };
        if refusal.is_about_era() {
            let next = probe.on_not_discovered();
            return self.on_next(link, next, now);
        }
        if matches!(refusal.status, 500 | 501) {
            probe.on_harm(); // so some answer whatever they do not know
        }
        let cause = format!("it answered server/discover with {}", refusal.describe());
        self.on_conversation_over(link, &cause, now);
    }

    /// `initialize` was refused with an error status.
    pub(super) fn on_initialize_refused(&mut self, link: LinkId, refusal: &HttpRefusal, now: Instant) {
        let cause = format!("it answered initialize with {}", refusal.describe());
        let next = match self.probe_mut(link) {
            Some(probe) if refusal.is_about_era() => probe.on_not_initialized(&cause),
            Some(_) => return self.on_conversation_over(link, &cause, now),
            None => return,
        };
        match next {
            Next::Rejected(..) if refusal.is_about_transport() && self.fall_back(link) => {
                self.start_conversation(link, now);
            }
            Next::Rejected(Hello::Initialize, _) => self.on_conversation_over(link, &cause, now),
            Next::Rejected(Hello::Discover, _) | Next::Send(_) | Next::Wait | Next::Introduced(_) => {
                self.on_next(link, next, now);
            }
        }
    }

    /// It took `server/discover`, and its answer is no reply.
    pub(super) fn on_discover_unanswered(&mut self, link: LinkId, now: Instant) {
        if let Some(probe) = self.probe_mut(link) {
            let next = probe.on_not_discovered();
            self.on_next(link, next, now);
        }
    }

    /// It took `initialize`, and its answer is no reply.
    pub(super) fn on_initialize_unanswered(&mut self, link: LinkId, now: Instant) {
        let Some(probe) = self.probe_mut(link) else { return };
        match probe.on_not_initialized("it is no reply") {
            Next::Rejected(Hello::Initialize, _) => {
                self.on_conversation_over(link, "its answer to initialize is no reply", now);
            }
            next @ (Next::Rejected(Hello::Discover, _) | Next::Send(_) | Next::Wait | Next::Introduced(_)) => {
                self.on_next(link, next, now);
            }
        }
    }

    fn fall_back(&mut self, link: LinkId) -> bool {
        self.remote_mut(link).is_some_and(|remote| remote.fall_back())
    }

    /// Whether a connection carries the question to which every answer is one.
    pub(super) fn is_sent_probe(&self, id: OutboundId) -> bool {
        let Some(outbound) = self.outbounds.get(id).filter(|outbound| outbound.sent > 0) else { return false };
        let is_probe = outbound.task().is_some_and(|task| task.exchange.purpose == Purpose::Own(OwnRequest::Discover));
        is_probe && self.links.get(outbound.link).is_some_and(|link| !link.is_introduced())
    }

    /// Its answer cannot be read.
    pub(super) fn on_probe_unreadable(&mut self, id: OutboundId, now: Instant) {
        if let Some(outbound) = self.remove_outbound(id, true) {
            self.on_discover_unanswered(outbound.link, now);
        }
    }

    /// There is none, though it was heard: it hung up, as some do on whatever they do not know, or said nothing.
    pub(super) fn on_probe_lost(&mut self, id: OutboundId, now: Instant) {
        let Some(outbound) = self.remove_outbound(id, true) else { return };
        if let Some(probe) = self.probe_mut(outbound.link) {
            let next = probe.on_lost();
            self.on_next(outbound.link, next, now);
        }
    }
}

/// What is remembered.
impl Proxy {
    /// How the next link of an upstream is greeted, and those of the others that are configured alike.
    pub(super) fn remember_course(&mut self, server: ServerId, course: Course) {
        let entrance = self.servers.get(server).and_then(Server::entrance);
        for id in [Some(server), entrance].into_iter().flatten() {
            if let Some(entry) = self.servers.get_mut(id) {
                entry.course = course;
            }
        }
    }

    /// A link has ended that never said who it is, or one that did.
    pub(super) fn remember_failure(&mut self, link: LinkId) {
        if let Some(entry) = self.links.get(link).filter(|link| !link.is_introduced()) {
            let (server, course) = (entry.server, entry.probe.next_course(None));
            self.remember_course(server, course);
        }
    }
}
