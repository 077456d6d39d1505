//! A link to a remote upstream: one conversation over HTTP.
//!
//! ```text
//!  streamable:  POST initialize ─▶ POST initialized ─▶ ready: a POST for each message, one GET stream
//!       │ refused with 400, 404 or 405, and `transportType` is `auto`
//!       ▼
//!  SSE:  GET ─▶ `endpoint` event ─▶ POST initialize, answered on the stream ─▶ POST initialized ─▶ ready
//! ```

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::exchange::{Exchange, Purpose, Resume};
use super::held::Held;
use super::outbox::Outbox;
use crate::base::deadline::Timer;
use crate::base::id::OutboundId;
use crate::base::sequence::CallId;
use crate::base::url::Url;
use crate::codec::http::client::PreparedRequest;
use crate::codec::http::client::check_header;
use crate::config::{Remote, RemoteTransport};
use crate::limits;
use crate::mcp::era::Era;
use crate::mcp::version::Version;

/// One conversation.
#[derive(Debug)]
pub struct RemoteLink {
    /// How messages travel.
    wire: Wire,
    /// What `Mcp-Session-Id` is to say.
    session: Option<String>,
    /// What `MCP-Protocol-Version` is to say.
    era: Option<Era>,
    /// The head of every POST, until something in it changes.
    post_head: Option<Rc<PreparedRequest>>,
    /// How far the handshake has come.
    pub opening: Opening,
    /// All its connections.
    pub outbounds: Vec<OutboundId>,
    /// Those that are free, the one that was used last at the end.
    pub idle: Vec<OutboundId>,
    /// Which of them carry a call.
    pub carrying: BTreeMap<CallId, OutboundId>,
    /// What has no connection yet.
    pub outbox: Outbox,
    /// Calls that were refused for a reason that may pass.
    pub held: Vec<Held>,
    /// Bytes of messages that were not sent yet.
    pub queued_bytes: usize,
    /// What is to be sent later: streams to be opened again.
    pub later: Vec<(Instant, Exchange)>,
    /// How often the stream was opened in vain.
    listen_failures: u32,
    /// When the upstream was last heard.
    pub heard: Instant,
    /// Whether a sign of life is awaited.
    pub pulse: Pulse,
    /// Comes up for `later` and `pulse`.
    pub timer: Timer,
}

/// How messages travel.
#[derive(Debug)]
pub enum Wire {
    /// A POST for each; its response answers it.
    Streamable {
        /// Where to.
        endpoint: Url,
        /// Whether it may turn out to be an SSE upstream.
        is_guess: bool,
    },
    /// One stream for all that comes (2024-11-05).
    Sse {
        /// Where the stream is.
        stream: Url,
        /// Where messages are POSTed, once the stream has said so.
        endpoint: Option<Url>,
    },
}

/// How far the handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// `initialize` is not answered.
    Introducing,
    /// The downstream that has the upstream for itself is not ready.
    Introduced,
    /// `notifications/initialized` is not answered.
    Confirming {
        /// Whether the upstream has never been ready before.
        is_first: bool,
    },
    /// Calls flow.
    Open,
    /// The upstream has forgotten the session. What it was sent meanwhile will be refused as well.
    Forgotten {
        /// For how long that is awaited.
        until: Instant,
    },
    /// The session is being ended.
    Leaving,
}

/// Whether a sign of life is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// No.
    Quiet,
    /// A ping was sent.
    Pinged {
        /// When.
        at: Instant,
    },
}

impl RemoteLink {
    /// A conversation that has not begun.
    pub fn new(remote: &Remote, now: Instant) -> RemoteLink {
        let url = remote.url.clone();
        let wire = match remote.transport {
            RemoteTransport::Sse => Wire::Sse { stream: url, endpoint: None },
            RemoteTransport::Streamable => Wire::Streamable { endpoint: url, is_guess: false },
            RemoteTransport::Auto => Wire::Streamable { endpoint: url, is_guess: true },
        };
        RemoteLink {
            wire,
            session: None,
            post_head: None,
            era: None,
            opening: Opening::Introducing,
            outbounds: Vec::new(),
            idle: Vec::new(),
            carrying: BTreeMap::new(),
            outbox: Outbox::default(),
            held: Vec::new(),
            queued_bytes: 0,
            later: Vec::new(),
            listen_failures: 0,
            heard: now,
            pulse: Pulse::Quiet,
            timer: Timer::default(),
        }
    }

    /// What `Mcp-Session-Id` is to say.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The upstream has named the session.
    pub fn set_session(&mut self, session: Option<String>) {
        self.session = session;
        self.post_head = None;
    }

    /// The head of every POST, if it is written already.
    pub fn post_head(&self) -> Option<&Rc<PreparedRequest>> {
        self.post_head.as_ref()
    }

    /// The head of every POST is written.
    pub fn set_post_head(&mut self, head: Rc<PreparedRequest>) {
        self.post_head = Some(head);
    }

    /// Whether there is a session that the upstream can forget: one with a name, or with an endpoint of its own.
    pub fn has_session(&self) -> bool {
        match &self.wire {
            Wire::Streamable { .. } => self.session.is_some(),
            Wire::Sse { endpoint, .. } => endpoint.is_some(),
        }
    }

    /// Whether the replies to POSTs come on the stream.
    pub fn is_sse(&self) -> bool {
        matches!(self.wire, Wire::Sse { .. })
    }

    /// Where an exchange goes; `None` while nobody knows.
    pub fn url(&self, is_post: bool) -> Option<&Url> {
        match &self.wire {
            Wire::Streamable { endpoint, .. } => Some(endpoint),
            Wire::Sse { endpoint, .. } if is_post => endpoint.as_ref(),
            Wire::Sse { stream, .. } => Some(stream),
        }
    }

