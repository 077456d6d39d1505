//! Passwords of users: as the configuration has them, how they are verified, and how a changed one is noticed.
//!
//! A value of the configuration is a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`) or, as in the reference,
//! the password itself. Argon2 takes tens of milliseconds on purpose. So nothing here that computes it is called by the
//! core: a [`Verification`] goes to the shell's worker, [`hash`] is for `-hash-password`, and fingerprints are made
//! once, when the configuration is read.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::{Choice, ConstantTimeEq};

use super::secret::{Digest, Random};
use crate::limits::{PASSWORD_LANES_MAX, PASSWORD_MEMORY_KIB_MAX, PASSWORD_PASSES_MAX};

/// What `-hash-password` asks for: the first choice of OWASP's cheat sheet. 19 MiB, twice, one lane.
const HASHING: (u32, u32, u32) = (19 * 1024, 2, 1);
/// What the fingerprint of a plain password costs: 4 MiB, once. It is made for each user at every start.
const FINGERPRINTING: (u32, u32, u32) = (4 * 1024, 1, 1);

/// Why a value of the configuration is no password. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// An empty one opens to everybody.
    Empty,
    /// A hash of another kind: taken for a password, it would lock its user out.
    Scheme,
    /// `$argon2id$`, but the rest is not as it should be.
    Malformed,
    /// Parameters beyond all reason.
    Excessive,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PasswordError::Empty => "is empty",
            PasswordError::Scheme => "is a hash of a kind that is not supported; mcp-proxy -hash-password makes one",
            PasswordError::Malformed => "begins like an Argon2id hash, but is none; mcp-proxy -hash-password makes one",
            PasswordError::Excessive => "asks for more memory, passes or lanes than 1 GiB, 64 and 64",
        })
    }
}

impl std::error::Error for PasswordError {}

/// An Argon2id hash (RFC 9106) with all that is needed to compute it again.
#[derive(Clone, PartialEq, Eq)]
struct Hashed {
    /// Memory in KiB, passes, lanes.
    cost: (u32, u32, u32),
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// A user's password, as far as it is known.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    kind: Kind,
    /// The value itself, as the configuration has it.
    value: String,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Plain(Digest),
    Hashed(Hashed),
}

/// No secret.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_plain() { "Password(plain)" } else { "Password(argon2id)" })
    }
}

/// How hashes begin that others make, and we cannot verify.
const FOREIGN: [&str; 11] =
    ["$argon2i$", "$argon2d$", "$2a$", "$2b$", "$2y$", "$scrypt$", "$pbkdf2", "$5$", "$6$", "$y$", "{SSHA}"];

impl Password {
    /// Reads a value of the configuration.
    pub fn parse(value: &str) -> Result<Password, PasswordError> {
        let kind = match value.strip_prefix("$argon2id$") {
            Some(rest) => Kind::Hashed(Hashed::parse(rest)?),
            None if value.is_empty() => return Err(PasswordError::Empty),
            None if FOREIGN.iter().any(|start| value.starts_with(start)) => return Err(PasswordError::Scheme),
            None => Kind::Plain(Digest::of(value)),
        };
        Ok(Password { kind, value: value.to_owned() })
    }

    /// Whether the configuration has the password itself, which is worth a warning.
    pub fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Plain(_))
    }

    /// What is kept with a grant, to see later whether the password is still the same: a keyed hash of the value. The
    /// value of a plain one goes through Argon2 first, so that the store's file is of no use for guessing it.
    pub fn fingerprint(&self, username: &str, key: &[u8; 32]) -> Fingerprint {
        let stretched = match &self.kind {
            Kind::Hashed(_) => Digest::of(&self.value),
            Kind::Plain(_) => {
                let salt = Digest::of_parts(&[key, username.as_bytes()]);
                Digest::of(argon2id(FINGERPRINTING, self.value.as_bytes(), salt.as_bytes(), 32))
            }
        };
        Fingerprint(Digest::of_parts(&[key, username.as_bytes(), stretched.as_bytes()]))
    }
}

impl Hashed {
    /// Reads what follows `$argon2id$`.
    fn parse(rest: &str) -> Result<Hashed, PasswordError> {
        let mut parts = rest.split('$');
        let mut next = || parts.next().ok_or(PasswordError::Malformed);
        if next()? != "v=19" {
            return Err(PasswordError::Malformed);
        }
        let cost = read_cost(next()?).ok_or(PasswordError::Malformed)?;
        let mut bytes = || STANDARD_NO_PAD.decode(next()?).map_err(|_| PasswordError::Malformed);
        let (salt, hash) = (bytes()?, bytes()?);
        if next().is_ok() || salt.len() < 8 || !(16..=64).contains(&hash.len()) {
            return Err(PasswordError::Malformed);
        }
        let (memory, passes, lanes) = cost;
        if memory > PASSWORD_MEMORY_KIB_MAX || passes > PASSWORD_PASSES_MAX || lanes > PASSWORD_LANES_MAX {
            return Err(PasswordError::Excessive);
        }
        if Params::new(memory, passes, lanes, Some(hash.len())).is_err() || salt.len() > 64 {
            return Err(PasswordError::Malformed);
        }
        Ok(Hashed { cost, salt, hash })
    }

    fn verify(&self, candidate: &str) -> Choice {
        argon2id(self.cost, candidate.as_bytes(), &self.salt, self.hash.len()).ct_eq(&self.hash)
    }
}

/// `m=19456,t=2,p=1`
fn read_cost(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',');
    let mut number = |name: &str| parts.next()?.strip_prefix(name)?.parse().ok();
    let cost = (number("m=")?, number("t=")?, number("p=")?);
    parts.next().is_none().then_some(cost)
}

/// Computes Argon2id. What it could complain about was refused by [`Hashed::parse`]; if it does, nothing matches.
fn argon2id((memory, passes, lanes): (u32, u32, u32), password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut hash = vec![0; length];
    let computed = Params::new(memory, passes, lanes, Some(length)).and_then(|params| {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(password, salt, &mut hash)
    });
    if computed.is_ok() { hash } else { Vec::new() }
}

/// A password as a PHC string, for the configuration: what `-hash-password` prints.
pub fn hash(password: &str, random: &mut Random) -> String {
    let mut salt = [0; 16];
    random(&mut salt);
    let (memory, passes, lanes) = HASHING;
    let hash = argon2id(HASHING, password.as_bytes(), &salt, 32);
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
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
    hashed: Option<Hashed>,
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
        let stand_in = others.into_iter().find_map(|password| match &password.kind {
            Kind::Hashed(hashed) => Some(hashed.clone()),
            Kind::Plain(_) => None,
        });
        let nothing = Digest::of([]);
        let (plain, hashed, decides) = match password.map(|password| &password.kind) {
            Some(Kind::Plain(digest)) => (*digest, stand_in, Decides::Plain),
            Some(Kind::Hashed(hashed)) => (nothing, Some(hashed.clone()), Decides::Hashed),
            None => (nothing, stand_in, Decides::Neither),
        };
        Verification { candidate: candidate.to_owned(), plain, hashed, decides }
    }

    /// The verdict: whether it is this user's password.
    pub fn run(&self) -> bool {
        let is_plain = Choice::from(u8::from(self.plain.is_equal(&Digest::of(&self.candidate))));
        let is_hashed = self.hashed.as_ref().map_or(Choice::from(0), |hashed| hashed.verify(&self.candidate));
        match self.decides {
            Decides::Plain => is_plain.into(),
            Decides::Hashed => is_hashed.into(),
            Decides::Neither => false,
        }
    }
}
