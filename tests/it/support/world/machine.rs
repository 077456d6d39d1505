//! What runs in processes and hosts: the demo server, and a tool that asks more than the demo's do. Beside that it
//! notes what becomes of its calls.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use mcp_proxy::demo::{DemoServer, Effect};
use serde_json::Value;

use super::manners::is_probe;
use super::quiz::Quiz;
use super::wishes::Wishes;

/// A server, for one client.
pub(super) struct Machine {
    demo: DemoServer,
    quizzes: Vec<Quiz>,
    asks_begun: u64,
    output: VecDeque<Said>,
    /// The tools that run, by the ids of their calls, and their marks.
    running: BTreeMap<String, u64>,
    /// Marks of those that ran when it ended.
    unanswered: Vec<u64>,
    /// What it was asked to tell, and how much.
    pub(super) wishes: Wishes,
    pub(super) notes: Notes,
}

/// What a machine says, and in which call, where nothing else tells.
pub(super) struct Said {
    pub(super) effect: Effect,
    pub(super) call: Option<Value>,
}

/// What is to be known of a machine elsewhere.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Marks of the tools that it ran.
    pub(super) ran: Vec<u64>,
    /// Marks of those that were cancelled.
    pub(super) cancelled: Vec<u64>,
}

impl Notes {
    /// Everything that the other says as well; it says nothing after that.
    pub(super) fn take_from(&mut self, other: &mut Notes) {
        self.ran.append(&mut other.ran);
        self.cancelled.append(&mut other.cancelled);
    }
}

impl Machine {
    pub(super) fn new() -> Machine {
        Machine {
            demo: DemoServer::new(),
            quizzes: Vec::new(),
            asks_begun: 0,
            output: VecDeque::new(),
            running: BTreeMap::new(),
            unanswered: Vec::new(),
            wishes: Wishes::default(),
            notes: Notes::default(),
        }
    }

    /// Takes a message, and the line that it was.
    pub(super) fn handle(&mut self, message: &Value, line: &[u8], now: Instant) {
        assert_eq!(message["jsonrpc"], "2.0");
        assert!(is_legacy(message), "a message of another era: {message}");
        self.wishes.note(message);
        match message["method"].as_str() {
            Some("tools/call") => self.on_call(message, line, now),
            Some("notifications/cancelled") => self.on_cancelled(message, line, now),
            None if message["id"].as_str().is_some_and(Quiz::is_asked_by) => self.on_answer(message, now),
            Some(_) | None => {
                assert!(!line.windows(STOLEN.len()).any(|part| part == STOLEN), "an answer of a stranger: {message}");
                self.demo.handle_line(line, now);
            }
        }
    }

    fn on_call(&mut self, message: &Value, line: &[u8], now: Instant) {
        let mark = message["params"]["_meta"]["mark"].as_u64().expect("the mark of the call");
        self.notes.ran.push(mark);
        self.running.insert(message["id"].to_string(), mark);
        if message["params"]["name"] != "quiz" {
            return self.demo.handle_line(line, now);
        }
        let mut quiz = Quiz::new(message);
        quiz.begin_round(now, &mut self.asks_begun, &mut self.output);
        self.quizzes.push(quiz);
        self.end_finished();
    }

    /// What is cancelled is over; no answer comes.
    fn on_cancelled(&mut self, message: &Value, line: &[u8], now: Instant) {
        let id = &message["params"]["requestId"];
        self.notes.cancelled.extend(self.running.remove(&id.to_string()));
        for quiz in self.quizzes.iter_mut().filter(|quiz| quiz.call == *id) {
            quiz.on_cancelled(&mut self.output);
        }
        self.end_finished();
        self.demo.handle_line(line, now);
    }

    fn on_answer(&mut self, message: &Value, now: Instant) {
        assert!(!message.to_string().contains("stolen"), "an answer of a stranger: {message}");
        let is_meant = |quiz: &&mut Quiz| quiz.is_open(&message["id"]);
        if let Some(quiz) = self.quizzes.iter_mut().find(is_meant) {
            quiz.on_answer(message, now, &mut self.asks_begun, &mut self.output);
        }
        self.end_finished();
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.demo.handle_timeout(now);
        for quiz in self.quizzes.iter_mut().filter(|quiz| quiz.due.is_some_and(|due| due <= now)) {
            quiz.on_timeout(now, &mut self.asks_begun, &mut self.output);
        }
        self.end_finished();
    }

    fn end_finished(&mut self) {
        self.quizzes.retain(|quiz| !quiz.is_over);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.quizzes.iter().filter_map(|quiz| quiz.due).chain(self.demo.poll_timeout()).min()
    }

    /// The next thing that it says.
    pub(super) fn poll_output(&mut self) -> Option<Said> {
        let said = match self.demo.poll_output() {
            Some(effect) => Said { effect, call: None },
            None => self.output.pop_front()?,
        };
        match &said.effect {
            Effect::Line(line) => {
                if let Some(id) = answered(line) {
                    self.running.remove(id);
                }
            }
            Effect::Exit(_) => {
                self.unanswered = self.running();
                self.running.clear();
                self.quizzes.clear();
            }
            Effect::Stderr(_) => {}
        }
        Some(said)
    }

    /// Marks of the tools that have no answer, now that it has ended or is about to.
    pub(super) fn unanswered(&self) -> Vec<u64> {
        self.unanswered.iter().copied().chain(self.running()).collect()
    }

    /// Marks of the tools that run.
    pub(super) fn running(&self) -> Vec<u64> {
        self.running.values().copied().collect()
    }
}

/// What stands in all answers that no upstream must hear.
const STOLEN: &[u8] = b"stolen";

/// Whether nothing of the modern era is left in a message. That question belongs to it.
fn is_legacy(message: &Value) -> bool {
    let params = &message["params"];
    let has_key = |meta: &serde_json::Map<String, Value>| meta.keys().any(|key| key.starts_with("io.modelcontext"));
    let is_told = params["_meta"].as_object().is_some_and(has_key) || params.get("requestState").is_some();
    is_probe(message) || !is_told
}

/// The id of the request that a line answers, as JSON text. Long ones are not read for it.
fn answered(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("{\"jsonrpc\":\"2.0\",\"id\":")?;
    let (id, rest) = rest.split_once(",\"")?;
    (rest.starts_with("result\":") || rest.starts_with("error\":")).then_some(id)
}
