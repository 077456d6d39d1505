//! Values numbered in the order in which they come. The numbers go over the wire.
//!
//! A slot with a generation would make numbers of 50 bits after a few thousand calls, and some peers read ids as 32-bit
//! integers. So these count 1, 2, 3 … up to 2³¹ − 1 and begin again, past those that are still in use: a number comes
//! back after two thousand million others.

use std::collections::VecDeque;
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
///
/// Numbers go up, and most values leave in about the order in which they came. So they stand in a row, and one that
/// leaves from between others only leaves its place empty: nothing is moved, allocated or balanced for it.
#[derive(Debug)]
pub struct Sequence<N, T> {
    /// By number, upwards. The first place is never empty.
    places: VecDeque<(u32, Option<T>)>,
    /// How many places are not empty.
    len: usize,
    last: u32,
    marker: PhantomData<N>,
}

/// Empty places that are put up with, beside as many as there are values.
const EMPTY_MAX: usize = 32;

/// Places whose memory is kept when all values have left.
const KEPT_CAPACITY: usize = 256;

impl<N, T> Default for Sequence<N, T> {
    fn default() -> Self {
        Sequence { places: VecDeque::new(), len: 0, last: 0, marker: PhantomData }
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
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a value under the next number that is free.
    pub fn insert(&mut self, value: T) -> N {
        loop {
            self.last = if self.last >= NUMBER_MAX { 1 } else { self.last + 1 };
            match self.find(self.last) {
                Ok(at) if self.places[at].1.is_some() => continue,
                Ok(at) => self.places[at].1 = Some(value),
                // At the back, unless the numbers have just begun again.
                Err(at) => self.places.insert(at, (self.last, Some(value))),
            }
            self.len += 1;
            return N::of(self.last);
        }
    }

    /// The value, if it is still there.
    pub fn get(&self, id: N) -> Option<&T> {
        let at = self.find(id.number()).ok()?;
        self.places[at].1.as_ref()
    }

    /// The value, if it is still there.
    pub fn get_mut(&mut self, id: N) -> Option<&mut T> {
        let at = self.find(id.number()).ok()?;
        self.places[at].1.as_mut()
    }

    /// Takes the value out.
    pub fn remove(&mut self, id: N) -> Option<T> {
        let at = self.find(id.number()).ok()?;
        let value = self.places[at].1.take()?;
        self.len -= 1;
        while let Some((_, None)) = self.places.front() {
            self.places.pop_front();
        }
        if self.places.is_empty() {
            self.places.shrink_to(KEPT_CAPACITY);
        } else if self.places.len() > 2 * self.len + EMPTY_MAX {
            self.places.retain(|(_, value)| value.is_some());
        }
        Some(value)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (N, &T)> {
        self.places.iter().filter_map(|(number, value)| Some((N::of(*number), value.as_ref()?)))
    }

    /// All values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (N, &mut T)> {
        self.places.iter_mut().filter_map(|(number, value)| Some((N::of(*number), value.as_mut()?)))
    }

    /// Where a number stands, or would. While no place between it and the first was given up, the distance tells.
    fn find(&self, number: u32) -> Result<usize, usize> {
        let (Some((first, _)), Some((last, _))) = (self.places.front(), self.places.back()) else { return Err(0) };
        if number > *last {
            return Err(self.places.len());
        }
        let guess = number.wrapping_sub(*first) as usize;
        if self.places.get(guess).is_some_and(|(found, _)| *found == number) {
            return Ok(guess);
        }
        self.places.binary_search_by_key(&number, |(number, _)| *number)
    }
}
