//! Passwords of users: how they are verified, and how a changed one is noticed. What the configuration has in their
//! place is told in [`crate::config::password`].
//!
//! Argon2 takes tens of milliseconds on purpose, so a [`Verification`] goes to the shell's worker. A fingerprint takes
//! a few, and only of a plain password: at the start for all of them, and in the core, while everything else waits, for
//! those that a new configuration brings.

use std::fmt;

use argon2::password_hash::PasswordVerifier;
use argon2::{Algorithm, Argon2, Params, Version};

use super::secret::Digest;
use crate::config::password::{Hash, Password};

/// What the fingerprint of a plain password costs: 4 MiB, once, for each user at every start.
const FINGERPRINTING: (u32, u32, u32) = (4 * 1024, 1, 1);

/// What is kept with a grant, to see later whether the user's password is still the same: a keyed hash of the user's
/// name and of what the configuration says. A plain password goes through Argon2 first, so that the store's file does
/// not help to guess it.
pub fn fingerprint(key: &[u8; 32]) -> impl Fn(&str, &Password) -> Fingerprint {
    |username, password| {
        let stretched = match password {
            Password::Hash(_) => Digest::of(password.as_str()),
            Password::Plain(text) => {
                let salt = Digest::of_parts(&[key, username.as_bytes()]);
                Digest::of(stretched(text.as_bytes(), salt.as_bytes()))
            }
        };
        Fingerprint(Digest::of_parts(&[key, username.as_bytes(), stretched.as_bytes()]))
    }
}

/// Argon2id of a password. It complains about nothing that could come here; if it did, all would be alike.
fn stretched(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let (memory, passes, lanes) = FINGERPRINTING;
    let mut hash = [0; 32];
    let _ = Params::new(memory, passes, lanes, Some(hash.len())).and_then(|params| {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(password, salt, &mut hash)
    });
    hash
}

/// Tells one password of a user from another, and nothing else about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub(super) Digest);

impl Fingerprint {
    /// As it is kept.
    pub(super) fn digest(&self) -> &Digest {
        &self.0
    }
}

/// A password that is to be verified, by the shell's worker: it takes tens of milliseconds and, as long, 19 MiB.
pub struct Verification {
    candidate: String,
    plain: Digest,
    hashed: Option<Box<Hash>>,
    /// Which of the two decides; for an unknown user neither.
    decides: Decides,
}

#[derive(Clone, Copy)]
enum Decides {
    Plain,
    Hashed,
    Neither,
}

/// No secret.
impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verification(…)")
    }
}

impl Verification {
    /// Of what was typed, against the password of a user; `None` if there is no such user. `others` are those of all
    /// users: the same work is done whether the user exists or not, and whatever is known of the password.
    pub(super) fn new<'p>(
        candidate: &str,
        password: Option<&Password>,
        others: impl Iterator<Item = &'p Password>,
    ) -> Verification {
        let stand_in = others.into_iter().find_map(|password| match password {
            Password::Hash(hash) => Some(hash.clone()),
            Password::Plain(_) => None,
        });
        let nothing = Digest::of([]);
        let (plain, hashed, decides) = match password {
            Some(Password::Plain(text)) => (Digest::of(text), stand_in, Decides::Plain),
            Some(Password::Hash(hash)) => (nothing, Some(hash.clone()), Decides::Hashed),
            None => (nothing, stand_in, Decides::Neither),
        };
        Verification { candidate: candidate.to_owned(), plain, hashed, decides }
    }

    /// The verdict: whether it is this user's password.
    pub fn run(&self) -> bool {
        let is_plain = self.plain.is_equal(&Digest::of(&self.candidate));
        let verify = |hash: &Hash| Argon2::default().verify_password(self.candidate.as_bytes(), hash.parsed()).is_ok();
        let is_hashed = self.hashed.as_deref().is_some_and(verify);
        match self.decides {
            Decides::Plain => is_plain,
            Decides::Hashed => is_hashed,
            Decides::Neither => false,
        }
    }
}
