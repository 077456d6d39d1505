//! Row 7: the shell. Every system call is below here, and nothing that decides.
//!
//! ```text
//!               ┌─ listener, conn ── downstreams
//! event_loop ───┼─ children, child ─ pipes ─┐
//!    │          │     └─ spawn ──── keeper ─ trampoline, which becomes the command  (two processes for each server)
//!  Proxy        ├─ outbounds ── connections to remote servers
//!               │     └─ helper ── a thread that looks up names, and loads the certificates that are trusted
//!               ├─ authority ───── a thread for the disk (`oauth`), and one that verifies passwords
//!               ├─ signals
//!               ├─ watcher ─────── a thread that reads the configuration again, and one that hears of changes
//!               └─ log ─────────── a thread that writes to stderr
//!
//! download ──── outbounds: a configuration from a URL, in a loop of its own
//! ```

pub mod authority;
pub mod demo;
pub mod download;
pub mod keeper;
pub mod log;
pub mod outbounds;
pub mod prompt;
pub mod state_file;
pub mod trampoline;

mod channel;
mod child;
mod children;
mod clock;
mod conn;
mod event_loop;
mod file_events;
mod helper;
mod listener;
mod orders;
mod orphans;
mod outbound;
mod process_tree;
mod race;
mod readiness;
mod signals;
mod socket;
mod spawn;
mod stamp;
mod table;
mod templates;
mod tls;
mod turns;
mod vitals;
mod watcher;
mod way;
mod worker;

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use mio::Poll;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::authority::AuthorityError;
use self::children::Children;
use self::conn::Conns;
use self::event_loop::EventLoop;
use self::listener::Listener;
use self::log::{Format, Log};
use self::outbounds::{OutboundSettings, Outbounds, Trust};
use self::signals::Signals;
use self::watcher::Watcher;
pub use self::watcher::{Load, ReloadedFile, Reloading};
use crate::config::forward_proxy::ForwardProxies;
use crate::config::{self, Config};
use crate::limits;
use crate::proxy::{Level, Proxy, Random, Record, Sources};

/// What to run.
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// Lines below this level are not logged.
    pub log_level: Level,
    /// What a log line looks like.
    pub log_format: Format,
    /// Take any certificate of a remote upstream for good.
    pub is_insecure: bool,
    /// Where the configuration comes from, if it may change.
    pub reloading: Option<Reloading>,
    /// Called once the proxy listens, with the address; before the first child is started.
    pub on_listening: OnListening,
}

/// See [`Settings::on_listening`].
pub type OnListening = Box<dyn FnOnce(&Config, SocketAddr)>;

/// Runs the proxy until it is told to end, or has to.
///
/// To be called on the main thread: the keepers take the end of the thread that started them for the end of the proxy.
///
/// # Errors
///
/// See [`RunError`].
pub fn run(settings: Settings) -> Result<(), RunError> {
    let Settings { config, log_level, log_format, is_insecure, reloading, on_listening } = settings;
    let nofile = raise_nofile();
    let poll = Poll::new().map_err(RunError::System)?;
    let signals = Signals::install(poll.registry()).map_err(RunError::System)?;
    let (listener, local) = Listener::bind(&config.addr, poll.registry())?;
    let random = random_source().map_err(RunError::System)?;
    let log = Log::start(log_level, log_format).map_err(RunError::System)?;
    warn_of_few_descriptors(&log);
    let waker = outbounds::waker(poll.registry()).map_err(RunError::System)?;
    let watcher = reloading.map(|reloading| Watcher::start(reloading, Arc::clone(&waker))).transpose();
    let watcher = watcher.map_err(RunError::System)?;
    let sources = Sources { random, vitals: vitals::source(log.dropped()) };
    let now = clock::read_clock();
    let opened = config.oauth.as_ref().map(|oauth| authority::open(oauth, &config, now)).transpose();
    let opened = opened.map_err(RunError::Authority)?;
    on_listening(&config, local);
    let mut core = Proxy::new(config, config::Listener { local }, sources, now);
    let authority = opened.map(|opened| opened.start(&mut core, &log, &waker, now)).transpose();
    let authority = authority.map_err(RunError::System)?;
    let children = Children::new(nofile);
    let outbounds = Outbounds::new(outbound_settings(is_insecure), waker);
    let ended = EventLoop {
        poll,
        core,
        listener,
        signals,
        conns: Conns::default(),
        children,
        outbounds,
        log,
        watcher,
        authority,
    }
    .run()
    .map_err(RunError::System)?;
    match ended.failure {
        None => Ok(()),
        Some(server) if ended.is_stderr_read => Err(RunError::Server(server)),
        Some(server) => Err(RunError::Unread(server)),
    }
}

