//! Calls, and what their answers must be.

use serde_json::Value;

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Value,
    pub(super) kind: Kind,
    /// What progress may be reported with, and the last that was.
    pub(super) progress: Option<(Value, u64)>,
    /// Over HTTP+SSE: whether it has arrived.
    pub(super) is_accepted: bool,
    /// What it is known by where it runs.
    pub(super) mark: u64,
}

/// What was called, and what its answer must carry.
#[derive(Debug)]
pub(super) enum Kind {
    Echo(String),
    Add(u64, u64),
    Big(usize),
    Slow(u64),
    Roots,
    Sample,
    /// A form.
    Ask,
    /// Many questions. Whether all of them reach whoever they are for: elsewhere that is a guess.
    Quiz {
        is_sure: bool,
    },
    Log,
    /// A line of the log that nobody wants.
    Whisper,
    Crash,
    Unknown,
    /// A resource that there is not.
    Missing,
    /// An `initialize` over HTTP+SSE.
    Introduction,
    /// `resources/subscribe`.
    Subscribe,
    /// `logging/setLevel`, to what all here set it to.
    SetLevel,
    /// A list, a ping: the answer has this member.
    Other(Option<&'static str>),
}

impl Kind {
    /// Whether this is the result, where `who` has answered what was asked.
    pub(super) fn is_answered_by(&self, result: &Value, who: &str) -> bool {
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let is_error = result["isError"] == true;
        match self {
            Kind::Echo(marker) => text == marker,
            Kind::Add(a, b) => result["structuredContent"]["sum"] == a + b,
            Kind::Big(bytes) => text.len() == *bytes && text.ends_with(&big_end(*bytes)),
            Kind::Slow(steps) => text.starts_with(&format!("Done: {steps} steps")),
            Kind::Roots => is_error || text == format!("file:///{who}"),
            Kind::Sample => is_error || text == format!("model said: {who}"),
            Kind::Ask => is_error || text.ends_with(&format!("by = \"{who}\"")) || text.contains("dismissed"),
            Kind::Quiz { is_sure } => {
                let heard: Vec<String> = serde_json::from_str(text).expect("what was heard");
                let is_fate = |heard: &String| ["refused", "withdrawn", "nothing"].contains(&heard.as_str());
                !is_sure || heard.iter().all(|heard| heard == who || is_fate(heard))
            }
            Kind::Log => text.starts_with("Sent") || text.starts_with("Not sent"),
            Kind::Whisper => text.starts_with("Not sent"),
            Kind::Introduction => result["serverInfo"]["name"] == "demo",
            Kind::Subscribe | Kind::SetLevel => result.is_object(),
            Kind::Crash | Kind::Unknown | Kind::Missing => false,
            Kind::Other(member) => member.is_none_or(|member| result.get(member).is_some()),
        }
    }
}

/// The end of what the tool `big` answers.
fn big_end(bytes: usize) -> String {
    let start = bytes.saturating_sub(1) / 16 * 16;
    format!("{start:015} ")[..bytes - start].to_owned()
}
