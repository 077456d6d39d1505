//! Children: the demo server, and what can go wrong around it.

use std::time::Instant;

use mcp_proxy::base::id::LinkId;
use mcp_proxy::demo::Effect;
use mcp_proxy::proxy::{Exit, Input};

use super::machine::{Machine, Said};
use super::manners::{Manners, is_probe};
use super::{Rng, Weather, World};

/// What a child does wrong, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    CannotStart,
    /// Ends when it has read this many lines.
    Crash(usize),
    /// Closes its stdout at this line and lives on.
    Mute(usize),
    /// Closes its stdin at this line and lives on.
    Deaf(usize),
    /// Reads no more from this line on.
    Stall(usize),
    /// Writes rubbish between its messages, and messages twice.
    Babble,
    /// Writes rubbish to stderr.
    Scream,
    /// Ends neither with stdin nor at SIGTERM.
    Stubborn,
}

/// How far its life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Asked,
    Running,
    /// It has ended; what it wrote is still to be read.
    Ended(Exit),
}

/// One process.
pub(super) struct Child {
    pub(super) link: LinkId,
    /// Which of the servers it is.
    pub(super) server: usize,
    pub(super) machine: Machine,
    fault: Fault,
    manners: Manners,
    life: Life,
    pub(super) has_output: bool,
    hears: bool,
    reads: bool,
    is_mute: bool,
    is_stdin_closed: bool,
    lines: usize,
    partial: Vec<u8>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    last_line: Option<String>,
}

const RUBBISH: [&[u8]; 8] = [
    b"Server listening on stdio\n",
    b"\xff\xfe\x00\n",
    b"{\"jsonrpc\":\"2.0\",\n",
    b"[]\n\n\r\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":4503599627370495,\"result\":{}}\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":\"mcp-proxy:tools/list\",\"result\":{}}\n",
    b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":77777777}}\n",
    b"{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n",
];

impl Child {
    pub(super) fn new(link: LinkId, server: usize, weather: Weather, rng: &mut Rng) -> Child {
        let line = rng.between(1, 20);
        let faults = [
            Fault::None,
            Fault::None,
            Fault::None,
            Fault::CannotStart,
            Fault::Crash(line),
            Fault::Mute(line),
            Fault::Deaf(line),
            Fault::Stall(line),
            Fault::Babble,
            Fault::Scream,
            Fault::Stubborn,
        ];
        Child {
            link,
            server,
            machine: Machine::new(),
            fault: if weather == Weather::Stormy { *rng.pick(&faults) } else { Fault::None },
            manners: Manners::pick(rng),
            life: Life::Asked,
            has_output: false,
            hears: true,
            reads: true,
            is_mute: false,
            is_stdin_closed: false,
            lines: 0,
            partial: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            last_line: None,
        }
    }

    /// Whether anything can still be written to it.
    pub(super) fn is_hearing(&self) -> bool {
        self.hears && self.life == Life::Running
    }

    /// Whether it does all that it should.
    pub(super) fn is_well(&self) -> bool {
        self.is_hearing() && self.reads && self.fault == Fault::None && !self.is_stdin_closed
    }

    /// No more faults from here on.
    pub(super) fn calm_down(&mut self) {
        self.fault = Fault::None;
        self.reads = true;
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout().filter(|_| self.life == Life::Running)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, rng: &mut Rng) {
        if self.life == Life::Running {
            self.machine.handle_timeout(now);
            self.speak(rng);
        }
    }

    pub(super) fn on_close_stdin(&mut self) {
        self.is_stdin_closed = true;
    }

    pub(super) fn on_terminate(&mut self) {
        if self.fault != Fault::Stubborn {
            self.end(Exit::Signal(15));
        }
    }

    pub(super) fn on_kill(&mut self) {
        self.end(Exit::Signal(9));
    }

    fn end(&mut self, exit: Exit) {
        if !matches!(self.life, Life::Ended(_)) {
            self.life = Life::Ended(exit);
        }
    }

