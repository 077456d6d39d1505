//! `base::text`: quoting a peer at a bearable length.

use mcp_proxy::base::text::{QUOTED_BYTES_MAX, shorten, shorten_bytes};

#[test]
fn a_short_text_stays_as_it_is() {
    assert_eq!(shorten("as it is"), "as it is");
    let full = "x".repeat(QUOTED_BYTES_MAX);
    assert_eq!(shorten(&full), full);
}

#[test]
fn a_long_text_is_cut_between_characters() {
    for pad in 0..4 {
        let text = format!("{}{}", "x".repeat(pad), "€".repeat(QUOTED_BYTES_MAX));
        let short = shorten(&text);
        assert!(short.len() <= QUOTED_BYTES_MAX + "…".len(), "{}", short.len());
        assert!(text.starts_with(short.trim_end_matches('…')));
        assert!(short.ends_with('…'));
    }
}

#[test]
fn bytes_that_are_no_text_are_quoted_all_the_same() {
    assert_eq!(shorten_bytes(b"\xffab"), "\u{fffd}ab");
    assert!(shorten_bytes(&[0xe2; 10_000]).len() <= QUOTED_BYTES_MAX + "…".len());
}

#[test]
fn what_is_quoted_is_one_line() {
    assert_eq!(shorten("{\n\"a\":1}\r\n\u{1b}[2J\u{85}"), "{ \"a\":1}   [2J ");
    assert_eq!(shorten_bytes(b"a\nb"), "a b");
    assert!(!shorten(&"a\n".repeat(QUOTED_BYTES_MAX)).contains('\n'));
}
