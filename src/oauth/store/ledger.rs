//! Changes on their way to the disk, and what waits for them.
//!
//! Every change has a number, one more than the last. The shell's worker carries [`Write`]s out in their order and says
//! how far it has come:
//!
//! - [`Job::Append`]: the bytes go to the end of the file, then `fdatasync`.
//! - [`Job::AppendAndCompact`]: the same; and when that was reported, the worker makes of the file a shorter one with
//!   the same meaning, by [`document::compacted`], and puts it in its place as below. If that fails, nothing is lost.
//! - [`Job::Rewrite`]: the bytes are a whole new file: a temporary one beside it (0600, `O_EXCL`), `fsync`, `rename`,
//!   `fsync` of the directory; later appends go to the new one.
//! - Several appends that wait may be carried out as one; the last number says that all are durable.
//! - When one fails, all that wait behind it fail with it: what was half appended must not be appended to. The ledger
//!   asks for a rewrite next.
//!
//! What fails is undone, last first, until memory is what it was before: a token of which nobody was told does not
//! exist, and the one that was to be used up for it is not used up. Except for a change that only takes away, such as a
//! revocation: it stands, and goes to the disk with the next rewrite.

use std::collections::VecDeque;

use super::{Entry, Store, document};
use crate::limits::JOURNAL_BYTES_MIN;

/// Something for the worker to make durable.
#[derive(Debug)]
pub struct Write {
    /// For [`Ledger::handle_written`].
    pub number: u64,
    /// What to do.
    pub job: Job,
}

/// What to do with the file.
#[derive(Debug, PartialEq, Eq)]
pub enum Job {
    /// Add this to its end.
    Append(Vec<u8>),
    /// The same, then write the file anew, without what is of no meaning any more. The loop does not wait for that.
    AppendAndCompact(Vec<u8>),
    /// Put a file of this in its place.
    Rewrite(Vec<u8>),
}

/// What becomes of a change that cannot be made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is undone.
    Undo,
    /// It stands.
    Keep,
}

/// A change on its way.
#[derive(Debug)]
struct Pending<W> {
    number: u64,
    before: Vec<Entry>,
    on_failure: OnFailure,
    waiting: Option<W>,
}

/// The store and all changes on their way. `W` is what waits for a change.
#[derive(Debug)]
pub struct Ledger<W> {
    /// As if all changes were durable.
    pub store: Store,
    last: u64,
    pending: VecDeque<Pending<W>>,
    /// What was appended since the file was last written anew.
    journal_bytes: usize,
    /// The file does not hold what it should, or there is none: nothing may be appended to it.
    must_rewrite: bool,
}

impl<W> Ledger<W> {
    /// Over records for which there is no file yet, or none that may be appended to.
    pub fn new(store: Store) -> Ledger<W> {
        Ledger { must_rewrite: true, ..Ledger::of_file(store, 0) }
    }

    /// Over what was loaded from a file with so many bytes behind its first line.
    pub fn of_file(store: Store, journal_bytes: usize) -> Ledger<W> {
        Ledger { store, last: 0, pending: VecDeque::new(), journal_bytes, must_rewrite: false }
    }

    /// What the flow has [put](Store::put) into the store becomes a change. If it is none, and nothing is on its way
    /// either, what waits need not wait, and comes back. Otherwise it may be about a change that is not durable yet:
    /// whoever revokes a second time must not be told that it is done before the first time is.
    pub fn commit(&mut self, on_failure: OnFailure, waiting: Option<W>, now: u64) -> Result<Write, Option<W>> {
        let before = self.store.commit();
        if before.is_empty() && (waiting.is_none() || self.is_durable()) {
            return Err(waiting);
        }
        let job = self.job(&before, now);
        self.last += 1;
        self.pending.push_back(Pending { number: self.last, before, on_failure, waiting });
        Ok(Write { number: self.last, job })
    }

    /// A rewrite for its own sake, if the file is behind and nothing is on its way that would mend that.
    pub fn repair(&mut self, now: u64) -> Option<Write> {
        if !self.must_rewrite || !self.pending.is_empty() {
            return None;
        }
        let job = self.job(&[], now);
        self.last += 1;
        let number = self.last;
        self.pending.push_back(Pending { number, before: Vec::new(), on_failure: OnFailure::Keep, waiting: None });
        Some(Write { number, job })
    }

    fn job(&mut self, before: &[Entry], now: u64) -> Job {
        if self.must_rewrite {
            (self.journal_bytes, self.must_rewrite) = (0, false);
            return Job::Rewrite(document::whole(&self.store, now));
        }
        if before.is_empty() {
            return Job::Append(Vec::new()); // somebody waits for those before it
        }
        let line = document::change(&self.store, before);
        self.journal_bytes += line.len();
        if self.journal_bytes <= document::size_hint(&self.store).max(JOURNAL_BYTES_MIN) {
            return Job::Append(line);
        }
        self.journal_bytes = 0;
        Job::AppendAndCompact(line)
    }

    /// All changes up to this number are durable. Gives back what waited for them.
    pub fn handle_written(&mut self, number: u64) -> Vec<W> {
        let mut waited = Vec::new();
        while self.pending.front().is_some_and(|pending| pending.number <= number) {
            waited.extend(self.pending.pop_front().and_then(|pending| pending.waiting));
        }
        waited
    }

    /// This change could not be made durable, and neither will be those behind it. Gives back what waited for them,
    /// oldest first. A number that is not on its way any more has failed already.
    pub fn handle_write_failed(&mut self, number: u64) -> Vec<W> {
        let Ok(first) = self.pending.binary_search_by_key(&number, |pending| pending.number) else {
            return Vec::new(); // behind it may be a rewrite that was asked for since
        };
        let failed = self.pending.split_off(first);
        self.must_rewrite = true;
        let mut waited = Vec::new();
        for Pending { before, on_failure, waiting, .. } in failed.into_iter().rev() {
            match on_failure {
                OnFailure::Undo => self.store.undo(before),
                OnFailure::Keep => {}
            }
            waited.extend(waiting);
        }
        waited.reverse();
        waited
    }

    /// Whether the file says all that the store says.
    fn is_durable(&self) -> bool {
        self.pending.is_empty() && !self.must_rewrite
    }

    /// How many changes are on their way.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}
