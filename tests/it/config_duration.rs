//! Durations in Go's spelling.

use std::time::Duration;

use mcp_proxy::config::duration::parse;

#[test]
fn numbers_with_units() {
    for (text, nanos) in [
        ("30s", 30_000_000_000),
        ("1m30s", 90_000_000_000),
        ("500ms", 500_000_000),
        ("1.5h", 5_400_000_000_000),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("1h2m3s4ms5us6ns", 3_723_004_005_006),
        ("7\u{b5}s", 7_000),
        ("7\u{3bc}s", 7_000),
        ("1.0000000019s", 1_000_000_001),
        ("0.3333333333333333333h", 1_199_999_999_999),
        ("0s1ns", 1),
    ] {
        let parsed = parse(text).map(|duration| duration.as_nanos());
        assert!(parsed.is_some_and(|parsed| parsed.abs_diff(nanos) <= 1), "{text}: {parsed:?}");
    }
    assert_eq!(parse("1m30s"), Some(Duration::from_secs(90)));
}

#[test]
fn everything_else_is_none() {
    for text in
        ["", "30", "0", "0s", "-5s", "+5s", "s", ".s", "1..5s", "30 s", "30S", "1d", "30s5", "9999999999999h", "1e3s"]
    {
        assert_eq!(parse(text), None, "{text}");
    }
}
