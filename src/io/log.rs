//! The log: lines on stderr, in the form of Go's `slog` text, which the users of the reference know, or as JSON objects
//! with the same members.
//!
//! The loop never waits for a slow stderr: a thread writes, behind a bounded queue. Lines that find it full, or that
//! stderr does not take because its disk is full, are counted, and the count is logged once there is room.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::time;
use crate::limits;
use crate::proxy::{Field, Level, Record};

/// As much as goes into one write when many lines wait.
const BATCH_BYTES: usize = 64 * 1024;

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `time=… level=INFO msg="it is ready" client=demo`
    Text,
    /// `{"time":"…","level":"INFO","msg":"it is ready","client":"demo"}`
    Json,
}

/// Where records go.
#[derive(Debug)]
pub(super) struct Log {
    level: Level,
    format: Format,
    /// No channel with a bound of its own: that would have room for all from the start.
    lines: Sender<String>,
    /// How many of them wait.
    waiting: Arc<AtomicUsize>,
    /// How many lines found the queue full, or were not taken by stderr.
    dropped: Arc<AtomicU64>,
    /// Disconnected when the writer has ended.
    written: Receiver<()>,
}

impl Log {
    /// Starts the writer.
    ///
    /// # Errors
    ///
    /// The system gave us no thread.
    pub(super) fn start(level: Level, format: Format) -> io::Result<Log> {
        let (lines, queue) = mpsc::channel();
        let (done, written) = mpsc::sync_channel(0);
        let (waiting, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let queue = Queue { lines: queue, waiting: Arc::clone(&waiting) };
        let counter = Arc::clone(&dropped);
        thread::Builder::new().name("log".to_owned()).stack_size(64 * 1024).spawn(move || {
            write_lines(&queue, &counter, format);
            drop(done);
        })?;
        Ok(Log { level, format, lines, waiting, dropped, written })
    }

    /// Logs a record, unless its level is below the threshold.
    pub(super) fn write(&self, record: &Record, unix_seconds: u64) {
        if record.level < self.level {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= limits::LOG_LINES_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            let _ = self.lines.send(line(record, unix_seconds, self.format)); // the writer ends after us
        }
    }

    /// How many lines have been dropped so far.
    pub(super) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Waits until everything is written, but not for ever: whoever reads stderr may have stopped. Says whether it is:
    /// otherwise the writer holds stderr's lock, and whoever wrote there would wait for ever.
    pub(super) fn finish(self) -> bool {
        let Log { lines, written, .. } = self;
        drop(lines);
        !matches!(written.recv_timeout(limits::LOG_FLUSH_TIME_MAX), Err(RecvTimeoutError::Timeout))
    }
}

/// The lines that wait, for the writer.
struct Queue {
    lines: Receiver<String>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    /// The next line, once there is one; `None`: there will be none any more.
    fn recv(&self) -> Option<String> {
        self.take(self.lines.recv().ok())
    }

    /// The next line, if there is one.
    fn try_recv(&self) -> Option<String> {
        self.take(self.lines.try_recv().ok())
    }

    fn take(&self, line: Option<String>) -> Option<String> {
        if line.is_some() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        line
    }
}

/// The writer's thread: ends when the queue is closed and empty.
fn write_lines(queue: &Queue, dropped: &AtomicU64, format: Format) {
    let (mut stderr, mut reported) = (Stderr::default(), 0);
    while let Some(mut batch) = queue.recv() {
        while batch.len() < BATCH_BYTES
            && let Some(line) = queue.try_recv()
        {
            batch.push_str(&line);
        }
        let lost = stderr.write(batch.as_bytes());
        let total = dropped.fetch_add(lost, Ordering::Relaxed) + lost;
        if lost == 0 && total > reported {
            let message = format!("{} log lines lost: {}", total - reported, stderr.reason());
            let record = Record { level: Level::Warn, server: None, message, fields: Vec::new() };
            if stderr.write(line(&record, unix_seconds(), format).as_bytes()) == 0 {
                reported = total;
                stderr.failure = None;
            }
        }
    }
}

/// What the log is written to.
#[derive(Debug, Default)]
struct Stderr {
    /// Whether a line was cut off: the next one must not stand behind it.
    is_cut: bool,
    /// Why lines were not taken.
    failure: Option<io::Error>,
}

impl Stderr {
    /// Writes lines. Returns how many of them were not taken, or not as a whole. A full disk may have room again; a
    /// stderr that is closed for good takes the lines into nothing, and there is nobody left to tell.
    fn write(&mut self, lines: &[u8]) -> u64 {
        if self.is_cut {
            match write_all(b"\n") {
                Ok(()) => self.is_cut = false,
                Err((_, error)) => return self.on_lost(lines, error),
            }
        }
        match write_all(lines) {
            Ok(()) => 0,
            Err((rest, error)) => {
                self.is_cut = lines[..lines.len() - rest.len()].last().is_some_and(|byte| *byte != b'\n');
                self.on_lost(rest, error)
            }
        }
    }

