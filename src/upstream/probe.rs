//! How a link finds out which era its upstream speaks (2026-07-28, versioning, backward compatibility).
//!
//! ```text
//!               ┌─ a result that lists our revision ──────────────────▶ modern
//!  discover ──▶ ┼─ an error that only modern ones know ─▶ discover again, once
//!               ├─ any other answer ────────────────────▶ initialize ─▶ legacy
//!               ├─ silence ─▶ initialize as well: what succeeds first counts
//!               └─ death ───▶ a new process, the other way round:
//!
//!  initialize ─▶ ┬─ a result ─────────────────────────────────────────▶ legacy
//!                └─ an error ───────────────────────────▶ discover ───▶ modern
//! ```

use super::handshake::OwnRequest;
use crate::base::text::shorten;
use crate::codec::jsonrpc::envelope::Outcome;
use crate::codec::jsonrpc::{HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION};
use crate::mcp::era::Era;
use crate::mcp::introduction::{Introduction, NotModern, check_versions};

/// How an upstream is greeted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hello {
    /// `server/discover`.
    Discover,
    /// `initialize`.
    Initialize,
}

impl Hello {
    /// As it stands in the message.
    pub fn method(self) -> &'static str {
        match self {
            Hello::Discover => OwnRequest::Discover.method(),
            Hello::Initialize => OwnRequest::Initialize.method(),
        }
    }
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Course {
    /// As the specification advises: a dual-era upstream is used as a modern one.
    #[default]
    DiscoverFirst,
    /// For those that `server/discover` has brought to their end, or to silence.
    InitializeFirst,
    /// Over HTTP+SSE, which no modern upstream speaks.
    InitializeOnly,
}

/// How far one greeting has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Unsent,
    Awaited,
    Refused,
}

/// The greetings of one link.
#[derive(Debug)]
pub struct Probe {
    course: Course,
    discover: Progress,
    initialize: Progress,
    /// Whether `server/discover` was sent again.
    is_repeated: bool,
    /// Whether it did harm: silence, or worse.
    is_harmful: bool,
    /// Which answer was of no use, and why, if nothing else succeeds.
    complaint: Option<(Hello, String)>,
}

/// What to do now.
#[derive(Debug)]
pub enum Next {
    /// Greet it so.
    Send(Hello),
    /// Wait for what was sent.
    Wait,
    /// This is who it is.
    Introduced(Box<Introduction>),
    /// It does not speak with us: its answer to this is of no use.
    Rejected(Hello, String),
}

impl Probe {
    /// Of a link that has not begun.
    pub fn new(course: Course) -> Probe {
        Probe {
            course,
            discover: Progress::Unsent,
            initialize: Progress::Unsent,
            is_repeated: false,
            is_harmful: false,
            complaint: None,
        }
    }

    /// The first greeting.
    pub fn begin(&mut self) -> Hello {
        match self.course {
            Course::DiscoverFirst => self.send(Hello::Discover),
            Course::InitializeFirst | Course::InitializeOnly => self.send(Hello::Initialize),
        }
    }

    fn send(&mut self, hello: Hello) -> Hello {
        match hello {
            Hello::Discover => self.discover = Progress::Awaited,
            Hello::Initialize => self.initialize = Progress::Awaited,
        }
        hello
    }

    /// `server/discover` was answered. `name` is what the configuration calls the upstream.
    pub fn on_discovered(&mut self, outcome: &Outcome<'_>, name: &str) -> Next {
        match outcome {
            Outcome::Result(result) => match Introduction::from_discover(result, name) {
                Ok(introduction) => Next::Introduced(Box::new(introduction)),
                Err(NotModern::Legacy) => self.on_not_discovered(),
                Err(NotModern::Unusable(reason)) => self.on_modern_refusal(reason),
            },
            Outcome::Error(error) => self.on_discover_error(error),
        }
    }

    fn on_discover_error(&mut self, error: &str) -> Next {
        if !is_modern(error) {
            return self.on_not_discovered();
        }
        match listed_versions(error).map(|listed| check_versions(&listed)) {
            Some(Err(NotModern::Legacy)) => self.on_not_discovered(),
            Some(Err(NotModern::Unusable(reason))) => self.on_modern_refusal(reason),
            // It may list just what it was sent: the first request of all is refused to see what comes next.
            Some(Ok(())) | None if !self.is_repeated => {
                self.is_repeated = true;
                Next::Send(self.send(Hello::Discover))
            }
            Some(Ok(())) | None => self.on_modern_refusal(format!("it refused server/discover: {}", shorten(error))),
        }
    }

