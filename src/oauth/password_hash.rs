//! Hashes of passwords, as they stand in the configuration.

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};

/// Bytes of a salt (RFC 9106, 3.1).
pub const SALT_BYTES: usize = 16;

/// Memory in KiB, passes and lanes that OWASP's Password Storage Cheat Sheet recommends for Argon2id.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The PHC string of a password: `$argon2id$…`. `salt` is random.
///
/// # Errors
/// What the hash function says; nothing that a password could cause.
pub fn hash(password: &str, salt: [u8; SALT_BYTES]) -> Result<String, argon2::password_hash::Error> {
    let (memory, passes, lanes) = COST;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, None)?);
    let hash: PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), &salt)?;
    Ok(hash.to_string())
}
