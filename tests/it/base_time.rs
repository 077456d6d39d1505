//! `base::time`: Unix times as people and peers read them.

use mcp_proxy::base::time::{Civil, civil, http_date, parse_rfc3339, rfc3339};

/// Unix seconds, RFC 9110's form, RFC 3339's form.
const TIMES: [(u64, &str, &str); 9] = [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"),
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT", "2000-02-28T23:59:59Z"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT", "2000-03-01T00:00:00Z"),
    (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT", "2024-02-29T23:59:59Z"),
    (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT", "2038-01-19T03:14:08Z"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"),
];

#[test]
fn times_are_written_as_the_standards_say() {
    for (seconds, http, rfc) in TIMES {
        assert_eq!(http_date(seconds), http);
        assert_eq!(rfc3339(seconds), rfc);
    }
}

/// Counts the days one by one, as a calendar does.
#[test]
fn no_day_of_200_years_is_lost() {
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut day_number = 0;
    for year in 1970..2170 {
        let february = if is_leap(year) { 29 } else { 28 };
        for (month, days) in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
            for day in 1..=days {
                let expected = Civil {
                    year,
                    month: month as u64 + 1,
                    day,
                    hour: 23,
                    minute: 59,
                    second: 58,
                    weekday: (day_number + 4) % 7,
                };
                assert_eq!(civil(day_number * 86_400 + 86_398), expected);
                day_number += 1;
            }
        }
    }
}

#[test]
fn times_of_others_are_read() {
    for (seconds, _, rfc) in TIMES {
        assert_eq!(parse_rfc3339(rfc), Some(seconds), "{rfc}");
    }
    for (text, expected) in [
        ("1994-11-06T08:49:37.123456789Z", Some(784_111_777)),
        ("1994-11-06t10:49:37+02:00", Some(784_111_777)),
        ("1994-11-06 03:19:37-05:30", Some(784_111_777)),
        ("0001-01-01T00:00:00Z", Some(0)),
        ("1969-12-31T23:59:59Z", Some(0)),
        ("", None),
        ("1994-11-06", None),
        ("1994-11-06T08:49:37", None),
        ("1994-11-06T08:49:37.Z", None),
        ("1994-11-06T08:49:37Zx", None),
        ("1994-13-06T08:49:37Z", None),
        ("1994-11-06T24:49:37Z", None),
        ("1994-11-06T08:49:+7Z", None),
        ("1994-11-06T08:49:37+0200", None),
        ("1994-11-0é08:49:37Z", None),
    ] {
        assert_eq!(parse_rfc3339(text), expected, "{text}");
    }
}
