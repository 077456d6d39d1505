//! Streams: HTTP answers made of upstream messages.
//!
//! ```text
//! POST ── Undecided ── first word is the (only) reply ──▶ one JSON body
//!             └─────── anything else comes first ───────▶ Open ── last reply ──▶ end
//! GET ─── Listening ── the session ends ────────────────▶ end
//! ```

use std::time::Instant;

use super::replay::Replay;
use crate::base::id::{ConnId, Id, SessionId, StreamId};

/// One answer under way.
#[derive(Debug)]
pub struct Stream {
    /// Where it goes out.
    pub outlet: Outlet,
    /// Whose it is; `None` for that of an `initialize`.
    pub session: Option<SessionId>,
    /// How far it has come.
    pub state: StreamState,
    /// What can be said again; only event streams of streamable HTTP have it.
    pub replay: Option<Box<Replay>>,
}

/// Where nobody reads: what the proxy's own calls are answered with. No stream has ever this id.
pub fn nowhere() -> StreamId {
    StreamId::from_parts(u32::MAX, u32::MAX)
}

/// Where an answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlet {
    /// On this connection.
    Attached(ConnId),
    /// Nowhere: the connection broke, or all is said. What there is to say is kept.
    Detached {
        /// How long it has been so.
        since: Instant,
    },
}

impl Stream {
    /// The connection that it goes out on, if there is one.
    pub fn conn(&self) -> Option<ConnId> {
        match self.outlet {
            Outlet::Attached(conn) => Some(conn),
            Outlet::Detached { .. } => None,
        }
    }

    /// Whether a downstream that has lost its connection may come back for it.
    pub fn is_resumable(&self) -> bool {
        self.replay.is_some()
    }
}

/// How far an answer has come.
#[derive(Debug)]
pub enum StreamState {
    /// The answer to a POST; nothing was said yet.
    Undecided {
        /// What the downstream can read.
        accepts: Accepts,
        /// How many replies are still to come.
        due: usize,
        /// For a batch: the replies so far, which go out together.
        batch: Option<Vec<String>>,
    },
    /// The answer to a POST, as an event stream.
    Open {
        /// How many replies are still to come.
        due: usize,
    },
    /// The stream of a GET. With HTTP+SSE it carries the replies too.
    Listening,
    /// The answer to a POST, all of which was said. It is there for a downstream that lost the end.
    Complete,
}

impl StreamState {
    /// Whether the replies of a batch are kept back, to go out as one array.
    pub fn is_joining(&self) -> bool {
        matches!(self, StreamState::Undecided { batch: Some(_), .. })
    }
}

/// Which content types an `Accept` header leaves us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// `application/json` and `text/event-stream`.
    Both,
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Sse,
}

impl Accepts {
    /// The `Accept` of nearly every request: the specification asks for both, and SDKs spell them in its order. It is
    /// [`Accepts::Both`].
    pub const USUAL: &str = "application/json, text/event-stream";

    /// Reads `Accept` (RFC 9110, 12.5.1), all lines of it; without any, everything is accepted. `None`: nothing that we
    /// could send.
    pub fn parse<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Accepts> {
        let (mut json, mut sse, mut is_present) = (false, false, false);
        let items = headers.flat_map(|header| header.split(',')).filter(|item| !item.trim().is_empty());
        for item in items {
            is_present = true;
            let mut parts = item.split(';').map(str::trim);
            let range = parts.next().unwrap_or_default();
            let is_one_of = |names: [&str; 3]| names.into_iter().any(|name| range.eq_ignore_ascii_case(name));
            let is_refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight.and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
            });
            json |= !is_refused && is_one_of(["application/json", "application/*", "*/*"]);
            sse |= !is_refused && is_one_of(["text/event-stream", "text/*", "*/*"]);
        }
        match (json || !is_present, sse || !is_present) {
            (true, true) => Some(Accepts::Both),
            (true, false) => Some(Accepts::Json),
            (false, true) => Some(Accepts::Sse),
            (false, false) => None,
        }
    }
}
