//! A queue of bytes: pushed at the back, consumed at the front.

use std::io;

/// Capacity that an empty queue may keep; more is given back to the allocator, so that one large message does not
/// cost its memory for the rest of a connection's life.
const KEPT_CAPACITY_BYTES: usize = 16 * 1024;

/// Where bytes are written to, one after the other.
pub trait Sink {
    /// Adds bytes at the end.
    fn push(&mut self, bytes: &[u8]);
    /// About so many bytes will follow at once.
    fn reserve(&mut self, additional: usize);
}

/// Bytes that wait: for more of a message, or for a peer that reads slowly.
#[derive(Debug, Default)]
pub struct Buf {
    bytes: Vec<u8>,
    start: usize,
}

impl Sink for Buf {
    fn push(&mut self, bytes: &[u8]) {
        Buf::push(self, bytes);
    }

    fn reserve(&mut self, additional: usize) {
        Buf::reserve(self, additional);
    }
}

impl Buf {
    /// An empty queue; allocates nothing.
    pub const fn new() -> Buf {
        Buf { bytes: Vec::new(), start: 0 }
    }

    /// The bytes that wait, oldest first.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for this many more bytes at once: what follows does not grow the memory piece by piece.
    pub fn reserve(&mut self, additional: usize) {
        self.make_room(additional);
        self.bytes.reserve(additional);
    }

    /// Adds bytes at the back.
    pub fn push(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// All that waits, as a lump of memory. The queue is empty then.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.drain(..std::mem::take(&mut self.start));
        bytes
    }

    /// Removes `count` bytes from the front; more than there are removes them all.
    pub fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Forgets everything that waits.
    pub fn clear(&mut self) {
        self.start = 0;
        if self.bytes.capacity() > KEPT_CAPACITY_BYTES {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }

    /// Gives back all memory of an empty queue: what an idle connection should cost.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = Buf::new();
        }
    }

    /// Moves the waiting bytes to the front when that is cheaper than growing.
    fn make_room(&mut self, additional: usize) {
        let is_full = self.bytes.capacity() - self.bytes.len() < additional;
        if self.start > 0 && is_full && self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }
}

impl io::Write for Buf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
