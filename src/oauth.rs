//! Row 4: a complete OAuth 2.1 authorization server, without a wire, a clock or a disk.
//!
//! ```text
//!             register   authorize   login          token     revoke                 access, metadata
//!  routes ──▶ handle_register … handle_revoke ──▶ Ticket              check_access ──▶ Caller, at once
//!                 │            │                     │
//!                 │         codes, logins            │         AuthorizationServer: settings and all state
//!                 ▼         (memory only)            ▼
//!               store ◀──────────────────────────── store
//!                 │
//!             poll_output ──▶ Write { number, … }           to the worker; back by handle_written
//!                         ──▶ Verify { job, … }             to the worker; back by handle_verdict
//!                         ──▶ Answer { ticket, … }          to the routes
//!                         ──▶ Notice                        to the log
//! ```
//!
//! Every `handle_*` of an endpoint returns a [`Ticket`] at once; the answer with this ticket comes out of
//! [`AuthorizationServer::poll_output`], exactly once, there and then or when the worker has done its part. Nothing is
//! answered before the change that it tells of is durable. If that fails, the change is undone and the answer is 500
//! (see [`store::ledger`], which also says what the worker has to do).
//!
//! The routes decide by address who may register, choose the issuer, read the body and write the answer; pages are data
//! here. Each file is one concept, most of them a block of methods on [`AuthorizationServer`].

pub mod access;
pub mod answer;
mod authorize;
mod client_auth;
pub mod client_ip;
mod codes;
mod login;
pub mod metadata;
pub mod pages;
pub mod password;
pub mod password_hash;
pub mod redirects;
mod register;
pub mod resource;
mod revoke;
pub mod secret;
pub mod settings;
mod stage;
pub mod store;
pub mod throttle;
pub mod token;
pub mod users;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;

pub use client_auth::Posted;
pub use login::Browser;

use crate::base::time::Now;
use crate::limits;
use answer::{Answer, Code, Fault};
use password::Verification;
use secret::{Digest, Random};
use settings::Settings;
use store::Store;
use store::document::{LoadError, Loaded, load};
use store::ledger::{Ledger, OnFailure, Write};
use store::reference::Present;
use users::Users;

/// Names an answer that will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// Names a password that is being verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// Where a request was sent, by whom, and when.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// The canonical base URL: lower-case host, no default port, no slash at the end.
    pub issuer: &'a str,
    /// The client's address, as far as it can be trusted.
    pub ip: IpAddr,
    /// The time.
    pub now: Now,
}

/// Something for the shell and the routes to do.
#[derive(Debug)]
pub enum Output {
    /// The answer to a request.
    Answer {
        /// Which request.
        ticket: Ticket,
        /// What to answer.
        answer: Box<Answer>,
    },
    /// Make this durable, then say so to [`AuthorizationServer::handle_written`].
    Write(Write),
    /// Run this on the worker, then say what came out to [`AuthorizationServer::handle_verdict`].
    Verify {
        /// Which password.
        job: JobId,
        /// Its `run` takes tens of milliseconds.
        verification: Verification,
    },
    /// A line for the log.
    Notice(Notice),
}

/// A line for the log: no code, verifier, token, password, nor anything else of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether the operator may want to do something about it.
    pub is_warning: bool,
    /// One line.
    pub text: String,
}

impl Notice {
    fn info(text: String) -> Notice {
        Notice { is_warning: false, text }
    }

    fn warning(text: String) -> Notice {
        Notice { is_warning: true, text }
    }
}

/// An answer that waits for a change to be durable.
#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    answer: Answer,
    /// The code that has been used for it.
    code: Option<Digest>,
}

/// The authorization server.
pub struct AuthorizationServer {
    settings: Settings,
    users: Users,
    ledger: Ledger<Waiting>,
    logins: authorize::Logins,
    codes: codes::Codes,
    verifying: BTreeMap<JobId, login::Verifying>,
    registrations: throttle::Registrations,
    attempts: throttle::Logins,
    random: Random,
    outputs: VecDeque<Output>,
    last_ticket: u64,
    last_job: u64,
    sweep_at: Instant,
}

/// No state: it is full of secrets.
impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthorizationServer({:?})", self.settings)
    }
}

impl AuthorizationServer {
    /// Over what the store's file holds; `None` if there is no file, or a corrupt one that was renamed. It computes
    /// fingerprints of plain passwords: a few milliseconds each.
    ///
    /// # Errors
    /// [`LoadError::Corrupt`]: the shell renames the file, logs the error and calls this again without it.
    /// [`LoadError::Newer`]: it refuses to start.
    pub fn open(
        settings: Settings,
        file: Option<&[u8]>,
        mut random: Random,
        now: Now,
    ) -> Result<AuthorizationServer, LoadError> {
        let at = now.unix_seconds;
        let ledger = match file.map(load).transpose()? {
            None => Ledger::new(Store::new(&mut random)),
            Some(Loaded::Store { store, is_sound: false, .. }) => Ledger::new(*store),
            Some(Loaded::Store { store, journal_bytes, is_sound: true }) => Ledger::of_file(*store, journal_bytes),
            Some(Loaded::Reference(reference)) => {
                let fingerprint = |key: &[u8; 32]| Users::new(&settings, password::fingerprint(key)).all();
                let present = Present { servers: &settings.servers, fingerprint: &fingerprint, now: at };
                Ledger::new(reference.import(&present, &mut random))
            }
        };
        let users = Users::new(&settings, password::fingerprint(&ledger.store.key));
        let mut server = AuthorizationServer {
            settings,
            users,
            ledger,
            logins: BTreeMap::new(),
            codes: codes::Codes::default(),
            verifying: BTreeMap::new(),
            registrations: throttle::Registrations::default(),
            attempts: throttle::Logins::default(),
            random,
            outputs: VecDeque::new(),
            last_ticket: 0,
            last_job: 0,
            sweep_at: now.instant + limits::OAUTH_SWEEP_INTERVAL,
        };
        server.sweep(now);
        Ok(server)
    }

