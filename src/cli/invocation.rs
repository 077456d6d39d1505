//! What the command line asks for.

use std::ffi::OsString;

use super::flags::{self, Flags, UsageError};
use super::origin::{self, ConfigOrigin};
use crate::base::nearest::nearest;
use crate::base::text::shorten;
use crate::clients::entrances::Secrets;
use crate::clients::{CLIENTS, Client};
use crate::config::{ADDR_FORMS, Addr};
use crate::io::log::Format;
use crate::io::{keeper, trampoline};
use crate::limits::ORDER_BYTES_MAX;
use crate::proxy::Level;

const LEVELS: [(&str, Level); 4] =
    [("debug", Level::Debug), ("info", Level::Info), ("warn", Level::Warn), ("error", Level::Error)];

const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

/// One run of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Print how to use it.
    Help,
    /// Print the version.
    Version,
    /// Be the proxy.
    Serve(Serve),
    /// Write the built-in pages to files.
    Eject(Eject),
    /// Print a hash of a password.
    HashPassword,
    /// Be the demo server on stdin and stdout: what `-demo` starts as a child.
    DemoServer,
    /// Stand between the proxy and a child so that all of its processes end with it: see [`keeper::run`].
    Keeper(Vec<OsString>),
    /// Become a child that cannot outlive its keeper: see [`trampoline::run`].
    Trampoline(Vec<OsString>),
}

/// How to be the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// With which configuration, and how far to go.
    pub job: Job,
    /// What is logged.
    pub log_level: Level,
    /// How.
    pub log_format: Format,
    /// Whether any certificate of a remote upstream is taken for good.
    pub is_insecure: bool,
    /// In the place of the configuration's.
    pub addr: Option<Addr>,
    /// Whether environment variables are filled in in the configuration.
    pub expands_env: bool,
    /// Whether what is printed may contain secrets.
    pub secrets: Secrets,
}

/// Where the built-in pages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eject {
    /// Into the folder `oauth` of which folder.
    pub folder: Folder,
    /// Whether files that are there are replaced.
    pub is_forced: bool,
}

/// A folder of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Folder {
    /// This one.
    Given(String),
    /// The `templateDir` of a configuration.
    Configured {
        /// Where it comes from.
        origin: ConfigOrigin,
        /// Whether somebody named it: the usual file need not be there.
        is_named: bool,
        /// Whether environment variables are filled in in it.
        expands_env: bool,
    },
}

/// With which configuration, and how far to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// Serve what it says.
    Run(ConfigOrigin),
    /// Only say what is wrong with it.
    Check(ConfigOrigin),
    /// Only print what a client is told about the servers in it.
    Describe(ConfigOrigin, Client),
    /// Only print who is logged in.
    Logins(ConfigOrigin),
    /// Only end a login, or all of a user or client.
    Revoke(ConfigOrigin, String),
    /// Serve the built-in server.
    Demo,
}

impl Job {
    /// Where the configuration comes from, if there is one.
    pub fn origin(&self) -> Option<&ConfigOrigin> {
        match self {
            Job::Run(origin)
            | Job::Check(origin)
            | Job::Describe(origin, _)
            | Job::Logins(origin)
            | Job::Revoke(origin, _) => Some(origin),
            Job::Demo => None,
        }
    }

    /// Whether something is printed in which secrets may be.
    fn is_telling(&self) -> bool {
        match self {
            Job::Check(_) | Job::Describe(..) => true,
            Job::Run(_) | Job::Logins(_) | Job::Revoke(..) | Job::Demo => false,
        }
    }
}

/// The first argument with which the executable starts itself as the demo server.
pub const DEMO_SERVER: &str = "__demo";

/// Understands the arguments (without the program's own name).
pub fn parse(arguments: Vec<OsString>) -> Result<Invocation, UsageError> {
    match arguments.first().and_then(|first| first.to_str()) {
        Some(DEMO_SERVER) => Ok(Invocation::DemoServer),
        Some(keeper::VERB) => Ok(Invocation::Keeper(after_verb(arguments))),
        Some(trampoline::VERB) => Ok(Invocation::Trampoline(after_verb(arguments))),
        Some(_) | None => resolve(flags::read(arguments)?),
    }
}

fn after_verb(arguments: Vec<OsString>) -> Vec<OsString> {
    arguments.into_iter().skip(1).collect()
}

