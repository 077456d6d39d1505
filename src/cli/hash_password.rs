//! `-hash-password`: what stands in the configuration in the place of a password.

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Read, stdin};

use crate::io::prompt::hidden_line;
use crate::limits::PASSWORD_BYTES_MAX;
use crate::oauth::password_hash::{SALT_BYTES, hash};

/// Why there is no hash. Displays as advice.
#[derive(Debug)]
pub enum PasswordError {
    /// Ctrl-C.
    Cancelled,
    /// Nothing was typed.
    Empty,
    /// Typed differently the second time.
    Different,
    /// More than [`PASSWORD_BYTES_MAX`].
    TooLong,
    /// Not UTF-8, which is what browsers send.
    NotText,
    /// What the system says.
    System(io::Error),
    /// What the hash function says.
    Hash(argon2::password_hash::Error),
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordError::Cancelled => f.write_str("no password was given"),
            PasswordError::Empty => f.write_str("the password is empty; type one, or give it as a line on stdin"),
            PasswordError::Different => f.write_str("the two are not the same; try again"),
            PasswordError::TooLong => write!(f, "the password is longer than {PASSWORD_BYTES_MAX} bytes"),
            PasswordError::NotText => f.write_str("the password is not UTF-8"),
            PasswordError::System(error) => write!(f, "cannot read a password: {error}"),
            PasswordError::Hash(error) => write!(f, "cannot hash the password: {error}"),
        }
    }
}

impl std::error::Error for PasswordError {}

/// Asks for a password, or reads the first line of stdin, and returns the hash as a line.
pub fn run() -> Result<String, PasswordError> {
    let password = if stdin().is_terminal() { typed() } else { piped() }?;
    let password = String::from_utf8(password).map_err(|_| PasswordError::NotText)?;
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| PasswordError::System(io::Error::other(error.to_string())))?;
    Ok(hash(&password, salt).map_err(PasswordError::Hash)? + "\n")
}

fn typed() -> Result<Vec<u8>, PasswordError> {
    let ask = |question| hidden_line(question).map_err(PasswordError::System)?.ok_or(PasswordError::Cancelled);
    let password = ask("Password: ")?;
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if ask("The same again: ")? == password { Ok(password) } else { Err(PasswordError::Different) }
}

fn piped() -> Result<Vec<u8>, PasswordError> {
    let mut line = Vec::new();
    // Two bytes more than allowed: the line end.
    let mut input = stdin().lock().take(PASSWORD_BYTES_MAX as u64 + 2);
    input.read_until(b'\n', &mut line).map_err(PasswordError::System)?;
    let end = line.strip_suffix(b"\n").map_or(line.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
    line.truncate(end);
    Ok(line)
}
