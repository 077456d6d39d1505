//! Whether the configuration has changed, and what it says now.
//!
//! ```text
//!  SIGHUP ── reload ──▶ thread ── load ──▶ answers ── poll ──▶ loop
//!                        │  ▲ ▲                └─ waker ──▶ poll ──┘
//!                        │  │ └ something happens around the file ◀── another thread
//!                        └──┴ looks at the file until it looks the same twice
//! ```
//!
//! The thread reads and resolves too: a disk that sleeps, or a host that does not answer, must not make the loop wait.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use mio::Waker;

use super::file_events::{FileEvents, Listener};
use super::stamp::Stamp;
use crate::config::Config;
use crate::limits;

/// Reads the configuration again. The error says what is wrong, in lines for the log.
pub type Load = Box<dyn FnMut() -> Result<Config, Vec<String>> + Send>;

/// Where a configuration comes from that may change while the proxy runs.
pub struct Reloading {
    /// How it is read.
    pub load: Load,
    /// The file that is looked at for changes; `None` where only SIGHUP tells of them.
    pub file: Option<ReloadedFile>,
}

/// A file that is looked at for changes, and what it looked like before it was read for the first time: until the
/// proxy listens, names may have to be looked up, and what changes meanwhile is a change.
pub struct ReloadedFile {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl ReloadedFile {
    /// The file that is about to be read.
    pub fn before_reading(path: PathBuf) -> ReloadedFile {
        let stamp = Stamp::of_file(&path);
        ReloadedFile { path, stamp }
    }
}

/// Why the thread wakes.
#[derive(Debug, Clone, Copy)]
enum Order {
    /// The operator asks.
    Reload,
    /// Something happens around the file.
    Look,
}

/// The thread, as the loop sees it. Nobody waits for it: it ends with the process, if not before.
#[derive(Debug)]
pub(super) struct Watcher {
    orders: Sender<Order>,
    answers: Receiver<Result<Config, Vec<String>>>,
}

impl Watcher {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// The system has no thread left.
    pub(super) fn start(reloading: Reloading, waker: Arc<Waker>) -> io::Result<Watcher> {
        let (orders, queue) = mpsc::channel();
        let (reply, answers) = mpsc::channel();
        let Reloading { mut load, file } = reloading;
        let mut file = file.map(|file| Watched::new(file, orders.clone()));
        let run = move || {
            while is_due(&queue, file.as_mut()) {
                // Either fails only when the loop has ended.
                if reply.send(load()).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("config".to_owned()).spawn(run)?;
        Ok(Watcher { orders, answers })
    }

    /// The operator asks for the configuration to be read again.
    pub(super) fn reload(&self) {
        let _ = self.orders.send(Order::Reload); // the thread ends after us
    }

    /// What the configuration says now, once it was read.
    pub(super) fn poll_answer(&self) -> Option<Result<Config, Vec<String>>> {
        self.answers.try_recv().ok()
    }
}

/// Waits until there is something to read. `false`: there never will be.
fn is_due(orders: &Receiver<Order>, file: Option<&mut Watched>) -> bool {
    let Some(file) = file else { return orders.recv().is_ok() };
    let mut look_at = Instant::now() + file.pause();
    loop {
        match orders.recv_timeout(look_at.saturating_duration_since(Instant::now())) {
            Ok(Order::Reload) => {
                file.on_read();
                return true;
            }
            Ok(Order::Look) if file.is_calm => {
                file.is_calm = false;
                look_at = Instant::now() + file.pause();
            }
            Ok(Order::Look) => {} // it is looked at soon anyway
            Err(RecvTimeoutError::Timeout) if file.has_changed() => return true,
            Err(RecvTimeoutError::Timeout) => look_at = Instant::now() + file.pause(),
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// Passes on what happens around a file, until nobody wants to know any more. In a busy place once in a while will do.
fn listen(events: &Listener, orders: &Sender<Order>) {
    while events.wait().is_ok() && orders.send(Order::Look).is_ok() {
        thread::sleep(limits::CONFIG_LOOK_INTERVAL);
    }
}

/// A file, and what it looked like.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    /// When it was last read.
    read: Option<Stamp>,
    /// At the last look: whoever writes it may not have finished.
    seen: Option<Stamp>,
    /// What happens around it; `None`: nobody says so.
    events: Option<FileEvents>,
    /// Whether all that may happen to it is heard, on the way to it as it was at the last look.
    is_told: bool,
    /// Whether nothing has happened since it looked the same twice.
    is_calm: bool,
}

impl Watched {
    /// What happens around it is an order to look.
    fn new(file: ReloadedFile, orders: Sender<Order>) -> Watched {
        let events = FileEvents::new().and_then(|events| {
            let listener = events.listener();
            let run = move || listen(&listener, &orders);
            thread::Builder::new().name("config events".to_owned()).spawn(run).map(|_| events)
        });
        // The configuration may have changed since it was read, before anybody listened.
        let ReloadedFile { path, stamp } = file;
        Watched { path, read: stamp, seen: stamp, events: events.ok(), is_told: false, is_calm: false }
    }

    /// Until the next look.
    fn pause(&self) -> Duration {
        if self.is_told && self.is_calm { limits::CONFIG_REST_INTERVAL } else { limits::CONFIG_LOOK_INTERVAL }
    }

    /// It is read now, whatever it looks like.
    fn on_read(&mut self) {
        self.read = self.look();
        self.seen = self.read;
    }

    /// What it looks like. What happens from now on is heard: so the way to it is watched first.
    fn look(&mut self) -> Option<Stamp> {
        self.is_told = self.events.as_mut().is_some_and(|events| events.watch(&self.path).is_ok());
        Stamp::of_file(&self.path)
    }

    /// Whether it has changed since it was last read, and not since the last look.
    fn has_changed(&mut self) -> bool {
        let now = self.look();
        self.is_calm = now == std::mem::replace(&mut self.seen, now);
        let is_settled = now.is_some() && self.is_calm;
        if !is_settled || now == self.read {
            return false;
        }
        self.read = now;
        true
    }
}
