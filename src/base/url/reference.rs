//! References: URLs that leave out what another URL has already said (RFC 3986, 5.2). Servers send them in redirects
//! and as the address to which messages are to be sent.

use super::{Url, UrlError};

/// A reference, split. What it leaves out it takes from the URL that it is resolved against.
enum Reference<'a> {
    /// `https://host/path`
    Absolute(&'a str),
    /// `//host/path`
    OtherHost(&'a str),
    /// `/path`, `path` or `?query`; the path may be empty.
    SameHost { path: &'a str, query: Option<&'a str> },
}

impl<'a> Reference<'a> {
    fn split(text: &'a str) -> Reference<'a> {
        if has_scheme(text) {
            return Reference::Absolute(text);
        }
        if text.starts_with("//") {
            return Reference::OtherHost(text);
        }
        let (path, query) = split_query(text);
        Reference::SameHost { path, query }
    }
}

impl Url {
    /// The URL that `reference` means where this one was asked. Fragments are dropped: they are never sent. Dot
    /// segments are resolved.
    ///
    /// It may have another origin. Whoever asks decides whether to follow it there.
    ///
    /// # Errors
    /// As [`Url::parse`], for what comes out.
    pub fn resolve(&self, reference: &str) -> Result<Url, UrlError> {
        let reference = reference.split_once('#').map_or(reference, |(before, _)| before);
        match Reference::split(reference) {
            Reference::Absolute(text) => Url::read(text, resolved_path),
            Reference::OtherHost(text) => Url::read(&format!("{}:{text}", self.scheme().as_str()), resolved_path),
            Reference::SameHost { path: "", query } => {
                let query = query.or(self.query());
                self.with_path(self.path(), query)
            }
            Reference::SameHost { path, query } if path.starts_with('/') => self.with_path(&resolved_path(path), query),
            Reference::SameHost { path, query } => {
                let folder = self.path().rfind('/').map_or("/", |end| &self.path()[..=end]);
                self.with_path(&resolved_path(&format!("{folder}{path}")), query)
            }
        }
    }
}

/// Whether a text begins with a scheme and a colon (RFC 3986, 3.1).
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let is_scheme_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(is_scheme_byte)
}

/// Splits at the first question mark.
pub(super) fn split_query(text: &str) -> (&str, Option<&str>) {
    match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// A path without the segments `.` and `..` (RFC 3986, 5.2.4). It is empty or begins with a slash.
fn resolved_path(path: &str) -> String {
    let Some(rest) = path.strip_prefix('/') else { return String::new() };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_dot = matches!(segment, "." | "..");
        if segment == ".." {
            kept.pop();
        }
        if !is_dot {
            kept.push(segment);
        } else if segments.peek().is_none() {
            kept.push(""); // what it names is a folder
        }
    }
    format!("/{}", kept.join("/"))
}
