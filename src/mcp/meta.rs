//! The modern keys in a request's `params._meta` (MCP 2026-07-28, basic, `_meta`): what they say, and the request with
//! others or without them.
//!
//! Of the rest no tree is built, and a request whose parameters cannot hold such a key is not taken apart at all. What
//! is rewritten is given as parts of the whole message to be replaced. None of them overlaps the id or the progress
//! token, which can be replaced in the same breath.
//!
//! `io.modelcontextprotocol/related-task` has the same prefix and is a legacy key (2025-11-25).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::log_level::LogLevel;
use crate::codec::jsonrpc::envelope::json_string;
use crate::codec::jsonrpc::members::{Member, NotAnObject, Unpicked, cut, members, pick};
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::search::{can_have, hides_ascii};
use crate::codec::jsonrpc::splice::range_in;
use crate::codec::jsonrpc::write;

const PREFIX: &str = "io.modelcontextprotocol/";

/// The modern keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModernKey {
    /// `io.modelcontextprotocol/protocolVersion`: required of every request.
    ProtocolVersion,
    /// `io.modelcontextprotocol/clientInfo`.
    ClientInfo,
    /// `io.modelcontextprotocol/clientCapabilities`: required of every request.
    ClientCapabilities,
    /// `io.modelcontextprotocol/logLevel`.
    LogLevel,
}

impl ModernKey {
    /// All of them, in the order in which they are written.
    pub const ALL: [ModernKey; 4] =
        [ModernKey::ProtocolVersion, ModernKey::ClientInfo, ModernKey::ClientCapabilities, ModernKey::LogLevel];

    /// As it stands in `_meta`.
    pub fn as_str(self) -> &'static str {
        match self {
            ModernKey::ProtocolVersion => "io.modelcontextprotocol/protocolVersion",
            ModernKey::ClientInfo => "io.modelcontextprotocol/clientInfo",
            ModernKey::ClientCapabilities => "io.modelcontextprotocol/clientCapabilities",
            ModernKey::LogLevel => "io.modelcontextprotocol/logLevel",
        }
    }

    /// The modern key that this is.
    fn of(key: &str) -> Option<ModernKey> {
        ModernKey::ALL.into_iter().find(|known| known.as_str() == key)
    }
}

/// Why the modern keys cannot be read: the request is malformed (-32602). Reads as a sentence of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaError {
    /// `_meta` stands in the parameters twice.
    DoubledMeta,
    /// A modern key stands in `_meta` twice.
    Doubled(ModernKey),
    /// The protocol version is not a string.
    VersionNotText,
    /// The parameters are no object, or something in them is no text.
    Unreadable,
}

impl fmt::Display for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MetaError::DoubledMeta => f.write_str("duplicate member \"_meta\" in params"),
            MetaError::Doubled(key) => write!(f, "duplicate member {:?} in params._meta", key.as_str()),
            MetaError::VersionNotText => {
                write!(f, "{:?} in params._meta must be a string", ModernKey::ProtocolVersion.as_str())
            }
            MetaError::Unreadable => f.write_str("params must be an object with readable keys"),
        }
    }
}

impl std::error::Error for MetaError {}

impl From<NotAnObject> for MetaError {
    fn from(_: NotAnObject) -> MetaError {
        MetaError::Unreadable
    }
}

impl From<Unpicked> for MetaError {
    fn from(unpicked: Unpicked) -> MetaError {
        match unpicked {
            Unpicked::NotAnObject => MetaError::Unreadable,
            Unpicked::Doubled => MetaError::DoubledMeta,
        }
    }
}

/// What the modern keys of a request say. `null` is said, too: whoever needs a value says what it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// The protocol version of this request. Escapes resolved.
    pub protocol_version: Option<Cow<'a, str>>,
    /// Name and version of the client, as JSON text.
    pub client_info: Option<&'a str>,
    /// What the client can do for this request, as JSON text.
    pub client_capabilities: Option<&'a str>,
    /// The least level of log messages that it wants of this request, as JSON text.
    pub log_level: Option<&'a str>,
}

impl<'a> Meta<'a> {
    /// Reads the modern keys of a `_meta`, which is JSON text. One that is not an object has none.
    pub fn read(meta: Option<&'a str>) -> Result<Meta<'a>, MetaError> {
        let mut read = Meta::default();
        let Some(meta) = meta.filter(|meta| is_object(meta) && can_have_modern_keys(meta)) else {
            return Ok(read);
        };
        for member in members(meta) {
            let member = member?;
            if let Some(key) = ModernKey::of(&member.key) {
                read.place(key, member.value)?;
            }
        }
        Ok(read)
    }

    fn place(&mut self, key: ModernKey, value: &'a str) -> Result<(), MetaError> {
        let is_doubled = match key {
            ModernKey::ProtocolVersion => {
                let version = json_string(value).ok_or(MetaError::VersionNotText)?;
                self.protocol_version.replace(version).is_some()
            }
            ModernKey::ClientInfo => self.client_info.replace(value).is_some(),
            ModernKey::ClientCapabilities => self.client_capabilities.replace(value).is_some(),
            ModernKey::LogLevel => self.log_level.replace(value).is_some(),
        };
        if is_doubled { Err(MetaError::Doubled(key)) } else { Ok(()) }
    }

    /// Whether the request is of the modern era: one of the two keys that every such request has is there (bridge,
    /// section 4).
    pub fn is_modern(&self) -> bool {
        self.protocol_version.is_some() || self.client_capabilities.is_some()
    }

    /// Whether any of the four keys is there.
    pub fn has_any(&self) -> bool {
        self.is_modern() || self.client_info.is_some() || self.log_level.is_some()
    }
}

/// See [`Meta::is_modern`]; what cannot be read is not.
pub fn is_modern(meta: Option<&str>) -> bool {
    Meta::read(meta).is_ok_and(|meta| meta.is_modern())
}

/// What a request to a modern upstream says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModernKeys<'a> {
    /// The protocol version.
    pub protocol_version: &'a str,
    /// Name and version of the client, as JSON text.
    pub client_info: Option<&'a str>,
    /// What the client can do for this request, as JSON text.
    pub client_capabilities: &'a str,
    /// The least level of log messages that are wanted; none are without it.
    pub log_level: Option<LogLevel>,
}

