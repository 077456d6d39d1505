//! What sessions want to hear of, whether servers know it, and whether they know at once what nobody wants any more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::child::Child;
use super::expected::Expected;
use super::servers::Place;
use super::{Session, Weather, Wire, World};

/// What a server was asked to tell, and how much.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Whether the handshake is over.
    is_greeted: bool,
    subscriptions: BTreeSet<String>,
    level: Option<String>,
}

impl Wishes {
    /// A message of the core.
    pub(super) fn note(&mut self, message: &Value) {
        let params = &message["params"];
        let uri = || params["uri"].as_str().expect("a URI").to_owned();
        match message["method"].as_str() {
            Some("notifications/initialized") => self.is_greeted = true,
            Some("resources/subscribe") => drop(self.subscriptions.insert(uri())),
            Some("resources/unsubscribe") => drop(self.subscriptions.remove(&uri())),
            Some("logging/setLevel") => self.level = params["level"].as_str().map(str::to_owned),
            Some(_) | None => {}
        }
    }
}

impl World {
    /// Processes that are well, have heard all, and are for everybody.
    fn settled(&self) -> impl Iterator<Item = &Child> {
        self.children.iter().filter(|child| {
            let is_settled = child.is_well() && child.machine.wishes.is_greeted;
            is_settled && self.proxy.stdin(child.link).is_empty() && !self.servers[child.server].is_private()
        })
    }

    /// However often a process was started anew, it knows what the sessions of its server want.
    pub(super) fn assert_wishes_known(&self) {
        for child in self.settled() {
            let wishes = &child.machine.wishes;
            let is_alive = |session: &&Session| session.token.is_some() && !session.is_doomed;
            let own = self.sessions.iter().filter(|session| session.server == child.server).filter(is_alive);
            for session in own {
                let is_sure = session.is_subscribed && !session.has_unsubscribed;
                let is_known = wishes.subscriptions.contains("demo://counter");
                assert!(!is_sure || is_known, "{:?} does not know of a subscription", child.link);
                let is_known = wishes.level.as_ref().is_some_and(|level| level != "error");
                assert!(!session.has_level || is_known, "{:?} says {:?} of the log", child.link, wishes.level);
            }
        }
    }

    /// When all sessions have ended, nobody wants anything. In a storm some words were never heard.
    pub(super) fn assert_no_wishes_left(&self) {
        if self.weather != Weather::Fair {
            return;
        }
        for child in self.settled().filter(|child| self.weather_of(child.server) == Weather::Fair) {
            let wishes = &child.machine.wishes;
            assert!(wishes.subscriptions.is_empty(), "{:?} still tells of {:?}", child.link, wishes.subscriptions);
            let is_usual = wishes.level.as_ref().is_none_or(|level| level == "info");
            assert!(is_usual, "{:?} says {:?} of the log, for nobody", child.link, wishes.level);
        }
    }

    /// The mark of a call that waits for its answer and for nothing else.
    pub(super) fn unanswered(&self, session: usize, id: &Value) -> Option<u64> {
        let is_meant = |session: &Session| !session.is_doomed && self.servers[session.server].place == Place::Process;
        let mut waiting = self.clients.iter().filter(|client| {
            let is_quiet = client.outbox.is_empty() && self.proxy.outgoing_len(client.conn) == 0;
            client.due.len() == 1 && is_quiet && is_meant(&self.sessions[session])
        });
        waiting.find_map(|client| match client.due.front() {
            Some(Expected::Replies { session: own, calls, is_batch: false, .. }) if *own == session => {
                calls.iter().find(|call| call.id == *id).map(|call| call.mark)
            }
            Some(_) | None => None,
        })
    }

    /// A call was cancelled: no process that is well works on it once it has heard of that.
    pub(super) fn assert_given_up(&mut self, server: usize, mark: u64) {
        let mut index = 0;
        while index < self.children.len() {
            if self.children[index].server == server {
                self.write_to_child(index, usize::MAX);
            }
            index += 1;
        }
        for child in self.children.iter().filter(|child| child.server == server && child.is_well()) {
            let is_heard = self.proxy.stdin(child.link).is_empty();
            assert!(!is_heard || !child.machine.running().contains(&mark), "call {mark} goes on, cancelled as it is");
        }
    }

    /// A process has ended with these calls: whoever waits for them is told at once.
    pub(super) fn assert_told(&mut self, marks: &[u64]) {
        if marks.is_empty() || self.is_stopped {
            return;
        }
        self.flush_polite();
        for client in self.clients.iter().filter(|client| client.is_polite) {
            let calls = match client.due.front() {
                Some(Expected::Replies { calls, is_batch: false, .. }) => calls,
                Some(Expected::Conversation { session }) => match &self.sessions[*session].wire {
                    Wire::Sse { pending, .. } => pending,
                    Wire::Streamable => continue,
                },
                Some(_) | None => continue,
            };
            let waits = calls.iter().find(|call| marks.contains(&call.mark));
            assert!(waits.is_none(), "{waits:?} goes on, and its process has ended");
        }
    }
}
