//! Flags as typed, in the syntax of Go's `flag` package, which users of the reference have in their scripts:
//! one dash or two, `-flag value` or `-flag=value`, switches `-flag` or `-flag=false`, the last one counts.

use std::ffi::OsString;
use std::fmt;

use crate::base::nearest::nearest;

/// What was typed; `None` where a flag was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-config`
    pub config: Option<String>,
    /// `-http-headers`
    pub http_headers: Option<String>,
    /// `-http-timeout`
    pub http_timeout: Option<String>,
    /// `-expand-env`
    pub expand_env: Option<bool>,
    /// `-addr`
    pub addr: Option<String>,
    /// `-log-level`
    pub log_level: Option<String>,
    /// `-log-format`
    pub log_format: Option<String>,
    /// `-print-client-config`
    pub print_client_config: Option<String>,
    /// `-insecure`
    pub insecure: bool,
    /// `-demo`
    pub demo: bool,
    /// `-check-config`
    pub check_config: bool,
    /// `-show-secrets`
    pub show_secrets: bool,
    /// `-eject-templates`
    pub eject_templates: bool,
    /// `-eject-templates-to`
    pub eject_templates_to: Option<String>,
    /// `-force`
    pub force: bool,
    /// `-hash-password`
    pub hash_password: bool,
    /// `-oauth-list`
    pub oauth_list: bool,
    /// `-oauth-revoke`
    pub oauth_revoke: Option<String>,
    /// `-version`
    pub version: bool,
    /// `-help`, `-h`
    pub help: bool,
}

/// All that exist.
pub const FLAGS: [&str; 20] = [
    "config",
    "http-headers",
    "http-timeout",
    "expand-env",
    "addr",
    "insecure",
    "log-level",
    "log-format",
    "demo",
    "check-config",
    "print-client-config",
    "show-secrets",
    "eject-templates",
    "eject-templates-to",
    "force",
    "hash-password",
    "oauth-list",
    "oauth-revoke",
    "version",
    "help",
];

/// Flags of the reference that this version would have to ignore.
const UNSUPPORTED: [&str; 1] = ["authorize"];

/// What is wrong with the command line. Displays as advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsageError {
    /// No such flag; with the nearest one there is.
    UnknownFlag(String, Option<&'static str>),
    /// A flag of the reference.
    UnsupportedFlag(String),
    /// Nothing but flags is expected.
    Positional(String),
    /// The flag needs a value and stands last.
    MissingValue(&'static str),
    /// A flag has a value that it cannot have: flag, value, what it can be.
    BadValue(&'static str, String, String),
    /// A flag has a value that it cannot have and that may be a secret: flag, what is wrong with it.
    BadSecret(&'static str, String),
    /// Two flags contradict each other.
    Conflict(&'static str, &'static str),
    /// The first flag means something only beside the other.
    Alone(&'static str, &'static str),
    /// Not UTF-8.
    NotText(OsString),
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsageError::UnknownFlag(flag, Some(near)) => write!(f, "there is no flag {flag:?}; did you mean -{near}?"),
            UsageError::UnknownFlag(flag, None) => write!(f, "there is no flag {flag:?}; see mcp-proxy -help"),
            UsageError::UnsupportedFlag(flag) => write!(f, "-{flag} is not supported in this version"),
            UsageError::Positional(text) => {
                write!(f, "do not know what to do with {text:?}; to read it, write -config FILE")
            }
            UsageError::MissingValue(flag) => write!(f, "-{flag} needs a value; see mcp-proxy -help"),
            UsageError::BadValue(flag, value, advice) => write!(f, "-{flag} cannot be {value:?}: {advice}"),
            UsageError::BadSecret(flag, reason) => write!(f, "-{flag}: {reason}"),
            UsageError::Conflict(one, other) => write!(f, "-{one} and -{other} exclude each other; choose one"),
            UsageError::Alone(flag, other) => write!(f, "-{flag} belongs to -{other}; add that, or leave it out"),
            UsageError::NotText(text) => write!(f, "{text:?} is not UTF-8"),
        }
    }
}

impl std::error::Error for UsageError {}

/// Reads all arguments (without the program's own name).
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Flags, UsageError> {
    let mut arguments = arguments.into_iter().map(|text| text.into_string().map_err(UsageError::NotText));
    let mut flags = Flags::default();
    while let Some(argument) = arguments.next().transpose()? {
        if argument == "--" {
            return arguments.next().transpose()?.map_or(Ok(flags), |text| Err(UsageError::Positional(text)));
        }
        let Some(body) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else {
            return Err(UsageError::Positional(argument));
        };
        let (name, inline) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let mut value = |flag| match inline {
            Some(value) => Ok(Some(value.to_owned())),
            None => arguments.next().ok_or(UsageError::MissingValue(flag))?.map(Some),
        };
        match name {
            "config" => flags.config = value("config")?,
            "http-headers" => flags.http_headers = value("http-headers")?,
            "http-timeout" => flags.http_timeout = value("http-timeout")?,
            "expand-env" => flags.expand_env = Some(switch("expand-env", inline)?),
            "addr" => flags.addr = value("addr")?,
            "log-level" => flags.log_level = value("log-level")?,
            "log-format" => flags.log_format = value("log-format")?,
            "print-client-config" => flags.print_client_config = value("print-client-config")?,
            "insecure" => flags.insecure = switch("insecure", inline)?,
            "demo" => flags.demo = switch("demo", inline)?,
            "check-config" => flags.check_config = switch("check-config", inline)?,
            "show-secrets" => flags.show_secrets = switch("show-secrets", inline)?,
            "eject-templates" => flags.eject_templates = switch("eject-templates", inline)?,
            "eject-templates-to" => flags.eject_templates_to = value("eject-templates-to")?,
            "force" => flags.force = switch("force", inline)?,
            "hash-password" => flags.hash_password = switch("hash-password", inline)?,
            "oauth-list" => flags.oauth_list = switch("oauth-list", inline)?,
            "oauth-revoke" => flags.oauth_revoke = value("oauth-revoke")?,
            "version" => flags.version = switch("version", inline)?,
            "help" | "h" => flags.help = switch("help", inline)?,
            _ if UNSUPPORTED.contains(&name) => return Err(UsageError::UnsupportedFlag(name.to_owned())),
            _ => {
                let typed = argument.split('=').next().unwrap_or_default();
                return Err(UsageError::UnknownFlag(typed.to_owned(), nearest(name, FLAGS)));
            }
        }
    }
    Ok(flags)
}

/// A switch; the spellings are those of Go's `strconv.ParseBool`.
fn switch(flag: &'static str, inline: Option<&str>) -> Result<bool, UsageError> {
    match inline {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(other) => Err(UsageError::BadValue(flag, other.to_owned(), "write true or false".to_owned())),
    }
}