    /// The configuration has changed. Grants of users who are gone, or whose password is another, end; so does what
    /// was begun for them. It computes fingerprints of new plain passwords, as [`AuthorizationServer::open`] does.
    pub fn handle_settings(&mut self, settings: Settings, now: Now) {
        let fingerprint = password::fingerprint(&self.ledger.store.key);
        self.users = self.users.after(&self.settings, &settings, fingerprint);
        self.settings = settings;
        self.sweep(now);
    }

    /// The worker is done with this write, and with all before it; or it has failed, and with it all that are behind
    /// it. What stands although it was not written is written with the next change, or at the next sweep.
    pub fn handle_written(&mut self, number: u64, is_durable: bool) {
        if is_durable {
            for Waiting { ticket, answer, .. } in self.ledger.handle_written(number) {
                self.answer(ticket, answer);
            }
            return;
        }
        for Waiting { ticket, code, .. } in self.ledger.handle_write_failed(number) {
            if let Some(code) = code {
                self.codes.restore(&code);
            }
            self.answer(ticket, failure());
        }
    }

    /// The time that [`AuthorizationServer::poll_timeout`] named has come.
    pub fn handle_timeout(&mut self, now: Now) {
        if now.instant >= self.sweep_at {
            self.sweep_at = now.instant + limits::OAUTH_SWEEP_INTERVAL;
            self.sweep(now);
        }
    }

    /// When to call [`AuthorizationServer::handle_timeout`] at the latest.
    pub fn poll_timeout(&self) -> Instant {
        self.sweep_at
    }

    /// The program is about to end: what could not be written before may be written now.
    pub fn handle_shutdown(&mut self, now: Now) {
        self.write_alone(now);
    }

    /// The next thing to do, if any.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The records, as if all changes were durable.
    pub fn store(&self) -> &Store {
        &self.ledger.store
    }

    /// How much is held in memory: what a leak would show up in.
    pub fn census(&self) -> Census {
        let [clients, grants, access, refresh] = self.ledger.store.census();
        Census {
            clients,
            grants,
            access,
            refresh,
            logins: self.logins.len(),
            codes: self.codes.len(),
            verifying: self.verifying.len(),
            pending: self.ledger.pending(),
        }
    }

    /// Forgets what has expired.
    fn sweep(&mut self, now: Now) {
        let at = now.unix_seconds;
        self.codes.sweep(at);
        self.registrations.sweep(at);
        self.attempts.sweep(at);
        self.logins.retain(|_, login| login.is_current(at));
        let (users, grace) = (&self.users, self.settings.refresh_grace.as_secs());
        self.ledger.store.sweep(|grant| users.is_alive(grant), grace, at);
        self.write_alone(now);
    }

    fn ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.outputs.push_back(Output::Answer { ticket, answer: Box::new(answer) });
    }

    fn note(&mut self, notice: Notice) {
        self.outputs.push_back(Output::Notice(notice));
    }

    /// What was put into the store is written, and nobody waits for it.
    fn write_alone(&mut self, now: Now) {
        let write = self.ledger.commit(OnFailure::Keep, None, now.unix_seconds);
        if let Some(write) = write.ok().or_else(|| self.ledger.repair(now.unix_seconds)) {
            self.outputs.push_back(Output::Write(write));
        }
    }

    /// What was put into the store is written before the answer goes out. A change that is to be kept whatever happens
    /// only takes something away.
    fn answer_when_durable(&mut self, ticket: Ticket, answer: Answer, on_failure: OnFailure, now: Now) {
        self.wait(Waiting { ticket, answer, code: None }, on_failure, now);
    }

    /// The same for tokens, for which a code may have been used up.
    fn answer_tokens_when_durable(&mut self, ticket: Ticket, answer: Answer, code: Option<Digest>, now: Now) {
        self.wait(Waiting { ticket, answer, code }, OnFailure::Undo, now);
    }

    fn wait(&mut self, waiting: Waiting, on_failure: OnFailure, now: Now) {
        match self.ledger.commit(on_failure, Some(waiting), now.unix_seconds) {
            Ok(write) => self.outputs.push_back(Output::Write(write)),
            Err(Some(Waiting { ticket, answer, .. })) => self.answer(ticket, answer),
            Err(None) => {}
        }
    }
}

/// The answer where nothing could be written.
fn failure() -> Answer {
    Fault::new(Code::ServerError, "the change could not be stored; try again").into()
}

/// Counts of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the words are those of the files")]
pub struct Census {
    pub clients: usize,
    pub grants: usize,
    pub access: usize,
    pub refresh: usize,
    pub logins: usize,
    pub codes: usize,
    pub verifying: usize,
    pub pending: usize,
}
