//! POSTs of the modern era (2026-07-28): each request says by itself in which revision it is, who sends it, and what
//! they can be asked.
//!
//! Checked in this order: message, `_meta` (-32602), headers (-32020), revision (-32022), method (-32601 with 404),
//! parameters.

pub(crate) mod form;

use std::sync::LazyLock;
use std::time::Instant;

use memchr::memmem::Finder;

use self::form::{ModernHead, Standing, check_form};
use super::errors::Denial;
use super::post::{StreamablePost, VersionHeader};
use crate::base::id::{ConnId, ServerId, SessionId, StreamId};
use crate::base::sequence::CallId;
use crate::base::text::shorten;
use crate::codec::jsonrpc::envelope::{Message, Params, json_string, read_message};
use crate::codec::jsonrpc::members::member;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::search::can_have;
use crate::codec::jsonrpc::splice::range_in;
use crate::codec::jsonrpc::{
    HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, TRANSPORT_ERROR, write,
};
use crate::limits;
use crate::mcp::call::{CallKind, is_passive};
use crate::mcp::header_mismatch::Mismatch;
use crate::mcp::listen_filter::ListenFilter;
use crate::mcp::meta::Meta;
use crate::mcp::method::McpMethod;
use crate::mcp::modern_call::ModernCall;
use crate::mcp::request_state::{self, Context};
use crate::mcp::session::{Opener, Scope, Transport};
use crate::mcp::stream::{Accepts, StreamState};
use crate::mcp::trouble::Trouble;
use crate::mcp::url_visits;
use crate::proxy::request_states::{Opened, principal};
use crate::proxy::{Proxy, Request};

/// A request of the modern era that has passed all checks of its form.
struct ModernRequest<'a> {
    conn: ConnId,
    post: &'a StreamablePost,
    standing: Standing,
    message: &'a [u8],
    id: &'a str,
    method: &'a str,
    params: Params<'a>,
}

impl<'a> ModernRequest<'a> {
    /// The call that it becomes.
    fn call(&self, kind: CallKind) -> Request<'a> {
        let ModernRequest { message, id, method, params, .. } = *self;
        let modern = ModernCall::new(self.post.opener, self.standing.capabilities, params.text);
        Request { message, id, method, params, kind, modern: Some(Box::new(modern)) }
    }
}

/// What a request that comes back was told to come back with; most requests do not, and are only searched for it.
fn returned_state(params: Option<&str>) -> Option<&str> {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"requestState\""));
    member(params.filter(|params| can_have(params.as_bytes(), &KEY)), "requestState")
}

/// Whether the modern era has no such method any more.
fn is_of_the_past(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "logging/setLevel"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/result"
            | "tasks/list"
    )
}

/// Nothing of the answer is said yet.
fn undecided(post: &StreamablePost) -> StreamState {
    StreamState::Undecided { accepts: post.accepts, due: 1, batch: None }
}

impl Proxy {
    /// A message, if it is of the modern era. `None`: it is of the legacy era. A request is modern by its `_meta`, and
    /// by its head where that names such a revision, except for `initialize`; what is no request by its head, unless it
    /// belongs to a session.
    pub(super) fn on_modern_message(
        &mut self,
        conn: ConnId,
        post: &StreamablePost,
        bytes: &[u8],
        message: &Message<'_>,
        now: Instant,
    ) -> Option<Result<(), Denial>> {
        let head = match &post.version {
            VersionHeader::Legacy => None,
            VersionHeader::Other(head) => Some(&**head),
        };
        let has_modern_head = head.is_some_and(ModernHead::is_modern);
        match message {
            Message::Request { id, method, params } => {
                let meta = match Meta::read(params.meta) {
                    Ok(meta) => meta,
                    Err(reason) => return Some(Err(Denial::reply(400, id, INVALID_PARAMS, &reason.to_string()))),
                };
                let is_modern = meta.is_modern() || (has_modern_head && method != "initialize");
                is_modern.then(|| {
                    let standing = check_form(head, &meta, id, method, params.text)?;
                    let request = ModernRequest { conn, post, standing, message: bytes, id, method, params: *params };
                    self.on_modern_request(&request, now)
                })
            }
            Message::Notification { method, params } if has_modern_head && !post.session.is_known() => {
                self.on_modern_notification(post.server, bytes, method, params);
                self.respond(conn, 202, &[], &[], now);
                Some(Ok(()))
            }
            Message::Response { .. } if has_modern_head && !post.session.is_known() => {
                let reason = "there are no responses of clients in 2026-07-28: answers stand in inputResponses";
                Some(Err(Denial::message(400, INVALID_REQUEST, reason)))
            }
            Message::Notification { .. } | Message::Response { .. } => None,
        }
    }