    fn on_lost(&mut self, lines: &[u8], error: io::Error) -> u64 {
        self.failure = Some(error);
        lines.iter().filter(|byte| **byte == b'\n').count() as u64
    }

    fn reason(&self) -> String {
        match &self.failure {
            Some(error) => format!("stderr could not be written: {error}"),
            None => "stderr is read too slowly".to_owned(),
        }
    }
}

/// The error comes with what was not written.
fn write_all(mut bytes: &[u8]) -> Result<(), (&[u8], io::Error)> {
    while !bytes.is_empty() {
        match io::stderr().write(bytes) {
            Ok(count) if count > 0 => bytes = &bytes[count..],
            Ok(_) => return Err((bytes, io::ErrorKind::WriteZero.into())),
            // Somebody with whom we share the terminal or pipe has made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((bytes, error)),
        }
    }
    Ok(())
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A record as one line.
pub fn line(record: &Record, unix_seconds: u64, format: Format) -> String {
    let level = match record.level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    };
    let time = time::rfc3339(unix_seconds);
    let client = record.server.as_deref().map(|server| ("client", server));
    let texts = [("time", time.as_str()), ("level", level), ("msg", &record.message)].into_iter().chain(client);
    let mut line = String::new();
    match format {
        Format::Text => {
            texts.for_each(|(name, value)| push_text(&mut line, name, value));
            record.fields.iter().for_each(|(name, value)| push_text(&mut line, name, &value_for_people(value)));
        }
        Format::Json => {
            texts.for_each(|(name, value)| push_json(&mut line, name, value));
            record.fields.iter().for_each(|(name, value)| push_json_field(&mut line, name, value));
            line.push('}');
        }
    }
    line.push('\n');
    line
}

fn push_text(line: &mut String, name: &str, value: &str) {
    if !line.is_empty() {
        line.push(' ');
    }
    line.push_str(name);
    line.push('=');
    push_value(line, value);
}

/// Times in the unit that fits: `12ms`, `12.3s`.
fn value_for_people(value: &Field) -> Cow<'_, str> {
    match value {
        Field::Text(text) => Cow::Borrowed(text),
        Field::Number(number) => Cow::Owned(number.to_string()),
        Field::Time(time) if time.as_secs() < 10 => Cow::Owned(format!("{}ms", time.as_millis())),
        Field::Time(time) => Cow::Owned(format!("{:.1}s", time.as_secs_f64())),
    }
}

fn push_json(line: &mut String, name: &str, value: &str) {
    push_json_name(line, name);
    push_quoted(line, value);
}

/// For machines numbers are numbers, and times are seconds.
fn push_json_field(line: &mut String, name: &str, value: &Field) {
    push_json_name(line, name);
    match value {
        Field::Text(text) => push_quoted(line, text),
        Field::Number(number) => line.push_str(&number.to_string()),
        Field::Time(time) => line.push_str(&format!("{}.{:03}", time.as_secs(), time.subsec_millis())),
    }
}

fn push_json_name(line: &mut String, name: &str) {
    let start = if line.is_empty() { '{' } else { ',' };
    let _ = write!(line, "{start}\"{name}\":"); // a String takes everything
}

/// A value as it is, or quoted where a reader could not tell where it ends.
fn push_value(line: &mut String, value: &str) {
    let is_plain = |c: char| !matches!(c, ' ' | '"' | '=' | '\\') && !is_unsafe(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        line.push_str(value);
    } else {
        push_quoted(line, value);
    }
}

/// A value in quotes, as Go and JSON write it.
fn push_quoted(line: &mut String, value: &str) {
    line.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if is_unsafe(c) => {
                let _ = write!(line, "\\u{:04x}", u32::from(c)); // a String takes everything
            }
            c => line.push(c),
        }
    }
    line.push('"');
}

/// Characters by which a child could forge a line, move the cursor, or reorder what is shown.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
}
