//! Does what the core asks for, until it asks for nothing more.

use mcp_proxy::base::id::{ConnId, LinkId};
use mcp_proxy::demo::{DemoServer, Effect};
use mcp_proxy::proxy::{Exit, Input, Outcome, Output, Task};
use serde_json::{Value, json};

use super::symbols::Symbols;
use super::transcript::{Answer, head_text};
use super::{Child, Down, Playbook};
use crate::support::answers::Part;

impl Playbook {
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(output) = self.proxy.poll_output() {
                self.perform(output);
            }
            self.deliver_pending();
            let is_remote_busy = self.accept_outbounds() | self.flush_outbounds();
            let is_quiet = !is_remote_busy & !self.flush_children() & !self.flush_downs() & !self.run_machines();
            if is_quiet {
                break;
            }
        }
        for down in &mut self.downs {
            let is_reading = self.proxy.is_reading(down.conn);
            assert!(down.was_reading || !is_reading, "{}: nobody says that there is something to read", down.name);
            down.was_reading = is_reading;
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Transmit(conn) => self.by_conn(conn).has_output = true,
            Output::Resume(conn) => self.by_conn(conn).was_reading = true,
            Output::FinishWriting(conn) => {
                let is_complete = self.by_conn(conn).answers.is_between_answers();
                assert!(is_complete, "the sending side is shut down within an answer");
                self.note_down(conn, "finish");
            }
            Output::Close(conn) => {
                self.note_down(conn, "close");
                self.downs.retain(|down| down.conn != conn);
                self.dead.insert(conn);
            }
            Output::Spawn(link) => self.on_spawn(link),
            Output::TransmitStdin(link) => self.by_link(link).has_output = true,
            Output::CloseStdin(link) => self.note_child(link, "close-stdin", Some(Exit::Code(0))),
            Output::Terminate(link) => self.note_child(link, "terminate", Some(Exit::Signal(15))),
            Output::Kill(link) => self.note_child(link, "kill", Some(Exit::Signal(9))),
            Output::Connect(outbound) => self.on_connect(outbound),
            Output::TransmitOutbound(outbound) => self.on_transmit_outbound(outbound),
            Output::CloseOutbound(outbound) => self.on_close_outbound(outbound),
            Output::Authority(task) => self.on_task(task),
            Output::Log(record) => {
                let level = format!("{:?}", record.level).to_lowercase();
                let server = record.server.iter().map(|server| format!(" {server}")).collect::<String>();
                self.logs.push(format!("{level}{server}: {}", record.message));
                self.records.push(record);
            }
            Output::Stopped { failure } => {
                self.is_stopped = true;
                self.transcript.add(match failure {
                    None => "stopped".to_owned(),
                    Some(failure) => format!("stopped: {failure}"),
                });
            }
        }
    }

    /// What the threads of the shell would do, done at once: the disk is as [`Playbook::disk`] says.
    pub(super) fn on_task(&mut self, task: Task) {
        if let Some(held) = &mut self.held {
            return held.push(task);
        }
        let outcome = match task {
            Task::Write(write) => {
                if self.disk.is_ok() {
                    self.kept.carry_out(&write.job);
                }
                Outcome::Written { number: write.number, error: self.disk.clone().err() }
            }
            Task::Verify { job, verification } => Outcome::Verified { job, is_right: verification.run() },
            Task::LookForOrders if self.orders.is_empty() => return,
            Task::LookForOrders => Outcome::Orders { orders: self.orders.clone(), problems: Vec::new() },
            Task::Fulfil(path) => return self.orders.retain(|order| order.path != path),
            Task::LookAtTemplates => Outcome::Templates(std::mem::take(&mut self.templates)),
        };
        self.proxy.handle(Input::Authority(outcome), self.clock.now());
    }

    fn on_spawn(&mut self, link: LinkId) {
        let command = self.proxy.command(link).expect("a command for a new link");
        let name = command.program.strip_prefix("run-").expect("a name").to_owned();
        // A second process of the same server, beside the first.
        let name = if self.children.iter().any(|child| child.name == name) { format!("{name}2") } else { name };
        let machine = self.has_demo.then(DemoServer::new);
        let is_running = self.has_demo;
        self.transcript.add(format!("{name} spawn"));
        self.children.push(Child {
            name,
            link,
            is_running,
            takes: true,
            has_output: false,
            partial: Vec::new(),
            machine,
            exit: None,
        });
        if self.has_demo {
            self.proxy.handle(Input::Spawned { link, pid: 4_711 }, self.clock.now());
        }
    }

    fn note_down(&mut self, conn: ConnId, what: &str) {
        let name = self.by_conn(conn).name.clone();
        self.transcript.add(format!("{name} {what}"));
    }

    fn note_child(&mut self, link: LinkId, what: &str, exit: Option<Exit>) {
        let child = self.by_link(link);
        child.exit = child.exit.or(exit);
        let line = format!("{} {what}", child.name);
        self.transcript.add(line);
    }

    fn by_conn(&mut self, conn: ConnId) -> &mut Down {
        assert!(!self.dead.contains(&conn), "an output for a dead connection");
        self.downs.iter_mut().find(|down| down.conn == conn).expect("an output for a known connection")
    }

    fn by_link(&mut self, link: LinkId) -> &mut Child {
        self.children.iter_mut().find(|child| child.link == link).expect("an output for a known link")
    }

    pub(super) fn deliver_pending(&mut self) {
        let now = self.clock.now();
        for down in &mut self.downs {
            if !down.pending.is_empty() && down.was_reading && self.proxy.is_reading(down.conn) {
                let bytes = std::mem::take(&mut down.pending);
                self.proxy.handle(Input::Received { conn: down.conn, bytes: &bytes }, now);
                down.was_reading = self.proxy.is_reading(down.conn);
            }
        }
    }

    /// Says whether anything was written.
    fn flush_downs(&mut self) -> bool {
        let mut is_busy = false;
        for down in self.downs.iter_mut().filter(|down| down.has_output && down.takes) {
            let bytes = self.proxy.outgoing(down.conn).to_vec();
            down.has_output = bytes.len() < self.proxy.outgoing_len(down.conn);
            if bytes.is_empty() {
                continue;
            }
            is_busy = true;
            down.answers.push(&bytes);
            while let Some(part) = down.answers.poll() {
                if let Part::Event(text) = &part {
                    self.asks.learn(text);
                }
                if let Some(line) = show(&part, &self.asks) {
                    self.transcript.add(format!("{} {line}", down.name));
                }
                if let Part::Whole(head, body) = part {
                    down.whole.push(Answer { head, body });
                }
            }
            self.proxy.handle(Input::Sent { conn: down.conn, count: bytes.len() }, self.clock.now());
        }
        is_busy
    }

    fn flush_children(&mut self) -> bool {
        let mut is_busy = false;
        let mut probed = Vec::new();
        for child in self.children.iter_mut().filter(|child| child.has_output && child.takes && child.is_running) {
            let bytes = self.proxy.stdin(child.link).to_vec();
            child.has_output = false;
            if bytes.is_empty() {
                continue;
            }
            is_busy = true;
            child.partial.extend_from_slice(&bytes);
            self.proxy.handle(Input::StdinSent { link: child.link, count: bytes.len() }, self.clock.now());
            while let Some(end) = child.partial.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = child.partial.drain(..=end).collect();
                let text = String::from_utf8(line).expect("a line in UTF-8");
                self.calls.learn(&text);
                match &mut child.machine {
                    Some(machine) => machine.handle_line(text.as_bytes(), self.clock.instant()),
                    None if self.is_legacy && is_probe(&text) => probed.push((child.link, refusal(&text))),
                    None => {
                        let text = self.calls.show(text.trim_end_matches('\n'));
                        self.transcript.add(format!("{} <- {text}", child.name));
                    }
                }
            }
        }
        for (link, refusal) in probed {
            let line = format!("{refusal}\n");
            self.proxy.handle(Input::Stdout { link, bytes: line.as_bytes() }, self.clock.now());
        }
        is_busy
    }
}