    fn on_modern_request(&mut self, request: &ModernRequest<'_>, now: Instant) -> Result<(), Denial> {
        let ModernRequest { post, id, method, params, .. } = *request;
        let not_found = || {
            let reason = format!("Method not found: {}", shorten(method));
            Err(Denial::reply(404, id, METHOD_NOT_FOUND, &reason))
        };
        if is_of_the_past(method) {
            return not_found(); // before an upstream is started for it
        }
        let server = self.upstream_of_request(post.server, post.opener, now);
        let server = server.map_err(|trouble| self.trouble(post.server, id, &trouble))?;
        let kind = match method {
            "subscriptions/listen" => return self.on_listen_request(request, server, now),
            _ if !self.has_capability(server, method) => return not_found(),
            "server/discover" => CallKind::Discover,
            "tools/list" => CallKind::ListTools,
            "tools/call" => {
                let checked = self.check_tool(post.server, id, params.text);
                checked.map_err(|body| Denial { status: 200, headers: Vec::new(), body })?;
                let checked = self.check_params(server, post, params.text);
                checked.map_err(|mismatch| Denial::reply(400, id, HEADER_MISMATCH, &mismatch.to_string()))?;
                CallKind::Active
            }
            method if is_passive(method) => CallKind::Passive,
            _ => CallKind::Active,
        };
        match returned_state(params.text).filter(|_| McpMethod::of(method).may_want_input()) {
            Some(state) => self.on_return(request, server, (kind, state), now),
            None => self.make_call(request, server, kind, now),
        }
    }

    fn make_call(
        &mut self,
        request: &ModernRequest<'_>,
        server: ServerId,
        kind: CallKind,
        now: Instant,
    ) -> Result<(), Denial> {
        let (session, stream) = self.begin_answer(request, server, now)?;
        self.accept_call(server, Some(session), stream, request.call(kind), now);
        self.forget_if_unused(session, now);
        Ok(())
    }

    /// Whether the headers that repeat parameters say the same, as far as the tool is known (2026-07-28, streamable
    /// HTTP, custom headers): whatever its upstream speaks, whoever stands in front of us may go by them.
    fn check_params(&self, server: ServerId, post: &StreamablePost, params: Option<&str>) -> Result<(), Mismatch> {
        let VersionHeader::Other(head) = &post.version else { return Ok(()) };
        let Some(catalogue) = self.servers.get(server).map(|server| &server.catalogue) else { return Ok(()) };
        if !catalogue.has_headers() {
            return Ok(());
        }
        let Some(name) = member(params, "name").and_then(json_string) else { return Ok(()) };
        match catalogue.headers(&name) {
            Some(headers) => headers.check_call(params, |name| head.param(name)),
            None => Ok(()),
        }
    }

    /// A request to hear of changes. Its answer is an event stream from the beginning.
    fn on_listen_request(&mut self, request: &ModernRequest<'_>, server: ServerId, now: Instant) -> Result<(), Denial> {
        let ModernRequest { conn, post, id, params, .. } = *request;
        let filter =
            ListenFilter::parse(params.text).map_err(|reason| Denial::reply(200, id, INVALID_PARAMS, &reason))?;
        if post.accepts == Accepts::Json {
            let reason = "subscriptions/listen is answered with a stream: the client must accept text/event-stream";
            return Err(Denial::reply(406, id, TRANSPORT_ERROR, reason));
        }
        let session = self.begin_request(request, server, Scope::Listen, now)?;
        let stream = self.answer_session(conn, session, request, StreamState::Listening, now);
        self.begin_listen(session, stream, id, filter, now);
        Ok(())
    }

    fn begin_request(
        &mut self,
        request: &ModernRequest<'_>,
        server: ServerId,
        scope: Scope,
        now: Instant,
    ) -> Result<SessionId, Denial> {
        let ModernRequest { post, id, .. } = *request;
        self.begin_session(server, post.opener, Transport::Modern(scope), now).ok_or_else(|| {
            let reason = format!("the proxy has too many requests at once ({})", limits::SESSIONS_MAX);
            Denial::reply(503, id, INTERNAL_ERROR, &reason)
        })
    }

    /// The session of a request is what the request says, and has this one stream.
    fn answer_session(
        &mut self,
        conn: ConnId,
        session: SessionId,
        request: &ModernRequest<'_>,
        state: StreamState,
        now: Instant,
    ) -> StreamId {
        let stream = self.open_answer(conn, Some(session), state, now);
        if let Some(entry) = self.sessions.get_mut(session) {
            entry.capabilities = request.standing.capabilities;
            entry.log_level = request.standing.log_level;
            entry.streams.push(stream);
        }
        stream
    }

