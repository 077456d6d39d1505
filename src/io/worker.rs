//! A helper thread for what would block the loop.
//!
//! ```text
//!  loop ── ask ──> jobs ──> work ──> answers ── poll_answer ──> loop
//!                                      └── waker ──> poll ───────┘
//! ```
//!
//! One thread does one kind of work, job by job: what blocks for different reasons gets a worker of its own, so that
//! a slow resolver never delays a disk, nor a disk a resolver.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use mio::{Registry, Waker};

use super::readiness::Source;

/// Enough for `getaddrinfo`, the hungriest of what runs there.
const STACK_BYTES: usize = 256 * 1024;

/// What ends the wait of a poll. A poll can have one only, so all threads that work for a loop share it.
///
/// # Errors
///
/// The system has no descriptor left.
pub fn waker(registry: &Registry) -> io::Result<Arc<Waker>> {
    Waker::new(registry, Source::Worker.token()).map(Arc::new)
}

/// A thread that does jobs. It ends with its last job once this is dropped; nobody waits for it.
#[derive(Debug)]
pub(super) struct Worker<J, A> {
    jobs: Sender<J>,
    answers: Receiver<A>,
}

impl<J: Send + 'static, A: Send + 'static> Worker<J, A> {
    /// Starts the thread. `waker` ends the wait of the loop when there is an answer.
    ///
    /// # Errors
    ///
    /// The system gave us no thread.
    pub(super) fn start(
        name: &str,
        waker: Arc<Waker>,
        mut work: impl FnMut(J) -> A + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let (reply, answers) = mpsc::channel();
        let run = move || {
            while let Ok(job) = queue.recv() {
                // Either fails only when the loop has ended.
                if reply.send(work(job)).is_err() || waker.wake().is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(run)?;
        Ok(Worker { jobs, answers })
    }

    /// Adds a job at the back of the queue.
    pub(super) fn ask(&self, job: J) {
        let _ = self.jobs.send(job); // the thread ends after us
    }

    /// The next answer, if there is one. Answers come in the order of the jobs.
    pub(super) fn poll_answer(&self) -> Option<A> {
        self.answers.try_recv().ok()
    }
}
