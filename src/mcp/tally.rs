//! What is counted of the calls to one server. A call that ends costs two additions and no memory.

use std::time::Duration;

use super::method::McpMethod;
use crate::base::histogram::Histogram;

/// From what a server on the same machine answers with out of its memory to the longest that anybody waits for a tool.
const BOUNDS: [Duration; 18] = [
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(120),
    Duration::from_secs(300),
    Duration::from_secs(600),
];

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// With a result. A tool that failed says so within it.
    Ok,
    /// With an error of the upstream.
    Error,
    /// The upstream gave no answer: [`super::trouble::Trouble`] says why.
    Failed,
    /// Nobody wanted the answer any more.
    Cancelled,
}

impl CallEnd {
    /// All of them, in the order of their declaration.
    pub const ALL: [CallEnd; 4] = [CallEnd::Ok, CallEnd::Error, CallEnd::Failed, CallEnd::Cancelled];

    /// In one word.
    pub fn as_str(self) -> &'static str {
        match self {
            CallEnd::Ok => "ok",
            CallEnd::Error => "error",
            CallEnd::Failed => "failed",
            CallEnd::Cancelled => "cancelled",
        }
    }
}

/// The counts of one server.
#[derive(Debug)]
pub struct Tally {
    calls: [[u64; CallEnd::ALL.len()]; McpMethod::ALL.len()],
    times: Histogram<{ BOUNDS.len() }>,
    /// How often it was started anew.
    pub restarts: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Tally { calls: [[0; CallEnd::ALL.len()]; McpMethod::ALL.len()], times: Histogram::new(&BOUNDS), restarts: 0 }
    }
}

impl Tally {
    /// A call has ended, so long after it came.
    pub fn on_call_over(&mut self, method: McpMethod, end: CallEnd, took: Duration) {
        self.calls[method as usize][end as usize] += 1;
        self.times.add(took);
    }

    /// How many calls ended in which way; what has not happened is left out.
    pub fn calls(&self) -> impl Iterator<Item = (McpMethod, CallEnd, u64)> {
        let all = McpMethod::ALL.into_iter().flat_map(|method| CallEnd::ALL.map(|end| (method, end)));
        let counted = all.map(|(method, end)| (method, end, self.calls[method as usize][end as usize]));
        counted.filter(|(.., count)| *count > 0)
    }

    /// How long all of them took together.
    pub fn times(&self) -> &Histogram<{ BOUNDS.len() }> {
        &self.times
    }
}
