//! The input of the fuzzer, read as one choice after another.

/// Ends a text within the input. No UTF-8 has it, so that what is added to a text, or taken away, moves nothing else.
const TEXT_END: u8 = 0xff;

/// The longest text.
const TEXT_BYTES_MAX: usize = 1_024;

/// What is left of the input.
pub(super) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(super) fn new(input: &'a [u8]) -> Choices<'a> {
        Choices(input)
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// 0 when there is nothing left.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// 0 to `bound - 1`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn pick<'b, T>(&mut self, all: &'b [T]) -> &'b T {
        &all[self.below(all.len())]
    }

    /// One of those that there are, counted from the newest.
    pub(super) fn newest<'b, T>(&mut self, all: &'b [T]) -> Option<&'b T> {
        let back = self.below(all.len());
        all.iter().rev().nth(back)
    }

    /// Where one of `count` is, counted from the newest.
    pub(super) fn place(&mut self, count: usize) -> Option<usize> {
        let back = self.below(count);
        (count > 0).then(|| count - 1 - back)
    }

    /// Any bytes. There is no tilde among them: what begins with one, only the stage itself says.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        let length = self.0.iter().take(TEXT_BYTES_MAX).take_while(|byte| **byte != TEXT_END).count();
        let (text, rest) = self.0.split_at(length);
        self.0 = rest.strip_prefix(&[TEXT_END]).unwrap_or(rest);
        text.iter().map(|byte| if *byte == b'~' { b'-' } else { *byte }).collect()
    }

    /// The same as text.
    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// The same as what may stand in a line of a head.
    pub(super) fn word(&mut self) -> String {
        self.text().chars().filter(|c| c.is_ascii_graphic()).collect()
    }
}
