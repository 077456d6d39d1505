//! What the store keeps, as it stands in the file. Times are seconds since 1970.

use serde::Deserialize;

use crate::config::names::EVERY_SERVER;
use crate::oauth::password::Fingerprint;
use crate::oauth::secret::{Digest, GrantId};

/// How a client proves who it is at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// Not at all: a public client.
    None,
    /// By its secret, in the body. RFC 7591 (2) makes `client_secret_basic` the default; here it is this one.
    ClientSecretPost,
    /// By its secret, in the header `Authorization`.
    ClientSecretBasic,
}

impl AuthMethod {
    /// All of them, as metadata and registrations spell them.
    pub const ALL: [AuthMethod; 3] = [AuthMethod::None, AuthMethod::ClientSecretPost, AuthMethod::ClientSecretBasic];

    /// As it is spelt there.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMethod::None => "none",
            AuthMethod::ClientSecretPost => "client_secret_post",
            AuthMethod::ClientSecretBasic => "client_secret_basic",
        }
    }
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// As registered.
    pub redirect_uris: Vec<String>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// Of its secret, if it has one.
    #[serde(default)]
    pub secret_hash: Option<Digest>,
    /// What it may ask the token endpoint for.
    pub grant_types: Vec<String>,
    /// What it calls itself; empty if it did not say.
    #[serde(default)]
    pub name: String,
    /// When it was registered.
    pub created_at: u64,
    /// When it last got a token; to the hour.
    #[serde(default)]
    pub last_used_at: Option<u64>,
}

/// What a token opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub enum Audience {
    /// Every server.
    Every,
    /// One server, by its name: it survives a change of the base URL.
    Server(String),
}

impl From<String> for Audience {
    fn from(text: String) -> Audience {
        if text == EVERY_SERVER { Audience::Every } else { Audience::Server(text) }
    }
}

impl Audience {
    /// Whether it opens this server.
    pub fn covers(&self, server: &str) -> bool {
        match self {
            Audience::Every => true,
            Audience::Server(name) => name == server,
        }
    }

    /// Whether it opens all that the other one does.
    pub fn covers_all(&self, other: &Audience) -> bool {
        *self == Audience::Every || self == other
    }
}

/// A login of a user with a client: the family of all tokens that come of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Which client.
    pub client_id: String,
    /// Who logged in. Empty where that is not known: in what the reference has left.
    pub username: String,
    /// The password at that time.
    pub password_fingerprint: Fingerprint,
    /// What its tokens open.
    pub server: Audience,
    /// Always [`crate::oauth::settings::SCOPE`].
    pub scope: String,
    /// When.
    pub created_at: u64,
    /// Whether it is over. The next sweep removes it and its tokens.
    #[serde(default)]
    pub revoked: bool,
}

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    /// Whose it is.
    pub grant: GrantId,
    /// From then on it opens nothing.
    pub expires_at: u64,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefreshToken {
    /// Whose it is.
    pub grant: GrantId,
    /// From then on it yields nothing.
    pub expires_at: u64,
    /// When it was first used. For the time of grace after that, it yields siblings of its successor.
    #[serde(default)]
    pub rotated_at: Option<u64>,
    /// How many it has yielded.
    #[serde(default)]
    pub retries: u32,
}
