//! The life of one upstream, over all its links.
//!
//! ```text
//!            ┌────────────────────────── back-off over, or a call comes ◀───────────────┐
//!            ▼                                                                          │
//!  start ─▶ Starting ── initialize answered ─▶ Ready ── crash, stdout closed ─▶ Ending ─▶ BackingOff
//!            └───────── cannot start, crash, too slow ────────────────────────▶ ─┘
//!  stop: from anywhere ─▶ Stopping ─▶ Stopped
//! ```
//!
//! While *Ending*, the process is being got rid of: first its exit status is awaited for a moment, then SIGTERM, then
//! SIGKILL. While *Stopping*, stdin is closed first, which is how an MCP server is asked to end.

use std::time::{Duration, Instant};

use crate::base::deadline::Timer;
use crate::base::id::LinkId;
use crate::limits;

/// Where an upstream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A process was asked for, and has not answered `initialize` yet.
    Starting {
        /// Its link.
        link: LinkId,
    },
    /// It answers.
    Ready {
        /// Its link.
        link: LinkId,
        /// Since when.
        since: Instant,
    },
    /// The link is of no use any more; its process is not gone yet.
    Ending {
        /// Its link.
        link: LinkId,
        /// How far the ending has come.
        stage: Stage,
    },
    /// There is no process; the next attempt is at the timer's due time, or at the next call.
    BackingOff,
    /// The proxy shuts down and the process has been asked to end.
    Stopping {
        /// Its link.
        link: LinkId,
        /// How far the ending has come.
        stage: Stage,
    },
    /// There is no process and there will be none.
    Stopped,
}

/// How hard a process has been asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It seems to be ending by itself, or its stdin was closed.
    Awaited,
    /// SIGTERM was sent.
    Terminated,
    /// SIGKILL was sent.
    Killed,
}

/// What the owner is to do with the process when the timer has come up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Start a process.
    Start,
    /// It has not answered `initialize` for far too long: give it up.
    GiveUp(LinkId),
    /// The exit status did not come: report without it, and send SIGTERM.
    Terminate(LinkId),
    /// Send SIGKILL.
    Kill(LinkId),
    /// Nothing.
    Wait,
}

/// One upstream's life.
#[derive(Debug)]
pub struct Supervisor {
    state: State,
    /// The pause before the next attempt, without jitter.
    pause: Duration,
    /// Belongs to the state.
    pub timer: Timer,
}

impl Default for Supervisor {
    fn default() -> Self {
        Supervisor { state: State::BackingOff, pause: limits::BACK_OFF_MIN, timer: Timer::default() }
    }
}

impl Supervisor {
    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The link whose process lives, in whatever state.
    pub fn link(&self) -> Option<LinkId> {
        match self.state {
            State::Starting { link }
            | State::Ready { link, .. }
            | State::Ending { link, .. }
            | State::Stopping { link, .. } => Some(link),
            State::BackingOff | State::Stopped => None,
        }
    }

    /// The link, if it answers.
    pub fn ready_link(&self) -> Option<LinkId> {
        match self.state {
            State::Ready { link, .. } => Some(link),
            State::Starting { .. }
            | State::Ending { .. }
            | State::BackingOff
            | State::Stopping { .. }
            | State::Stopped => None,
        }
    }

    /// Whether a new attempt can begin at once.
    pub fn is_startable(&self) -> bool {
        self.state == State::BackingOff
    }

    /// Whether its process was sent a signal because the link was of no use.
    pub fn is_forced(&self) -> bool {
        matches!(self.state, State::Ending { stage: Stage::Terminated | Stage::Killed, .. })
    }

    /// Whether it has been asked to end for good.
    pub fn is_stopping(&self) -> bool {
        matches!(self.state, State::Stopping { .. } | State::Stopped)
    }

    /// Whether it is over for good.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// A process was asked for. When the timer comes up before it answers, it is given up.
    pub fn on_start(&mut self, link: LinkId) {
        self.state = State::Starting { link };
    }

    /// `initialize` was answered.
    pub fn on_ready(&mut self, now: Instant) {
        if let State::Starting { link } = self.state {
            self.state = State::Ready { link, since: now };
            self.timer.disarm();
        }
    }

    /// The link is of no use any more, its process lives on. Returns when to look again.
    pub fn on_broken(&mut self, link: LinkId, now: Instant) -> Instant {
        self.calm_down(now);
        self.state = State::Ending { link, stage: Stage::Awaited };
        now + limits::EXIT_STATUS_WAIT
    }

    /// The process is gone, or never was. Returns when to try again, unless it is over for good. `jitter` is uniform in
    /// 0 to 255: many upstreams that failed together do not come back together.
    pub fn on_gone(&mut self, now: Instant, jitter: u8) -> Option<Instant> {
        self.timer.disarm();
        match self.state {
            State::Stopping { .. } | State::Stopped => {
                self.state = State::Stopped;
                None
            }
            State::Starting { .. } | State::Ready { .. } | State::Ending { .. } | State::BackingOff => {
                self.calm_down(now);
                self.state = State::BackingOff;
                let pause = self.pause.mul_f32(0.75 + f32::from(jitter) / 512.0);
                self.pause = (self.pause * 2).min(limits::BACK_OFF_MAX);
                Some(now + pause)
            }
        }
    }

    /// The process is gone for a reason that another one will not have. It can be started at once.
    pub fn on_retry(&mut self) {
        self.timer.disarm();
        self.state = State::BackingOff;
    }

    /// It is to end for good. Returns the link to close, and when to look again; `None` if there is no process.
    pub fn on_stop(&mut self, now: Instant) -> Option<(LinkId, Instant)> {
        self.timer.disarm();
        let Some(link) = self.link() else {
            self.state = State::Stopped;
            return None;
        };
        self.state = State::Stopping { link, stage: Stage::Awaited };
        Some((link, now + limits::STDIN_GRACE))
    }

    /// The timer has come up. Returns what to do, and when to look again.
    pub fn on_timeout(&mut self, now: Instant) -> (Step, Option<Instant>) {
        match &mut self.state {
            State::BackingOff => (Step::Start, None),
            State::Starting { link } => (Step::GiveUp(*link), None),
            State::Ending { link, stage } | State::Stopping { link, stage } => match stage {
                Stage::Awaited => {
                    *stage = Stage::Terminated;
                    (Step::Terminate(*link), Some(now + limits::TERM_GRACE))
                }
                Stage::Terminated => {
                    *stage = Stage::Killed;
                    (Step::Kill(*link), None)
                }
                Stage::Killed => (Step::Wait, None),
            },
            State::Ready { .. } | State::Stopped => (Step::Wait, None),
        }
    }

    /// A link that was of use for a while was no failure in a row.
    fn calm_down(&mut self, now: Instant) {
        if let State::Ready { since, .. } = self.state
            && now.saturating_duration_since(since) >= limits::STEADY_TIME
        {
            self.pause = limits::BACK_OFF_MIN;
        }
    }
}
