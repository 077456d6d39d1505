//! The usual message: known members in plain spelling, each once, and nothing wrong anywhere.
//!
//! Nearly every message is one, and this finds its members in a single pass, at a fraction of what `serde_json` takes.
//! All of the text is validated on the way (RFC 8259). What is not usual is not judged here: an escaped or unknown
//! key, a deep nest, an error of any kind are left to the careful path of [`super::envelope`], which knows what to say
//! about them.

/// Nested values deeper than this are unusual.
const DEPTH_MAX: usize = 32;

/// Calls `on_member` with each member of the object that `text` is: its key, between the quotes, and its value, as
/// JSON text. `None`: it is not usual, or `on_member` says that a member is not.
pub(super) fn members<'a>(text: &'a str, mut on_member: impl FnMut(&'a str, &'a str) -> Option<()>) -> Option<()> {
    let mut scanner = Scanner::new(text);
    scanner.skip_space();
    scanner.take(b'{')?;
    loop {
        scanner.skip_space();
        let key = scanner.at + 1;
        scanner.skip_string()?;
        let key = text.get(key..scanner.at - 1)?;
        scanner.skip_colon()?;
        let value = scanner.at;
        scanner.skip_usual_value()?;
        on_member(key, text.get(value..scanner.at)?)?;
        if !scanner.goes_on(b'}')? {
            break;
        }
    }
    scanner.skip_space();
    (scanner.at == text.len()).then_some(())
}

/// How a string is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// What stands between the quotes is the string.
    Plain,
    /// With escapes, still to be resolved.
    Escaped,
}

/// A place in a text. Whatever is not as it should be makes `None`; the place is then anywhere.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning.
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { bytes: text.as_bytes(), at: 0 }
    }

    /// Where it is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on, or back, to another place.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The byte here.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte here, and on to the next.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte that is not white space, and on to the one behind it.
    pub(super) fn visible(&mut self) -> Option<u8> {
        self.skip_space();
        self.next()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// White space (RFC 8259, section 2), if there is any.
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// With the space around it.
    pub(super) fn skip_colon(&mut self) -> Option<()> {
        self.skip_space();
        self.take(b':')?;
        self.skip_space();
        Some(())
    }

    /// Behind an entry of an object or array: whether there is another one.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.skip_space();
        match self.next()? {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    /// The value that begins here. `None`, too, where it is not usual.
    pub(super) fn skip_usual_value(&mut self) -> Option<()> {
        self.skip_value(DEPTH_MAX)
    }

    fn skip_value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.skip_string().map(|_| ()),
            b'{' => self.skip_entries(b'}', depth.checked_sub(1)?),
            b'[' => self.skip_entries(b']', depth.checked_sub(1)?),
            b't' => self.skip_word(b"true"),
            b'f' => self.skip_word(b"false"),
            b'n' => self.skip_word(b"null"),
            _ => self.skip_number(),
        }
    }

    /// An object or an array, which `end` ends.
    fn skip_entries(&mut self, end: u8, depth: usize) -> Option<()> {
        self.at += 1;
        self.skip_space();
        if self.peek()? == end {
            self.at += 1;
            return Some(());
        }
        loop {
            self.skip_space();
            if end == b'}' {
                self.skip_string()?;
                self.skip_colon()?;
            }
            self.skip_value(depth)?;
            if !self.goes_on(end)? {
                return Some(());
            }
        }
    }

    fn skip_word(&mut self, word: &[u8]) -> Option<()> {
        self.bytes[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn skip_number(&mut self) -> Option<()> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        if self.peek()? == b'0' {
            self.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.skip_digits()?;
        }
        Some(())
    }

    /// At least one.
    fn skip_digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// The string that begins here.
    pub(super) fn skip_string(&mut self) -> Option<Spelling> {
        self.take(b'"')?;
        let mut spelling = Spelling::Plain;
        loop {
            self.skip_plain();
            match self.next()? {
                b'"' => return Some(spelling),
                b'\\' => {
                    self.skip_escape()?;
                    spelling = Spelling::Escaped;
                }
                byte if is_plain(byte) => {} // one of the last few bytes of the text
                _ => return None,
            }
        }
    }

    /// What follows a backslash. Whether two `\u` make a pair is for who resolves them.
    fn skip_escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => (0..4).try_for_each(|_| self.next()?.is_ascii_hexdigit().then_some(())),
            _ => None,
        }
    }

    /// Up to the next byte that is not plain, by eight at a time; it may stop earlier where fewer are left.
    fn skip_plain(&mut self) {
        while let Some(eight) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk()) {
            let plain = plain_bytes(*eight);
            self.at += plain;
            if plain < eight.len() {
                return;
            }
        }
    }
}

/// Whether a byte stands for itself in a string.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// How many bytes come before the first that is not plain. In a byte that is to be found, the subtraction below borrows
/// into the highest bit; it may also do so in the bytes behind, which does not matter, and never in those before. With
/// the bit of 2 turned over, the quote is the least byte above the control characters, and one comparison finds all.
fn plain_bytes(eight: [u8; 8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let bytes = u64::from_le_bytes(eight);
    let less_than = |bytes: u64, bound: u8| bytes.wrapping_sub(ONES * u64::from(bound)) & !bytes;
    let turned = |by: u8| bytes ^ (ONES * u64::from(by));
    let found = (less_than(turned(2), b'!') | less_than(turned(b'\\'), 1)) & HIGH;
    found.trailing_zeros() as usize / 8
}
