//! Asks: from an upstream to the downstream whose call caused them, and the answers back.

use std::collections::BTreeSet;
use std::time::Instant;

use super::upstream::Source;
use super::{Due, Level, Proxy};
use crate::base::id::{LinkId, ServerId, SessionId};
use crate::base::sequence::{AskId, CallId, Number};
use crate::codec::jsonrpc::splice::{Patch, range_in};
use crate::codec::jsonrpc::{INTERNAL_ERROR, METHOD_NOT_FOUND, write};
use crate::limits;
use crate::mcp::ask::{Ask, AskKind, Origin, Way};
use crate::mcp::attribution::{Attribution, Carrier, attribute};
use crate::mcp::call::Call;
use crate::mcp::from_upstream::answered_ask;
use crate::mcp::session::Party;

/// An ask as it came from an upstream.
pub(super) struct Asked<'a> {
    pub(super) line: &'a [u8],
    pub(super) kind: AskKind,
    /// The upstream's own id, within the line.
    pub(super) id: &'a str,
    pub(super) progress_token: Option<&'a str>,
    /// Its parameters, within the line.
    pub(super) params: Option<&'a str>,
}

/// Whose call caused a message of an upstream.
pub(super) enum Cause {
    /// One of this session's: that one, or on a message outside of calls none.
    Session { session: SessionId, call: Option<CallId> },
    /// Several sessions are equally likely.
    Ambiguous,
    /// There is nobody to take it.
    Nobody,
}

impl Proxy {
    /// An upstream asks. The ask reaches the session that caused it, or is refused with the reason.
    pub(super) fn on_ask(&mut self, source: Source, asked: &Asked<'_>, now: Instant) {
        let Source { link, server, .. } = source;
        let is_able = |session: SessionId| self.can_be_asked(session, asked.kind);
        let (session, call) = match self.cause_of_ask(source, asked, is_able) {
            Cause::Session { session, call } => (session, call),
            Cause::Ambiguous => {
                let reason = "calls of several sessions are in flight, and a shared server does not say which of them \
                              it asks for; run it with \"isolation\": \"session\"";
                return self.refuse_ask(link, server, asked.id, reason);
            }
            Cause::Nobody if self.keep_early(server, link, asked.kind, asked.id, asked.line, now) => return,
            Cause::Nobody => {
                self.note_missing(source, asked.kind);
                return self.refuse_ask(link, server, asked.id, "no connected client can answer this request");
            }
        };
        if self.asks.iter().filter(|(_, ask)| ask.link == link).count() >= limits::LINK_ASKS_MAX {
            let reason = format!("too many unanswered requests of this server ({})", limits::LINK_ASKS_MAX);
            return self.refuse_ask(link, server, asked.id, &reason);
        }
        if let Some(call) = call.filter(|_| self.is_modern(session)) {
            return self.on_input_wanted(source, asked, (session, call), now);
        }
        let ask = self.asks.insert(Ask {
            link,
            id: asked.id.into(),
            progress_token: asked.progress_token.map(Into::into),
            session,
            call,
            due: now + limits::ASK_TIME_MAX,
            way: Way::Stream,
            origin: Origin::Link,
        });
        let number = ask.number().to_string();
        let parts = with_id(asked.line, asked.id, &number);
        if asked.kind == AskKind::ElicitationUrl {
            self.on_url_asked(server, session, asked.params);
        }
        if !self.push_to_session(session, call, &parts, now) {
            self.asks.remove(ask);
            self.refuse_ask(link, server, asked.id, "the client that caused this request takes none at the moment");
            return;
        }
        if let Some(entry) = self.servers.get_mut(server) {
            self.deadlines.arm_earlier(&mut entry.patience, Due::Patience(server), now + limits::ASK_TIME_MAX);
        }
    }

    /// Whether a session can be asked something: it has said so, and, if it is a modern request, can be answered so.
    fn can_be_asked(&self, id: SessionId, kind: AskKind) -> bool {
        let Some(session) = self.sessions.get(id).filter(|session| kind.is_covered_by(session.capabilities)) else {
            return false;
        };
        let may_want_input = |call: &CallId| self.calls.get(*call).is_some_and(|call| call.method.may_want_input());
        !session.is_modern() || session.calls.iter().any(may_want_input)
    }