    /// A request that comes back with answers, to a call that was parked or to one that its upstream has given a state.
    fn on_return(
        &mut self,
        request: &ModernRequest<'_>,
        upstream: ServerId,
        (kind, state): (CallKind, &str),
        now: Instant,
    ) -> Result<(), Denial> {
        let ModernRequest { post, id, method, params, .. } = *request;
        let refused = |reason: &str| Err(Denial::reply(200, id, INVALID_PARAMS, reason));
        let is_theirs = post.opener == Opener::Anybody && self.is_modern_upstream(upstream);
        let Some(server) = self.servers.get(post.server).map(|server| server.config.name.clone()) else {
            return Err(self.trouble(post.server, id, &Trouble::Replaced));
        };
        let Ok(digest) = request_state::digest(params.text) else { return refused("the arguments nest too deeply") };
        let context = Context { principal: principal(&post.opener), server: &server, method, digest };
        match json_string(state).and_then(|text| self.open_state(&context, &text)) {
            Some(Opened::Parked(call)) => self.on_answers(request, call, now),
            Some(Opened::Urls(ids)) => self.on_visits_claimed(request, upstream, ids, now),
            Some(Opened::Passed(inner)) => self.on_passed(request, upstream, kind, (state, &inner), now),
            Some(Opened::Stale) => refused("this requestState was used before, or its call is over; begin anew"),
            None if is_theirs => self.make_call(request, upstream, kind, now),
            None if state.len() > limits::REQUEST_STATE_BYTES_MAX => {
                let bound = limits::REQUEST_STATE_BYTES_MAX;
                refused(&format!("this requestState is none of the proxy's: those have at most {bound} bytes"))
            }
            None => refused("this requestState is not one of this call's, or was changed; begin anew"),
        }
    }

    /// A parked call goes on.
    fn on_answers(&mut self, request: &ModernRequest<'_>, call: CallId, now: Instant) -> Result<(), Denial> {
        let ModernRequest { conn, post, id, params, .. } = *request;
        let refused = |reason: &str| Denial::reply(200, id, INVALID_PARAMS, reason);
        let answers = self.check_answers(call, member(params.text, "inputResponses"));
        let answers = answers.map_err(|reason| refused(&reason))?;
        let session = self.calls.get(call).and_then(|call| call.session);
        let session = session.ok_or_else(|| refused("this requestState's call is over; begin anew"))?;
        let level = self.sessions.get(session).and_then(|session| session.log_level);
        let stream = self.answer_session(conn, session, request, undecided(post), now);
        self.on_level_changed(session, level);
        self.unpark(call, (stream, id, params.progress_token), answers, now);
        Ok(())
    }

    /// A call goes back to its upstream with the state that this one gave it: `inner`, in the place of `state`.
    fn on_passed(
        &mut self,
        request: &ModernRequest<'_>,
        server: ServerId,
        kind: CallKind,
        (state, inner): (&str, &str),
        now: Instant,
    ) -> Result<(), Denial> {
        let mut rewrite = Rewrite::default();
        if let Some(place) = range_in(request.message, state) {
            rewrite.replace(place, write::string(inner));
        }
        let message = rewrite.pieces(request.message, []).concat();
        match read_message(&message) {
            Ok(Message::Request { id, params, .. }) => {
                let request = ModernRequest { message: &message, id, params, ..*request };
                self.make_call(&request, server, kind, now)
            }
            Ok(Message::Notification { .. } | Message::Response { .. }) | Err(_) => {
                Err(Denial::reply(200, request.id, INVALID_PARAMS, "this requestState cannot be passed on"))
            }
        }
    }

    /// A request that comes back from URLs that its upstream wants to be visited first.
    fn on_visits_claimed(
        &mut self,
        request: &ModernRequest<'_>,
        server: ServerId,
        ids: Vec<Box<str>>,
        now: Instant,
    ) -> Result<(), Denial> {
        let is_accepted = url_visits::are_accepted(member(request.params.text, "inputResponses"), ids.len());
        let (session, stream) = self.begin_answer(request, server, now)?;
        let call = request.call(CallKind::Active);
        self.accept_visited(server, (session, stream), call, (ids, is_accepted), now);
        self.forget_if_unused(session, now);
        Ok(())
    }

    /// The session and the stream of a request that becomes a call.
    fn begin_answer(
        &mut self,
        request: &ModernRequest<'_>,
        server: ServerId,
        now: Instant,
    ) -> Result<(SessionId, StreamId), Denial> {
        let session = self.begin_request(request, server, Scope::Call, now)?;
        Ok((session, self.answer_session(request.conn, session, request, undecided(request.post), now)))
    }

    /// A notification: nobody waits for an answer. What the modern era does not have goes nowhere, and the ids of
    /// requests are no proof that they are one's own.
    fn on_modern_notification(&mut self, server: ServerId, bytes: &[u8], method: &str, params: &Params<'_>) {
        match method {
            "notifications/initialized" | "notifications/roots/list_changed" | "notifications/cancelled" => {}
            "tools/call" if self.is_filtering(server) => {}
            _ => self.forward_to_server(server, bytes, params),
        }
    }
}
