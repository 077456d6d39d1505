//! What must survive a restart: clients, grants and their tokens. Codes and login pages are not among it.
//!
//! ```text
//!  flow ── put ──▶ Store ── commit ──▶ Ledger ── Write { number, … } ──▶ worker: append or rewrite, fsync
//!                    ▲                    │                                            │
//!                    └─ undo (it failed) ─┤◀──────────── handle_written(number, ok) ───┘
//!                                         └──▶ the answer that waited for it
//! ```
//!
//! [`Store`] is the data. Each change goes through [`Store::put`], which remembers what stood there, so that a change
//! that could not be made durable is taken back. [`ledger`] numbers the changes and holds answers back until theirs is
//! durable; [`document`] is the file; [`reference`](mod@reference) reads the files of the reference; [`sweep`] removes
//! what has expired.

pub mod document;
pub mod ledger;
pub mod record;
pub mod reference;
pub mod sweep;
mod write;

use std::collections::BTreeMap;

use super::secret::{Digest, GrantId, Random};
use record::{AccessToken, Client, Grant, RefreshToken};

/// A record and its key; without the record, that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A client, by its id.
    Client(String, Option<Client>),
    /// A grant.
    Grant(GrantId, Option<Grant>),
    /// An access token, by its digest.
    Access(Digest, Option<AccessToken>),
    /// A refresh token, by its digest.
    Refresh(Digest, Option<RefreshToken>),
}

/// All records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    /// For the fingerprints of passwords. Random, and as old as the file.
    pub(super) key: [u8; 32],
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) grants: BTreeMap<GrantId, Grant>,
    pub(super) access: BTreeMap<Digest, AccessToken>,
    pub(super) refresh: BTreeMap<Digest, RefreshToken>,
    /// What stood where records have changed since the last commit, oldest first.
    before: Vec<Entry>,
}

impl Store {
    /// An empty one.
    pub fn new(random: &mut Random) -> Store {
        let mut key = [0; 32];
        random(&mut key);
        Store { key, ..Store::default() }
    }

    /// Puts a record in the place of what stood under its key, or removes that.
    pub fn put(&mut self, entry: Entry) {
        let before = self.swap(entry);
        self.before.push(before);
    }

    /// What stood where records have changed; the next change begins.
    pub fn commit(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.before)
    }

    /// Takes a change back, which must be the last one that was not yet taken back.
    pub fn undo(&mut self, before: Vec<Entry>) {
        for entry in before.into_iter().rev() {
            self.swap(entry);
        }
    }

    /// The record that stands now under the key of another.
    pub fn current(&self, entry: &Entry) -> Entry {
        match entry {
            Entry::Client(id, _) => Entry::Client(id.clone(), self.clients.get(id).cloned()),
            Entry::Grant(id, _) => Entry::Grant(*id, self.grants.get(id).cloned()),
            Entry::Access(digest, _) => Entry::Access(*digest, self.access.get(digest).cloned()),
            Entry::Refresh(digest, _) => Entry::Refresh(*digest, self.refresh.get(digest).cloned()),
        }
    }

    /// Puts a record in and gives back what stood there.
    fn swap(&mut self, entry: Entry) -> Entry {
        fn exchange<K: Ord + Clone, V>(map: &mut BTreeMap<K, V>, key: &K, value: Option<V>) -> Option<V> {
            match value {
                Some(value) => map.insert(key.clone(), value),
                None => map.remove(key),
            }
        }
        match entry {
            Entry::Client(id, client) => {
                let before = exchange(&mut self.clients, &id, client);
                Entry::Client(id, before)
            }
            Entry::Grant(id, grant) => Entry::Grant(id, exchange(&mut self.grants, &id, grant)),
            Entry::Access(digest, token) => Entry::Access(digest, exchange(&mut self.access, &digest, token)),
            Entry::Refresh(digest, token) => Entry::Refresh(digest, exchange(&mut self.refresh, &digest, token)),
        }
    }

    /// A client.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.get(id)
    }

    /// A grant.
    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.get(&id)
    }

    /// Counts of clients, grants, access tokens and refresh tokens.
    pub fn census(&self) -> [usize; 4] {
        [self.clients.len(), self.grants.len(), self.access.len(), self.refresh.len()]
    }

    /// Ends a grant. Its tokens open nothing from now on.
    pub(super) fn revoke(&mut self, id: GrantId) {
        if let Some(grant) = self.grants.get(&id).filter(|grant| !grant.revoked) {
            let revoked = Grant { revoked: true, ..grant.clone() };
            self.put(Entry::Grant(id, Some(revoked)));
        }
    }
}
