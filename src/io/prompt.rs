//! A line from a terminal that nobody sees.

use std::io::{self, BufRead, Write, stderr, stdin};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// What the terminal sends for Ctrl-C.
const INTERRUPT: u8 = 3;

/// A terminal that does not show what is typed, until this is dropped. Ctrl-C ends the line instead of the process,
/// which would leave the terminal like this.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn new() -> io::Result<Hidden> {
        let before = tcgetattr(stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
        tcsetattr(stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

/// Asks for a line on the terminal that stdin is. `None`: Ctrl-C, or the terminal is gone.
pub fn hidden_line(question: &str) -> io::Result<Option<Vec<u8>>> {
    let hidden = Hidden::new()?;
    let mut stderr = stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let line = line();
    drop(hidden);
    writeln!(stderr)?;
    line
}

/// A terminal gives one line at a time, with what ended it: Ctrl-C, a line end, or, for Ctrl-D, nothing.
fn line() -> io::Result<Option<Vec<u8>>> {
    let mut stdin = stdin().lock();
    let mut line = stdin.fill_buf()?.to_vec();
    stdin.consume(line.len());
    match line.pop() {
        Some(b'\n') => Ok(Some(line)),
        Some(INTERRUPT) | None => Ok(None),
        Some(last) => {
            line.push(last);
            Ok(Some(line))
        }
    }
}
