//! `-oauth-list` and `-oauth-revoke`, beside a proxy that runs or without one.

use super::disk::Disk;
use super::{AuthorityError, FILE_NAME, directory, load};
use crate::base::time::Now;
use crate::config::Config;
use crate::config::oauth::OAuth;
use crate::io::clock::read_clock;
use crate::io::orders;
use crate::io::state_file::{StateFile, StateFileError};
use crate::limits::OAUTH_FILE_BYTES_MAX;
use crate::oauth::store::record::{Audience, Grant};
use crate::oauth::{AuthorizationServer, Output, settings::Settings};

/// Ends logins, and returns how many, once that is on the disk. A file that is of no use stays where it is: only the
/// proxy itself goes on without it, and says so.
fn revoke_without_proxy(file: StateFile, settings: Settings, whose: &str, now: Now) -> Result<usize, AuthorityError> {
    let mut server = load(&file, settings, now)?;
    let count = server.revoke_logins(whose, now);
    let path = file.path().to_owned();
    let disk = Disk::new(file);
    while let Some(output) = server.poll_output() {
        if let Output::Write(write) = output {
            disk.write(&write.job).map_err(|error| AuthorityError::Write(path.clone(), error))?;
        }
    }
    Ok(count)
}

/// A login that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// Names it.
    pub id: String,
    /// Who logged in; empty for tokens of the reference.
    pub username: String,
    /// What the client calls itself, or its id.
    pub client: String,
    /// What its tokens open; `None`: every server.
    pub server: Option<String>,
    /// When, in seconds since 1970.
    pub since: u64,
}

/// All logins that are alive, oldest first. Nothing is locked or changed.
///
/// # Errors
///
/// See [`AuthorityError`].
pub fn logins(oauth: &OAuth, config: &Config) -> Result<Vec<Login>, AuthorityError> {
    let settings = Settings::of(oauth, &config.servers);
    let path = directory(oauth)?.join(FILE_NAME);
    let bytes = StateFile::peek(&path, OAUTH_FILE_BYTES_MAX);
    let bytes = bytes.map_err(|error| AuthorityError::Read(path.clone(), error))?;
    let random = crate::io::random_source().map_err(|error| AuthorityError::Read(path.clone(), error))?;
    let server = AuthorizationServer::open(settings, bytes.as_deref(), random, read_clock());
    let server = server.map_err(|error| AuthorityError::Unusable(path, error))?;
    let named = |grant: &Grant| {
        let name = server.store().client(&grant.client_id).map(|client| client.name.clone());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| grant.client_id.clone())
    };
    let mut logins: Vec<Login> = server
        .logins()
        .map(|(id, grant)| Login {
            id: id.to_string(),
            username: grant.username.clone(),
            client: named(grant),
            server: match &grant.server {
                Audience::Every => None,
                Audience::Server(name) => Some(name.clone()),
            },
            since: grant.created_at,
        })
        .collect();
    logins.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
    Ok(logins)
}

/// Ends the login of this id, or all of this user or client. Returns how many. A proxy that runs does it itself.
///
/// # Errors
///
/// See [`AuthorityError`].
pub fn revoke(oauth: &OAuth, config: &Config, whose: &str) -> Result<usize, AuthorityError> {
    match StateFile::open(&directory(oauth)?, FILE_NAME) {
        Ok((file, warnings)) => {
            warnings.iter().for_each(|warning| crate::io::report(format_args!("warning: {warning}")));
            revoke_without_proxy(file, Settings::of(oauth, &config.servers), whose, read_clock())
        }
        Err(StateFileError::InUse(path)) => {
            let before = logins(oauth, config)?;
            let given = orders::give(&path, whose).map_err(|error| AuthorityError::Write(path.clone(), error))?;
            if !given {
                return Err(AuthorityError::Unanswered(path));
            }
            let after = logins(oauth, config)?;
            Ok(before.iter().filter(|login| after.iter().all(|left| left.id != login.id)).count())
        }
        Err(error @ (StateFileError::Directory(..) | StateFileError::File(..))) => Err(AuthorityError::State(error)),
    }
}
