//! Hashes of passwords.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params};
use mcp_proxy::oauth::password_hash::{SALT_BYTES, hash};

#[test]
fn a_hash_is_of_the_password_and_its_salt_alone() {
    let salt = [7; SALT_BYTES];
    let text = hash("päss wörd", salt).unwrap();
    assert_eq!(hash("päss wörd", salt).unwrap(), text);
    assert_ne!(hash("päss wörd", [8; SALT_BYTES]).unwrap(), text);
    let parsed = PasswordHash::new(&text).unwrap();
    let verify = |password: &str| Argon2::default().verify_password(password.as_bytes(), &parsed);
    assert!(verify("päss wörd").is_ok());
    assert!(verify("pass word").is_err() && verify("").is_err());
}

#[test]
fn it_costs_what_owasp_recommends() {
    let text = hash("x", [0; SALT_BYTES]).unwrap();
    let params = Params::try_from(&PasswordHash::new(&text).unwrap()).unwrap();
    assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (19 * 1024, 2, 1));
    assert!(text.starts_with("$argon2id$v=19$"));
}
