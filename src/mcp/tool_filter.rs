//! Which tools of a server downstreams get to see and to call.
//!
//! A name of the filter stands for the tool of exactly that name; each `*` in it for any characters, or none. A list
//! loses the tools that are filtered and keeps every other byte. What cannot be judged is not offered.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::list_filter::{self, List, NoList};
use crate::config::{ToolFilter, ToolFilterMode};
use crate::limits::TOOL_NAME_BYTES_MAX;

/// Whether a tool passes the filter. What is too long to be a name does not.
pub fn is_offered(filter: &ToolFilter, tool: &str) -> bool {
    if tool.len() > TOOL_NAME_BYTES_MAX {
        return false;
    }
    let is_listed = filter.names.iter().any(|pattern| is_match(pattern, tool));
    match filter.mode {
        ToolFilterMode::Allow => is_listed,
        ToolFilterMode::Block => !is_listed,
    }
}

/// Whether `text` is what `pattern` stands for. Where a `*` has taken too little it takes one more; only the last one
/// is tried again, since whatever an earlier one could gain, the last one gains as well.
pub fn is_match(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Behind the last star, and where the text that it does not take begins.
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            at_pattern += 1;
            retry = Some((at_pattern, at_text));
        } else if pattern.get(at_pattern) == Some(&text[at_text]) {
            (at_pattern, at_text) = (at_pattern + 1, at_text + 1);
        } else if let Some((behind_star, taken_to)) = retry {
            (at_pattern, at_text) = (behind_star, taken_to + 1);
            retry = Some((behind_star, taken_to + 1));
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

/// The tools that the parameters of a `tools/call` name. More than one where readers could differ: keys that differ
/// in letter case only are one to some. `None` where there is no name that is a string.
pub fn called_tool(params: Option<&str>) -> Option<Cow<'_, str>> {
    let CallParams(mut names) = serde_json::from_str(params?).ok()?;
    let name = names.pop().filter(|_| names.is_empty())?;
    string(name)
}

/// Where the `tools` of an answer to `tools/list` stand in its message, and what is left of them: neither those that
/// are filtered, nor those that are not valid. `None` if nothing has to go.
///
/// # Errors
/// It is no such answer, so nobody knows what it offers.
pub fn without_filtered(
    filter: &ToolFilter,
    message: &[u8],
    is_valid: impl Fn(&str) -> bool,
) -> Result<Option<(Range<usize>, String)>, NoList> {
    list_filter::without(message, List::Tools, |tool| {
        let name = serde_json::from_str::<Tool<'_>>(tool).ok().map(|Tool { name }| name);
        name.is_some_and(|name| is_offered(filter, &name)) && is_valid(tool)
    })
}

#[derive(serde::Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// All values of members called `name`, in any letter case.
struct CallParams<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for CallParams<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        #[derive(serde::Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        impl<'de> Visitor<'de> for Members {
            type Value = CallParams<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CallParams<'de>, A::Error> {
                let mut names = Vec::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    if key.eq_ignore_ascii_case("name") {
                        names.push(value);
                    }
                }
                Ok(CallParams(names))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn string(json: &RawValue) -> Option<Cow<'_, str>> {
    crate::codec::jsonrpc::envelope::json_string(json.get())
}