/// Why the proxy could not run, or could not go on.
#[derive(Debug)]
pub enum RunError {
    /// The host to listen on has no address.
    Resolve {
        /// As configured.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// Listening failed.
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// Clients and tokens cannot be kept.
    Authority(AuthorityError),
    /// The system refused something without which nothing works.
    System(io::Error),
    /// This server could not be initialised, and its configuration says that the proxy must not run without it.
    Server(String),
    /// The same, and stderr is not read: whoever writes this there waits for ever.
    Unread(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Resolve { host, error } => {
                write!(f, "cannot listen on {host:?}: the name has no address here ({error}); try an address or :PORT")
            }
            RunError::Listen { addr, error } => write!(f, "cannot listen on {addr}: {}", listen_advice(*addr, error)),
            RunError::Authority(error) => error.fmt(f),
            RunError::System(error) => write!(f, "the system refused what the proxy needs: {error}"),
            RunError::Server(name) | RunError::Unread(name) => {
                write!(f, "server {name:?} could not be initialised, and its panicIfInvalid is true; see the log above")
            }
        }
    }
}

/// What to do about an address that cannot be had.
fn listen_advice(addr: SocketAddr, error: &io::Error) -> String {
    let port = addr.port();
    if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "another program does (ss -ltnp 'sport = {port}' shows which); stop it, or choose another port in \
             mcpProxy.addr"
        )
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "not permitted; ports below 1024 need privileges, choose a higher one in mcpProxy.addr".to_owned()
    } else if error.kind() == io::ErrorKind::AddrNotAvailable {
        format!("this machine does not have that address; use one of its own, or :{port}")
    } else {
        error.to_string()
    }
}

impl Error for RunError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            RunError::Resolve { error, .. } | RunError::Listen { error, .. } | RunError::System(error) => Some(error),
            RunError::Authority(error) => Some(error),
            RunError::Server(_) | RunError::Unread(_) => None,
        }
    }
}

/// Allows this process as many descriptors as it may have: each downstream needs one. Returns the limit that it was
/// started with, which is what children get; `-` where there was none.
fn raise_nofile() -> String {
    let limit = getrlimit(Resource::Nofile);
    // It may fail where the hard limit is above the system's own; then it stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    limit.current.map_or_else(|| "-".to_owned(), |current| current.to_string())
}

/// Writes a line to stderr before there is a log, or where there is none. A stderr that takes nothing, because it is
/// closed or its disk is full, is no reason to end; to `eprintln!` it is.
pub fn report(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// How many descriptors this process may have.
fn descriptors() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn warn_of_few_descriptors(log: &Log) {
    let bound = descriptors();
    if bound < limits::DESCRIPTORS_FEW {
        let message = format!(
            "only {bound} files and connections may be open at once (ulimit -n): each client takes one, each server \
             that is a process three, each call to one in the network one"
        );
        let record = Record { level: Level::Warn, server: None, message, fields: Vec::new() };
        log.write(&record, clock::read_clock().unix_seconds);
    }
}

/// What the environment says about connections to remote upstreams.
fn outbound_settings(is_insecure: bool) -> OutboundSettings {
    let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let file = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty());
    let trust = match file {
        _ if is_insecure => Trust::Everybody,
        // With a directory as well, it is for the library to put them together.
        Some(path) if std::env::var_os("SSL_CERT_DIR").is_none() => Trust::File(path.into()),
        Some(_) | None => Trust::System,
    };
    OutboundSettings { proxies: ForwardProxies::from_variables(variable), trust, resolve: outbounds::resolve }
}

/// Random bytes for session ids. Tried once now, so that a system without them is refused at the start.
fn random_source() -> io::Result<Random> {
    getrandom::fill(&mut [0; 1]).map_err(io::Error::other)?;
    Ok(Box::new(|bytes| {
        if getrandom::fill(bytes).is_err() {
            // It worked before. A session id that can be guessed would be worse than an end; the keepers clean up.
            std::process::abort();
        }
    }))
}

/// This very program, to be started again, even if its file has been replaced or removed since. `name` is what a list
/// of processes is to show.
fn this_program(name: &str) -> Command {
    let own = Path::new("/proc/self/exe");
    if own.exists() {
        let mut command = Command::new(own);
        command.arg0(name);
        return command;
    }
    // A bare root may lack /proc. What we were called by is then the only way to the file, also for the one that is
    // started here, so it must not get another name.
    Command::new(std::env::args_os().next().unwrap_or_else(|| own.into()))
}
