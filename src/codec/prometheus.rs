//! Prometheus' text format, version 0.0.4: families of samples, each with what it means.
//!
//! ```text
//! # HELP mcp_proxy_sessions Sessions.
//! # TYPE mcp_proxy_sessions gauge
//! mcp_proxy_sessions{server="time"} 3
//! ```

use std::fmt::{Display, Write as _};

use crate::base::histogram::Histogram;

/// Its media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Names and values, as `[("server", "time")]`.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// How the samples of a family behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, until the process starts anew. The name ends in `_total`.
    Counter,
    /// They go up and down.
    Gauge,
    /// Counts of times in seconds, by how long they were. The name ends in `_seconds`.
    Histogram,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A page under construction.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins a family; its samples have to follow at once. `help` is one line without backslashes.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = kind.as_str();
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n"); // a String takes everything
        Family { page: &mut self.0, name }
    }

    /// All that was written.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Where the samples of one family go.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// A number.
    pub fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// The numbers that are a histogram.
    pub fn histogram<const N: usize>(&mut self, labels: Labels<'_>, histogram: &Histogram<N>) {
        for (bound, count) in histogram.up_to_bounds() {
            self.line("_bucket", labels, Some(&bound.as_secs_f64().to_string()), count);
        }
        self.line("_bucket", labels, Some("+Inf"), histogram.count());
        self.line("_sum", labels, None, histogram.sum().as_secs_f64());
        self.line("_count", labels, None, histogram.count());
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, bound: Option<&str>, value: impl Display) {
        self.page.extend([self.name, suffix]);
        let labels = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut is_first = true;
        for (name, value) in labels {
            self.page.push(if is_first { '{' } else { ',' });
            is_first = false;
            self.label(name, value);
        }
        let end = if is_first { "" } else { "}" };
        let _ = writeln!(self.page, "{end} {value}"); // a String takes everything
    }

    fn label(&mut self, name: &str, value: &str) {
        self.page.extend([name, "=\""]);
        for c in value.chars() {
            match c {
                '\\' => self.page.push_str("\\\\"),
                '"' => self.page.push_str("\\\""),
                '\n' => self.page.push_str("\\n"),
                c => self.page.push(c),
            }
        }
        self.page.push('"');
    }
}
