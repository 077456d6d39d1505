//! Values numbered in the order in which they come. The numbers go over the wire.
//!
//! A slot with a generation would make numbers of 50 bits after a few thousand calls, and some peers read ids as 32-bit
//! integers. So these count 1, 2, 3 … up to 2³¹ − 1 and begin again, past those that are still in use: a number comes
//! back after two thousand million others.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// What a [`Sequence`] can be indexed by. Made by the `numbers!` macro only.
pub trait Number: Copy + Ord + fmt::Debug {
    /// The value of this number.
    fn of(number: u32) -> Self;
    /// As it goes over the wire.
    fn number(self) -> u32;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl Number for $name {
            fn of(number: u32) -> $name { $name(number) }
            fn number(self) -> u32 { self.0 }
        }
    )*};
}

numbers! {
    /// A JSON-RPC request on its way to an upstream and back.
    CallId
    /// A request of an upstream on its way to a downstream and back.
    AskId
}

/// The largest number: exact in every JSON implementation, and in a signed 32-bit integer.
const NUMBER_MAX: u32 = i32::MAX as u32;

/// The number that JSON text spells, if it can be one of ours.
pub fn read<N: Number>(text: &str) -> Option<N> {
    text.parse().ok().filter(|number| (1..=NUMBER_MAX).contains(number)).map(N::of)
}

/// Values by number, oldest first.
#[derive(Debug)]
pub struct Sequence<N, T> {
    values: BTreeMap<u32, T>,
    last: u32,
    marker: PhantomData<N>,
}

impl<N, T> Default for Sequence<N, T> {
    fn default() -> Self {
        Sequence { values: BTreeMap::new(), last: 0, marker: PhantomData }
    }
}

impl<N: Number, T> Sequence<N, T> {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one that goes on after `last`.
    pub fn after(last: u32) -> Self {
        Sequence { last: last.min(NUMBER_MAX), ..Self::default() }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Adds a value under the next number that is free.
    pub fn insert(&mut self, value: T) -> N {
        loop {
            self.last = if self.last >= NUMBER_MAX { 1 } else { self.last + 1 };
            if !self.values.contains_key(&self.last) {
                self.values.insert(self.last, value);
                return N::of(self.last);
            }
        }
    }

    /// The value, if it is still there.
    pub fn get(&self, id: N) -> Option<&T> {
        self.values.get(&id.number())
    }

    /// The value, if it is still there.
    pub fn get_mut(&mut self, id: N) -> Option<&mut T> {
        self.values.get_mut(&id.number())
    }

    /// Takes the value out.
    pub fn remove(&mut self, id: N) -> Option<T> {
        self.values.remove(&id.number())
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (N, &T)> {
        self.values.iter().map(|(number, value)| (N::of(*number), value))
    }

    /// All values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (N, &mut T)> {
        self.values.iter_mut().map(|(number, value)| (N::of(*number), value))
    }
}
