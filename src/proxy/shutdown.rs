//! The end: no new work, time for the calls in flight, then the children.
//!
//! ```text
//!  Running ── first signal ──▶ Finishing ── no call left, or 5 s ──▶ Stopping
//!  Stopping ── no process left ──▶ Flushing ── all answers sent, or 2 s ──▶ Stopped
//!     any ──── second signal ──▶ Stopped
//! ```

use std::time::Instant;

use super::{Due, Level, Output, Proxy};
use crate::base::deadline::Timer;
use crate::base::sequence::CallId;
use crate::limits;
use crate::mcp::call::CallState;
use crate::mcp::stream::{Stream, StreamState};
use crate::mcp::trouble::Trouble;

/// How far the proxy's own end has come.
#[derive(Debug, Default)]
pub(super) enum Shutdown {
    /// It serves.
    #[default]
    Running,
    /// Calls in flight are given time.
    Finishing {
        /// The end of that time.
        timer: Timer,
    },
    /// The children have been asked to end.
    Stopping,
    /// They have ended; the last answers are on their way.
    Flushing {
        /// The end of the wait for slow readers.
        timer: Timer,
    },
    /// All is over.
    Stopped,
}

impl Shutdown {
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self, Shutdown::Running)
    }

    pub(super) fn timer(&mut self) -> Option<&mut Timer> {
        match self {
            Shutdown::Finishing { timer } | Shutdown::Flushing { timer } => Some(timer),
            Shutdown::Running | Shutdown::Stopping | Shutdown::Stopped => None,
        }
    }
}

impl Proxy {
    /// Whether the proxy is on its way out.
    pub(crate) fn is_ending(&self) -> bool {
        self.shutdown.is_under_way()
    }

    pub(super) fn on_shutdown(&mut self, now: Instant) {
        if self.shutdown.is_under_way() {
            self.stop(now);
            return;
        }
        self.log(Level::Info, None, "Shutting down".to_owned());
        let mut timer = Timer::default();
        self.deadlines.arm(&mut timer, Due::Shutdown, now + limits::SHUTDOWN_GRACE);
        self.shutdown = Shutdown::Finishing { timer };
        for server in self.servers.ids() {
            self.fail_calls(server, &Trouble::ShuttingDown, |state| matches!(state, CallState::Waiting { .. }), now);
        }
        let parked = self.calls.iter().filter(|(_, call)| call.is_parked()).map(|(id, _)| id);
        for call in parked.collect::<Vec<CallId>>() {
            self.cancel_call(call, "the proxy shuts down", now);
        }
        self.end_listening(now);
        self.end_authorizing(now);
        self.on_calls_finished(now);
    }

    /// A server that must be there is not: the proxy ends.
    pub(super) fn fail_start(&mut self, server: String, now: Instant) {
        if !self.shutdown.is_under_way() {
            self.failure = Some(server);
            self.on_shutdown(now);
        }
    }

    /// Streams without a call are of no use any more; idle connections neither.
    fn end_listening(&mut self, now: Instant) {
        self.end_listens(now);
        let is_answering = |stream: &Stream| {
            let session = stream.session.and_then(|session| self.sessions.get(session));
            session.is_some_and(|session| session.is_sse() && !session.calls.is_empty())
        };
        let listening = |stream: &Stream| matches!(stream.state, StreamState::Listening) && !is_answering(stream);
        let ids: Vec<_> = self.streams.iter().filter(|(_, stream)| listening(stream)).map(|(id, _)| id).collect();
        for id in ids {
            self.close_stream(id, now);
        }
        for id in self.conns.ids() {
            self.close_soon(id, now);
        }
    }

    /// Once no call is in flight there is nothing to wait for, but for what is on its way to the disk.
    pub(super) fn on_calls_finished(&mut self, now: Instant) {
        if matches!(self.shutdown, Shutdown::Finishing { .. }) && self.calls.is_empty() && !self.is_authorizing() {
            self.stop_servers(now);
        }
    }

    pub(super) fn on_shutdown_timeout(&mut self, now: Instant) {
        if matches!(self.shutdown, Shutdown::Flushing { .. }) {
            return self.stop(now);
        }
        for server in self.servers.ids() {
            self.fail_calls(server, &Trouble::ShuttingDown, |_| true, now);
        }
        self.stop_servers(now);
    }

    fn stop_servers(&mut self, now: Instant) {
        self.shutdown = Shutdown::Stopping;
        self.end_listening(now);
        for id in self.servers.ids() {
            let Some(server) = self.servers.get_mut(id) else { continue };
            if let Some((link, look_again)) = server.supervisor.on_stop(now) {
                self.deadlines.arm(&mut server.supervisor.timer, Due::Server(id), look_again);
                self.stop_link(link, now);
            }
        }
        self.on_servers_stopped(now);
    }

    /// A server has lost its process: was it the last?
    pub(super) fn on_servers_stopped(&mut self, now: Instant) {
        let is_stopping = matches!(self.shutdown, Shutdown::Stopping);
        if is_stopping && self.servers.iter().all(|(_, server)| server.supervisor.is_stopped()) {
            let mut timer = Timer::default();
            self.deadlines.arm(&mut timer, Due::Shutdown, now + limits::LINGER_TIME_MAX);
            self.shutdown = Shutdown::Flushing { timer };
        }
    }

    /// Once nothing waits to be sent there is nothing left to do.
    pub(super) fn on_flushed(&mut self, now: Instant) {
        let is_flushing = matches!(self.shutdown, Shutdown::Flushing { .. });
        let is_sent = self.conns.iter().all(|(_, conn)| conn.outgoing.is_empty());
        if is_flushing && is_sent && !self.is_authorizing() {
            self.stop(now);
        }
    }

    fn stop(&mut self, now: Instant) {
        if !matches!(self.shutdown, Shutdown::Stopped) {
            self.shutdown = Shutdown::Stopped;
            self.log_unfinished_requests(now);
            self.outputs.push_back(Output::Stopped { failure: self.failure.take() });
        }
    }
}
