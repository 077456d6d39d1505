//! Looking for members in a text without reading it. Large messages are searched at a fraction of what reading takes,
//! and as a rule what is looked for is nowhere in them.

use memchr::memmem::Finder;

/// Whether a character of ASCII is written as `\u0020` to `\u007f` somewhere: a key that is so spelt is not found by
/// its name. (Those that have a slash can also be spelt with `\/`.)
pub fn hides_ascii(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"\\u00").any(|at| matches!(text.get(at + 4), Some(b'2'..=b'7')))
}

/// Whether a member of this key, which has its quotes, may stand somewhere: spelt out, or with escapes.
pub fn can_have(text: &[u8], key: &Finder<'_>) -> bool {
    key.find(text).is_some() || hides_ascii(text)
}

/// Whether each member whose key is `key`, which has its quotes, begins as `is_expected` says, wherever in the text it
/// stands. A string that is no key, and reads the same, does not.
pub fn is_each(text: &[u8], key: &Finder<'_>, is_expected: impl Fn(&[u8]) -> bool) -> bool {
    key.find_iter(text).all(|at| {
        let behind = text.get(at + key.needle().len()..).unwrap_or_default().trim_ascii_start();
        behind.strip_prefix(b":").is_some_and(|value| is_expected(value.trim_ascii_start()))
    })
}
