//! What the flows need to know of the configuration.

use std::fmt;
use std::time::Duration;

use super::redirects::Redirects;
use crate::config::ServerConfig;
use crate::config::oauth::OAuth;
use crate::config::password::Password;

/// The one scope that there is.
pub const SCOPE: &str = "mcp";

/// The settings of the authorization server.
#[derive(Clone)]
pub struct Settings {
    /// Names and passwords.
    pub users: Vec<(String, Password)>,
    /// Where codes may be sent.
    pub redirects: Redirects,
    /// How long an access token is good for.
    pub token_expiration: Duration,
    /// How long a rotated refresh token still yields others.
    pub refresh_grace: Duration,
    /// Whether an authorization request must name the server that it is for.
    pub require_resource: bool,
    /// The names of the servers that tokens open. A name may be a path.
    pub servers: Vec<String>,
}

/// No passwords.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({} users, {} servers)", self.users.len(), self.servers.len())
    }
}

impl Settings {
    /// Those of a configuration, for the servers that are behind the login.
    pub fn of(config: &OAuth, servers: &[ServerConfig]) -> Settings {
        Settings {
            users: config.users.iter().map(|user| (user.name.clone(), user.password.clone())).collect(),
            redirects: Redirects::of(&config.redirects),
            token_expiration: config.token_time,
            refresh_grace: config.refresh_grace,
            require_resource: config.requires_resource,
            servers: servers.iter().filter(|server| server.is_behind_login).map(|server| server.name.clone()).collect(),
        }
    }

    /// The password of a user.
    pub(super) fn password(&self, username: &str) -> Option<&Password> {
        self.users.iter().find(|(name, _)| name == username).map(|(_, password)| password)
    }
}