/// Whether a message asks for the era of whoever gets it.
pub(super) fn is_probe(message: &str) -> bool {
    message.contains("\"method\":\"server/discover\"")
}

/// How legacy upstreams answer that.
pub(super) fn refusal(message: &str) -> Value {
    let message: Value = serde_json::from_str(message).expect("a message");
    json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
}

fn show(part: &Part, asks: &Symbols) -> Option<String> {
    Some(match part {
        Part::Priming => return None,
        Part::Continue => "100".to_owned(),
        Part::Whole(head, body) => {
            let kind = if body.is_empty() { String::new() } else { format!(" json {}", asks.show(body)) };
            format!("{}{kind}", head_text(head))
        }
        Part::Begin(head) => format!("{} stream", head_text(head)),
        Part::Event(data) => format!("event {}", asks.show(data)),
        Part::Endpoint(url) => format!("endpoint {url}"),
        Part::Comment(text) => format!("comment {text}"),
        Part::End => "end".to_owned(),
    })
}

/// The demo machines of a pair.
impl Playbook {
    /// Says whether any of them did anything.
    fn run_machines(&mut self) -> bool {
        let now = self.clock.now();
        let mut gone = Vec::new();
        let mut is_busy = false;
        for child in &mut self.children {
            let Some(machine) = &mut child.machine else { continue };
            machine.handle_timeout(now.instant);
            while let Some(effect) = machine.poll_output() {
                is_busy = true;
                let link = child.link;
                match effect {
                    Effect::Line(line) => {
                        let bytes = format!("{line}\n");
                        self.proxy.handle(Input::Stdout { link, bytes: bytes.as_bytes() }, now);
                    }
                    Effect::Stderr(line) => {
                        let bytes = format!("{line}\n");
                        self.proxy.handle(Input::Stderr { link, bytes: bytes.as_bytes() }, now);
                    }
                    Effect::Exit(code) => child.exit = Some(Exit::Code(code)),
                }
            }
            if let Some(exit) = child.exit {
                gone.push((child.link, exit));
            }
        }
        self.children.retain(|child| !gone.iter().any(|(link, _)| *link == child.link));
        for (link, exit) in gone {
            is_busy = true;
            self.proxy.handle(Input::Exited { link, exit }, now);
        }
        is_busy
    }
}
