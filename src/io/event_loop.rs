//! The one loop: what the system reports goes into the core, what the core wants goes to the system.
//!
//! ```text
//! poll ─ read the clock ─ dispatch: note the events, accept, read, reap ─ timers ─ drain the outputs ⇄ flush ─┐
//!   └──────────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Events are only noted while they are dispatched; reading follows when all are known, so nothing is freed that a
//! later event of the same poll is about. Whoever has used up a share of the turn goes to the back of a queue and is
//! served in the next turn, before which the poll does not wait.

use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Poll};

use super::authority::Authority;
use super::child::Stream;
use super::children::Children;
use super::clock::read_clock;
use super::conn::Conns;
use super::listener::{Accepted, Listener};
use super::log::Log;
use super::outbounds::Outbounds;
use super::readiness::Source;
use super::signals::{HangUp, Signals};
use super::watcher::Watcher;
use crate::base::time::Now;
use crate::limits;
use crate::proxy::{Input, Level, Output, Proxy, Record};

/// Events taken from one poll. More stay in the kernel for the next.
const EVENTS_MAX: usize = 1_024;

/// Everything the loop works with.
pub(super) struct EventLoop {
    pub(super) poll: Poll,
    pub(super) core: Proxy,
    pub(super) listener: Listener,
    pub(super) signals: Signals,
    pub(super) conns: Conns,
    pub(super) children: Children,
    pub(super) outbounds: Outbounds,
    pub(super) log: Log,
    /// `None`: there is no configuration that could change.
    pub(super) watcher: Option<Watcher>,
    /// `None`: nobody logs in.
    pub(super) authority: Option<Authority>,
}

/// How the loop ended: the core stopped, perhaps because a server failed that must not.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) failure: Option<String>,
    /// Otherwise whoever writes to it waits for ever.
    pub(super) is_stderr_read: bool,
}

