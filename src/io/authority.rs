//! What the authorization server needs of this machine: a file that survives everything, templates, and time to verify
//! passwords.
//!
//! Two threads, so that neither a slow disk nor a password that takes its time delays the other.

mod disk;
mod operator;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mio::Waker;

use self::disk::{Disk, DiskJob};
pub use self::operator::{Login, logins, revoke};
use super::log::Log;
use super::state_file::{StateFile, StateFileError};
use super::worker::Worker;
use crate::base::time::Now;
use crate::config::Config;
use crate::config::oauth::OAuth;
use crate::limits::{OAUTH_FILE_BYTES_MAX, ORDER_TIME_MAX};
use crate::oauth::password::Verification;
use crate::oauth::store::document::LoadError;
use crate::oauth::store::ledger::{Job, Write};
use crate::oauth::{AuthorizationServer, JobId, settings::Settings};
use crate::proxy::{Level, Outcome, Proxy, Record, Task};

/// The file in `persistenceDir`; as in the reference.
const FILE_NAME: &str = "oauth_clients.json";

/// Why there is no authorization server. Displays as advice.
#[derive(Debug)]
pub enum AuthorityError {
    /// `persistenceDir` is not given, and nobody knows where the home directory is.
    NoHome,
    /// The file cannot be had.
    State(StateFileError),
    /// It cannot be read, or not be renamed.
    Read(PathBuf, io::Error),
    /// It cannot be written.
    Write(PathBuf, io::Error),
    /// What is in it cannot be used: it was written by a later version, or, where it is only looked at, makes no sense.
    Unusable(PathBuf, LoadError),
    /// A proxy uses it, and did not do what it was asked for.
    Unanswered(PathBuf),
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthorityError::NoHome => f.write_str(
                "HOME is not set, so nobody knows where to keep clients and tokens; set oauth2.persistenceDir",
            ),
            AuthorityError::State(error) => write!(f, "{error}; oauth2.persistenceDir names its directory"),
            AuthorityError::Read(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            AuthorityError::Write(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            AuthorityError::Unusable(path, error) => write!(f, "{}: {error}", path.display()),
            AuthorityError::Unanswered(path) => write!(
                f,
                "the proxy that uses {} did not carry it out within {} s; see its log",
                path.display(),
                ORDER_TIME_MAX.as_secs()
            ),
        }
    }
}

impl std::error::Error for AuthorityError {}

/// What is ready before the core is there.
pub(super) struct Opened {
    server: AuthorizationServer,
    file: StateFile,
    /// What the operator should know.
    notices: Vec<(Level, String)>,
    template_dir: PathBuf,
}

/// Reads what is kept. What is of no use is set aside: a proxy that did not start would help nobody.
///
/// # Errors
///
/// See [`AuthorityError`].
pub(super) fn open(oauth: &OAuth, config: &Config, now: Now) -> Result<Opened, AuthorityError> {
    let (file, warnings) = StateFile::open(&directory(oauth)?, FILE_NAME).map_err(AuthorityError::State)?;
    let mut notices: Vec<(Level, String)> = warnings.into_iter().map(|text| (Level::Warn, text)).collect();
    let settings = Settings::of(oauth, &config.servers);
    let server = match load(&file, settings.clone(), now) {
        Err(AuthorityError::Unusable(path, error @ LoadError::Corrupt { .. })) => {
            let of_file = |error| AuthorityError::Read(path.clone(), error);
            let aside = file.set_aside(now.unix_seconds).map_err(of_file)?;
            let (path, aside) = (path.display(), aside.display());
            let text = format!("{path} is of no use ({error}): it is {aside} now; everybody has to log in anew");
            notices.push((Level::Error, text));
            load(&file, settings, now)?
        }
        loaded => loaded?,
    };
    Ok(Opened { server, file, notices, template_dir: PathBuf::from(&oauth.template_dir) })
}

/// Reads what is kept, and changes nothing.
fn load(file: &StateFile, settings: Settings, now: Now) -> Result<AuthorizationServer, AuthorityError> {
    let of_file = |error| AuthorityError::Read(file.path().to_owned(), error);
    let bytes = file.read(OAUTH_FILE_BYTES_MAX).map_err(of_file)?;
    let random = super::random_source().map_err(of_file)?;
    AuthorizationServer::open(settings, bytes.as_deref(), random, now)
        .map_err(|error| AuthorityError::Unusable(file.path().to_owned(), error))
}

impl Opened {
    /// Hands the authorization server to the core, and starts the threads that work for it.
    ///
    /// # Errors
    ///
    /// The system gave us no thread.
    pub(super) fn start(self, core: &mut Proxy, log: &Log, waker: &Arc<Waker>, now: Now) -> io::Result<Authority> {
        let Opened { server, file, notices, template_dir } = self;
        for (level, message) in notices {
            let record = Record { level, server: None, message, fields: Vec::new() };
            log.write(&record, now.unix_seconds);
        }
        core.set_authorization(server, now).map_err(|fault| io::Error::other(fault.to_string()))?;
        Authority::start(file, &template_dir, waker)
    }
}

/// `persistenceDir`, or the reference's default.
pub fn directory(oauth: &OAuth) -> Result<PathBuf, AuthorityError> {
    match &oauth.persistence_dir {
        Some(directory) => Ok(PathBuf::from(directory)),
        // Not `home_dir`: where the variable is not set it asks the system's databases, of which a static program dies
        // on some systems.
        None => std::env::var_os("HOME")
            .filter(|home| !home.is_empty())
            .map(|home| PathBuf::from(home).join(".mcpproxy"))
            .ok_or(AuthorityError::NoHome),
    }
}

/// The threads, as the loop sees them.
#[derive(Debug)]
pub(super) struct Authority {
    disk: Worker<DiskJob, Option<Outcome>>,
    passwords: Worker<(JobId, Verification), Outcome>,
}

impl Authority {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// The system gave us none.
    pub(super) fn start(file: StateFile, template_dir: &Path, waker: &Arc<Waker>) -> io::Result<Authority> {
        let mut disk = Disk::with_templates(file, template_dir);
        let disk = Worker::start("oauth", Arc::clone(waker), move |job| disk.work(job))?;
        let verify =
            |(job, verification): (JobId, Verification)| Outcome::Verified { job, is_right: verification.run() };
        let passwords = Worker::start("passwords", Arc::clone(waker), verify)?;
        Ok(Authority { disk, passwords })
    }

    /// Begins with something that the core asks for.
    pub(super) fn perform(&self, task: Task) {
        match task {
            Task::Write(Write { number, job: Job::AppendAndCompact(bytes) }) => {
                self.disk.ask(DiskJob::Write(Write { number, job: Job::Append(bytes) }));
                self.disk.ask(DiskJob::Compact);
            }
            Task::Write(write) => self.disk.ask(DiskJob::Write(write)),
            Task::LookAtTemplates => self.disk.ask(DiskJob::LookAtTemplates),
            Task::LookForOrders => self.disk.ask(DiskJob::LookForOrders),
            Task::Fulfil(order) => self.disk.ask(DiskJob::Fulfil(order)),
            Task::Verify { job, verification } => self.passwords.ask((job, verification)),
        }
    }

    /// The next thing that is done.
    pub(super) fn poll_outcome(&self) -> Option<Outcome> {
        while let Some(answer) = self.disk.poll_answer() {
            if answer.is_some() {
                return answer;
            }
        }
        self.passwords.poll_answer()
    }
}
