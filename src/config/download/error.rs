//! Why there is no configuration at a URL. Nothing here repeats more of a URL than its origin: paths, queries and
//! headers may be secrets.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::base::url::Origin;
use crate::codec::http::client::{Fault, RequestError};
use crate::codec::http::status;
use crate::config::source::TextError;
use crate::limits::REDIRECTS_MAX;

/// Why a download came to nothing. Displays as advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadError {
    /// What the user named.
    from: Box<Origin>,
    /// What was asked last.
    at: Box<Origin>,
    reason: Reason,
    note: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no connection, or not any more: what the shell says.
    Connection(String),
    /// The time was over.
    TooSlow(Stage, Duration),
    /// The URL or a header cannot be sent.
    Request(RequestError),
    /// What was answered is no HTTP, or incomplete.
    Fault(Fault),
    /// A status that means neither success nor a redirect.
    Status(u16),
    /// A redirect without a place, or to one that is no URL.
    RedirectNowhere,
    /// More than [`REDIRECTS_MAX`].
    RedirectsTooOften,
    /// A redirect to where the answer could be changed on its way.
    RedirectExposed(Origin),
    /// The body is encoded in this way, though `identity` was asked for.
    Compressed(String),
    /// It is too long, or no text.
    Text(TextError),
    /// It is HTML: a login, or a page around the file.
    WebPage,
}

/// How far it had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There was no connection.
    Connecting,
    /// There was no answer.
    Asking,
    /// The answer had not ended.
    Receiving,
}

impl DownloadError {
    pub(super) fn new(from: Origin, at: Origin, reason: Reason) -> DownloadError {
        DownloadError { from: Box::new(from), at: Box::new(at), reason, note: None }
    }

    /// The same with what else the user should know.
    pub fn with_note(self, note: Option<String>) -> DownloadError {
        DownloadError { note, ..self }
    }

    /// Whether asking again later may help. 501 is the one of its class that is meant for good.
    pub fn is_for_now(&self) -> bool {
        match &self.reason {
            Reason::Connection(_) | Reason::TooSlow(..) | Reason::Fault(_) => true,
            Reason::Status(status) => matches!(status, 408 | 409 | 425 | 429) || (*status >= 500 && *status != 501),
            Reason::Request(_)
            | Reason::RedirectNowhere
            | Reason::RedirectsTooOften
            | Reason::RedirectExposed(_)
            | Reason::Compressed(_)
            | Reason::Text(_)
            | Reason::WebPage => false,
        }
    }

    /// What to do about a status.
    fn advice(&self, status: u16) -> &'static str {
        match status {
            401 | 403 if self.at != self.from => {
                "\n    -http-headers are sent to the origin that -config names only: name the one that it redirects to."
            }
            401 | 403 => "\n    What it asks for, such as a token, is sent with -http-headers.",
            404 => {
                "\n    Look at the URL. Some servers say so where a token is missing: that is sent with -http-headers."
            }
            _ => "",
        }
    }
}

impl fmt::Display for DownloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read the configuration from {}", self.from)?;
        if self.at != self.from {
            write!(f, ", which redirects to {}", self.at)?;
        }
        f.write_str(": ")?;
        match &self.reason {
            Reason::Connection(reason) => f.write_str(reason),
            Reason::TooSlow(stage, time) => too_slow(f, *stage, *time),
            Reason::Request(error) => error.fmt(f),
            Reason::Fault(fault) => fault.fmt(f),
            Reason::Status(status) => {
                let words = status::reason(*status).map(|words| format!(" {words}")).unwrap_or_default();
                write!(f, "HTTP {status}{words}{}", self.advice(*status))
            }
            Reason::RedirectNowhere => f.write_str("it redirects to what is no URL"),
            Reason::RedirectsTooOften => write!(f, "it redirects more than {REDIRECTS_MAX} times"),
            Reason::RedirectExposed(to) => {
                write!(f, "it redirects to {to}, where others on the way could change it: that is not followed")
            }
            Reason::Compressed(coding) => {
                write!(f, "it sent the configuration compressed ({coding}), though it was asked not to")
            }
            Reason::Text(error) => write!(f, "the answer {error}"),
            Reason::WebPage => f.write_str(
                "it answered with a web page\n    Name the file itself: where code is hosted, that is the \"raw\" one.",
            ),
        }?;
        self.note.as_ref().map_or(Ok(()), |note| write!(f, "\n    {note}"))
    }
}

impl Error for DownloadError {}

fn too_slow(f: &mut fmt::Formatter<'_>, stage: Stage, time: Duration) -> fmt::Result {
    let seconds = time.as_secs_f64();
    match stage {
        Stage::Connecting => write!(f, "there was no connection within {seconds} s"),
        Stage::Asking => write!(f, "there was no answer within {seconds} s"),
        Stage::Receiving => write!(f, "the answer had not ended after {seconds} s"),
    }?;
    f.write_str("\n    -http-timeout gives it longer: -http-timeout 30s")
}
