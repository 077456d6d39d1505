//! What a new configuration of a server means for the one that runs.

use super::ServerConfig;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// Its upstream and its sessions go on; the new values count from now on.
    Adjusted,
    /// It is another server under the same name, or there are downstreams that may not use it any more: it is begun
    /// anew, and so are its sessions.
    Replaced,
}

impl Change {
    /// What leads from one configuration of a server to another.
    pub fn between(old: &ServerConfig, new: &ServerConfig) -> Change {
        if old == new {
            Change::None
        } else if old.target != new.target || old.isolation != new.isolation || is_revoking(old, new) {
            Change::Replaced
        } else {
            Change::Adjusted
        }
    }
}

/// Whether somebody who could call is not to any more: streams that are open must not outlive the right to open them.
fn is_revoking(old: &ServerConfig, new: &ServerConfig) -> bool {
    if is_open(new) {
        return false;
    }
    let is_kept = |token: &String| new.auth_tokens.contains(token);
    is_open(old) || !old.auth_tokens.iter().all(is_kept) || (old.is_behind_login && !new.is_behind_login)
}

/// Whether anybody may call.
fn is_open(config: &ServerConfig) -> bool {
    config.auth_tokens.is_empty() && !config.is_behind_login
}
