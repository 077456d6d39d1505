//! Why a call gets no answer from its upstream. Written to be read by whoever sees the error: it names the server, the
//! cause and what to do.

use std::time::Duration;

use crate::codec::jsonrpc::{INTERNAL_ERROR, write};

/// What kept the upstream from answering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It did not become ready in time.
    NotReady {
        /// How long the call waited.
        waited: Duration,
        /// The last line that it wrote to stderr, if any.
        last_words: Option<String>,
    },
    /// It could not be started, or ended before it was ready.
    CannotStart {
        /// What happened, for example `exit status 127`.
        cause: String,
        /// The last line that it wrote to stderr, if any.
        last_words: Option<String>,
    },
    /// It ended while the call was in flight.
    Crashed {
        /// What happened, for example `killed by signal 9`.
        cause: String,
        /// The last line that it wrote to stderr, if any.
        last_words: Option<String>,
    },
    /// A remote upstream could not be reached, or did not get as far as to be ready.
    Unreachable {
        /// What happened.
        cause: String,
    },
    /// The connection to a remote upstream was lost while the call was in flight.
    Disconnected {
        /// What happened.
        cause: String,
    },
    /// A remote upstream refused the call in the language of HTTP.
    Refused {
        /// What it said: status and reason.
        cause: String,
    },
    /// It answered, and nobody can make anything of that.
    Misbehaved {
        /// What it did, as the end of a sentence that begins with the server.
        how: String,
    },
    /// It said nothing about the call for too long.
    Silent {
        /// The request timeout.
        waited: Duration,
    },
    /// It does not read what is sent to it.
    Clogged,
    /// Too many calls are under way.
    Crowded {
        /// Which bound, and its value.
        bound: String,
    },
    /// The configuration has it no more, or has another in its place.
    Retired,
    /// The same happened while the request was still on its way, and it was not made. Nobody knows the server any more,
    /// not even its name.
    Replaced,
    /// The proxy is ending.
    ShuttingDown,
}

impl Trouble {
    /// The HTTP status, where the answer has not begun (RFC 9110, 15.6).
    pub fn status(&self) -> u16 {
        match self {
            Trouble::NotReady { .. }
            | Trouble::Clogged
            | Trouble::Retired
            | Trouble::Replaced
            | Trouble::ShuttingDown => 503,
            Trouble::CannotStart { .. }
            | Trouble::Crashed { .. }
            | Trouble::Unreachable { .. }
            | Trouble::Disconnected { .. }
            | Trouble::Refused { .. }
            | Trouble::Misbehaved { .. } => 502,
            Trouble::Silent { .. } => 504,
            Trouble::Crowded { .. } => 429,
        }
    }

    /// The whole JSON-RPC error. `id` is JSON text.
    pub fn to_json(&self, id: &str, server: &str) -> String {
        write::error(id, INTERNAL_ERROR, &self.message(server))
    }

    /// One or two sentences.
    pub fn message(&self, server: &str) -> String {
        match self {
            Trouble::NotReady { waited, last_words } => format!(
                "server {server:?} was not ready within {} s (startupTimeout){}; try again, or see the proxy's log",
                waited.as_secs_f64(),
                quoted(last_words)
            ),
            Trouble::CannotStart { cause, last_words } => format!(
                "server {server:?} could not be started: {cause}{}; check its command and args in the configuration",
                quoted(last_words)
            ),
            Trouble::Crashed { cause, last_words } => format!(
                "server {server:?} ended during this call: {cause}{}; it is being restarted, and the call may or may \
                 not have taken effect",
                quoted(last_words)
            ),
            Trouble::Unreachable { cause } => {
                format!("server {server:?} could not be reached: {cause}; the next call tries again")
            }
            Trouble::Disconnected { cause } => format!(
                "the connection to server {server:?} was lost during this call: {cause}; the call may or may not have \
                 taken effect"
            ),
            Trouble::Refused { cause } => format!("server {server:?} refused this call: {cause}"),
            Trouble::Misbehaved { how } => format!("server {server:?} {how}"),
            Trouble::Silent { waited } => format!(
                "server {server:?} said nothing about this call for {} s (requestTimeout); the call was cancelled",
                waited.as_secs_f64()
            ),
            Trouble::Clogged => {
                format!("server {server:?} does not read its input fast enough; try again later")
            }
            Trouble::Crowded { bound } => format!("server {server:?} is busy: {bound}; try again later"),
            Trouble::Retired => format!(
                "server {server:?} was stopped during this call: its configuration has changed; initialize a new \
                 session"
            ),
            Trouble::Replaced => {
                "the configuration has changed while this request was on its way: send it again".to_owned()
            }
            Trouble::ShuttingDown => format!("server {server:?} is being stopped: the proxy shuts down"),
        }
    }
}

/// What became of an upstream, for people who look after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline<'a> {
    /// In a word or a few.
    pub what: &'static str,
    /// Why; may be empty, and may quote the upstream where that is remote.
    pub cause: &'a str,
    /// The last line that it wrote to stderr, if any.
    pub last_words: Option<&'a str>,
}

impl Trouble {
    /// What it says of the upstream, not of a call.
    pub fn outline(&self) -> Outline<'_> {
        let (what, cause, last_words) = match self {
            Trouble::CannotStart { cause, last_words } => {
                ("Could not be started", cause.as_str(), last_words.as_deref())
            }
            Trouble::Crashed { cause, last_words } => ("Crashed", cause.as_str(), last_words.as_deref()),
            Trouble::Unreachable { cause } => ("Could not be reached", cause.as_str(), None),
            Trouble::Disconnected { cause } => ("Disconnected", cause.as_str(), None),
            Trouble::NotReady { .. }
            | Trouble::Silent { .. }
            | Trouble::Refused { .. }
            | Trouble::Misbehaved { .. }
            | Trouble::Clogged
            | Trouble::Crowded { .. }
            | Trouble::Retired
            | Trouble::Replaced
            | Trouble::ShuttingDown => ("Ended", "", None),
        };
        Outline { what, cause, last_words }
    }
}

fn quoted(last_words: &Option<String>) -> String {
    match last_words {
        Some(words) => format!(", its last words: {words:?}"),
        None => String::new(),
    }
}
