//! Sessions: the conversations of legacy downstreams, and the single requests of modern ones.
//!
//! A modern request says by itself all that a session would: who asks, what they can be asked, how much of the log they
//! want. So here it is a session that nobody can name and that is over with its answer.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Instant;

use super::caller::Caller;
use super::introduction::ClientCapabilities;
use super::log_level::LogLevel;
use super::version::Version;
use crate::base::id::{Arena, ServerId, SessionId, StreamId};
use crate::base::sequence::CallId;

/// 128 random bits: what `Mcp-Session-Id` carries, as 32 lower-case hex digits.
pub type Token = [u8; 16];

/// How a downstream is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Each POST has its own answer. The session begins with the answer to `initialize`.
    Streamable,
    /// HTTP+SSE of 2024-11-05: the session begins and ends with its one stream.
    Sse(Opening),
    /// A request of the modern era: the session begins with it, and ends with its answer or with its connection.
    Modern(Scope),
}

/// What a modern request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A call.
    Call,
    /// `subscriptions/listen`: its answer is what happens from now on.
    Listen,
}

/// How far a session over HTTP+SSE has got with `initialize`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It has yet to be sent.
    Awaited,
    /// It waits for the upstream.
    UnderWay,
    /// It was answered.
    Done,
}

/// Whom an upstream that serves several may mean by whoever called it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Whoever is at the other end of this session.
    Session(SessionId),
    /// Whoever has made these modern requests, as far as tokens tell.
    Principal([u8; 32]),
}

/// By whom a session was opened, as far as tokens tell. It is checked with each of its requests: a session's name alone
/// is no proof (2025-11-25, security best practices, session hijacking).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opener {
    /// No token was asked for.
    Anybody,
    /// Whoever is known by this digest: a user with a client, or the holder of a token.
    Known([u8; 32]),
}

/// One conversation.
#[derive(Debug)]
pub struct Session {
    /// The configured server by which it came in.
    pub entrance: ServerId,
    /// The upstream it is with: that server, or one of its own.
    pub server: ServerId,
    /// Its name on the wire; of no meaning where it is modern.
    pub token: Token,
    /// Who may go on with it.
    pub opener: Opener,
    /// How its downstream is connected.
    pub transport: Transport,
    /// The revision that was negotiated.
    pub version: Version,
    /// Which asks its downstream can answer.
    pub capabilities: ClientCapabilities,
    /// What a modern upstream is told of its downstream; a modern one says so itself.
    pub caller: Caller,
    /// What its downstream asked for with `logging/setLevel`.
    pub log_level: Option<LogLevel>,
    /// Resources whose changes it wants to hear of.
    pub subscriptions: BTreeSet<Box<str>>,
    /// Its GET streams, oldest first. With HTTP+SSE there is one, which carries everything.
    pub streams: Vec<StreamId>,
    /// How many event streams it has had.
    pub streams_begun: u32,
    /// Its event streams that can be resumed, oldest first; GET streams are among them.
    pub resumable: Vec<StreamId>,
    /// Its unanswered calls, oldest first.
    pub calls: Vec<CallId>,
    /// When it last did something.
    pub last_used: Instant,
}

impl Session {
    /// Whether it is a conversation in which `initialize` was answered. Before, the downstream must be told nothing but
    /// that; and a modern one nothing but what it has asked for.
    pub fn is_greeted(&self) -> bool {
        match self.transport {
            Transport::Streamable => true,
            Transport::Sse(opening) => opening == Opening::Done,
            Transport::Modern(_) => false,
        }
    }

    /// Who is at its other end; `id` is its own.
    pub fn party(&self, id: SessionId) -> Party {
        match (self.transport, self.opener) {
            (Transport::Modern(_), Opener::Known(principal)) => Party::Principal(principal),
            (Transport::Modern(_), Opener::Anybody) | (Transport::Streamable | Transport::Sse(_), _) => {
                Party::Session(id)
            }
        }
    }

    /// Whether it is a single request of the modern era.
    pub fn is_modern(&self) -> bool {
        matches!(self.transport, Transport::Modern(_))
    }

    /// Whether it ends with its one stream.
    pub fn is_one_stream(&self) -> bool {
        self.is_sse() || self.is_modern()
    }

    /// Whether everything goes out on its one stream.
    pub fn is_sse(&self) -> bool {
        matches!(self.transport, Transport::Sse(_))
    }

