//! Fetches a configuration from a URL: a small loop of its own, over connections like those to upstreams.
//!
//! It blocks, and may be called on any thread: before there is a proxy, and beside one that runs.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Waker};

use super::clock::read_clock;
use super::outbound_settings;
use super::outbounds::{self, Core, Outbounds};
use crate::base::id::{Arena, OutboundId};
use crate::base::time::Now;
use crate::base::url::Url;
use crate::config::download::{Download, DownloadError, Output, Wanted};
use crate::limits;
use crate::proxy::Input;

/// Events taken from one poll: there is one connection, for which a few addresses are tried.
const EVENTS_MAX: usize = 64;

/// What to fetch, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadSettings {
    /// What.
    pub wanted: Wanted,
    /// All the time that it may take.
    pub time_max: Duration,
    /// Take any certificate for good.
    pub is_insecure: bool,
}

/// Fetches it. `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE` count as for upstreams.
///
/// # Errors
///
/// There is nothing to be had; why, as advice.
pub fn download(settings: &DownloadSettings) -> Result<String, DownloadError> {
    let download = Download::new(settings.wanted.clone());
    let (poll, waker) = match poll_with_waker() {
        Ok(pair) => pair,
        Err(error) => return Err(refused(download, &error)),
    };
    let core = Fetch { download, conns: Arena::new(), current: None };
    let outbounds = Outbounds::new(outbound_settings(settings.is_insecure), waker);
    Loop { poll, core, outbounds }.run(settings.time_max)
}

fn poll_with_waker() -> io::Result<(Poll, Arc<Waker>)> {
    let poll = Poll::new()?;
    let waker = outbounds::waker(poll.registry())?;
    Ok((poll, waker))
}

fn refused(download: Download, error: &io::Error) -> DownloadError {
    download.into_error(format!("the system refused what that needs: {error}"))
}

/// The download, as connections see it.
struct Fetch {
    download: Download,
    /// One at a time. The id of one that is closed means nobody.
    conns: Arena<OutboundId, ()>,
    current: Option<OutboundId>,
}

impl Core for Fetch {
    fn destination(&self, outbound: OutboundId) -> Option<&Url> {
        self.is_current(outbound).then(|| self.download.destination())
    }

    fn request_bytes(&self, outbound: OutboundId) -> &[u8] {
        if self.is_current(outbound) { self.download.request_bytes() } else { &[] }
    }

    fn handle(&mut self, input: Input<'_>, _: Now) {
        match input {
            Input::Connected { outbound } if self.is_current(outbound) => self.download.handle_connected(),
            Input::OutboundSent { outbound, count } if self.is_current(outbound) => self.download.handle_sent(count),
            Input::OutboundReceived { outbound, bytes } if self.is_current(outbound) => {
                self.download.handle_received(bytes);
            }
            Input::OutboundFinished { outbound } if self.is_current(outbound) => self.download.handle_finished(),
            Input::ConnectFailed { outbound, error } | Input::OutboundBroken { outbound, error }
                if self.is_current(outbound) =>
            {
                self.download.handle_broken(error);
            }
            Input::Connected { .. }
            | Input::OutboundSent { .. }
            | Input::OutboundReceived { .. }
            | Input::OutboundFinished { .. }
            | Input::ConnectFailed { .. }
            | Input::OutboundBroken { .. } => {} // of the connection before a redirect
            Input::Received { .. }
            | Input::Finished { .. }
            | Input::Broken { .. }
            | Input::Sent { .. }
            | Input::Spawned { .. }
            | Input::SpawnFailed { .. }
            | Input::Stdout { .. }
            | Input::Stderr { .. }
            | Input::StdoutEnded { .. }
            | Input::StdinSent { .. }
            | Input::StdinBroken { .. }
            | Input::Exited { .. }
            | Input::Reload(_)
            | Input::Authority(_)
            | Input::Shutdown => {} // nobody here says so
        }
    }
}

impl Fetch {
    fn is_current(&self, outbound: OutboundId) -> bool {
        self.current == Some(outbound)
    }
}

/// Everything the loop works with.
struct Loop {
    poll: Poll,
    core: Fetch,
    outbounds: Outbounds,
}

impl Loop {
    fn run(mut self, time_max: Duration) -> Result<String, DownloadError> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut buffer = vec![0; limits::READ_BYTES];
        let mut now = read_clock();
        let deadline = now.instant + time_max;
        loop {
            if let Some(result) = self.settle(now) {
                return result.map_err(|error| error.with_note(self.outbounds.poll_warning()));
            }
            if let Err(error) = self.wait(&mut events, deadline) {
                return Err(refused(self.core.download, &error));
            }
            now = read_clock();
            events.iter().for_each(|event| self.outbounds.on_event(event));
            self.outbounds.read(&mut self.core, self.poll.registry(), &mut buffer, now);
            // First: it knows better what is missing.
            self.outbounds.handle_timeout(&mut self.core, now);
            if now.instant >= deadline {
                self.core.download.handle_timeout(time_max);
            }
        }
    }

    fn wait(&mut self, events: &mut Events, deadline: Instant) -> io::Result<()> {
        let now = Instant::now();
        let is_busy = self.outbounds.is_busy_after_turn(now);
        let due = self.outbounds.poll_timeout().map_or(deadline, |due| due.min(deadline));
        let timeout = if is_busy { Duration::ZERO } else { due.saturating_duration_since(now) };
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// Does what the download wants. Returns what has come of it, once it is over.
    fn settle(&mut self, now: Now) -> Option<Result<String, DownloadError>> {
        while let Some(output) = self.core.download.poll_output() {
            self.close();
            match output {
                Output::Connect => self.connect(now),
                Output::Done(result) => return Some(result),
            }
        }
        if let Some(id) = self.core.current {
            self.outbounds.mark_dirty(id);
        }
        while self.outbounds.is_dirty() {
            self.outbounds.flush(&mut self.core, now);
        }
        None
    }

    fn connect(&mut self, now: Now) {
        let id = self.core.conns.insert(());
        self.core.current = Some(id);
        self.outbounds.connect(id, &mut self.core, now);
    }

    fn close(&mut self) {
        if let Some(id) = self.core.current.take() {
            self.core.conns.remove(id);
            self.outbounds.close(id);
        }
    }
}
