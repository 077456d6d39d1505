//! Reads a configuration file.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};

use crate::config::source::{self, TextError};
use crate::limits::CONFIG_BYTES_MAX;

/// Why a configuration cannot be read. Displays as advice.
#[derive(Debug)]
pub enum FileError {
    /// Nothing there.
    Missing(String),
    /// A directory.
    Directory(String),
    /// What is in it is no configuration.
    Text(String, TextError),
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
            FileError::Text(path, error) => write!(f, "{path:?} {error}"),
            FileError::System(path, error) => write!(f, "cannot read {path:?}: {error}"),
        }
    }
}

impl std::error::Error for FileError {}

/// Reads the file at `path`.
///
/// # Errors
/// There is none, or none that can be used.
pub fn read(path: &str) -> Result<String, FileError> {
    text(path, File::open(path).and_then(read_limited))
}

/// Reads stdin to its end; errors call it `name`.
///
/// # Errors
/// What came cannot be used.
pub fn read_stdin(name: &str) -> Result<String, FileError> {
    text(name, read_limited(io::stdin()))
}

fn text(name: &str, read: io::Result<Vec<u8>>) -> Result<String, FileError> {
    let bytes = read.map_err(|error| FileError::new(name, error))?;
    source::text(bytes).map_err(|error| FileError::Text(name.to_owned(), error))
}

/// One byte more than allowed tells that there is more.
fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(CONFIG_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
