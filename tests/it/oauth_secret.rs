//! `oauth::secret`: random names and secrets, and how they are known.

use mcp_proxy::oauth::secret::{Digest, GrantId, family, family_of, is_secret, name, refresh_token, secret};

use crate::support::oauth::random;

#[test]
fn a_digest_is_spelt_as_sha256sum_does() {
    // FIPS 180-2, B.1
    let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Digest::of("abc").to_string(), abc);
    let read = |text: &str| serde_json::from_str::<Digest>(&format!("\"{text}\""));
    assert_eq!(read(abc).unwrap(), Digest::of("abc"));
    for wrong in ["", "sha256:", &abc[..70], &abc.replace('a', "A"), &abc.replace('f', "g"), &format!("{abc}0")] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    assert!(Digest::of("abc").is_equal(&Digest::of("abc")) && !Digest::of("abc").is_equal(&Digest::of("abd")));
}

#[test]
fn parts_do_not_run_together() {
    assert_ne!(Digest::of_parts(&[b"ab", b"c"]), Digest::of_parts(&[b"a", b"bc"]));
    assert_ne!(Digest::of_parts(&[b"a"]), Digest::of_parts(&[b"a", b""]));
}

#[test]
fn secrets_are_long_plain_and_never_the_same() {
    let mut random = random(1);
    let (one, other) = (secret(&mut random), secret(&mut random));
    assert_ne!(one, other);
    assert!(is_secret(&one) && !is_secret(&one[1..]) && !is_secret(&format!("{one}A")) && !is_secret(""));
    assert_eq!((one.len(), name(&mut random).len()), (43, 22));
}

#[test]
fn a_refresh_token_names_its_family_and_a_list_does_not() {
    let mut random = random(1);
    let (key, other) = (family(&mut random), family(&mut random));
    let (one, two) = (refresh_token(&key, &mut random), refresh_token(&key, &mut random));
    assert_ne!(one, two);
    assert_eq!((one.len(), family_of(&one), family_of(&two)), (64, key, key));
    assert_ne!(GrantId::of_family(&key), GrantId::of_family(&other));
    let id = GrantId::of_family(&key).to_string();
    assert_eq!(GrantId::parse(&id), Some(GrantId::of_family(&key)));
    assert!(!one.contains(&id) && !one.starts_with(&id[..8]));
    for wrong in ["", "x", &id[1..], &format!("{id}A"), &one] {
        assert_eq!(GrantId::parse(wrong), None, "{wrong}");
    }
    assert_eq!(family_of("of the reference"), family_of("of the reference"));
    assert_ne!(family_of("of the reference"), family_of("another"));
}
