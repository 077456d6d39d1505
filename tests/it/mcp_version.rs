//! `mcp::version`: which revision both sides speak.

use mcp_proxy::mcp::version::{Version, supported};

#[test]
fn names_come_back() {
    for version in Version::ALL {
        assert_eq!(Version::parse(version.as_str()), Some(version));
        assert!(supported().contains(version.as_str()));
    }
    assert!(Version::ALL.is_sorted());
    assert_eq!(Version::ALL.last(), Some(&Version::LATEST));
}

#[test]
fn other_names_are_unknown() {
    for name in ["", "2025-03-27", "2025-11-25 ", " 2025-11-25", "DRAFT", "1.0", "2025-11-25\0"] {
        assert_eq!(Version::parse(name), None, "{name:?}");
    }
}

#[test]
fn the_lower_of_both_is_spoken_and_the_links_if_the_asked_is_unheard_of() {
    let cases = [
        ("2025-11-25", "2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-11-25", "2025-06-18"),
        ("2025-11-25", "2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-06-18", "2024-11-05"),
        ("2026-07-28", "2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-06-18", "2025-06-18"),
        ("", "2025-03-26", "2025-03-26"),
    ];
    for (asked, link, expected) in cases {
        let link = Version::parse(link).unwrap();
        assert_eq!(Version::negotiate(Version::parse(asked), link).as_str(), expected, "{asked} before {link:?}");
    }
}

#[test]
fn one_revision_has_batches() {
    let batching: Vec<Version> = Version::ALL.into_iter().filter(|version| version.is_batching()).collect();
    assert_eq!(batching, [Version::V2025_03_26]);
}
