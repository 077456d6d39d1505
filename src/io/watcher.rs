//! Whether the configuration has changed, and what it says now.
//!
//! ```text
//!  SIGHUP ── reload ──▶ thread ── load ──▶ answers ── poll ──▶ loop
//!                        │  ▲                  └─ waker ──▶ poll ──┘
//!                        └──┴ looks at the file, once in a while
//! ```
//!
//! The thread reads and resolves too: a disk that sleeps, or a host that does not answer, must not make the loop wait.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;

use mio::Waker;

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
    pub file: Option<PathBuf>,
}

/// The thread, as the loop sees it. It ends with its last job once this is dropped; nobody waits for it.
#[derive(Debug)]
pub(super) struct Watcher {
    orders: Sender<()>,
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
        // Before the thread: what changes from now on is a change.
        let mut file = file.map(Watched::new);
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
        let _ = self.orders.send(()); // the thread ends after us
    }

    /// What the configuration says now, once it was read.
    pub(super) fn poll_answer(&self) -> Option<Result<Config, Vec<String>>> {
        self.answers.try_recv().ok()
    }
}

/// Waits until there is something to read. `false`: there never will be.
fn is_due(orders: &Receiver<()>, file: Option<&mut Watched>) -> bool {
    let Some(file) = file else { return orders.recv().is_ok() };
    loop {
        match orders.recv_timeout(limits::CONFIG_LOOK_INTERVAL) {
            Ok(()) => {
                file.on_read();
                return true;
            }
            Err(RecvTimeoutError::Timeout) if file.has_changed() => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
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
}

impl Watched {
    fn new(path: PathBuf) -> Watched {
        let stamp = Stamp::of(&path);
        Watched { path, read: stamp, seen: stamp }
    }

    /// It is read now, whatever it looks like.
    fn on_read(&mut self) {
        self.read = Stamp::of(&self.path);
        self.seen = self.read;
    }

    /// Whether it has changed since it was last read, and not since the last look.
    fn has_changed(&mut self) -> bool {
        let now = Stamp::of(&self.path);
        let is_settled = now.is_some() && now == std::mem::replace(&mut self.seen, now);
        if !is_settled || now == self.read {
            return false;
        }
        self.read = now;
        true
    }
}
