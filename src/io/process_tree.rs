//! Who descends from whom, read from `/proc`.
//!
//! A process may leave its group and its session, but not its ancestry: an orphan becomes a child of the nearest
//! ancestor that is a subreaper. So all that a command has ever started is below its keeper.

use std::fs;
use std::io;

use rustix::process::{Pid, Signal, kill_process};

/// All descendants of a process, parents before children.
///
/// A snapshot: processes are born and orphaned while it is taken. Whoever has to get them all looks again.
///
/// # Errors
///
/// There is no `/proc` here.
pub(super) fn descendants(ancestor: Pid) -> io::Result<Vec<Pid>> {
    let pairs = parents()?;
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        for &(pid, its_parent) in &pairs {
            // A snapshot that is not taken at once may contain a cycle.
            if its_parent == parent && !found.contains(&pid) {
                found.push(pid);
            }
        }
    }
    found.remove(0);
    Ok(found)
}

/// The children of a process.
///
/// # Errors
///
/// There is no `/proc` here.
pub(super) fn children(parent: Pid) -> io::Result<Vec<Pid>> {
    Ok(parents()?.into_iter().filter(|(_, its_parent)| *its_parent == parent).map(|(pid, _)| pid).collect())
}

/// Sends a signal to each; those that have gone meanwhile, or belong to somebody else, are passed over.
pub(super) fn signal_all(pids: &[Pid], signal: Signal) {
    for &pid in pids {
        let _ = kill_process(pid, signal);
    }
}

/// Every process of this machine that we can see, with its parent. Zombies too: what looks like one may be a process
/// whose first thread has ended and whose others live.
fn parents() -> io::Result<Vec<(Pid, Pid)>> {
    let entries = fs::read_dir("/proc")?;
    let numbered = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    Ok(numbered.filter_map(|pid| Some((Pid::from_raw(pid)?, parent_of(pid)?))).collect())
}

/// From `/proc/<pid>/stat`: `pid (name) state ppid …`, where the name may contain anything, parentheses included.
fn parent_of(pid: i32) -> Option<Pid> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = std::str::from_utf8(stat.get(after_name..)?).ok()?.split_ascii_whitespace();
    Pid::from_raw(fields.nth(1)?.parse().ok()?)
}
