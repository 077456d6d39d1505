//! `base::number`: equal numbers in unequal spellings.

use mcp_proxy::base::number::{Number, SAFE_INTEGER_MAX};

#[test]
fn spellings_of_one_number_are_equal() {
    for spellings in [
        &["0", "-0", "0.0", "-0.000", "0e5", "0E-99"][..],
        &["42", "42.0", "42.000", "4.2e1", "4.2E+1", "420e-1", "0.42e2", "42e0"],
        &["-7", "-7.0", "-70e-1"],
        &["100", "1e2", "1E2", "1e+2", "10e1", "100.00"],
        &["0.1", "1e-1", "0.10", "0.01e1"],
        &["1e400", "10e399", "1000e397"],
        &["9007199254740993", "9007199254740993.0"],
    ] {
        for one in spellings {
            for other in spellings {
                assert_eq!(Number::parse(one).unwrap(), Number::parse(other).unwrap(), "{one} {other}");
            }
        }
    }
}

#[test]
fn unequal_numbers_stay_apart() {
    let all = [
        "0",
        "1",
        "-1",
        "10",
        "101",
        "1001",
        "0.1",
        "0.01",
        "1.01",
        "11",
        "1e400",
        "1e401",
        "9007199254740992",
        "9007199254740993",
        "0.30000000000000004",
        "0.3",
        "12345678901234567890123",
        "12345678901234567890124",
    ];
    for (index, one) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            assert_ne!(Number::parse(one).unwrap(), Number::parse(other).unwrap(), "{one} {other}");
        }
    }
}

#[test]
fn only_what_json_calls_a_number_is_one() {
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "00",
        ".5",
        "5.",
        "1.e1",
        "1e",
        "1e+",
        "1e1.5",
        "0x10",
        "1_000",
        " 1",
        "1 ",
        "NaN",
        "Infinity",
        "--1",
        "1-",
        "1.2.3",
        "1e2e3",
        "١",
        "1e99999999999999999999",
        "1e--1",
        "1e+-1",
        "true",
        "\"1\"",
    ] {
        assert_eq!(Number::parse(text), None, "{text}");
    }
    for text in ["1e9223372036854775807", "10e9223372036854775807", "0.1e-9223372036854775808"] {
        let _ = Number::parse(text).map(|number| (number.safe_integer(), number.is_integer())); // nothing overflows
    }
}

#[test]
fn safe_integers_are_those_that_everybody_reads_alike() {
    for (text, expected) in [
        ("0", Some(0)),
        ("-0.0", Some(0)),
        ("42.0", Some(42)),
        ("1e3", Some(1000)),
        ("9007199254740991", Some(SAFE_INTEGER_MAX)),
        ("-9007199254740991", Some(-SAFE_INTEGER_MAX)),
        ("9007199254740992", None),
        ("-9007199254740992", None),
        ("9999999999999999", None),
        ("1e16", None),
        ("1e1000000", None),
        ("0.5", None),
        ("1e-1", None),
        ("12345678901234567890123", None),
    ] {
        assert_eq!(Number::parse(text).unwrap().safe_integer(), expected, "{text}");
    }
    let is_integer = |text| Number::parse(text).unwrap().is_integer();
    assert!(
        is_integer("1e1000000") && is_integer("10.0") && is_integer("0") && !is_integer("0.1") && !is_integer("1.5")
    );
}
