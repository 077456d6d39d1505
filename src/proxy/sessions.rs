//! How sessions begin and end.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::{ServerId, SessionId};
use crate::base::sequence::CallId;
use crate::limits;
use crate::mcp::caller::Caller;
use crate::mcp::introduction::{ClientCapabilities, Greeting};
use crate::mcp::session::{Opener, Opening, Scope, Session, Token, Transport};
use crate::mcp::version::Version;

impl Proxy {
    /// Nobody can guess it.
    pub(crate) fn fresh_token(&mut self) -> Token {
        let mut token = Token::default();
        self.randomise(&mut token);
        token
    }

    /// A conversation begins. At the bound the stalest session makes room; `None` if there is none.
    pub(crate) fn begin_session(
        &mut self,
        server: ServerId,
        opener: Opener,
        transport: Transport,
        now: Instant,
    ) -> Option<SessionId> {
        if self.sessions.len() >= limits::SESSIONS_MAX {
            let stalest = self.sessions.stalest(|_| true, |stream| self.is_attached(stream))?;
            self.end_session(stalest, now);
        }
        let token = match transport {
            Transport::Streamable | Transport::Sse(_) => self.fresh_token(),
            Transport::Modern(_) => Token::default(),
        };
        let entrance = self.servers.get(server)?.entrance().unwrap_or(server);
        Some(self.sessions.insert(Session {
            entrance,
            server,
            token,
            opener,
            transport,
            version: Version::V2024_11_05,
            capabilities: ClientCapabilities::default(),
            caller: Caller::default(),
            log_level: None,
            subscriptions: BTreeSet::new(),
            streams: Vec::new(),
            streams_begun: 0,
            resumable: Vec::new(),
            calls: Vec::new(),
            last_used: now,
        }))
    }

    /// Downstream and upstream were introduced to each other.
    pub(super) fn on_greeted(&mut self, id: SessionId, greeting: &Greeting, version: Version) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.version = version;
        session.capabilities = greeting.capabilities;
        session.caller = Caller::of(greeting);
        self.on_opening(id, Opening::Done);
    }

    /// How far a session over HTTP+SSE has got; the others have no such states.
    pub(crate) fn on_opening(&mut self, id: SessionId, opening: Opening) {
        if let Some(session) = self.sessions.get_mut(id)
            && session.is_sse()
        {
            session.transport = Transport::Sse(opening);
        }
    }

    /// The session is over: its calls are cancelled, its asks answered with an error, its streams ended.
    pub(crate) fn end_session(&mut self, id: SessionId, now: Instant) {
        self.end_listen(id, now);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (calls, streams) = (std::mem::take(&mut session.calls), std::mem::take(&mut session.streams));
        for call in calls {
            self.cancel_call(call, "the session was ended", now);
        }
        for stream in streams {
            self.close_stream(stream, now);
        }
        self.end_asks_of(id, now);
        // Not before: the answers to the calls have gone there.
        for stream in self.sessions.get(id).map(|session| session.resumable.clone()).unwrap_or_default() {
            self.close_stream(stream, now);
        }
        self.forget_session(id, now);
    }

    /// Nothing is left of a session but itself.
    fn forget_session(&mut self, id: SessionId, now: Instant) {
        self.owners.forget(id);
        self.listens.remove(&id);
        if let Some(session) = self.sessions.remove(id) {
            self.unsubscribe_all(&session, now);
            self.lower_level(&session);
            self.suspect_unused(session.server);
        }
    }

    /// A call of a session is over. A modern one is over with it.
    pub(super) fn on_call_over(&mut self, id: SessionId, call: CallId, now: Instant) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.calls.retain(|other| *other != call);
        if session.transport == Transport::Modern(Scope::Call) {
            self.forget_session(id, now);
        }
    }

    /// A modern request that was answered before it became a call leaves nothing behind.
    pub(crate) fn forget_if_unused(&mut self, id: SessionId, now: Instant) {
        if self.sessions.get(id).is_some_and(|session| session.calls.is_empty()) {
            self.forget_session(id, now);
        }
    }

    /// Looks for sessions that nobody has used for long.
    pub(super) fn on_sweep(&mut self, now: Instant) {
        let is_stale = |session: &Session| {
            let is_private = session.server != session.entrance;
            let bound = if is_private { limits::ISOLATED_IDLE_MAX } else { limits::SESSION_IDLE_MAX };
            session.is_idle(|stream| self.is_attached(stream))
                && now.saturating_duration_since(session.last_used) >= bound
        };
        let stale: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| is_stale(session)).map(|(id, _)| id).collect();
        for id in stale {
            self.end_session(id, now);
        }
        self.end_tenants(None, now);
        let is_open = |stream| self.streams.get(stream).is_some_and(|stream| stream.conn().is_some());
        for (_, session) in self.sessions.iter_mut().filter(|(_, session)| !session.is_idle(is_open)) {
            session.last_used = now;
        }
        self.deadlines.arm(&mut self.sweep, Due::Sweep, now + limits::SESSION_SWEEP_INTERVAL);
    }
}
