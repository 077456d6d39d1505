//! The quick path: whose answer is this line?
//!
//! A child's answer may be megabytes long, and all that routes it is its id. Official SDKs write the id either right at
//! the front (`{"jsonrpc":"2.0","id":7,"result":…`) or right at the end (`{"result":…,"jsonrpc":"2.0","id":7}`), so a
//! few bytes at both ends settle it. Every other line takes the careful path.
//!
//! Only integers are read here: all ids that we send to children are integers, except those of our own requests.

use std::ops::Range;

/// Where the id of an answer stands, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct QuickAnswer<'a> {
    /// The id, an integer without leading zeros.
    pub id: &'a str,
    /// Its digits within the line.
    pub id_range: Range<usize>,
}

/// Reads the id of a line that is an answer in one of the two usual spellings; `None` says nothing about the line.
pub fn answer(line: &[u8]) -> Option<QuickAnswer<'_>> {
    if line.last() != Some(&b'}') {
        return None;
    }
    front(line).or_else(|| back(line))
}

/// Where the result of an answer begins, whose id stands at `id`, in one of the two usual spellings.
pub fn result_start(line: &[u8], id: &Range<usize>) -> Option<usize> {
    const KEY: &[u8] = b",\"result\":";
    if line.get(id.end..)?.starts_with(KEY) {
        return Some(id.end + KEY.len());
    }
    let heads = [&b"{\"result\":"[..], b"{\"jsonrpc\":\"2.0\",\"result\":"];
    heads.iter().find(|head| line.starts_with(head)).map(|head| head.len())
}

fn front(line: &[u8]) -> Option<QuickAnswer<'_>> {
    const HEAD: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";
    let rest = line.strip_prefix(HEAD)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let after = &rest[digits..];
    if !after.starts_with(b",\"result\":") && !after.starts_with(b",\"error\":") {
        return None;
    }
    number(line, HEAD.len()..HEAD.len() + digits)
}

/// In valid JSON, `,"id":7}` at the very end is a member of the outermost object: the brace closes that object, and
/// the quotes cannot lie inside a string, since that string would still be open.
fn back(line: &[u8]) -> Option<QuickAnswer<'_>> {
    const KEY: &[u8] = b",\"id\":";
    let is_answer = [&b"{\"result\":"[..], b"{\"error\":", b"{\"jsonrpc\":\"2.0\",\"result\":"]
        .iter()
        .any(|head| line.starts_with(head));
    if !is_answer {
        return None;
    }
    let end = line.len() - 1;
    let digits = line[..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let start = end - digits;
    if !line[..start].ends_with(KEY) {
        return None;
    }
    number(line, start..end)
}

fn number(line: &[u8], id_range: Range<usize>) -> Option<QuickAnswer<'_>> {
    let digits = std::str::from_utf8(&line[id_range.clone()]).ok()?;
    let is_number = digits.parse::<u64>().is_ok();
    if !is_number || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some(QuickAnswer { id: digits, id_range })
}
