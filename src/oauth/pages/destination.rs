//! Where a browser is sent after the login, in words for people and for browsers.

use crate::base::text::shorten;
use crate::base::url::{Origin, is_app_scheme};

/// Where a redirect URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A site.
    Site(Origin),
    /// A program on the machine of the browser.
    Loopback(Origin),
    /// Whatever opens links of this scheme.
    App(String),
    /// Nothing that a browser should be sent to.
    Nowhere,
}

impl Destination {
    /// Of a redirect URI.
    pub fn new(uri: &str) -> Destination {
        let Some((scheme, rest)) = uri.split_once(':') else { return Destination::Nowhere };
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "http" || scheme == "https" {
            let authority = rest.strip_prefix("//").unwrap_or_default();
            let authority = &authority[..authority.find(['/', '?', '#']).unwrap_or(authority.len())];
            return match Origin::parse(&format!("{scheme}://{authority}")) {
                Ok(origin) if origin.is_loopback() => Destination::Loopback(origin),
                Ok(origin) => Destination::Site(origin),
                Err(_) => Destination::Nowhere,
            };
        }
        if is_app_scheme(&scheme) { Destination::App(scheme) } else { Destination::Nowhere }
    }

    /// What people are shown.
    pub(super) fn host(&self) -> String {
        match self {
            Destination::Site(origin) | Destination::Loopback(origin) => {
                let origin = origin.to_string();
                let host = origin.split_once("://").map_or(origin.as_str(), |(_, host)| host);
                // A plain connection to a site is worth being noticed.
                let is_plain = matches!(self, Destination::Site(_)) && origin.starts_with("http:");
                if is_plain { format!("http://{host}") } else { host.to_owned() }
            }
            Destination::App(scheme) => shorten(&format!("{scheme}:")).into_owned(),
            Destination::Nowhere => String::new(),
        }
    }

    /// As a source of `form-action` (Content Security Policy 3, 2.3.1), which knows no IPv6 addresses.
    pub(super) fn form_action(&self) -> String {
        match self {
            Destination::Site(origin) | Destination::Loopback(origin) => {
                let origin = origin.to_string();
                if origin.contains('[') {
                    format!(" {}:", origin.split(':').next().unwrap_or_default())
                } else {
                    format!(" {origin}")
                }
            }
            Destination::App(scheme) => format!(" {scheme}:"),
            Destination::Nowhere => String::new(),
        }
    }
}
