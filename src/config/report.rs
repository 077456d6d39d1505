//! What is wrong with a configuration: all of it at once, each with its place and with advice.
//!
//! ```text
//! config.json:7:15: mcpServers.fetch.args[1]: must be a string, but is a number
//!     Put it in quotes.
//! ```
//!
//! Values are not repeated: they may be secrets, and messages end up in logs.

use std::fmt;

use super::names;
use super::source::{Position, Source};

/// Characters of a name that the user typed which are repeated in a message.
const SHOWN_CHARS_MAX: usize = 60;

/// Where something stands: in the file, and in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In bytes from the start of the file.
    pub offset: usize,
    /// `mcpServers.fetch.args[1]`; empty for the file as a whole.
    pub path: String,
}

impl Place {
    /// The file as a whole.
    pub fn top() -> Place {
        Place { offset: 0, path: String::new() }
    }
}

/// The path of a member: `a.b`, or `a["b c"]` where the key is no plain word. A server's name may contain a token.
pub fn member_path(parent: &str, key: &str) -> String {
    let label = names::label(key, false);
    let key = if key.contains('/') { label.as_str() } else { key };
    let is_plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    match (is_plain && key.len() <= SHOWN_CHARS_MAX, parent) {
        (true, "") => key.to_owned(),
        (true, _) => format!("{parent}.{key}"),
        (false, _) => format!("{parent}[\"{}\"]", shown(key)),
    }
}

/// A name that the user typed, fit for a terminal: control characters escaped, cut where it is very long.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// One thing to put right, or to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub position: Position,
    /// `mcpServers.fetch.args[1]`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What would be right; one sentence or several lines.
    pub advice: String,
    file: String,
}

impl Problem {
    /// The same for a log, where a line is a line.
    pub fn to_line(&self) -> String {
        self.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.position.line, self.position.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.what)?;
        self.advice.lines().try_for_each(|line| write!(f, "\n    {line}"))
    }
}

/// Why a configuration is refused: at least one problem, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Collects while the configuration is read.
#[derive(Debug, Default)]
pub struct Report {
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
    /// Offsets of values of which no more is to be said.
    settled: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: Place,
    what: String,
    advice: String,
}

impl Report {
    /// Notes something that must be put right. The same again, of a value that several servers inherit, is not noted.
    pub fn error(&mut self, place: &Place, what: impl Into<String>, advice: impl Into<String>) {
        let finding = Finding { place: place.clone(), what: what.into(), advice: advice.into() };
        if !self.settled.contains(&place.offset) && !self.errors.contains(&finding) {
            self.errors.push(finding);
        }
    }

    /// Notes something that the user should know.
    pub fn warn(&mut self, place: &Place, what: impl Into<String>, advice: impl Into<String>) {
        self.warnings.push(Finding { place: place.clone(), what: what.into(), advice: advice.into() });
    }

    /// What stands there is not what the user meant it to be, which has been reported: nothing more is noted about it.
    pub(super) fn settle(&mut self, place: &Place) {
        self.settled.push(place.offset);
    }

    /// The warnings if there are no errors, else the errors.
    pub fn finish(self, source: &Source) -> Result<Vec<Problem>, Problems> {
        if self.errors.is_empty() {
            Ok(in_file_order(self.warnings, source))
        } else {
            Err(Problems(in_file_order(self.errors, source)))
        }
    }
}

fn in_file_order(mut findings: Vec<Finding>, source: &Source) -> Vec<Problem> {
    findings.sort_by_key(|finding| finding.place.offset);
    findings
        .into_iter()
        .map(|Finding { place, what, advice }| Problem {
            position: source.position(place.offset),
            path: place.path,
            what,
            advice,
            file: source.name().to_owned(),
        })
        .collect()
}
