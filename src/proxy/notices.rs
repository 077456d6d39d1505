//! Notifications of upstreams: each reaches whom it concerns, and nobody else.

use std::ops::Range;
use std::time::Instant;

use super::asks::Cause;
use super::upstream::Source;
use super::{Level, Proxy};
use crate::base::id::{ServerId, SessionId};
use crate::base::sequence::CallId;
use crate::base::text::{shorten, shorten_bytes};
use crate::codec::jsonrpc::write;
use crate::mcp::listen_filter::Changed;
use crate::mcp::log_level::LogLevel;
use crate::mcp::session::Session;

impl Proxy {
    /// Progress goes to the stream of its call, with the downstream's own token.
    pub(super) fn on_progress(
        &mut self,
        server: ServerId,
        id: CallId,
        line: &[u8],
        token_range: &Range<usize>,
        now: Instant,
    ) {
        let Some(call) = self.calls.get(id).filter(|call| call.is_in_flight(server)) else {
            return self.on_task_progress(server, id, line, token_range, now);
        };
        let (stream, Some(token)) = (call.stream, call.progress_token.clone()) else { return };
        self.touch_call(id, now);
        if let Some(missed) = self.missed_by(id) {
            missed.keep_progress(line, token_range.clone());
            return;
        }
        if self.is_stale_progress(id, line) {
            return;
        }
        let parts = [&line[..token_range.start], token.as_bytes(), &line[token_range.end..]];
        self.push_event(stream, &parts, now);
    }

    /// A log line goes to the session that caused it, if it wants lines of that level.
    pub(super) fn on_log(&mut self, source: Source, line: &[u8], level: Option<LogLevel>, now: Instant) {
        // Modern upstreams have nothing to say of the calls of those who did not ask for it.
        let is_modern = self.is_modern_link(source.link);
        let may_hear = |session: &Session| !is_modern || session.log_level.is_some();
        self.push_to_cause(source, (line, level), may_hear, |session| session.wants_log(level), now);
    }

    /// What the proxy does not know belongs to the call that caused it, or to the only session.
    pub(super) fn on_unknown_notice(&mut self, source: Source, line: &[u8], method: &str, now: Instant) {
        self.log(Level::Debug, Some(source.server), format!("It sent a notification {:?}", shorten(method)));
        self.push_to_cause(source, (line, None), |_| true, |_| true, now);
    }

    /// To whom of those who `may_hear` it caused it, if they want it.
    fn push_to_cause(
        &mut self,
        source: Source,
        (line, level): (&[u8], Option<LogLevel>),
        may_hear: impl Fn(&Session) -> bool,
        wants: impl Fn(&Session) -> bool,
        now: Instant,
    ) {
        let of_task = self.session_of_task(source.server, line);
        let cause = match of_task {
            Some(session) => Cause::Session { session, call: self.newest_cause(session) },
            None => self.cause_of(source, |session| self.sessions.get(session).is_some_and(&may_hear)),
        };
        let (session, call) = match cause {
            Cause::Session { session, call } => (session, call),
            Cause::Ambiguous | Cause::Nobody => {
                let message = format!("It belongs to no call in particular: {}", shorten_bytes(line));
                self.log(Level::Debug, Some(source.server), message);
                return;
            }
        };
        if !self.sessions.get(session).is_some_and(wants) {
            return;
        }
        match call.and_then(|call| self.missed_by(call)) {
            Some(missed) => missed.keep_log(level, line),
            None => drop(self.push_to_session(session, call, &[line], now)),
        }
    }

    /// Every session hears that a list has changed, and every listen that wants to; the proxy reads the list of tools
    /// again.
    pub(super) fn on_list_changed(&mut self, server: ServerId, line: &[u8], list: Changed, now: Instant) {
        if list == Changed::Tools {
            self.read_catalogue(server);
        }
        self.push_to_all(server, line, now);
        self.tell_listens(server, list, line, now);
    }

    /// A link lists other tools than the one before it: nobody has told the sessions, which outlive links.
    pub(super) fn on_other_tools(&mut self, server: ServerId, now: Instant) {
        let introduction = self.servers.get(server).and_then(|server| server.introduction.as_ref());
        if introduction.is_some_and(|introduction| introduction.capabilities.tells_tools) {
            let notice = write::notification(Changed::Tools.method(), None);
            self.push_to_all(server, notice.as_bytes(), now);
            self.tell_listens(server, Changed::Tools, notice.as_bytes(), now);
        }
    }

    fn push_to_all(&mut self, server: ServerId, line: &[u8], now: Instant) {
        let greeted = self.sessions.with(server).filter(|(_, session)| session.is_greeted());
        let sessions: Vec<SessionId> = greeted.map(|(id, _)| id).collect();
        for session in sessions {
            let call = self.newest_cause(session);
            self.push_to_listener(session, call, line, now);
        }
    }

    /// The subscribers of a resource hear that it has changed.
    pub(super) fn on_updated(&mut self, server: ServerId, line: &[u8], uri: &str, now: Instant) {
        let subscribed = self.sessions.with(server).filter(|(_, session)| session.is_subscribed(uri));
        let sessions: Vec<SessionId> = subscribed.map(|(id, _)| id).collect();
        for session in sessions {
            if self.is_listen(session) {
                self.tell_listen(session, line, now);
                continue;
            }
            let call = self.newest_cause(session);
            self.push_to_listener(session, call, line, now);
        }
    }

    /// What concerns no call goes to the session's own stream; a session without one hears it with its call in flight,
    /// or when it comes back.
    pub(super) fn push_to_listener(&mut self, session: SessionId, call: Option<CallId>, line: &[u8], now: Instant) {
        let of_call = call.and_then(|call| self.calls.get(call)).map(|call| call.stream);
        let attached = of_call.filter(|stream| self.is_attached(*stream));
        let newest = self.sessions.get(session).and_then(|session| session.streams.last().copied());
        let detached = newest.filter(|stream| !self.is_attached(*stream));
        for stream in [self.own_stream(session), attached, detached].into_iter().flatten() {
            if self.push_event(stream, &[line], now) {
                return;
            }
        }
    }
}
