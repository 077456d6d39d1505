//! Why a request is not served: a status and a sentence for whoever has to mend the caller.

use std::error::Error;
use std::fmt;

use crate::limits::{BODY_BYTES_MAX, CHUNK_LINE_BYTES_MAX, HEAD_BYTES_MAX, TARGET_BYTES_MAX, TRAILER_BYTES_MAX};

/// The downstream broke the protocol or reached a limit. It gets an answer that says so, then the connection is
/// closed: after such a request nobody can be sure where the next one begins.
///
/// What reads requests and responses alike complains in these terms too; of a response, only reason and limit count
/// (see [`super::client::Fault`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer.
    pub status: u16,
    /// What is wrong, for a person.
    pub reason: &'static str,
    /// The limit that was reached, in the unit that `reason` names.
    pub limit: Option<usize>,
}

impl Refusal {
    pub(super) const HEAD_TOO_LARGE: Refusal =
        Refusal::limit(431, "the request line and headers are larger than this many bytes", HEAD_BYTES_MAX);
    pub(super) const TARGET_TOO_LONG: Refusal =
        Refusal::limit(414, "the request target is longer than this many bytes", TARGET_BYTES_MAX);
    pub(super) const BODY_TOO_LARGE: Refusal =
        Refusal::limit(413, "the request body is larger than this many bytes", BODY_BYTES_MAX);
    pub(super) const CHUNK_LINE_TOO_LONG: Refusal =
        Refusal::limit(400, "a chunk-size line is longer than this many bytes", CHUNK_LINE_BYTES_MAX);
    pub(super) const TRAILER_TOO_LARGE: Refusal =
        Refusal::limit(431, "the trailer section is larger than this many bytes", TRAILER_BYTES_MAX);

    /// A violation of the protocol's grammar or framing.
    pub(super) const fn bad_request(reason: &'static str) -> Refusal {
        Refusal::new(400, reason)
    }

    /// A refusal without a limit.
    pub(super) const fn new(status: u16, reason: &'static str) -> Refusal {
        Refusal { status, reason, limit: None }
    }

    /// A refusal for more than `limit` of something.
    pub(super) const fn limit(status: u16, reason: &'static str, limit: usize) -> Refusal {
        Refusal { status, reason, limit: Some(limit) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.limit {
            None => f.write_str(self.reason),
            Some(limit) => write!(f, "{}: {limit}", self.reason),
        }
    }
}

impl Error for Refusal {}
