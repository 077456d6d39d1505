//! Copies a message with some of its parts replaced. All other bytes stay as they are: key order, number spelling,
//! escapes, unknown members.

use std::ops::Range;

use crate::base::buf::Buf;

/// One part to be replaced.
#[derive(Debug, Clone)]
pub struct Patch<'a> {
    /// Where it stands in the message.
    pub range: Range<usize>,
    /// What comes there instead.
    pub text: &'a str,
}

/// Where `part`, which was borrowed from `whole`, stands in it; `None` if it was not.
pub fn range_in(whole: &[u8], part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

/// Appends `message` as one line to `out`. `patches` must not overlap; their order does not matter.
///
/// A line may not contain line ends. In valid JSON they are white space between tokens, so a space replaces them.
pub fn push_line(out: &mut Buf, message: &[u8], patches: &mut [Patch<'_>]) {
    patches.sort_unstable_by_key(|patch| patch.range.start);
    out.reserve(message.len() + patches.iter().map(|patch| patch.text.len()).sum::<usize>() + 1);
    let mut copied = 0;
    for patch in patches.iter() {
        debug_assert!(patch.range.start >= copied);
        push_flat(out, &message[copied..patch.range.start]);
        out.push(patch.text.as_bytes());
        copied = patch.range.end;
    }
    push_flat(out, &message[copied..]);
    out.push(b"\n");
}

fn push_flat(out: &mut Buf, mut bytes: &[u8]) {
    while let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) {
        out.push(&bytes[..end]);
        out.push(b" ");
        bytes = &bytes[end + 1..];
    }
    out.push(bytes);
}
