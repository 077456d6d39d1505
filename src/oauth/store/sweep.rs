//! What has expired goes.

use std::collections::BTreeSet;

use super::record::{Client, Grant};
use super::{Entry, Store};
use crate::limits;
use crate::oauth::secret::GrantId;

impl Store {
    /// Removes expired tokens, refresh tokens whose grace is over, grants that are dead or have no token left, and
    /// clients that were never used. `is_alive` knows the users.
    pub fn sweep(&mut self, is_alive: impl Fn(&Grant) -> bool, grace: u64, now: u64) {
        let clients = &self.clients;
        let is_alive = |grant: &Grant| !grant.revoked && clients.contains_key(&grant.client_id) && is_alive(grant);
        let mut alive: BTreeSet<GrantId> =
            self.grants.iter().filter(|(_, grant)| is_alive(grant)).map(|(id, _)| *id).collect();
        let mut gone = Vec::new();
        let mut in_use = BTreeSet::new();
        for (digest, token) in &self.access {
            if token.expires_at > now && alive.contains(&token.grant) {
                in_use.insert(token.grant);
            } else {
                gone.push(Entry::Access(*digest, None));
            }
        }
        for (digest, token) in &self.refresh {
            let is_over = token.rotated_at.is_some_and(|at| at.saturating_add(grace) < now);
            if token.expires_at > now && !is_over && alive.contains(&token.grant) {
                in_use.insert(token.grant);
            } else {
                gone.push(Entry::Refresh(*digest, None));
            }
        }
        alive.retain(|id| in_use.contains(id));
        gone.extend(self.grants.keys().filter(|id| !alive.contains(id)).map(|id| Entry::Grant(*id, None)));
        let used: BTreeSet<&str> =
            alive.iter().filter_map(|id| self.grants.get(id)).map(|grant| grant.client_id.as_str()).collect();
        let is_unused = |id: &str, client: &Client| client.is_abandoned(now) && !used.contains(id);
        let unused = self.clients.iter().filter(|(id, client)| is_unused(id, client));
        gone.extend(unused.map(|(id, _)| Entry::Client(id.clone(), None)));
        for entry in gone {
            self.put(entry);
        }
    }

    /// Makes room for another client: of those without a living grant, the one that was used or registered longest ago
    /// goes, unless its user may be logging in right now. Says whether there is room.
    pub fn make_room(&mut self, is_alive: impl Fn(&Grant) -> bool, now: u64) -> bool {
        if self.clients.len() < limits::CLIENTS_MAX {
            return true;
        }
        let living = self.grants.values().filter(|grant| !grant.revoked && is_alive(grant));
        let in_use: BTreeSet<&str> = living.map(|grant| grant.client_id.as_str()).collect();
        let is_settled =
            |client: &Client| client.created_at.saturating_add(limits::CLIENT_SETTLING_TIME.as_secs()) <= now;
        let idle = self.clients.iter().filter(|(id, client)| !in_use.contains(id.as_str()) && is_settled(client));
        let oldest = idle.min_by_key(|(_, client)| client.last_used_at.unwrap_or(client.created_at));
        let Some(id) = oldest.map(|(id, _)| id.clone()) else { return false };
        self.put(Entry::Client(id, None));
        true
    }
}

impl Client {
    /// Whether it was registered long ago and never used.
    fn is_abandoned(&self, now: u64) -> bool {
        self.last_used_at.is_none() && self.created_at.saturating_add(limits::CLIENT_UNUSED_MAX.as_secs()) <= now
    }
}
