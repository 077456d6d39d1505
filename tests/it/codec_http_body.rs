//! Request bodies: sized and chunked, valid and not, however they are cut.

use mcp_proxy::codec::http::{Body, BodyLength};
use mcp_proxy::limits::{BODY_BYTES_MAX, CHUNK_LINE_BYTES_MAX, TRAILER_BYTES_MAX};

/// What became of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Complete { data: Vec<u8>, unused: usize },
    Incomplete,
    Refused(u16),
}

fn read<'a>(length: BodyLength, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut body = Body::new(length);
    let (mut data, mut unused) = (Vec::new(), 0);
    for mut piece in pieces {
        loop {
            let (consumed, got) = match body.handle(piece) {
                Ok(taken) => taken,
                Err(refusal) => return Outcome::Refused(refusal.status),
            };
            piece = &piece[consumed..];
            let Some(got) = got else { break };
            data.extend_from_slice(got.bytes);
            assert_eq!(got.is_last, body.is_complete());
        }
        assert!(piece.is_empty() || body.is_complete(), "input was left over");
        unused += piece.len();
    }
    if body.is_complete() { Outcome::Complete { data, unused } } else { Outcome::Incomplete }
}

fn complete(data: &str) -> Outcome {
    Outcome::Complete { data: data.into(), unused: 0 }
}

/// Whole, byte by byte, cut at every place, and with bytes behind.
#[track_caller]
fn check(length: BodyLength, input: &[u8], expected: &Outcome) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(100)]);
    assert_eq!(read(length, [input]), *expected, "{shown:?} whole");
    assert_eq!(read(length, input.chunks(1)), *expected, "{shown:?} byte by byte");
    for at in 0..=input.len().min(64) {
        let (one, two) = input.split_at(at);
        assert_eq!(read(length, [one, two]), *expected, "{shown:?} cut at {at}");
    }
    let followed = read(length, [&[input, b"GET"].concat()[..]]);
    match expected {
        Outcome::Complete { data, .. } => {
            assert_eq!(followed, Outcome::Complete { data: data.clone(), unused: 3 }, "{shown:?} with bytes behind");
        }
        Outcome::Refused(_) => assert_eq!(followed, *expected, "{shown:?} with bytes behind"),
        Outcome::Incomplete => {}
    }
}

#[test]
fn a_sized_body_ends_where_it_says() {
    check(BodyLength::None, b"", &complete(""));
    check(BodyLength::Length(1), b"a", &complete("a"));
    check(BodyLength::Length(5), b"hello", &complete("hello"));
    check(BodyLength::Length(6), b"hello", &Outcome::Incomplete);
    check(BodyLength::Length(5), b"\r\n\0\n\r", &complete("\r\n\0\n\r"));
}

