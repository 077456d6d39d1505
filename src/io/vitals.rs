//! What the system knows about this process. A bare root may lack `/proc`: then it says nothing.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::proxy::{ReadVitals, Vitals};

/// Reads them anew whenever they are asked for. `dropped`: how many lines of the log were dropped so far.
pub(super) fn source(dropped: Arc<AtomicU64>) -> ReadVitals {
    Box::new(move || Vitals {
        resident_bytes: resident_bytes(),
        open_fds: open_fds(),
        dropped_log_lines: dropped.load(Ordering::Relaxed),
    })
}

/// `VmRSS:      1234 kB` (proc(5)).
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn open_fds() -> Option<u64> {
    // Linux says the count since 6.2; before, the size of a folder of /proc is 0.
    let told = fs::metadata("/proc/self/fd").ok()?.len();
    if told > 0 {
        return Some(told);
    }
    let count = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    Some(count.saturating_sub(1)) // one is that of the folder itself
}
