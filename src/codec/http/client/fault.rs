//! What an upstream can do wrong.

use std::error::Error;
use std::fmt;

use crate::codec::http::refusal::Refusal;
use crate::limits::INTERIM_RESPONSES_MAX;

/// Why a response is good for nothing. Always the peer's fault, or that of the network between us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is no response of HTTP/1.1 or 1.0, could be understood in two ways, or reaches a limit.
    Malformed {
        /// What is wrong, for a person.
        reason: &'static str,
        /// The limit that was reached, in the unit that `reason` names.
        limit: Option<usize>,
    },
    /// Something came though nothing had been asked, or behind a complete response. Often a farewell from a server
    /// that closes an idle connection (408); at worst an attempt to make it pass for the answer to the next request.
    Unasked,
    /// 101: the peer speaks another protocol from here on, which we never asked for.
    Switched,
    /// The connection ended before anything of the response had come. On one that had been idle, the peer has most
    /// likely closed it before it saw the request.
    Unanswered,
    /// The connection ended in the middle of the response.
    Truncated,
}

impl Fault {
    pub(super) const TOO_MANY_INTERIM: Fault =
        Fault::Malformed { reason: "there are more interim responses than", limit: Some(INTERIM_RESPONSES_MAX) };
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Malformed { reason, limit: None } => f.write_str(reason),
            Fault::Malformed { reason, limit: Some(limit) } => write!(f, "{reason}: {limit}"),
            Fault::Unasked => f.write_str("the server sent something that nobody had asked for"),
            Fault::Switched => f.write_str("the server switched to another protocol (101)"),
            Fault::Unanswered => f.write_str("the server closed the connection without an answer"),
            Fault::Truncated => f.write_str("the connection ended in the middle of the response"),
        }
    }
}

impl Error for Fault {}

/// The parts that read both kinds of messages suggest a status for the one who sent it, which makes no sense here.
impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Malformed { reason: refusal.reason, limit: refusal.limit }
    }
}
