//! What the poll told us about a descriptor, and whose descriptor it was.
//!
//! *Interest* is what we asked the kernel to report; it is registered once, for every direction, and never changed.
//! *Readiness* is what we know: it is set by an event and cleared only by what the very same descriptor answered. The
//! poll is edge-triggered, so readiness that is cleared by guess is lost for ever.

use mio::Token;
use mio::event::Event;

/// Bits of a token that hold the slot.
const INDEX_BITS: u32 = 32;

/// Whose descriptor an event is about; the numbers are slots in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// New connections wait.
    Listener,
    /// Somebody asked the proxy to end.
    Ends,
    /// A child process ended.
    Exits,
    /// A downstream.
    Conn(u32),
    /// A child's stdin.
    Stdin(u32),
    /// A child's stdout.
    Stdout(u32),
    /// A child's stderr.
    Stderr(u32),
    /// A connection to a remote upstream.
    Outbound(u32),
    /// A thread that works for the loop has an answer.
    Worker,
    /// SIGHUP came.
    HangUps,
}

impl Source {
    /// The token to register with.
    pub(super) fn token(self) -> Token {
        let (kind, index) = match self {
            Source::Listener => (0, 0),
            Source::Ends => (1, 0),
            Source::Exits => (2, 0),
            Source::Conn(index) => (3, index),
            Source::Stdin(index) => (4, index),
            Source::Stdout(index) => (5, index),
            Source::Stderr(index) => (6, index),
            Source::Outbound(index) => (7, index),
            Source::Worker => (8, 0),
            Source::HangUps => (9, 0),
        };
        Token(kind << INDEX_BITS | index as usize)
    }

    /// What was registered with this token; `None` for a token that is not ours.
    pub(super) fn of(token: Token) -> Option<Source> {
        let index = token.0 as u32;
        match token.0 >> INDEX_BITS {
            0 => Some(Source::Listener),
            1 => Some(Source::Ends),
            2 => Some(Source::Exits),
            3 => Some(Source::Conn(index)),
            4 => Some(Source::Stdin(index)),
            5 => Some(Source::Stdout(index)),
            6 => Some(Source::Stderr(index)),
            7 => Some(Source::Outbound(index)),
            8 => Some(Source::Worker),
            9 => Some(Source::HangUps),
            _ => None,
        }
    }
}

/// Whether a read is worth trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readable {
    /// The descriptor is empty; an event will tell when it no longer is.
    No,
    /// Bytes may wait.
    Yes,
    /// Bytes may wait, and after them the end of the file. The event that announced the end will not be repeated, so
    /// only the end itself may stop the reading.
    UntilEnd,
    /// The end was read.
    Ended,
}

impl Readable {
    /// An event came.
    pub(super) fn on_event(&mut self, event: &Event) {
        *self = match *self {
            Readable::Ended => Readable::Ended,
            Readable::UntilEnd => Readable::UntilEnd,
            Readable::No | Readable::Yes if event.is_read_closed() || event.is_error() => Readable::UntilEnd,
            Readable::No | Readable::Yes if event.is_readable() => Readable::Yes,
            Readable::No => Readable::No,
            Readable::Yes => Readable::Yes,
        };
    }

    /// A read was answered with `WouldBlock`.
    pub(super) fn on_would_block(&mut self) {
        if *self != Readable::Ended {
            *self = Readable::No;
        }
    }

    /// A read returned fewer bytes than it had room for.
    ///
    /// On Linux a socket or pipe then was empty: it saves the read that would only say `WouldBlock`, which is a third
    /// of all system calls of a small request. Whatever comes later, the end of the file included, raises a new edge.
    /// An end that was announced before does not, hence [`Readable::UntilEnd`].
    pub(super) fn on_short_read(&mut self) {
        if *self == Readable::Yes {
            *self = Readable::No;
        }
    }

    /// A write failed: no event will come any more, and what has come is all there is.
    pub(super) fn on_write_failed(&mut self) {
        if *self != Readable::Ended {
            *self = Readable::UntilEnd;
        }
    }

    /// A read returned 0.
    pub(super) fn on_end(&mut self) {
        *self = Readable::Ended;
    }

    /// Whether to read.
    pub(super) fn is_ready(self) -> bool {
        match self {
            Readable::Yes | Readable::UntilEnd => true,
            Readable::No | Readable::Ended => false,
        }
    }
}

/// How a turn with one source went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing more to do until an event says so.
    Idle,
    /// It has used its share of the turn and goes to the back of the queue.
    Again,
    /// It has ended, and the core knows.
    Gone,
}

/// Who has to be served. Filled during one turn, emptied in the next, without an allocation for each.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Vec<T>,
    spare: Vec<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { waiting: Vec::new(), spare: Vec::new() }
    }
}

impl<T> Queue<T> {
    /// Adds one at the back.
    pub(super) fn push(&mut self, item: T) {
        self.waiting.push(item);
    }

    /// Moves all of another queue to the back of this one.
    pub(super) fn append(&mut self, other: &mut Queue<T>) {
        self.waiting.append(&mut other.waiting);
    }

    /// All that wait now; those who join while they are served have to wait for the next time.
    pub(super) fn take(&mut self) -> Vec<T> {
        std::mem::replace(&mut self.waiting, std::mem::take(&mut self.spare))
    }

    /// The vector that [`Queue::take`] gave, emptied: its memory is used again.
    pub(super) fn give_back(&mut self, emptied: Vec<T>) {
        debug_assert!(emptied.is_empty());
        self.spare = emptied;
    }

    /// Whether nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
