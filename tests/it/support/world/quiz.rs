//! The tool `quiz`: it asks in rounds, several things at once, and does not always wait for the answers.
//!
//! Its arguments are `rounds`, an array of arrays of what is asked (`sampling`, `elicitation`, `roots`); `mood`, which
//! says what happens after `millis` in the first round; and `strict`: whether it fails when it may not ask.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mcp_proxy::demo::Effect;
use serde_json::{Value, json};

use super::machine::Said;

/// It must not think so long that its client loses patience.
const THOUGHT_MAX: Duration = Duration::from_secs(100);

/// One call of it.
pub(super) struct Quiz {
    /// The id of the call.
    pub(super) call: Value,
    token: Option<Value>,
    rounds: VecDeque<Vec<String>>,
    mood: Mood,
    pause: Duration,
    is_strict: bool,
    /// What was asked and not answered: ids, and what kind of answer they want.
    open: Vec<(String, String)>,
    /// What became of what was asked.
    heard: Vec<String>,
    progress: u64,
    pub(super) due: Option<Instant>,
    pub(super) is_over: bool,
}

/// What it does when it has waited for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// It waits on.
    Patient,
    /// It takes back what it has asked, and has its result a while later.
    Withdraws,
    /// It takes back one thing, and waits on for the rest.
    Shrinks,
    /// It asks one more thing.
    Nags,
    /// It has its result without the answers.
    Hasty,
    /// Its process ends.
    Dies,
    /// It has taken everything back and thinks.
    Thinks,
}

impl Mood {
    fn of(name: &Value) -> Mood {
        match name.as_str() {
            Some("withdraws") => Mood::Withdraws,
            Some("shrinks") => Mood::Shrinks,
            Some("nags") => Mood::Nags,
            Some("hasty") => Mood::Hasty,
            Some("dies") => Mood::Dies,
            _ => Mood::Patient,
        }
    }
}

impl Quiz {
    pub(super) fn new(message: &Value) -> Quiz {
        let arguments = &message["params"]["arguments"];
        Quiz {
            call: message["id"].clone(),
            token: message["params"]["_meta"].get("progressToken").cloned(),
            rounds: serde_json::from_value(arguments["rounds"].clone()).expect("rounds"),
            mood: Mood::of(&arguments["mood"]),
            pause: Duration::from_millis(arguments["millis"].as_u64().unwrap_or_default()),
            is_strict: arguments["strict"] == true,
            open: Vec::new(),
            heard: Vec::new(),
            progress: 0,
            due: None,
            is_over: false,
        }
    }

    /// Whether an id is one of its asks'.
    pub(super) fn is_asked_by(id: &str) -> bool {
        id.starts_with("quiz-")
    }

    pub(super) fn is_open(&self, id: &Value) -> bool {
        self.open.iter().any(|(open, _)| id == open)
    }

    /// Asks what is to be asked next; without that it is over.
    pub(super) fn begin_round(&mut self, now: Instant, asks: &mut u64, out: &mut VecDeque<Said>) {
        let Some(kinds) = self.rounds.pop_front() else { return self.finish(out) };
        self.say_progress(out);
        for kind in kinds {
            self.ask(&kind, asks, out);
        }
        if self.open.is_empty() {
            return self.begin_round(now, asks, out);
        }
        if self.mood != Mood::Patient {
            self.due = Some(now + self.pause);
        }
    }

    fn ask(&mut self, kind: &str, asks: &mut u64, out: &mut VecDeque<Said>) {
        *asks += 1;
        let id = format!("quiz-{asks}");
        let ask = match kind {
            "sampling" => {
                let content = json!({"type": "text", "text": "?"});
                let params = json!({"messages": [{"role": "user", "content": content}], "maxTokens": 9});
                json!({"jsonrpc": "2.0", "id": id, "method": "sampling/createMessage", "params": params})
            }
            "elicitation" => {
                let params = json!({"message": "?", "requestedSchema": {"type": "object", "properties": {}}});
                json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": params})
            }
            _ => json!({"jsonrpc": "2.0", "id": id, "method": "roots/list"}),
        };
        self.open.push((id, kind.to_owned()));
        self.say(&ask, out);
    }