impl ModernKeys<'_> {
    /// As members of `_meta`, without the braces. Their texts come from elsewhere and may have line ends, which no
    /// message may have; in JSON they are white space.
    fn members(&self) -> String {
        let member = |key: ModernKey, value: &str| format!("\"{}\":{value}", key.as_str());
        let mut all = vec![member(ModernKey::ProtocolVersion, &write::string(self.protocol_version))];
        all.extend(self.client_info.map(|info| member(ModernKey::ClientInfo, info)));
        all.push(member(ModernKey::ClientCapabilities, self.client_capabilities));
        all.extend(self.log_level.map(|level| member(ModernKey::LogLevel, &write::string(level.as_str()))));
        all.join(",").replace(['\n', '\r'], " ")
    }
}

/// The request or notification without the modern keys, for a legacy peer: one that speaks both eras would judge it by
/// them. `meta` is the `_meta` of its parameters, within `message`.
pub fn without_modern_keys(message: &[u8], meta: Option<&str>) -> Result<Rewrite, MetaError> {
    let mut rewrite = Rewrite::default();
    if let Some(meta) = meta.filter(|meta| is_object(meta) && can_have_modern_keys(meta)) {
        let start = place(message, meta)?.start;
        for range in cut(meta, is_modern_key)?.ranges {
            rewrite.remove(start + range.start..start + range.end);
        }
    }
    Ok(rewrite)
}

/// The request with these keys in the place of the peer's own, for a modern upstream. `params` is the member's value
/// within `message`.
pub fn with_modern_keys(message: &[u8], params: Option<&str>, keys: &ModernKeys<'_>) -> Result<Rewrite, MetaError> {
    let mut rewrite = Rewrite::default();
    let keys = keys.members();
    let Some(params) = params else {
        let end = message.iter().rposition(|byte| *byte == b'}').ok_or(MetaError::Unreadable)?;
        rewrite.replace(end..end + 1, format!(",\"params\":{{\"_meta\":{{{keys}}}}}}}"));
        return Ok(rewrite);
    };
    let meta = if can_have_meta(params) { find_meta(params)? } else { None };
    match meta {
        None => {
            let comma = if is_empty_object(params)? { "" } else { "," };
            let start = place(message, params)?.start;
            rewrite.replace(start..start + 1, format!("{{\"_meta\":{{{keys}}}{comma}"));
        }
        Some(meta) if is_object(meta) => {
            let start = place(message, meta)?.start;
            let cut = cut(meta, is_modern_key)?;
            let comma = if cut.left > 0 { "," } else { "" };
            let opening = start + cut.opening;
            rewrite.replace(opening..opening + 1, format!("{{{keys}{comma}"));
            for range in cut.ranges {
                rewrite.remove(start + range.start..start + range.end);
            }
        }
        Some(meta) => rewrite.replace(place(message, meta)?, format!("{{{keys}}}")),
    }
    Ok(rewrite)
}

fn place(message: &[u8], part: &str) -> Result<Range<usize>, MetaError> {
    range_in(message, part).ok_or(MetaError::Unreadable)
}

/// The value of `_meta`.
fn find_meta(params: &str) -> Result<Option<&str>, MetaError> {
    let [meta] = pick(params, ["_meta"])?;
    Ok(meta)
}

fn is_object(value: &str) -> bool {
    value.starts_with('{')
}

fn is_modern_key(member: &Member<'_>) -> bool {
    ModernKey::of(&member.key).is_some()
}

/// Whether a modern key may stand in the parameters: spelt out, or with escapes.
fn can_have_modern_keys(params: &str) -> bool {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PREFIX.as_bytes()));
    static SLASH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\/"));
    let params = params.as_bytes();
    KEY.find(params).is_some() || SLASH.find(params).is_some() || hides_ascii(params)
}

/// Whether a member `_meta` may stand in the parameters: spelt out, or with escapes.
fn can_have_meta(params: &str) -> bool {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"_meta\""));
    can_have(params.as_bytes(), &KEY)
}

fn is_empty_object(text: &str) -> Result<bool, MetaError> {
    let rest = text.strip_prefix('{').ok_or(MetaError::Unreadable)?;
    Ok(rest.trim_start().starts_with('}'))
}
