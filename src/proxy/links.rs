//! The lives of upstreams: processes come and go, servers stay.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Due, Exit, Level, Output, Proxy};
use crate::base::deadline::Timer;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::splice::{Patch, push_line};
use crate::config::ServerConfig;
use crate::limits;
use crate::mcp::call::CallState;
use crate::mcp::introduction::Introduction;
use crate::mcp::trouble::Trouble;
use crate::upstream::catalogue::Catalogue;
use crate::upstream::handshake;
use crate::upstream::stdio::StdioLink;
use crate::upstream::supervisor::{State, Step, Supervisor};

/// A configured upstream: what outlives its processes.
pub(crate) struct Server {
    pub(crate) config: ServerConfig,
    pub(crate) supervisor: Supervisor,
    /// Calls that wait for it to become ready, oldest first.
    pub(crate) waiting: BTreeSet<CallId>,
    pub(crate) waiting_bytes: usize,
    /// What it said of itself when it last became ready.
    pub(crate) introduction: Option<Introduction>,
    pub(crate) catalogue: Catalogue,
    /// Comes up when one of its calls or asks may have waited too long.
    pub(crate) patience: Timer,
    /// How often it has been started.
    pub(crate) starts: u32,
}

impl Server {
    pub(crate) fn new(config: ServerConfig) -> Server {
        Server {
            config,
            supervisor: Supervisor::default(),
            waiting: BTreeSet::new(),
            waiting_bytes: 0,
            introduction: None,
            catalogue: Catalogue::default(),
            patience: Timer::default(),
            starts: 0,
        }
    }
}

/// One process and its pipes.
pub(crate) struct Link {
    pub(crate) server: ServerId,
    pub(crate) stdio: StdioLink,
    /// Why it is of no use any more, if it broke before its process ended.
    fault: Option<String>,
}

