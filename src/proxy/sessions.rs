//! How sessions begin and end.

use std::collections::BTreeSet;
use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::{ServerId, SessionId};
use crate::limits;
use crate::mcp::introduction::Greeting;
use crate::mcp::session::{Session, Token};
use crate::mcp::version::Version;

impl Proxy {
    /// A downstream was introduced to a ready upstream. At the bound the stalest session makes room.
    pub(super) fn begin_session(
        &mut self,
        server: ServerId,
        greeting: &Greeting,
        version: Version,
        now: Instant,
    ) -> Option<SessionId> {
        if self.sessions.len() >= limits::SESSIONS_MAX {
            let stalest = self.sessions.stalest()?;
            self.end_session(stalest, now);
        }
        let mut token = Token::default();
        (self.random)(&mut token);
        Some(self.sessions.insert(Session {
            server,
            token,
            version,
            capabilities: greeting.capabilities,
            log_level: None,
            subscriptions: BTreeSet::new(),
            streams: Vec::new(),
            calls: Vec::new(),
            last_used: now,
        }))
    }

    /// The session is over: its calls are cancelled, its asks answered with an error, its streams ended.
    pub(crate) fn end_session(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (calls, streams) = (std::mem::take(&mut session.calls), std::mem::take(&mut session.streams));
        for call in calls {
            self.cancel_call(call, "the session was ended", now);
        }
        for stream in streams {
            self.end_stream(stream, now);
        }
        self.end_asks_of(id, now);
        if let Some(session) = self.sessions.remove(id) {
            self.unsubscribe_all(&session);
        }
    }

    /// Looks for sessions that nobody has used for long.
    pub(super) fn on_sweep(&mut self, now: Instant) {
        let is_stale = |session: &Session| {
            session.is_idle() && now.saturating_duration_since(session.last_used) >= limits::SESSION_IDLE_MAX
        };
        let stale: Vec<SessionId> =
            self.sessions.iter().filter(|(_, session)| is_stale(session)).map(|(id, _)| id).collect();
        for id in stale {
            self.end_session(id, now);
        }
        for (_, session) in self.sessions.iter_mut().filter(|(_, session)| !session.is_idle()) {
            session.last_used = now;
        }
        self.deadlines.arm(&mut self.sweep, Due::Sweep, now + limits::SESSION_SWEEP_INTERVAL);
    }
}