    pub(super) fn on_answer(&mut self, message: &Value, now: Instant, asks: &mut u64, out: &mut VecDeque<Said>) {
        let Some(at) = self.open.iter().position(|(open, _)| message["id"] == *open) else { return };
        let (_, kind) = self.open.remove(at);
        self.heard.push(said_by(message, &kind));
        if self.open.is_empty() && self.mood != Mood::Thinks {
            self.begin_round(now, asks, out);
        }
    }

    pub(super) fn on_timeout(&mut self, now: Instant, asks: &mut u64, out: &mut VecDeque<Said>) {
        self.due = None;
        match std::mem::replace(&mut self.mood, Mood::Patient) {
            Mood::Patient => {}
            Mood::Withdraws => {
                self.withdraw_all(out);
                self.mood = Mood::Thinks;
                self.due = Some(now + self.pause.min(THOUGHT_MAX));
            }
            Mood::Shrinks => {
                self.withdraw(out);
                if self.open.is_empty() {
                    self.begin_round(now, asks, out);
                }
            }
            Mood::Nags => self.ask("roots", asks, out),
            Mood::Hasty | Mood::Thinks => self.finish(out),
            Mood::Dies => {
                self.is_over = true;
                out.push_back(Said { effect: Effect::Exit(7), call: None });
            }
        }
    }

    /// Its call is cancelled: there is no answer, and nothing that it wants to know.
    pub(super) fn on_cancelled(&mut self, out: &mut VecDeque<Said>) {
        self.withdraw_all(out);
        self.is_over = true;
    }

    fn withdraw_all(&mut self, out: &mut VecDeque<Said>) {
        while !self.open.is_empty() {
            self.withdraw(out);
        }
    }

    fn withdraw(&mut self, out: &mut VecDeque<Said>) {
        let (ask, _) = self.open.remove(0);
        self.heard.push("withdrawn".to_owned());
        let params = json!({"requestId": ask});
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}), out);
    }

    fn say_progress(&mut self, out: &mut VecDeque<Said>) {
        self.progress += 1;
        let params = json!({"level": "info", "logger": "quiz", "data": self.progress});
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}), out);
        if let Some(token) = &self.token {
            let params = json!({"progressToken": token, "progress": self.progress});
            self.say(&json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}), out);
        }
    }

    fn finish(&mut self, out: &mut VecDeque<Said>) {
        self.say_progress(out);
        let is_error = self.is_strict && self.heard.iter().any(|heard| heard == "refused");
        let content = json!([{"type": "text", "text": json!(self.heard).to_string()}]);
        let result = json!({"content": content, "isError": is_error});
        // The id comes first, as it does in the demo's.
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", self.call);
        out.push_back(Said { effect: Effect::Line(line), call: Some(self.call.clone()) });
        self.due = None;
        self.is_over = true;
    }

    fn say(&self, message: &Value, out: &mut VecDeque<Said>) {
        out.push_back(Said { effect: Effect::Line(message.to_string()), call: Some(self.call.clone()) });
    }
}

/// Who has answered an ask of this kind, as far as the answer says.
fn said_by(message: &Value, kind: &str) -> String {
    let result = &message["result"];
    let said = match kind {
        "sampling" => result["content"]["text"].as_str(),
        "elicitation" => result["content"]["by"].as_str(),
        _ => result["roots"][0]["uri"].as_str().and_then(|uri| uri.strip_prefix("file:///")),
    };
    let is_other = said.is_none() && result.is_object() && result["action"].is_null();
    assert!(!is_other, "an answer to something else: {message} for {kind}");
    match said {
        Some(who) => who.to_owned(),
        None if message.get("error").is_some() => "refused".to_owned(),
        None => "nothing".to_owned(),
    }
}
