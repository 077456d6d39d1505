//! Server-sent events: what is written can be read, and what others write is read to the letter.

use mcp_proxy::codec::sse::{Decoder, Fields, Item, comment, event};
use mcp_proxy::limits::{EVENT_ID_BYTES_MAX, EVENT_NAME_BYTES_MAX};

use crate::support::wire::Cuts;

/// What came out, in a form that outlives the decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Event { name: String, data: String, id: String },
    TooLong,
}

fn message(data: &str) -> Seen {
    named("message", data, "")
}

fn named(name: &str, data: &str, id: &str) -> Seen {
    Seen::Event { name: name.into(), data: data.into(), id: id.into() }
}

struct Stream {
    seen: Vec<Seen>,
    last_id: Vec<u8>,
    retry: Option<u64>,
}

fn decode<'a>(max: usize, pieces: impl IntoIterator<Item = &'a [u8]>) -> Stream {
    let mut decoder = Decoder::new(max);
    let mut seen = Vec::new();
    for mut piece in pieces {
        while let Some(item) = decoder.handle(&mut piece) {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            seen.push(match item {
                Item::Event(event) => {
                    Seen::Event { name: text(event.name), data: text(event.data), id: text(event.id) }
                }
                Item::TooLong => Seen::TooLong,
            });
        }
        assert!(piece.is_empty(), "input was left over");
    }
    Stream { seen, last_id: decoder.last_id().to_vec(), retry: decoder.retry() }
}

/// Feeds the stream whole, byte by byte, cut at every place, and with an event behind it.
#[track_caller]
fn check(stream: &str, expected: &[Seen]) {
    let input = stream.as_bytes();
    assert_eq!(decode(64, [input]).seen, expected, "{stream:?} whole");
    assert_eq!(decode(64, input.chunks(1)).seen, expected, "{stream:?} byte by byte");
    for at in 0..=input.len() {
        let (one, two) = input.split_at(at);
        assert_eq!(decode(64, [one, two]).seen, expected, "{stream:?} cut at {at}");
    }
    let more = [input, b"\n\ndata: behind\n\n"].concat();
    let followed = decode(64, [&more[..]]).seen;
    assert_eq!(followed[..expected.len()], *expected, "{stream:?} with bytes behind");
    assert!(
        matches!(followed.last(), Some(Seen::Event { data, .. }) if data.ends_with("behind")),
        "{stream:?} hides what follows: {followed:?}"
    );
}

#[test]
fn lines_end_in_three_ways_and_no_fourth() {
    check("data: a\n\n", &[message("a")]);
    check("data: a\r\r", &[message("a")]);
    check("data: a\r\n\r\n", &[message("a")]);
    check("data: a\r\n\n", &[message("a")]);
    check("data: a\n\r", &[message("a")]);
    check("data: a\n\r\n\r\ndata: b\r\n\r\n", &[message("a"), message("b")]);
    check("data: a\u{2028}b\u{2029}c\u{85}d\n\n", &[message("a\u{2028}b\u{2029}c\u{85}d")]);
}

#[test]
fn data_lines_are_joined() {
    check("data: a\ndata: b\n\n", &[message("a\nb")]);
    check("data\n\n", &[message("")]);
    check("data:\ndata\n\n", &[message("\n")]);
    check("data:a\ndata:  b\ndata: c:d\n\n", &[message("a\n b\nc:d")]);
    check("data: a\n: between\ndata: b\n\n", &[message("a\nb")]);
}

#[test]
fn names_last_for_one_event_and_ids_for_the_rest() {
    let all = [named("x", "1", "7"), named("message", "2", "7"), named("message", "3", "")];
    check("event: x\nid: 7\ndata: 1\n\ndata: 2\n\nid\ndata: 3\n\n", &all);
    check("event: x\nevent: y\ndata: 1\n\n", &[named("y", "1", "")]);
    check("event: x\n\ndata: 1\n\n", &[message("1")]);
    check("id: 7\n\ndata: 1\n\n", &[named("message", "1", "7")]);
    check("id: 7\nid: 8\09\ndata: 1\n\n", &[named("message", "1", "7")]);
    check("Data: no\ndatax: no\n data: no\ndata: yes\n\n", &[message("yes")]);
}

#[test]
fn comments_and_unfinished_events_are_nothing() {
    check(":\n\n: ping\n\n::\n\n", &[]);
    check("\n\n\n", &[]);
    assert!(decode(64, [&b"data: a\n"[..]]).seen.is_empty());
    assert!(decode(64, [&b"data: a"[..]]).seen.is_empty());
}