    /// Takes in what was written to its stdin.
    fn hear(&mut self, bytes: &[u8], now: Instant, rng: &mut Rng) {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            assert!(!line.contains(&b'\r'), "a line with a line end in it");
            let message: serde_json::Value = serde_json::from_slice(&line).expect("every line is a message");
            self.lines += 1;
            match self.manners {
                Manners::IsSilent if is_probe(&message) => {}
                Manners::Breaks if is_probe(&message) => self.end(Exit::Code(1)),
                Manners::Refuses | Manners::IsSilent | Manners::Breaks => self.machine.handle(&message, &line, now),
            }
            self.speak(rng);
            match self.fault {
                Fault::Crash(at) if self.lines == at => {
                    self.stderr.extend_from_slice(b"fatal: out of luck\n");
                    self.end(Exit::Code(1));
                }
                Fault::Mute(at) if self.lines == at => self.is_mute = true,
                Fault::Deaf(at) if self.lines == at => self.hears = false,
                Fault::Stall(at) if self.lines == at => self.reads = false,
                Fault::None
                | Fault::CannotStart
                | Fault::Crash(_)
                | Fault::Mute(_)
                | Fault::Deaf(_)
                | Fault::Stall(_)
                | Fault::Babble
                | Fault::Scream
                | Fault::Stubborn => {}
            }
        }
    }

    fn speak(&mut self, rng: &mut Rng) {
        while let Some(Said { effect, .. }) = self.machine.poll_output() {
            match effect {
                Effect::Line(line) => {
                    self.stdout.extend_from_slice(line.as_bytes());
                    self.stdout.extend_from_slice(rng.pick::<&[u8]>(&[b"\n", b"\n", b"\r\n"]));
                    if self.fault == Fault::Babble {
                        self.babble(rng);
                    }
                    self.last_line = Some(line);
                }
                Effect::Stderr(line) => self.stderr.extend_from_slice(format!("{line}\n").as_bytes()),
                Effect::Exit(code) => self.end(Exit::Code(code)),
            }
        }
        if self.fault == Fault::Scream {
            let size = rng.between(0, 20_000);
            self.stderr.extend(std::iter::repeat_n(b'!', size));
            if rng.one_in(3) {
                self.stderr.push(b'\n');
            }
        }
    }

    /// A reply that came before must not be taken for another; a request would be another one.
    fn babble(&mut self, rng: &mut Rng) {
        if rng.one_in(3) {
            let rubbish = rng.pick(&RUBBISH);
            self.stdout.extend_from_slice(rubbish);
        }
        if let Some(line) = self.last_line.as_ref().filter(|line| !line.contains("\"method\"") && rng.one_in(3)) {
            self.stdout.extend_from_slice(line.as_bytes());
            self.stdout.push(b'\n');
        }
    }
}

impl World {
    pub(super) fn deliver_to_child(&mut self) {
        if !self.children.is_empty() {
            let index = self.rng.below(self.children.len());
            let share = self.rng.between(1, 3_000);
            self.write_to_child(index, share);
        }
    }

    pub(super) fn write_to_child(&mut self, index: usize, share: usize) {
        let child = &mut self.children[index];
        let link = child.link;
        if child.life != Life::Running || !child.has_output || !child.reads {
            return;
        }
        if !child.hears {
            child.has_output = false;
            return self.handle(Input::StdinBroken { link });
        }
        let bytes = self.proxy.stdin(link);
        let bytes = bytes[..bytes.len().min(share)].to_vec();
        if bytes.is_empty() {
            child.has_output = false;
            return;
        }
        self.say(|| format!("{link:?} hears {:.300}", String::from_utf8_lossy(&bytes).trim_end()));
        let child = &mut self.children[index];
        child.hear(&bytes, self.clock.instant(), &mut self.rng);
        child.has_output = bytes.len() < self.proxy.stdin(link).len();
        let mut notes = std::mem::take(&mut child.machine.notes);
        self.note(&mut notes);
        self.handle(Input::StdinSent { link, count: bytes.len() });
    }

