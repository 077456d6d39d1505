//! What a call of the modern era has beside others: a legacy upstream that asks something gets its answers in rounds.
//!
//! ```text
//!            an ask                quiet for a moment: input_required            all is answered
//!  Working ──────────▶ Gathering ────────────────────────────────────▶ Parked ──────────────────▶ Working
//!                          ▲              some is not answered, or more was asked │
//!                          └──────────────────────────────────────────────────────┘
//! ```

use std::ops::Range;

use super::ask::AskKind;
use super::introduction::ClientCapabilities;
use super::log_level::LogLevel;
use super::request_state;
use super::session::Opener;
use crate::base::deadline::Timer;
use crate::limits;

/// What a modern call has beside others.
#[derive(Debug)]
pub struct ModernCall {
    /// Who makes it.
    pub opener: Opener,
    /// Whether they can be asked to visit URLs.
    pub can_visit_urls: bool,
    /// What it asks for.
    pub subject: Subject,
    /// What the upstream wanted to ask and its downstream cannot answer.
    pub missing: Vec<AskKind>,
    /// How far its asks have come.
    pub rounds: Rounds,
    /// Belongs to `rounds`.
    pub timer: Timer,
}

/// How far the asks of a call have come.
#[derive(Debug, Default)]
pub enum Rounds {
    /// Nothing is asked.
    #[default]
    Working,
    /// Asks came, and more may follow at once.
    Gathering,
    /// It waits for its upstream to say that URLs were visited, and is made then.
    Visiting {
        /// The upstream's ids of those that are left.
        ids: Vec<Box<str>>,
    },
    /// Its downstream was told to come back with the answers.
    Parked {
        /// What the state that it was given opens with. A state is good for once.
        nonce: [u8; request_state::NONCE_BYTES],
        /// What it would have heard in the meantime.
        missed: Missed,
    },
}

/// What nobody was there to hear. It goes to the request that comes back.
#[derive(Debug, Default)]
pub struct Missed {
    /// The last progress, and where its token stands.
    pub progress: Option<(Box<[u8]>, Range<usize>)>,
    /// Lines of the log, oldest first, with their levels.
    pub log: Vec<(Option<LogLevel>, Box<[u8]>)>,
}

impl Missed {
    /// Keeps the progress in the place of what was known before. `token`: where its token stands.
    pub fn keep_progress(&mut self, line: &[u8], token: Range<usize>) {
        if line.len() <= limits::PARKED_LOG_BYTES_MAX {
            self.progress = Some((line.into(), token));
        }
    }

    /// Keeps a line of the log, as long as there are not too many.
    pub fn keep_log(&mut self, level: Option<LogLevel>, line: &[u8]) {
        let bytes: usize = self.log.iter().map(|(_, line)| line.len()).sum();
        if bytes + line.len() <= limits::PARKED_LOG_BYTES_MAX {
            self.log.push((level, line.into()));
        }
    }
}

/// What a call asks for, as far as a request that comes back must ask for the same.
#[derive(Debug)]
pub enum Subject {
    /// All its parameters.
    Params(Box<str>),
    /// Only their digest: they were large.
    Digest([u8; 32]),
}

impl Subject {
    /// Of a call with these parameters. Most calls are never asked for it, so small ones are kept as they are.
    pub fn of(params: Option<&str>) -> Subject {
        match params.unwrap_or_default() {
            small if small.len() <= limits::SUBJECT_BYTES_MAX => Subject::Params(small.into()),
            large => Subject::Digest(request_state::digest(Some(large)).unwrap_or_default()),
        }
    }

    /// Their digest.
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Subject::Params(params) => {
                let params = Some(&**params).filter(|params| !params.is_empty());
                request_state::digest(params).unwrap_or_default()
            }
            Subject::Digest(digest) => *digest,
        }
    }
}

impl ModernCall {
    /// A call of somebody who can be asked this, with these parameters.
    pub fn new(opener: Opener, capabilities: ClientCapabilities, params: Option<&str>) -> ModernCall {
        let subject = Subject::of(params);
        ModernCall {
            opener,
            can_visit_urls: capabilities.elicitation_url,
            subject,
            missing: Vec::new(),
            rounds: Rounds::Working,
            timer: Timer::default(),
        }
    }
}
