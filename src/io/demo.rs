//! Runs the demo server on stdin and stdout, as a child of the proxy or of any other client.
//!
//! One thread waits for lines and for the server's deadlines, and writes, blocking: a client that does not read makes
//! it wait, and its input with it.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::codec::lines::{Line, Lines, Overlong};
use crate::demo::{DemoServer, Effect};
use crate::limits::{DEMO_READ_BYTES, LINE_BYTES_MAX};

/// Whether to go on.
enum Flow {
    Continue,
    Exit(ExitCode),
}

/// Serves until stdin ends (status 0), the tool `crash` is called (its status), or stdin or stdout cannot be
/// used any more (status 1).
pub fn run() -> ExitCode {
    let mut server = DemoServer::new();
    let mut lines = Lines::new(LINE_BYTES_MAX, Overlong::Skip);
    let mut buffer = vec![0; DEMO_READ_BYTES];
    loop {
        let count = match read(&mut buffer, server.poll_timeout()) {
            Ok(count) => count,
            Err(_) => return ExitCode::FAILURE,
        };
        let mut input = &buffer[..count.unwrap_or_default()];
        while let Some(line) = lines.handle(&mut input) {
            if let Flow::Exit(code) = on_line(&mut server, line) {
                return code;
            }
        }
        if count == Some(0) {
            return match lines.finish().map(|line| on_line(&mut server, line)) {
                Some(Flow::Exit(code)) => code,
                Some(Flow::Continue) | None => ExitCode::SUCCESS,
            };
        }
        server.handle_timeout(Instant::now());
        if let Flow::Exit(code) = write_output(&mut server) {
            return code;
        }
    }
}

/// Waits for bytes on stdin, and takes them: none at its end. `None`: the deadline came first.
fn read(buffer: &mut [u8], deadline: Option<Instant>) -> io::Result<Option<usize>> {
    let mut stdin = io::stdin().lock();
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], left.map(timespec).as_ref()) {
        Ok(0) => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    match stdin.read(buffer) {
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
        result => result.map(Some),
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: duration.subsec_nanos().into() }
}

fn on_line(server: &mut DemoServer, line: Line<'_>) -> Flow {
    let now = Instant::now();
    match line {
        Line::Whole(line) | Line::Truncated(line) => server.handle_line(line, now),
        Line::Lump { lump, length } => server.handle_line(&lump[..length], now),
        // What follows it could not be trusted to be a message.
        Line::TooLong => {
            super::report(format_args!("demo: a line of more than {LINE_BYTES_MAX} bytes: giving up"));
            return Flow::Exit(ExitCode::FAILURE);
        }
    }
    // While lines keep coming, nobody waits for the deadline.
    server.handle_timeout(now);
    write_output(server)
}

fn write_output(server: &mut DemoServer) -> Flow {
    let mut stdout = io::stdout().lock();
    while let Some(effect) = server.poll_output() {
        match effect {
            Effect::Line(mut line) => {
                line.push('\n');
                // stdout is line-buffered: this is one write, and nothing is left behind.
                if stdout.write_all(line.as_bytes()).is_err() {
                    return Flow::Exit(ExitCode::FAILURE);
                }
            }
            Effect::Stderr(line) => super::report(&line),
            Effect::Exit(code) => return Flow::Exit(u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from)),
        }
    }
    Flow::Continue
}
