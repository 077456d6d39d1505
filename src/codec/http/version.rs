//! The HTTP version, as both kinds of first lines carry it (RFC 9112, 2.3).

/// Of the HTTP versions with this message syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Connections close unless both sides agree otherwise; no chunks.
    Http10,
    /// Connections stay.
    Http11,
}

/// Why something is no version to work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadVersion {
    /// A version, but another one.
    Unsupported,
    /// No version at all.
    Malformed,
}

/// A digit stands for any digit.
const PATTERN: &[u8; Version::BYTES] = b"HTTP/1.1";

impl Version {
    /// The length of all versions.
    pub(super) const BYTES: usize = 8;

    /// Reads a version that is all of `text`.
    pub(super) fn parse(text: &[u8]) -> Result<Version, BadVersion> {
        match text {
            b"HTTP/1.1" => Ok(Version::Http11),
            b"HTTP/1.0" => Ok(Version::Http10),
            _ if text.len() == Version::BYTES && Version::is_start(text) => Err(BadVersion::Unsupported),
            _ => Err(BadVersion::Malformed),
        }
    }

    /// Whether this is a version, or the beginning of one.
    pub(super) fn is_start(text: &[u8]) -> bool {
        let fits = |(byte, pattern): (&u8, &u8)| {
            if pattern.is_ascii_digit() { byte.is_ascii_digit() } else { byte == pattern }
        };
        text.len() <= Version::BYTES && text.iter().zip(PATTERN).all(fits)
    }
}