    /// Whose call caused an ask. What the proxy does not know is nobody's call's in particular: it goes to the only
    /// session there is. Tasks of clients are never offered to a shared upstream.
    fn cause_of_ask(&self, source: Source, asked: &Asked<'_>, is_able: impl Fn(SessionId) -> bool) -> Cause {
        let is_private = self.servers.get(source.server).is_some_and(|server| server.entrance().is_some());
        let is_guess = source.carrier == Carrier::Shared;
        match asked.kind {
            AskKind::Tasks if !is_private => Cause::Nobody,
            AskKind::Tasks | AskKind::Unknown if is_guess => {
                // A modern one has asked for nothing of the kind, and others are told nothing before their greeting.
                let sessions = self.sessions.with(source.server).filter(|(_, session)| session.is_greeted());
                let mut sessions = sessions.map(|(id, _)| id);
                match (sessions.next(), sessions.next()) {
                    (Some(session), None) => Cause::Session { session, call: self.newest_cause(session) },
                    (None, _) | (Some(_), Some(_)) => Cause::Nobody,
                }
            }
            AskKind::Tasks
            | AskKind::Unknown
            | AskKind::Sampling
            | AskKind::SamplingTools
            | AskKind::ElicitationForm
            | AskKind::ElicitationUrl
            | AskKind::Roots => match self.session_of_task(source.server, asked.line) {
                Some(session) if is_able(session) => Cause::Session { session, call: self.newest_cause(session) },
                Some(_) => Cause::Nobody,
                None => self.cause_of(source, is_able),
            },
        }
    }

    /// Whose call caused a message: the stream tells, or the rule of attribution among the sessions that `is_able`
    /// admits.
    pub(super) fn cause_of(&self, source: Source, is_able: impl Fn(SessionId) -> bool) -> Cause {
        match source.carrier {
            Carrier::Call(call) => {
                let session = self.calls.get(call).filter(|call| call.is_in_flight(source.server));
                match session.and_then(|call| call.session).filter(|session| is_able(*session)) {
                    Some(session) => Cause::Session { session, call: Some(call) },
                    None => Cause::Nobody,
                }
            }
            Carrier::Own => Cause::Nobody,
            Carrier::Shared => match self.attribute(source.server, is_able) {
                Attribution::Caller(session) => Cause::Session { session, call: self.newest_cause(session) },
                Attribution::Listener(session) => Cause::Session { session, call: None },
                Attribution::Ambiguous => Cause::Ambiguous,
                Attribution::Nobody => Cause::Nobody,
            },
        }
    }

    /// Only those that are not parked, if there are any: whoever has asked and waits for the answer says nothing else.
    fn attribute(&self, server: ServerId, is_able: impl Fn(SessionId) -> bool) -> Attribution {
        let is_candidate = |call: &Call| call.server == server && call.is_cause();
        let is_working = self.calls.iter().any(|(_, call)| is_candidate(call) && !call.is_parked());
        let causes = self.calls.iter().filter(|(_, call)| is_candidate(call) && !(is_working && call.is_parked()));
        let callers = causes.filter_map(|(_, call)| call.session).filter(|session| is_able(*session));
        let callers = callers.filter_map(|id| Some((self.sessions.get(id)?.party(id), id)));
        let greeted = self.sessions.with(server).filter(|(_, session)| session.is_greeted()).map(|(id, _)| id);
        let listeners = greeted.filter(|session| self.own_stream(*session).is_some() && is_able(*session));
        attribute(callers, listeners)
    }

    /// The newest call of a session that may have caused a message of its upstream.
    pub(super) fn newest_cause(&self, session: SessionId) -> Option<CallId> {
        self.newest_cause_but(session, None)
    }

    fn newest_cause_but(&self, session: SessionId, except: Option<CallId>) -> Option<CallId> {
        let calls = self.sessions.get(session)?.calls.iter().rev().copied();
        let mut causes = calls.filter(|call| self.calls.get(*call).is_some_and(|call| call.is_cause()));
        causes.find(|call| Some(*call) != except)
    }

