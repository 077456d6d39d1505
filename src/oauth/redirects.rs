//! Where codes may be sent: the key `redirectURIs`, and what a redirect URI is.
//!
//! A redirect URI is compared as text. Only for loopback addresses (RFC 8252, 7.3) the port is left out of it, because
//! the client listens on whichever is free; the name `localhost` counts there too, as Claude Code needs it. Hosts are
//! never swapped for each other.

use std::fmt;

use crate::base::url::{Scheme, Url, UrlError};
use crate::limits::REDIRECT_BYTES_MAX;

/// Hosts that mean the machine of whoever follows the redirect.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What clients register, all at once: one that is missing here shuts its client out.
const PRESETS: [(&str, &[&str]); 4] = [
    ("claude", &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"]),
    ("claude-desktop", &["claude://claude.ai/mcp-auth-callback/sdk"]),
    (
        "vscode",
        &[
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
            "http://localhost/",
            "http://127.0.0.1/",
            "http://localhost:33418/",
            "http://127.0.0.1:33418/",
        ],
    ),
    (
        "cursor",
        &[
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
    ),
];

/// Any path on a loopback address.
const LOOPBACK: &str = "loopback";

/// ChatGPT has a redirect URI for each connector, and an old one for all.
const CHATGPT: &str = "chatgpt";
const CHATGPT_PREFIX: &str = "https://chatgpt.com/connector/oauth/";
const CHATGPT_LEGACY: &str = "https://chatgpt.com/connector_platform_oauth_redirect";

/// Schemes that make a browser run or show what the URI itself holds, or what lies on its disk.
const UNSAFE_SCHEMES: [&str; 8] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"];

/// Why something is no redirect URI. Reads as the end of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectError {
    /// As an http or https URL.
    Url(UrlError),
    /// Not `scheme:…`.
    Scheme,
    /// One that a browser would run or show itself.
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
    fn is_https(&self) -> bool {
        matches!(&self.place, Place::Web(url) if url.scheme() == Scheme::Https)
    }

    /// Where it leads, for the eyes of whoever logs in: host and port, or scheme and host of a program's own.
    pub fn destination(&self) -> String {
        match &self.place {
            Place::Web(url) | Place::Loopback(url) => url.authority().to_string(),
            Place::App { scheme } => {
                let rest = self.text[scheme.len()..].trim_start_matches([':', '/']);
                format!("{scheme}://{}", rest.split(['/', '?']).next().unwrap_or_default())
            }
        }
    }

    /// The same for `form-action` of a Content-Security-Policy: Chromium applies it to the redirect behind a form too.
    pub fn csp_source(&self) -> String {
        match &self.place {
            // A policy cannot name IPv6 addresses (CSP 3, 2.3.1).
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
    let is_scheme_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(is_scheme_byte);
    if !is_scheme || rest.is_empty() {
        return Err(RedirectError::Scheme);
    }
    if UNSAFE_SCHEMES.contains(&scheme) {
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

/// One entry of the key, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Exact(RedirectUri),
    AnyLoopback,
    ChatGpt,
}

impl Rule {
    fn allows(&self, uri: &RedirectUri) -> bool {
        match self {
            Rule::Exact(allowed) => allowed.matches(uri),
            Rule::AnyLoopback => uri.is_loopback(),
            Rule::ChatGpt => uri.text.strip_prefix(CHATGPT_PREFIX).is_some_and(|id| {
                !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }),
        }
    }
}

/// What is wrong with the key: an entry that is neither a preset nor a redirect URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError {
    /// Which entry, from 0.
    pub index: usize,
    /// Why it is no redirect URI.
    pub error: RedirectError,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Redirects::presets().collect();
        write!(f, "is neither a preset ({}) nor a redirect URI: {}", names.join(", "), self.error)
    }
}

impl std::error::Error for RulesError {}

/// The redirect URIs that clients may register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirects {
    rules: Vec<Rule>,
}

/// Claude's callbacks and no others: that is a promise of the product.
impl Default for Redirects {
    fn default() -> Redirects {
        let rules = PRESETS[0].1.iter().filter_map(|text| RedirectUri::parse(text).ok()).map(Rule::Exact);
        Redirects { rules: rules.collect() }
    }
}

impl Redirects {
    /// Reads the entries of the key: exact URIs and names of presets. Without any, it is the default.
    pub fn parse(entries: &[impl AsRef<str>]) -> Result<Redirects, RulesError> {
        let mut rules = Vec::new();
        for (index, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
            let exact = |text: &str| RedirectUri::parse(text).map(Rule::Exact);
            let preset = PRESETS.iter().find(|(name, _)| *name == entry);
            let texts = match (entry, preset) {
                (_, Some((_, texts))) => texts,
                (LOOPBACK, None) => {
                    rules.push(Rule::AnyLoopback);
                    continue;
                }
                (CHATGPT, None) => {
                    rules.push(Rule::ChatGpt);
                    &[CHATGPT_LEGACY][..]
                }
                (text, None) => &[text][..],
            };
            for text in texts {
                rules.push(exact(text).map_err(|error| RulesError { index, error })?);
            }
        }
        Ok(if rules.is_empty() { Redirects::default() } else { Redirects { rules } })
    }

    /// The names of all presets.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name).chain([LOOPBACK, CHATGPT])
    }

    /// Whether a client may register this.
    pub fn allows(&self, uri: &RedirectUri) -> bool {
        self.rules.iter().any(|rule| rule.allows(uri))
    }

    /// Whether this very URI is listed and leads to a web site by TLS: nobody but that site can receive what is sent
    /// there.
    pub(super) fn is_listed_site(&self, uri: &RedirectUri) -> bool {
        let is_same = |rule: &Rule| matches!(rule, Rule::Exact(allowed) if allowed.text == uri.text);
        uri.is_https() && self.rules.iter().any(is_same)
    }
}
