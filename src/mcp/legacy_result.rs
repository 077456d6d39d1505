//! Results of modern upstreams, as legacy downstreams can read them (bridge, section 3). Nearly all can be read as they
//! are: newer members are left in place. What was allowed to be anything and once had to be an object goes.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::codec::jsonrpc::elements::{NotAnArray, elements};
use crate::codec::jsonrpc::envelope::{Message, Outcome, json_string, read_message};
use crate::codec::jsonrpc::members::{Member, cut, members, pick};
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::search::{hides_ascii, is_each};
use crate::codec::jsonrpc::splice::range_in;
use crate::codec::jsonrpc::write;

/// What changes in a reply to `tools/call`: `structuredContent` that is no object is taken out (2025-11-25, tools,
/// Structured Content). It becomes a text, if there is none that says the same in words. A reply that cannot be read
/// stays as it is.
pub fn of_call(line: &[u8]) -> Rewrite {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"structuredContent\""));
    if is_each(line, &KEY, |value| value.starts_with(b"{")) && !hides_ascii(line) {
        return Rewrite::default();
    }
    result(line).and_then(|result| call(line, result)).unwrap_or_default()
}

fn call(line: &[u8], result: &str) -> Option<Rewrite> {
    let mut rewrite = Rewrite::default();
    let (mut structured, mut content) = (None, None);
    let start = range_in(line, result)?.start;
    let cut = cut(result, |member| match &*member.key {
        "structuredContent" if !member.value.starts_with('{') => {
            structured = Some(text_of(result, member));
            true
        }
        "content" => {
            content = Some(text_of(result, member));
            false
        }
        _ => false,
    })
    .ok()?;
    let Some(structured) = structured.flatten() else { return Some(rewrite) };
    for range in &cut.ranges {
        rewrite.remove(start + range.start..start + range.end);
    }
    let block = format!("{{\"type\":\"text\",\"text\":{}}}", write::string(structured));
    match content.flatten() {
        None => {
            let comma = if cut.left > 0 { "," } else { "" };
            let opening = start + cut.opening;
            rewrite.replace(opening..opening + 1, format!("{{\"content\":[{block}]{comma}"));
        }
        Some(content) => {
            let place = range_in(line, content)?;
            let (mut count, mut has_text) = (0, false);
            let is_read = elements(content).try_for_each(|block| {
                has_text |= is_of_type(block?, "text");
                count += 1;
                Ok::<(), NotAnArray>(())
            });
            match is_read {
                Err(NotAnArray) => rewrite.replace(place, format!("[{block}]")),
                Ok(()) if has_text => {}
                Ok(()) => {
                    let comma = if count == 0 { "" } else { "," };
                    rewrite.replace(place.end - 1..place.end, format!("{comma}{block}]"));
                }
            }
        }
    }
    Some(rewrite)
}

/// A member's value, borrowed from its object.
fn text_of<'a>(object: &'a str, member: &Member<'_>) -> Option<&'a str> {
    object.get(member.value_range())
}

/// Whether an object has this `type`.
fn is_of_type(object: &str, name: &str) -> bool {
    let kind = pick(object, ["type"]).ok().and_then(|[kind]| json_string(kind?));
    kind.is_some_and(|kind| kind == name)
}

/// What changes in a reply to `tools/list`: an `outputSchema` whose `type` is not `object` is taken out (2025-11-25,
/// tools, Output Schema); one of them makes a strict downstream refuse the whole list. A reply that cannot be read
/// stays as it is.
pub fn of_list(line: &[u8]) -> Rewrite {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"outputSchema\""));
    if KEY.find(line).is_none() && !hides_ascii(line) {
        return Rewrite::default();
    }
    result(line).and_then(|result| list(line, result)).unwrap_or_default()
}

fn list(line: &[u8], result: &str) -> Option<Rewrite> {
    let mut rewrite = Rewrite::default();
    for member in members(result) {
        let member = member.ok()?;
        if member.key != "tools" {
            continue;
        }
        for tool in elements(member.value) {
            let tool = tool.ok()?;
            if !tool.starts_with('{') {
                continue;
            }
            let start = range_in(line, tool)?.start;
            let is_spoilt = |member: &Member<'_>| member.key == "outputSchema" && !is_of_type(member.value, "object");
            for range in cut(tool, is_spoilt).ok()?.ranges {
                rewrite.remove(start + range.start..start + range.end);
            }
        }
    }
    Some(rewrite)
}

/// The result of a reply.
fn result(line: &[u8]) -> Option<&str> {
    match read_message(line) {
        Ok(Message::Response { outcome: Outcome::Result(result), .. }) => Some(result),
        Ok(_) | Err(_) => None,
    }
}
