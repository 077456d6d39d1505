//! A file that must survive everything.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use mcp_proxy::io::state_file::{StateFile, StateFileError};

const NAME: &str = "state.json";

/// A directory that goes with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-proxy-state-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Folder(path)
    }

    fn open(&self) -> StateFile {
        let (file, warnings) = StateFile::open(&self.0, NAME).unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn what_is_written_is_there_and_for_nobody_else() {
    let folder = Folder::new();
    let file = folder.open();
    assert_eq!(file.read(100).unwrap(), None);
    file.replace(b"one").unwrap();
    file.replace(b"another").unwrap();
    assert_eq!(file.read(7).unwrap().as_deref(), Some(&b"another"[..]));
    assert_eq!(file.read(6).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(mode(file.path()), 0o600);
    let mut left: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [NAME, "state.json.lock"]);
    drop(file);
    assert_eq!(folder.open().read(100).unwrap().as_deref(), Some(&b"another"[..]));
}

#[test]
fn what_is_appended_stands_at_the_end() {
    let folder = Folder::new();
    let file = folder.open();
    assert_eq!(file.append(b"x").unwrap_err().kind(), ErrorKind::NotFound);
    file.replace(b"one\n").unwrap();
    file.append(b"two\n").unwrap();
    file.append(b"three\n").unwrap();
    assert_eq!(file.read(100).unwrap().as_deref(), Some(&b"one\ntwo\nthree\n"[..]));
    file.replace(b"four\n").unwrap();
    file.append(b"five\n").unwrap();
    assert_eq!(file.read(100).unwrap().as_deref(), Some(&b"four\nfive\n"[..]));
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = Folder::new();
    let file = folder.open();
    let error = StateFile::open(&folder.0, NAME).unwrap_err();
    assert!(matches!(error, StateFileError::InUse(_)), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(file);
    folder.open();
}

#[test]
fn the_directory_is_made_with_all_above_it() {
    let folder = Folder::new();
    let inner = folder.0.join("a/b");
    let (file, warnings) = StateFile::open(&inner, NAME).unwrap();
    assert_eq!((mode(&inner), warnings.len()), (0o700, 0));
    file.replace(b"x").unwrap();
}

#[test]
fn what_others_could_read_is_closed_to_them() {
    let folder = Folder::new();
    fs::write(folder.0.join(NAME), "x").unwrap();
    fs::set_permissions(folder.0.join(NAME), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&folder.0, Permissions::from_mode(0o755)).unwrap();
    let (file, warnings) = StateFile::open(&folder.0, NAME).unwrap();
    assert_eq!((mode(&folder.0), mode(file.path())), (0o700, 0o600));
    assert_eq!(warnings.len(), 2);
    assert!(warnings[1].contains("(mode 644)"), "{warnings:?}");
}

#[test]
fn a_directory_that_is_everybodys_stays_so() {
    let folder = Folder::new();
    fs::set_permissions(&folder.0, Permissions::from_mode(0o1777)).unwrap();
    let (file, warnings) = StateFile::open(&folder.0, NAME).unwrap();
    assert_eq!(fs::metadata(&folder.0).unwrap().mode() & 0o7777, 0o1777);
    assert!(matches!(&warnings[..], [one] if one.contains("(mode 1777), and meant to be")), "{warnings:?}");
    file.replace(b"x").unwrap();
    assert_eq!(mode(file.path()), 0o600);
}

#[test]
fn what_a_killed_one_left_does_no_harm() {
    let folder = Folder::new();
    let file = folder.open();
    file.replace(b"good").unwrap();
    fs::write(folder.0.join("state.json.new"), "ha").unwrap();
    assert_eq!(file.read(100).unwrap().as_deref(), Some(&b"good"[..]));
    file.replace(b"better").unwrap();
    assert_eq!(file.read(100).unwrap().as_deref(), Some(&b"better"[..]));
}

#[test]
fn what_is_of_no_use_is_kept_under_another_name() {
    let folder = Folder::new();
    let file = folder.open();
    file.replace(b"{").unwrap();
    let aside = file.set_aside(1_700_000_000).unwrap();
    assert!(aside.ends_with("state.json.corrupt-1700000000"), "{aside:?}");
    assert_eq!(fs::read(aside).unwrap(), b"{");
    assert_eq!(file.read(100).unwrap(), None);
    file.replace(b"{}").unwrap();
}

#[test]
fn a_directory_that_is_a_file_is_an_error_that_names_it() {
    let folder = Folder::new();
    let path = folder.0.join("file");
    fs::write(&path, "").unwrap();
    let error = StateFile::open(&path, NAME).unwrap_err();
    assert!(matches!(&error, StateFileError::Directory(named, _) if *named == path), "{error}");
}
