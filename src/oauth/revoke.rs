//! Revocation: by the client (RFC 7009), and by the operator.

use super::answer::Answer;
use super::client_auth::{Posted, authenticate};
use super::secret::{self, Digest, GrantId};
use super::store::Entry;
use super::store::ledger::OnFailure;
use super::store::record::Grant;
use super::{AuthorizationServer, Notice, Ticket, Visit};
use crate::base::time::Now;

impl AuthorizationServer {
    /// POST `/oauth/revoke`. An access token ends alone; a refresh token ends all that came of its login. A token that
    /// is unknown, or another client's, is as good as revoked (RFC 7009, 2.2).
    pub fn handle_revoke(&mut self, visit: Visit<'_>, posted: Posted<'_>) -> Ticket {
        let ticket = self.ticket();
        let checked = posted.parameters().and_then(|form| {
            let client_id = authenticate(&self.ledger.store, posted, &form)?;
            Ok((client_id, form.value("token").unwrap_or_default().to_owned()))
        });
        match checked {
            Ok((client_id, token)) => {
                self.revoke_token(&client_id, &token);
                self.answer_when_durable(ticket, Answer::empty(200), OnFailure::Keep, visit.now);
            }
            Err(answer) => self.answer(ticket, answer),
        }
        ticket
    }

    fn revoke_token(&mut self, client_id: &str, token: &str) {
        let digest = Digest::of(token);
        let store = &mut self.ledger.store;
        let is_own = |grant: &Grant| grant.client_id == client_id;
        if let Some(access) = store.access.get(&digest) {
            if store.grants.get(&access.grant).is_some_and(is_own) {
                store.put(Entry::Access(digest, None));
            }
            return;
        }
        // One that was rotated away is still a token of its family.
        let of_family = || GrantId::of_family(&secret::family_of(token));
        let id = store.refresh.get(&digest).map_or_else(of_family, |record| record.grant);
        if store.grants.get(&id).is_some_and(is_own) {
            store.revoke(id);
        }
    }

    /// Ends logins for the operator: the one of this id, or all of this user or client. Says how many.
    pub fn revoke_logins(&mut self, whose: &str, now: Now) -> usize {
        let id = GrantId::parse(whose);
        let is_meant = |found: &GrantId, grant: &Grant| {
            Some(*found) == id || (!whose.is_empty() && (grant.username == whose || grant.client_id == whose))
        };
        let grants = self.ledger.store.grants.iter().filter(|(id, grant)| !grant.revoked && is_meant(id, grant));
        let meant: Vec<GrantId> = grants.map(|(id, _)| *id).collect();
        for id in &meant {
            self.ledger.store.revoke(*id);
            self.note(Notice::info(format!("the login {id} was revoked by the operator")));
        }
        self.write_alone(now);
        meant.len()
    }

    /// All logins that are alive, for the operator.
    pub fn logins(&self) -> impl Iterator<Item = (GrantId, &Grant)> {
        self.ledger.store.grants.iter().filter(|(_, grant)| self.users.is_alive(grant)).map(|(id, grant)| (*id, grant))
    }
}
