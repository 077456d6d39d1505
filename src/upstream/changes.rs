//! The one `subscriptions/listen` of a modern link: what all its downstreams together want to hear of (2026-07-28,
//! subscriptions).
//!
//! ```text
//!  want ──▶ next ── acknowledged ──▶ current, until another one is acknowledged in its place, or it is over
//!            └──── refused, lost, or not acknowledged in time ──▶ a pause, then another if one is still wanted
//! ```
//!
//! Nothing is missed when the wish changes: the old one goes on until the new one is acknowledged.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::deadline::Timer;
use crate::codec::jsonrpc::write;
use crate::limits;
use crate::mcp::listen_filter::{ListenFilter, Lists, acknowledged};

/// How the ids of these requests begin; a number follows.
const ID: &str = "mcp-proxy:subscriptions/listen:";

/// What a link is to be heard on, and is.
#[derive(Debug, Default)]
pub struct Changes {
    wanted: ListenFilter,
    /// Resources that spoilt a listen: those that were new in it when it was refused.
    refused: BTreeSet<Box<str>>,
    current: Option<Listen>,
    next: Option<Listen>,
    /// How many were begun.
    count: u32,
    /// How many came to nothing, one after the other.
    failures: u32,
    /// Whether something may have happened that nobody was told of.
    is_deaf: bool,
    /// Whether the upstream knows no such thing.
    is_unknown: bool,
    /// Comes up when it is to be tried again, or when the next one was not acknowledged in time.
    pub timer: Timer,
}

#[derive(Debug)]
struct Listen {
    number: u32,
    asked: ListenFilter,
    /// What the upstream has agreed to.
    granted: ListenFilter,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Begin a listen.
    Begin(u32),
    /// End the present one: nothing is wanted any more.
    End(u32),
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

/// How a listen ended that we have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It was lost, or the upstream has enough of it.
    Lost,
    /// The upstream does not take what was asked for.
    Refused,
    /// The upstream knows no such thing.
    Unknown,
}

impl Changes {
    /// Of a link. `is_deaf`: the upstream has had another one before.
    pub fn new(is_deaf: bool) -> Changes {
        Changes { is_deaf, ..Changes::default() }
    }

    /// All that is wanted now.
    pub fn want(&mut self, wanted: ListenFilter) -> Option<Step> {
        self.refused.retain(|uri| wanted.uris.contains(uri));
        self.wanted = wanted;
        self.step()
    }

    /// What there is to do: at the end of a pause, or when the wish may have changed.
    pub fn step(&mut self) -> Option<Step> {
        if self.is_unknown || self.next.is_some() {
            return None; // while one is not acknowledged, wishes wait
        }
        let wish = self.wish();
        if wish == ListenFilter::default() {
            return self.current.take().map(|current| Step::End(current.number));
        }
        if self.current.as_ref().is_some_and(|current| current.asked.covers(&wish)) {
            return None; // what nobody wants any more goes to nobody
        }
        self.count += 1;
        self.next = Some(Listen { number: self.count, asked: wish, granted: ListenFilter::default() });
        Some(Step::Begin(self.count))
    }

    /// What is wanted and may be had.
    fn wish(&self) -> ListenFilter {
        ListenFilter { lists: self.wanted.lists, uris: self.wanted.uris.difference(&self.refused).cloned().collect() }
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
        self.timer.disarm();
        let replaced = self.current.replace(Listen { granted, ..next });
        let was_deaf = std::mem::take(&mut self.is_deaf);
        self.failures = 0;
        Some(Acknowledged { replaced: replaced.map(|listen| listen.number), was_deaf })
    }

    /// One is over, and not because we have ended it. Returns how long to wait before the next step, if there is one.
    pub fn on_over(&mut self, number: u32, over: Over) -> Option<Duration> {
        let next = self.next.take_if(|next| next.number == number);
        let current = self.current.take_if(|current| current.number == number);
        if next.is_none() && current.is_none() {
            return None;
        }
        if next.is_some() {
            self.timer.disarm();
        }
        self.is_deaf |= current.is_some();
        match (over, next) {
            (Over::Unknown, _) => self.is_unknown = true,
            (Over::Refused, Some(next)) => self.on_refused(next),
            (Over::Refused, None) | (Over::Lost, _) => {}
        }
        self.failures += 1;
        let doublings = self.failures.saturating_sub(1).min(8);
        let pause = (limits::RESUME_PAUSE * (1 << doublings)).clamp(limits::RESUME_PAUSE_MIN, limits::RESUME_PAUSE_MAX);
        (!self.is_unknown && self.next.is_none()).then_some(pause)
    }

    /// It does not say what it does not take: what is new is to blame, and if nothing is, all of it.
    fn on_refused(&mut self, next: Listen) {
        let known = self.current.as_ref().map(|current| &current.asked.uris);
        let new: Vec<Box<str>> =
            next.asked.uris.into_iter().filter(|uri| known.is_none_or(|known| !known.contains(uri))).collect();
        self.is_unknown = new.is_empty();
        self.refused.extend(new);
    }

    /// Whether what is said under this number counts: not if another one says the same.
    pub fn is_current(&self, number: u32) -> bool {
        self.current.as_ref().is_some_and(|current| current.number == number)
    }

    /// The one that has yet to be acknowledged.
    pub fn unacknowledged(&self) -> Option<u32> {
        self.next.as_ref().map(|next| next.number)
    }

    /// Whether a resource is asked for by that one, and by none before it.
    pub fn is_unacknowledged(&self, uri: &str) -> bool {
        let is_asked = |listen: &Option<Listen>| listen.as_ref().is_some_and(|listen| listen.asked.uris.contains(uri));
        is_asked(&self.next) && !is_asked(&self.current)
    }

    /// Whether this one has yet to be acknowledged.
    pub fn is_next(&self, number: u32) -> bool {
        self.next.as_ref().is_some_and(|next| next.number == number)
    }

    /// Whether the upstream agrees to a resource.
    pub fn agreement(&self, uri: &str) -> Agreement {
        match &self.current {
            Some(current) if current.granted.uris.contains(uri) => Agreement::Granted,
            Some(current) if current.asked.uris.contains(uri) => Agreement::Refused,
            Some(_) | None if self.is_unknown || self.refused.contains(uri) => Agreement::Refused,
            Some(_) | None => Agreement::Open,
        }
    }

    /// The lists of whose changes it tells. `None`: it has yet to say.
    pub fn lists(&self) -> Option<Lists> {
        match &self.current {
            Some(current) => Some(current.granted.lists),
            None => self.is_unknown.then(Lists::default),
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
