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
}

impl AskKind {
    /// The kind of a request; `None` if it is no ask.
    pub fn of(method: &str, params: Option<&str>) -> Option<AskKind> {
        match method {
            "sampling/createMessage" => Some(AskKind::Sampling),
            "roots/list" => Some(AskKind::Roots),
            "elicitation/create" if mode(params).as_deref() == Some("url") => Some(AskKind::ElicitationUrl),
            "elicitation/create" => Some(AskKind::ElicitationForm),
            _ => None,
        }
    }

    /// Whether a downstream with these capabilities can answer it.
    pub fn is_covered_by(self, capabilities: ClientCapabilities) -> bool {
        match self {
            AskKind::Sampling => capabilities.sampling,
            AskKind::ElicitationForm => capabilities.elicitation_form,
            AskKind::ElicitationUrl => capabilities.elicitation_url,
            AskKind::Roots => capabilities.roots,
        }
    }
}

fn mode(params: Option<&str>) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Mode {
        mode: Option<String>,
    }
    serde_json::from_str::<Mode>(params?).ok()?.mode
}
