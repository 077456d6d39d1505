//! What a stream has said, as far as it can be said again to a downstream whose connection broke (2025-11-25,
//! transports, resumability and redelivery).
//!
//! An event's id is a cursor within its stream: `SERIAL-POSITION`. The serial counts the event streams of the session;
//! position 0 is the beginning, before which nothing was said.

use std::collections::VecDeque;
use std::fmt;

use crate::limits;

/// The `id` of an event, and what `Last-Event-ID` brings back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// Which of the session's streams.
    pub serial: u32,
    /// How many events there were before it.
    pub position: u64,
}

impl EventId {
    /// Reads an id as we write it; `None` for any other text.
    pub fn parse(text: &str) -> Option<EventId> {
        let (serial, position) = text.split_once('-')?;
        let id = EventId { serial: serial.parse().ok()?, position: position.parse().ok()? };
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.serial, self.position)
    }
}

/// The newest events of one stream.
#[derive(Debug)]
pub struct Replay {
    serial: u32,
    last: u64,
    kept: VecDeque<(u64, Box<[u8]>)>,
    bytes: usize,
}

/// What an event takes: its data, and what it costs to have it.
pub fn cost(data_bytes: usize) -> usize {
    data_bytes + limits::REPLAY_EVENT_OVERHEAD_BYTES
}

impl Replay {
    /// Of a stream that begins.
    pub fn new(serial: u32) -> Replay {
        Replay { serial, last: 0, kept: VecDeque::new(), bytes: 0 }
    }

    /// Which of the session's streams it is.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// The id of the newest event.
    pub fn last_id(&self) -> EventId {
        EventId { serial: self.serial, position: self.last }
    }

    /// What all that is kept takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many events are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Another event: its id. It is not kept yet.
    pub fn advance(&mut self) -> EventId {
        self.last += 1;
        self.last_id()
    }

    /// Keeps the data of the newest event.
    pub fn keep(&mut self, data: Box<[u8]>) {
        self.bytes += cost(data.len());
        self.kept.push_back((self.last, data));
    }

    /// Lets the oldest event go.
    pub fn drop_oldest(&mut self) {
        if let Some((_, data)) = self.kept.pop_front() {
            self.bytes -= cost(data.len());
        }
    }

    /// The downstream has the events up to this position.
    pub fn on_received(&mut self, position: u64) {
        while self.kept.front().is_some_and(|(oldest, _)| *oldest <= position) {
            self.drop_oldest();
        }
    }

    /// The events that are kept, oldest first.
    pub fn events(&self) -> impl Iterator<Item = (EventId, &[u8])> {
        self.kept.iter().map(|(position, data)| (EventId { serial: self.serial, position: *position }, &**data))
    }
}
