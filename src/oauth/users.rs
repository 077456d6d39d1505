//! Who there is, and whose grants are still alive.

use std::collections::BTreeMap;

use super::password::Fingerprint;
use super::secret::Digest;
use super::settings::Settings;
use super::store::record::Grant;
use crate::config::password::Password;

/// The users of the configuration, as far as grants depend on them.
#[derive(Debug)]
pub struct Users {
    fingerprints: BTreeMap<String, Fingerprint>,
    /// Of all together, for grants of which nobody knows whose they are.
    all: Fingerprint,
}

impl Users {
    /// Those of the settings. `compute` ([`super::password::fingerprint`]) is told each user's name and password once;
    /// it takes milliseconds for a password that stands there in plain text.
    pub fn new(settings: &Settings, mut compute: impl FnMut(&str, &Password) -> Fingerprint) -> Users {
        let mut fingerprints = BTreeMap::new();
        for (name, password) in &settings.users {
            fingerprints.entry(name.clone()).or_insert_with(|| compute(name, password));
        }
        let parts: Vec<&[u8]> = fingerprints.values().map(|print: &Fingerprint| &print.0.as_bytes()[..]).collect();
        let all = Fingerprint(Digest::of_parts(&parts));
        Users { fingerprints, all }
    }

    /// Those of the new settings. Computed is only what is of someone new, or of a new password.
    pub fn after(
        &self,
        old: &Settings,
        new: &Settings,
        mut compute: impl FnMut(&str, &Password) -> Fingerprint,
    ) -> Users {
        Users::new(new, |name, password| {
            let known = old.password(name).filter(|old| *old == password).and_then(|_| self.fingerprint(name));
            known.unwrap_or_else(|| compute(name, password))
        })
    }

    /// Of all users together.
    pub fn all(&self) -> Fingerprint {
        self.all
    }

    /// Of a user's present password.
    pub fn fingerprint(&self, username: &str) -> Option<Fingerprint> {
        self.fingerprints.get(username).copied()
    }

    /// Whether whoever logged in is still a user, with the same password.
    pub(super) fn is_alive(&self, grant: &Grant) -> bool {
        let anybodys = (!self.fingerprints.is_empty()).then_some(self.all);
        let present = if grant.username.is_empty() { anybodys } else { self.fingerprint(&grant.username) };
        !grant.revoked && present == Some(grant.password_fingerprint)
    }
}
