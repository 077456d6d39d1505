//! Whose turn it is: everybody who is to be read, or written, has a share of each turn of the loop.
//!
//! ```text
//!              serve              used up the share
//!  push ──> waiting ──> Idle   ┌──────────────────> late ──┐
//!              ^         └─────┘                            │ end_turn
//!              └────────────────────────────────────────────┘
//! ```

use super::readiness::{Progress, Queue};
use super::table::Table;
use crate::base::id::Id;

/// Who is to be served. Everybody stands there once: a mark in the value itself says whether it does.
#[derive(Debug)]
pub(super) struct Turns<I, T> {
    mark: fn(&mut T) -> &mut bool,
    waiting: Queue<I>,
    /// Those that have used up their share of this turn and still have more.
    late: Queue<I>,
}

impl<I: Id, T> Turns<I, T> {
    /// Nobody yet. `mark` finds the mark of a value, which belongs to this queue alone.
    pub(super) fn new(mark: fn(&mut T) -> &mut bool) -> Turns<I, T> {
        Turns { mark, waiting: Queue::default(), late: Queue::default() }
    }

    /// Adds one at the back, unless it waits already.
    pub(super) fn push(&mut self, id: I, value: &mut T) {
        let mark = (self.mark)(value);
        if !*mark {
            *mark = true;
            self.waiting.push(id);
        }
    }

    /// Serves all that wait now, each up to its share. Those that are gone leave the table.
    pub(super) fn serve(&mut self, table: &mut Table<I, T>, mut serve: impl FnMut(I, &mut T) -> Progress) {
        let mut batch = self.waiting.take();
        for id in batch.drain(..) {
            let Some(value) = table.find(id) else { continue };
            *(self.mark)(value) = false;
            match serve(id, value) {
                Progress::Idle => {}
                Progress::Again => {
                    *(self.mark)(value) = true;
                    self.late.push(id);
                }
                Progress::Gone => drop(table.remove(id)),
            }
        }
        self.waiting.give_back(batch);
    }

    /// Whether [`Turns::serve`] has something to do in this turn.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A turn ends: who has used up a share gets the next one. Returns whether anybody waits; then the next poll must
    /// not.
    pub(super) fn end_turn(&mut self) -> bool {
        self.waiting.append(&mut self.late);
        self.is_waiting()
    }
}
