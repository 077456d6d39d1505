//! Passwords, and hashes of them, as they stand in the configuration.

use mcp_proxy::config::password::{Password, PasswordError, is_hash};
use mcp_proxy::limits::PASSWORD_BYTES_MAX;
use mcp_proxy::oauth::password_hash::hash;

use crate::support::oauth::ADA_HASH;

#[test]
fn hashes_are_told_by_their_beginning() {
    for text in ["", "password", "$ecret", "$HOME", "${HASH}", "$argon", "p4$$w0rd", " "] {
        assert!(!is_hash(text), "{text}");
    }
    for text in ["$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$argon2", "$2b$12$x", "$6$salt$hash", "{SSHA}x"] {
        assert!(is_hash(text), "{text}");
    }
}

#[test]
fn what_stands_there_is_a_password_or_a_hash_of_argon2id() {
    for plain in ["secret", "$ecret", "$argon", "p4$$w0rd", " ", &"x".repeat(PASSWORD_BYTES_MAX)] {
        assert_eq!(Password::parse(plain), Ok(Password::Plain(plain.to_owned())));
    }
    assert!(Password::parse(ADA_HASH).is_ok_and(|password| !password.is_plain() && password.as_str() == ADA_HASH));
    assert_eq!(Password::parse(""), Err(PasswordError::Empty));
    assert_eq!(Password::parse(&"x".repeat(PASSWORD_BYTES_MAX + 1)), Err(PasswordError::TooLong));
}

/// Nobody could log in with them.
#[test]
fn hashes_of_other_kinds_are_refused() {
    for text in [
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2ids$v=19$x",
        "$argon2",
        "$1$salt$hash",
        "$2a$12$abc",
        "$2b$12$abc",
        "$2y$12$abc",
        "$5$salt$hash",
        "$6$salt$hash",
        "$y$j9T$x",
        "$scrypt$ln=16",
        "$pbkdf2-sha256$x",
        "{SSHA}x",
    ] {
        assert_eq!(Password::parse(text), Err(PasswordError::OtherKind), "{text}");
    }
}

#[test]
fn a_hash_is_complete_and_affordable() {
    let good = hash("correct horse", *b"saltsaltsaltsalt").unwrap();
    assert!(good.starts_with("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$"), "{good}");
    assert!(Password::parse(&good).is_ok_and(|password| !password.is_plain()));
    for (from, to, error) in [
        ("v=19", "v=20", PasswordError::Malformed),
        ("v=19", "v=16", PasswordError::Malformed),
        ("v=19$", "", PasswordError::Malformed),
        ("$m=19456,t=2,p=1", "", PasswordError::Malformed),
        ("m=19456,", "", PasswordError::Malformed),
        ("p=1", "p=1,x=1", PasswordError::Malformed),
        ("p=1", "p=1,keyid=c2FsdA", PasswordError::Malformed),
        ("m=19456", "m=1", PasswordError::Malformed),
        ("t=2", "t=0", PasswordError::Malformed),
        ("t=2", "t=x", PasswordError::Malformed),
        ("c2FsdHNhbHRzYWx0c2FsdA", "c29t", PasswordError::Malformed),
        ("m=19456", "m=1048577", PasswordError::Costly),
        ("m=19456", "m=4294967295", PasswordError::Costly),
        ("t=2", "t=65", PasswordError::Costly),
        ("p=1", "p=65", PasswordError::Costly),
    ] {
        assert_eq!(Password::parse(&good.replace(from, to)), Err(error), "{from} as {to}");
    }
    for length in "$argon2id".len()..good.len() - 22 {
        assert_eq!(Password::parse(&good[..length]), Err(PasswordError::Malformed), "{length}");
    }
    assert_eq!(Password::parse(&format!("{good}$")), Err(PasswordError::Malformed));
}

#[test]
fn no_password_is_shown() {
    assert_eq!(format!("{:?}", Password::parse(ADA_HASH).unwrap()), "Password(argon2id)");
    assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "Password(plain)");
}
