//! The configuration that the command line names: read at the start, and again whenever it changes.

use std::path::PathBuf;

use super::invocation::{Job, Serve};
use super::origin::{ConfigOrigin, OriginError};
use crate::clients::entrances::Secrets;
use crate::config::report::Problems;
use crate::config::{self, Around, Config, Variables};
use crate::io::{ReloadedFile, Reloading};

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigurationError {
    /// It cannot be read.
    Unreadable(OriginError),
    /// It says what cannot be.
    Wrong(Problems),
}

impl ConfigurationError {
    /// For the log, where a line is a line.
    fn to_lines(&self) -> Vec<String> {
        match self {
            ConfigurationError::Unreadable(error) => {
                vec![error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")]
            }
            ConfigurationError::Wrong(Problems(problems)) => problems.iter().map(|problem| problem.to_line()).collect(),
        }
    }
}

/// Reads and resolves the configuration.
pub fn read(origin: &ConfigOrigin, serve: &Serve) -> Result<Config, ConfigurationError> {
    let source = origin.read().map_err(ConfigurationError::Unreadable)?;
    let shows_secrets = serve.secrets == Secrets::Shown;
    let around = Around { addr: serve.addr.clone(), variables: variables(serve.expands_env), shows_secrets };
    config::load(&source, &around).map_err(ConfigurationError::Wrong)
}

/// How the configuration of a proxy that runs is read again; asked for before it is read for the first time. `None`:
/// there is none that could change.
pub fn reloading(serve: &Serve) -> Option<Reloading> {
    let Job::Run(origin) = &serve.job else { return None };
    let file = match origin {
        ConfigOrigin::Stdin => return None,
        ConfigOrigin::File(path) => Some(ReloadedFile::before_reading(PathBuf::from(path))),
        ConfigOrigin::Url(_) => None,
    };
    let (origin, serve) = (origin.clone(), serve.clone());
    let load = Box::new(move || read(&origin, &serve).map_err(|error| error.to_lines()));
    Some(Reloading { load, file })
}

/// Those of the environment, if they are to be filled in.
pub(super) fn variables(expands_env: bool) -> Option<&'static Variables<'static>> {
    if expands_env { Some(&variable) } else { None }
}

/// A value that is not UTF-8 counts as missing: no JSON string could hold it.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
