//! What happened, over all seeds: a simulation in which nothing happens proves nothing.

/// Counts of what happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) starts: usize,
    pub(crate) sessions: usize,
    pub(crate) successes: usize,
    pub(crate) failures: usize,
    pub(crate) answered_asks: usize,
    pub(crate) progress: usize,
    pub(crate) notices: usize,
    pub(crate) streams: usize,
    pub(crate) conversations: usize,
    pub(crate) comebacks: usize,
    pub(crate) batches: usize,
    pub(crate) deletes: usize,
    /// Connections to hosts that came about.
    pub(crate) connects: usize,
    /// Conversations that hosts had.
    pub(crate) talks: usize,
    /// Tools that ran, wherever.
    pub(crate) runs: usize,
    /// Streams of hosts that the core came back for.
    pub(crate) resumptions: usize,
    pub(crate) redirects: usize,
    /// What went wrong with hosts and the way to them.
    pub(crate) troubles: usize,
    /// Calls that were answered while somebody did not read.
    pub(crate) probes: usize,
    /// Servers that started anew or forgot, and nobody noticed.
    pub(crate) quiet_restarts: usize,
    pub(crate) reloads: usize,
    /// Reloads that gave a server another upstream.
    pub(crate) replacements: usize,
    /// Modern calls that had their result.
    pub(crate) errands: usize,
    /// Those of them that were asked something on the way.
    pub(crate) fulfilled: usize,
    /// Calls that were answered with what is asked.
    pub(crate) rounds: usize,
    /// Those in which several things were.
    pub(crate) bundles: usize,
    /// States that were taken.
    pub(crate) returns: usize,
    /// States that were not, because they were used or too old.
    pub(crate) refusals: usize,
    /// Attempts to do with a state what nobody must.
    pub(crate) intrusions: usize,
    /// States that were shown when all was over.
    pub(crate) late: usize,
    /// Calls that failed for what their client cannot be asked.
    pub(crate) incapable: usize,
    /// Calls that ended with their connection.
    pub(crate) cancellations: usize,
    /// Lines of the log for modern calls.
    pub(crate) lines: usize,
    /// Listens that were acknowledged.
    pub(crate) hearings: usize,
    /// What they were told.
    pub(crate) changes: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.starts += other.starts;
        self.sessions += other.sessions;
        self.successes += other.successes;
        self.failures += other.failures;
        self.answered_asks += other.answered_asks;
        self.progress += other.progress;
        self.notices += other.notices;
        self.streams += other.streams;
        self.conversations += other.conversations;
        self.comebacks += other.comebacks;
        self.batches += other.batches;
        self.deletes += other.deletes;
        self.connects += other.connects;
        self.talks += other.talks;
        self.runs += other.runs;
        self.resumptions += other.resumptions;
        self.redirects += other.redirects;
        self.troubles += other.troubles;
        self.probes += other.probes;
        self.quiet_restarts += other.quiet_restarts;
        self.reloads += other.reloads;
        self.replacements += other.replacements;
        self.errands += other.errands;
        self.fulfilled += other.fulfilled;
        self.rounds += other.rounds;
        self.bundles += other.bundles;
        self.returns += other.returns;
        self.refusals += other.refusals;
        self.intrusions += other.intrusions;
        self.late += other.late;
        self.incapable += other.incapable;
        self.cancellations += other.cancellations;
        self.lines += other.lines;
        self.hearings += other.hearings;
        self.changes += other.changes;
    }

    /// Whether so many lives had something of everything.
    pub(crate) fn is_eventful(&self, lives: usize) -> bool {
        let counts = [self.starts, self.sessions, self.successes, self.connects, self.talks, self.runs];
        let rarer = [self.failures, self.progress, self.notices, self.streams, self.batches, self.deletes];
        let rare = [self.answered_asks, self.conversations, self.comebacks, self.reloads, self.replacements];
        let remote = [self.resumptions, self.redirects, self.troubles, self.probes, self.quiet_restarts];
        let modern = [self.errands, self.rounds, self.returns];
        let modern_rarer = [self.bundles, self.fulfilled, self.intrusions, self.hearings, self.changes, self.lines];
        let modern_rare = [self.refusals, self.late, self.incapable, self.cancellations];
        let at_least = |counts: &[usize], least: usize| counts.iter().all(|count| *count >= least);
        at_least(&counts, lives)
            && at_least(&modern, lives)
            && at_least(&rarer, lives / 10)
            && at_least(&modern_rarer, lives / 10)
            && [&rare[..], &remote, &modern_rare].iter().all(|counts| at_least(counts, lives / 50))
    }
}
