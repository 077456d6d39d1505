//! Members that are one and the same to some readers.
//!
//! Of a member that stands there twice most readers take the last one, and some the first. To others, Go's
//! `encoding/json` above all, keys that differ in letter case only are one as well, with U+017F for an `s` and U+212A
//! for a `k`. Whatever the proxy goes by has to be what an upstream goes by, whichever it is: so there must be one
//! member that could be meant, in its own spelling.

use super::members::members;

/// Several members could be meant, or one that is not spelt as it should be, or the text is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclear;

/// Whether some reader takes a key for `name`, which is made of ASCII letters.
pub fn is_alike(key: &str, name: &str) -> bool {
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    let folded = key.chars().map(|char| match char {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        char => char.to_ascii_lowercase(),
    });
    folded.eq(name.chars().map(|char| char.to_ascii_lowercase()))
}

/// Whether a key that some reader takes for `name`, which is ASCII, may stand somewhere in a text: spelt out in any
/// letter case, or hidden behind an escape or a letter that is not ASCII. `rare` is the place in the name of a byte
/// that texts seldom have: it is what is searched for.
pub fn can_have_alike(text: &str, name: &str, rare: usize) -> bool {
    let (bytes, name) = (text.as_bytes(), name.as_bytes());
    let Some(byte) = name.get(rare) else { return true };
    let is_there = |at: usize| {
        let start = at.checked_sub(rare);
        start.and_then(|start| bytes.get(start..start + name.len())).is_some_and(|key| key.eq_ignore_ascii_case(name))
    };
    memchr::memchr3_iter(byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), b'\\', bytes)
        .any(|at| is_there(at) || bytes[at..].starts_with(b"\\u"))
        || (!bytes.is_ascii() && folds_to_ascii(bytes))
}

/// Whether one of the two letters is there that fold to `s` and `k`.
fn folds_to_ascii(text: &[u8]) -> bool {
    memchr::memmem::find(text, "\u{17f}".as_bytes()).is_some()
        || memchr::memmem::find(text, "\u{212a}".as_bytes()).is_some()
}

/// The only member of that name, as JSON text; `None` if there is none, or no object.
///
/// # Errors
/// Some reader could find another one.
pub fn sole<'a>(object: Option<&'a str>, name: &str) -> Result<Option<&'a str>, Unclear> {
    let Some(object) = object else { return Ok(None) };
    let mut found = None;
    for member in members(object) {
        let member = member.map_err(|_| Unclear)?;
        let is_named = member.key == name;
        if is_named && found.replace(member.value).is_none() {
            continue;
        }
        if is_named || is_alike(&member.key, name) {
            return Err(Unclear);
        }
    }
    Ok(found)
}
