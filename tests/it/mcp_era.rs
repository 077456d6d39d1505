//! `mcp::era`: with a handshake, and without.

use mcp_proxy::mcp::era::{Era, MODERN};
use mcp_proxy::mcp::version::Version;

#[test]
fn a_modern_link_counts_as_the_newest_legacy_one() {
    assert_eq!(Era::Modern.counts_as(), Version::LATEST);
    for version in Version::ALL {
        assert_eq!(Era::Legacy(version).counts_as(), version);
        assert!(!Era::Legacy(version).is_modern());
    }
    assert!(Era::Modern.is_modern());
}

#[test]
fn every_revision_has_its_own_name() {
    assert_eq!(Era::Modern.as_str(), MODERN);
    assert_eq!(Era::Legacy(Version::V2025_03_26).as_str(), "2025-03-26");
    assert_eq!(Version::parse(MODERN), None, "nobody negotiates it with initialize");
    assert!(Version::ALL.into_iter().all(|version| version.as_str() < MODERN));
}
