//! Row 8: the command line.
//!
//! ```text
//! arguments ── flags::read ──> Flags ── invocation::parse ──> Invocation ── main ──> ExitCode
//!              as typed                 as resolved
//! ```

pub mod configuration;
pub mod demo;
pub mod eject;
pub mod file;
pub mod flags;
pub mod hash_password;
pub mod help;
pub mod invocation;
pub mod logins;
pub mod origin;
pub mod welcome;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use self::configuration::ConfigurationError;
use self::file::FileError;
use self::invocation::{Eject, Folder, Invocation, Job, Serve};
use self::logins::LoginsError;
use self::origin::{ConfigOrigin, OriginError};
use crate::clients;
use crate::config::{self, Config};
use crate::io;

/// It ended in an error, or could not start for now: it is worth trying again.
const RUNTIME_ERROR: u8 = 1;
/// It did not start: the command line or the configuration is wrong.
const USAGE_ERROR: u8 = 2;

/// Said at every start with `-insecure`: it is meant for an afternoon, and stays for years.
const INSECURE: &str = "\
warning: -insecure: the certificates of remote servers are NOT checked.
    Whoever is on the way to them can read and change everything, tokens included.
    SSL_CERT_FILE=FILE trusts an authority of your own instead.";

/// The program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    match invocation::parse(arguments) {
        Ok(Invocation::Help) => print(help::TEXT),
        Ok(Invocation::Version) => print(concat!(env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Invocation::Serve(serve)) => on_serve(serve),
        Ok(Invocation::Eject(eject)) => on_eject(&eject),
        Ok(Invocation::HashPassword) => {
            hash_password::run().map_or_else(|error| fail(RUNTIME_ERROR, error), |hash| print(&hash))
        }
        Ok(Invocation::DemoServer) => io::demo::run(),
        Ok(Invocation::Keeper(arguments)) => io::keeper::run(arguments),
        Ok(Invocation::Trampoline(arguments)) => io::trampoline::run(arguments),
        Err(error) => fail(USAGE_ERROR, error),
    }
}

fn on_serve(serve: Serve) -> ExitCode {
    let reloading = configuration::reloading(&serve);
    let (config, is_demo) = match configuration(&serve) {
        Ok(config) => (config, serve.job == Job::Demo),
        Err(exit) => return exit,
    };
    if let Some(warning) = serve.job.origin().and_then(ConfigOrigin::warning) {
        io::report(format_args!("warning: {warning}"));
    }
    for warning in &config.warnings {
        io::report(format_args!("warning: {warning}"));
    }
    match serve.job {
        Job::Check(_) => return print(&welcome::check(&config)),
        Job::Describe(_, client) => {
            return clients::text(client, welcome::front(&config, 0), &config.servers, serve.secrets)
                .map_or_else(|error| fail(USAGE_ERROR, error), |text| print(&text));
        }
        Job::Logins(_) => return tell(logins::list(&config)),
        Job::Revoke(_, whose) => return tell(logins::revoke(&config, &whose)),
        Job::Run(_) | Job::Demo => {}
    }
    if serve.is_insecure {
        io::report(INSECURE);
    }
    let on_listening = Box::new(if is_demo { print_demo } else { print_welcome });
    let Serve { log_level, log_format, is_insecure, .. } = serve;
    match io::run(io::Settings { config, log_level, log_format, is_insecure, reloading, on_listening }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(io::RunError::Unread(_)) => ExitCode::from(RUNTIME_ERROR),
        Err(error) => fail(RUNTIME_ERROR, error),
    }
}

fn configuration(serve: &Serve) -> Result<Config, ExitCode> {
    match &serve.job {
        Job::Demo => {
            let executable = demo::executable().map_err(|error| fail(RUNTIME_ERROR, error))?;
            Ok(demo::config(executable, serve.addr.clone()))
        }
        Job::Run(origin)
        | Job::Check(origin)
        | Job::Describe(origin, _)
        | Job::Logins(origin)
        | Job::Revoke(origin, _) => configuration::read(origin, serve).map_err(|error| match error {
            ConfigurationError::Unreadable(error) => unreadable(&error),
            ConfigurationError::Wrong(problems) => {
                io::report(problems);
                ExitCode::from(USAGE_ERROR)
            }
        }),
    }
}

fn on_eject(eject: &Eject) -> ExitCode {
    let folder = match &eject.folder {
        Folder::Given(folder) => Ok(Some(folder.clone())),
        Folder::Configured { origin, is_named, expands_env } => configured_folder(origin, *is_named, *expands_env),
    };
    let folder = match folder {
        Ok(folder) => PathBuf::from(folder.as_deref().unwrap_or(eject::FOLDER)),
        Err(exit) => return exit,
    };
    match eject::write(&folder, eject.is_forced) {
        Ok(files) => print(&eject::report(&files)),
        Err(error) => fail(RUNTIME_ERROR, error),
    }
}

/// The `templateDir` of a configuration. Where none is named, the usual file need not be there.
fn configured_folder(origin: &ConfigOrigin, is_named: bool, expands_env: bool) -> Result<Option<String>, ExitCode> {
    let source = match origin.read() {
        Ok(source) => source,
        Err(OriginError::File(FileError::Missing(_))) if !is_named => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
    };
    config::template_dir(&source, configuration::variables(expands_env)).map_err(|problems| {
        io::report(problems);
        ExitCode::from(USAGE_ERROR)
    })
}

fn tell(result: Result<String, LoginsError>) -> ExitCode {
    match result {
        Ok(text) => print(&text),
        Err(error @ LoginsError::Off) => fail(USAGE_ERROR, error),
        Err(error @ (LoginsError::Nobody(_) | LoginsError::Authority(_))) => fail(RUNTIME_ERROR, error),
    }
}

fn print_welcome(config: &Config, local: SocketAddr) {
    print(&welcome::welcome(config, local));
}

fn print_demo(config: &Config, local: SocketAddr) {
    print(&welcome::demo(config, local));
}

fn unreadable(error: &OriginError) -> ExitCode {
    fail(if error.is_for_now() { RUNTIME_ERROR } else { USAGE_ERROR }, error)
}

fn fail(status: u8, error: impl Display) -> ExitCode {
    io::report(format_args!("mcp-proxy: {error}"));
    ExitCode::from(status)
}

/// Writes to stdout. Whoever closed it does not want to know, and that is no reason to end.
fn print(text: &str) -> ExitCode {
    let mut stdout = stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    ExitCode::SUCCESS
}