fn resolve(flags: Flags) -> Result<Invocation, UsageError> {
    if flags.help {
        return Ok(Invocation::Help);
    }
    if flags.version {
        return Ok(Invocation::Version);
    }
    check_conflicts(&flags)?;
    if flags.hash_password {
        return Ok(Invocation::HashPassword);
    }
    if let Some(eject) = eject(&flags)? {
        return Ok(Invocation::Eject(eject));
    }
    let log_level = flags.log_level.as_deref().map_or(Ok(Level::Info), |text| choice("log-level", &LEVELS, text))?;
    let log_format =
        flags.log_format.as_deref().map_or(Ok(Format::Text), |text| choice("log-format", &FORMATS, text))?;
    let client =
        flags.print_client_config.as_deref().map(|text| choice("print-client-config", &CLIENTS, text)).transpose()?;
    let addr = flags.addr.as_deref().map(addr).transpose()?;
    let job = if flags.demo {
        origin::refuse_url_flags(&flags)?;
        Job::Demo
    } else {
        let origin = ConfigOrigin::of(&flags)?;
        match (flags.check_config, client, flags.oauth_list, flags.oauth_revoke) {
            (true, ..) => Job::Check(origin),
            (_, Some(client), ..) => Job::Describe(origin, client),
            (_, _, true, _) => Job::Logins(origin),
            (.., Some(whose)) if whose.is_empty() => {
                let advice = "write an id that -oauth-list prints, or the name of a user".to_owned();
                return Err(UsageError::BadValue("oauth-revoke", whose, advice));
            }
            (.., Some(whose)) if whose.len() > ORDER_BYTES_MAX => {
                let advice = format!("an id or a name has at most {ORDER_BYTES_MAX} bytes");
                return Err(UsageError::BadValue("oauth-revoke", shorten(&whose).into_owned(), advice));
            }
            (.., Some(whose)) => Job::Revoke(origin, whose),
            (false, None, false, None) => Job::Run(origin),
        }
    };
    if flags.show_secrets && !job.is_telling() {
        return Err(UsageError::Alone("show-secrets", "check-config or -print-client-config"));
    }
    Ok(Invocation::Serve(Serve {
        job,
        log_level,
        log_format,
        is_insecure: flags.insecure,
        addr,
        expands_env: flags.expand_env.unwrap_or(true),
        secrets: if flags.show_secrets { Secrets::Shown } else { Secrets::Hidden },
    }))
}

/// What is to be done is one thing.
fn check_conflicts(flags: &Flags) -> Result<(), UsageError> {
    let wanted = [
        ("demo", flags.demo),
        ("config", flags.demo && flags.config.is_some()),
        ("check-config", flags.check_config),
        ("print-client-config", flags.print_client_config.is_some()),
        ("eject-templates", flags.eject_templates),
        ("eject-templates-to", flags.eject_templates_to.is_some() && !flags.eject_templates),
        ("hash-password", flags.hash_password),
        ("oauth-list", flags.oauth_list),
        ("oauth-revoke", flags.oauth_revoke.is_some()),
    ];
    let mut wanted = wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(name, _)| name);
    match (wanted.next(), wanted.next()) {
        (Some(one), Some(other)) => Err(UsageError::Conflict(one, other)),
        _ => Ok(()),
    }
}

fn eject(flags: &Flags) -> Result<Option<Eject>, UsageError> {
    let folder = match &flags.eject_templates_to {
        Some(folder) if folder.is_empty() => {
            let advice = "write the path of a folder".to_owned();
            return Err(UsageError::BadValue("eject-templates-to", folder.clone(), advice));
        }
        Some(folder) => Folder::Given(folder.clone()),
        None if flags.eject_templates => {
            let expands_env = flags.expand_env.unwrap_or(true);
            Folder::Configured { origin: ConfigOrigin::of(flags)?, is_named: flags.config.is_some(), expands_env }
        }
        None if flags.force => return Err(UsageError::Alone("force", "eject-templates")),
        None => return Ok(None),
    };
    Ok(Some(Eject { folder, is_forced: flags.force }))
}

fn addr(text: &str) -> Result<Addr, UsageError> {
    Addr::parse(text).map_err(|error| UsageError::BadValue("addr", text.to_owned(), format!("{error}. {ADDR_FORMS}")))
}

/// One of a few words; letter case does not count.
fn choice<T: Copy>(flag: &'static str, choices: &[(&str, T)], text: &str) -> Result<T, UsageError> {
    if let Some((_, choice)) = choices.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
        return Ok(*choice);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let advice = match nearest(text, names.iter().copied()) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("write one of {}", names.join(", ")),
    };
    Err(UsageError::BadValue(flag, text.to_owned(), advice))
}
