//! Typed ids and the arenas they point into.
//!
//! An id is an index and a generation. Removing a value moves its slot to the next generation, so an id that
//! outlives its value finds nothing instead of a stranger.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

/// What an [`Arena`] can be indexed by. Made by the `ids!` macro only.
pub trait Id: Copy + Eq + Ord + Hash + fmt::Debug {
    /// Puts an id together.
    fn from_parts(index: u32, generation: u32) -> Self;
    /// The slot.
    fn index(self) -> u32;
    /// Which of the slot's successive values is meant.
    fn generation(self) -> u32;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name { index: u32, generation: u32 }

        impl Id for $name {
            fn from_parts(index: u32, generation: u32) -> $name { $name { index, generation } }
            fn index(self) -> u32 { self.index }
            fn generation(self) -> u32 { self.generation }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}.{})"), self.index, self.generation)
            }
        }
    )*};
}

ids! {
    /// A downstream's TCP connection.
    ConnId
    /// One HTTP answer that is made of upstream messages: to a POST, or the stream of a GET.
    StreamId
    /// A legacy downstream's conversation.
    SessionId
    /// A configured upstream.
    ServerId
    /// One life of an upstream's process, or one conversation with a remote upstream. A restarted one is another link.
    LinkId
    /// A connection to a remote upstream.
    OutboundId
}

/// Values in numbered slots, found in constant time by id.
#[derive(Debug)]
pub struct Arena<I, T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    marker: PhantomData<I>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<I: Id, T> Default for Arena<I, T> {
    fn default() -> Self {
        Arena { slots: Vec::new(), free: Vec::new(), marker: PhantomData }
    }
}

impl<I: Id, T> Arena<I, T> {
    /// An empty arena; allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a value.
    pub fn insert(&mut self, value: T) -> I {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, value: None });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        I::from_parts(index, slot.generation)
    }

    /// The value, if it still is that one.
    pub fn get(&self, id: I) -> Option<&T> {
        let slot = self.slots.get(id.index() as usize)?;
        if slot.generation == id.generation() { slot.value.as_ref() } else { None }
    }

    /// The value, if it still is that one.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation == id.generation() { slot.value.as_mut() } else { None }
    }

    /// Whether the value is still there.
    pub fn is_live(&self, id: I) -> bool {
        self.get(id).is_some()
    }

    /// Takes the value out; its id finds nothing from now on.
    pub fn remove(&mut self, id: I) -> Option<T> {
        let slot = self.slots.get_mut(id.index() as usize)?;
        if slot.generation != id.generation() {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index());
        Some(value)
    }

    /// All values, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let value = slot.value.as_ref()?;
            Some((I::from_parts(index as u32, slot.generation), value))
        })
    }

    /// All values, in the order of their slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (I, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let value = slot.value.as_mut()?;
            Some((I::from_parts(index as u32, slot.generation), value))
        })
    }

    /// All ids, in the order of their slots; a copy, so that the arena may change while they are walked.
    pub fn ids(&self) -> Vec<I> {
        self.iter().map(|(id, _)| id).collect()
    }
}
