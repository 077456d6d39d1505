//! `oauth::password`: values of the configuration, fingerprints, and `-hash-password`. Verification is tested with the
//! login that asks for it.

use mcp_proxy::oauth::password::{Password, PasswordError, hash};

use crate::support::oauth::{ADA_HASH, random};

#[test]
fn values_are_plain_or_argon2id() {
    for plain in ["secret", "$ecret", "$argon2", "p4$$w0rd", " "] {
        assert!(Password::parse(plain).unwrap().is_plain(), "{plain}");
    }
    assert!(!Password::parse(ADA_HASH).unwrap().is_plain());
    assert_eq!(Password::parse(""), Err(PasswordError::Empty));
    for foreign in ["$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA", "$2b$12$abc", "$6$salt$hash", "$scrypt$x"] {
        assert_eq!(Password::parse(foreign), Err(PasswordError::Scheme), "{foreign}");
    }
}

#[test]
fn a_hash_that_is_damaged_locks_nobody_out_silently() {
    let hash = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    for damaged in [
        "$argon2id$".to_owned(),
        format!("$argon2id$m=256,t=2,p=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=19$t=2,m=256,p=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=19$m=256,t=2,p=1,x=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ${hash}"),
        format!("$argon2id$v=19$m=256,t=2,p=1$c29t${hash}"),
        format!("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ${hash}$"),
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$AAAA".to_owned(),
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ".to_owned(),
    ] {
        assert_eq!(Password::parse(&damaged), Err(PasswordError::Malformed), "{damaged}");
    }
    for cost in ["m=4194304,t=2,p=1", "m=256,t=65,p=1", "m=4096,t=2,p=65"] {
        let excessive = format!("$argon2id$v=19${cost}$c29tZXNhbHQ${hash}");
        assert_eq!(Password::parse(&excessive), Err(PasswordError::Excessive), "{cost}");
    }
}

#[test]
fn a_fingerprint_tells_a_changed_password_and_nothing_else() {
    let print = |value: &str, name: &str, key: u8| Password::parse(value).unwrap().fingerprint(name, &[key; 32]);
    for value in ["secret", ADA_HASH] {
        assert_eq!(print(value, "ada", 1), print(value, "ada", 1));
        assert_ne!(print(value, "ada", 1), print(value, "bob", 1));
        assert_ne!(print(value, "ada", 1), print(value, "ada", 2));
    }
    assert_ne!(print("secret", "ada", 1), print("Secret", "ada", 1));
}

#[test]
fn what_is_hashed_is_another_each_time_and_shows_no_password() {
    let mut random = random(1);
    let (one, other) = (hash("correct horse", &mut random), hash("correct horse", &mut random));
    assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
    assert_ne!(one, other);
    let password = Password::parse(&one).unwrap();
    assert_eq!(format!("{password:?}"), "Password(argon2id)");
    assert_eq!(format!("{:?}", Password::parse("correct horse").unwrap()), "Password(plain)");
}
