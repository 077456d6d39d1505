//! What waits to be sent to one peer. Small pieces are copied together; large ones, of which somebody else has made a
//! lump of memory already, are queued as they are: copying 50 MB would hold everybody up for 20 ms.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use super::buf::{Buf, Sink};
use crate::limits::LENT_BYTES_MIN;

/// Bytes that wait for a peer, oldest first.
#[derive(Debug, Default)]
pub struct OutQueue {
    /// What stands before `tail`.
    pieces: VecDeque<Piece>,
    tail: Buf,
    /// In `pieces` altogether.
    piece_bytes: usize,
    /// A lump of memory that what is pushed may be a part of.
    loan: Option<Rc<Vec<u8>>>,
}

#[derive(Debug)]
enum Piece {
    Copied(Buf),
    Lent { lump: Rc<Vec<u8>>, range: Range<usize> },
}

impl Piece {
    fn as_slice(&self) -> &[u8] {
        match self {
            Piece::Copied(buf) => buf.as_slice(),
            Piece::Lent { lump, range } => &lump[range.clone()],
        }
    }

    fn consume(&mut self, count: usize) {
        match self {
            Piece::Copied(buf) => buf.consume(count),
            Piece::Lent { range, .. } => range.start += count.min(range.len()),
        }
    }
}

impl OutQueue {
    /// An empty queue; allocates nothing.
    pub const fn new() -> OutQueue {
        OutQueue { pieces: VecDeque::new(), tail: Buf::new(), piece_bytes: 0, loan: None }
    }

    /// The oldest bytes, as far as they lie together. Empty only if nothing waits.
    pub fn front(&self) -> &[u8] {
        self.pieces.front().map_or(self.tail.as_slice(), Piece::as_slice)
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.piece_bytes + self.tail.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Removes `count` bytes from the front.
    pub fn consume(&mut self, mut count: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let length = piece.as_slice().len();
            let taken = count.min(length);
            self.piece_bytes -= taken;
            if taken < length {
                return piece.consume(taken);
            }
            count -= taken;
            self.pieces.pop_front();
        }
        self.tail.consume(count);
    }

    /// Gives back all memory of an empty queue.
    pub fn release(&mut self) {
        if self.is_empty() {
            *self = OutQueue::new();
        }
    }

    /// What is pushed from now on may be a part of `lump`: where such a part is large it is not copied. `None` ends it.
    pub fn lend(&mut self, lump: Option<Rc<Vec<u8>>>) {
        self.loan = lump;
    }

    /// Where `bytes` lie in the lump that was lent.
    fn lent_range(&self, bytes: &[u8]) -> Option<Range<usize>> {
        let lump = self.loan.as_ref().filter(|_| bytes.len() >= LENT_BYTES_MIN)?;
        let start = bytes.as_ptr().addr().checked_sub(lump.as_ptr().addr())?;
        let end = start.checked_add(bytes.len())?;
        (end <= lump.len()).then_some(start..end)
    }
}

impl Sink for OutQueue {
    fn push(&mut self, bytes: &[u8]) {
        let (Some(range), Some(lump)) = (self.lent_range(bytes), &self.loan) else { return self.tail.push(bytes) };
        let lump = Rc::clone(lump);
        if !self.tail.is_empty() {
            let copied = std::mem::take(&mut self.tail);
            self.piece_bytes += copied.len();
            self.pieces.push_back(Piece::Copied(copied));
        }
        self.piece_bytes += bytes.len();
        self.pieces.push_back(Piece::Lent { lump, range });
    }

    fn reserve(&mut self, additional: usize) {
        self.tail.reserve(if self.loan.is_some() { additional.min(LENT_BYTES_MIN) } else { additional });
    }
}
