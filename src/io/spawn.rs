//! How a child process begins: three pipes and a keeper.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use mio::unix::pipe::{Receiver, Sender};
use rustix::process::{self, Pid};

use super::keeper;
use crate::config;
use crate::config::environment::Inheritance;
use crate::limits;

/// In the environment of every child, the process id of its proxy. If a keeper is killed, what it kept becomes a child
/// of the proxy, and this tells it from children that are none of ours: a container's first process inherits every
/// orphan, and a shell script that ends in `exec mcp-proxy` leaves us its background jobs.
pub(super) const OWNER_VARIABLE: &str = "MCP_PROXY_OWNER";

/// A keeper that runs, and the near ends of the command's pipes.
#[derive(Debug)]
pub(super) struct Spawned {
    pub(super) keeper: Pid,
    pub(super) stdin: Sender,
    pub(super) stdout: Receiver,
    pub(super) stderr: Receiver,
}

/// Starts a keeper for the command. Whether the command itself can be started shows only later, on its stderr and in
/// its exit status.
///
/// # Errors
///
/// The system refused another process or pipe, or the arguments are too long for it.
pub(super) fn spawn(command: &config::Command, nofile: &str) -> io::Result<Spawned> {
    let owner = process::getpid().to_string();
    let mut child = super::this_program(keeper::NAME)
        .args([keeper::VERB, &owner, nofile, "--", &command.program])
        .args(&command.args)
        .env_clear()
        .envs(inherited(command.inherits))
        .envs(command.env.iter().map(|(name, value)| (name, value)))
        .env(OWNER_VARIABLE, &owner)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal goes to its foreground group: to the proxy, which decides what its children hear of it.
        .process_group(0)
        .spawn()?;
    let missing = || io::Error::other("no pipe"); // never: all three were asked for
    let keeper = keeper::pid_of(&child).ok_or_else(missing)?;
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    widen(&stdin);
    widen(&stdout);
    let (stdin, stdout, stderr) = (Sender::from(stdin), Receiver::from(stdout), Receiver::from(stderr));
    stdin.set_nonblocking(true)?;
    stdout.set_nonblocking(true)?;
    stderr.set_nonblocking(true)?;
    Ok(Spawned { keeper, stdin, stdout, stderr })
}

/// What a child gets of our own environment.
fn inherited(inheritance: Inheritance) -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(move |(name, value)| inheritance.passes(&name.to_string_lossy(), value.to_str()))
}

/// A large message should pass in one go. The system refuses once a user has many wide pipes; narrow ones work too.
fn widen(pipe: &impl AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, limits::PIPE_BYTES);
}
