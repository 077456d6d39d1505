//! `oauth::password`: fingerprints. Verification is tested with the login that asks for it.

use mcp_proxy::config::password::Password;
use mcp_proxy::oauth::password::fingerprint;

use crate::support::oauth::ADA_HASH;

#[test]
fn a_fingerprint_tells_a_changed_password_and_nothing_else() {
    let print = |value: &str, name: &str, key: u8| fingerprint(&[key; 32])(name, &Password::parse(value).unwrap());
    for value in ["secret", ADA_HASH] {
        assert_eq!(print(value, "ada", 1), print(value, "ada", 1));
        assert_ne!(print(value, "ada", 1), print(value, "bob", 1));
        assert_ne!(print(value, "ada", 1), print(value, "ada", 2));
    }
    assert_ne!(print("secret", "ada", 1), print("Secret", "ada", 1));
}
