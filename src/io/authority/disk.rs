//! What is done on the thread that may wait for the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::io::clock::read_clock;
use crate::io::orders;
use crate::io::state_file::StateFile;
use crate::io::templates::Templates;
use crate::limits::OAUTH_FILE_BYTES_MAX;
use crate::oauth::store::document::compacted;
use crate::oauth::store::ledger::{Job, Write};
use crate::proxy::Outcome;

/// What the thread does.
#[derive(Debug)]
pub(super) enum DiskJob {
    Write(Write),
    /// Makes the file shorter. Nobody waits for that.
    Compact,
    LookAtTemplates,
    LookForOrders,
    /// An order was carried out.
    Fulfil(PathBuf),
}

/// What the thread has.
pub(super) struct Disk {
    file: StateFile,
    /// Whether the end of the file is what it should be: after half a change nothing may be appended.
    is_sound: bool,
    templates: Option<Templates>,
    /// Orders that could not be read at the last look.
    unreadable: Vec<PathBuf>,
}

impl Disk {
    /// Without templates.
    pub(super) fn new(file: StateFile) -> Disk {
        Disk { file, is_sound: true, templates: None, unreadable: Vec::new() }
    }

    /// With templates, below a directory.
    pub(super) fn with_templates(file: StateFile, directory: &Path) -> Disk {
        Disk { templates: Some(Templates::new(directory)), ..Disk::new(file) }
    }

    pub(super) fn work(&mut self, job: DiskJob) -> Option<Outcome> {
        match job {
            DiskJob::Write(Write { number, job }) => {
                let written = self.write(&job);
                self.is_sound = written.is_ok();
                let error = written.err().map(|error| format!("{}: {error}", self.file.path().display()));
                Some(Outcome::Written { number, error })
            }
            DiskJob::Compact => {
                self.compact();
                None
            }
            DiskJob::LookAtTemplates => {
                Some(Outcome::Templates(self.templates.as_mut().map(Templates::look).unwrap_or_default()))
            }
            DiskJob::LookForOrders => self.look_for_orders(),
            DiskJob::Fulfil(order) => {
                // One whose change is not on the disk is carried out again.
                if self.is_sound {
                    let _ = fs::remove_file(order); // taken back meanwhile
                }
                None
            }
        }
    }

    /// What cannot be read is told once, not at every look.
    fn look_for_orders(&mut self) -> Option<Outcome> {
        let (mut orders, mut problems, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
        for found in orders::find(self.file.path()) {
            match found {
                Ok(order) => orders.push(order),
                Err((path, problem)) => {
                    if !self.unreadable.contains(&path) {
                        problems.push(problem);
                    }
                    unreadable.push(path);
                }
            }
        }
        self.unreadable = unreadable;
        let is_empty = orders.is_empty() && problems.is_empty();
        (!is_empty).then_some(Outcome::Orders { orders, problems })
    }

    pub(super) fn write(&self, job: &Job) -> io::Result<()> {
        match job {
            Job::Rewrite(bytes) => self.file.replace(bytes),
            Job::Append(_) | Job::AppendAndCompact(_) if !self.is_sound => {
                Err(io::Error::other("a change before this one was not written whole"))
            }
            Job::Append(bytes) | Job::AppendAndCompact(bytes) => self.file.append(bytes),
        }
    }

    /// If it fails, the file is longer than it need be: nothing else.
    fn compact(&self) {
        let whole = self.file.read(OAUTH_FILE_BYTES_MAX).ok().flatten().filter(|_| self.is_sound);
        let now = read_clock().unix_seconds;
        if let Some(shorter) = whole.and_then(|whole| compacted(&whole, now)) {
            let _ = self.file.replace(&shorter);
        }
    }
}
