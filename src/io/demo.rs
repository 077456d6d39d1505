//! Runs the demo server on stdin and stdout, as a child of the proxy or of any other client.
//!
//! One thread reads lines, blocking; the other waits for them and for the server's deadlines, and writes, blocking:
//! a client that does not read makes it wait, and its input with it.

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use crate::demo::{DemoServer, Effect};
use crate::limits::{DEMO_LINES_AHEAD_MAX, LINE_BYTES_MAX};

/// What the main thread waited for.
enum Event {
    Line(Vec<u8>),
    /// A line longer than any message may be. What follows it could not be trusted to be a message.
    TooLong,
    Deadline,
    /// stdin ended: nobody is there any more.
    End,
}

/// Whether to go on.
enum Flow {
    Continue,
    Exit(ExitCode),
}

/// Serves until stdin ends (status 0), the tool `crash` is called (its status), or stdin or stdout cannot be
/// used any more (status 1).
pub fn run() -> ExitCode {
    let (sender, lines) = sync_channel(DEMO_LINES_AHEAD_MAX);
    thread::spawn(move || read_lines(&sender));
    let mut server = DemoServer::new();
    loop {
        match next_event(&lines, server.poll_timeout()) {
            Event::Line(line) => server.handle_line(&line, Instant::now()),
            Event::TooLong => {
                super::report(format_args!("demo: a line of more than {LINE_BYTES_MAX} bytes: giving up"));
                return ExitCode::FAILURE;
            }
            Event::Deadline => {}
            Event::End => return ExitCode::SUCCESS,
        }
        // After lines too: while they keep coming, the deadline alone would never be the event.
        server.handle_timeout(Instant::now());
        if let Flow::Exit(code) = write_output(&mut server) {
            return code;
        }
    }
}

fn next_event(lines: &Receiver<Event>, deadline: Option<Instant>) -> Event {
    let received = match deadline {
        None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(deadline) => lines.recv_timeout(deadline.saturating_duration_since(Instant::now())),
    };
    match received {
        Ok(event) => event,
        Err(RecvTimeoutError::Timeout) => Event::Deadline,
        Err(RecvTimeoutError::Disconnected) => Event::End,
    }
}

/// Returns at the end of stdin, at an error (nothing more can be heard then either), and once the main thread is gone.
fn read_lines(lines: &SyncSender<Event>) {
    let mut stdin = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // One byte more than allowed, for the line's end.
        match stdin.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let is_too_long = line.len() > LINE_BYTES_MAX && line.last() != Some(&b'\n');
        let event = if is_too_long { Event::TooLong } else { Event::Line(line) };
        if lines.send(event).is_err() || is_too_long {
            return;
        }
    }
}

fn write_output(server: &mut DemoServer) -> Flow {
    let mut stdout = std::io::stdout().lock();
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