    /// Whether nothing of it is under way, so that it can end unseen. `is_open` says which streams have a connection.
    pub fn is_idle(&self, is_open: impl Fn(StreamId) -> bool) -> bool {
        self.calls.is_empty() && !self.streams.iter().any(|stream| is_open(*stream))
    }

    /// Whether a log line of this level is for it. One that never set a level hears what the upstream would have said
    /// unasked; a modern one nothing (2026-07-28, logging).
    pub fn wants_log(&self, level: Option<LogLevel>) -> bool {
        let unasked = (!self.is_modern()).then_some(LogLevel::UNASKED);
        let least = self.log_level.or(unasked);
        least.is_some_and(|least| level.is_none_or(|level| level >= least))
    }

    /// Whether it subscribed to this resource, or to one that contains it (a prefix that ends at a `/`).
    pub fn is_subscribed(&self, uri: &str) -> bool {
        self.subscriptions.iter().any(|subscribed| {
            uri.strip_prefix(&**subscribed)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || subscribed.ends_with('/'))
        })
    }
}

/// Tokens are random and ours: their first bytes are as good a hash as any, and nobody can make them collide.
#[derive(Debug, Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte));
    }

    /// The length of an array comes first; it says nothing.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    arena: Arena<SessionId, Session>,
    by_token: HashMap<Token, SessionId, BuildHasherDefault<TokenHasher>>,
}

impl Sessions {
    /// Adds one.
    pub fn insert(&mut self, session: Session) -> SessionId {
        let name = (!session.is_modern()).then_some(session.token);
        let id = self.arena.insert(session);
        if let Some(token) = name {
            self.by_token.insert(token, id);
        }
        id
    }

    /// Takes one out.
    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.arena.remove(id)?;
        if !session.is_modern() {
            self.by_token.remove(&session.token);
        }
        Some(session)
    }

    /// The session, if it lives.
    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.arena.get(id)
    }

    /// The session, if it lives.
    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.arena.get_mut(id)
    }

    /// The session of that name, if it is one with this upstream over streamable HTTP, and of whoever asks.
    pub fn find_streamable(&self, name: &str, server: ServerId, opener: Opener) -> Option<SessionId> {
        self.find(name, server, opener).filter(|(_, session)| !session.is_sse()).map(|(id, _)| id)
    }

    /// The session of that name, if it is one with this upstream over HTTP+SSE, and of whoever asks.
    pub fn find_sse(&self, name: &str, server: ServerId, opener: Opener) -> Option<SessionId> {
        self.find(name, server, opener).filter(|(_, session)| session.is_sse()).map(|(id, _)| id)
    }

    fn find(&self, name: &str, server: ServerId, opener: Opener) -> Option<(SessionId, &Session)> {
        let id = *self.by_token.get(&parse_token(name)?)?;
        let session = self.get(id).filter(|session| session.entrance == server && session.opener == opener)?;
        Some((id, session))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &Session)> {
        self.arena.iter()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (SessionId, &mut Session)> {
        self.arena.iter_mut()
    }

    /// Those with one upstream.
    pub fn with(&self, server: ServerId) -> impl Iterator<Item = (SessionId, &Session)> {
        self.iter().filter(move |(_, session)| session.server == server)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.arena.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.arena.is_empty()
    }

    /// The idle one of those meant that has been so longest: the first to end when there is no room.
    pub fn stalest(
        &self,
        is_meant: impl Fn(&Session) -> bool,
        is_open: impl Fn(StreamId) -> bool,
    ) -> Option<SessionId> {
        let idle = self.iter().filter(|(_, session)| session.is_idle(&is_open) && is_meant(session));
        idle.min_by_key(|(_, session)| session.last_used).map(|(id, _)| id)
    }
}

/// The token as it goes over the wire.
pub fn format_token(token: &Token) -> String {
    token.iter().fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse_token(name: &str) -> Option<Token> {
    let digits: &[u8; 32] = name.as_bytes().try_into().ok()?;
    let mut token = Token::default();
    let mut seen = 0;
    for (byte, [high, low]) in token.iter_mut().zip(digits.as_chunks().0) {
        let (high, low) = (HEX_VALUES[usize::from(*high)], HEX_VALUES[usize::from(*low)]);
        seen |= high | low;
        *byte = high << 4 | low;
    }
    (seen & NO_DIGIT == 0).then_some(token)
}

/// Marks what is no lower-case hex digit in [`HEX_VALUES`]: a bit that no value has.
const NO_DIGIT: u8 = 0x80;

/// The values of lower-case hex digits: every request carries 32 of them.
const HEX_VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value] as usize] = value as u8;
        value += 1;
    }
    values
};
