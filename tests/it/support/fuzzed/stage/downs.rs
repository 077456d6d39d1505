//! Downstreams: connections, and what comes back on them.

use std::collections::VecDeque;

use mcp_proxy::base::id::ConnId;
use mcp_proxy::limits;
use mcp_proxy::proxy::Input;

use super::Stage;
use super::choices::Choices;
use super::known::Party;
use crate::support::answers::{Answers, Head, Part};
use crate::support::requests::CLIENT;

/// Connections at once.
const DOWNS_MAX: usize = 12;

/// One connection.
pub(super) struct Down {
    pub(super) conn: ConnId,
    answers: Answers,
    /// What was asked and is not answered yet, in order.
    due: VecDeque<Due>,
    /// Whether anything else was sent than what is due: nobody knows then what is answered.
    pub(super) is_raw: bool,
    /// What the core has not read.
    pending: Vec<u8>,
    is_finished: bool,
    was_reading: bool,
    /// Whether it reads.
    takes: bool,
    has_output: bool,
    /// How many pieces of answers it got.
    parts: usize,
}

/// A request.
pub(super) struct Due {
    /// Who asks.
    pub(super) party: Party,
    pub(super) server: String,
    pub(super) is_head: bool,
}

impl Due {
    pub(super) fn of(party: &str, server: &str) -> Due {
        Due { party: party.to_owned(), server: server.to_owned(), is_head: false }
    }
}

/// What they do.
impl Stage {
    pub(super) fn connect(&mut self) -> Option<usize> {
        if self.downs.len() >= DOWNS_MAX {
            return None;
        }
        let conn = self.proxy.handle_accept(CLIENT, self.clock.now())?;
        self.downs.push(Down {
            conn,
            answers: Answers::new(),
            due: VecDeque::new(),
            is_raw: false,
            pending: Vec::new(),
            is_finished: false,
            was_reading: true,
            takes: true,
            has_output: false,
            parts: 0,
        });
        Some(self.downs.len() - 1)
    }

    /// A connection on which requests can be told apart: an old one, or another.
    pub(super) fn speaker(&mut self, choices: &mut Choices<'_>) -> Option<usize> {
        let place = if choices.flag() { choices.place(self.downs.len()) } else { None };
        let is_fit = |down: &Down| !down.is_raw && !down.is_finished;
        place.filter(|at| is_fit(&self.downs[*at])).or_else(|| self.connect())
    }

    /// Sends a request.
    pub(super) fn request(&mut self, at: usize, text: &str, due: Due) {
        let down = &mut self.downs[at];
        down.answers.on_request(due.is_head);
        down.due.push_back(due);
        down.pending.extend_from_slice(text.as_bytes());
    }

    /// Sends anything.
    pub(super) fn send_raw(&mut self, choices: &mut Choices<'_>) {
        let place = if choices.flag() { choices.place(self.downs.len()) } else { None };
        let Some(at) = place.or_else(|| self.connect()) else { return };
        let down = &mut self.downs[at];
        down.is_raw = true;
        if !down.is_finished {
            down.pending.extend_from_slice(&choices.bytes());
        }
    }

    pub(super) fn trouble_down(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = choices.place(self.downs.len()) else { return };
        match choices.below(4) {
            0 => {
                let conn = self.downs.remove(at).conn;
                self.dead_conns.insert(conn);
                self.handle(Input::Broken { conn });
            }
            1 if !self.downs[at].is_finished && self.downs[at].pending.is_empty() => {
                self.downs[at].is_finished = true;
                self.handle(Input::Finished { conn: self.downs[at].conn });
            }
            _ => self.downs[at].takes = !self.downs[at].takes,
        }
    }

    pub(super) fn all_leave(&mut self) {
        while let Some(down) = self.downs.pop() {
            self.dead_conns.insert(down.conn);
            self.handle(Input::Broken { conn: down.conn });
        }
    }

    pub(super) fn all_take(&mut self) {
        self.downs.iter_mut().for_each(|down| down.takes = true);
    }
}

/// What the core does.
impl Stage {
    pub(super) fn down(&mut self, conn: ConnId) -> &mut Down {
        assert!(!self.dead_conns.contains(&conn), "an output for a dead connection");
        self.downs.iter_mut().find(|down| down.conn == conn).expect("an output for a known connection")
    }

    pub(super) fn on_transmit(&mut self, conn: ConnId) {
        self.down(conn).has_output = true;
    }

