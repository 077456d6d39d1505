//! Files in the place of built-in pages: looked at before each page, and read when they have changed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::stamp::Stamp;
use crate::limits::TEMPLATE_BYTES_MAX;
use crate::oauth::pages::Page;
use crate::proxy::TemplateChange;

/// The files, and what they looked like last.
#[derive(Debug)]
pub(super) struct Templates {
    files: Vec<(Page, PathBuf, Option<Stamp>)>,
}

impl Templates {
    /// Below `{directory}/oauth`.
    pub(super) fn new(directory: &Path) -> Templates {
        let file = |page: Page| (page, directory.join("oauth").join(page.file_name()), None);
        Templates { files: Page::ALL.map(file).to_vec() }
    }

    /// What has changed since the last look; at first, what is there.
    pub(super) fn look(&mut self) -> Vec<TemplateChange> {
        let mut changes = Vec::new();
        for (page, path, seen) in &mut self.files {
            let now = Stamp::of(path);
            if now != std::mem::replace(seen, now) {
                let source = if now.is_some() { read(path).map(Some) } else { Ok(None) };
                let source = source.map_err(|error| format!("cannot read {}: {error}", path.display()));
                changes.push(TemplateChange { page: *page, file: path.display().to_string(), source });
            }
        }
        changes
    }
}

fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        // Nobody may ever write into a pipe, and the tokens of all wait behind it.
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    let mut text = String::new();
    File::open(path)?.take(TEMPLATE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {TEMPLATE_BYTES_MAX} bytes")));
    }
    Ok(text)
}
