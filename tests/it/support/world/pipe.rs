//! The way between the core and a host: connections on which bytes are late, lost or cut off.

use std::time::{Duration, Instant};

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::limits;

use super::Rng;

/// After this long a kernel notices that nobody is there any more.
const KEEPALIVE_TIME: Duration = Duration::from_secs(
    limits::KEEPALIVE_IDLE.as_secs() + limits::KEEPALIVE_INTERVAL.as_secs() * limits::KEEPALIVE_PROBES as u64,
);

/// One connection, as the host has it.
pub(super) struct Pipe {
    pub(super) id: OutboundId,
    pub(super) life: Life,
    /// Whether the core said that something waits.
    pub(super) has_output: bool,
    /// What the host has got and not understood yet.
    pub(super) inbox: Vec<u8>,
    /// What the host has said and the core not got yet.
    pub(super) outbox: Vec<u8>,
    /// What follows that.
    pub(super) end: Option<End>,
    /// How the response under way ends.
    pub(super) framing: Framing,
    /// Whether the host reads.
    pub(super) takes: bool,
    /// Whether what it says gets through.
    pub(super) gives: bool,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It was asked for, and must be there or have failed by then.
    Asked(Instant),
    Open,
    /// Half open: what the core sends vanishes, and nothing comes. If anybody notices, it is at that time.
    Void(Option<Instant>),
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    Broken,
}

/// What is being said on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Nothing: the next request may come.
    Idle,
    /// A response is due.
    Due,
    /// Chunks.
    Chunked,
    /// All that comes until the end.
    UntilClose,
}

impl Pipe {
    pub(super) fn new(id: OutboundId, now: Instant) -> Pipe {
        Pipe {
            id,
            life: Life::Asked(now + limits::CONNECT_TIME_MAX),
            has_output: false,
            inbox: Vec::new(),
            outbox: Vec::new(),
            end: None,
            framing: Framing::Idle,
            takes: true,
            gives: true,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        !matches!(self.life, Life::Asked(_))
    }

    /// Whether the host can still say something on it, as far as it knows.
    pub(super) fn is_usable(&self) -> bool {
        self.life == Life::Open && self.end.is_none()
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        match self.life {
            Life::Asked(due) => Some(due),
            Life::Void(due) => due,
            Life::Open => None,
        }
    }

    /// Says something; what was said may be cut off anywhere.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.is_usable() {
            self.outbox.extend_from_slice(bytes);
        }
    }

    /// Says a part of a response.
    pub(super) fn write_part(&mut self, text: &str, rng: &mut Rng) {
        match self.framing {
            Framing::Chunked => {
                let mut rest = text.as_bytes();
                while !rest.is_empty() {
                    let share = if rng.one_in(3) { rng.between(1, rest.len()) } else { rest.len() };
                    let extension = if rng.one_in(20) { ";a=b" } else { "" };
                    self.write(format!("{share:x}{extension}\r\n").as_bytes());
                    self.write(&rest[..share]);
                    self.write(b"\r\n");
                    rest = &rest[share..];
                }
            }
            Framing::UntilClose | Framing::Due | Framing::Idle => self.write(text.as_bytes()),
        }
    }

    /// The response is complete.
    pub(super) fn finish(&mut self, rng: &mut Rng) {
        match self.framing {
            Framing::Chunked => {
                let trailer: &[u8] = if rng.one_in(10) { b"0\r\nX-Trailer: a\r\n\r\n" } else { b"0\r\n\r\n" };
                self.write(trailer);
            }
            Framing::UntilClose => self.end = self.end.or(Some(End::Finished)),
            Framing::Due | Framing::Idle => {}
        }
        self.framing = Framing::Idle;
    }

    /// It ends here and now; what was on its way may be lost.
    pub(super) fn cut(&mut self, rng: &mut Rng) {
        if self.end.is_none() {
            let keep = rng.below(self.outbox.len() + 1);
            self.outbox.truncate(keep);
            self.end = Some(*rng.pick(&[End::Finished, End::Broken, End::Broken]));
        }
    }

    /// Nothing gets through any more.
    pub(super) fn void(&mut self, now: Instant, rng: &mut Rng) {
        if self.life == Life::Open {
            let is_noticed = rng.one_in(2);
            self.life = Life::Void(is_noticed.then(|| now + KEEPALIVE_TIME));
            self.outbox.clear();
            self.end = None;
        }
    }
}
