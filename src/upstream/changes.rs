//! The one `subscriptions/listen` of a modern link: what all its downstreams together want to hear of (2026-07-28,
//! subscriptions).
//!
//! ```text
//!  want ──▶ next ── acknowledged ──▶ current, until another one is acknowledged in its place, or it is over
//! ```
//!
//! Nothing is missed when the wish changes: the old one goes on until the new one is acknowledged.

use std::time::Duration;

use crate::base::deadline::Timer;
use crate::codec::jsonrpc::write;
use crate::limits;
use crate::mcp::listen_filter::{ListenFilter, acknowledged};

/// How the ids of these requests begin; a number follows.
const ID: &str = "mcp-proxy:subscriptions/listen:";

/// What a link is to be heard on, and is.
#[derive(Debug, Default)]
pub struct Changes {
    wanted: ListenFilter,
    current: Option<Listen>,
    next: Option<Listen>,
    /// How many were begun.
    count: u32,
    /// How many came to nothing, one after the other.
    failures: u32,
    /// Whether the upstream knows no such thing.
    is_refused: bool,
    /// Comes up when it is to be tried again.
    pub timer: Timer,
}

#[derive(Debug)]
struct Listen {
    number: u32,
    asked: ListenFilter,
    /// What the upstream has agreed to.
    granted: ListenFilter,
}

/// What the upstream makes of a wish to hear of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// It agrees.
    Granted,
    /// It does not.
    Refused,
    /// It has yet to say.
    Open,
}

/// A listen was acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The one that is to end.
    pub replaced: Option<u32>,
    /// Whether something may have happened before that nobody was told of.
    pub was_deaf: bool,
}

impl Changes {
    /// All that is wanted now. Returns the number of a listen to begin, if another one is needed: not for less than
    /// before, since what nobody wants goes to nobody.
    pub fn want(&mut self, wanted: ListenFilter) -> Option<u32> {
        self.wanted = wanted;
        let latest = self.next.as_ref().or(self.current.as_ref()).map(|listen| &listen.asked);
        let is_nothing = self.wanted == ListenFilter::default();
        if self.is_refused
            || self.next.is_some()
            || latest.is_some_and(|asked| asked.covers(&self.wanted))
            || (latest.is_none() && is_nothing)
        {
            return None;
        }
        self.begin()
    }

    /// The pause is over.
    pub fn retry(&mut self) -> Option<u32> {
        let is_nothing = self.wanted == ListenFilter::default();
        if self.is_refused || self.next.is_some() || self.current.is_some() || is_nothing {
            return None;
        }
        self.begin()
    }

    fn begin(&mut self) -> Option<u32> {
        self.count += 1;
        let number = self.count;
        self.next = Some(Listen { number, asked: self.wanted.clone(), granted: ListenFilter::default() });
        Some(number)
    }

    /// The request that begins the one that is next, but for the keys of its sender.
    pub fn request(&self) -> Option<String> {
        let Listen { number, asked, .. } = self.next.as_ref()?;
        let filter = acknowledged(asked.lists, asked.uris.iter().map(|uri| &**uri));
        Some(write::request(&id(*number), "subscriptions/listen", &format!("{{\"notifications\":{filter}}}")))
    }

    /// The upstream has acknowledged one. `None`: it is not the one that is next.
    pub fn on_acknowledged(&mut self, number: u32, granted: ListenFilter) -> Option<Acknowledged> {
        let next = self.next.take_if(|next| next.number == number)?;
        let replaced = self.current.replace(Listen { granted, ..next });
        let was_deaf = replaced.is_none() && self.failures > 0;
        self.failures = 0;
        Some(Acknowledged { replaced: replaced.map(|listen| listen.number), was_deaf })
    }

    /// One is over, and not because we have ended it. Returns how long to wait before another attempt.
    pub fn on_over(&mut self, number: u32, is_refused: bool) -> Option<Duration> {
        let is_next = self.next.take_if(|next| next.number == number).is_some();
        let is_current = self.current.take_if(|current| current.number == number).is_some();
        if !is_next && !is_current {
            return None;
        }
        self.is_refused |= is_refused;
        self.failures += 1;
        let doublings = self.failures.saturating_sub(1).min(8);
        let pause = (limits::RESUME_PAUSE * (1 << doublings)).clamp(limits::RESUME_PAUSE_MIN, limits::RESUME_PAUSE_MAX);
        (!self.is_refused && self.current.is_none()).then_some(pause)
    }

    /// Whether what is said under this number counts: not if another one says the same.
    pub fn is_current(&self, number: u32) -> bool {
        self.current.as_ref().is_some_and(|current| current.number == number)
    }

    /// Whether more is wanted than the last listen asks for.
    pub fn is_behind(&self) -> bool {
        let latest = self.next.as_ref().or(self.current.as_ref());
        latest.is_some_and(|latest| !latest.asked.covers(&self.wanted))
    }

    /// Whether the upstream agrees to a resource.
    pub fn agreement(&self, uri: &str) -> Agreement {
        match &self.current {
            Some(current) if current.granted.uris.contains(uri) => Agreement::Granted,
            Some(current) if current.asked.uris.contains(uri) => Agreement::Refused,
            Some(_) | None if self.is_refused => Agreement::Refused,
            Some(_) | None => Agreement::Open,
        }
    }

    /// The resources that the upstream has agreed to.
    pub fn granted(&self) -> impl Iterator<Item = &str> {
        self.current.iter().flat_map(|current| current.granted.uris.iter()).map(|uri| &**uri)
    }
}

/// The id of one, as JSON text.
pub fn id(number: u32) -> String {
    format!("\"{ID}{number}\"")
}

/// The number of one, from its id as JSON text.
pub fn number(id: &str) -> Option<u32> {
    id.strip_prefix('"')?.strip_suffix('"')?.strip_prefix(ID)?.parse().ok()
}
