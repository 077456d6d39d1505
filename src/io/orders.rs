//! What the operator asks a proxy for that runs: a file beside the one that it keeps clients and tokens in.
//!
//! ```text
//!  -oauth-revoke ada ── NAME.revoke-PID.new, renamed to NAME.revoke-PID ──▶ proxy: looks, revokes, writes, removes it
//!        └────────────────────── waits until it is gone ◀──────────────────────────────┘
//! ```
//!
//! Whoever may write to that directory may do with the logins what they like anyway.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Instant;

use crate::limits::{ORDER_BYTES_MAX, ORDER_CHECK_INTERVAL, ORDER_TIME_MAX};
use crate::proxy::Order;

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
    fs::rename(&draft, &order)?;
    let until = Instant::now() + ORDER_TIME_MAX;
    while order.exists() {
        if Instant::now() >= until {
            fs::remove_file(&order)?;
            return Ok(false);
        }
        thread::sleep(ORDER_CHECK_INTERVAL);
    }
    Ok(true)
}

/// All orders that are there.
pub(super) fn find(file: &Path) -> Vec<Order> {
    let (Some(directory), prefix) = (file.parent(), prefix(file)) else { return Vec::new() };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_order = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
    entries.filter(is_order).filter_map(read).collect()
}

fn read(path: PathBuf) -> Option<Order> {
    let is_short = fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= ORDER_BYTES_MAX as u64);
    let whose = fs::read_to_string(&path).ok().filter(|_| is_short)?;
    Some(Order { whose, path })
}
