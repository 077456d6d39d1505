//! Networks.

use std::net::IpAddr;

use mcp_proxy::base::cidr::{Cidr, CidrError};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn networks_as_people_write_them() {
    for (text, expected) in [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1/32", "192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1"),
        ("::/0", "::/0"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ] {
        assert_eq!(Cidr::parse(text).map(|cidr| cidr.to_string()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for (text, error) in [
        ("", CidrError::Address),
        ("localhost", CidrError::Address),
        ("192.0.2", CidrError::Address),
        ("192.0.2.01", CidrError::Address),
        ("192.0.2.0/", CidrError::Prefix),
        ("192.0.2.0/33", CidrError::Prefix),
        ("192.0.2.0/+8", CidrError::Prefix),
        ("192.0.2.0/-1", CidrError::Prefix),
        ("192.0.2.0/256", CidrError::Prefix),
        ("2001:db8::/129", CidrError::Prefix),
        ("192.0.2.0/24/8", CidrError::Prefix),
        (" 192.0.2.0/24", CidrError::Address),
        ("[::1]", CidrError::Address),
        ("fe80::1%eth0", CidrError::Address),
    ] {
        assert_eq!(Cidr::parse(text), Err(error), "{text}");
    }
    let meant = Cidr::parse("160.79.104.0/21").unwrap();
    assert_eq!(Cidr::parse("160.79.106.7/21"), Err(CidrError::HostBits(meant)));
    assert!(CidrError::HostBits(meant).to_string().ends_with("160.79.104.0"));
}

#[test]
fn an_address_is_inside_or_not() {
    for (network, inside, outside) in [
        ("160.79.104.0/21", "160.79.111.255", "160.79.112.0"),
        ("160.79.104.0/21", "::ffff:160.79.104.0", "::ffff:160.79.103.255"),
        ("127.0.0.0/8", "127.255.0.1", "128.0.0.1"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
        ("2001:db8::/29", "2001:dbf::1", "2001:dc0::"),
        ("::1", "::1", "::2"),
        ("fc00::/7", "fdff::1", "fe00::1"),
    ] {
        let cidr = Cidr::parse(network).unwrap();
        assert!(cidr.contains(address(inside)), "{inside} in {network}");
        assert!(!cidr.contains(address(outside)), "{outside} not in {network}");
    }
}
