//! What a killed keeper has left.
//!
//! A keeper that is killed (by hand, or for want of memory) cannot end what it kept. The command dies with it, and the
//! command's descendants become children of the proxy, which is a subreaper like its keepers. Here they are ended.

use std::fs;

use rustix::process::{self, Pid, Signal};

use super::process_tree;
use super::spawn::OWNER_VARIABLE;

/// Whether there may be any.
#[derive(Debug)]
pub(super) struct Orphans {
    /// `MCP_PROXY_OWNER=<our process id>`, as it stands in their environment.
    mark: Vec<u8>,
    is_expected: bool,
}

impl Orphans {
    /// Makes this process the one that gets them. Where the system refuses that, they go elsewhere, and nothing here
    /// ever finds one.
    pub(super) fn adopt() -> Orphans {
        let own = process::getpid();
        let _ = process::set_child_subreaper(Some(own));
        Orphans { mark: format!("{OWNER_VARIABLE}={own}").into_bytes(), is_expected: false }
    }

    /// A keeper may have been killed.
    pub(super) fn expect(&mut self) {
        self.is_expected = true;
    }

    /// Kills them, if there may be any. Their own children come to us when they die, with another SIGCHLD: so this is
    /// called after each, until there is none.
    pub(super) fn kill(&mut self, keepers: &[Pid]) {
        if !self.is_expected {
            return;
        }
        let mut found = process_tree::children(process::getpid()).unwrap_or_default();
        found.retain(|pid| !keepers.contains(pid) && self.is_marked(*pid));
        process_tree::signal_all(&found, Signal::KILL);
        self.is_expected = !found.is_empty();
    }

    fn is_marked(&self, pid: Pid) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == self.mark)
    }
}
