//! Takes entries out of the list in a reply and keeps every other byte.

use crate::codec::jsonrpc::elements::elements;
use std::ops::Range;

use serde_json::value::RawValue;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `tools`, of `tools/list`.
    Tools,
    /// `tasks`, of `tasks/list`.
    Tasks,
}

/// A reply that has no such list where it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoList;

#[derive(serde::Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    result: ListResult<'a>,
}

/// Read as a struct, so that a member which stands there twice is an error: readers differ in which one counts.
#[derive(serde::Deserialize)]
struct ListResult<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tasks: Option<&'a RawValue>,
}

/// Where the list stands in the reply, and what is left of it. `None` if nothing has to go.
///
/// # Errors
/// It is no such reply, so nobody knows what it offers.
pub fn without(
    reply: &[u8],
    list: List,
    stays: impl Fn(&str) -> bool,
) -> Result<Option<(Range<usize>, String)>, NoList> {
    let Reply { result } = serde_json::from_slice(reply).map_err(|_| NoList)?;
    let array = match list {
        List::Tools => result.tools,
        List::Tasks => result.tasks,
    };
    let Some(array) = array else { return Ok(None) };
    let mut kept = String::from("[");
    let mut is_whole = true;
    for entry in elements(array.get()) {
        let entry = entry.map_err(|_| NoList)?;
        if stays(entry) {
            kept += if kept.len() > 1 { "," } else { "" };
            kept += entry;
        } else {
            is_whole = false;
        }
    }
    if is_whole {
        return Ok(None);
    }
    kept.push(']');
    let start = array.get().as_ptr().addr() - reply.as_ptr().addr();
    Ok(Some((start..start + array.get().len(), kept)))
}
