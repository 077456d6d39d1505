//! Who is calling, from trusted and untrusted peers, with headers that are right, spoofed, or garbage.

use std::net::IpAddr;

use mcp_proxy::base::cidr::Cidr;
use mcp_proxy::config::networks::{CALLERS, PRIVATE, PROXIES, parsed};
use mcp_proxy::config::oauth::{ClientIpHeader, Forwarding};
use mcp_proxy::oauth::client_ip::{Caller, Hop, forwarded, x_forwarded_for};

type Headers<'a> = &'a [(&'static str, &'a str)];

fn text(caller: &Caller) -> String {
    caller.address().map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

fn caller(peer: &str, headers: Headers<'_>, forwarding: &Forwarding) -> Caller {
    let values = |name: &'static str| {
        let meant = headers.iter().filter(move |(header, _)| header.eq_ignore_ascii_case(name));
        meant.map(|(_, value)| value.as_bytes())
    };
    Caller::new(peer.parse().unwrap(), values, forwarding)
}

fn usual() -> Forwarding {
    Forwarding { trusted: parsed(PRIVATE), header: None }
}

fn claude() -> Vec<Cidr> {
    parsed(CALLERS[0].1)
}

/// Claude's own address, and an attacker's.
const CLAUDE: &str = "160.79.106.7";
const EVIL: &str = "203.0.113.66";

#[test]
fn headers_of_strangers_are_not_read() {
    for name in ClientIpHeader::ALL.map(ClientIpHeader::name) {
        for value in [CLAUDE, "for=160.79.106.7", "garbage", ""] {
            let caller = caller(EVIL, &[(name, value)], &usual());
            assert_eq!(caller.address(), Some(EVIL.parse().unwrap()), "{name}: {value}");
            assert!(!caller.is_allowed(&claude()), "{name}: {value}");
        }
    }
    let direct = caller("::ffff:160.79.106.7", &[("X-Forwarded-For", EVIL)], &usual());
    assert_eq!(text(&direct), CLAUDE);
    assert!(direct.is_allowed(&claude()));
}

