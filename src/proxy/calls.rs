//! Calls: accepted, sent or kept waiting, answered exactly once.

use std::time::{Duration, Instant};

use super::sending::Outgoing;
use super::{Due, Proxy};
use crate::base::buf::Buf;
use crate::base::id::{LinkId, ServerId, SessionId, StreamId};
use crate::base::sequence::{CallId, Number};
use crate::codec::jsonrpc::envelope::{self, Message, Params};
use crate::codec::jsonrpc::splice::{Patch, push_line, range_in};
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::limits;
use crate::mcp::call::{Call, CallKind, CallState, End};
use crate::mcp::meta;
use crate::mcp::method::McpMethod;
use crate::mcp::modern_call::ModernCall;
use crate::mcp::session::Opening;
use crate::mcp::tally::CallEnd;
use crate::mcp::trouble::Trouble;
use crate::routes::errors::Denial;

/// A request as it came from a downstream.
pub(crate) struct Request<'a> {
    /// The whole message.
    pub(crate) message: &'a [u8],
    /// Its id, as JSON text within the message.
    pub(crate) id: &'a str,
    /// Its parameters, within the message.
    pub(crate) params: Params<'a>,
    /// What it asks for.
    pub(crate) method: &'a str,
    /// What it means to the proxy.
    pub(crate) kind: CallKind,
    /// What it has beside others if it is of the modern era.
    pub(crate) modern: Option<Box<ModernCall>>,
}

impl Proxy {
    /// Takes on a request: it goes to its upstream, or waits for it to become ready. Where that cannot be, it is
    /// answered with the reason.
    pub(crate) fn accept_call(
        &mut self,
        server: ServerId,
        session: Option<SessionId>,
        stream: StreamId,
        request: Request<'_>,
        now: Instant,
    ) {
        if let Err(trouble) = self.check_room(server, session, request.message.len()) {
            self.count_call(server, McpMethod::of(request.method), CallEnd::Failed, Duration::ZERO);
            self.answer_with_trouble(server, stream, request.id, &trouble, now);
            return;
        }
        if let (CallKind::Subscribe(uri), Some(session)) = (&request.kind, session) {
            self.subscribe(session, uri);
        }
        let Request { message, id, method, params, .. } = request;
        let has_modern_keys = request.modern.is_some();
        let call = self.add_call(server, session, stream, request, now);
        let outgoing = Outgoing { message, id, method, params, has_modern_keys };
        match self.ready_link(server) {
            Some(link) => self.begin_call(link, call, &outgoing, now),
            None => {
                let mut line = Buf::new();
                push_line(&mut line, message, &mut []);
                self.wait_for_server(call, line, now);
            }
        }
    }

    fn add_call(
        &mut self,
        server: ServerId,
        session: Option<SessionId>,
        stream: StreamId,
        request: Request<'_>,
        now: Instant,
    ) -> CallId {
        let call = self.calls.insert(Call {
            server,
            session,
            stream,
            id: request.id.into(),
            progress_token: request.params.progress_token.map(Into::into),
            method: McpMethod::of(request.method),
            came: now,
            kind: request.kind,
            state: CallState::InFlight,
            modern: request.modern,
            bridged: None,
            was_returned: false,
            due: now,
        });
        if let Some(session) = session.and_then(|id| self.sessions.get_mut(id)) {
            session.calls.push(call);
        }
        call
    }

    /// Takes on a request that is not to be made yet.
    pub(super) fn postpone_call(
        &mut self,
        server: ServerId,
        (session, stream): (SessionId, StreamId),
        request: Request<'_>,
        line: Buf,
        now: Instant,
    ) -> Option<CallId> {
        if let Err(trouble) = self.check_room(server, Some(session), request.message.len()) {
            self.answer_with_trouble(server, stream, request.id, &trouble, now);
            return None;
        }
        let call = self.add_call(server, Some(session), stream, request, now);
        let entry = self.calls.get_mut(call)?;
        entry.state = CallState::Waiting { line };
        entry.due = now + limits::REQUEST_TIME;
        Some(call)
    }

