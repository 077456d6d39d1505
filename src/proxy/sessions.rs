//! How sessions begin and end.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::{ServerId, SessionId};
use crate::limits;
use crate::mcp::introduction::{ClientCapabilities, Greeting};
use crate::mcp::session::{Opener, Opening, Session, Token, Transport};
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
        let token = self.fresh_token();
        let entrance = self.servers.get(server)?.entrance().unwrap_or(server);
        Some(self.sessions.insert(Session {
            entrance,
            server,
            token,
            opener,
            transport,
            version: Version::V2024_11_05,
            capabilities: ClientCapabilities::default(),
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
        self.owners.forget(id);
        if let Some(session) = self.sessions.remove(id) {
            self.unsubscribe_all(&session);
            self.lower_level(&session);
            self.suspect_unused(session.server);
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
        let is_open = |stream| self.streams.get(stream).is_some_and(|stream| stream.conn().is_some());
        for (_, session) in self.sessions.iter_mut().filter(|(_, session)| !session.is_idle(is_open)) {
            session.last_used = now;
        }
        self.deadlines.arm(&mut self.sweep, Due::Sweep, now + limits::SESSION_SWEEP_INTERVAL);
    }
}
