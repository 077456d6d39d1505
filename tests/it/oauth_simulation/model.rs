//! What was answered, and what it must come to: all that a model of the authorization server has to know.

const GRACE: u64 = 120;
const SIBLINGS: u32 = 10;

/// What must be true of a refresh token.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) token: String,
    pub(super) expires_at: u64,
    /// When it was first used, and how often after that.
    pub(super) rotated: Option<(u64, u32)>,
}

/// A login and what came of it.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) app: usize,
    pub(super) user: usize,
    /// `None` for all of them.
    pub(super) server: Option<&'static str>,
    pub(super) access: Vec<(String, u64)>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) is_alive: bool,
}

#[derive(Debug)]
pub(super) struct Code {
    pub(super) app: usize,
    pub(super) user: usize,
    pub(super) server: Option<&'static str>,
    pub(super) code: String,
    pub(super) issued_at: u64,
    /// When, and into which family.
    pub(super) redeemed: Option<(u64, usize)>,
}

/// A request on its way, and what it does if it is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed {
    Redeem { code: usize },
    Refresh { family: usize, leaf: usize },
    RevokeFamily { family: usize },
}

/// What a request must come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Tokens,
    Replay,
    Refusal,
    Done,
}

/// How much happened: a simulation in which nothing does proves nothing.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) minted: u64,
    pub(super) replays: u64,
    pub(super) failures: u64,
    pub(super) crashes: u64,
    pub(super) revocations: u64,
    pub(super) checks: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Tally) {
        self.minted += other.minted;
        self.replays += other.replays;
        self.failures += other.failures;
        self.crashes += other.crashes;
        self.revocations += other.revocations;
        self.checks += other.checks;
    }
}

impl Code {
    /// What becomes of it if it is shown now.
    pub(super) fn expected(&self, now: u64) -> Expected {
        match self.redeemed {
            None if self.issued_at + 60 > now => Expected::Tokens,
            Some((at, _)) if at + 600 > now => Expected::Replay,
            None | Some(_) => Expected::Refusal,
        }
    }
}

impl Family {
    /// What becomes of a refresh token if it is shown now.
    pub(super) fn expected(&self, leaf: usize, now: u64) -> Expected {
        let leaf = &self.leaves[leaf];
        let is_fresh = leaf.rotated.is_none_or(|(at, uses)| at + GRACE >= now && uses < SIBLINGS);
        match (self.is_alive, is_fresh && leaf.expires_at > now) {
            (true, true) => Expected::Tokens,
            (true, false) => Expected::Replay,
            (false, _) => Expected::Refusal,
        }
    }
}
