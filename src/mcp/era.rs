//! The two eras of MCP: with a handshake, and without.

use super::version::Version;

/// The name of the modern revision on the wire.
pub const MODERN: &str = "2026-07-28";

/// What a link speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// A conversation that began with `initialize`.
    Legacy(Version),
    /// Requests that each say all that there is to know (2026-07-28). There is one such revision so far.
    Modern,
}

impl Era {
    /// The revision as it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Era::Legacy(version) => version.as_str(),
            Era::Modern => MODERN,
        }
    }

    /// The legacy revision that the link counts as before a legacy downstream: a modern one has all that the newest
    /// has.
    pub fn counts_as(self) -> Version {
        match self {
            Era::Legacy(version) => version,
            Era::Modern => Version::LATEST,
        }
    }

    /// Whether it is the modern one.
    pub fn is_modern(self) -> bool {
        self == Era::Modern
    }
}
