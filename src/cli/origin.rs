//! Where a configuration comes from: what `-config` names.

use std::fmt;
use std::time::Duration;

use super::file::{self, FileError};
use super::flags::{Flags, UsageError};
use crate::base::url::{Url, UrlError};
use crate::codec::http::client::check_header;
use crate::config::download::{DownloadError, Wanted, is_exposed};
use crate::config::duration;
use crate::config::source::Source;
use crate::io::download::{DownloadSettings, download};
use crate::limits::{DOWNLOAD_TIME, TIMEOUT_MAX};

/// The reference's default.
const PATH: &str = "config.json";
/// What means stdin in its place.
const STDIN: &str = "-";
/// What flags belong to that mean something only for a URL.
const URL: &str = "config URL";

/// Where a configuration comes from. It can be read again; stdin has nothing more then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// Whatever is piped in.
    Stdin,
    /// The file at a path.
    File(String),
    /// What a URL answers with.
    Url(DownloadSettings),
}

/// Why a configuration cannot be read. Displays as advice.
#[derive(Debug)]
pub enum OriginError {
    /// On this machine.
    File(FileError),
    /// From a URL.
    Download(DownloadError),
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OriginError::File(error) => error.fmt(f),
            OriginError::Download(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OriginError {}

impl OriginError {
    /// Whether trying again later may help.
    pub fn is_for_now(&self) -> bool {
        match self {
            OriginError::File(_) => false,
            OriginError::Download(error) => error.is_for_now(),
        }
    }
}

impl ConfigOrigin {
    /// What the flags name.
    pub(super) fn of(flags: &Flags) -> Result<ConfigOrigin, UsageError> {
        let given = flags.config.as_deref().unwrap_or(PATH);
        if is_url(given) {
            let url = Url::parse(given).map_err(bad_url)?;
            let headers = flags.http_headers.as_deref().map_or(Ok(Vec::new()), headers)?;
            let time_max = flags.http_timeout.as_deref().map_or(Ok(DOWNLOAD_TIME), time)?;
            let wanted = Wanted { url, headers };
            return Ok(ConfigOrigin::Url(DownloadSettings { wanted, time_max, is_insecure: flags.insecure }));
        }
        refuse_url_flags(flags)?;
        match given {
            "" => {
                let advice = "write the path of a file, or a URL".to_owned();
                Err(UsageError::BadValue("config", given.to_owned(), advice))
            }
            STDIN => Ok(ConfigOrigin::Stdin),
            path => Ok(ConfigOrigin::File(path.to_owned())),
        }
    }

    /// What messages call it. Of a URL, little more than the origin: a query may be a secret, and so may a path.
    pub fn name(&self) -> String {
        match self {
            ConfigOrigin::Stdin => "stdin".to_owned(),
            ConfigOrigin::File(path) => path.clone(),
            ConfigOrigin::Url(settings) => {
                let url = &settings.wanted.url;
                let path = if url.path().len() > 1 { "/…" } else { url.path() };
                format!("{}{path}", url.origin())
            }
        }
    }

    /// Reads it. Blocks, from a URL for as long as the settings say.
    ///
    /// # Errors
    /// There is none, or none that can be used.
    pub fn read(&self) -> Result<Source, OriginError> {
        let name = self.name();
        let text = match self {
            ConfigOrigin::Stdin => file::read_stdin(&name).map_err(OriginError::File),
            ConfigOrigin::File(path) => file::read(path).map_err(OriginError::File),
            ConfigOrigin::Url(settings) => download(settings).map_err(OriginError::Download),
        }?;
        Ok(Source::new(name, text))
    }

    /// What the user should know about it.
    pub fn warning(&self) -> Option<String> {
        match self {
            ConfigOrigin::Url(settings) if is_exposed(&settings.wanted.url) => Some(format!(
                "-config: the way to {} is not encrypted.\n    \
                 Whoever is on it can change the configuration, and so what runs on this machine. Use https.",
                settings.wanted.url.origin()
            )),
            ConfigOrigin::Stdin | ConfigOrigin::File(_) | ConfigOrigin::Url(_) => None,
        }
    }
}

fn is_url(text: &str) -> bool {
    let is_known = |scheme: &str| ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    text.split_once("://").is_some_and(|(scheme, _)| is_known(scheme))
}

/// What means something only for a URL would be ignored.
pub(super) fn refuse_url_flags(flags: &Flags) -> Result<(), UsageError> {
    let stray = [("http-headers", &flags.http_headers), ("http-timeout", &flags.http_timeout)];
    match stray.into_iter().find(|(_, value)| value.is_some()) {
        Some((flag, _)) => Err(UsageError::Alone(flag, URL)),
        None => Ok(()),
    }
}

/// The URL is not repeated: it may hold a password.
fn bad_url(error: UrlError) -> UsageError {
    let advice = match error {
        UrlError::Userinfo => "; send them with -http-headers 'Authorization:Basic ...'",
        UrlError::Fragment => "; leave that out, it is never sent",
        UrlError::Scheme
        | UrlError::Host
        | UrlError::Port
        | UrlError::Path
        | UrlError::DotSegment
        | UrlError::QueryCharacter
        | UrlError::Query => "",
    };
    UsageError::BadSecret("config", format!("the URL cannot be used: {error}{advice}"))
}

/// `NAME:VALUE;NAME2:VALUE2`. Nothing of it is repeated: where a colon is missing, the name may be a token.
fn headers(text: &str) -> Result<Vec<(String, String)>, UsageError> {
    let pieces = text.split(';').map(str::trim).filter(|piece| !piece.is_empty());
    pieces.enumerate().map(|(index, piece)| header(index + 1, piece)).collect()
}

fn header(number: usize, text: &str) -> Result<(String, String), UsageError> {
    let bad = |reason: String| UsageError::BadSecret("http-headers", format!("header {number} {reason}"));
    let Some((name, value)) = text.split_once(':') else {
        return Err(bad("has no colon; write NAME:VALUE, and a semicolon between two of them".to_owned()));
    };
    let (name, value) = (name.trim_end(), value.trim_start());
    match check_header(name, value) {
        Ok(()) => Ok((name.to_owned(), value.to_owned())),
        Err(error) => Err(bad(format!("cannot be sent: {error}"))),
    }
}

/// A bare number counts seconds, as in the reference.
fn time(text: &str) -> Result<Duration, UsageError> {
    let time = text.parse().map(Duration::from_secs).ok().or_else(|| duration::parse(text));
    time.filter(|time| (Duration::from_nanos(1)..=TIMEOUT_MAX).contains(time)).ok_or_else(|| {
        let longest = TIMEOUT_MAX.as_secs() / 3_600;
        let advice = format!("write seconds, or a time such as 30s or 2m, at most {longest}h");
        UsageError::BadValue("http-timeout", text.to_owned(), advice)
    })
}
