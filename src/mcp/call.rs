//! Calls: requests of downstreams on their way to an upstream and back.

use std::time::Instant;

use crate::base::buf::Buf;
use crate::base::id::{ServerId, SessionId, StreamId};

use super::introduction::Greeting;
use super::log_level::LogLevel;
use super::method::McpMethod;
use super::session::Opener;

/// A request that was accepted and is not yet answered.
#[derive(Debug)]
pub struct Call {
    /// The upstream that it is for.
    pub server: ServerId,
    /// Whose it is; `None` for `initialize` over streamable HTTP, where the session begins with the answer.
    pub session: Option<SessionId>,
    /// Where the answer goes. It may be gone by then: a legacy downstream that hangs up has not cancelled.
    pub stream: StreamId,
    /// The downstream's own id, as JSON text.
    pub id: Box<str>,
    /// The downstream's own progress token, as JSON text.
    pub progress_token: Option<Box<str>>,
    /// What it asks for.
    pub method: McpMethod,
    /// When it came.
    pub came: Instant,
    /// What happens beside the answer.
    pub kind: CallKind,
    /// How far it has come.
    pub state: CallState,
    /// Whether a remote upstream has returned it because it had forgotten the session.
    pub was_returned: bool,
    /// While waiting: the end of the wait for the server. In flight: the end of its silence.
    pub due: Instant,
}

/// What a call means to the proxy.
#[derive(Debug)]
pub enum CallKind {
    /// `initialize`: answered here, from the link's introduction.
    Initialize {
        /// What the downstream said of itself.
        greeting: Greeting,
        /// Who said it.
        opener: Opener,
    },
    /// `resources/subscribe`: undone if the upstream refuses.
    Subscribe(String),
    /// `logging/setLevel`: takes effect here once the upstream agrees.
    SetLevel(LogLevel),
    /// `tools/list`: passive, and the answer loses the tools that are filtered.
    ListTools,
    /// `tasks/list`: passive, and the answer loses the tasks of others.
    ListTasks,
    /// Asks for a task: the answer only names it.
    BeginTask,
    /// Another list or a ping: asks and log lines are never due to one.
    Passive,
    /// Anything else.
    Active,
}

/// How far a call has come.
#[derive(Debug)]
pub enum CallState {
    /// Its server is not ready; the line that will be sent then (empty for `initialize`).
    Waiting {
        /// The rewritten message with its line end.
        line: Buf,
    },
    /// It was handed to the link.
    InFlight,
}

impl Call {
    /// Whether this upstream was handed it.
    pub fn is_in_flight(&self, server: ServerId) -> bool {
        self.server == server && matches!(self.state, CallState::InFlight)
    }

    /// Whether an ask or a log line of the upstream may be due to it (bridge rule: lists and pings excluded).
    pub fn is_cause(&self) -> bool {
        match self.kind {
            CallKind::Active | CallKind::BeginTask => matches!(self.state, CallState::InFlight),
            CallKind::Initialize { .. }
            | CallKind::Subscribe(_)
            | CallKind::SetLevel(_)
            | CallKind::ListTools
            | CallKind::ListTasks
            | CallKind::Passive => false,
        }
    }
}

/// What a method means to the proxy; all others are `Active`.
pub fn is_passive(method: &str) -> bool {
    matches!(
        method,
        "ping"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/unsubscribe"
            | "tasks/get"
            | "tasks/cancel"
    )
}