    /// Sends a message to a session: on the stream of the call if that is still there, else on its own stream. Where
    /// neither has a connection, it waits for the downstream to come back for its answer.
    pub(super) fn push_to_session(
        &mut self,
        session: SessionId,
        call: Option<CallId>,
        parts: &[&[u8]],
        now: Instant,
    ) -> bool {
        let of_call = call.and_then(|call| self.calls.get(call)).map(|call| call.stream);
        let attached = of_call.filter(|stream| self.is_attached(*stream));
        let own = self.own_stream(session);
        let detached = of_call.filter(|stream| !self.is_attached(*stream));
        [attached, own, detached].into_iter().flatten().any(|stream| self.push_event(stream, parts, now))
    }

    pub(super) fn refuse_ask(&mut self, link: LinkId, server: ServerId, id: &str, reason: &str) {
        self.log(Level::Warn, Some(server), format!("refused a request of the server to its client: {reason}"));
        self.forward_to_link(link, write::error(id, METHOD_NOT_FOUND, reason).as_bytes(), &mut []);
    }

    /// A downstream has answered. Too late, or not its ask: nothing happens.
    pub(crate) fn on_answer(&mut self, session: SessionId, message: &[u8], id: &str, now: Instant) {
        let Some(ask_id) = answered_ask(id) else { return };
        let is_meant = |ask: &Ask| ask.session == session && matches!(ask.way, Way::Stream);
        if !self.asks.get(ask_id).is_some_and(is_meant) {
            return;
        }
        let Some(ask) = self.asks.remove(ask_id) else { return };
        self.touch_calls_of(ask.session, now);
        if ask.origin == Origin::Call {
            return self.on_question_answered(&ask, message, now);
        }
        if let Some(range) = range_in(message, id) {
            self.answer_ask(&ask, message, &mut [Patch { range, text: &ask.id }]);
        }
    }

    /// Progress of a downstream on an ask, if it is one of its own.
    pub(crate) fn on_ask_progress(&mut self, session: SessionId, message: &[u8], token: &str) {
        let is_meant = |ask: &Ask| ask.session == session && ask.progress_token.as_deref() == Some(token);
        let link = self.asks.iter().find(|(_, ask)| is_meant(ask)).map(|(_, ask)| ask.link);
        if let Some(link) = link.filter(|link| self.links.is_live(*link)) {
            self.forward_to_link(link, message, &mut []);
        }
    }

    /// The upstream withdraws an ask: the downstream is told. From now on the call's time is the upstream's again.
    pub(super) fn on_ask_cancelled(&mut self, link: LinkId, upstream_id: &str, now: Instant) {
        let is_meant = |ask: &Ask| ask.link == link && &*ask.id == upstream_id && ask.origin == Origin::Link;
        let found = self.asks.iter().find(|(_, ask)| is_meant(ask)).map(|(id, _)| id);
        if let Some(id) = found
            && let Some(ask) = self.asks.remove(id)
        {
            self.touch_calls_of(ask.session, now);
            self.withdraw(id, &ask, now);
        }
    }

    /// Tells a downstream that an ask needs no answer any more, if that can be told.
    pub(super) fn withdraw(&mut self, id: AskId, ask: &Ask, now: Instant) {
        if matches!(ask.way, Way::Input(_)) {
            return;
        }
        let params = format!("{{\"requestId\":{}}}", id.number());
        let notice = write::notification("notifications/cancelled", Some(&params));
        self.push_to_session(ask.session, ask.call, &[notice.as_bytes()], now);
    }

    /// The upstream will get no answer: it is told why.
    fn end_asks(&mut self, is_meant: impl Fn(&Ask) -> bool, reason: &str, now: Instant) {
        let ids: Vec<AskId> = self.asks.iter().filter(|(_, ask)| is_meant(ask)).map(|(id, _)| id).collect();
        for id in ids {
            let Some(ask) = self.asks.remove(id) else { continue };
            match ask.origin {
                Origin::Link => self.send_to_link(ask.link, &write::error(&ask.id, INTERNAL_ERROR, reason)),
                Origin::Call => {}
            }
            self.withdraw(id, &ask, now);
        }
    }

