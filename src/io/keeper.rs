//! The keeper: a process between the proxy and a command, which sees to it that all ends when it should.
//!
//! ```text
//! proxy ── mcp-keeper ── command ── whatever the command starts
//! ```
//!
//! `npx` and `uvx` start the real server as a grandchild, and a grandchild may leave its group, ignore the end of its
//! stdin, and ignore SIGTERM. The keeper is a *subreaper*: what is orphaned below it becomes its child, so it finds
//! every descendant and can wait for each. And it gets a signal when the proxy dies, in whatever way:
//!
//! | what happens | what the keeper does |
//! |---|---|
//! | SIGTERM (also SIGINT, SIGHUP) | SIGTERM to the command's process group |
//! | SIGQUIT, or the proxy dies | SIGKILL to the group and every descendant, until none is left |
//! | the command ends | SIGTERM to what is left of its descendants, a short grace, then as above |
//! | none is left | the keeper ends just as the command did: the same status, or the same signal |
//! | the keeper is killed | the command gets SIGKILL (see [`super::trampoline`]), the proxy kills the rest |
//!
//! A descendant that has left the group is no part of what SIGTERM asks to end: it is the command's own business until
//! the command is gone.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{self, Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{process_tree, trampoline};
use crate::limits;

/// The first argument that makes this executable a keeper.
pub const VERB: &str = "__keep";

/// What a list of processes shows: under the proxy's own name a `killall` that means the proxy would take the keepers
/// first.
pub(super) const NAME: &str = "mcp-keeper";

/// The status of a keeper that could not do its work; as of `timeout`, `env` and other programs that start another.
const STATUS_NOT_KEPT: u8 = 125;

/// Runs `__keep PARENT NOFILE -- PROGRAM ARGUMENT…` to its end; `args` is what follows the verb.
///
/// `PARENT` is the proxy's process id, `NOFILE` the limit on descriptors that the proxy was started with (`-` leaves it
/// as it is).
pub fn run(args: Vec<OsString>) -> ExitCode {
    match keep(args) {
        Ok(status) => end_like(status),
        Err(error) => {
            super::report(format_args!("the keeper of this server failed: {error}"));
            ExitCode::from(STATUS_NOT_KEPT)
        }
    }
}

fn keep(args: Vec<OsString>) -> io::Result<WaitStatus> {
    let [parent, nofile, _, command @ ..] = args.as_slice() else {
        return Err(io::Error::other("it is started by the proxy only"));
    };
    let _ = fs::write("/proc/self/comm", NAME);
    restore_nofile(nofile);
    let signals = Signals::install()?;
    process::set_parent_process_death_signal(Some(Signal::QUIT))?;
    if !trampoline::is_child_of(parent) {
        return Err(io::Error::other("the proxy is gone"));
    }
    process::set_child_subreaper(Some(process::getpid()))?;
    let command = start(command)?;
    release_stdio()?;
    Keeper { command, signals, stage: Stage::Running, ended: None }.run()
}

/// The proxy raises its own limit on descriptors. Programs that close every possible descriptor, or use `select`, do
/// not want that inherited.
fn restore_nofile(nofile: &OsString) {
    let Some(current) = nofile.to_str().and_then(|text| text.parse().ok()) else { return };
    let maximum = process::getrlimit(Resource::Nofile).maximum;
    let _ = process::setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum });
}

/// Starts the command in a process group of its own, which the keeper is not in.
fn start(command: &[OsString]) -> io::Result<Pid> {
    let child = super::this_program(NAME)
        .arg(trampoline::VERB)
        .arg(process::getpid().to_string())
        .arg("--")
        .args(command)
        .process_group(0)
        .spawn()?;
    pid_of(&child).ok_or_else(|| io::Error::other("no process id"))
}

