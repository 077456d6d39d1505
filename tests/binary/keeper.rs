//! The keeper, alone: no descendant survives, and the end of the command is reported as it was.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Child, ChildStdout, ExitStatus};

use rustix::process::{Signal, kill_process};

use crate::processes::{STUBBORN, marked, pid, survivors, wait_for_line, wait_until};

struct Kept {
    keeper: Child,
    mark: String,
}

impl Kept {
    /// A keeper, as the proxy starts it, that runs a shell script.
    fn shell(script: &str) -> Kept {
        Kept::start(&["sh", "-c", script])
    }

    fn start(command: &[&str]) -> Kept {
        let (mut keeper, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
        keeper.args(["__keep", &process::id().to_string(), "-", "--"]).args(command);
        Kept { keeper: keeper.spawn().unwrap(), mark }
    }

    fn stdout(&mut self) -> ChildStdout {
        self.keeper.stdout.take().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(&self.keeper), signal).unwrap();
    }

    /// Waits for the keeper's end, and fails if anything outlives it.
    fn end(mut self) -> (ExitStatus, String) {
        drop(self.keeper.stdin.take());
        let mut stderr = String::new();
        self.keeper.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = self.keeper.wait().unwrap();
        assert_eq!(survivors(&self.mark), Vec::<String>::new(), "the keeper ended before them");
        (status, stderr)
    }
}

#[test]
fn an_exit_status_is_passed_on() {
    for code in [0, 1, 7, 255] {
        let (status, stderr) = Kept::shell(&format!("exit {code}")).end();
        assert_eq!((status.code(), stderr.as_str()), (Some(code), ""));
    }
}

#[test]
fn a_deadly_signal_is_passed_on() {
    for (name, number) in [("KILL", 9), ("SEGV", 11), ("TERM", 15), ("ABRT", 6), ("QUIT", 3), ("HUP", 1)] {
        let (status, _) = Kept::shell(&format!("kill -{name} $$; sleep 1000")).end();
        assert_eq!(status.signal(), Some(number), "{name}");
    }
}

#[test]
fn a_command_that_cannot_be_started_is_explained() {
    let directory = env!("CARGO_MANIFEST_DIR");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (program, code, words) in [
        ("no-such-program-anywhere", 127, "not found in PATH ("),
        ("./no/such/file", 127, "no such file"),
        (directory, 126, "it is a directory"),
        (source, 126, "permission denied"),
    ] {
        let (status, stderr) = Kept::start(&[program]).end();
        assert_eq!(status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(words) && stderr.contains(program) && stderr.lines().count() == 1, "{stderr}");
    }
}

#[test]
fn arguments_and_environment_arrive_as_they_are() {
    let mut kept =
        Kept::start(&["sh", "-c", r#"printf '%s|' "$@"; echo "$PROCESS_TEST""#, "sh", "a b", "", "--", "ü*$x"]);
    let line = wait_for_line(&mut kept.stdout());
    let value = kept.mark.split_once('=').unwrap().1.to_owned();
    assert_eq!(line, format!("a b||--|ü*$x|{value}"));
    assert!(kept.end().0.success());
}

#[test]
fn sigterm_reaches_the_command_and_its_group() {
    let script =
        "trap 'exit 3' TERM; (trap 'echo child; exit' TERM; echo up; while :; do sleep 0.01; done) & wait; exit 9";
    let mut kept = Kept::shell(script);
    let mut stdout = kept.stdout();
    assert_eq!(wait_for_line(&mut stdout), "up");
    kept.signal(Signal::TERM);
    assert_eq!(wait_for_line(&mut stdout), "child");
    assert_eq!(kept.end().0.code(), Some(3));
}

#[test]
fn what_the_command_leaves_behind_is_ended() {
    let (status, _) = Kept::shell(&format!("{STUBBORN} exit 5")).end();
    assert_eq!(status.code(), Some(5));
}

#[test]
fn what_a_killed_command_leaves_behind_is_ended() {
    let (status, _) = Kept::shell(&format!("{STUBBORN} kill -KILL $$")).end();
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn a_descendant_has_a_moment_to_end_in_order() {
    let mut kept =
        Kept::shell("setsid sh -c 'trap \"echo bye; exit\" TERM; echo up; while :; do sleep 0.01; done' & read x");
    let mut stdout = kept.stdout();
    assert_eq!(wait_for_line(&mut stdout), "up");
    drop(kept.keeper.stdin.take());
    assert_eq!(wait_for_line(&mut stdout), "bye");
    kept.end();
}

#[test]
fn sigquit_ends_everything() {
    let mut kept = Kept::shell(&format!("trap '' TERM QUIT INT; {STUBBORN} echo up; while :; do sleep 1000; done"));
    assert_eq!(wait_for_line(&mut kept.stdout()), "up");
    kept.signal(Signal::QUIT);
    assert_eq!(kept.end().0.signal(), Some(9));
}

#[test]
fn sigquit_outruns_a_command_that_keeps_forking() {
    let mut kept = Kept::shell("echo up; for i in $(seq 400); do setsid sleep 1000 & done; wait");
    assert_eq!(wait_for_line(&mut kept.stdout()), "up");
    kept.signal(Signal::QUIT);
    assert_eq!(kept.end().0.signal(), Some(9));
}

#[test]
fn the_death_of_the_proxy_ends_everything() {
    for _ in 0..10 {
        // A shell stands in for the proxy.
        let (mut parent, mark) = marked("sh");
        let keeper = r#""$KEEPER" __keep $$ - -- sh -c "$0 echo up; while :; do sleep 1000; done" & wait"#;
        parent.args(["-c", keeper, &format!("trap '' TERM QUIT; {STUBBORN}")]);
        let mut parent = parent.env("KEEPER", env!("CARGO_BIN_EXE_mcp-proxy")).spawn().unwrap();
        assert_eq!(wait_for_line(parent.stdout.as_mut().unwrap()), "up");
        parent.kill().unwrap();
        parent.wait().unwrap();
        wait_until("no descendant is left", || survivors(&mark).is_empty());
    }
}

#[test]
fn a_keeper_that_is_started_by_nobody_ends_at_once() {
    let (mut keeper, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    let keeper = keeper.args(["__keep", "1073741824", "-", "--", "sleep", "1000"]).spawn().unwrap();
    assert_eq!(Kept { keeper, mark }.end().0.code(), Some(125));
}

#[test]
fn the_death_of_the_keeper_ends_the_command() {
    let mut kept = Kept::shell("trap '' TERM QUIT; echo up; exec sleep 1000");
    assert_eq!(wait_for_line(&mut kept.stdout()), "up");
    kept.keeper.kill().unwrap();
    kept.keeper.wait().unwrap();
    wait_until("the command is gone", || survivors(&kept.mark).is_empty());
}

#[test]
fn a_pipe_that_the_command_closes_is_seen_closed() {
    let mut kept = Kept::shell("exec 0<&- 1>&- 2>&-; while :; do sleep 1000; done");
    let mut rest = Vec::new();
    kept.stdout().read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
    assert!(kept.keeper.try_wait().unwrap().is_none(), "the command still runs");
    kept.signal(Signal::QUIT);
    kept.end();
}

#[test]
fn the_limit_on_descriptors_is_the_one_given() {
    let (mut keeper, mark) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    let keeper = keeper.args(["__keep", &process::id().to_string(), "99", "--", "sh", "-c", "ulimit -n"]).spawn();
    let mut kept = Kept { keeper: keeper.unwrap(), mark };
    assert_eq!(wait_for_line(&mut kept.stdout()), "99");
    kept.end();
}
