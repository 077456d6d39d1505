//! Processes: what they hear, say, and how they end.

use std::collections::BTreeSet;

use mcp_proxy::base::id::LinkId;
use mcp_proxy::codec::jsonrpc::envelope::read_message;
use mcp_proxy::limits;
use mcp_proxy::proxy::{Exit, Input};
use serde_json::Value;

use super::Stage;
use super::choices::Choices;
use super::sayings::{self, Asked, Manners};

/// Requests that are remembered.
const ASKED_MAX: usize = 16;

/// One process.
pub(super) struct Child {
    link: LinkId,
    manners: Manners,
    is_running: bool,
    /// Whether it reads its stdin.
    takes: bool,
    hears: bool,
    has_output: bool,
    is_stdin_closed: bool,
    partial: Vec<u8>,
    asked: Vec<Asked>,
    /// The numbers of all calls that it got.
    numbers: BTreeSet<u64>,
    exit: Option<Exit>,
}

/// What the core asks for.
impl Stage {
    pub(super) fn on_spawn(&mut self, link: LinkId) {
        let command = self.proxy.command(link).expect("a command for a new link");
        let name = command.program.strip_prefix("run-").expect("a program of ours");
        let manners = self.manners(name);
        self.children.push(Child {
            link,
            manners,
            is_running: false,
            takes: true,
            hears: true,
            has_output: false,
            is_stdin_closed: false,
            partial: Vec::new(),
            asked: Vec::new(),
            numbers: BTreeSet::new(),
            exit: None,
        });
    }

    fn child(&mut self, link: LinkId) -> &mut Child {
        assert!(!self.dead_links.contains(&link), "an output for a dead link");
        self.children.iter_mut().find(|child| child.link == link).expect("an output for a known link")
    }

    pub(super) fn on_transmit_stdin(&mut self, link: LinkId) {
        self.child(link).has_output = true;
    }

    pub(super) fn on_close_stdin(&mut self, link: LinkId) {
        self.child(link).is_stdin_closed = true;
    }

    pub(super) fn on_terminate(&mut self, link: LinkId) {
        let child = self.child(link);
        if !child.manners.is_stubborn() {
            child.exit = child.exit.or(Some(Exit::Signal(15)));
        }
    }

    pub(super) fn on_kill(&mut self, link: LinkId) {
        let child = self.child(link);
        child.exit = child.exit.or(Some(Exit::Signal(9)));
    }

    pub(super) fn check_children(&self) {
        for child in &self.children {
            let waiting = self.proxy.stdin(child.link).len();
            assert!(waiting <= limits::LINK_QUEUE_BYTES_MAX * 2, "{waiting} bytes wait for a child");
            let is_hearing = child.hears && child.is_running;
            assert!(waiting == 0 || child.has_output || !is_hearing, "bytes wait and nobody says so");
        }
    }
}

/// What they do.
impl Stage {
    /// Bytes travel to them, and those that are to end do. Says whether anything happened.
    pub(super) fn flow_children(&mut self) -> bool {
        let mut is_busy = false;
        for link in self.children.iter().map(|child| child.link).collect::<Vec<_>>() {
            while !self.is_stopped && self.flow_child(link) {
                is_busy = true;
            }
        }
        is_busy
    }

    fn flow_child(&mut self, link: LinkId) -> bool {
        let Some(at) = self.children.iter().position(|child| child.link == link) else { return false };
        let child = &mut self.children[at];
        if !child.is_running && child.manners.is_near() && child.exit.is_none() {
            child.is_running = true;
            self.handle(Input::Spawned { link, pid: 1 });
            return true;
        }
        let is_deserted = child.is_stdin_closed && child.takes && !child.manners.is_stubborn();
        if is_deserted && self.proxy.stdin(link).is_empty() {
            child.exit = child.exit.or(Some(Exit::Code(0)));
        }
        if let Some(exit) = child.exit {
            self.end_child(at, exit);
            return true;
        }
        child.is_running && child.has_output && child.takes && child.hears && self.hear(at)
    }

    /// One that never ran could not be started.
    fn end_child(&mut self, at: usize, exit: Exit) {
        let Child { link, is_running, .. } = self.children.remove(at);
        self.dead_links.insert(link);
        if is_running {
            self.handle(Input::Exited { link, exit });
        } else {
            self.handle(Input::SpawnFailed { link, error: "no such file".to_owned() });
        }
    }

    fn hear(&mut self, at: usize) -> bool {
        let child = &mut self.children[at];
        let link = child.link;
        let bytes = self.proxy.stdin(link).to_vec();
        child.has_output = false;
        if bytes.is_empty() {
            return false;
        }
        child.partial.extend_from_slice(&bytes);
        self.handle(Input::StdinSent { link, count: bytes.len() });
        let mut replies = Vec::new();
        let Some(child) = self.children.get_mut(at).filter(|child| child.link == link) else { return true };
        while let Some(end) = child.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = child.partial.drain(..=end).collect();
            replies.extend(child.understand(&line));
        }
        for reply in replies {
            self.handle(Input::Stdout { link, bytes: format!("{reply}\n").as_bytes() });
        }
        true
    }

    /// Something goes on in a process.
    pub(super) fn act_child(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = choices.place(self.children.len()) else { return };
        let child = &mut self.children[at];
        let link = child.link;
        if !child.is_running {
            let is_started = !choices.flag();
            child.exit = (!is_started).then_some(Exit::Code(0));
            child.is_running = is_started;
            if is_started {
                self.handle(Input::Spawned { link, pid: 2 });
            }
            return;
        }
        match choices.below(10) {
            0..=4 => {
                let mut bytes = sayings::say(&mut child.asked, choices);
                bytes.push(b'\n');
                self.handle(Input::Stdout { link, bytes: &bytes });
            }
            5 => {
                let bytes = choices.bytes();
                if !bytes.is_empty() {
                    self.handle(Input::Stdout { link, bytes: &bytes });
                }
            }
            6 => {
                let bytes = choices.bytes();
                if !bytes.is_empty() {
                    self.handle(Input::Stderr { link, bytes: &bytes });
                }
            }
            7 => child.takes = !child.takes,
            8 if choices.flag() => self.handle(Input::StdoutEnded { link }),
            8 => {
                child.hears = false;
                self.handle(Input::StdinBroken { link });
            }
            _ => child.exit = Some(if choices.flag() { Exit::Code(1) } else { Exit::Signal(11) }),
        }
    }

    pub(super) fn all_children_obey(&mut self) {
        for child in &mut self.children {
            child.takes = true;
            child.manners = Manners::of(0);
        }
    }
}

impl Child {
    /// Takes a line in; what it says to that at once.
    fn understand(&mut self, line: &[u8]) -> Option<String> {
        let text = line.strip_suffix(b"\n").expect("a line");
        assert!(!text.contains(&b'\r'), "a line with a line end in it");
        assert!(read_message(text).is_ok(), "no message: {}", String::from_utf8_lossy(text));
        // Not everything that may pass is a tree: nesting and numbers have their bounds there.
        let message: Value = serde_json::from_slice(text).ok()?;
        if let Some(number) = message["id"].as_u64().filter(|_| message.get("method").is_some()) {
            assert!(self.numbers.insert(number), "two calls with the number {number}");
        }
        let reply = self.manners.reply(&message);
        if reply.is_none() && self.asked.len() < ASKED_MAX {
            self.asked.extend(sayings::asked(&message));
        }
        reply
    }
}
