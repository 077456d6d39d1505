//! Protocol revisions of the legacy era.

/// A revision with the `initialize` handshake. Ordered by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2024-11-05: HTTP means one SSE stream.
    V2024_11_05,
    /// 2025-03-26: streamable HTTP; the only one with batches.
    V2025_03_26,
    /// 2025-06-18: elicitation, structured output, the version header.
    V2025_06_18,
    /// 2025-11-25: tasks, URL elicitation.
    V2025_11_25,
}

impl Version {
    /// The newest.
    pub const LATEST: Version = Version::V2025_11_25;
    /// All, oldest first.
    pub const ALL: [Version; 4] =
        [Version::V2024_11_05, Version::V2025_03_26, Version::V2025_06_18, Version::V2025_11_25];

    /// As it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2024_11_05 => "2024-11-05",
            Version::V2025_03_26 => "2025-03-26",
            Version::V2025_06_18 => "2025-06-18",
            Version::V2025_11_25 => "2025-11-25",
        }
    }

    /// The revision of that name.
    pub fn parse(text: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// What a downstream that asked for `asked` is told, before a link that speaks `link`: the lower of the two, and
    /// the link's to a downstream that asked for something unheard of (`None`).
    pub fn negotiate(asked: Option<Version>, link: Version) -> Version {
        asked.map_or(link, |asked| asked.min(link))
    }

    /// Whether a body may be an array of messages.
    pub fn is_batching(self) -> bool {
        self == Version::V2025_03_26
    }
}

/// All names, for error messages.
pub fn supported() -> String {
    Version::ALL.map(Version::as_str).join(", ")
}
