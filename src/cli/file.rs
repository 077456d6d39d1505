//! Reads a configuration file.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};

use crate::config::source::Source;
use crate::limits::CONFIG_BYTES_MAX;

/// The path that means stdin.
pub(super) const STDIN: &str = "-";

/// Why a configuration cannot be read. Displays as advice.
#[derive(Debug)]
pub enum FileError {
    /// Nothing there.
    Missing(String),
    /// A directory.
    Directory(String),
    /// More than [`CONFIG_BYTES_MAX`].
    TooLong(String),
    /// Not UTF-8: the offset of the first wrong byte.
    NotText(String, usize),
    /// What the system says.
    System(String, io::Error),
}

impl FileError {
    fn new(path: &str, error: io::Error) -> FileError {
        if error.kind() == ErrorKind::NotFound {
            FileError::Missing(path.to_owned())
        } else if error.kind() == ErrorKind::IsADirectory {
            FileError::Directory(path.to_owned())
        } else {
            FileError::System(path.to_owned(), error)
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Missing(path) => write!(
                f,
                "there is no file {path:?}\n    Name yours with -config FILE, or try mcp-proxy -demo, which needs none."
            ),
            FileError::Directory(path) => write!(f, "{path:?} is a directory\n    Name the file in it."),
            FileError::TooLong(path) => write!(f, "{path:?} is longer than {} MiB", CONFIG_BYTES_MAX >> 20),
            FileError::NotText(path, offset) => {
                write!(f, "{path:?} is not UTF-8 (byte {offset})\n    Save it again with that encoding.")
            }
            FileError::System(path, error) => write!(f, "cannot read {path:?}: {error}"),
        }
    }
}

impl std::error::Error for FileError {}

/// Reads the file at `path`, or stdin for `-`.
pub fn read(path: &str) -> Result<Source, FileError> {
    let read = if path == STDIN { read_limited(io::stdin()) } else { File::open(path).and_then(read_limited) };
    let bytes = read.map_err(|error| FileError::new(path, error))?;
    if bytes.len() > CONFIG_BYTES_MAX {
        return Err(FileError::TooLong(path.to_owned()));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| FileError::NotText(path.to_owned(), error.utf8_error().valid_up_to()))?;
    Ok(Source::new(if path == STDIN { "stdin" } else { path }, text))
}

/// One byte more than allowed tells that there is more.
fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(CONFIG_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
