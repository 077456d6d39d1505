//! Goes through an object or an array, entry by entry: what [`super::members`] and [`super::elements`] have in common.
//!
//! All of the text is validated on the way; nothing is kept of it, however many entries there are.

use serde_json::value::RawValue;

use super::usual::Scanner;

/// A way through an object or an array.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    text: &'a str,
    scanner: Scanner<'a>,
    opening: u8,
    closing: u8,
    awaited: Awaited,
}

#[derive(Debug, Clone, Copy)]
enum Awaited {
    /// The bracket.
    Opening,
    /// What follows an entry: a comma, or the other bracket.
    Separator,
    /// All has been read, or something was wrong.
    Nothing,
}

/// The text is not what was to be gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl<'a> Walk<'a> {
    /// Through what is an object if it is well-formed.
    pub(super) fn object(text: &'a str) -> Walk<'a> {
        Walk { text, scanner: Scanner::new(text), opening: b'{', closing: b'}', awaited: Awaited::Opening }
    }

    /// Through what is an array if it is well-formed.
    pub(super) fn array(text: &'a str) -> Walk<'a> {
        Walk { opening: b'[', closing: b']', ..Walk::object(text) }
    }

    /// The next entry, which `read` reads where it begins. An error is the last that comes.
    pub(super) fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Scanner<'a>, &'a str) -> Option<T>,
    ) -> Option<Result<T, Broken>> {
        let has_more = match self.awaited {
            Awaited::Opening => self.opens(),
            Awaited::Separator => self.goes_on(),
            Awaited::Nothing => return None,
        };
        self.awaited = Awaited::Nothing;
        if has_more == Some(false) {
            return None;
        }
        let entry = has_more.and_then(|_| read(&mut self.scanner, self.text)).ok_or(Broken);
        if entry.is_ok() {
            self.awaited = Awaited::Separator;
        }
        Some(entry)
    }

    /// Whether there is an entry behind the bracket. `None`: something else is there.
    fn opens(&mut self) -> Option<bool> {
        if self.scanner.visible()? != self.opening {
            return None;
        }
        self.scanner.skip_space();
        if self.scanner.peek() == Some(self.closing) { self.goes_on() } else { Some(true) }
    }

    /// Whether there is another entry. `None`: something else is there.
    fn goes_on(&mut self) -> Option<bool> {
        let byte = self.scanner.visible()?;
        self.scanner.skip_space();
        match byte {
            b',' => Some(true),
            byte if byte == self.closing => (self.scanner.at() == self.text.len()).then_some(false),
            _ => None,
        }
    }
}

/// The value that begins where the scanner is, which goes on behind it. What is not usual (deep nests) is read at
/// leisure.
pub(super) fn value<'a>(scanner: &mut Scanner<'a>, text: &'a str) -> Option<&'a str> {
    let start = scanner.at();
    if scanner.skip_usual_value().is_none() {
        let mut values = serde_json::Deserializer::from_str(text.get(start..)?).into_iter::<&RawValue>();
        values.next()?.ok()?;
        scanner.go_to(start + values.byte_offset());
    }
    text.get(start..scanner.at())
}
