//! Processes under test, and what is left of them.
//!
//! Every process of a test carries a mark in its environment, by which whatever is left of it is found.

use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

/// A grandchild in a session of its own, one that ignores every polite signal, and one that is both and has children.
pub(crate) const STUBBORN: &str = r#"
    setsid sleep 1000 &
    (trap "" TERM INT HUP; sleep 1000; sleep 1000) &
    setsid sh -c 'trap "" TERM; sh -c "setsid sleep 1000 & sleep 1000"; sleep 1000' &
"#;

/// Far more than anything here takes: it only keeps a failing test from hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What of the caller's environment would decide about connections.
pub(crate) const CALLERS_OWN: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A command in a process group of its own, with pipes, and a mark that it hands down.
pub(crate) fn marked(program: &str) -> (Command, String) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let mark = format!("PROCESS_TEST={}.{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let (name, value) = mark.split_once('=').unwrap();
    let mut command = Command::new(program);
    command.env(name, value).process_group(0);
    for name in CALLERS_OWN {
        command.env_remove(name);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    (command, mark)
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}

/// The command lines of all living processes that carry the mark.
pub(crate) fn survivors(mark: &str) -> Vec<String> {
    marked_processes(mark).into_iter().map(|(_, line)| line).collect()
}

/// The ids and command lines of all living processes that carry the mark.
pub(crate) fn marked_processes(mark: &str) -> Vec<(Pid, String)> {
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| carries(path, mark)).filter_map(|path| Some((id(&path)?, command_line(&path)))).collect()
}

/// Whether the process has stopped: the signal that makes it stop takes a moment.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(')').is_some_and(|(_, fields)| fields.trim_start().starts_with('T'))
}

fn carries(process: &Path, mark: &str) -> bool {
    let environment = fs::read(process.join("environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
}

fn id(process: &Path) -> Option<Pid> {
    Pid::from_raw(process.file_name()?.to_str()?.parse().ok()?)
}

fn command_line(process: &Path) -> String {
    String::from_utf8_lossy(&fs::read(process.join("cmdline")).unwrap_or_default()).replace('\0', " ")
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Reads the line by which a script says that all its processes run.
pub(crate) fn wait_for_line(stdout: &mut ChildStdout) -> String {
    let mut line = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}
