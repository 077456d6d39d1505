//! Durations as Go writes them: `30s`, `1m30s`, `1.5h`, `500ms`.

use std::time::Duration;

/// Unit names with their length in nanoseconds. A longer name stands before the shorter one that it starts with.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),  // micro sign
    ("\u{3bc}s", 1_000), // Greek letter mu
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// Parses a positive duration: numbers, each with its unit. `None` for anything else, a bare number and what exceeds
/// 584 years included.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(number_end);
        let (unit, nanos) = UNITS.into_iter().find(|(unit, _)| tail.starts_with(unit))?;
        total = total.checked_add(scaled(number, nanos)?)?;
        rest = &tail[unit.len()..];
    }
    (total > 0).then(|| Duration::from_nanos(total))
}

/// `number` (with or without a fraction) times `unit_nanos`; what is finer than a nanosecond is dropped.
fn scaled(number: &str, unit_nanos: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = whole.checked_mul(unit_nanos)?;
    let mut digit_nanos = unit_nanos;
    for digit in fraction.bytes() {
        let digit = u64::from(digit - b'0');
        nanos = nanos.checked_add(digit * digit_nanos / 10)?;
        digit_nanos /= 10;
    }
    Some(nanos)
}
