//! How long calls and asks may wait, and what becomes of them then.

use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::ServerId;
use crate::base::sequence::CallId;
use crate::mcp::call::{Call, CallState};
use crate::mcp::trouble::Trouble;

impl Proxy {
    /// A sign of life of a call: its silence begins anew.
    pub(super) fn touch_call(&mut self, id: CallId, now: Instant) {
        if let Some(call) = self.calls.get_mut(id)
            && let Some(server) = self.servers.get(call.server)
        {
            call.due = now + server.config.request_time;
        }
    }

    /// Looks for calls and asks that waited too long, and for the next that will have.
    pub(super) fn on_patience_timeout(&mut self, server: ServerId, now: Instant) {
        self.extend_asking_calls(server, now);
        let of_server = |call: &Call| call.server == server && !matches!(call.state, CallState::Ended(_));
        let late: Vec<CallId> =
            self.calls.iter().filter(|(_, call)| of_server(call) && call.due <= now).map(|(id, _)| id).collect();
        for id in late {
            self.on_call_timeout(id, now);
        }
        self.expire_asks(server, now);
        self.refuse_early(server, now);
        let calls = self.calls.iter().filter(|(_, call)| of_server(call)).map(|(_, call)| call.due);
        let asks = self.asks_of_server(server).map(|(_, ask)| ask.due);
        let early = self.servers.get(server).into_iter().flat_map(|entry| &entry.early_asks).map(|ask| ask.due);
        let next = calls.chain(asks).chain(early).min();
        if let (Some(next), Some(entry)) = (next, self.servers.get_mut(server)) {
            self.deadlines.arm(&mut entry.patience, Due::Patience(server), next);
        }
    }

    fn on_call_timeout(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        let Some(server) = self.servers.get(call.server) else { return };
        let trouble = match call.state {
            CallState::Waiting { .. } => {
                Trouble::NotReady { waited: server.config.startup_time, last_words: self.last_words(call.server) }
            }
            CallState::InFlight | CallState::Asking => Trouble::Silent { waited: server.config.request_time },
            CallState::Ended(_) => return,
        };
        if matches!(call.state, CallState::InFlight) {
            self.notify_cancelled(call.server, id, "no answer within requestTimeout");
        }
        self.fail_call(id, &trouble, now);
    }
}
