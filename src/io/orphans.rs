//! What a killed keeper has left.
//!
//! A keeper that is killed (by hand, or for want of memory) cannot end what it kept. The command dies with it, and the
//! command's descendants become children of the proxy, which is a subreaper like its keepers. Here they are ended.

use std::fs;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{self, Pid, Signal};

use super::process_tree;
use super::spawn::OWNER_VARIABLE;
use crate::limits;

/// Looks for them, as long as there may be any.
#[derive(Debug)]
pub(super) struct Orphans {
    /// `MCP_PROXY_OWNER=<our process id>`, as it stands in their environment.
    mark: Vec<u8>,
    search: Search,
}

#[derive(Debug, Clone, Copy)]
enum Search {
    Off,
    On { next: Instant, pause: Duration },
}

/// What a child of ours is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinship {
    /// One of our servers has started it.
    Ours,
    /// It is about to become another program, or to die and leave us its children.
    Unclear,
    /// Somebody else has started it.
    None,
}

impl Orphans {
    /// Makes this process the one that gets them. Where the system refuses that, they go elsewhere, and nothing here
    /// ever finds one.
    pub(super) fn adopt() -> Orphans {
        let own = process::getpid();
        let _ = process::set_child_subreaper(Some(own));
        Orphans { mark: format!("{OWNER_VARIABLE}={own}").into_bytes(), search: Search::Off }
    }

    /// A keeper may have been killed.
    pub(super) fn suspect(&mut self, now: Instant) {
        self.search = Search::On { next: now, pause: limits::KILL_INTERVAL_MIN };
    }

    /// When to look again at the latest.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.search {
            Search::Off => None,
            Search::On { next, .. } => Some(next),
        }
    }

    /// Kills those there are. Their own children come to us when they die: so this is called after each death, and
    /// after a pause in case that nobody dies, until there is nobody, or nobody who could be helped.
    pub(super) fn kill(&mut self, keepers: &[Pid], now: Instant) {
        let Search::On { next, pause } = self.search else { return };
        let mut is_over = true;
        for pid in process_tree::children(process::getpid()).unwrap_or_default() {
            if keepers.contains(&pid) {
                continue;
            }
            let kinship = self.kinship(pid);
            is_over &= kinship == Kinship::None;
            if kinship == Kinship::Ours {
                process_tree::signal_all(&[pid], Signal::KILL);
            }
        }
        // Only a pause in which nobody died counts as one in vain.
        let pause = if now < next { pause } else { 2 * pause };
        self.search = if is_over || pause > limits::KILL_INTERVAL_MAX {
            Search::Off
        } else {
            Search::On { next: now + pause, pause }
        };
    }

    fn kinship(&self, pid: Pid) -> Kinship {
        match fs::read(format!("/proc/{pid}/environ")) {
            Ok(environment) if environment.is_empty() => Kinship::Unclear,
            Ok(environment) if environment.split(|&byte| byte == 0).any(|variable| variable == self.mark) => {
                Kinship::Ours
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::SRCH) => Kinship::Unclear,
            Ok(_) | Err(_) => Kinship::None,
        }
    }
}