    /// It does not know streamable HTTP: perhaps it is an SSE upstream. Says whether that is to be tried.
    pub fn fall_back(&mut self) -> bool {
        self.post_head = None;
        if let Wire::Streamable { endpoint, is_guess: true } = &self.wire {
            self.wire = Wire::Sse { stream: endpoint.clone(), endpoint: None };
            self.session = None;
            return true;
        }
        false
    }

    /// It answers `initialize` as streamable HTTP has it: whatever happens next, it does know that.
    pub fn on_recognised(&mut self) {
        if let Wire::Streamable { is_guess, .. } = &mut self.wire {
            *is_guess = false;
        }
    }

    /// It lives at another place of the same origin.
    pub fn on_moved(&mut self, is_post: bool, to: Url) {
        self.post_head = None;
        match &mut self.wire {
            Wire::Streamable { endpoint, .. } => *endpoint = to,
            Wire::Sse { endpoint, .. } if is_post => *endpoint = Some(to),
            Wire::Sse { stream, .. } => *stream = to,
        }
    }

    /// The stream of an SSE upstream says where to POST.
    ///
    /// # Errors
    /// That is no URL, or one of another origin: what is sent there would reach a stranger.
    pub fn on_endpoint(&mut self, data: &str) -> Result<(), String> {
        self.post_head = None;
        let Wire::Sse { stream, endpoint } = &mut self.wire else { return Ok(()) };
        let found = stream.resolve(data).map_err(|error| format!("its endpoint event is no URL: {error}"))?;
        if found.origin() != stream.origin() {
            return Err(format!("its endpoint event names another origin ({})", found.origin()));
        }
        *endpoint = Some(found);
        Ok(())
    }

    /// The upstream has introduced itself.
    pub fn on_introduced(&mut self, era: Era) {
        self.on_recognised();
        self.post_head = None;
        self.era = Some(era);
        self.opening = Opening::Introduced;
    }

    /// What `MCP-Protocol-Version` is to say: the revisions that know it.
    pub fn version_header(&self) -> Option<&'static str> {
        let is_known = |era: &Era| match era {
            Era::Legacy(version) => *version >= Version::V2025_06_18 && !self.is_sse(),
            Era::Modern => true,
        };
        self.era.filter(is_known).map(Era::as_str)
    }

    /// The next exchange that a connection can be had for.
    pub fn next_exchange(&mut self) -> Option<Exchange> {
        let conns_max = limits::LINK_CONNS_MAX + limits::LINK_CONNS_SPARE;
        if self.idle.is_empty() && self.outbounds.len() >= conns_max {
            return None;
        }
        match self.opening {
            Opening::Confirming { .. } => self.outbox.pop_initialized(),
            Opening::Forgotten { .. } => None,
            Opening::Introducing | Opening::Introduced | Opening::Open | Opening::Leaving => {
                self.outbox.pop(self.carrying.len() < limits::LINK_CONNS_MAX)
            }
        }
    }

    /// An exchange has got a connection.
    pub fn on_dispatched(&mut self, exchange: &Exchange, id: OutboundId) {
        if let Purpose::Call(call) = exchange.purpose {
            self.carrying.insert(call, id);
        }
    }

    /// An exchange has its connection no longer.
    pub fn on_undispatched(&mut self, exchange: &Exchange) {
        if let Purpose::Call(call) = exchange.purpose {
            self.carrying.remove(&call);
        }
    }

    /// How long to wait before a stream is opened again: as long as it asked for, within bounds, else longer each time.
    pub fn pause_before(&mut self, exchange: &Exchange, asked: Option<u64>) -> Duration {
        let failures = match (exchange.purpose, &exchange.resume) {
            (Purpose::Listen, _) => {
                self.listen_failures += 1;
                self.listen_failures
            }
            (_, Some(resume)) => resume.failures,
            (_, None) => 1,
        };
        let doublings = failures.saturating_sub(1).min(8);
        let pause = asked.map_or(limits::RESUME_PAUSE * (1 << doublings), Duration::from_millis);
        pause.clamp(limits::RESUME_PAUSE_MIN, limits::RESUME_PAUSE_MAX)
    }

    /// The upstream's own stream has brought something.
    pub fn on_stream_alive(&mut self) {
        self.listen_failures = 0;
    }

    /// When there is something to do.
    pub fn next_due(&self) -> Option<Instant> {
        let pulse = match (self.opening, self.pulse) {
            (Opening::Open, Pulse::Quiet) => Some(self.heard + limits::PING_INTERVAL),
            (Opening::Open, Pulse::Pinged { at }) => Some(at + limits::PING_TIME_MAX),
            (Opening::Forgotten { until }, _) => Some(until),
            (Opening::Introducing | Opening::Introduced | Opening::Confirming { .. } | Opening::Leaving, _) => None,
        };
        self.later.iter().map(|(due, _)| *due).chain(pulse).min()
    }

    /// Takes an exchange out of those whose time has come.
    pub fn pop_later(&mut self, now: Instant) -> Option<Exchange> {
        let found = self.later.iter().position(|(due, _)| *due <= now)?;
        Some(self.later.swap_remove(found).1)
    }
}

/// Where a stream can go on whose last event had this id; `None` if it had none that a header can carry.
pub fn resume_after(last_id: &[u8], failures: u32) -> Option<Resume> {
    let id = std::str::from_utf8(last_id).ok().filter(|id| !id.is_empty() && id.len() <= limits::EVENT_ID_BYTES_MAX)?;
    check_header("Last-Event-ID", id).ok()?;
    Some(Resume { last_event_id: id.to_owned(), failures })
}
