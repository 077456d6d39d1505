//! Asks: requests of upstreams (sampling, elicitation, roots) on their way to a downstream and back.

use std::time::Instant;

use super::introduction::ClientCapabilities;
use crate::base::id::{LinkId, SessionId};
use crate::base::sequence::CallId;

/// A request of an upstream that a downstream has yet to answer.
#[derive(Debug)]
pub struct Ask {
    /// Who asked. A restarted upstream does not remember: then the answer has nowhere to go.
    pub link: LinkId,
    /// The upstream's own id, as JSON text.
    pub id: Box<str>,
    /// The upstream's own progress token for it, as JSON text.
    pub progress_token: Option<Box<str>>,
    /// Who has to answer.
    pub session: SessionId,
    /// The call that caused it, if it is known.
    pub call: Option<CallId>,
    /// The end of the wait for an answer.
    pub due: Instant,
    /// How its downstream is asked.
    pub way: Way,
    /// Where it comes from, and where its answer goes.
    pub origin: Origin,
}

/// Where an ask comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// From a link, which waits for the answer.
    Link,
    /// From the answer to a call (2026-07-28, multi round-trip requests). Its id is a key in that; what is answered
    /// goes with the call when that is sent again, over whatever link.
    Call,
}

/// How a downstream is asked.
#[derive(Debug)]
pub enum Way {
    /// By a request on one of its streams.
    Stream,
    /// By an entry of the `inputRequests` that its call is answered with (2026-07-28, multi round-trip requests).
    Input(InputRequest),
}

/// An entry of `inputRequests`. Its key is the ask's number.
#[derive(Debug)]
pub struct InputRequest {
    /// What it asks for.
    pub kind: AskKind,
    /// Its value, as JSON text.
    pub text: Box<str>,
}

/// What an upstream may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskKind {
    /// `sampling/createMessage`.
    Sampling,
    /// `elicitation/create` with a form, or without a mode.
    ElicitationForm,
    /// `elicitation/create` with mode `url`.
    ElicitationUrl,
    /// `roots/list`.
    Roots,
    /// `sampling/createMessage` with tools (2025-11-25).
    SamplingTools,
    /// About a task that the client is to run (2025-11-25). Nothing of the sort is ever offered to a shared upstream.
    Tasks,
    /// What the proxy does not know.
    Unknown,
}

impl AskKind {
    /// The kind of a request.
    pub fn of(method: &str, params: Option<&str>) -> AskKind {
        match method {
            "sampling/createMessage" if has_tools(params) => AskKind::SamplingTools,
            "sampling/createMessage" => AskKind::Sampling,
            "roots/list" => AskKind::Roots,
            "elicitation/create" if mode(params).as_deref() == Some("url") => AskKind::ElicitationUrl,
            "elicitation/create" => AskKind::ElicitationForm,
            _ if method.starts_with("tasks/") => AskKind::Tasks,
            _ => AskKind::Unknown,
        }
    }

    /// The method of such a request; `None` for what has no name of its own.
    pub fn method(self) -> Option<&'static str> {
        match self {
            AskKind::Sampling | AskKind::SamplingTools => Some("sampling/createMessage"),
            AskKind::ElicitationForm | AskKind::ElicitationUrl => Some("elicitation/create"),
            AskKind::Roots => Some("roots/list"),
            AskKind::Tasks | AskKind::Unknown => None,
        }
    }

    /// The capability that a downstream needs in order to answer it, as JSON text: a member of `ClientCapabilities`.
    pub fn capability(self) -> Option<&'static str> {
        match self {
            AskKind::Sampling => Some("\"sampling\":{}"),
            AskKind::SamplingTools => Some("\"sampling\":{\"tools\":{}}"),
            AskKind::ElicitationForm => Some("\"elicitation\":{\"form\":{}}"),
            AskKind::ElicitationUrl => Some("\"elicitation\":{\"url\":{}}"),
            AskKind::Roots => Some("\"roots\":{}"),
            AskKind::Tasks | AskKind::Unknown => None,
        }
    }

    /// Whether a downstream with these capabilities can answer it.
    pub fn is_covered_by(self, capabilities: ClientCapabilities) -> bool {
        match self {
            AskKind::Sampling => capabilities.sampling,
            AskKind::ElicitationForm => capabilities.elicitation_form,
            AskKind::ElicitationUrl => capabilities.elicitation_url,
            AskKind::Roots => capabilities.roots,
            AskKind::SamplingTools => capabilities.sampling_tools,
            AskKind::Tasks => capabilities.tasks,
            AskKind::Unknown => true,
        }
    }
}

fn has_tools(params: Option<&str>) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Tools {
        tools: Option<serde::de::IgnoredAny>,
        tool_choice: Option<serde::de::IgnoredAny>,
    }
    let read = params.and_then(|params| serde_json::from_str::<Tools>(params).ok());
    read.is_some_and(|read| read.tools.is_some() || read.tool_choice.is_some())
}

fn mode(params: Option<&str>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Mode {
        mode: Option<String>,
    }
    serde_json::from_str::<Mode>(params?).ok()?.mode
}
