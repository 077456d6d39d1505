//! Clients: connections over which bytes travel in pieces.

use std::collections::VecDeque;

use mcp_proxy::base::id::ConnId;
use mcp_proxy::proxy::Input;

use super::World;
use super::expected::Expected;
use crate::support::answers::{Answers, Part};
use crate::support::requests::CLIENT;

/// One connection.
pub(super) struct Client {
    pub(super) conn: ConnId,
    /// What it has sent and the core has not read.
    pub(super) outbox: Vec<u8>,
    pub(super) answers: Answers,
    /// The requests that are not answered yet, in order.
    pub(super) due: VecDeque<Expected>,
    /// Reads at once, sends whole requests, hangs up between two of them only.
    pub(super) is_polite: bool,
    /// Whether it reads at all.
    pub(super) takes: bool,
    /// Whether another request may follow.
    pub(super) is_open: bool,
    pub(super) is_finished: bool,
    has_sent_finish: bool,
    pub(super) was_reading: bool,
    pub(super) has_output: bool,
}

impl Client {
    pub(super) fn new(conn: ConnId, is_polite: bool) -> Client {
        Client {
            conn,
            outbox: Vec::new(),
            answers: Answers::new(),
            due: VecDeque::new(),
            is_polite,
            takes: true,
            is_open: true,
            is_finished: false,
            has_sent_finish: false,
            was_reading: true,
            has_output: false,
        }
    }

    /// The core will send nothing more. A polite client that still waits for an answer was let down.
    pub(super) fn on_end(&mut self, is_ending: bool, is_close: bool) {
        if self.is_polite && !is_ending {
            assert!(self.due.is_empty(), "the connection ends before {:?}", self.due);
            assert!(self.answers.is_between_answers(), "the connection ends within an answer");
        }
        if !is_close {
            assert!(self.answers.is_between_answers(), "the sending side is shut down within an answer");
        }
        self.is_open = false;
    }

    /// Whether it waits for nothing but what may never come.
    pub(super) fn is_content(&self) -> bool {
        self.outbox.is_empty() && self.due.iter().all(Expected::is_listening)
    }

    /// After all this time, only streams may be open.
    pub(super) fn assert_nothing_is_due(&self) {
        let is_waiting = self.due.iter().any(|expected| !expected.is_listening());
        let is_excused = !self.is_polite && (self.is_finished || !self.is_open);
        assert!(!is_waiting || is_excused || !self.outbox.is_empty(), "no answer for {:?}", self.due);
    }
}

impl World {
    pub(super) fn connect(&mut self, is_polite: bool) -> Option<usize> {
        let conn = self.proxy.handle_accept(CLIENT, self.clock.now())?;
        self.clients.push(Client::new(conn, is_polite));
        self.drain();
        Some(self.clients.len() - 1)
    }

    /// A modern call that is being answered ends with its connection, and one that waits for its client does not.
    pub(super) fn hang_up(&mut self, conn: ConnId) {
        self.say(|| format!("{conn:?} hangs up"));
        let calls = self.proxy.census().calls;
        let ending = self.clients.iter().find(|client| client.conn == conn).and_then(|client| self.calls_of(client));
        self.forget_client(conn);
        self.handle(Input::Broken { conn });
        if let Some(ending) = ending {
            self.tally.cancellations += ending;
            assert_eq!(self.proxy.census().calls + ending, calls, "{conn:?} hangs up");
        }
    }

    /// How many calls end with a connection, where that is certain.
    fn calls_of(&self, client: &Client) -> Option<usize> {
        let is_served = client.is_open && !client.is_finished && client.outbox.is_empty();
        let is_quiet = is_served && self.proxy.outgoing_len(client.conn) == 0;
        match (client.due.len(), client.due.front()) {
            (0, _) => Some(0),
            (1, Some(Expected::Result(trip))) if is_quiet && !trip.is_answered => Some(1),
            (_, Some(_) | None) => None,
        }
    }

    /// Some bytes of some client reach the core.
    pub(super) fn deliver_to_core(&mut self) {
        if !self.clients.is_empty() {
            let index = self.rng.below(self.clients.len());
            let share = *self.rng.pick(&[1, 20, 200, 2_000, 100_000]);
            let share = self.rng.between(1, share);
            self.send_some(index, share);
        }
    }

