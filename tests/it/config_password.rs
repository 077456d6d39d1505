//! Passwords and hashes of them.

use mcp_proxy::config::password::{HashError, Kind, check, kind};
use mcp_proxy::oauth::password_hash::hash;

#[test]
fn hashes_are_told_by_their_beginning() {
    for (text, expected) in [
        ("", Kind::Plain),
        ("password", Kind::Plain),
        ("$ecret", Kind::Plain),
        ("$HOME", Kind::Plain),
        ("${HASH}", Kind::Plain),
        ("$argon", Kind::Plain),
        ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", Kind::Argon2),
        ("$argon2", Kind::Argon2),
        ("$2b$12$x", Kind::Other),
        ("$6$salt$hash", Kind::Other),
        ("$scrypt$ln=16", Kind::Other),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
}

#[test]
fn a_hash_is_complete_and_affordable() {
    let good = hash("correct horse", *b"saltsaltsaltsalt").unwrap();
    assert!(good.starts_with("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"), "{good}");
    assert_eq!(check(&good), Ok(()));
    assert_eq!(check(&good.replace("argon2id", "argon2i")), Ok(()));
    for (from, to, error) in [
        ("argon2id", "argon2x", HashError::Malformed),
        ("v=19", "v=20", HashError::Malformed),
        ("m=19456", "m=1", HashError::Malformed),
        ("m=19456", "m=1048577", HashError::Costly),
        ("m=19456", "m=4294967295", HashError::Costly),
        ("t=2", "t=65", HashError::Costly),
        ("t=2", "t=x", HashError::Malformed),
    ] {
        assert_eq!(check(&good.replace(from, to)), Err(error), "{to}");
    }
    for length in 0..good.len() - 40 {
        assert_eq!(check(&good[..length]), Err(HashError::Malformed), "{length}");
    }
}
