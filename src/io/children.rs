//! Child processes: whose turn it is, signals to their keepers, and how they end.
//!
//! Nothing here waits for a child. SIGCHLD says that one has ended; what it wrote before is read first, then the core
//! hears of the end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mio::Registry;
use mio::event::Event;
use rustix::process::{self, Pid, Signal, WaitOptions, WaitStatus};

use super::child::{Child, Stream};
use super::orphans::Orphans;
use super::process_tree;
use super::readiness::{Progress, Queue};
use super::spawn;
use super::table::Table;
use super::turns::Turns;
use crate::base::id::LinkId;
use crate::base::time::Now;
use crate::limits;
use crate::proxy::{Exit, Input, Proxy};

/// All children.
#[derive(Debug)]
pub(super) struct Children {
    table: Table<LinkId, Child>,
    /// The limit on descriptors that children get: the one we were started with.
    nofile: String,
    /// Outputs to be read.
    ready: Queue<(LinkId, Stream)>,
    /// Those whose stdin is to be written or closed.
    dirty: Turns<LinkId, Child>,
    /// Keepers that were told to end everything, in the order in which their time is over.
    doomed: VecDeque<(Instant, LinkId)>,
    orphans: Orphans,
}

impl Children {
    /// No children yet. `nofile` is their limit on descriptors.
    pub(super) fn new(nofile: String) -> Children {
        Children {
            table: Table::default(),
            nofile,
            ready: Queue::default(),
            dirty: Turns::new(|child| &mut child.is_dirty),
            doomed: VecDeque::new(),
            orphans: Orphans::adopt(),
        }
    }

    /// Starts the process for a link and tells the core how that went.
    pub(super) fn spawn(&mut self, link: LinkId, core: &mut Proxy, registry: &Registry, now: Now) {
        let Some(command) = core.command(link) else { return };
        let started = spawn::spawn(command, &self.nofile).and_then(|spawned| Child::register(spawned, link, registry));
        match started {
            Ok(child) => {
                let pid = child.keeper.as_raw_nonzero().get().unsigned_abs();
                self.table.insert(link, child);
                core.handle(Input::Spawned { link, pid }, now);
            }
            Err(error) => core.handle(Input::SpawnFailed { link, error: error.to_string() }, now),
        }
    }

    /// Notes what the poll said about an output; nothing is read here.
    pub(super) fn on_output_event(&mut self, index: u32, stream: Stream, event: &Event) {
        let Some((link, child)) = self.table.at(index) else { return };
        child.output(stream).readable.on_event(event);
        self.mark_ready(link, stream);
    }

    /// Notes what the poll said about a stdin; nothing is written here.
    pub(super) fn on_stdin_event(&mut self, index: u32, event: &Event) {
        let Some((link, child)) = self.table.at(index) else { return };
        if child.on_stdin_event(event) {
            self.mark_dirty(link);
        }
    }

    fn mark_ready(&mut self, link: LinkId, stream: Stream) {
        let Some(child) = self.table.find(link) else { return };
        let output = child.output(stream);
        if output.readable.is_ready() && !output.is_queued {
            output.is_queued = true;
            self.ready.push((link, stream));
        }
    }

    /// The core has bytes for its stdin. They are written by [`Children::flush`]: one write for each child and turn.
    pub(super) fn mark_dirty(&mut self, link: LinkId) {
        let Some(child) = self.table.find(link) else { return };
        self.dirty.push(link, child);
    }

    /// Reads from all outputs that are ready, each up to its share.
    pub(super) fn read(&mut self, core: &mut Proxy, buffer: &mut [u8], now: Now) {
        let mut batch = self.ready.take();
        for (link, stream) in batch.drain(..) {
            let Some(child) = self.table.find(link) else { continue };
            child.output(stream).is_queued = false;
            if child.read(link, stream, core, buffer, limits::TURN_BYTES_MAX, now) == Progress::Again {
                self.mark_ready(link, stream);
            }
        }
        self.ready.give_back(batch);
    }

