//! Does this token open that server?

use super::AuthorizationServer;
use super::secret::{Digest, GrantId};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller<'a> {
    /// Who logged in; empty for a token of the reference's.
    pub username: &'a str,
    /// With which client.
    pub client_id: &'a str,
    /// By which login.
    pub grant: GrantId,
}

/// Why a token does not open a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is none of ours, or was revoked. Which of the two is nobody's business.
    Unknown,
    /// Its time is over.
    Expired,
    /// It opens another server.
    OtherServer,
}

impl Denied {
    /// For `error_description`.
    pub fn description(self) -> &'static str {
        match self {
            Denied::Unknown => "the token is unknown or was revoked",
            Denied::Expired => "the token has expired",
            Denied::OtherServer => "the token is for another server",
        }
    }
}

impl AuthorizationServer {
    /// Whether an access token opens a server, at a time in seconds since 1970. `token` is what stands behind `Bearer`.
    pub fn check_access(&self, token: &str, server: &str, now: u64) -> Result<Caller<'_>, Denied> {
        let store = &self.ledger.store;
        // Found by its digest: how long that takes tells nothing about tokens.
        let record = store.access.get(&Digest::of(token)).ok_or(Denied::Unknown)?;
        let grant =
            store.grants.get(&record.grant).filter(|grant| self.users.is_alive(grant)).ok_or(Denied::Unknown)?;
        if !store.clients.contains_key(&grant.client_id) {
            return Err(Denied::Unknown);
        }
        if record.expires_at <= now {
            return Err(Denied::Expired);
        }
        if !grant.server.covers(server) {
            return Err(Denied::OtherServer);
        }
        Ok(Caller { username: &grant.username, client_id: &grant.client_id, grant: record.grant })
    }
}
