//! The elements of an array, one after the other: nothing is kept of them, however many there are.

use super::members::value_at;
use super::usual::Scanner;

/// The text is no JSON array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnArray;

/// See [`elements`].
#[derive(Debug)]
pub struct Elements<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    awaited: Awaited,
}

#[derive(Debug, Clone, Copy)]
enum Awaited {
    /// The bracket.
    Opening,
    /// What follows an element: a comma, or the bracket.
    Separator,
    /// The array has ended, or was none.
    Nothing,
}

/// The elements of the array that `text` is, as JSON text. All of the text is validated on the way; an error is the
/// last that comes.
pub fn elements(text: &str) -> Elements<'_> {
    Elements { text, scanner: Scanner::new(text), awaited: Awaited::Opening }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a str, NotAnArray>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = match self.awaited {
            Awaited::Opening => self.on_opening(),
            Awaited::Separator => self.on_separator(),
            Awaited::Nothing => return None,
        };
        self.awaited = match step {
            Ok(Some(_)) => Awaited::Separator,
            Ok(None) | Err(_) => Awaited::Nothing,
        };
        step.transpose()
    }
}

impl<'a> Elements<'a> {
    fn on_opening(&mut self) -> Result<Option<&'a str>, NotAnArray> {
        if self.scanner.visible() != Some(b'[') {
            return Err(NotAnArray);
        }
        self.scanner.skip_space();
        if self.scanner.peek() == Some(b']') { self.on_separator() } else { self.element() }
    }

    fn on_separator(&mut self) -> Result<Option<&'a str>, NotAnArray> {
        match self.scanner.visible() {
            Some(b',') => {
                self.scanner.skip_space();
                self.element()
            }
            Some(b']') => {
                self.scanner.skip_space();
                if self.scanner.at() == self.text.len() { Ok(None) } else { Err(NotAnArray) }
            }
            Some(_) | None => Err(NotAnArray),
        }
    }

    fn element(&mut self) -> Result<Option<&'a str>, NotAnArray> {
        value_at(&mut self.scanner, self.text).map(Some).ok_or(NotAnArray)
    }
}
