//! The clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::base::time::Now;

/// The only reading of the clock in a turn, but for the one that says how long the turn took and how long to wait.
pub(super) fn read_clock() -> Now {
    let unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Now { instant: Instant::now(), unix_seconds }
}
