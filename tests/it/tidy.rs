//! The house rules, as tests: `layers` keeps the rows of the tree apart, `style` keeps files and functions small and
//! the core free of I/O, `dependencies` keeps Cargo.toml to what is used. Every message says what to do. The checkers
//! themselves are tested on small bad samples, so that a rule that can no longer fail is noticed.

mod dependencies;
mod layers;
mod source;
mod style;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Where, relative to the root of the repository.
    path: String,
    /// Which line, from 1; 0 for the file as a whole.
    line: usize,
    /// What is wrong and what to do instead.
    advice: String,
}

impl Finding {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, advice: advice.into() }
    }
}

/// Fails with all findings, one a line, in the form that editors make clickable.
#[track_caller]
fn assert_none(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(|f| format!("{}:{}: {}", f.path, f.line, f.advice)).collect();
    assert!(lines.is_empty(), "{} broken house rule(s):\n{}", lines.len(), lines.join("\n"));
}
