//! Says when something happens around a file, so that nobody has to look at it all the time (inotify).
//!
//! Only the file systems of this machine say so: of a change that another one makes, over a network, nothing is heard.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// What happens in the directories that a path leads through.
#[derive(Debug)]
pub(super) struct FileEvents(File);

impl FileEvents {
    /// Of the directory that the file is in, and of the one that it is in behind links.
    ///
    /// # Errors
    ///
    /// The system has no such thing for these, or none left.
    pub(super) fn around(path: &Path) -> io::Result<FileEvents> {
        let events = inotify::init(CreateFlags::CLOEXEC)?;
        let behind_links = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        for file in [path, &behind_links] {
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            inotify::add_watch(&events, directory.unwrap_or(Path::new(".")), KINDS)?;
        }
        Ok(FileEvents(events.into()))
    }

    /// Waits until something has happened.
    ///
    /// # Errors
    ///
    /// Nothing will be heard any more.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        // What it was does not matter, nor whether it is all: whoever hears of it looks.
        self.0.read(&mut [0; 4096]).map(drop)
    }
}

/// A file is written to its end, put in the place of another, made, taken away, or shown in another light.
const KINDS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB);
