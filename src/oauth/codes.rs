//! Authorization codes: they live for a minute, in memory only, and yield tokens once.

use std::collections::BTreeMap;

use super::password::Fingerprint;
use super::secret::{Digest, GrantId};
use super::store::record::Audience;
use crate::limits;

/// A code and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) audience: Audience,
    pub(super) username: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) issued_at: u64,
    pub(super) state: State,
}

/// Whether it has been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not yet.
    Fresh,
    /// It has. It is remembered for a while: whoever brings it again shows that it was stolen.
    Redeemed {
        /// What it yielded.
        grant: GrantId,
        /// When.
        at: u64,
    },
}

impl Code {
    pub(super) fn is_current(&self, now: u64) -> bool {
        match self.state {
            State::Fresh => self.issued_at.saturating_add(limits::CODE_TIME_MAX.as_secs()) > now,
            State::Redeemed { at, .. } => at.saturating_add(limits::REDEEMED_CODE_TIME.as_secs()) > now,
        }
    }
}

/// All codes, by their digests.
#[derive(Debug, Default)]
pub(super) struct Codes {
    codes: BTreeMap<Digest, Code>,
}

impl Codes {
    /// Adds one; at the bound the oldest goes.
    pub(super) fn insert(&mut self, digest: Digest, code: Code) {
        if self.codes.len() >= limits::CODES_MAX {
            let oldest = self.codes.iter().min_by_key(|(_, code)| code.issued_at).map(|(digest, _)| *digest);
            oldest.and_then(|oldest| self.codes.remove(&oldest));
        }
        self.codes.insert(digest, code);
    }

    /// The code with this digest, unless its time is over.
    pub(super) fn find(&self, digest: &Digest, now: u64) -> Option<&Code> {
        self.codes.get(digest).filter(|code| code.is_current(now))
    }

    /// Whether this code would yield tokens.
    pub(super) fn is_fresh(&self, digest: &Digest, now: u64) -> bool {
        self.find(digest, now).is_some_and(|code| code.state == State::Fresh)
    }

    /// It has been used.
    pub(super) fn redeem(&mut self, digest: &Digest, grant: GrantId, now: u64) {
        if let Some(code) = self.codes.get_mut(digest) {
            code.state = State::Redeemed { grant, at: now };
        }
    }

    /// What it yielded could not be made durable: it was not used after all.
    pub(super) fn restore(&mut self, digest: &Digest) {
        if let Some(code) = self.codes.get_mut(digest) {
            code.state = State::Fresh;
        }
    }

    /// It is of no use any more, whatever comes.
    pub(super) fn remove(&mut self, digest: &Digest) {
        self.codes.remove(digest);
    }

    pub(super) fn sweep(&mut self, now: u64) {
        self.codes.retain(|_, code| code.is_current(now));
    }

    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }
}