#[test]
fn one_byte_order_mark_is_skipped() {
    check("\u{feff}data: a\n\n", &[message("a")]);
    check("\u{feff}\u{feff}data: a\ndata: b\n\n", &[message("b")]);
    check("data: a\n\n\u{feff}data: b\ndata: c\n\n", &[message("a"), message("c")]);
    let half_a_mark = b"\xef\xbbdata: a\ndata: b\n\n";
    assert_eq!(decode(64, [&half_a_mark[..]]).seen, [message("b")]);
    assert_eq!(decode(64, half_a_mark.chunks(1)).seen, [message("b")]);
}

#[test]
fn retry_takes_digits_only() {
    for (stream, expected) in [
        ("retry: 1500\n", Some(1500)),
        ("retry: 1500\nretry: 1s\n", Some(1500)),
        ("retry: +5\n", None),
        ("retry:\n", None),
        ("retry\n", None),
        ("retry: 99999999999999999999\n", None),
    ] {
        assert_eq!(decode(64, [stream.as_bytes()]).retry, expected, "{stream:?}");
    }
}

#[test]
fn an_id_counts_once_its_event_is_complete() {
    assert_eq!(decode(64, [&b"id: 1\ndata: a\n\nid: 2\ndata: b\n"[..]]).last_id, b"1");
    assert_eq!(decode(64, [&b"id: 1\ndata: a\n\nid: 2\ndata: b\n\n"[..]]).last_id, b"2");
}

#[test]
fn an_overlong_name_or_id_is_ignored() {
    let long = "x".repeat(EVENT_ID_BYTES_MAX.max(EVENT_NAME_BYTES_MAX) + 1);
    let stream = format!("id: 1\nevent: e\nid: {long}\nevent: {long}\ndata: a\n\n");
    let seen = decode(4_096, [stream.as_bytes()]);
    assert_eq!((seen.last_id, seen.seen), (b"1".to_vec(), vec![named("e", "a", "1")]));
}

#[test]
fn an_overlong_event_is_skipped_and_reported_once() {
    let long = "x".repeat(58);
    check(&format!("data: {long}\n\n"), &[message(&long)]);
    check(&format!("data: {long}x\n\ndata: b\n\n"), &[Seen::TooLong, message("b")]);
    check(&format!("data: a\ndata: {long}\r\ndata: c\r\n\r\ndata: b\n\n"), &[Seen::TooLong, message("b")]);
    check(&format!(": {long}{long}\n\ndata: b\n\n"), &[Seen::TooLong, message("b")]);
    check(&format!("{}data: b\n\n", ": a comment, and no event\n".repeat(9)), &[message("b")]);
}

#[test]
fn an_event_without_an_end_is_reported_before_it_ends() {
    let mut decoder = Decoder::new(8);
    assert!(matches!(decoder.handle(&mut &b"data: abc"[..]), Some(Item::TooLong)));
    for _ in 0..3 {
        assert!(decoder.handle(&mut &b"defghijklm\nn"[..]).is_none(), "once");
    }
    assert!(decoder.handle(&mut &b"\n\n"[..]).is_none());
    assert!(matches!(decoder.handle(&mut &b"data: a\n\n"[..]), Some(Item::Event(event)) if event.data == b"a"));
}

#[test]
fn events_are_written_as_they_should_look() {
    let fields = Fields { name: Some("endpoint"), id: Some("7"), retry: Some("100") };
    let written = event(&fields, &[b"/a", b"", b"/sse"]).concat();
    assert_eq!(written, b"event: endpoint\nid: 7\nretry: 100\ndata: /a/sse\n\n");
    assert_eq!(event(&Fields::default(), &[]).concat(), b"data: \n\n");
    assert_eq!(
        event(&Fields::default(), &[b"a\r", b"\nb\rc", b"\n\n"]).concat(),
        b"data: a\ndata: b\ndata: c\ndata: \ndata: \n\n"
    );
    assert_eq!(comment("ping").concat(), b": ping\n\n");
}

#[test]
fn what_is_written_is_read_back_under_random_cuts() {
    for seed in 0..500 {
        let mut cuts = Cuts::new(seed);
        let length = cuts.below(60);
        let text: String = (0..length).map(|_| ['a', ' ', ':', '\u{2028}', '\r', '\n'][cuts.below(6)]).collect();
        let pieces = cuts.cut(text.as_bytes());
        let fields = Fields { name: Some("n"), id: Some("1"), retry: None };
        let stream = [&comment("x").concat()[..], &event(&fields, &pieces).concat()].concat();
        let normal = text.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(decode(1 << 20, cuts.cut(&stream)).seen, [named("n", &normal, "1")], "seed {seed}: {text:?}");
    }
}
