//! However the proxy ends, and whichever of its helpers is killed: no descendant of a server is left.

use std::fs;
use std::path::PathBuf;
use std::process::{self, Child};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mcp_proxy::limits;
use rustix::process::{Signal, kill_process};

use crate::processes::{STUBBORN, is_stopped, marked, marked_processes, pid, survivors, wait_until};

/// A proxy with one server, which never answers and ends only when it is made to.
struct Proxy {
    process: Child,
    mark: String,
    config: PathBuf,
}

impl Proxy {
    fn start() -> Proxy {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("mcp-proxy-ends-{}-{}.json", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let config = std::env::temp_dir().join(name);
        let script = format!("trap '' TERM INT QUIT HUP; {STUBBORN} cat >/dev/null; sleep 999");
        let content = serde_json::json!({
            "mcpProxy": { "addr": "127.0.0.1:0", "options": { "inheritEnv": true } }, // the mark
            "mcpServers": { "stubborn": { "command": "sh", "args": ["-c", script] } },
        });
        fs::write(&config, content.to_string()).unwrap();
        let (mut command, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
        let process = command.arg("-config").arg(&config).stderr(process::Stdio::null()).spawn().unwrap();
        Proxy { process, mark, config }
    }

    /// Waits until every process that the server's script starts is there.
    fn wait_for_server(&self) {
        let sleeps = || survivors(&self.mark).iter().filter(|line| line.starts_with("sleep ")).count();
        wait_until("the server runs", || sleeps() >= 4);
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(&self.process), signal).unwrap();
    }

    /// Waits for the end of the proxy and of all that it started.
    fn end(mut self) {
        self.process.wait().unwrap();
        wait_until("nothing is left", || survivors(&self.mark).is_empty());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.config);
        let _ = self.process.kill(); // a failed test has not ended it
    }
}

#[test]
fn sigkill_at_any_moment() {
    for milliseconds in [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] {
        let proxy = Proxy::start();
        thread::sleep(Duration::from_millis(milliseconds));
        proxy.signal(Signal::KILL);
        proxy.end();
    }
}

#[test]
fn sigterm_is_insisted_on() {
    let proxy = Proxy::start();
    proxy.wait_for_server();
    proxy.signal(Signal::TERM);
    proxy.end();
}

/// Its log thread waits in a write, with the lock that everybody takes who writes there.
#[test]
fn a_proxy_that_fails_ends_although_nobody_reads_its_stderr() {
    let config = std::env::temp_dir().join(format!("mcp-proxy-ends-{}-unread.json", process::id()));
    let content = r#"{ "mcpProxy": { "addr": "127.0.0.1:0", "options": { "panicIfInvalid": true } },
        "mcpServers": { "broken": { "command": "false" } } }"#;
    fs::write(&config, content).unwrap();
    let (mut shell, _) = marked("sh");
    // As much as a pipe holds.
    let script = "head -c 65536 /dev/zero >&2; exec \"$0\" -config \"$1\" >/dev/null";
    let mut process = shell.args(["-c", script, env!("CARGO_BIN_EXE_mcp-proxy")]).arg(&config).spawn().unwrap();
    let mut status = None;
    wait_until("the proxy has ended", || {
        status = process.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(1));
    fs::remove_file(config).unwrap();
}

#[test]
fn a_second_sigterm_is_obeyed_at_once() {
    let mut proxy = Proxy::start();
    proxy.wait_for_server();
    let began = Instant::now();
    proxy.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(200)); // two that are pending at once are one
    proxy.signal(Signal::TERM);
    wait_until("the proxy is gone", || proxy.process.try_wait().unwrap().is_some());
    assert!(began.elapsed() < limits::STDIN_GRACE + limits::TERM_GRACE, "it has waited for its servers all the same");
    assert_eq!(survivors(&proxy.mark), Vec::<String>::new(), "the proxy ended before them");
    proxy.end();
}

#[test]
fn a_keeper_that_was_stopped_ends_with_the_proxy() {
    let proxy = Proxy::start();
    proxy.wait_for_server();
    for (keeper, _) in keepers(&proxy.mark) {
        kill_process(keeper, Signal::STOP).unwrap();
        wait_until("the keeper has stopped", || is_stopped(keeper));
    }
    proxy.signal(Signal::KILL);
    proxy.end();
}

#[test]
fn what_a_killed_keeper_kept_is_ended_by_the_proxy() {
    for _ in 0..5 {
        let proxy = Proxy::start();
        proxy.wait_for_server();
        let first_life: Vec<_> =
            marked_processes(&proxy.mark).into_iter().filter(|(id, _)| *id != pid(&proxy.process)).collect();
        for (keeper, _) in keepers(&proxy.mark) {
            kill_process(keeper, Signal::KILL).unwrap();
        }
        // The proxy starts a second life of the server meanwhile.
        wait_until("the first life is over", || {
            let now = marked_processes(&proxy.mark);
            first_life.iter().all(|process| !now.contains(process))
        });
        proxy.signal(Signal::KILL);
        proxy.end();
    }
}

fn keepers(mark: &str) -> Vec<(rustix::process::Pid, String)> {
    marked_processes(mark).into_iter().filter(|(_, line)| line.starts_with("mcp-keeper __keep")).collect()
}