/// The process id, from where it is unsigned.
pub(super) fn pid_of(child: &std::process::Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// Lets go of the command's pipes: their other ends must see the command close them.
fn release_stdio() -> io::Result<()> {
    // Not /dev/null, which a bare root may lack. Nobody reads here any more, and nobody writes.
    let (reader, writer) = rustix::pipe::pipe()?;
    rustix::stdio::dup2_stdin(&reader)?;
    rustix::stdio::dup2_stdout(&writer)?;
    rustix::stdio::dup2_stderr(&writer)?;
    Ok(())
}

struct Keeper {
    command: Pid,
    signals: Signals,
    stage: Stage,
    /// How the command ended, once it has.
    ended: Option<WaitStatus>,
}

enum Stage {
    /// The command runs.
    Running,
    /// The command has ended; its descendants were asked to.
    Leaving { until: Instant },
    /// Everything is being killed. The pause between two looks at what is left grows.
    Killing { pause: Duration },
}

/// How the killing begins.
const KILLING: Stage = Stage::Killing { pause: limits::KILL_INTERVAL_MIN };

impl Keeper {
    /// Runs until no descendant is left; returns how the command ended.
    fn run(mut self) -> io::Result<WaitStatus> {
        loop {
            let is_childless = self.reap();
            if is_childless && let Some(status) = self.ended {
                return Ok(status);
            }
            match self.stage {
                Stage::Running if self.ended.is_some() => self.leave(),
                Stage::Leaving { until } if until <= Instant::now() => self.stage = KILLING,
                Stage::Running | Stage::Leaving { .. } | Stage::Killing { .. } => {}
            }
            if let Stage::Killing { .. } = self.stage
                && self.kill().is_err()
                && let Some(status) = self.ended
            {
                return Ok(status); // there is no /proc: what has left the group cannot be found
            }
            let is_signalled = self.signals.wait(self.timeout())?;
            if let Stage::Killing { pause } = &mut self.stage
                && !is_signalled
            {
                // Nobody died: what is left hangs in the kernel, and looking more often does not help.
                *pause = (2 * *pause).min(limits::KILL_INTERVAL_MAX);
            }
            self.on_signals();
        }
    }

    fn on_signals(&mut self) {
        if self.signals.quit.swap(false, Ordering::SeqCst) {
            self.stage = KILLING;
        }
        // Not once the command is reaped: its group's number may soon be another's.
        if self.signals.term.swap(false, Ordering::SeqCst) && self.ended.is_none() {
            let _ = process::kill_process_group(self.command, Signal::TERM);
        }
    }

    /// How long to wait for the next signal. `None`: for ever.
    fn timeout(&self) -> Option<Duration> {
        match self.stage {
            Stage::Running => None,
            // A socket refuses zero.
            Stage::Leaving { until } => Some((until - Instant::now()).max(Duration::from_millis(1))),
            Stage::Killing { pause } => Some(pause),
        }
    }

    /// Takes leave of whoever has ended. Returns whether nobody is left.
    fn reap(&mut self) -> bool {
        loop {
            match process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.command => self.ended = Some(status),
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    /// The command has ended, others have not: they get a moment.
    fn leave(&mut self) {
        if let Ok(left) = process_tree::descendants(process::getpid()) {
            process_tree::signal_all(&left, Signal::TERM);
        }
        self.stage = Stage::Leaving { until: Instant::now() + limits::DESCENDANTS_GRACE };
    }

    /// Kills every descendant there is at this moment. Called again until `wait` knows of none, because one that was
    /// about to fork has left a child.
    fn kill(&self) -> io::Result<()> {
        if self.ended.is_none() {
            // At once, whereas a walk gives a fork bomb time.
            let _ = process::kill_process_group(self.command, Signal::KILL);
        }
        let left = process_tree::descendants(process::getpid())?;
        process_tree::signal_all(&left, Signal::KILL);
        Ok(())
    }
}

/// Ends this process just as the command ended, so that the proxy learns the truth.
fn end_like(status: WaitStatus) -> ExitCode {
    if let Some(signal) = status.terminating_signal() {
        // The command has dumped its core if anybody wanted it; ours would hide it.
        let _ = process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        return ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(0))); // a real-time signal
    }
    ExitCode::from(status.exit_status().and_then(|code| u8::try_from(code).ok()).unwrap_or(STATUS_NOT_KEPT))
}

/// Flags that say what came, and a socket that says that something came.
struct Signals {
    wake: UnixStream,
    term: Arc<AtomicBool>,
    quit: Arc<AtomicBool>,
}

impl Signals {
    fn install() -> io::Result<Signals> {
        let (wake, writer) = UnixStream::pair()?;
        let signals = Signals { wake, term: Arc::default(), quit: Arc::default() };
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&signals.term))?;
        }
        signal_hook::flag::register(SIGQUIT, Arc::clone(&signals.quit))?;
        // After the flags: actions run in the order of their registration, and who is woken finds the flag set.
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGCHLD] {
            signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(signals)
    }

    /// Waits for a signal, or until the time is over. Returns whether there may have been one.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        self.wake.set_read_timeout(timeout)?;
        match self.wake.read(&mut [0; 64]) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}