    /// A call is handed to its link, or answered here.
    fn begin_call(&mut self, link: LinkId, id: CallId, outgoing: &Outgoing<'_>, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        if matches!(call.kind, CallKind::Discover) {
            return self.answer_discover(id, now);
        }
        if let Some(session) = call.session.filter(|_| call.modern.is_some()) {
            self.raise_level(session);
        }
        if self.stands_in(link, id, outgoing, now) || self.begin_subscription(link, id, now) {
            return;
        }
        self.bridge_call(link, id, outgoing);
        self.send_call(link, id, outgoing);
        self.on_in_flight(id, now);
    }

    pub(super) fn check_room(&self, server: ServerId, session: Option<SessionId>, bytes: usize) -> Result<(), Trouble> {
        if self.shutdown.is_under_way() {
            return Err(Trouble::ShuttingDown);
        }
        let Some(server) = self.servers.get(server) else { return Err(Trouble::Replaced) };
        if server.supervisor.is_stopping() {
            return Err(Trouble::Replaced);
        }
        let crowded = |what: &str, bound: usize| Err(Trouble::Crowded { bound: format!("{what} ({bound})") });
        if session.and_then(|id| self.sessions.get(id)).is_some_and(|s| s.calls.len() >= limits::SESSION_CALLS_MAX) {
            return crowded("this session has too many unanswered requests", limits::SESSION_CALLS_MAX);
        }
        if self.calls.len() >= limits::CALLS_MAX {
            return crowded("the proxy has too many unanswered requests", limits::CALLS_MAX);
        }
        match server.supervisor.ready_link().and_then(|link| self.links.get(link)) {
            Some(link) if link.queued_bytes() + bytes > limits::LINK_QUEUE_BYTES_MAX => Err(Trouble::Clogged),
            None if server.waiting_bytes + bytes > limits::WAITING_BYTES_MAX => {
                crowded("too many bytes wait for it to start", limits::WAITING_BYTES_MAX)
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn wait_for_server(&mut self, id: CallId, line: Buf, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some(server) = self.servers.get_mut(call.server) else { return };
        server.waiting_bytes += line.len();
        server.waiting.insert(id);
        call.state = CallState::Waiting { line };
        call.due = now + server.config.startup_time;
        self.deadlines.arm_earlier(&mut server.patience, Due::Patience(call.server), call.due);
        if server.supervisor.is_startable() {
            let server = call.server;
            self.start(server, now);
        }
    }

    pub(super) fn on_in_flight(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(id) else { return };
        let Some(server) = self.servers.get_mut(call.server) else { return };
        call.state = CallState::InFlight;
        call.due = now + server.config.request_time;
        self.deadlines.arm_earlier(&mut server.patience, Due::Patience(call.server), call.due);
    }

    /// The server is ready: what waited for it goes out, in the order in which it came.
    pub(super) fn release_waiting(&mut self, server: ServerId, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let waiting = std::mem::take(&mut entry.waiting);
        entry.waiting_bytes = 0;
        for id in waiting {
            let Some(call) = self.calls.get_mut(id) else { continue };
            let CallState::Waiting { line } = std::mem::replace(&mut call.state, CallState::InFlight) else { continue };
            if matches!(call.kind, CallKind::Initialize { .. }) {
                self.introduce(id, now);
            } else if let Some(link) = self.ready_link(server) {
                self.begin_waiting_call(link, id, line.as_slice(), now);
            }
        }
    }

    /// What had to wait is read again: what is sent of it depends on the link.
    pub(super) fn begin_waiting_call(&mut self, link: LinkId, id: CallId, line: &[u8], now: Instant) {
        let Ok(Message::Request { id: own_id, method, params }) = envelope::read_message(line) else { return };
        // What was meant for a legacy link, and came back from it, may have lost them.
        let has_modern_keys = meta::is_modern(params.meta);
        let message = line.trim_ascii_end();
        let outgoing = Outgoing { message, id: own_id, method: &method, params, has_modern_keys };
        self.begin_call(link, id, &outgoing, now);
    }

    /// The call is over, in this way.
    pub(super) fn end_call(&mut self, id: CallId, end: CallEnd, now: Instant) -> Option<Call> {
        let call = self.take_call(id, now)?;
        self.count_ended(&call, end, now);
        Some(call)
    }

    pub(super) fn count_ended(&mut self, call: &Call, end: CallEnd, now: Instant) {
        self.count_call(call.server, call.method, end, now.saturating_duration_since(call.came));
    }

    /// The call is over, one way or the other.
    pub(super) fn take_call(&mut self, id: CallId, now: Instant) -> Option<Call> {
        self.abandon_exchange(id, now);
        let call = self.calls.remove(id)?;
        self.retired.on_call_over();
        if let Some(session) = call.session {
            self.on_call_over(session, id, now);
        }
        self.end_wait(call.server, id, &call.state);
        Some(call)
    }

    /// A call has left this state: if it waited for its server, it does so no more.
    pub(super) fn end_wait(&mut self, server: ServerId, id: CallId, left: &CallState) {
        if let CallState::Waiting { line } = left
            && let Some(server) = self.servers.get_mut(server)
            && server.waiting.remove(&id)
        {
            server.waiting_bytes -= line.len().min(server.waiting_bytes);
        }
    }

    /// The call gets no answer from its upstream: this is the answer.
    pub(super) fn fail_call(&mut self, id: CallId, trouble: &Trouble, now: Instant) {
        if self.end_parked(id, || End::Trouble(trouble.clone()), now) {
            return;
        }
        self.end_asks_of_call(id, now);
        let Some(call) = self.end_call(id, CallEnd::Failed, now) else { return };
        self.on_unanswered(&call);
        self.answer_with_trouble(call.server, call.stream, &call.id, trouble, now);
    }

    /// Fails all calls of a server for which `is_meant` says so.
    pub(super) fn fail_calls(
        &mut self,
        server: ServerId,
        trouble: &Trouble,
        is_meant: fn(&CallState) -> bool,
        now: Instant,
    ) {
        let meant = |call: &Call| call.server == server && is_meant(&call.state);
        let ids: Vec<CallId> = self.calls.iter().filter(|(_, call)| meant(call)).map(|(id, _)| id).collect();
        for id in ids {
            self.fail_call(id, trouble, now);
        }
    }

    /// The same for a request that has no stream yet.
    pub(crate) fn trouble(&self, server: ServerId, id: &str, trouble: &Trouble) -> Denial {
        let name = self.servers.get(server).map_or("", |server| &server.config.label);
        Denial { status: trouble.status(), headers: Vec::new(), body: trouble.to_json(id, name) }
    }

    pub(super) fn answer_with_trouble(
        &mut self,
        server: ServerId,
        stream: StreamId,
        id: &str,
        trouble: &Trouble,
        now: Instant,
    ) {
        let name = self.servers.get(server).map_or("", |server| &server.config.label);
        let body = trouble.to_json(id, name);
        self.push_reply(stream, trouble.status(), &[], &[body.as_bytes()], now);
    }

    /// Nobody waits for the answer any more: the upstream is told.
    pub(super) fn cancel_call(&mut self, id: CallId, reason: &str, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        if matches!(call.state, CallState::InFlight) {
            self.notify_cancelled(call.server, id, reason);
        }
        self.abandon_call(id, reason, now);
    }

    /// A downstream cancels: its notification goes on as it is, but for the id of the request.
    pub(crate) fn pass_cancellation(&mut self, id: CallId, message: &[u8], request_id: &str, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        let is_sent = |link: &LinkId| {
            matches!(call.state, CallState::InFlight) && !self.is_unsent(*link, id) && !self.is_subscribing(id)
        };
        if let (Some(link), Some(range)) = (self.ready_link(call.server).filter(is_sent), range_in(message, request_id))
            && !self.hang_up(link, id)
        {
            if self.is_clogged(link) {
                self.send_cancellation(link, id, "the client cancelled it");
            } else {
                let number = id.number().to_string();
                self.forward_to_link(link, message, &mut [Patch { range, text: &number }]);
            }
        }
        self.abandon_call(id, "the client cancelled it", now);
    }

    /// The answer is an error that says so, since the HTTP request it belongs to wants one.
    fn abandon_call(&mut self, id: CallId, reason: &str, now: Instant) {
        // While the call is there: they are withdrawn on its stream.
        self.end_asks_of_call(id, now);
        let Some(call) = self.end_call(id, CallEnd::Cancelled, now) else { return };
        self.on_unanswered(&call);
        let body = write::error(&call.id, INTERNAL_ERROR, &format!("the request was cancelled: {reason}"));
        self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
    }

    /// The upstream did not agree to what the call asked for, as far as its downstream knows.
    fn on_unanswered(&mut self, call: &Call) {
        match (&call.kind, call.session) {
            (CallKind::Subscribe(uri), session) => {
                self.on_subscribe_refused(session, uri);
                self.give_up_subscription(call, uri);
            }
            (CallKind::Initialize { .. }, session) => {
                self.suspect_unused(call.server);
                if let Some(entry) = session.and_then(|session| self.sessions.get_mut(session)) {
                    entry.server = entry.entrance;
                }
                session.into_iter().for_each(|session| self.on_opening(session, Opening::Awaited));
            }
            (
                CallKind::SetLevel(_)
                | CallKind::Discover
                | CallKind::ListTools
                | CallKind::ListTasks
                | CallKind::BeginTask
                | CallKind::Passive
                | CallKind::Active,
                _,
            ) => {}
        }
    }

    pub(super) fn notify_cancelled(&mut self, server: ServerId, id: CallId, reason: &str) {
        let Some(link) = self.ready_link(server).filter(|link| !self.is_unsent(*link, id)) else { return };
        if self.is_subscribing(id) {
            return; // of that call itself, nothing was sent
        }
        if self.hang_up(link, id) {
            return;
        }
        self.send_cancellation(link, id, reason);
    }

    fn send_cancellation(&mut self, link: LinkId, id: CallId, reason: &str) {
        let params = format!("{{\"requestId\":{},\"reason\":{}}}", id.number(), write::string(reason));
        self.send_to_link(link, &write::notification("notifications/cancelled", Some(&params)));
    }
}
