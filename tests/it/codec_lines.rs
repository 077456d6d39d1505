//! Lines, however they are cut.

use mcp_proxy::codec::lines::{Line, Lines, Overlong};

use crate::support::wire::Cuts;

/// What came out, in a form that outlives the splitter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Whole(Vec<u8>),
    Truncated(Vec<u8>),
    TooLong,
}

fn seen(line: Line<'_>) -> Seen {
    match line {
        Line::Whole(bytes) => Seen::Whole(bytes.to_vec()),
        Line::Lump { lump, length } => Seen::Whole(lump[..length].to_vec()),
        Line::Truncated(bytes) => Seen::Truncated(bytes.to_vec()),
        Line::TooLong => Seen::TooLong,
    }
}

fn split<'a>(max: usize, overlong: Overlong, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut lines = Lines::new(max, overlong);
    let mut all = Vec::new();
    for mut piece in pieces {
        while let Some(line) = lines.handle(&mut piece) {
            all.push(seen(line));
        }
        assert!(piece.is_empty(), "input was left over");
    }
    all.extend(lines.finish().map(seen));
    assert_eq!(lines.finish(), None, "a second last line");
    all
}

/// The same, from the definition: all input is there, nothing is clever.
fn model(max: usize, overlong: Overlong, input: &[u8]) -> Vec<Seen> {
    let mut all: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    if all.last().is_some_and(|last| last.is_empty()) {
        all.pop();
    }
    let judge = |line: &[u8]| {
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        match overlong {
            _ if text.len() <= max => Seen::Whole(text.to_vec()),
            Overlong::Skip => Seen::TooLong,
            Overlong::Truncate => Seen::Truncated(line[..max].to_vec()),
        }
    };
    all.into_iter().map(judge).collect()
}

const VECTORS: &[&str] = &[
    "",
    "\n",
    "\r\n",
    "\n\n\r\n\n",
    "a\nb\n",
    "a\r\nb\r\n",
    "a",
    "a\nb",
    "a\r",
    "a\rb\n",
    "a\r\r\n",
    "a\u{2028}b\u{85}c\n",
    "12345678\n",
    "12345678\r\n",
    "123456789\n",
    "12345678\rx\n",
    "12345678\r",
    "12345678\r\r\n",
    "123456789",
    "1234567890123456789012345678901234567890\nshort\n",
    "ok\n1234567890123456789\r\nshort",
    "123456789\n123456789\n\n1\n123456789",
];

#[test]
fn every_vector_splits_by_the_definition_under_any_cut() {
    for text in VECTORS {
        let input = text.as_bytes();
        for overlong in [Overlong::Skip, Overlong::Truncate] {
            let expected = model(8, overlong, input);
            assert_eq!(split(8, overlong, [input]), expected, "{text:?} whole, {overlong:?}");
            assert_eq!(split(8, overlong, input.chunks(1)), expected, "{text:?} byte by byte, {overlong:?}");
            for at in 0..=input.len() {
                let (one, two) = input.split_at(at);
                assert_eq!(split(8, overlong, [one, two]), expected, "{text:?} cut at {at}, {overlong:?}");
            }
        }
    }
}

#[test]
fn a_line_without_an_end_is_reported_before_it_ends() {
    let mut lines = Lines::new(3, Overlong::Skip);
    assert_eq!(lines.handle(&mut &b"abcd"[..]), Some(Line::TooLong));
    for _ in 0..3 {
        assert_eq!(lines.handle(&mut &b"efghijkl"[..]), None, "once");
    }
    assert_eq!(lines.handle(&mut &b"m\nn\n"[..]), Some(Line::Whole(b"n")));
}

#[test]
fn the_model_itself_is_right_about_the_bound() {
    let whole = |text: &str| Seen::Whole(text.into());
    assert_eq!(split(3, Overlong::Skip, [&b"abc\r\nabcd\nab"[..]]), [whole("abc"), Seen::TooLong, whole("ab")]);
    let cut = Seen::Truncated(b"abc".to_vec());
    assert_eq!(split(3, Overlong::Truncate, [&b"abc\r\nabcd\nab"[..]]), [whole("abc"), cut, whole("ab")]);
}

#[test]
fn random_streams_split_by_the_definition_under_random_cuts() {
    for seed in 0..500 {
        let mut cuts = Cuts::new(seed);
        let length = cuts.below(200);
        let input: Vec<u8> = (0..length).map(|_| b"ab\r\n\xe2\x80\xa8"[cuts.below(7)]).collect();
        for overlong in [Overlong::Skip, Overlong::Truncate] {
            let expected = model(6, overlong, &input);
            assert_eq!(split(6, overlong, cuts.cut(&input)), expected, "seed {seed}, {overlong:?}");
        }
    }
}

#[test]
fn a_line_within_the_input_is_not_copied() {
    let input = b"{\"a\":1}\nrest";
    let mut rest = &input[..];
    let mut lines = Lines::new(100, Overlong::Skip);
    let Some(Line::Whole(line)) = lines.handle(&mut rest) else { panic!("no line") };
    assert_eq!(line.as_ptr(), input.as_ptr());
    assert_eq!(rest, b"rest");
}

#[test]
fn the_beginning_of_an_overlong_line_is_delivered_before_its_end_comes() {
    let mut lines = Lines::new(4, Overlong::Truncate);
    assert_eq!(lines.handle(&mut &b"abcdef"[..]), Some(Line::Truncated(b"abcd")));
    assert_eq!(lines.handle(&mut &b"ghi"[..]), None);
    let mut rest = &b"jkl\nnext\n"[..];
    assert_eq!(lines.handle(&mut rest), Some(Line::Whole(b"next")));
}

#[test]
fn a_large_line_in_pipe_sized_pieces_arrives_whole() {
    let mut input = vec![b'x'; 8 * 1024 * 1024];
    input.push(b'\n');
    let all = split(input.len(), Overlong::Skip, input.chunks(64 * 1024));
    assert_eq!(all, [Seen::Whole(input[..input.len() - 1].to_vec())]);
}
