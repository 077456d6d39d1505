//! Calls: requests of downstreams on their way to an upstream and back.

use std::ops::Range;
use std::time::Instant;

use crate::base::buf::Buf;
use crate::base::deadline::Timer;
use crate::base::id::{ServerId, SessionId, StreamId};

use super::ask::AskKind;
use super::bridged_call::BridgedCall;
use super::introduction::Greeting;
use super::log_level::LogLevel;
use super::method::McpMethod;
use super::modern_call::{ModernCall, Rounds};
use super::session::Opener;
use super::trouble::Trouble;

/// A request that was accepted and is not yet answered.
#[derive(Debug)]
pub struct Call {
    /// The upstream that it is for.
    pub server: ServerId,
    /// Whose it is; a modern one is all that its session is for. `None` for `initialize` over streamable HTTP, where
    /// the session begins with the answer.
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
    /// What it has beside others if it is of the modern era.
    pub modern: Option<Box<ModernCall>>,
    /// What it has beside others if it is of the legacy era and its upstream is not.
    pub bridged: Option<Box<BridgedCall>>,
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
    /// `server/discover`: answered here as well.
    Discover,
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

impl CallKind {
    /// The resource that it subscribes to, if it does.
    pub fn subscribed(&self) -> Option<&str> {
        match self {
            CallKind::Subscribe(uri) => Some(uri),
            CallKind::Initialize { .. }
            | CallKind::Discover
            | CallKind::SetLevel(_)
            | CallKind::ListTools
            | CallKind::ListTasks
            | CallKind::BeginTask
            | CallKind::Passive
            | CallKind::Active => None,
        }
    }
}

/// How far a call has come.
#[derive(Debug)]
pub enum CallState {
    /// Its server is not ready.
    Waiting {
        /// The message that will be sent then, with its line end; nothing for what is answered here.
        line: Buf,
    },
    /// It was handed to the link.
    InFlight,
    /// Its upstream has questions: those are with its downstream, and nothing is upstream.
    Asking,
    /// It ended while it was parked: what its downstream will be told when it comes back.
    Ended(Box<End>),
}

/// How a call ended.
#[derive(Debug, Clone)]
pub enum End {
    /// The upstream answered.
    Reply {
        /// The reply.
        line: Box<[u8]>,
        /// Where its id stands.
        id: Range<usize>,
        /// Whether it is an error.
        is_error: bool,
    },
    /// It did not.
    Trouble(Trouble),
}

impl End {
    /// How many bytes of the upstream it holds.
    pub fn bytes(&self) -> usize {
        match self {
            End::Reply { line, .. } => line.len(),
            End::Trouble(_) => 0,
        }
    }
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
            | CallKind::Discover
            | CallKind::Subscribe(_)
            | CallKind::SetLevel(_)
            | CallKind::ListTools
            | CallKind::ListTasks
            | CallKind::Passive => false,
        }
    }

    /// What its upstream wanted to ask, and its modern downstream cannot be asked.
    pub fn missing(&self) -> &[AskKind] {
        self.modern.as_ref().map(|modern| modern.missing.as_slice()).unwrap_or_default()
    }

    /// Comes up when its asks have been gathered, or waited for too long.
    pub fn rounds_timer(&mut self) -> Option<&mut Timer> {
        self.modern.as_mut().map(|modern| &mut modern.timer)
    }

    /// Comes up at the end of the pause before it is sent again.
    pub fn question_timer(&mut self) -> Option<&mut Timer> {
        self.bridged.as_mut().map(|bridged| &mut bridged.timer)
    }

    /// Whether its downstream was told to come back with answers.
    pub fn is_parked(&self) -> bool {
        self.modern.as_ref().is_some_and(|modern| matches!(modern.rounds, Rounds::Parked { .. }))
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
