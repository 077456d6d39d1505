//! `-oauth-list` and `-oauth-revoke`: who is logged in, and who is not to be any more.

use std::fmt;
use std::fmt::Write;

use crate::base::text::shorten;
use crate::base::time::rfc3339;
use crate::config::Config;
use crate::io::authority::{self, AuthorityError, Login};

/// Why there is nothing to say. Displays as advice.
#[derive(Debug)]
pub enum LoginsError {
    /// There is no authorization server.
    Off,
    /// Nobody is called so.
    Nobody(String),
    /// What it keeps cannot be had.
    Authority(AuthorityError),
}

impl fmt::Display for LoginsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoginsError::Off => f.write_str(
                "nobody logs in here: mcpProxy.options.oauth2 is not switched on\n    \
                 Name the configuration of the proxy that is meant with -config FILE.",
            ),
            LoginsError::Nobody(whose) => {
                write!(f, "no login is called {whose:?}, nor is one of such a user or client; see -oauth-list")
            }
            LoginsError::Authority(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoginsError {}

/// All logins, one on each line.
///
/// # Errors
///
/// See [`LoginsError`].
pub fn list(config: &Config) -> Result<String, LoginsError> {
    let oauth = config.oauth.as_ref().ok_or(LoginsError::Off)?;
    authority::logins(oauth, config).map(|logins| table(&logins)).map_err(LoginsError::Authority)
}

/// Ends those that are meant, and says how many.
///
/// # Errors
///
/// See [`LoginsError`].
pub fn revoke(config: &Config, whose: &str) -> Result<String, LoginsError> {
    let oauth = config.oauth.as_ref().ok_or(LoginsError::Off)?;
    match authority::revoke(oauth, config, whose).map_err(LoginsError::Authority)? {
        0 => Err(LoginsError::Nobody(whose.to_owned())),
        1 => Ok("1 login was ended\n".to_owned()),
        count => Ok(format!("{count} logins were ended\n")),
    }
}

/// With columns as wide as they have to be. Clients may call themselves anything.
fn table(logins: &[Login]) -> String {
    if logins.is_empty() {
        return "Nobody is logged in\n".to_owned();
    }
    let head = ["ID", "USER", "SINCE", "SERVER", "CLIENT"].map(str::to_owned);
    let rows = logins.iter().map(|login| {
        let user = if login.username.is_empty() { "-" } else { &login.username };
        let server = login.server.as_deref().map_or("(all)", |name| name.split('/').next().unwrap_or_default());
        [login.id.clone(), shown(user), rfc3339(login.since), shown(server), shown(&login.client)]
    });
    let rows: Vec<[String; 5]> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..4).map(width).collect();
    rows.iter().fold(String::new(), |mut text, row| {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  "); // a String takes everything
        }
        text + &row[4] + "\n"
    })
}

fn shown(text: &str) -> String {
    shorten(text).escape_debug().to_string()
}
