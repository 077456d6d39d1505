//! `-eject-templates`: the built-in pages as files, to be changed.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::oauth::pages::Page;

/// Where they go if nothing else is said: where they are looked for then, too.
pub const FOLDER: &str = "templates";

/// The folder in that folder.
const SUBFOLDER: &str = "oauth";

/// Why they were not written, or not all of them. Displays as advice.
#[derive(Debug)]
pub enum EjectError {
    /// These are there already; nothing was written.
    Existing(Vec<PathBuf>),
    /// What the system says.
    System(PathBuf, io::Error),
}

impl fmt::Display for EjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EjectError::Existing(paths) => {
                for path in paths {
                    writeln!(f, "{path:?} is there already")?;
                }
                f.write_str("    Nothing was written. -force replaces what is there.")
            }
            EjectError::System(path, error) => write!(f, "cannot write {path:?}: {error}"),
        }
    }
}

impl std::error::Error for EjectError {}

/// Writes all of them, below `folder`, and says where.
///
/// # Errors
/// Unless `is_forced`, no file may be there.
pub fn write(folder: &Path, is_forced: bool) -> Result<Vec<(Page, PathBuf)>, EjectError> {
    let folder = folder.join(SUBFOLDER);
    let files = Page::ALL.map(|page| (page, folder.join(page.file_name())));
    let existing = files.iter().filter(|(_, path)| fs::symlink_metadata(path).is_ok()).map(|(_, path)| path.clone());
    let existing: Vec<PathBuf> = existing.collect();
    if !existing.is_empty() && !is_forced {
        return Err(EjectError::Existing(existing));
    }
    fs::create_dir_all(&folder).map_err(|error| EjectError::System(folder.clone(), error))?;
    for (page, path) in &files {
        let written = if is_forced { replace(path, page.built_in()) } else { create(path, page.built_in()) };
        written.map_err(|error| EjectError::System(path.clone(), error))?;
    }
    Ok(files.to_vec())
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// At one blow: a proxy that runs reads the file as soon as it changes.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let replaced = create(&new, text).and_then(|()| fs::rename(&new, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&new);
    }
    replaced
}

/// What is printed.
pub fn report(files: &[(Page, PathBuf)]) -> String {
    let mut text = String::new();
    for (page, path) in files {
        let what = match page {
            Page::Authorize => "the login page",
            Page::Success => "what comes behind it",
        };
        text.push_str(&format!("{}: {what}\n", path.display()));
    }
    text.push_str(
        "\nEach takes the place of the built-in page as long as it is there, if oauth2.templateDir is the folder\n\
         (templates, unless you write another). What you change counts at once.\n",
    );
    text
}
