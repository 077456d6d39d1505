//! What the shell keeps for each id of the core: a vector indexed by the id's slot.
//!
//! The core decides when an id begins and ends; the generation in the id keeps a late event from reaching a stranger.

use crate::base::id::Id;

/// Values by id.
#[derive(Debug)]
pub(super) struct Table<I, T> {
    slots: Vec<Option<(I, T)>>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Table { slots: Vec::new() }
    }
}

impl<I: Id, T> Table<I, T> {
    /// Puts the value in; what an ended id left in its slot is dropped.
    pub(super) fn insert(&mut self, id: I, value: T) {
        let index = id.index() as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some((id, value));
    }

    /// The value, if the slot still belongs to this id.
    pub(super) fn find(&mut self, id: I) -> Option<&mut T> {
        let (owner, value) = self.slots.get_mut(id.index() as usize)?.as_mut()?;
        if *owner == id { Some(value) } else { None }
    }

    /// Whoever is in the slot now: for events, which carry no generation.
    pub(super) fn at(&mut self, index: u32) -> Option<(I, &mut T)> {
        let (owner, value) = self.slots.get_mut(index as usize)?.as_mut()?;
        Some((*owner, value))
    }

    /// Takes the value out, if the slot still belongs to this id.
    pub(super) fn remove(&mut self, id: I) -> Option<T> {
        self.find(id)?;
        self.slots.get_mut(id.index() as usize)?.take().map(|(_, value)| value)
    }

    /// All values, in the order of their slots.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (I, &mut T)> {
        self.slots.iter_mut().flatten().map(|(id, value)| (*id, value))
    }
}