    /// Writes to all that are dirty, each up to its share, and closes what is to be closed.
    pub(super) fn flush(&mut self, core: &mut Proxy, now: Now) {
        self.dirty.serve(&mut self.table, |link, child| child.write(link, core, now));
    }

    /// Whether [`Children::flush`] has something to do.
    pub(super) fn is_dirty(&self) -> bool {
        self.dirty.is_waiting()
    }

    /// A turn ends. Returns whether somebody has more to read or to write; then the next poll must not wait.
    pub(super) fn is_busy_after_turn(&mut self) -> bool {
        self.dirty.end_turn() | !self.ready.is_empty()
    }

    /// Closes its stdin, once what waits for it is written.
    pub(super) fn close_stdin(&mut self, link: LinkId) {
        if let Some(child) = self.table.find(link) {
            child.close_stdin();
            self.mark_dirty(link);
        }
    }

    /// Asks the command and its group to end.
    pub(super) fn terminate(&mut self, link: LinkId) {
        if let Some(child) = self.table.find(link) {
            process_tree::signal_all(&[child.keeper], Signal::TERM);
        }
    }

    /// Ends the command and all that it started, now.
    pub(super) fn kill(&mut self, link: LinkId, now: Instant) {
        if let Some(child) = self.table.find(link) {
            child.order_end();
            self.doomed.push_back((now + limits::KEEPER_TIME_MAX, link));
        }
    }

    /// When [`Children::handle_timeout`] is to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let doom = self.doomed.front().map(|(at, _)| *at);
        doom.into_iter().chain(self.orphans.poll_timeout()).min()
    }

    /// Kills the keepers that had their time. The command's end comes with the keeper's, the rest is left to
    /// [`Orphans`].
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.orphans.poll_timeout().is_some_and(|at| at <= now) {
            self.kill_orphans(now);
        }
        while let Some((at, link)) = self.doomed.front().copied()
            && at <= now
        {
            self.doomed.pop_front();
            if let Some(child) = self.table.find(link) {
                process_tree::signal_all(&[child.keeper], Signal::KILL);
            }
        }
    }

    /// Takes leave of all that have ended, those that we never started included: the first process of a container
    /// inherits every orphan.
    pub(super) fn reap(&mut self, core: &mut Proxy, buffer: &mut [u8], now: Now) {
        while let Ok(Some((pid, status))) = process::wait(WaitOptions::NOHANG) {
            let Some(link) = self.link_of(pid) else { continue };
            let Some(mut child) = self.table.remove(link) else { continue };
            child.read_last(link, core, buffer, now);
            if status.signaled() {
                self.orphans.suspect(now.instant); // perhaps it was the command's signal, perhaps the keeper's own
            }
            core.handle(Input::Exited { link, exit: exit_of(status) }, now);
        }
        self.kill_orphans(now.instant);
    }

    fn kill_orphans(&mut self, now: Instant) {
        let keepers: Vec<Pid> = self.table.iter_mut().map(|(_, child)| child.keeper).collect();
        self.orphans.kill(&keepers, now);
    }

    fn link_of(&mut self, pid: Pid) -> Option<LinkId> {
        self.table.iter_mut().find(|(_, child)| child.keeper == pid).map(|(link, _)| link)
    }

    /// The proxy ends: so does every child, and this waits for it, but not for ever. Were this process killed here,
    /// the keepers would do the same by themselves.
    pub(super) fn end_all(mut self) {
        for (_, child) in self.table.iter_mut() {
            child.order_end();
        }
        let until = Instant::now() + limits::KEEPER_TIME_MAX;
        while Instant::now() < until {
            match process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, _))) => drop(self.link_of(pid).and_then(|link| self.table.remove(link))),
                Ok(None) if self.table.iter_mut().next().is_some() => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => return,
            }
        }
    }
}

fn exit_of(status: WaitStatus) -> Exit {
    match status.terminating_signal() {
        Some(signal) => Exit::Signal(signal),
        None => Exit::Code(status.exit_status().unwrap_or_default()),
    }
}
