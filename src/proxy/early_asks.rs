//! Asks that come before there is a stream for them.
//!
//! Many servers ask for the roots as soon as they hear that the handshake is over; their client opens its stream with a
//! GET a moment later. Between a client and a server on one pipe nothing would be lost, so here nothing is either: what
//! a private upstream asks in that moment waits for the stream.

use std::time::Instant;

use super::{Due, Proxy};
use crate::base::id::{LinkId, ServerId, SessionId};
use crate::limits;
use crate::mcp::ask::AskKind;
use crate::mcp::attribution::Carrier;

/// An ask that waits.
#[derive(Debug)]
pub(super) struct EarlyAsk {
    link: LinkId,
    /// The upstream's own id, as JSON text.
    id: Box<str>,
    line: Box<[u8]>,
    pub(super) due: Instant,
}

impl Proxy {
    /// Keeps an ask that nobody can take, if its downstream is about to. Says whether it is kept.
    pub(super) fn keep_early(
        &mut self,
        server: ServerId,
        link: LinkId,
        kind: AskKind,
        id: &str,
        line: &[u8],
        now: Instant,
    ) -> bool {
        let is_private = self.servers.get(server).is_some_and(|entry| entry.entrance().is_some());
        let waits = is_private
            && self.sessions.with(server).any(|(id, session)| {
                !session.is_sse() && kind.is_covered_by(session.capabilities) && self.own_stream(id).is_none()
            });
        let Some(entry) = self.servers.get_mut(server).filter(|_| waits) else { return false };
        if entry.early_asks.len() >= limits::EARLY_ASKS_MAX || line.len() > limits::EARLY_ASK_BYTES_MAX {
            return false;
        }
        let due = now + limits::EARLY_ASK_TIME_MAX;
        entry.early_asks.push(EarlyAsk { link, id: id.into(), line: line.into(), due });
        self.deadlines.arm_earlier(&mut entry.patience, Due::Patience(server), due);
        true
    }

    /// A session has got a stream. Unless it is one of its own, what waits for such a one goes on waiting.
    pub(crate) fn release_early(&mut self, session: SessionId, now: Instant) {
        if self.own_stream(session).is_none() {
            return;
        }
        let Some(server) = self.sessions.get(session).map(|session| session.server) else { return };
        let early = self.servers.get_mut(server).map(|entry| std::mem::take(&mut entry.early_asks));
        for ask in early.into_iter().flatten().filter(|ask| self.links.is_live(ask.link)).collect::<Vec<_>>() {
            self.on_upstream_text(ask.link, &ask.line, Carrier::Shared, now);
        }
    }

    /// No stream came.
    pub(super) fn refuse_early(&mut self, server: ServerId, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        let (late, early) = std::mem::take(&mut entry.early_asks).into_iter().partition(|ask| ask.due <= now);
        entry.early_asks = early;
        for ask in Vec::<EarlyAsk>::from_iter::<Vec<_>>(late)
            .into_iter()
            .filter(|ask| self.links.is_live(ask.link))
            .collect::<Vec<_>>()
        {
            let reason = "the client has opened no stream on which it could be asked";
            self.refuse_ask(ask.link, server, &ask.id, reason);
        }
    }
}
