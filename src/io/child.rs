//! One child process: bytes through its three pipes.

use std::io::{self, Read, Write};

use mio::event::Event;
use mio::unix::pipe::{Receiver, Sender};
use mio::{Interest, Registry};
use rustix::process::{Pid, Signal};

use super::process_tree;
use super::readiness::{Progress, Readable, Source};
use super::spawn::Spawned;
use crate::base::id::{Id, LinkId};
use crate::base::time::Now;
use crate::limits;
use crate::proxy::{Input, Proxy};

/// Which of a child's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// One child.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) keeper: Pid,
    stdin: Stdin,
    stdout: Output,
    stderr: Output,
    /// Whether it stands in the queue of those whose stdin is to be written.
    pub(super) is_dirty: bool,
}

#[derive(Debug)]
enum Stdin {
    Open {
        pipe: Sender,
        /// Cleared by `WouldBlock` from a write, set by an event.
        is_writable: bool,
        /// The child has closed its end.
        is_broken: bool,
        /// Close it once nothing waits for it.
        is_closing: bool,
    },
    Closed,
}

/// An output of the child.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Receiver,
    pub(super) readable: Readable,
    /// Whether it stands in the queue of those to be read.
    pub(super) is_queued: bool,
}

impl Child {
    /// Puts the pipes into the poll. If that fails, the keeper ends with them: it is told to.
    pub(super) fn register(spawned: Spawned, link: LinkId, registry: &Registry) -> io::Result<Child> {
        let Spawned { keeper, mut stdin, mut stdout, mut stderr } = spawned;
        let index = link.index();
        registry
            .register(&mut stdin, Source::Stdin(index).token(), Interest::WRITABLE)
            .and_then(|()| registry.register(&mut stdout, Source::Stdout(index).token(), Interest::READABLE))
            .and_then(|()| registry.register(&mut stderr, Source::Stderr(index).token(), Interest::READABLE))
            .inspect_err(|_| process_tree::signal_all(&[keeper], Signal::QUIT))?;
        let output = |pipe| Output { pipe, readable: Readable::No, is_queued: false };
        Ok(Child {
            keeper,
            stdin: Stdin::Open { pipe: stdin, is_writable: true, is_broken: false, is_closing: false },
            stdout: output(stdout),
            stderr: output(stderr),
            is_dirty: false,
        })
    }

    /// Tells the keeper to end everything. Should somebody have stopped it, it has to wake up first.
    pub(super) fn order_end(&self) {
        process_tree::signal_all(&[self.keeper], Signal::QUIT);
        process_tree::signal_all(&[self.keeper], Signal::CONT);
    }

    pub(super) fn output(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Notes what the poll said about the stdin. Returns whether to come back for it: it takes bytes again, or never
    /// will.
    pub(super) fn on_stdin_event(&mut self, event: &Event) -> bool {
        let Stdin::Open { is_writable, is_broken, .. } = &mut self.stdin else { return false };
        let was_blocked = !*is_writable;
        *is_writable |= event.is_writable();
        *is_broken |= event.is_error();
        *is_broken || was_blocked
    }

    /// The stdin is to be closed, once nothing waits for it.
    pub(super) fn close_stdin(&mut self) {
        if let Stdin::Open { is_closing, .. } = &mut self.stdin {
            *is_closing = true;
        }
    }

    /// Reads from one output while there is something and the share lasts.
    pub(super) fn read(
        &mut self,
        link: LinkId,
        stream: Stream,
        core: &mut Proxy,
        buffer: &mut [u8],
        mut share: usize,
        now: Now,
    ) -> Progress {
        let output = self.output(stream);
        while output.readable.is_ready() {
            if share == 0 {
                return Progress::Again;
            }
            match output.pipe.read(buffer) {
                Ok(count) if count > 0 => {
                    if count < buffer.len() {
                        output.readable.on_short_read();
                    }
                    share = share.saturating_sub(count);
                    let bytes = &buffer[..count];
                    core.handle(stream.input(link, bytes), now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => output.readable.on_would_block(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    output.readable.on_end();
                    if stream == Stream::Stdout {
                        core.handle(Input::StdoutEnded { link }, now);
                    }
                }
            }
        }
        Progress::Idle
    }

    /// Reads what a child has left when it ended. That fits into its pipes; more would be from a process that holds
    /// them open and has no part in the link.
    pub(super) fn read_last(&mut self, link: LinkId, core: &mut Proxy, buffer: &mut [u8], now: Now) {
        for stream in [Stream::Stderr, Stream::Stdout] {
            let output = self.output(stream);
            if output.readable == Readable::No {
                output.readable = Readable::UntilEnd;
            }
            self.read(link, stream, core, buffer, limits::PIPE_BYTES + limits::READ_BYTES, now);
        }
    }

    /// Writes to its stdin while there is something, the pipe takes it, and the share lasts.
    pub(super) fn write(&mut self, link: LinkId, core: &mut Proxy, now: Now) -> Progress {
        let mut share = limits::TURN_BYTES_MAX;
        loop {
            let Stdin::Open { pipe, is_writable, is_broken, is_closing } = &mut self.stdin else {
                return Progress::Idle;
            };
            let bytes = core.stdin(link);
            if *is_broken {
                return self.on_stdin_broken(link, core, now);
            }
            if bytes.is_empty() && *is_closing {
                self.stdin = Stdin::Closed;
                return Progress::Idle;
            }
            if bytes.is_empty() || !*is_writable {
                return Progress::Idle;
            }
            if share == 0 {
                return Progress::Again;
            }
            match pipe.write(&bytes[..bytes.len().min(share)]) {
                Ok(count) if count > 0 => {
                    share -= count;
                    core.handle(Input::StdinSent { link, count }, now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => *is_writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => *is_broken = true,
            }
        }
    }

    fn on_stdin_broken(&mut self, link: LinkId, core: &mut Proxy, now: Now) -> Progress {
        self.stdin = Stdin::Closed;
        core.handle(Input::StdinBroken { link }, now);
        Progress::Idle
    }
}

impl Stream {
    fn input(self, link: LinkId, bytes: &[u8]) -> Input<'_> {
        match self {
            Stream::Stdout => Input::Stdout { link, bytes },
            Stream::Stderr => Input::Stderr { link, bytes },
        }
    }
}