/// Behind a proxy on this machine: what the caller is taken for, and whether it may register as Claude.
const FROM_TRUSTED: [(Headers<'_>, &str, bool); 36] = [
    (&[], "127.0.0.1", false),
    (&[("X-Forwarded-For", CLAUDE)], CLAUDE, true),
    (&[("X-Forwarded-For", EVIL)], EVIL, false),
    // The leftmost hop is whatever the caller wants.
    (&[("X-Forwarded-For", "160.79.106.7, 203.0.113.66")], EVIL, false),
    (&[("X-Forwarded-For", "160.79.106.7"), ("X-Forwarded-For", "203.0.113.66")], EVIL, false),
    (&[("X-Forwarded-For", "203.0.113.66, 160.79.106.7")], CLAUDE, true),
    (&[("X-Forwarded-For", "garbage, 160.79.106.7")], CLAUDE, true),
    // Proxies of ours are passed over.
    (&[("X-Forwarded-For", "160.79.106.7, 10.0.0.1,192.168.1.1 ")], CLAUDE, true),
    (&[("X-Forwarded-For", "160.79.106.7, 203.0.113.66, 10.0.0.1")], EVIL, false),
    (&[("X-Forwarded-For", "10.0.0.7, 10.0.0.1")], "10.0.0.7", false),
    // Ports, brackets, IPv6, IPv4 in IPv6, empty elements.
    (&[("X-Forwarded-For", "160.79.106.7:49152")], CLAUDE, true),
    (&[("X-Forwarded-For", "[::ffff:160.79.106.7]:443")], CLAUDE, true),
    (&[("X-Forwarded-For", "::ffff:160.79.106.7")], CLAUDE, true),
    (&[("X-Forwarded-For", "[2001:db8::1]:443, ::1, [::1]")], "2001:db8::1", false),
    (&[("X-Forwarded-For", " , 160.79.106.7 ,, ")], CLAUDE, true),
    // What cannot be read is nobody.
    (&[("X-Forwarded-For", "160.79.106.7, garbage")], "unknown", false),
    (&[("X-Forwarded-For", "160.79.106.7, unknown, 10.0.0.1")], "unknown", false),
    (&[("X-Forwarded-For", "160.79.106.07")], "unknown", false),
    (&[("X-Forwarded-For", "160.79.106.7:99999")], "unknown", false),
    (&[("X-Forwarded-For", "160.79.106.7 203.0.113.66")], "unknown", false),
    (&[("X-Forwarded-For", "fe80::1%eth0")], "unknown", false),
    (&[("X-Real-IP", "")], "unknown", false),
    (&[("CF-Connecting-IP", "160.79.106.7, 160.79.106.7")], "unknown", false),
    // Single values.
    (&[("CF-Connecting-IP", CLAUDE)], CLAUDE, true),
    (&[("true-client-ip", " 160.79.106.7 ")], CLAUDE, true),
    (&[("X-Cluster-Client-IP", "[::ffff:160.79.106.7]")], CLAUDE, true),
    // One of several may be forged: all must be allowed, and none is known.
    (&[("X-Real-IP", CLAUDE), ("X-Forwarded-For", EVIL)], "unknown", false),
    (&[("X-Real-IP", EVIL), ("X-Forwarded-For", CLAUDE)], "unknown", false),
    (&[("X-Real-IP", "34.162.46.92"), ("X-Forwarded-For", CLAUDE)], "unknown", true),
    (&[("X-Real-IP", CLAUDE), ("X-Forwarded-For", CLAUDE), ("Forwarded", "for=160.79.106.7")], CLAUDE, true),
    (&[("X-Real-IP", CLAUDE), ("X-Real-IP", EVIL)], "unknown", false),
    (&[("Forwarded", "for=160.79.106.7"), ("CF-Connecting-IP", "garbage")], "unknown", false),
    // RFC 7239.
    (&[("Forwarded", "for=203.0.113.66, For=\"160.79.106.7:443\";proto=https;by=10.0.0.1")], CLAUDE, true),
    (&[("Forwarded", "for=160.79.106.7;x=\""), ("Forwarded", "for=203.0.113.66")], EVIL, false),
    (&[("Forwarded", "for=160.79.106.7;x=\", for=203.0.113.66")], "unknown", false),
    (&[("Forwarded", "for=160.79.106.7, proto=https")], "unknown", false),
];

#[test]
fn behind_a_proxy_of_ours_the_headers_tell() {
    for (headers, expected, is_allowed) in FROM_TRUSTED {
        for peer in ["127.0.0.1", "::ffff:127.0.0.1"] {
            let caller = caller(peer, headers, &usual());
            assert_eq!(text(&caller), expected, "{headers:?}");
            assert_eq!(caller.is_allowed(&claude()), is_allowed, "{headers:?}");
            assert!(caller.is_allowed(&[]), "an empty list allows everybody");
        }
    }
}

#[test]
fn a_header_that_is_named_is_the_only_one() {
    let named = |header| Forwarding { trusted: parsed(PRIVATE), header: Some(header) };
    let headers: Headers<'_> =
        &[("CF-Connecting-IP", CLAUDE), ("X-Forwarded-For", EVIL), ("X-Real-IP", "garbage"), ("Forwarded", "\"")];
    let said = |header| text(&caller("10.0.0.1", headers, &named(header)));
    assert_eq!(said(ClientIpHeader::CfConnectingIp), CLAUDE);
    assert_eq!(said(ClientIpHeader::XForwardedFor), EVIL);
    assert_eq!(said(ClientIpHeader::XRealIp), "unknown");
    assert_eq!(said(ClientIpHeader::Forwarded), "unknown");
    // Nobody forwarded this.
    assert_eq!(said(ClientIpHeader::TrueClientIp), "10.0.0.1");
    // The name does not make a stranger trusted.
    assert_eq!(text(&caller(EVIL, headers, &named(ClientIpHeader::CfConnectingIp))), EVIL);
}

#[test]
fn behind_cloudflare_its_edge_is_no_caller() {
    let mut trusted = parsed(PRIVATE);
    trusted.extend(parsed(PROXIES[1].1));
    let forwarding = Forwarding { trusted, header: None };
    let headers: Headers<'_> = &[("CF-Connecting-IP", CLAUDE), ("X-Forwarded-For", "160.79.106.7, 172.64.0.9")];
    for peer in ["172.64.0.9", "127.0.0.1", "2606:4700::1"] {
        assert_eq!(text(&caller(peer, headers, &forwarding)), CLAUDE, "{peer}");
    }
    assert_eq!(text(&caller(EVIL, headers, &forwarding)), EVIL, "past Cloudflare");
    // Without the preset the edge is the last one that is known: nobody is let in by mistake.
    assert!(!caller("127.0.0.1", headers, &usual()).is_allowed(&claude()));
}

fn hops(hops: &[Hop]) -> String {
    let shown = |hop: &Hop| hop.map_or("?".to_owned(), |address: IpAddr| address.to_string());
    hops.iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn forwarded_as_rfc_7239_writes_it() {
    for (line, expected) in [
        ("for=\"_gazonk\"", "?"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("for=192.0.2.43, for=198.51.100.17", "192.0.2.43 198.51.100.17"),
        ("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown", "192.0.2.43 2001:db8:cafe::17 ?"),
        ("by=_x;for=192.0.2.1 ; host=a", "192.0.2.1"),
        ("for=192.0.2.1:80, for=[2001:db8::1]:80, for=2001:db8::1", "192.0.2.1 2001:db8::1 2001:db8::1"),
        ("for=\"192.0.2\\.1\"", "192.0.2.1"),
        (" , for=192.0.2.1, ", "192.0.2.1"),
        ("host=\"a,b;for=192.0.2.9\";for=192.0.2.1", "192.0.2.1"),
        ("proto=https", "?"),
        ("for=", "?"),
        ("", ""),
        // Not well-formed: nothing of the line is believed.
        ("for=192.0.2.1, for=\"192.0.2.2", "?"),
        ("for=192.0.2.1;for=192.0.2.2", "?"),
        ("for=\"192.0.2.1\"x, for=192.0.2.2", "?"),
        ("for = 192.0.2.1", "?"),
        ("for=192.0.2.1 for=192.0.2.2", "?"),
        ("192.0.2.1", "?"),
        ("=192.0.2.1", "?"),
        ("for=\"192.0.2.1\\", "?"),
    ] {
        assert_eq!(hops(&forwarded([line.as_bytes()].into_iter())), expected, "{line}");
    }
    let lines = [&b"for=192.0.2.1;x=\""[..], b"for=192.0.2.2", b"\xff"];
    assert_eq!(hops(&forwarded(lines.into_iter())), "? 192.0.2.2 ?");
}

#[test]
fn x_forwarded_for_over_several_lines() {
    let lines = [&b"192.0.2.1,, 192.0.2.2:1"[..], b"", b"\xff, [::1]:x, [192.0.2.1], [::1, ::1]"];
    assert_eq!(hops(&x_forwarded_for(lines.into_iter())), "192.0.2.1 192.0.2.2 ? ? ? ? ?");
}
