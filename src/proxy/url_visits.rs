//! A legacy upstream that wants URLs to be visited first (2025-11-25, error -32042), before a modern downstream: it is
//! asked for them, and its call is made when the upstream has said that they were.

use std::time::Instant;

use super::{Due, Proxy, Request};
use crate::base::buf::Buf;
use crate::base::id::{ServerId, SessionId, StreamId};
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::splice::push_line;
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::limits;
use crate::mcp::call::{Call, CallState};
use crate::mcp::method::McpMethod;
use crate::mcp::modern_call::Rounds;
use crate::mcp::url_visits::UrlAsk;

impl Proxy {
    /// The downstream of a call is asked to visit URLs. The call is over: nothing waits for it upstream.
    pub(super) fn push_required_urls(&mut self, call: &Call, asks: &[UrlAsk], now: Instant) {
        let entries = asks
            .iter()
            .enumerate()
            .map(|(key, ask)| format!("\"{key}\":{{\"method\":\"elicitation/create\",\"params\":{}}}", ask.params));
        let entries: Vec<String> = entries.collect();
        for ask in asks {
            self.url_visits.await_visit(call.server, &ask.id);
        }
        let ids: Vec<&str> = asks.iter().map(|ask| &*ask.id).collect();
        let Some(state) = self.urls_state(call, &ids) else { return };
        let result = format!(
            "{{\"resultType\":\"input_required\",\"inputRequests\":{{{}}},\"requestState\":\"{state}\"}}",
            entries.join(",")
        );
        let body = write::result(&call.id, &result);
        self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
    }

    /// Whoever was asked to visit URLs is back. The call is made when they were visited; one that was not makes it an
    /// error.
    pub(crate) fn accept_visited(
        &mut self,
        server: ServerId,
        (session, stream): (SessionId, StreamId),
        request: Request<'_>,
        (ids, is_accepted): (Vec<Box<str>>, bool),
        now: Instant,
    ) {
        if !is_accepted {
            let body = declined(request.id, McpMethod::of(request.method));
            return self.push_reply(stream, 200, &[], &[body.as_bytes()], now);
        }
        let ids: Vec<Box<str>> = ids.into_iter().filter(|id| !self.url_visits.is_over(server, id)).collect();
        if ids.is_empty() {
            return self.accept_call(server, Some(session), stream, request, now);
        }
        let mut line = Buf::new();
        push_line(&mut line, request.message, &mut []);
        let Some(id) = self.postpone_call(server, (session, stream), request, line, now) else { return };
        if let Some(modern) = self.calls.get_mut(id).and_then(|call| call.modern.as_mut()) {
            modern.rounds = Rounds::Visiting { ids };
            self.deadlines.arm(&mut modern.timer, Due::Round(id), now + limits::URL_VISIT_TIME_MAX);
        }
    }

    /// An upstream says that a URL was visited: calls may have waited for that.
    pub(super) fn on_visited(&mut self, server: ServerId, id: &str, now: Instant) {
        self.url_visits.on_complete(server, id);
        let mut done = Vec::new();
        for (call_id, call) in self.calls.iter_mut().filter(|(_, call)| call.server == server) {
            if let Some(Rounds::Visiting { ids }) = call.modern.as_mut().map(|modern| &mut modern.rounds) {
                ids.retain(|other| **other != *id);
                done.extend(ids.is_empty().then_some(call_id));
            }
        }
        for call in done {
            self.begin_visited(call, now);
        }
    }

    /// The call is made, whether the upstream has said something or not: it says so again if it is too early.
    pub(super) fn begin_visited(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let server = call.server;
        if let Some(modern) = &mut call.modern {
            modern.timer.disarm();
            modern.rounds = Rounds::Working;
        }
        let CallState::Waiting { line } = std::mem::replace(&mut call.state, CallState::InFlight) else { return };
        match self.ready_link(server) {
            Some(link) => self.begin_waiting_call(link, id, line.as_slice(), now),
            None => self.wait_for_server(id, line, now),
        }
    }
}

/// What a call is answered with whose URL nobody wants to visit.
fn declined(id: &str, method: McpMethod) -> String {
    let reason = "the server wants a URL to be visited first, and that was declined";
    if method != McpMethod::CallTool {
        return write::error(id, INTERNAL_ERROR, reason);
    }
    let content = format!("[{{\"type\":\"text\",\"text\":{}}}]", write::string(reason));
    write::result(id, &format!("{{\"resultType\":\"complete\",\"isError\":true,\"content\":{content}}}"))
}
