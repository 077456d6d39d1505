//! What stands in the place of a user's password: the password, or a hash of it.
//!
//! A hash is a PHC string of Argon2id (RFC 9106): `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. All other hashes are
//! refused: passwords are not compared with them, and taken for passwords they would lock their users out.

use std::fmt;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;

use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_LANES_MAX, PASSWORD_MEMORY_KIB_MAX, PASSWORD_PASSES_MAX};

/// How a hash begins that passwords can be compared with.
const ARGON2ID: &str = "$argon2id";

/// How hashes of other kinds begin. Nobody has a password that begins so.
const OTHERS: [&str; 14] = [
    "$1$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$argon2", "$bcrypt", "$pbkdf2", "$scrypt$",
    "{SSHA}",
];

/// The version of Argon2 that everybody has been using since 2016 (RFC 9106, 3.1). In older hashes it is not named.
const VERSION: u32 = 19;
/// The least of a hash's own bytes: what is shorter was cut off.
const HASH_BYTES_MIN: usize = 16;

/// Whether a text is a hash, of whatever kind, or was meant to be one. Its dollar signs name no variables.
pub fn is_hash(text: &str) -> bool {
    text.starts_with(ARGON2ID) || OTHERS.iter().any(|start| text.starts_with(start))
}

/// Why a text can stand in no password's place. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// An empty one would open to everybody.
    Empty,
    /// More than [`PASSWORD_BYTES_MAX`].
    TooLong,
    /// A hash of another kind.
    OtherKind,
    /// Cut off, or changed.
    Malformed,
    /// More memory than [`PASSWORD_MEMORY_KIB_MAX`], more passes than [`PASSWORD_PASSES_MAX`], or more lanes than
    /// [`PASSWORD_LANES_MAX`]: a login would hurt.
    Costly,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordError::Empty => f.write_str("is an empty password"),
            PasswordError::TooLong => write!(f, "is longer than {PASSWORD_BYTES_MAX} bytes"),
            PasswordError::OtherKind => f.write_str("is a hash of a kind that passwords cannot be compared with here"),
            PasswordError::Malformed => f.write_str("is no complete hash"),
            PasswordError::Costly => write!(
                f,
                "asks for more than {} MiB, {PASSWORD_PASSES_MAX} passes or {PASSWORD_LANES_MAX} lanes at every login",
                PASSWORD_MEMORY_KIB_MAX / 1024
            ),
        }
    }
}

impl std::error::Error for PasswordError {}

/// What a password is compared with.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// Itself.
    Plain(String),
    /// A hash of it.
    Hash(Box<Hash>),
}

/// A hash that is complete and affordable.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash {
    text: String,
    parsed: PasswordHash,
}

/// Without the secret.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Password::Plain(_) => "Password(plain)",
            Password::Hash(_) => "Password(argon2id)",
        })
    }
}

impl Password {
    /// Reads what stands in a password's place.
    pub fn parse(text: &str) -> Result<Password, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        if !is_hash(text) {
            return Ok(Password::Plain(text.to_owned()));
        }
        let is_argon2id = text.strip_prefix(ARGON2ID).is_some_and(|rest| rest.is_empty() || rest.starts_with('$'));
        if is_argon2id { Hash::parse(text).map(Password::Hash) } else { Err(PasswordError::OtherKind) }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        match self {
            Password::Plain(text) => text,
            Password::Hash(hash) => &hash.text,
        }
    }

    /// Whether whoever can read it can use it.
    pub fn is_plain(&self) -> bool {
        matches!(self, Password::Plain(_))
    }
}

impl Hash {
    fn parse(text: &str) -> Result<Box<Hash>, PasswordError> {
        let parsed = PasswordHash::new(text).map_err(|_| PasswordError::Malformed)?;
        let cost = Params::try_from(&parsed).map_err(|_| PasswordError::Malformed)?;
        // What is left out would be filled in, by something else than what the hash was made with.
        let is_complete = ["m", "t", "p"].into_iter().all(|name| parsed.params.get(name).is_some())
            && parsed.version == Some(VERSION)
            && parsed.salt.is_some()
            && parsed.hash.as_ref().is_some_and(|hash| hash.len() >= HASH_BYTES_MIN)
            && cost.keyid().is_empty();
        if !is_complete {
            return Err(PasswordError::Malformed);
        }
        let is_costly = cost.m_cost() > PASSWORD_MEMORY_KIB_MAX
            || cost.t_cost() > PASSWORD_PASSES_MAX
            || cost.p_cost() > PASSWORD_LANES_MAX;
        if is_costly { Err(PasswordError::Costly) } else { Ok(Box::new(Hash { text: text.to_owned(), parsed })) }
    }

    /// For whoever compares passwords with it.
    pub fn parsed(&self) -> &PasswordHash {
        &self.parsed
    }
}
