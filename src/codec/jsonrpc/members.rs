//! The members of an object, one after the other, with their places: for messages that change in a few members and
//! stay as they are everywhere else.
//!
//! All of the text is validated on the way; nothing is kept of it, however many members there are.

use std::borrow::Cow;
use std::ops::Range;

use super::envelope::json_string;
use super::usual::{Scanner, Spelling};
use super::walk::{Broken, Walk, value};

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// Escapes resolved.
    pub key: Cow<'a, str>,
    /// JSON text.
    pub value: &'a str,
    /// All of it within the object's text: from the quote that opens the key to the value's end.
    pub range: Range<usize>,
}

impl Member<'_> {
    /// The value's place within the object's text.
    pub fn value_range(&self) -> Range<usize> {
        self.range.end - self.value.len()..self.range.end
    }
}

/// The text is no JSON object, or a key has half of a surrogate pair, which is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnObject;

/// See [`members`].
#[derive(Debug)]
pub struct Members<'a>(Walk<'a>);

/// The members of the object that `text` is, in their order. One that stands there twice comes twice. An error is the
/// last that comes.
pub fn members(text: &str) -> Members<'_> {
    Members(Walk::object(text))
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<Member<'a>, NotAnObject>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next(read_member)?.map_err(|Broken| NotAnObject))
    }
}

fn read_member<'a>(scanner: &mut Scanner<'a>, text: &'a str) -> Option<Member<'a>> {
    let start = scanner.at();
    let spelling = scanner.skip_string()?;
    let key = text.get(start..scanner.at())?;
    let key = match spelling {
        Spelling::Plain => Cow::Borrowed(&key[1..key.len() - 1]),
        Spelling::Escaped => json_string(key)?,
    };
    scanner.skip_colon()?;
    let value = value(scanner, text)?;
    Some(Member { key, value, range: start..scanner.at() })
}

/// The value of a member of an object, as JSON text. Of one that stands there twice the last, as most readers have it.
/// What comes behind a fault does not count.
pub fn member<'a>(object: Option<&'a str>, key: &str) -> Option<&'a str> {
    members(object?).map_while(Result::ok).filter(|member| member.key == key).last().map(|member| member.value)
}

/// Why members cannot be picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpicked {
    /// See [`NotAnObject`].
    NotAnObject,
    /// One of them stands there twice, and readers differ in which one counts.
    Doubled,
}

impl From<NotAnObject> for Unpicked {
    fn from(_: NotAnObject) -> Unpicked {
        Unpicked::NotAnObject
    }
}

/// The values of some members of the object that `text` is.
pub fn pick<'a, const N: usize>(text: &'a str, keys: [&str; N]) -> Result<[Option<&'a str>; N], Unpicked> {
    let mut values = [None; N];
    for member in members(text) {
        let member = member?;
        let place = keys.iter().zip(&mut values).find(|(key, _)| **key == member.key);
        if place.is_some_and(|(_, place)| place.replace(member.value).is_some()) {
            return Err(Unpicked::Doubled);
        }
    }
    Ok(values)
}

/// What has to go from an object's text for some members to be gone, commas included.
#[derive(Debug, PartialEq, Eq)]
pub struct Cut {
    /// The object's opening brace.
    pub opening: usize,
    /// What goes, in its order. Between two of them, and between the brace and the first, something may stay.
    pub ranges: Vec<Range<usize>>,
    /// How many members stay.
    pub left: usize,
}

/// Cuts out of the object that `text` is the members that `goes` says. Whatever stays keeps its bytes.
pub fn cut(text: &str, mut goes: impl FnMut(&Member<'_>) -> bool) -> Result<Cut, NotAnObject> {
    let mut cut = Cut { opening: text.find('{').ok_or(NotAnObject)?, ranges: Vec::new(), left: 0 };
    // Where the last member ended, and, as long as none has stayed, where the first one began: the comma behind it goes
    // as well.
    let (mut end, mut start) = (0, None);
    for member in members(text) {
        let member = member?;
        if goes(&member) {
            let from = if cut.left > 0 { end } else { *start.get_or_insert(member.range.start) };
            match cut.ranges.last_mut() {
                Some(last) if last.end == from || last.start == from => last.end = member.range.end,
                Some(_) | None => cut.ranges.push(from..member.range.end),
            }
        } else {
            if let (Some(last), 0) = (cut.ranges.last_mut(), cut.left) {
                last.end = member.range.start;
            }
            cut.left += 1;
        }
        end = member.range.end;
    }
    Ok(cut)
}
