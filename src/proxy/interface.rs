//! What the core and the shell say to each other.

use std::time::Duration;

use super::authorization::{Outcome, Task};
use crate::base::id::{ConnId, LinkId, OutboundId};
use crate::config::Config;

/// Something happened outside.
#[derive(Debug)]
pub enum Input<'a> {
    /// A downstream sent bytes. Only after [`super::Proxy::is_reading`] said so.
    Received {
        /// Which connection.
        conn: ConnId,
        /// What came; never empty.
        bytes: &'a [u8],
    },
    /// A downstream will send no more (end of file); it may still read.
    Finished {
        /// Which connection.
        conn: ConnId,
    },
    /// A connection broke: nothing can be read or written any more. The shell has closed the socket.
    Broken {
        /// Which connection.
        conn: ConnId,
    },
    /// The socket took the first `count` bytes of [`super::Proxy::outgoing`].
    Sent {
        /// Which connection.
        conn: ConnId,
        /// At least 1.
        count: usize,
    },
    /// The process that [`Output::Spawn`] asked for runs.
    Spawned {
        /// Which link.
        link: LinkId,
        /// Its process id.
        pid: u32,
    },
    /// It could not be started; the link is over, [`Input::Exited`] does not follow.
    SpawnFailed {
        /// Which link.
        link: LinkId,
        /// What the system said.
        error: String,
    },
    /// The child wrote to its stdout.
    Stdout {
        /// Which link.
        link: LinkId,
        /// What came; never empty.
        bytes: &'a [u8],
    },
    /// The child wrote to its stderr.
    Stderr {
        /// Which link.
        link: LinkId,
        /// What came; never empty.
        bytes: &'a [u8],
    },
    /// The child closed its stdout: it will say nothing any more. [`Input::Exited`] may be long in coming.
    StdoutEnded {
        /// Which link.
        link: LinkId,
    },
    /// The pipe took the first `count` bytes of [`super::Proxy::stdin`].
    StdinSent {
        /// Which link.
        link: LinkId,
        /// At least 1.
        count: usize,
    },
    /// The child closed its stdin: it will hear nothing any more.
    StdinBroken {
        /// Which link.
        link: LinkId,
    },
    /// The child is gone, and all that it wrote has been handed in. The last input of a link.
    Exited {
        /// Which link.
        link: LinkId,
        /// How it ended.
        exit: Exit,
    },
    /// The connection that [`Output::Connect`] asked for is there: name resolved, TLS agreed on. Bytes may be sent.
    Connected {
        /// Which connection.
        outbound: OutboundId,
    },
    /// It could not be made; the id is dead.
    ConnectFailed {
        /// Which connection.
        outbound: OutboundId,
        /// What the system, the resolver or TLS said, fit to be read by whoever sees the error.
        error: String,
    },
    /// A remote upstream sent bytes.
    OutboundReceived {
        /// Which connection.
        outbound: OutboundId,
        /// What came, decrypted; never empty.
        bytes: &'a [u8],
    },
    /// A remote upstream will send no more, and said so in order: end of file, with TLS after a `close_notify`.
    OutboundFinished {
        /// Which connection.
        outbound: OutboundId,
    },
    /// A connection to a remote upstream broke, or was cut off. The shell has closed the socket; the id is dead.
    OutboundBroken {
        /// Which connection.
        outbound: OutboundId,
        /// What the system or TLS said.
        error: String,
    },
    /// The connection took the first `count` bytes of [`super::Proxy::request_bytes`].
    OutboundSent {
        /// Which connection.
        outbound: OutboundId,
        /// At least 1.
        count: usize,
    },
    /// The configuration has changed. Where to listen is as before: that cannot change while the proxy runs.
    Reload(Box<Config>),
    /// Something is done that [`Output::Authority`] asked for.
    Authority(Outcome),
    /// The operator asks the proxy to end. A second one means: at once.
    Shutdown,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// Something for the shell to do.
#[derive(Debug)]
pub enum Output {
    /// [`super::Proxy::outgoing`] has bytes for this connection.
    Transmit(ConnId),
    /// [`super::Proxy::is_reading`] turned true again: bytes may wait in the socket.
    Resume(ConnId),
    /// All is sent: shut the sending side down, keep reading (what comes is thrown away by the core).
    FinishWriting(ConnId),
    /// Close the socket. The id is dead.
    Close(ConnId),
    /// Start a process for this link; [`super::Proxy::command`] says which.
    Spawn(LinkId),
    /// [`super::Proxy::stdin`] has bytes for this link.
    TransmitStdin(LinkId),
    /// Close the child's stdin, once what waits for it is written.
    CloseStdin(LinkId),
    /// Send SIGTERM to the child and all that it started.
    Terminate(LinkId),
    /// End the child and all that it started, now.
    Kill(LinkId),
    /// Connect to the origin of [`super::Proxy::destination`].
    Connect(OutboundId),
    /// [`super::Proxy::request_bytes`] has bytes for this connection. Only once it is connected.
    TransmitOutbound(OutboundId),
    /// Close the connection, or give up making it. The id is dead.
    CloseOutbound(OutboundId),
    /// Something for a thread that may wait for the disk, or take its time; [`Input::Authority`] says what came of it.
    Authority(Task),
    /// A line for the log.
    Log(Record),
    /// Everything has ended: the program may exit. With the name of a server if it must exit with an error.
    Stopped {
        /// Why the exit status must not be 0: a server with `panicIfInvalid` could not be initialised.
        failure: Option<String>,
    },
}

impl Output {
    /// Whether it is to be done with the process of this link.
    pub(super) fn is_for(&self, link: LinkId) -> bool {
        match self {
            Output::Spawn(id)
            | Output::TransmitStdin(id)
            | Output::CloseStdin(id)
            | Output::Terminate(id)
            | Output::Kill(id) => *id == link,
            Output::Transmit(_)
            | Output::Resume(_)
            | Output::FinishWriting(_)
            | Output::Close(_)
            | Output::Connect(_)
            | Output::TransmitOutbound(_)
            | Output::CloseOutbound(_)
            | Output::Authority(_)
            | Output::Log(_)
            | Output::Stopped { .. } => false,
        }
    }
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How much it matters.
    pub level: Level,
    /// The server it is about.
    pub server: Option<String>,
    /// One line, no secrets.
    pub message: String,
    /// What else there is to say about it, by name; no secrets either.
    pub fields: Vec<(&'static str, Field)>,
}

/// A value in a line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// Words.
    Text(String),
    /// A count.
    Number(u64),
    /// How long something took.
    Time(Duration),
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// Life as it should be: start, ready, stop.
    Info,
    /// The proxy copes, the operator may want to know.
    Warn,
    /// Something does not work.
    Error,
}

/// What the core cannot know by itself.
pub struct Sources {
    /// Where random bytes come from.
    pub random: Random,
    /// How the process is doing.
    pub vitals: ReadVitals,
}

/// Where random bytes come from.
pub type Random = Box<dyn FnMut(&mut [u8])>;

/// Asks the system how the process is doing.
pub type ReadVitals = Box<dyn FnMut() -> Vitals>;

/// How the process is doing, as far as the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vitals {
    /// Memory in use.
    pub resident_bytes: Option<u64>,
    /// Open descriptors.
    pub open_fds: Option<u64>,
    /// Lines of the log that found its queue full.
    pub dropped_log_lines: u64,
}
