//! `oauth::throttle`: who has tried too often, and for how long that is held against them.

use std::net::IpAddr;

use mcp_proxy::limits::{ADDRESS_FAILURES_MAX, LOGIN_FAILURES_MAX, REGISTRATIONS_MAX, THROTTLED_MAX};
use mcp_proxy::oauth::throttle::{Logins, Registrations, Source};

fn source(text: &str) -> Source {
    Source::of(text.parse().unwrap())
}

#[test]
fn an_address_is_counted_as_what_its_owner_can_change() {
    assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
    assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
    assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
}

#[test]
fn thirty_registrations_in_ten_minutes() {
    let mut registrations = Registrations::default();
    let (one, other) = (source("192.0.2.1"), source("192.0.2.2"));
    for second in 0..REGISTRATIONS_MAX as u64 {
        assert_eq!(registrations.admit(one, 1_000 + second), Ok(()));
    }
    assert_eq!(registrations.admit(one, 1_100), Err(500));
    assert_eq!(registrations.admit(other, 1_100), Ok(()));
    assert_eq!(registrations.admit(one, 1_599), Err(1));
    assert_eq!(registrations.admit(one, 1_600), Ok(()));
    assert_eq!(registrations.admit(one, 1_600), Err(1), "the second registration was at 1001");
    registrations.sweep(1_601);
    assert!(registrations.admit(one, 1_600).is_err(), "a sweep forgives nothing");
}

#[test]
fn after_five_failures_each_further_one_doubles_the_wait() {
    let mut logins = Logins::default();
    let here = source("192.0.2.1");
    let mut now = 1_000;
    for _ in 0..LOGIN_FAILURES_MAX {
        assert_eq!(logins.admit(here, "ada", now), Ok(()));
    }
    for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] {
        assert_eq!(logins.admit(here, "ada", now), Err(expected));
        assert_eq!(logins.admit(here, "ada", now + expected - 1), Err(1), "asking does not prolong it");
        now += expected;
        assert_eq!(logins.admit(here, "ada", now), Ok(()), "nobody is locked out for good");
    }
    assert_eq!(logins.admit(source("192.0.2.2"), "ada", now), Ok(()), "the user herself, elsewhere");
    assert_eq!(logins.admit(here, "bob", now), Ok(()), "another user of the same address");
    logins.succeeded(here, "ada");
    assert_eq!(logins.admit(here, "ada", now), Ok(()));
}

#[test]
fn an_address_cannot_try_one_password_on_everybody() {
    let mut logins = Logins::default();
    let here = source("192.0.2.1");
    for index in 0..ADDRESS_FAILURES_MAX {
        assert_eq!(logins.admit(here, &format!("user {index}"), 1_000), Ok(()));
    }
    assert_eq!(logins.admit(here, "another", 1_000), Err(1));
    // Nor does whoever has a password of their own get around it.
    logins.succeeded(here, "user 1");
    assert_eq!(logins.admit(here, "another", 1_000), Ok(()));
    assert!(logins.admit(here, "yet another", 1_000).is_err());
}

#[test]
fn failures_are_forgotten_after_a_day() {
    let mut logins = Logins::default();
    let here = source("192.0.2.1");
    let fail = |logins: &mut Logins, now| (0..LOGIN_FAILURES_MAX).all(|_| logins.admit(here, "ada", now).is_ok());
    assert!(fail(&mut logins, 1_000));
    logins.sweep(1_000 + 86_399);
    assert_eq!(logins.admit(here, "ada", 1_000), Err(1));
    logins.sweep(1_000 + 86_400);
    assert!(fail(&mut logins, 1_000));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let mut registrations = Registrations::default();
    let at = |index: u32| Source::of(IpAddr::from(index.to_be_bytes()));
    for _ in 0..REGISTRATIONS_MAX {
        assert!(registrations.admit(at(0), 1_000).is_ok());
        assert!(registrations.admit(at(1), 1_001).is_ok());
    }
    for index in 2..=THROTTLED_MAX as u32 {
        assert!(registrations.admit(at(index), 1_002).is_ok());
    }
    assert!(registrations.admit(at(1), 1_003).is_err(), "remembered");
    assert!(registrations.admit(at(0), 1_003).is_ok(), "forgotten");
}