    pub(super) fn end_asks_of(&mut self, session: SessionId, now: Instant) {
        self.end_asks(|ask| ask.session == session, "the client's session has ended", now);
    }

    /// A call ends. An ask that was put down to it may be another call's: the session's next newest takes it over, and
    /// only without one is there nobody left to answer.
    pub(super) fn end_asks_of_call(&mut self, call: CallId, now: Instant) {
        if !self.asks.iter().any(|(_, ask)| ask.call == Some(call)) {
            return;
        }
        self.end_questions(call, now);
        let session = self.calls.get(call).and_then(|call| call.session);
        let Some(heir) = session.and_then(|session| self.newest_cause_but(session, Some(call))) else {
            return self.end_asks(|ask| ask.call == Some(call), "the call that this belongs to has ended", now);
        };
        for (_, ask) in self.asks.iter_mut().filter(|(_, ask)| ask.call == Some(call)) {
            ask.call = Some(heir);
        }
    }

    /// The link is gone: nobody waits for these answers.
    pub(super) fn forget_asks_of(&mut self, link: LinkId, now: Instant) {
        let is_meant = |ask: &Ask| ask.link == link && ask.origin == Origin::Link;
        let ids: Vec<AskId> = self.asks.iter().filter(|(_, ask)| is_meant(ask)).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(ask) = self.asks.remove(id) {
                self.withdraw(id, &ask, now);
            }
        }
    }

    pub(super) fn expire_asks(&mut self, server: ServerId, now: Instant) {
        self.expire_questions(server, now);
        let link = self.servers.get(server).and_then(|server| server.supervisor.link());
        let is_late = |ask: &Ask| Some(ask.link) == link && ask.due <= now;
        self.end_asks(is_late, "the client did not answer in time", now);
    }

    pub(super) fn asks_of_server(&self, server: ServerId) -> impl Iterator<Item = (AskId, &Ask)> {
        let link = self.servers.get(server).and_then(|server| server.supervisor.link());
        let is_meant = move |ask: &Ask| match ask.origin {
            Origin::Link => Some(ask.link) == link,
            Origin::Call => ask.call.and_then(|call| self.calls.get(call)).is_some_and(|call| call.server == server),
        };
        self.asks.iter().filter(move |(_, ask)| is_meant(ask))
    }

    /// While somebody is being asked, the call that caused it is not silent. Which of the session's calls that is,
    /// nobody can be sure.
    pub(super) fn extend_asking_calls(&mut self, server: ServerId, now: Instant) {
        let sessions: BTreeSet<SessionId> = self.asks_of_server(server).map(|(_, ask)| ask.session).collect();
        for session in sessions {
            self.touch_calls_of(session, now);
        }
    }

    /// Which of them caused an ask was a guess: all begin their silence anew.
    fn touch_calls_of(&mut self, session: SessionId, now: Instant) {
        for call in self.calls_of_party(session) {
            self.touch_call(call, now);
        }
    }

    /// The calls of a session, or all modern ones of whoever has made this one: an upstream that serves several means
    /// any of them, as far as can be known.
    fn calls_of_party(&self, id: SessionId) -> Vec<CallId> {
        let Some(session) = self.sessions.get(id) else { return Vec::new() };
        match session.party(id) {
            Party::Session(_) => session.calls.clone(),
            party @ Party::Principal(_) => {
                let theirs = self.sessions.with(session.server).filter(|(id, other)| other.party(*id) == party);
                theirs.flat_map(|(_, other)| other.calls.iter().copied()).collect()
            }
        }
    }
}

/// A message in pieces, with another id.
fn with_id<'a>(line: &'a [u8], id: &str, number: &'a str) -> [&'a [u8]; 3] {
    let range = range_in(line, id).unwrap_or_default();
    [&line[..range.start], number.as_bytes(), &line[range.end..]]
}
