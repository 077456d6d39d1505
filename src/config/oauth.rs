//! The authorization server as configured: `mcpProxy.options.oauth2`.

use std::net::IpAddr;
use std::time::Duration;

use super::password::Password;
use super::redirect_uri::{RedirectError, RedirectUri};
use crate::base::cidr::Cidr;

/// What the authorization server runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuth {
    /// Who may log in; at least one.
    pub users: Vec<User>,
    /// Where clients and tokens are kept; `None`: in `.mcpproxy` in the home directory.
    pub persistence_dir: Option<String>,
    /// From where clients may register; empty: from everywhere.
    pub allowed_ips: Vec<Cidr>,
    /// How long an access token is good for.
    pub token_time: Duration,
    /// The folder whose `oauth/*.html` take the places of the built-in pages.
    pub template_dir: String,
    /// Where clients may be sent with a code.
    pub redirects: Vec<Redirect>,
    /// Whose word is taken for where a request comes from.
    pub forwarding: Forwarding,
    /// How long a refresh token that was used is still answered.
    pub refresh_grace: Duration,
    /// Whether a client must say which server its token is to be for.
    pub requires_resource: bool,
    /// Further `Host` names, spelt as `Authority::host`, that the endpoints may be called by, and the issuer where
    /// `baseURL` does not say what it is.
    pub allowed_hosts: Vec<String>,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// As typed in the form.
    pub name: String,
    /// What goes with it.
    pub password: Password,
}

/// Where clients may be sent with a code: an entry of `redirectURIs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// All that a client registers at once.
    Preset(RedirectPreset),
    /// This very URI.
    Exact(RedirectUri),
}

impl Redirect {
    /// Reads an entry: the name of a preset, or a URI.
    pub fn parse(text: &str) -> Result<Redirect, RedirectError> {
        match RedirectPreset::ALL.iter().find(|(name, _)| *name == text) {
            Some((_, preset)) => Ok(Redirect::Preset(*preset)),
            None => RedirectUri::parse(text).map(Redirect::Exact),
        }
    }
}

/// Clients whose redirect URIs are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum RedirectPreset {
    Claude,
    ClaudeDesktop,
    Loopback,
    VsCode,
    Cursor,
    ChatGpt,
}

impl RedirectPreset {
    /// All of them, as users name them.
    pub const ALL: [(&'static str, RedirectPreset); 6] = [
        ("claude", RedirectPreset::Claude),
        ("claude-desktop", RedirectPreset::ClaudeDesktop),
        ("loopback", RedirectPreset::Loopback),
        ("vscode", RedirectPreset::VsCode),
        ("cursor", RedirectPreset::Cursor),
        ("chatgpt", RedirectPreset::ChatGpt),
    ];
}

/// Whose word is taken for where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// Peers whose headers are believed.
    pub trusted: Vec<Cidr>,
    /// The only header that counts; `None`: all of them do.
    pub header: Option<ClientIpHeader>,
}

impl Forwarding {
    /// Whether the headers of a peer are believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted.iter().any(|network| network.contains(peer))
    }
}

/// A header in which a proxy says on whose behalf it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub enum ClientIpHeader {
    XForwardedFor,
    Forwarded,
    CfConnectingIp,
    TrueClientIp,
    XRealIp,
    XClusterClientIp,
}

impl ClientIpHeader {
    /// All of them.
    pub const ALL: [ClientIpHeader; 6] = [
        ClientIpHeader::XForwardedFor,
        ClientIpHeader::Forwarded,
        ClientIpHeader::CfConnectingIp,
        ClientIpHeader::TrueClientIp,
        ClientIpHeader::XRealIp,
        ClientIpHeader::XClusterClientIp,
    ];

    /// As it is usually written.
    pub const fn name(self) -> &'static str {
        match self {
            ClientIpHeader::XForwardedFor => "X-Forwarded-For",
            ClientIpHeader::Forwarded => "Forwarded",
            ClientIpHeader::CfConnectingIp => "CF-Connecting-IP",
            ClientIpHeader::TrueClientIp => "True-Client-IP",
            ClientIpHeader::XRealIp => "X-Real-IP",
            ClientIpHeader::XClusterClientIp => "X-Cluster-Client-IP",
        }
    }
}