    fn send_some(&mut self, index: usize, share: usize) -> bool {
        let client = &mut self.clients[index];
        let conn = client.conn;
        if !client.was_reading {
            return false;
        }
        if !client.outbox.is_empty() {
            let bytes: Vec<u8> = client.outbox.drain(..share.min(client.outbox.len())).collect();
            self.handle(Input::Received { conn, bytes: &bytes });
            return true;
        }
        if client.is_finished && !client.has_sent_finish {
            client.has_sent_finish = true;
            self.handle(Input::Finished { conn });
            return true;
        }
        false
    }

    /// Some client takes some of what waits for it.
    pub(super) fn deliver_to_client(&mut self) {
        if !self.clients.is_empty() {
            let index = self.rng.below(self.clients.len());
            let share = *self.rng.pick(&[1, 20, 200, 2_000, 100_000]);
            let share = self.rng.between(1, share);
            self.take_some(index, share);
        }
    }

    fn take_some(&mut self, index: usize, share: usize) -> bool {
        let client = &mut self.clients[index];
        let conn = client.conn;
        if !client.has_output || !client.takes {
            return false;
        }
        let waiting = self.proxy.outgoing(conn);
        let bytes = waiting[..waiting.len().min(share)].to_vec();
        client.has_output = bytes.len() < self.proxy.outgoing_len(conn);
        if bytes.is_empty() {
            return false;
        }
        client.answers.push(&bytes);
        while let Some(part) = self.clients[index].answers.poll() {
            self.on_part(index, part);
        }
        self.handle(Input::Sent { conn, count: bytes.len() });
        true
    }

    fn on_part(&mut self, index: usize, part: Part) {
        self.say(|| format!("{:?} got {:.300}", self.clients[index].conn, format!("{part:?}")));
        let is_last = matches!(part, Part::Whole(..) | Part::End);
        if let Part::Whole(head, _) | Part::Begin(head) = &part {
            self.clients[index].is_open &= !head.is_last();
        }
        if let Part::Whole(head, _) = &part
            && head.status == 408
            && !self.clients[index].is_polite
        {
            self.clients[index].due.clear(); // too slow: that was for the request that is not complete
            return;
        }
        let has_event_id = self.clients[index].answers.stream_id().is_some();
        let mut expected =
            self.clients[index].due.pop_front().unwrap_or_else(|| panic!("an answer to nothing: {part:?}"));
        assert!(!(has_event_id && expected.is_modern()), "nobody can come back for {expected:?}, which has event ids");
        self.check(&mut expected, part);
        if !is_last {
            self.clients[index].due.push_front(expected);
        }
    }

    /// Polite clients have nothing waiting, in either direction.
    pub(super) fn flush_polite(&mut self) {
        self.flush(|client| client.is_polite);
    }

    /// Everybody does everything until nothing is left to do.
    pub(super) fn flush_all(&mut self) {
        for _ in 0..200 {
            let is_busy = self.flush(|_| true) | self.flush_children(|_| true) | self.flush_hosts(|_| true);
            if !is_busy {
                return;
            }
        }
    }

    /// As above, but for the one server that makes trouble in fair weather.
    pub(super) fn flush_fair(&mut self) {
        let rotten = self.rotten;
        for _ in 0..200 {
            let is_busy = self.flush(|_| true)
                | self.flush_children(|child| Some(child.server) != rotten)
                | self.flush_hosts(|host| Some(host.server) != rotten);
            if !is_busy {
                return;
            }
        }
    }

    fn flush(&mut self, is_meant: fn(&Client) -> bool) -> bool {
        let meant = self.clients.iter().filter(|client| is_meant(client)).map(|client| client.conn);
        let mut is_busy = false;
        for conn in meant.collect::<Vec<_>>() {
            while self.exchange(conn) {
                is_busy = true;
            }
        }
        is_busy
    }

    /// Takes what waits for one client and sends what it has to say. Says whether there was anything.
    pub(super) fn exchange(&mut self, conn: ConnId) -> bool {
        let place = |world: &World| world.clients.iter().position(|client| client.conn == conn);
        let has_taken = !self.is_stopped && place(self).is_some_and(|index| self.take_some(index, usize::MAX));
        let has_sent = !self.is_stopped && place(self).is_some_and(|index| self.send_some(index, usize::MAX));
        has_taken || has_sent
    }
}
