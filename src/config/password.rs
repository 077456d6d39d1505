//! What stands in the place of a user's password: the password, or a hash of it.

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;

use crate::limits::{PASSWORD_MEMORY_KIB_MAX, PASSWORD_PASSES_MAX};

/// How hashes of other kinds begin. Nobody has a password that begins so.
const OTHERS: [&str; 12] =
    ["$1$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$bcrypt", "$pbkdf2", "$scrypt$"];

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The password itself.
    Plain,
    /// A PHC string of Argon2, well-formed or not.
    Argon2,
    /// A hash that we cannot compare passwords with.
    Other,
}

/// Tells them apart by their beginning.
pub fn kind(text: &str) -> Kind {
    if text.starts_with("$argon2") {
        Kind::Argon2
    } else if OTHERS.iter().any(|start| text.starts_with(start)) {
        Kind::Other
    } else {
        Kind::Plain
    }
}

/// Why a PHC string cannot be used. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashError {
    /// Cut off, or changed.
    Malformed,
    /// More memory than [`PASSWORD_MEMORY_KIB_MAX`], or more passes than [`PASSWORD_PASSES_MAX`]: a login would hurt.
    Costly,
}

/// Whether passwords can be compared with a PHC string of Argon2.
pub fn check(text: &str) -> Result<(), HashError> {
    let hash = PasswordHash::new(text).map_err(|_| HashError::Malformed)?;
    let is_known = ["argon2id", "argon2i", "argon2d"].contains(&hash.algorithm.as_str());
    let is_version_known = matches!(hash.version, None | Some(16 | 19));
    let params = Params::try_from(&hash).map_err(|_| HashError::Malformed)?;
    if !is_known || !is_version_known || hash.salt.is_none() || hash.hash.is_none() {
        return Err(HashError::Malformed);
    }
    if params.m_cost() > PASSWORD_MEMORY_KIB_MAX || params.t_cost() > PASSWORD_PASSES_MAX {
        return Err(HashError::Costly);
    }
    Ok(())
}
