//! Networks with a name.

use std::net::IpAddr;

use mcp_proxy::config::networks::{CALLERS, PRIVATE, PROXIES, parsed};

#[test]
fn every_line_is_a_network() {
    for (name, networks) in CALLERS.iter().chain(&PROXIES) {
        assert_eq!(parsed(networks).len(), networks.len(), "{name}");
    }
}

#[test]
fn who_belongs_where() {
    let covers = |networks: &[&str], address: &str| {
        let address: IpAddr = address.parse().unwrap();
        parsed(networks).iter().any(|network| network.contains(address))
    };
    let claude = CALLERS[0].1;
    // Observed, published, and from the reference's example.
    for address in ["160.79.106.35", "160.79.104.0", "160.79.111.255", "34.162.46.92", "::ffff:34.162.183.95"] {
        assert!(covers(claude, address), "{address}");
    }
    for address in ["160.79.112.0", "34.162.46.93", "127.0.0.1", "::1"] {
        assert!(!covers(claude, address), "{address}");
    }
    for address in ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.0.1", "fd00::1"] {
        assert!(covers(PRIVATE, address), "{address}");
    }
    for address in ["172.32.0.1", "100.64.0.1", "169.254.1.1", "fe80::1", "8.8.8.8", "::2"] {
        assert!(!covers(PRIVATE, address), "{address}");
    }
    assert!(covers(PROXIES[1].1, "172.64.0.1") && !covers(PROXIES[1].1, "127.0.0.1"));
}
