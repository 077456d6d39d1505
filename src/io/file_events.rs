//! Says when something happens on the way to a file, so that nobody has to look at it all the time (inotify).
//!
//! ```text
//!  /opt/app/current/config.json    current -> releases/2
//!      └─ is the link bent?         config.json in releases/2, or anything beside it?
//! ```
//!
//! A watch belongs to an inode, not to a path: once a link is bent, or a directory made anew, it hears nothing. So the
//! way is walked again at every look. Only the file systems of this machine say what happens: of a change that
//! another one makes, over a network, nothing is heard.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::limits;

/// What happens on the way to a file.
#[derive(Debug)]
pub(super) struct FileEvents {
    inotify: Arc<File>,
    /// The present watches.
    watches: Vec<i32>,
}

/// Hears what happens.
#[derive(Debug)]
pub(super) struct Listener(Arc<File>);

impl FileEvents {
    /// Of no file yet.
    ///
    /// # Errors
    ///
    /// The system has no such thing, or none left.
    pub(super) fn new() -> io::Result<FileEvents> {
        let inotify: File = inotify::init(CreateFlags::CLOEXEC)?.into();
        Ok(FileEvents { inotify: Arc::new(inotify), watches: Vec::new() })
    }

    /// Who hears what happens.
    pub(super) fn listener(&self) -> Listener {
        Listener(Arc::clone(&self.inotify))
    }

    /// Watches the way to a file as it is now, and no other way any more.
    ///
    /// # Errors
    ///
    /// Not all of it can be watched: there may be nothing there, or no watch left.
    pub(super) fn watch(&mut self, path: &Path) -> io::Result<()> {
        let mut watches = Vec::new();
        let result = self.add_way(path, &mut watches);
        for gone in self.watches.iter().filter(|old| !watches.contains(old)) {
            let _ = inotify::remove_watch(&self.inotify, *gone); // it may have gone with its inode
        }
        self.watches = watches;
        result
    }

    fn add_way(&self, path: &Path, watches: &mut Vec<i32>) -> io::Result<()> {
        let (mut at, mut links) = (PathBuf::new(), 0);
        let mut rest = components(path);
        while let Some(name) = rest.pop() {
            let next = at.join(&name);
            if !next.is_symlink() {
                at = next;
                continue;
            }
            links += 1;
            if links > limits::CONFIG_LINKS_MAX {
                return Err(ErrorKind::InvalidInput.into());
            }
            // Before it is read: whoever bends it afterwards is heard.
            self.add(directory(&at), watches)?;
            rest.extend(components(&fs::read_link(&next)?));
        }
        self.add(at.parent().map_or(Path::new("."), directory), watches)?;
        // The file itself, too: it may have another name, in another directory or container, by which it is written.
        match self.add(&at, watches) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()), // the directory tells when it comes
            added => added,
        }
    }

    /// What is watched already is watched on.
    fn add(&self, path: &Path, watches: &mut Vec<i32>) -> io::Result<()> {
        watches.push(inotify::add_watch(&self.inotify, path, KINDS)?);
        Ok(())
    }
}

impl Listener {
    /// Waits until something has happened.
    ///
    /// # Errors
    ///
    /// Nothing will be heard any more.
    pub(super) fn wait(&self) -> io::Result<()> {
        // What it was does not matter, nor whether it is all: whoever hears of it looks.
        (&*self.0).read(&mut [0; 4096]).map(drop)
    }
}

/// The last one first. One that begins at the root leads away from wherever it is joined to.
fn components(path: &Path) -> Vec<OsString> {
    path.components().rev().map(Component::as_os_str).map(OsString::from).collect()
}

/// What is before a name that stands alone.
fn directory(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

/// A file is written to its end, put in the place of another, made, taken away, or shown in another light; a directory
/// is called something else. That one is gone is told in any case.
const KINDS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB);