    pub(super) fn on_resume(&mut self, conn: ConnId) {
        self.down(conn).was_reading = true;
    }

    pub(super) fn on_finish_writing(&mut self, conn: ConnId) {
        let down = self.down(conn);
        assert!(down.is_raw || down.answers.is_between_answers(), "the sending side is shut down within an answer");
    }

    pub(super) fn on_close(&mut self, conn: ConnId) {
        self.down(conn);
        self.downs.retain(|down| down.conn != conn);
        self.dead_conns.insert(conn);
    }

    /// What waits is announced and bounded, and so is what may be read.
    pub(super) fn check_downs(&mut self) {
        for down in &mut self.downs {
            let is_reading = self.proxy.is_reading(down.conn);
            assert!(down.was_reading || !is_reading, "nobody says that there is something to read");
            down.was_reading = is_reading;
            let waiting = self.proxy.outgoing_len(down.conn);
            assert!(waiting <= limits::CONN_QUEUE_BYTES_MAX, "{waiting} bytes wait");
            assert!(waiting == 0 || down.has_output, "bytes wait and nobody says so");
            assert_eq!(waiting == 0, self.proxy.outgoing(down.conn).is_empty());
        }
    }

    /// Bytes travel, in both directions. Says whether there were any.
    pub(super) fn flow_downs(&mut self) -> bool {
        let mut is_busy = false;
        for conn in self.downs.iter().map(|down| down.conn).collect::<Vec<_>>() {
            let place = |stage: &Stage| stage.downs.iter().position(|down| down.conn == conn);
            while !self.is_stopped && place(self).is_some_and(|at| self.take_some(at) | self.deliver(conn)) {
                is_busy = true;
            }
        }
        is_busy
    }

    fn deliver(&mut self, conn: ConnId) -> bool {
        let Some(down) = self.downs.iter_mut().find(|down| down.conn == conn) else { return false };
        if self.is_stopped || down.pending.is_empty() || !self.proxy.is_reading(conn) {
            return false;
        }
        let bytes = std::mem::take(&mut down.pending);
        self.handle(Input::Received { conn, bytes: &bytes });
        true
    }

    fn take_some(&mut self, at: usize) -> bool {
        let down = &mut self.downs[at];
        if !down.has_output || !down.takes {
            return false;
        }
        let conn = down.conn;
        let bytes = self.proxy.outgoing(conn).to_vec();
        down.has_output = bytes.len() < self.proxy.outgoing_len(conn);
        if bytes.is_empty() {
            return false;
        }
        if !down.is_raw {
            down.answers.push(&bytes);
            while let Some(part) = self.downs[at].answers.poll() {
                self.on_part(at, part);
            }
        }
        self.handle(Input::Sent { conn, count: bytes.len() });
        true
    }

    fn on_part(&mut self, at: usize, part: Part) {
        let down = &mut self.downs[at];
        if matches!(part, Part::Continue) {
            return;
        }
        down.parts += 1;
        let is_last = matches!(part, Part::Whole(..) | Part::End);
        let due = down.due.front_mut().unwrap_or_else(|| panic!("an answer to nothing: {part:?}"));
        let source = format!("{:?} {}", down.conn, down.parts);
        match &part {
            Part::Whole(head, body) => {
                self.known.learn(body, &due.party, &source);
                learn_session(head, due, &mut self.known);
                self.known.learn_login(head, body);
            }
            Part::Begin(head) => learn_session(head, due, &mut self.known),
            Part::Event(text) => {
                let id = down.answers.stream_id();
                let source = id.map_or(source, |id| format!("{} {id}", due.party));
                self.known.learn(text, &due.party, &source);
                if let Some(id) = id {
                    self.known.learn_event(&due.party, id);
                }
            }
            Part::Endpoint(url) => {
                due.party.clone_from(url);
                self.known.learn_endpoint(url);
            }
            Part::Priming => {
                if let Some(id) = down.answers.stream_id() {
                    self.known.learn_event(&due.party, id);
                }
            }
            Part::Continue | Part::Comment(_) | Part::End => {}
        }
        if is_last {
            self.downs[at].due.pop_front();
        }
    }
}

fn learn_session(head: &Head, due: &Due, known: &mut super::known::Known) {
    if let Some(token) = head.header("mcp-session-id") {
        known.learn_session(&due.server, token);
    }
}
