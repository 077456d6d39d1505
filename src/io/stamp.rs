//! What a file looks like from the outside: by this a change shows without reading it.

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
    /// Of whatever is there. `None`: nobody can tell, or there is nothing for the moment.
    pub(super) fn of(path: &Path) -> Option<Stamp> {
        fs::metadata(path).ok().map(|metadata| Stamp::new(&metadata))
    }

    /// Of a file that can be read again, unlike a pipe: nothing of that is a change.
    pub(super) fn of_file(path: &Path) -> Option<Stamp> {
        fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| Stamp::new(&metadata))
    }

    fn new(metadata: &fs::Metadata) -> Stamp {
        Stamp { modified: (metadata.mtime(), metadata.mtime_nsec()), bytes: metadata.len(), inode: metadata.ino() }
    }
}
