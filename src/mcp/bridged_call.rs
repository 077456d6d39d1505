//! What a call of a legacy downstream has beside others where its upstream is a modern one: that may answer with
//! questions, and wants the request once more, with the answers (2026-07-28, multi round-trip requests).
//!
//! ```text
//!          questions                 all are answered
//!  Sent ─────────────▶ Asking ────────────────────────▶ Sent, under another number
//!    └── none ──▶ Pausing ── a while ─────────────────────┘
//! ```

use std::collections::BTreeMap;

use super::ask::AskKind;
use crate::base::deadline::Timer;
use crate::codec::jsonrpc::envelope::{Message, json_string, read_message};
use crate::codec::jsonrpc::object::Object;
use crate::codec::jsonrpc::write;

/// What such a call has.
#[derive(Debug, Default)]
pub struct BridgedCall {
    /// The request as its downstream sent it, as soon as nothing else keeps it.
    pub request: Option<Box<[u8]>>,
    /// The resource that it asks for.
    pub uri: Option<Box<str>>,
    /// How often it was answered with questions.
    pub rounds: u32,
    /// The last of these rounds.
    pub round: Round,
    /// URLs that its downstream was told to visit and agreed to, and the ids of those elicitations.
    pub visits: BTreeMap<Box<str>, Box<str>>,
    /// The last progress that was passed on.
    progress: Option<f64>,
    /// Comes up at the end of a pause.
    pub timer: Timer,
}

/// Questions, and their answers so far.
#[derive(Debug, Default)]
pub struct Round {
    /// What the upstream wants back, as JSON text.
    pub state: Option<Box<str>>,
    /// By key.
    pub questions: BTreeMap<Box<str>, Question>,
}

/// One question.
#[derive(Debug)]
pub struct Question {
    /// What it asks for.
    pub kind: AskKind,
    /// The URL that is to be visited, if one is.
    pub url: Option<Box<str>>,
    /// How that visit is called.
    pub elicitation_id: Option<Box<str>>,
    /// What its downstream has said, as JSON text, once it has.
    pub answer: Option<Box<str>>,
}

impl Question {
    /// Whether a URL will be visited.
    pub fn is_visit(&self) -> bool {
        #[derive(serde::Deserialize)]
        struct Answer<'a> {
            #[serde(borrow)]
            action: std::borrow::Cow<'a, str>,
        }
        let answer = self.answer.as_deref().and_then(|answer| serde_json::from_str::<Answer<'_>>(answer).ok());
        self.url.is_some() && answer.is_some_and(|answer| answer.action == "accept")
    }
}

impl Round {
    /// Whether nothing is missing.
    pub fn are_answered(&self) -> bool {
        self.questions.values().all(|question| question.answer.is_some())
    }
}

impl BridgedCall {
    /// Whether progress is news. Each round begins anew, and to a legacy downstream it is one call (2025-11-25,
    /// progress).
    pub fn is_progress(&mut self, progress: f64) -> bool {
        let is_news = self.progress.is_none_or(|last| progress > last);
        if is_news {
            self.progress = Some(progress);
        }
        is_news
    }

    /// The request once more, with the answers of the last round. `None`: it cannot be read in one way only.
    pub fn next_request(&self) -> Option<String> {
        let Ok(Message::Request { id, method, params }) = read_message(self.request.as_deref()?) else { return None };
        let mut params = Object::read(params.text.unwrap_or("{}"))?;
        params.remove(|name, _| name == "inputResponses" || name == "requestState");
        if !self.round.questions.is_empty() {
            params.set("inputResponses", self.responses());
        }
        if let Some(state) = &self.round.state {
            params.set("requestState", state.to_string());
        }
        Some(write::request(id, &method, &params.to_string()))
    }

    fn responses(&self) -> String {
        let answers = self.round.questions.iter().filter_map(|(key, question)| Some((key, question.answer.as_ref()?)));
        let members: Vec<String> = answers.map(|(key, answer)| format!("{}:{answer}", write::string(key))).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// The URL of an elicitation that wants one to be visited.
pub fn asked_url(params: Option<&str>) -> Option<Box<str>> {
    let params = Object::read(params?)?;
    json_string(params.get("url")?).map(|url| url.as_ref().into())
}

/// How far a notification says that its call has come.
pub fn progress(notification: &[u8]) -> Option<f64> {
    #[derive(serde::Deserialize)]
    struct Notification {
        params: Progress,
    }
    #[derive(serde::Deserialize)]
    struct Progress {
        progress: f64,
    }
    serde_json::from_slice::<Notification>(notification).ok().map(|notification| notification.params.progress)
}
