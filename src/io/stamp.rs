//! What a file looks like from the outside: by this a change shows without reading it. A pipe can be read once only:
//! nothing of it is a change.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file that is replaced, or a link that is bent, leads to another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// `None`: nobody can tell, or there is no such file for the moment.
    pub(super) fn of(path: &Path) -> Option<Stamp> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Stamp {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
            inode: metadata.ino(),
        })
    }
}
