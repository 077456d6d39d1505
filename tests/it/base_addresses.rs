//! The order in which addresses are tried.

use std::net::SocketAddr;

use mcp_proxy::base::addresses::interleaved;

fn order(addresses: &[&str]) -> Vec<String> {
    let parsed = addresses.iter().map(|address| address.parse::<SocketAddr>().unwrap());
    interleaved(parsed).iter().map(SocketAddr::to_string).collect()
}

#[test]
fn families_take_turns_and_ipv6_begins() {
    let (a4, b4, c4) = ("192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1");
    let (a6, b6, c6) = ("[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1");
    for (found, expected) in [
        (&[][..], &[][..]),
        (&[a4], &[a4]),
        (&[b4, a4], &[b4, a4]),
        (&[a6, b6], &[a6, b6]),
        (&[a4, a6], &[a6, a4]),
        (&[a4, b4, c4, b6, a6], &[b6, a4, a6, b4, c4]),
        (&[a6, b6, c6, a4], &[a6, a4, b6, c6]),
        (&[a4, a4, a6, a4, a6, b4], &[a6, a4, b4]),
        (&[a4, a4, a4, b4, a6, a6, a6, b6], &[a6, a4, b6, b4]),
    ] {
        assert_eq!(order(found), expected, "{found:?}");
    }
}
