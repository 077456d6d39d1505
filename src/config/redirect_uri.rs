//! What a redirect URI is: where a browser may be sent with a code.
//!
//! A redirect URI is compared as text. Only for loopback addresses (RFC 8252, 7.3) the port is left out of it, because
//! the client listens on whichever is free; the name `localhost` counts there too, as Claude Code needs it. Hosts are
//! never swapped for each other.

use std::fmt;

use crate::base::text::shorten;
use crate::base::url::{Scheme, Url, UrlError, is_app_scheme};
use crate::limits::REDIRECT_BYTES_MAX;

/// Hosts that mean the machine of whoever follows the redirect.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Why something is no redirect URI. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectError {
    /// As an http or https URL.
    Url(UrlError),
    /// Not `scheme:…`.
    Scheme,
    /// One that a browser would run or show itself, or that nobody can have registered.
    UnsafeScheme,
    /// A character that must be percent-encoded.
    Character,
    /// More than [`REDIRECT_BYTES_MAX`].
    TooLong,
}

impl fmt::Display for RedirectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedirectError::Url(error) => error.fmt(f),
            RedirectError::Scheme => f.write_str("it must start with a scheme, such as https://"),
            RedirectError::UnsafeScheme => f.write_str("its scheme is not safe to redirect to"),
            RedirectError::Character => f.write_str("it contains a character that must be percent-encoded"),
            RedirectError::TooLong => write!(f, "it is longer than {REDIRECT_BYTES_MAX} bytes"),
        }
    }
}

impl std::error::Error for RedirectError {}

/// A redirect URI, without user name and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectUri {
    text: String,
    place: Place,
}

/// Where a redirect URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A web site.
    Web(Url),
    /// A client on the same machine as the browser.
    Loopback(Url),
    /// A program that has registered the scheme.
    App { scheme: String },
}

impl RedirectUri {
    /// Parses one, as a client or the configuration says it.
    pub fn parse(text: &str) -> Result<RedirectUri, RedirectError> {
        if text.len() > REDIRECT_BYTES_MAX {
            return Err(RedirectError::TooLong);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        let place = if matches!(scheme.as_str(), "http" | "https") {
            let url = Url::parse(text).map_err(RedirectError::Url)?;
            // In another spelling (`HTTP://LOCALHOST`) it is a text like any other: only the port is left out.
            let is_plain = text.strip_prefix("http://").is_some_and(|rest| rest.starts_with(url.host()));
            let is_loopback = is_plain && LOOPBACK_HOSTS.contains(&url.host());
            if is_loopback { Place::Loopback(url) } else { Place::Web(url) }
        } else {
            check_app(&scheme, rest)?;
            Place::App { scheme }
        };
        Ok(RedirectUri { text: text.to_owned(), place })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether both mean the same: the same text, or on a loopback address the same but for the port.
    pub fn matches(&self, other: &RedirectUri) -> bool {
        match (&self.place, &other.place) {
            (Place::Loopback(a), Place::Loopback(b)) => a.host() == b.host() && a.target() == b.target(),
            (Place::Web(_) | Place::Loopback(_) | Place::App { .. }, _) => self.text == other.text,
        }
    }

    /// Whether it leads to the machine of whoever logs in: to whichever program listens there.
    pub fn is_loopback(&self) -> bool {
        matches!(self.place, Place::Loopback(_))
    }

    /// Whether it leads to a web site, by TLS.
    pub fn is_https(&self) -> bool {
        matches!(&self.place, Place::Web(url) if url.scheme() == Scheme::Https)
    }

    /// Whether it leads to a web site without TLS: on the way, anybody could take the code.
    pub fn is_plain_site(&self) -> bool {
        matches!(&self.place, Place::Web(url) if url.scheme() == Scheme::Http && !url.origin().is_loopback())
    }

    /// Whether it leads to the machine of whoever logs in, by any of the names that it has for itself. (Of
    /// [`RedirectUri::is_loopback`] are only those for which the port does not count.)
    pub fn is_on_this_device(&self) -> bool {
        match &self.place {
            Place::Web(url) | Place::Loopback(url) => url.origin().is_loopback(),
            Place::App { .. } => false,
        }
    }

    /// Whether it leads to whatever program opens links of its scheme.
    pub fn is_app(&self) -> bool {
        matches!(self.place, Place::App { .. })
    }

    /// Where it leads, for the eyes of whoever logs in: host and port, or the scheme of a program's own. What follows
    /// that may be anything, a well-known site's name too.
    pub fn destination(&self) -> String {
        match &self.place {
            // A plain connection to a site is worth being noticed.
            Place::Web(url) if self.is_plain_site() => format!("http://{}", url.authority()),
            Place::Web(url) | Place::Loopback(url) => url.authority().to_string(),
            Place::App { scheme } => shorten(&format!("{scheme}:")).into_owned(),
        }
    }

    /// The same as a source of `form-action` (Content Security Policy 3, 2.3.1): Chromium applies it to the redirect
    /// behind a form, too.
    pub fn csp_source(&self) -> String {
        match &self.place {
            // It knows no IPv6 addresses.
            Place::Web(url) | Place::Loopback(url) if url.host().starts_with('[') => {
                format!("{}:", url.scheme().as_str())
            }
            Place::Web(url) | Place::Loopback(url) => url.origin().to_string(),
            Place::App { scheme } => format!("{scheme}:"),
        }
    }

    /// The URI with further parameters in its query.
    pub fn with_parameters(&self, parameters: &str) -> String {
        let separator = match self.text.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{separator}{parameters}", self.text)
    }
}

/// What a URI with a scheme of a program's own must be, and must not.
fn check_app(scheme: &str, rest: &str) -> Result<(), RedirectError> {
    if rest.is_empty() || !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(RedirectError::Scheme);
    }
    if !is_app_scheme(scheme) {
        return Err(RedirectError::UnsafeScheme);
    }
    if rest.contains('#') {
        return Err(RedirectError::Url(UrlError::Fragment));
    }
    let authority = rest.strip_prefix("//").unwrap_or_default().split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(RedirectError::Url(UrlError::Userinfo));
    }
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&b);
    if rest.bytes().all(is_plain) { Ok(()) } else { Err(RedirectError::Character) }
}
