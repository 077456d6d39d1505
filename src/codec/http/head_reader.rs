//! Where a head ends: everything up to the empty line, of requests and responses alike (RFC 9112, 2 to 5).
//!
//! Lines are judged as they become complete, so a head that can never become valid is refused before it ends; the
//! unfinished line is checked for control characters, and an unfinished first line for all it can be checked for.
//! Each byte is looked at a bounded number of times however slowly the head drips in.

use super::grammar::is_text_byte;
use super::refusal::Refusal;

/// What sets one kind of heads apart from the other.
#[derive(Debug)]
pub(super) struct HeadRules {
    /// A head's length with the empty line at its end.
    pub(super) bytes_max: usize,
    /// What a longer one is refused with.
    pub(super) too_large: Refusal,
    /// Empty lines that are skipped before the first line.
    pub(super) empty_lines_max: usize,
    /// Whether the beginning of a first line can still become one.
    pub(super) check_prefix: fn(&[u8]) -> Result<(), Refusal>,
    /// Judges complete lines of a head that has not ended; there is at least one.
    pub(super) check_lines: fn(&[u8]) -> Result<(), Refusal>,
}

/// What [`HeadReader::handle`] made of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// The head is not complete.
    Incomplete,
    /// An empty line before the first line, of this length: to be skipped.
    EmptyLine(usize),
    /// The head ends after this many bytes. Its lines have not been judged.
    Complete(usize),
}

/// How far the search for the end of a head has come.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    empty_lines: usize,
    /// The lines before this offset are complete and in order.
    judged: usize,
    /// The bytes before this offset contain no line end but those of the judged lines.
    searched: usize,
}

impl HeadReader {
    /// Looks for a head at the start of `input`, which begins with all that an earlier call called incomplete.
    pub(super) fn handle(&mut self, rules: &HeadRules, input: &[u8]) -> Result<Progress, Refusal> {
        let window = &input[..input.len().min(rules.bytes_max)];
        let mut at = self.judged;
        while let Some(end) = memchr::memchr(b'\n', &window[self.searched..]).map(|offset| self.searched + offset) {
            let Some(line) = window[at..end].strip_suffix(b"\r") else {
                return Err(refuse_bare_lf(rules, window, at, end));
            };
            if line.is_empty() && at == 0 {
                return self.on_empty_line(rules);
            }
            if line.is_empty() {
                return Ok(Progress::Complete(end + 1));
            }
            at = end + 1;
            self.searched = at;
        }
        self.on_incomplete(rules, input, window, at)
    }

    /// Whether any byte of a head has come.
    pub(super) fn is_begun(&self) -> bool {
        self.searched > 0 || self.empty_lines > 0
    }

    fn on_empty_line(&mut self, rules: &HeadRules) -> Result<Progress, Refusal> {
        if self.empty_lines == rules.empty_lines_max {
            return Err(Refusal::limit(400, "more empty lines before the first line than", self.empty_lines));
        }
        self.empty_lines += 1;
        self.searched = 0;
        Ok(Progress::EmptyLine(2))
    }

    /// The window ends within the line that begins at `at`.
    fn on_incomplete(
        &mut self,
        rules: &HeadRules,
        input: &[u8],
        window: &[u8],
        at: usize,
    ) -> Result<Progress, Refusal> {
        if at > self.judged {
            (rules.check_lines)(&window[..at])?;
            self.judged = at;
        }
        // A CR at the very end may be the first half of a line end; it is looked at again with what follows.
        let tail = window.strip_suffix(b"\r").filter(|tail| tail.len() >= at).unwrap_or(window);
        if at == 0 {
            (rules.check_prefix)(tail)?;
        }
        if !tail[self.searched.min(tail.len())..].iter().copied().all(is_text_byte) {
            return Err(Refusal::bad_request("a line of the head contains a control character"));
        }
        if input.len() > rules.bytes_max {
            return Err(rules.too_large);
        }
        self.searched = tail.len();
        Ok(Progress::Incomplete)
    }
}

/// The line from `at` to `end` ends in LF alone; but what was wrong before that is refused first. RFC 9112 (2.2) lets
/// us take LF for a line end. We do not: whoever stands between us and the peer may take it for part of the line, and
/// then one of us sees a header, or a whole message, that the other does not.
fn refuse_bare_lf(rules: &HeadRules, window: &[u8], at: usize, end: usize) -> Refusal {
    let before = if at == 0 { (rules.check_prefix)(&window[..end]) } else { (rules.check_lines)(&window[..at]) };
    before.err().unwrap_or(Refusal::bad_request("a line of the head ends in LF without CR"))
}
