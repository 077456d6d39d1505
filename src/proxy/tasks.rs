//! What outlives its call on a shared upstream: tasks and URL elicitations reach their owner, and nobody else.

use std::ops::Range;
use std::time::Instant;

use super::Proxy;
use crate::base::id::{ServerId, SessionId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::{INVALID_PARAMS, write};
use crate::mcp::call::Call;
use crate::mcp::list_filter::{self, List};
use crate::mcp::owners::{self, Thing};

/// From downstreams.
impl Proxy {
    /// Whether a request about a task may go to the upstream. The error is the answer otherwise: a stranger's task does
    /// not exist (2025-11-25, tasks, error handling).
    pub(crate) fn check_task(
        &self,
        server: ServerId,
        session: SessionId,
        id: &str,
        params: Option<&str>,
    ) -> Result<(), String> {
        let owner = owners::named_task(params).and_then(|task| self.owners.of(server, &task));
        if owner.is_some_and(|owner| owner.session == session) {
            return Ok(());
        }
        Err(write::error(id, INVALID_PARAMS, "Failed to retrieve task: Task not found"))
    }
}

/// From upstreams.
impl Proxy {
    /// The reply to a call that asked for a task names it.
    pub(super) fn on_task_begun(&mut self, id: CallId, call: &Call, reply: &[u8]) {
        if let (Some(session), Some(task)) = (call.session, owners::begun_task(reply)) {
            self.owners.insert(call.server, task, session, Some(id), call.progress_token.clone());
        }
    }

    /// An error may want elicitations to be gone through first; their ends are the caller's to hear of.
    pub(super) fn on_error_reply(&mut self, call: &Call, reply: &[u8]) {
        let Some(session) = call.session else { return };
        for elicitation in owners::required_elicitations(reply) {
            self.owners.insert(call.server, elicitation, session, None, None);
        }
    }

    /// A session is asked to visit a URL; the end of that is its own to hear of.
    pub(super) fn on_url_asked(&mut self, server: ServerId, session: SessionId, params: Option<&str>) {
        if let Some(elicitation) = owners::named_elicitation(params) {
            self.owners.insert(server, elicitation, session, None, None);
        }
    }

    /// A list of tasks, for the downstream that asked for it: its own.
    pub(super) fn push_task_list(&mut self, call: &Call, line: &[u8], id: &Range<usize>, now: Instant) {
        let is_own = |task: Thing| {
            let owner = self.owners.of(call.server, &task);
            owner.is_some_and(|owner| Some(owner.session) == call.session)
        };
        let filtered = list_filter::without(line, List::Tasks, |entry| owners::listed_task(entry).is_some_and(is_own));
        self.push_filtered(call, (line, id, Rewrite::default()), filtered, "tasks", now);
    }

    /// Something has happened to a thing: its owner is told.
    pub(super) fn on_thing_changed(&mut self, server: ServerId, line: &[u8], thing: &Thing, now: Instant) {
        if let Thing::Elicitation(id) = thing {
            self.on_visited(server, id, now);
        }
        if let Some(session) = self.owners.of(server, thing).map(|owner| owner.session) {
            let call = self.newest_cause(session);
            self.push_to_listener(session, call, line, now);
        }
    }

    /// Progress of a task whose call is long over.
    pub(super) fn on_task_progress(
        &mut self,
        server: ServerId,
        call: CallId,
        line: &[u8],
        token_range: &Range<usize>,
        now: Instant,
    ) {
        let Some(owner) = self.owners.of_call(server, call) else { return };
        let (session, Some(token)) = (owner.session, owner.progress_token.clone()) else { return };
        let parts = [&line[..token_range.start], token.as_bytes(), &line[token_range.end..]];
        let cause = self.newest_cause(session);
        self.push_to_session(session, cause, &parts, now);
    }

    /// The session whose task a message is about.
    pub(super) fn session_of_task(&self, server: ServerId, line: &[u8]) -> Option<SessionId> {
        if self.owners.is_empty() {
            return None;
        }
        let task = owners::related_task(line)?;
        self.owners.of(server, &task).map(|owner| owner.session)
    }
}
