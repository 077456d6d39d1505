//! Who there is, and whose grants are still alive.

use std::collections::BTreeMap;

use super::password::{self, Fingerprint};
use super::secret::Digest;
use super::settings::Settings;
use super::store::record::Grant;
use crate::config::password::Password;

/// The users of the configuration, as far as grants depend on them.
#[derive(Debug)]
pub(super) struct Users {
    fingerprints: BTreeMap<String, Fingerprint>,
    /// Of all together, for grants of which nobody knows whose they are.
    all: Fingerprint,
}

impl Users {
    /// Those of the settings. It takes milliseconds for each password that stands there in plain text.
    pub(super) fn new(settings: &Settings, key: &[u8; 32]) -> Users {
        Users::with(settings, |name, password| password::fingerprint(password, name, key))
    }

    /// Those of the new settings. What it takes is taken only for who is new, and for new passwords.
    pub(super) fn after(&self, old: &Settings, new: &Settings, key: &[u8; 32]) -> Users {
        Users::with(new, |name, password| {
            let known = old.password(name).filter(|old| *old == password).and_then(|_| self.fingerprint(name));
            known.unwrap_or_else(|| password::fingerprint(password, name, key))
        })
    }

    fn with(settings: &Settings, fingerprint: impl Fn(&str, &Password) -> Fingerprint) -> Users {
        let mut fingerprints = BTreeMap::new();
        for (name, password) in &settings.users {
            fingerprints.entry(name.clone()).or_insert_with(|| fingerprint(name, password));
        }
        let parts: Vec<&[u8]> = fingerprints.values().map(|print: &Fingerprint| &print.0.as_bytes()[..]).collect();
        let all = Fingerprint(Digest::of_parts(&parts));
        Users { fingerprints, all }
    }

    /// Of all users together.
    pub(super) fn all(&self) -> Fingerprint {
        self.all
    }

    /// Of a user's present password.
    pub(super) fn fingerprint(&self, username: &str) -> Option<Fingerprint> {
        self.fingerprints.get(username).copied()
    }

    /// Whether whoever logged in is still a user, with the same password.
    pub(super) fn is_alive(&self, grant: &Grant) -> bool {
        let anybodys = (!self.fingerprints.is_empty()).then_some(self.all);
        let present = if grant.username.is_empty() { anybodys } else { self.fingerprint(&grant.username) };
        !grant.revoked && present == Some(grant.password_fingerprint)
    }
}