impl Proxy {
    /// Asks for a process and has `initialize` ready for it.
    pub(super) fn start(&mut self, server: ServerId, now: Instant) {
        let mut stdio = StdioLink::default();
        let hello = handshake::initialize(&self.config.name, &self.config.version);
        push_line(&mut stdio.stdin, hello.as_bytes(), &mut []);
        let link = self.links.insert(Link { server, stdio, fault: None });
        let Some(entry) = self.servers.get_mut(server) else { return };
        entry.starts += 1;
        let give_up = now + entry.config.startup_time.max(limits::HANDSHAKE_TIME_MAX);
        entry.supervisor.on_start(link);
        self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), give_up);
        self.outputs.push_back(Output::Spawn(link));
    }

    pub(super) fn on_spawned(&mut self, link: LinkId, pid: u32) {
        let Some(entry) = self.links.get(link) else { return };
        let server = entry.server;
        let Some(command) = self.command(link) else { return };
        let verb =
            if self.servers.get(server).is_some_and(|server| server.starts > 1) { "Restarting" } else { "Starting" };
        let message = format!("{verb}: {} (pid {pid})", command.program);
        self.log(Level::Info, Some(server), message);
        self.transmit_stdin(link);
    }

    pub(super) fn on_spawn_failed(&mut self, link: LinkId, error: String, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let trouble = Trouble::CannotStart { cause: error, last_words: None };
        self.on_link_gone(server, link, &trouble, now);
    }

    /// The child is gone. What it left unanswered is answered with how it ended.
    pub(super) fn on_exited(&mut self, link: LinkId, exit: Exit, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        self.flush_lines(link, now);
        let trouble = self.trouble_of(link, self.cause_of_end(server, link, exit));
        self.on_link_gone(server, link, &trouble, now);
    }

    /// The child will say nothing any more.
    pub(super) fn on_stdout_ended(&mut self, link: LinkId, now: Instant) {
        self.on_broken(link, "it closed its stdout", now);
    }

    /// The child will hear nothing any more.
    pub(super) fn on_stdin_broken(&mut self, link: LinkId, now: Instant) {
        if let Some(entry) = self.links.get_mut(link) {
            entry.stdio.stdin.clear();
            entry.stdio.is_transmitting = false;
        }
        self.on_broken(link, "it closed its stdin", now);
    }

    /// The link is of no use any more. Most often its process is about to end: its exit status, which callers want to
    /// know, is awaited for a moment.
    pub(super) fn on_broken(&mut self, link: LinkId, fault: &str, now: Instant) {
        let Some(broken) = self.links.get_mut(link) else { return };
        let server = broken.server;
        let Some(entry) = self.servers.get_mut(server) else { return };
        if matches!(entry.supervisor.state(), State::Starting { .. } | State::Ready { .. }) {
            broken.fault = Some(fault.to_owned());
            let look_again = entry.supervisor.on_broken(link, now);
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), look_again);
        }
    }

    /// The next step in a server's life is due.
    pub(super) fn on_server_timeout(&mut self, server: ServerId, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let (step, look_again) = entry.supervisor.on_timeout(now);
        if let Some(due) = look_again {
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), due);
        }
        match step {
            Step::Start if self.shutdown.is_under_way() => {} // nothing new begins
            Step::Start => self.start(server, now),
            Step::GiveUp(link) => self.give_up(server, link, now),
            Step::Terminate(link) => {
                let fault = self.links.get(link).and_then(|link| link.fault.clone()).unwrap_or_default();
                let trouble = self.trouble_of(link, fault);
                self.fail_link(server, link, &trouble, now);
                self.outputs.push_back(Output::Terminate(link));
            }
            Step::Kill(link) => self.outputs.push_back(Output::Kill(link)),
            Step::Wait => {}
        }
    }

    fn give_up(&mut self, server: ServerId, link: LinkId, now: Instant) {
        self.log(Level::Warn, Some(server), "It never answered initialize: it is started anew".to_owned());
        self.on_broken(link, "it never answered initialize", now);
    }

    /// Why a process ended: by itself with a status, or because we ended it for a reason.
    fn cause_of_end(&self, server: ServerId, link: LinkId, exit: Exit) -> String {
        let is_our_doing = self.servers.get(server).is_some_and(|server| server.supervisor.is_forced());
        let fault = self.links.get(link).and_then(|link| link.fault.clone()).filter(|_| is_our_doing);
        fault.unwrap_or_else(|| match exit {
            Exit::Code(code) => format!("exit status {code}"),
            Exit::Signal(signal) => format!("killed by signal {signal}"),
        })
    }

    /// What to tell callers of a link that broke: during the start it could not be started, later it crashed.
    fn trouble_of(&self, link: LinkId, cause: String) -> Trouble {
        let last_words = self.links.get(link).and_then(|link| link.stdio.last_words()).map(str::to_owned);
        let was_ready = self.links.get(link).is_some_and(|link| link.stdio.is_introduced);
        if was_ready { Trouble::Crashed { cause, last_words } } else { Trouble::CannotStart { cause, last_words } }
    }

    /// Everything that hangs on the link is answered. A call that waits for a server that just crashed waits for the
    /// next process; one that waits for a server that cannot be started is told so now.
    fn fail_link(&mut self, server: ServerId, link: LinkId, trouble: &Trouble, now: Instant) {
        self.forget_asks_of(link, now);
        match trouble {
            Trouble::Crashed { .. } => {
                self.fail_calls(server, trouble, |state| matches!(state, CallState::InFlight), now);
            }
            Trouble::CannotStart { .. }
            | Trouble::NotReady { .. }
            | Trouble::Silent { .. }
            | Trouble::Clogged
            | Trouble::Crowded { .. }
            | Trouble::ShuttingDown => self.fail_calls(server, trouble, |_| true, now),
        }
    }

    fn on_link_gone(&mut self, server: ServerId, link: LinkId, trouble: &Trouble, now: Instant) {
        let is_current = self.servers.get(server).is_some_and(|server| server.supervisor.link() == Some(link));
        if !is_current {
            self.links.remove(link);
            return;
        }
        let is_stopping =
            self.servers.get(server).is_some_and(|server| matches!(server.supervisor.state(), State::Stopping { .. }));
        let trouble = if is_stopping { &Trouble::ShuttingDown } else { trouble };
        self.fail_link(server, link, trouble, now);
        self.links.remove(link);
        let mut jitter = [0];
        (self.random)(&mut jitter);
        let Some(entry) = self.servers.get_mut(server) else { return };
        entry.catalogue.on_refused();
        let next = entry.supervisor.on_gone(now, jitter[0]);
        if let Some(due) = next {
            self.deadlines.arm(&mut entry.supervisor.timer, Due::Server(server), due);
        }
        let must_start = entry.config.panic_if_invalid && entry.introduction.is_none();
        let name = entry.config.name.clone();
        let is_awaited = !entry.waiting.is_empty() && entry.supervisor.is_startable();
        self.report_gone(server, trouble, next.map(|due| due - now));
        if must_start {
            self.fail_start(name, now);
        } else if is_awaited && !self.shutdown.is_under_way() {
            self.start(server, now);
        }
        self.on_servers_stopped(now);
    }

    fn report_gone(&mut self, server: ServerId, trouble: &Trouble, pause: Option<std::time::Duration>) {
        let Some(pause) = pause else {
            return self.log(Level::Info, Some(server), "Stopped".to_owned());
        };
        let (what, cause, last_words) = match trouble {
            Trouble::CannotStart { cause, last_words } => ("Could not be started", cause.as_str(), last_words),
            Trouble::Crashed { cause, last_words } => ("Crashed", cause.as_str(), last_words),
            Trouble::NotReady { .. }
            | Trouble::Silent { .. }
            | Trouble::Clogged
            | Trouble::Crowded { .. }
            | Trouble::ShuttingDown => ("Ended", "", &None),
        };
        let words = last_words.as_ref().map(|words| format!(", its last words: {words:?}")).unwrap_or_default();
        let message =
            format!("{what}: {cause}{words}; next attempt in {:.1} s, or at the next call", pause.as_secs_f32());
        self.log(Level::Error, Some(server), message);
    }

    /// The upstream has introduced itself: calls may flow.
    pub(super) fn on_introduced(&mut self, server: ServerId, link: LinkId, introduction: Introduction, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        if !matches!(entry.supervisor.state(), State::Starting { .. }) {
            return;
        }
        let capabilities = introduction.capabilities;
        let is_restart = entry.introduction.is_some();
        entry.supervisor.on_ready(now);
        entry.introduction = Some(introduction);
        if let Some(entry) = self.links.get_mut(link) {
            entry.stdio.is_introduced = true;
        }
        self.send_to_link(link, &crate::codec::jsonrpc::write::notification("notifications/initialized", None));
        if is_restart {
            self.restore(server, capabilities);
        }
        if capabilities.tools {
            self.read_catalogue(server);
        } else {
            self.log(Level::Info, Some(server), "Ready, without tools".to_owned());
        }
        self.release_waiting(server, now);
    }

    /// The last words of a server's present process.
    pub(super) fn last_words(&self, server: ServerId) -> Option<String> {
        let link = self.servers.get(server)?.supervisor.link()?;
        self.links.get(link)?.stdio.last_words().map(str::to_owned)
    }

    /// Tells the shell that bytes wait for a child.
    pub(super) fn transmit_stdin(&mut self, link: LinkId) {
        if let Some(entry) = self.links.get_mut(link)
            && !entry.stdio.is_transmitting
            && !entry.stdio.stdin.is_empty()
        {
            entry.stdio.is_transmitting = true;
            self.outputs.push_back(Output::TransmitStdin(link));
        }
    }

    pub(super) fn on_stdin_sent(&mut self, link: LinkId, count: usize) {
        if let Some(link) = self.links.get_mut(link) {
            link.stdio.stdin.consume(count);
            link.stdio.is_transmitting = !link.stdio.stdin.is_empty();
        }
    }

    /// Sends a message of our own to a link.
    pub(super) fn send_to_link(&mut self, link: LinkId, message: &str) {
        self.forward_to_link(link, message.as_bytes(), &mut []);
    }

    /// Sends a downstream's notification on to a server, if it is ready.
    pub(crate) fn forward_to_server(&mut self, server: ServerId, message: &[u8]) {
        if let Some(link) = self.servers.get(server).and_then(|server| server.supervisor.ready_link()) {
            self.forward_to_link(link, message, &mut []);
        }
    }

    /// Sends a downstream's message to a link as it is, but for the parts to be replaced.
    pub(super) fn forward_to_link(&mut self, link: LinkId, message: &[u8], patches: &mut [Patch<'_>]) {
        // A child that reads nothing must not fill the memory with what nobody waits for.
        if let Some(entry) = self.links.get_mut(link)
            && entry.stdio.stdin.len() <= limits::LINK_QUEUE_BYTES_MAX
        {
            push_line(&mut entry.stdio.stdin, message, patches);
            self.transmit_stdin(link);
        }
    }

    /// Sends a message of our own to a server, if it is ready.
    pub(super) fn send_to_server(&mut self, server: ServerId, message: &str) {
        self.forward_to_server(server, message.as_bytes());
    }
}