#[test]
fn valid_chunks_are_joined() {
    for (input, data) in [
        ("0\r\n\r\n", ""),
        ("000\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("0000000000000000000000005\r\nhello\r\n0\r\n\r\n", "hello"),
        ("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"),
        ("5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello"),
        ("5;\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nContent-Length: 7\r\nTransfer-Encoding: gzip\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nX: \u{fc}\t y\r\n\r\n", "hello"),
    ] {
        check(BodyLength::Chunked, input.as_bytes(), &complete(data));
    }
}

#[test]
fn unfinished_chunks_are_waited_for() {
    for input in [
        "",
        "5",
        "5;x",
        "5\r",
        "5\r\n",
        "5\r\nhell",
        "5\r\nhello",
        "5\r\nhello\r",
        "5\r\nhello\r\n",
        "0\r\n",
        "0\r\n\r",
        "0\r\nX",
        "0\r\nX:",
        "0\r\nX: y\r",
        "0\r\nX: y\r\n",
        "0\r\nX: y\r\n\r",
    ] {
        check(BodyLength::Chunked, input.as_bytes(), &Outcome::Incomplete);
    }
}

#[test]
fn malformed_chunks_are_refused_at_the_first_wrong_byte() {
    for input in [
        // sizes
        "\r",
        "\n",
        ";",
        "g",
        "x",
        "+",
        "-",
        " ",
        "\t",
        "0x",
        "5 ",
        "5\t",
        "5h",
        "5.",
        "5,",
        "5_",
        "\0",
        "5\0",
        "\u{665}",
        "10000000000000000",
        "fffffffffffffffff",
        // line ends
        "5\n",
        "5\rh",
        "5\r\r",
        "5;x\n",
        "5;x\rh",
        "5;x\r\r",
        "0\n",
        "0\r\n\n",
        "0\r\n\rx",
        "0\r\n\r\r",
        // extensions
        "5;\0",
        "5;x=\u{1}",
        "5;x\u{7f}",
        "5;x\u{b}",
        // data longer or shorter than their size
        "5\r\nhellox",
        "5\r\nhello\n",
        "5\r\nhello\rx",
        "5\r\nhello\r\r",
        "5\r\nhello0",
        "4\r\nhello",
        "1\r\n\r\n",
        "5\r\nhello\r\n\r",
        // trailers
        "0\r\n:",
        "0\r\n ",
        "0\r\n\t",
        "0\r\nX ",
        "0\r\nX\r",
        "0\r\nX\n",
        "0\r\nX: y\n",
        "0\r\nX: y\rz",
        "0\r\nX: \0",
        "0\r\nX: \u{1}",
        "0\r\nX\0",
        "0\r\nX: y\r\n ",
        "0\r\n\u{fc}",
        "0\r\n(",
    ] {
        check(BodyLength::Chunked, input.as_bytes(), &Outcome::Refused(400));
        let before = &input[..input.char_indices().last().map_or(0, |(at, _)| at)];
        check(BodyLength::Chunked, before.as_bytes(), &Outcome::Incomplete);
    }
}

#[test]
fn limits_hold_to_the_byte() {
    let size = |size: usize| format!("{size:x}\r\n");
    check(BodyLength::Chunked, size(BODY_BYTES_MAX).as_bytes(), &Outcome::Incomplete);
    check(BodyLength::Chunked, size(BODY_BYTES_MAX + 1).as_bytes(), &Outcome::Refused(413));
    check(BodyLength::Chunked, b"ffffffffffffffff\r\n", &Outcome::Refused(413));
    let sum = format!("1\r\nx\r\n{}", size(BODY_BYTES_MAX));
    check(BodyLength::Chunked, sum.as_bytes(), &Outcome::Refused(413));
    let sum = format!("1\r\nx\r\n{}", size(BODY_BYTES_MAX - 1));
    check(BodyLength::Chunked, sum.as_bytes(), &Outcome::Incomplete);

    let line = |length: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(length - 2));
    check(BodyLength::Chunked, line(CHUNK_LINE_BYTES_MAX).as_bytes(), &complete("x"));
    check(BodyLength::Chunked, line(CHUNK_LINE_BYTES_MAX + 1).as_bytes(), &Outcome::Refused(400));
    check(BodyLength::Chunked, "0".repeat(CHUNK_LINE_BYTES_MAX + 1).as_bytes(), &Outcome::Refused(400));
    // The bound is for one line, not for all of them together.
    let two = format!("{0}{0}0\r\n\r\n", format!("1;{}\r\nx\r\n", "e".repeat(CHUNK_LINE_BYTES_MAX - 2)));
    check(BodyLength::Chunked, two.as_bytes(), &complete("xx"));

    let trailer = |length: usize| format!("0\r\nX: {}\r\n\r\n", "y".repeat(length - 5));
    check(BodyLength::Chunked, trailer(TRAILER_BYTES_MAX).as_bytes(), &complete(""));
    check(BodyLength::Chunked, trailer(TRAILER_BYTES_MAX + 1).as_bytes(), &Outcome::Refused(431));
    let fields = format!("0\r\n{}", "X: y\r\n".repeat(TRAILER_BYTES_MAX / 6 + 1));
    check(BodyLength::Chunked, fields.as_bytes(), &Outcome::Refused(431));
}

#[test]
fn data_are_slices_of_the_input() {
    let input = b"5\r\nhello\r\n0\r\n\r\n";
    let (consumed, data) = Body::new(BodyLength::Chunked).handle(input).unwrap();
    assert_eq!(consumed, 8);
    assert_eq!(data.unwrap().bytes.as_ptr(), input[3..].as_ptr());
}