    /// It is modern and of no use. What it says of that is worth more than its answer to `initialize` may be.
    fn on_modern_refusal(&mut self, reason: String) -> Next {
        self.complaint = Some((Hello::Discover, reason));
        self.on_not_discovered()
    }

    /// It knows no `server/discover`, or would not say.
    pub fn on_not_discovered(&mut self) -> Next {
        self.discover = Progress::Refused;
        match self.initialize {
            Progress::Unsent => Next::Send(self.send(Hello::Initialize)),
            Progress::Awaited => Next::Wait,
            Progress::Refused => self.give_up(),
        }
    }

    /// `initialize` was refused, or its answer is of no use.
    pub fn on_not_initialized(&mut self, reason: &str) -> Next {
        self.initialize = Progress::Refused;
        self.complaint.get_or_insert_with(|| (Hello::Initialize, reason.to_owned()));
        match self.discover {
            Progress::Unsent if self.course != Course::InitializeOnly => Next::Send(self.send(Hello::Discover)),
            Progress::Awaited => Next::Wait,
            Progress::Unsent | Progress::Refused => self.give_up(),
        }
    }

    /// There was no answer to `server/discover` for long; there may still be one.
    pub fn on_silence(&mut self) -> Next {
        if self.discover != Progress::Awaited || self.initialize != Progress::Unsent {
            return Next::Wait;
        }
        self.is_harmful = true;
        Next::Send(self.send(Hello::Initialize))
    }

    /// There was none for long, and none will come: the exchange was given up. If `initialize` comes to nothing too,
    /// the upstream may only have been slow.
    pub fn on_lost(&mut self) -> Next {
        let next = self.on_silence();
        self.discover = Progress::Unsent;
        match next {
            Next::Wait => self.on_not_discovered(),
            Next::Send(_) | Next::Introduced(_) | Next::Rejected(..) => next,
        }
    }

    /// That was its end, or an error that says nothing: the next link begins the other way round.
    pub fn on_harm(&mut self) {
        self.is_harmful = true;
    }

    fn give_up(&mut self) -> Next {
        let (hello, reason) = self.complaint.take().unwrap_or((Hello::Initialize, String::new()));
        Next::Rejected(hello, reason)
    }

    /// Whether the upstream is silent about `server/discover`, and there is still `initialize` to try.
    pub fn is_discovering(&self) -> bool {
        self.discover == Progress::Awaited && self.initialize == Progress::Unsent
    }

    /// Whether it never said a word since it was asked `server/discover`: that may have been its end.
    pub fn is_unheard(&self) -> bool {
        self.course == Course::DiscoverFirst && self.discover == Progress::Awaited && !self.is_repeated
    }

    /// The order for the upstream's next link. `era`: what this one has found out, if anything.
    pub fn next_course(&self, era: Option<Era>) -> Course {
        match (self.course, era, self.discover) {
            (Course::InitializeFirst, Some(Era::Legacy(_)), Progress::Unsent) => Course::InitializeFirst,
            (Course::DiscoverFirst, Some(Era::Legacy(_)) | None, _) if self.is_harmful => Course::InitializeFirst,
            // Of no use: the other order may fare better.
            (_, _, _) => Course::DiscoverFirst,
        }
    }
}

/// Whether an error is one of those by which modern upstreams are known.
fn is_modern(error: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Code {
        code: i32,
    }
    let code = serde_json::from_str::<Code>(error).map(|error| error.code);
    code.is_ok_and(|code| matches!(code, HEADER_MISMATCH | MISSING_CAPABILITY | UNSUPPORTED_VERSION))
}

/// The revisions that an error -32022 lists, as JSON text.
fn listed_versions(error: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Refused<'a> {
        #[serde(borrow)]
        data: Versions<'a>,
    }
    #[derive(serde::Deserialize)]
    struct Versions<'a> {
        #[serde(borrow)]
        supported: &'a serde_json::value::RawValue,
    }
    serde_json::from_str::<Refused<'_>>(error).ok().map(|refused| refused.data.supported.get().to_owned())
}
