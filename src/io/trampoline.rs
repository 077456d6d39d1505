//! The last step before the command: it ties its life to the keeper's, then becomes the command.
//!
//! The signal that a process gets when its parent dies must be set by the process itself, between `fork` and `exec`,
//! where safe Rust cannot run code. So the executable runs itself once more, sets it, and replaces itself by the
//! command; the setting survives that.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::io::Errno;
use rustix::process::{self, Signal};

/// The first argument that makes this executable a trampoline.
pub const VERB: &str = "__exec";

/// What a shell returns for a command that it cannot find.
const STATUS_NOT_FOUND: u8 = 127;
/// What a shell returns for a command that it cannot run.
const STATUS_CANNOT_RUN: u8 = 126;

/// Runs `__exec PARENT -- PROGRAM ARGUMENT…`; `args` is what follows the verb. Returns only if the program cannot be
/// started, with one line on stderr.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let [parent, _, program, arguments @ ..] = args.as_slice() else {
        super::report(format_args!("{VERB} is started by the keeper only"));
        return ExitCode::from(STATUS_CANNOT_RUN);
    };
    if process::set_parent_process_death_signal(Some(Signal::KILL)).is_err() || !is_child_of(parent) {
        return ExitCode::from(STATUS_CANNOT_RUN);
    }
    let error = Command::new(program).args(arguments).exec();
    super::report(explain(program, &error));
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { STATUS_NOT_FOUND } else { STATUS_CANNOT_RUN })
}

/// Whether the process that started us still is our parent. A parent that died before the death signal was set raises
/// none.
pub(super) fn is_child_of(parent: &OsStr) -> bool {
    let ours = process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
    parent.to_str() == Some(ours.to_string().as_str())
}

/// One line for the log: what is wrong with the command, in terms of what the user can change.
fn explain(program: &OsStr, error: &io::Error) -> String {
    let path = Path::new(program);
    let mut line = format!("cannot start {program:?}: ");
    let is_looked_up = path.components().count() == 1 && !program.to_string_lossy().contains('/');
    // A String takes everything, so writing to it cannot fail.
    let _ = match Errno::from_io_error(error) {
        Some(Errno::NOENT) if is_looked_up => {
            let searched = env::var_os("PATH").unwrap_or_default();
            write!(line, "not found in PATH ({})", searched.to_string_lossy())
        }
        Some(Errno::NOENT) if path.is_relative() && env::current_dir().is_err() => {
            write!(line, "the proxy's working directory no longer exists")
        }
        Some(Errno::NOENT) if path.exists() => write!(line, "the interpreter that it names was not found"),
        Some(Errno::NOENT) => write!(line, "no such file"),
        Some(Errno::ACCESS) if path.is_dir() => write!(line, "it is a directory"),
        Some(Errno::ACCESS) => write!(line, "permission denied; is the file executable (chmod +x)?"),
        Some(Errno::NOEXEC) => write!(line, "neither a program for this machine nor a script with a #! line"),
        Some(Errno::TOOBIG) => write!(line, "its arguments and environment are too long"),
        Some(_) | None => write!(line, "{error}"),
    };
    line
}
