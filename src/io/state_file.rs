//! A file that must survive everything, and is used by one process at a time.
//!
//! ```text
//! replace:  NAME.new (0600) ── fsync ── rename to NAME ── fsync of the directory
//! append:   to the end of NAME ── fdatasync
//! lock:     NAME.lock, held as long as the value lives
//! ```
//!
//! Whoever is killed while replacing leaves the old content or the new one behind; while appending, perhaps a part of
//! what was to be appended. Everything here blocks: it is for worker threads.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// For the owner only: the file holds what opens servers.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// Everybody may put files there, and take away their own.
const EVERYBODYS: u32 = 0o1777;

/// Why there is no such file to be had. Displays as advice.
#[derive(Debug)]
pub enum StateFileError {
    /// Its directory cannot be made or used.
    Directory(PathBuf, io::Error),
    /// The file, or one beside it.
    File(PathBuf, io::Error),
    /// Another process uses it.
    InUse(PathBuf),
}

impl fmt::Display for StateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateFileError::Directory(path, error) => {
                write!(f, "the directory {} cannot be used: {error}", path.display())
            }
            StateFileError::File(path, error) => write!(f, "{} cannot be used: {error}", path.display()),
            StateFileError::InUse(path) => {
                write!(f, "{} is in use by another process: give each proxy a directory of its own", path.display())
            }
        }
    }
}

impl std::error::Error for StateFileError {}

/// The file, locked.
#[derive(Debug)]
pub struct StateFile {
    directory: PathBuf,
    path: PathBuf,
    /// Released by the system when the process ends, however it does.
    _lock: File,
}

impl StateFile {
    /// Locks the file `name` in `directory`, which is made if it is not there. What others could read before is closed
    /// to them; the second value says so.
    ///
    /// # Errors
    ///
    /// See [`StateFileError`].
    pub fn open(directory: &Path, name: &str) -> Result<(StateFile, Vec<String>), StateFileError> {
        let of_directory = |error| StateFileError::Directory(directory.to_owned(), error);
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(of_directory)?;
        let path = directory.join(name);
        let lock_path = directory.join(format!("{name}.lock"));
        let of_lock = |error| StateFileError::File(lock_path.clone(), error);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(&lock_path);
        let lock = lock.map_err(of_lock)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateFileError::InUse(path)),
            Err(TryLockError::Error(error)) => return Err(of_lock(error)),
        }
        let mut warnings = Vec::new();
        warnings.extend(tighten_directory(directory).map_err(of_directory)?);
        let of_file = |error| StateFileError::File(path.clone(), error);
        warnings.extend(tighten(&path, FILE_MODE).or_else(if_missing).map_err(of_file)?);
        Ok((StateFile { directory: directory.to_owned(), path, _lock: lock }, warnings))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What such a file holds at this moment, whoever has locked it.
    ///
    /// # Errors
    ///
    /// What the system says, and [`ErrorKind::FileTooLarge`] for more than `bytes_max`.
    pub fn peek(path: &Path, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > bytes_max {
            return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {bytes_max} bytes")));
        }
        Ok(Some(bytes))
    }

    /// What it holds; `None` if there is none.
    ///
    /// # Errors
    ///
    /// As [`StateFile::peek`].
    pub fn read(&self, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        StateFile::peek(&self.path, bytes_max)
    }

    /// Replaces what it holds. When this returns, the new content is on the disk.
    ///
    /// # Errors
    ///
    /// What the system says; the old content is there unchanged, unless the disk itself failed at the very end.
    pub fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let draft = self.beside("new");
        // Left by one that was killed.
        fs::remove_file(&draft).or_else(if_missing)?;
        let written = self.write_draft(&draft, bytes);
        if written.is_err() {
            let _ = fs::remove_file(&draft); // it would take room on a full disk
        }
        written
    }

    fn write_draft(&self, draft: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(FILE_MODE).open(draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, &self.path)?;
        File::open(&self.directory)?.sync_all()
    }

    /// Adds to the end of what it holds. When this returns, that is on the disk.
    ///
    /// # Errors
    ///
    /// What the system says; a part may stand there then, and the file is to be replaced.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    /// Renames the file, which is of no use, so that nothing of it is lost. Returns its new name.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_aside(&self, unix_seconds: u64) -> io::Result<PathBuf> {
        let aside = self.beside(&format!("corrupt-{unix_seconds}"));
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }
}

/// The same for the directory, as far as it is ours: one that is everybody's, such as `/tmp`, would be of use to nobody
/// else any more, and the mode of a volume that was mounted for us may be another's business.
fn tighten_directory(directory: &Path) -> io::Result<Option<String>> {
    let present = fs::metadata(directory)?.mode() & 0o7777;
    let loose = |why: &str| {
        let directory = directory.display();
        Ok(Some(format!("{directory} is open to others (mode {present:o}), and {why}: use a directory of its own")))
    };
    if present & EVERYBODYS == EVERYBODYS {
        return loose("meant to be");
    }
    match tighten(directory, DIRECTORY_MODE) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => loose("belongs to somebody else"),
        tightened => tightened,
    }
}

/// Takes others' rights away. Says so if there were any.
fn tighten(path: &Path, mode: u32) -> io::Result<Option<String>> {
    let present = fs::metadata(path)?.mode() & 0o777;
    if present & !mode == 0 {
        return Ok(None);
    }
    fs::set_permissions(path, Permissions::from_mode(present & mode))?;
    Ok(Some(format!("{} was open to others (mode {present:o}); it is for its owner only now", path.display())))
}

/// What is not there yet is no error.
fn if_missing<T: Default>(error: io::Error) -> io::Result<T> {
    if error.kind() == ErrorKind::NotFound { Ok(T::default()) } else { Err(error) }
}