impl EventLoop {
    /// Runs until the core has stopped and no child is left.
    ///
    /// # Errors
    ///
    /// The poll itself failed.
    pub(super) fn run(mut self) -> io::Result<Ended> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; limits::READ_BYTES];
        let mut now = read_clock();
        let mut ended = self.settle(now);
        while ended.is_none() {
            self.wait(&mut events, now.instant)?;
            now = read_clock();
            self.dispatch(&events, &mut buffer, now);
            self.run_timers(now);
            ended = self.settle(now);
        }
        self.children.end_all();
        let failure = ended.and_then(|ended| ended.failure);
        Ok(Ended { failure, is_stderr_read: self.log.finish() })
    }

    /// Polls; does not wait while somebody is still owed a share. The turn that is over began at `began`.
    fn wait(&mut self, events: &mut Events, began: Instant) -> io::Result<()> {
        let now = Instant::now();
        self.core.handle_turn(began, now);
        let is_busy = self.conns.is_busy_after_turn()
            | self.children.is_busy_after_turn()
            | self.outbounds.is_busy_after_turn(now)
            | self.listener.is_ready();
        let timeout = if is_busy { Some(Duration::ZERO) } else { self.until_next_deadline(now) };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }

    fn until_next_deadline(&mut self, now: Instant) -> Option<Duration> {
        let shell = [self.listener.poll_timeout(), self.children.poll_timeout(), self.outbounds.poll_timeout()];
        let deadlines = shell.into_iter().chain([self.core.poll_timeout()]);
        let next = deadlines.flatten().min()?;
        Some(next.saturating_duration_since(now))
    }

    fn dispatch(&mut self, events: &Events, buffer: &mut [u8], now: Now) {
        let mut has_exits = false;
        for event in events {
            match Source::of(event.token()) {
                Some(Source::Listener) => self.listener.on_event(),
                Some(Source::Ends) => self.on_ends(now),
                Some(Source::HangUps) => self.on_hang_up(now),
                Some(Source::Exits) => has_exits = true,
                Some(Source::Conn(index)) => self.conns.on_event(index, event),
                Some(Source::Stdin(index)) => self.children.on_stdin_event(index, event),
                Some(Source::Stdout(index)) => self.children.on_output_event(index, Stream::Stdout, event),
                Some(Source::Stderr(index)) => self.children.on_output_event(index, Stream::Stderr, event),
                Some(Source::Outbound(_)) => self.outbounds.on_event(event),
                Some(Source::Worker) => {
                    self.on_read_again(now);
                    self.on_outcomes(now);
                    // What the resolver has found out is taken in every turn.
                }
                None => {}
            }
        }
        self.accept(now);
        self.conns.read(&mut self.core, buffer, now);
        self.children.read(&mut self.core, buffer, now);
        self.outbounds.read(&mut self.core, self.poll.registry(), buffer, now);
        if let Some(warning) = self.outbounds.poll_warning() {
            self.warn(warning, now);
        }
        if has_exits {
            // Before the children are asked: one that ends from now on writes another byte.
            self.signals.clear_exits();
            self.children.reap(&mut self.core, buffer, now);
            self.listener.on_descriptor_freed();
        }
    }

    fn on_ends(&mut self, now: Now) {
        for _ in 0..self.signals.take_ends() {
            self.core.handle(Input::Shutdown, now);
        }
    }

    fn on_hang_up(&mut self, now: Now) {
        match (self.signals.take_hang_up(), &self.watcher) {
            (None, _) => {}
            (Some(HangUp::TerminalGone), _) => self.core.handle(Input::Shutdown, now),
            (Some(HangUp::Reload), Some(watcher)) => watcher.reload(),
            (Some(HangUp::Reload), None) => {
                self.warn("SIGHUP: there is no configuration that could be read again".to_owned(), now)
            }
        }
    }

    fn on_read_again(&mut self, now: Now) {
        while let Some(answer) = self.watcher.as_ref().and_then(Watcher::poll_answer) {
            match answer {
                Ok(config) => self.core.handle(Input::Reload(Box::new(config)), now),
                Err(problems) => {
                    problems.into_iter().for_each(|problem| self.note(Level::Error, problem, now));
                    let message = "The configuration was not reloaded, nothing has changed: see above";
                    self.note(Level::Error, message.to_owned(), now);
                }
            }
        }
    }

    fn on_outcomes(&mut self, now: Now) {
        while let Some(outcome) = self.authority.as_ref().and_then(Authority::poll_outcome) {
            self.core.handle(Input::Authority(outcome), now);
        }
    }

    fn accept(&mut self, now: Now) {
        for _ in 0..limits::TURN_ACCEPTS_MAX {
            if !self.listener.is_ready() {
                return;
            }
            match self.listener.accept(now.instant) {
                Accepted::Conn(stream, peer) => {
                    let Some(conn) = self.core.handle_accept(peer, now) else { continue };
                    if self.conns.insert(conn, stream, self.poll.registry()).is_err() {
                        self.core.handle(Input::Broken { conn }, now);
                    }
                }
                Accepted::Nobody => return,
                Accepted::Shortage(report) => {
                    if let Some(error) = report {
                        let bound = super::descriptors();
                        let message = "new connections have to wait until others end or have been idle for a while";
                        self.warn(format!("{message}: {error}; the bound is {bound} (ulimit -n)"), now);
                    }
                    self.core.handle_shortage(now);
                    return;
                }
            }
        }
    }

    fn run_timers(&mut self, now: Now) {
        self.listener.handle_timeout(now.instant);
        self.children.handle_timeout(now.instant);
        self.outbounds.handle_timeout(&mut self.core, now);
        if self.core.poll_timeout().is_some_and(|due| due <= now.instant) {
            self.core.handle_timeout(now);
        }
        debug_assert!(
            self.core.poll_timeout().is_none_or(|due| due > now.instant),
            "a deadline that is due after the timers ran would keep the loop spinning"
        );
    }

    /// Drains and flushes until the core has nothing more to say: what is sent makes room, and room makes more to send.
    fn settle(&mut self, now: Now) -> Option<Ended> {
        let mut ended = None;
        loop {
            while let Some(output) = self.core.poll_output() {
                if let Output::Stopped { failure } = output {
                    // Not at once: last answers may be among the outputs.
                    ended = Some(Ended { failure, is_stderr_read: true });
                } else {
                    self.perform(output, now);
                }
            }
            if !self.conns.is_dirty() && !self.children.is_dirty() && !self.outbounds.is_dirty() {
                return ended;
            }
            self.children.flush(&mut self.core, now);
            self.outbounds.flush(&mut self.core, now);
            self.conns.flush(&mut self.core, now);
        }
    }

    fn perform(&mut self, output: Output, now: Now) {
        match output {
            Output::Transmit(conn) => self.conns.mark_dirty(conn),
            Output::Resume(conn) => self.conns.mark_ready(conn),
            Output::FinishWriting(conn) => self.conns.finish_writing(conn),
            Output::Close(conn) => {
                self.conns.close(conn);
                self.listener.on_descriptor_freed();
            }
            Output::Spawn(link) => self.children.spawn(link, &mut self.core, self.poll.registry(), now),
            Output::TransmitStdin(link) => self.children.mark_dirty(link),
            Output::CloseStdin(link) => self.children.close_stdin(link),
            Output::Terminate(link) => self.children.terminate(link),
            Output::Kill(link) => self.children.kill(link, now.instant),
            Output::Connect(outbound) => self.outbounds.connect(outbound, &mut self.core, now),
            Output::TransmitOutbound(outbound) => self.outbounds.mark_dirty(outbound),
            Output::CloseOutbound(outbound) => {
                self.outbounds.close(outbound);
                self.listener.on_descriptor_freed();
            }
            Output::Authority(task) => {
                if let Some(authority) = &self.authority {
                    authority.perform(task);
                }
            }
            Output::Log(record) => self.log.write(&record, now.unix_seconds),
            Output::Stopped { .. } => {} // taken by the caller
        }
    }

    fn warn(&self, message: String, now: Now) {
        self.note(Level::Warn, message, now);
    }

    fn note(&self, level: Level, message: String, now: Now) {
        self.log.write(&Record { level, server: None, message, fields: Vec::new() }, now.unix_seconds);
    }
}
