//! `mcp::replay`: event ids, and what is kept of a stream.

use mcp_proxy::mcp::replay::{EventId, Replay, cost};

fn positions(replay: &Replay) -> Vec<(u64, String)> {
    replay.events().map(|(id, data)| (id.position, String::from_utf8_lossy(data).into_owned())).collect()
}

#[test]
fn ids_are_read_as_they_are_written() {
    let id = EventId { serial: 7, position: 12 };
    assert_eq!((id.to_string().as_str(), EventId::parse("7-12")), ("7-12", Some(id)));
    let largest = format!("{}-{}", u32::MAX, u64::MAX);
    assert_eq!(EventId::parse(&largest).map(|id| id.to_string()), Some(largest));
    for text in
        ["", "-", "7", "7-", "-12", "+7-12", "7-+12", "07-12", "7-012", " 7-12", "7-12 ", "7-1-2", "4294967296-1"]
    {
        assert_eq!(EventId::parse(text), None, "{text:?}");
    }
}

#[test]
fn events_are_counted_and_kept() {
    let mut replay = Replay::new(3);
    assert_eq!((replay.serial(), replay.last_id().to_string()), (3, "3-0".to_owned()));
    assert!(replay.is_empty());
    assert_eq!(replay.advance().to_string(), "3-1");
    replay.keep(Box::from(*b"one"));
    assert_eq!(replay.advance().to_string(), "3-2", "one that is not kept");
    assert_eq!(replay.advance().to_string(), "3-3");
    replay.keep(Box::from(*b"three"));
    assert_eq!(positions(&replay), [(1, "one".to_owned()), (3, "three".to_owned())]);
    assert_eq!((replay.len(), replay.bytes()), (2, cost(3) + cost(5)));
}

#[test]
fn what_was_received_goes() {
    for (received, left) in [(0, 3), (1, 2), (2, 1), (3, 0), (9, 0)] {
        let mut replay = Replay::new(1);
        for _ in 0..3 {
            replay.advance();
            replay.keep(Box::from(*b"x"));
        }
        replay.on_received(received);
        assert_eq!((replay.len(), replay.bytes()), (left, left * cost(1)), "{received}");
    }
    let mut replay = Replay::new(1);
    replay.drop_oldest();
    assert_eq!((replay.len(), replay.bytes()), (0, 0));
}
