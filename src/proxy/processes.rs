//! Links to child processes: how they start, what comes through their pipes, and how they end.

use std::time::Instant;

use super::links::Transport;
use super::{Exit, Level, Output, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::codec::lines::Line;
use crate::limits;
use crate::mcp::attribution::Carrier;
use crate::mcp::trouble::Trouble;
use crate::upstream::stdio::StdioLink;

impl Proxy {
    /// Asks for a process and has its greeting ready.
    pub(super) fn start_process(&mut self, link: LinkId, now: Instant) {
        self.outputs.push_back(Output::Spawn(link));
        self.begin_greeting(link, now);
    }

    pub(super) fn on_spawned(&mut self, link: LinkId, pid: u32) {
        let Some(entry) = self.links.get(link) else { return };
        let server = entry.server;
        let Some(command) = self.command(link) else { return };
        let verb = if self.is_restarted(server) { "Restarting" } else { "Starting" };
        let message = format!("{verb}: {} (pid {pid})", command.program);
        self.log(Level::Info, Some(server), message);
        self.transmit_stdin(link);
    }

    pub(super) fn on_spawn_failed(&mut self, link: LinkId, error: String, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let trouble = Trouble::CannotStart { cause: error, last_words: None };
        self.on_link_gone(server, link, &trouble, now);
    }

    /// The child is gone. What it left unanswered is answered with how it ended.
    pub(super) fn on_exited(&mut self, link: LinkId, exit: Exit, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        self.flush_lines(link, now);
        // Nothing can be done any more of what its last line has led to.
        self.outputs.retain(|output| !output.is_for(link));
        if self.died_of_probe(server, link) {
            return self.start_otherwise(server, link, now);
        }
        let trouble = self.trouble_of(link, self.cause_of_end(server, link, exit));
        self.on_link_gone(server, link, &trouble, now);
    }

    /// Why a process ended: by itself with a status, or because we ended it for a reason.
    fn cause_of_end(&self, server: ServerId, link: LinkId, exit: Exit) -> String {
        let is_our_doing = self.servers.get(server).is_some_and(|server| server.supervisor.is_forced());
        let fault = self.links.get(link).and_then(|link| link.fault.clone()).filter(|_| is_our_doing);
        fault.unwrap_or_else(|| match exit {
            Exit::Code(code) => format!("exit status {code}"),
            Exit::Signal(signal) => format!("killed by signal {signal}"),
        })
    }

    /// The last words of a server's present process.
    pub(super) fn last_words(&self, server: ServerId) -> Option<String> {
        let link = self.servers.get(server)?.supervisor.link()?;
        self.links.get(link)?.stdio()?.last_words().map(str::to_owned)
    }

    fn stdio_mut(&mut self, link: LinkId) -> Option<&mut StdioLink> {
        match &mut self.links.get_mut(link)?.transport {
            Transport::Stdio(stdio) => Some(stdio),
            Transport::Remote(_) => None,
        }
    }
}

/// Out.
impl Proxy {
    /// The bytes that wait for a child.
    pub fn stdin(&self, link: LinkId) -> &[u8] {
        let stdio = self.links.get(link).and_then(|link| link.stdio());
        stdio.map_or(&[], |stdio| stdio.stdin.as_slice())
    }

    /// Tells the shell that bytes wait for a child.
    pub(super) fn transmit_stdin(&mut self, link: LinkId) {
        if let Some(stdio) = self.stdio_mut(link)
            && !stdio.is_transmitting
            && !stdio.stdin.is_empty()
        {
            stdio.is_transmitting = true;
            self.outputs.push_back(Output::TransmitStdin(link));
        }
    }

    pub(super) fn on_stdin_sent(&mut self, link: LinkId, count: usize) {
        if let Some(stdio) = self.stdio_mut(link) {
            stdio.stdin.consume(count);
            stdio.is_transmitting = !stdio.stdin.is_empty();
        }
    }

    /// The child will hear nothing any more.
    pub(super) fn on_stdin_broken(&mut self, link: LinkId, now: Instant) {
        if let Some(stdio) = self.stdio_mut(link) {
            stdio.stdin.clear();
            stdio.is_transmitting = false;
        }
        self.on_broken(link, "it closed its stdin", now);
    }
}

/// In.
impl Proxy {
    pub(super) fn on_stdout(&mut self, link: LinkId, bytes: &[u8], now: Instant) {
        // The splitter is taken out while its lines are handled: they borrow from it.
        let Some(stdio) = self.stdio_mut(link) else { return };
        let mut lines = stdio.take_stdout();
        let mut rest = bytes;
        while let Some(line) = lines.handle(&mut rest) {
            self.on_stdout_line(link, line, now);
        }
        if let Some(stdio) = self.stdio_mut(link) {
            stdio.stdout = lines;
        }
    }

    /// The child is gone: what it wrote last may lack its line end.
    fn flush_lines(&mut self, link: LinkId, now: Instant) {
        let last_words = self.stdio_mut(link).and_then(|stdio| stdio.on_stderr_ended());
        if let (Some(words), Some(server)) = (last_words, self.links.get(link).map(|link| link.server)) {
            self.log(Level::Info, Some(server), words);
        }
        let Some(stdio) = self.stdio_mut(link) else { return };
        let mut lines = stdio.take_stdout();
        if let Some(line) = lines.finish() {
            self.on_stdout_line(link, line, now);
        }
    }

    fn on_stdout_line(&mut self, link: LinkId, line: Line<'_>, now: Instant) {
        match line {
            Line::Whole(line) => self.on_upstream_text(link, line, Carrier::Shared, now),
            Line::Lump { lump, length } => self.with_lump(lump, |proxy, bytes| {
                proxy.on_upstream_text(link, &bytes[..length], Carrier::Shared, now);
            }),
            Line::Truncated(_) => {}
            Line::TooLong => self.on_overlong_message(link),
        }
    }

    /// A message exceeds the bound and is skipped.
    pub(super) fn on_overlong_message(&mut self, link: LinkId) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let bound = limits::LINE_BYTES_MAX;
        let message = format!("Dropped a message of more than {bound} bytes: the call it answers will time out");
        self.log(Level::Error, Some(server), message);
    }

    /// The child will say nothing any more.
    pub(super) fn on_stdout_ended(&mut self, link: LinkId, now: Instant) {
        self.on_broken(link, "it closed its stdout", now);
    }

    pub(super) fn on_stderr(&mut self, link: LinkId, bytes: &[u8]) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        let mut texts = Vec::new();
        if let Some(stdio) = self.stdio_mut(link) {
            stdio.on_stderr(bytes, |text| texts.push(text.to_owned()));
        }
        for text in texts {
            self.log(Level::Info, Some(server), text);
        }
    }
}