    pub(super) fn deliver_from_child(&mut self) {
        if !self.children.is_empty() {
            let index = self.rng.below(self.children.len());
            let share = *self.rng.pick(&[1, 10, 100, 1_000, 100_000]);
            let share = self.rng.between(1, share);
            self.read_from_child(index, share);
        }
    }

    fn read_from_child(&mut self, index: usize, share: usize) {
        let child = &mut self.children[index];
        let link = child.link;
        if child.life == Life::Asked {
            return self.begin_child(index);
        }
        if !child.stderr.is_empty() && self.rng.one_in(2) {
            let bytes: Vec<u8> = child.stderr.drain(..share.min(child.stderr.len())).collect();
            return self.handle(Input::Stderr { link, bytes: &bytes });
        }
        if !child.stdout.is_empty() {
            let bytes: Vec<u8> = child.stdout.drain(..share.min(child.stdout.len())).collect();
            self.say(|| format!("{link:?} says {:.300}", String::from_utf8_lossy(&bytes).trim_end()));
            return self.handle(Input::Stdout { link, bytes: &bytes });
        }
        if child.is_mute {
            child.is_mute = false;
            child.fault = Fault::Stubborn;
            return self.handle(Input::StdoutEnded { link });
        }
        let is_deserted = child.is_stdin_closed && child.reads && child.fault != Fault::Stubborn;
        if is_deserted && self.proxy.stdin(link).is_empty() {
            child.end(Exit::Code(0));
        }
        if let Life::Ended(exit) = child.life
            && child.stderr.is_empty()
        {
            let struck = child.machine.unanswered();
            if self.rng.one_in(3) {
                self.handle(Input::StdoutEnded { link });
            }
            self.children.retain(|child| child.link != link);
            self.say(|| format!("{link:?} ended: {exit:?}"));
            self.proxy.handle(Input::Exited { link, exit }, self.clock.now());
            self.dead_links.insert(link);
            self.drain();
            self.assert_told(&struck);
        }
    }

    fn begin_child(&mut self, index: usize) {
        let child = &mut self.children[index];
        let link = child.link;
        self.tally.starts += 1;
        if child.fault == Fault::CannotStart || child.is_stdin_closed {
            self.children.remove(index);
            self.proxy.handle(Input::SpawnFailed { link, error: "no such file".to_owned() }, self.clock.now());
            self.dead_links.insert(link);
            return self.drain();
        }
        child.life = Life::Running;
        self.handle(Input::Spawned { link, pid: 1 });
    }

    /// Lets every child do all that it can. Says whether any did something.
    pub(super) fn flush_children(&mut self, is_meant: impl Fn(&Child) -> bool) -> bool {
        let before = (self.children.len(), self.dead_links.len());
        let mut is_busy = false;
        for index in (0..self.children.len()).rev() {
            for _ in 0..50 {
                let Some(child) = self.children.get(index).filter(|child| is_meant(child)) else { break };
                let waits = child.life != Life::Running
                    || !child.stdout.is_empty()
                    || !child.stderr.is_empty()
                    || child.is_mute
                    || (child.has_output && child.reads);
                if !waits {
                    break;
                }
                is_busy = true;
                self.write_to_child(index, usize::MAX);
                if index < self.children.len() {
                    self.read_from_child(index, usize::MAX);
                }
            }
        }
        is_busy || before != (self.children.len(), self.dead_links.len())
    }

    /// Everything that children which have ended wrote is read.
    pub(super) fn reap(&mut self) {
        for _ in 0..20 {
            for index in (0..self.children.len()).rev() {
                if index < self.children.len() && !self.is_stopped {
                    self.read_from_child(index, usize::MAX);
                }
            }
        }
    }
}
