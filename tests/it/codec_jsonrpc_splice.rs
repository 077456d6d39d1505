//! `codec::jsonrpc::splice`: only what is replaced changes.

use std::ops::Range;

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::jsonrpc::envelope::{Message, read_message};
use mcp_proxy::codec::jsonrpc::splice::{Patch, push_line, range_in};

use crate::support::wire::Cuts;
use crate::support::{fuzzed, jsonrpc};

/// Where, and what comes there.
type Replacement<'a> = (Range<usize>, &'a str);

fn spliced(message: &[u8], patches: &[Replacement<'_>]) -> String {
    let mut patches: Vec<Patch<'_>> =
        patches.iter().map(|(range, text)| Patch { range: range.clone(), text }).collect();
    let mut out = Buf::new();
    push_line(&mut out, message, &mut patches);
    String::from_utf8(out.as_slice().to_vec()).unwrap()
}

#[test]
fn nothing_to_replace_leaves_the_message_as_it_is() {
    let message = "{\"b\":1.0,\"a\":1e2,\"c\":12345678901234567890,\"d\":\"\\u00e9\\/\u{2028}é\",\"a\":{}}";
    assert_eq!(spliced(message.as_bytes(), &[]), format!("{message}\n"));
    assert_eq!(spliced(b"", &[]), "\n");
}

#[test]
fn parts_are_replaced_in_any_order_by_shorter_or_longer_ones() {
    let cases: &[(&[Replacement<'_>], &str)] = &[
        (&[(0..1, "X")], "Xbcdef\n"),
        (&[(5..6, "X")], "abcdeX\n"),
        (&[(0..6, "")], "\n"),
        (&[(1..2, "long text"), (4..5, "")], "along textcdf\n"),
        (&[(4..5, ""), (1..2, "long text")], "along textcdf\n"),
        (&[(1..3, "X"), (3..5, "Y")], "aXYf\n"),
        (&[(3..5, "Y"), (1..3, "X")], "aXYf\n"),
        (&[(3..3, "X")], "abcXdef\n"),
    ];
    for (patches, expected) in cases {
        assert_eq!(spliced(b"abcdef", patches), *expected);
    }
}

#[test]
fn line_ends_become_spaces_wherever_they_stand() {
    let message = b"\r\n{\n\"a\":\r1\n}\n";
    assert_eq!(spliced(message, &[]), "  { \"a\": 1 } \n");
    let at = message.iter().position(|byte| *byte == b'1').unwrap();
    assert_eq!(spliced(message, &[(at..at + 1, "22")]), "  { \"a\": 22 } \n");
}

#[test]
fn only_what_was_borrowed_has_a_range() {
    let whole = "some text".to_owned();
    assert_eq!(range_in(whole.as_bytes(), &whole[5..7]), Some(5..7));
    assert_eq!(range_in(whole.as_bytes(), &whole), Some(0..9));
    assert_eq!(range_in(whole.as_bytes(), &whole[9..]), Some(9..9));
    assert_eq!(range_in(&whole.as_bytes()[1..5], &whole[..2]), None, "begins before");
    assert_eq!(range_in(&whole.as_bytes()[1..5], &whole[4..6]), None, "ends behind");
    assert_eq!(range_in(whole.as_bytes(), "some"), None, "the same text elsewhere");
}

#[test]
fn random_requests_keep_all_but_their_id_and_token() {
    let mut rng = Cuts::new(6);
    let mut with_token = 0;
    for _ in 0..20_000 {
        let message = jsonrpc::request(&mut rng);
        fuzzed::jsonrpc(message.as_bytes());
        let Ok(Message::Request { id, params, .. }) = read_message(message.as_bytes()) else {
            panic!("the generator writes valid requests only: {message}");
        };
        with_token += usize::from(params.progress_token.is_some());
        let mut ranges: Vec<_> = [Some(id), params.progress_token]
            .into_iter()
            .flatten()
            .filter_map(|p| range_in(message.as_bytes(), p))
            .collect();
        ranges.reverse();
        splice_holds(message.as_bytes(), &ranges);
    }
    assert!(with_token > 5_000, "only {with_token} had a token");
}

#[test]
fn random_ranges_of_random_bytes_are_replaced() {
    let mut rng = Cuts::new(7);
    for _ in 0..5_000 {
        let message: Vec<u8> = (0..rng.below(40)).map(|_| b"a\n\r\"{}\xff\0"[rng.below(8)]).collect();
        let mut cuts: Vec<usize> = (0..4).map(|_| rng.below(message.len() + 1)).collect();
        cuts.sort_unstable();
        let ranges = [cuts[2]..cuts[3], cuts[0]..cuts[1]];
        if cuts[0] < cuts[1] && cuts[2] < cuts[3] {
            splice_holds(&message, &ranges);
        }
    }
}

/// A message with the ranges replaced is the message, but for the ranges and its line ends.
fn splice_holds(message: &[u8], ranges: &[Range<usize>]) {
    let mut sorted = ranges.to_vec();
    sorted.sort_by_key(|range| range.start);
    let flat = |bytes: &[u8]| -> Vec<u8> {
        bytes.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
    };
    let (mut expected, mut at) = (Vec::new(), 0);
    for range in &sorted {
        expected.extend(flat(&message[at..range.start]));
        expected.extend(b"<new>");
        at = range.end;
    }
    expected.extend(flat(&message[at..]));
    expected.push(b'\n');
    let mut patches: Vec<Patch<'_>> =
        ranges.iter().map(|range| Patch { range: range.clone(), text: "<new>" }).collect();
    let mut out = Buf::new();
    push_line(&mut out, message, &mut patches);
    assert_eq!(String::from_utf8_lossy(out.as_slice()), String::from_utf8_lossy(&expected));
}
