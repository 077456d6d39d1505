//! The elements of an array, one after the other: nothing is kept of them, however many there are.

use super::walk::{Broken, Walk, value};

/// The text is no JSON array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnArray;

/// See [`elements`].
#[derive(Debug)]
pub struct Elements<'a>(Walk<'a>);

/// The elements of the array that `text` is, as JSON text. All of the text is validated on the way; an error is the
/// last that comes.
pub fn elements(text: &str) -> Elements<'_> {
    Elements(Walk::array(text))
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a str, NotAnArray>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next(value)?.map_err(|Broken| NotAnArray))
    }
}
