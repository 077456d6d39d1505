//! Time that passes only when a test says so.

use std::time::{Duration, Instant};

use mcp_proxy::base::time::Now;

/// 1994-11-06T08:49:37Z, the example of RFC 9110.
const START_UNIX_SECONDS: u64 = 784_111_777;

/// A virtual clock. The instant it starts from is the only thing that is read from the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    passed: Duration,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { start: Instant::now(), passed: Duration::ZERO }
    }

    /// What the core is told.
    pub(crate) fn now(&self) -> Now {
        Now { instant: self.instant(), unix_seconds: START_UNIX_SECONDS + self.passed.as_secs() }
    }

    pub(crate) fn instant(&self) -> Instant {
        self.start + self.passed
    }

    /// How much time has passed since the start.
    pub(crate) fn passed(&self) -> Duration {
        self.passed
    }

    /// Goes to a later time; an earlier one is none.
    pub(crate) fn advance_to(&mut self, at: Instant) {
        self.passed = self.passed.max(at.saturating_duration_since(self.start));
    }
}
