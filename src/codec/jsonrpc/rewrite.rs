//! What changes in a message, while all the rest of it stays in the memory where it is.

use std::ops::Range;

use super::splice::Patch;

/// Parts of a message to be replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// Places in the message and what comes there, none overlapping another.
    parts: Vec<(Range<usize>, String)>,
}

impl Rewrite {
    /// Replaces a part, which must not overlap one that is replaced already.
    pub fn replace(&mut self, range: Range<usize>, text: impl Into<String>) {
        self.parts.push((range, text.into()));
    }

    /// Takes a part out.
    pub fn remove(&mut self, range: Range<usize>) {
        self.replace(range, String::new());
    }

    /// Whether the message stays as it is.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The parts, for [`push_line`](super::splice::push_line).
    pub fn patches(&self) -> impl Iterator<Item = Patch<'_>> {
        self.parts.iter().map(|(range, text)| Patch { range: range.clone(), text })
    }

    /// The message in pieces, to be written one after the other. `others` are further parts to be replaced, its id for
    /// one.
    pub fn pieces<'a>(&'a self, message: &'a [u8], others: impl IntoIterator<Item = Patch<'a>>) -> Vec<&'a [u8]> {
        let mut patches: Vec<Patch<'a>> = self.patches().chain(others).collect();
        patches.sort_unstable_by_key(|patch| patch.range.start);
        let mut pieces = Vec::with_capacity(2 * patches.len() + 1);
        let mut at = 0;
        for Patch { range, text } in patches {
            debug_assert!(range.start >= at);
            pieces.push(message.get(at..range.start).unwrap_or_default());
            pieces.push(text.as_bytes());
            at = range.end;
        }
        pieces.push(message.get(at..).unwrap_or_default());
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}
