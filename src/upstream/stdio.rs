//! A link to a child process: its lines, what waits for its stdin, and its last words.

use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::codec::lines::{Line, Lines, Overlong};
use crate::limits;

/// The pipes of one child.
#[derive(Debug)]
pub struct StdioLink {
    /// Messages from the child.
    pub stdout: Lines,
    /// What it has to complain about.
    pub stderr: Lines,
    /// What waits to be written to it.
    pub stdin: Buf,
    /// Whether the shell knows that something waits in `stdin`.
    pub is_transmitting: bool,
    /// Comes up when the child has been silent about its first request for long.
    pub timer: Timer,
    /// The last line of its stderr that was not blank.
    last_words: Option<String>,
}

impl Default for StdioLink {
    fn default() -> Self {
        StdioLink {
            stdout: Lines::new(limits::LINE_BYTES_MAX, Overlong::Skip),
            stderr: Lines::new(limits::STDERR_LINE_BYTES_MAX, Overlong::Truncate),
            stdin: Buf::new(),
            is_transmitting: false,
            timer: Timer::default(),
            last_words: None,
        }
    }
}

impl StdioLink {
    /// The last line that the child wrote to stderr.
    pub fn last_words(&self) -> Option<&str> {
        self.last_words.as_deref()
    }

    /// Takes the splitter of stdout out, to be put back: its lines borrow from it while they are handled.
    pub fn take_stdout(&mut self) -> Lines {
        std::mem::replace(&mut self.stdout, Lines::new(0, Overlong::Skip))
    }

    /// Takes in what the child wrote to stderr; calls `log` for each line that is not blank.
    pub fn on_stderr(&mut self, mut bytes: &[u8], mut log: impl FnMut(&str)) {
        while let Some(line) = self.stderr.handle(&mut bytes) {
            if let Some(text) = readable(line) {
                log(&text);
                self.last_words = Some(text);
            }
        }
    }

    /// The child will write no more to stderr. Its last line, if that lacks an end and is not blank.
    pub fn on_stderr_ended(&mut self) -> Option<String> {
        let text = self.stderr.finish().and_then(readable)?;
        self.last_words = Some(text.clone());
        Some(text)
    }
}

fn readable(line: Line<'_>) -> Option<String> {
    let text = match line {
        Line::Whole(text) | Line::Truncated(text) => text,
        Line::Lump { lump, length } => &lump[..length],
        Line::TooLong => return None,
    };
    let text = String::from_utf8_lossy(text);
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}
