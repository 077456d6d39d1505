//! What the operator asks a proxy for that runs: a file beside the one that it keeps clients and tokens in.
//!
//! ```text
//!  -oauth-revoke ada ── .NAME.revoke-PID, renamed to NAME.revoke-PID ──▶ proxy: looks, revokes, writes, removes it
//!        └────────────────────── waits until it is gone ◀───────────────────────────┘
//! ```
//!
//! Whoever may write to that directory may do with the logins what they like anyway.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Instant;

use crate::limits::{ORDER_BYTES_MAX, ORDER_CHECK_INTERVAL, ORDER_TIME_MAX};
use crate::proxy::Order;

/// Everybody who gets to the file may read it.
const ORDER_MODE: u32 = 0o644;

/// How the names of orders begin.
fn prefix(file: &Path) -> String {
    format!("{}.revoke-", file.file_name().unwrap_or_default().to_string_lossy())
}

/// Leaves an order, and waits until it was carried out. Says whether it was: otherwise it is taken back.
pub(super) fn give(file: &Path, whose: &str) -> io::Result<bool> {
    let name = format!("{}{}", prefix(file), process::id());
    let order = file.with_file_name(&name);
    let draft = file.with_file_name(format!(".{name}")); // nobody reads half an order
    fs::write(&draft, whose)?;
    // The proxy may be another user, whatever the umask here: nothing in it is a secret, and the directory is closed.
    fs::set_permissions(&draft, Permissions::from_mode(ORDER_MODE))?;
    fs::rename(&draft, &order)?;
    let until = Instant::now() + ORDER_TIME_MAX;
    while order.exists() {
        if Instant::now() >= until {
            return match fs::remove_file(&order) {
                Ok(()) => Ok(false),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(true), // it was carried out just now
                Err(error) => Err(error),
            };
        }
        thread::sleep(ORDER_CHECK_INTERVAL);
    }
    Ok(true)
}

/// Why one of them cannot be carried out, and which.
pub(super) type Unreadable = (PathBuf, String);

/// All orders that are there.
pub(super) fn find(file: &Path) -> Vec<Result<Order, Unreadable>> {
    let (Some(directory), prefix) = (file.parent(), prefix(file)) else { return Vec::new() };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_order = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
    entries.filter(is_order).filter_map(read).collect()
}

/// `None`: it was taken back meanwhile.
fn read(path: PathBuf) -> Option<Result<Order, Unreadable>> {
    let whose = File::open(&path).and_then(|file| {
        let mut whose = String::new();
        file.take(ORDER_BYTES_MAX as u64 + 1).read_to_string(&mut whose)?;
        if whose.len() > ORDER_BYTES_MAX { Err(ErrorKind::FileTooLarge.into()) } else { Ok(whose) }
    });
    match whose {
        Ok(whose) => Some(Ok(Order { whose, path })),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            let reason = format!("{} cannot be read, so nobody is logged out by it: {error}", path.display());
            Some(Err((path, reason)))
        }
    }
}
