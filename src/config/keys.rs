//! The keys that we know, the keys that we know but do not support yet, and advice for all others.

use super::node::Member;
use super::report::{Report, shown};
use crate::base::nearest::nearest;

/// Which kind of object a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The file itself.
    Top,
    /// `mcpProxy`
    Proxy,
    /// `mcpServers.*`
    Server,
    /// `options`, of the proxy or of a server.
    Options,
    /// `toolFilter`
    ToolFilter,
    /// `oauth2`
    OAuth,
    /// `server`, of the old format.
    OldServer,
    /// `clients.*`, of the old format.
    OldClient,
    /// `clients.*.config`, of the old format.
    OldConfig,
}

/// A key of the reference's servers that this version would have to ignore. Ignoring it would mislead or open something
/// up, so it is refused. When it becomes supported, its entry goes.
#[derive(Debug)]
pub struct Unsupported {
    /// Its name.
    pub key: &'static str,
    /// What is wrong with having it.
    pub what: &'static str,
    /// What to do instead.
    pub advice: &'static str,
}

/// All of them.
pub const UNSUPPORTED: &[Unsupported] = &[Unsupported {
    key: "oauth",
    what: "OAuth towards remote servers is not supported in this version",
    advice: "Remove it. A token goes into \"headers\": { \"Authorization\": \"Bearer ...\" }",
}];

/// Keys of other programs' configurations that people paste.
const HINTS: &[(Section, &str, &str)] = &[
    (Section::Top, "servers", "It is called mcpServers here."),
    (Section::Server, "inheritEnv", "It belongs in the options of the server."),
    (Section::Server, "isolation", "It belongs in the options of the server."),
    (Section::Server, "type", "Remove it where there is a command. For a url it is called transportType here."),
    (Section::Server, "serverUrl", "It is called url here."),
    (Section::Server, "httpUrl", "It is called url here, with \"transportType\": \"streamable-http\"."),
    (
        Section::Server,
        "cwd",
        "Start the command through a shell: \"command\": \"sh\", \"args\": [\"-c\", \"cd ... && exec ...\"]",
    ),
];

impl Section {
    /// What may stand there. ([`super::raw`] reads exactly these; a test holds the two together.)
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Section::Top => &["mcpProxy", "mcpServers"],
            Section::Proxy => &[
                "baseURL",
                "addr",
                "name",
                "version",
                "type",
                "options",
                "allowedOrigins",
                "allowedHosts",
                "statusPage",
                "metrics",
            ],
            Section::Server => &["command", "args", "env", "url", "headers", "timeout", "transportType", "options"],
            Section::Options => &[
                "panicIfInvalid",
                "logEnabled",
                "authTokens",
                "disabled",
                "startupTimeout",
                "requestTimeout",
                "isolation",
                "inheritEnv",
                "toolFilter",
                "oauth2",
            ],
            Section::ToolFilter => &["mode", "list"],
            Section::OAuth => &[
                "enabled",
                "users",
                "persistenceDir",
                "allowedIPs",
                "tokenExpirationMinutes",
                "disableTokenExpiration",
                "templateDir",
                "redirectURIs",
                "trustedProxies",
                "clientIPHeader",
                "refreshGraceSeconds",
                "requireResource",
                "allowedHosts",
            ],
            Section::OldServer => &["baseURL", "addr", "name", "version", "globalAuthTokens"],
            Section::OldClient => &["type", "config", "panicIfInvalid", "logEnabled", "authTokens"],
            Section::OldConfig => &["command", "args", "env", "url", "headers", "timeout"],
        }
    }

    /// Whether only the old format has it.
    fn is_old(self) -> bool {
        matches!(self, Section::OldServer | Section::OldClient | Section::OldConfig)
    }

    fn home(self) -> &'static str {
        match self {
            Section::Top => "at the top of the file",
            Section::Proxy => "in mcpProxy",
            Section::Server => "in the entry of a server",
            Section::Options => "in options",
            Section::ToolFilter => "in toolFilter",
            Section::OAuth => "in oauth2",
            Section::OldServer => "in server, in the old format",
            Section::OldClient => "in the entry of a client, in the old format",
            Section::OldConfig => "in the config of a client, in the old format",
        }
    }
}

/// The entry of a key that is known but not supported.
pub(super) fn unsupported(key: &str) -> Option<&'static Unsupported> {
    UNSUPPORTED.iter().find(|entry| entry.key == key)
}

/// Reports a key that means nothing where it stands.
pub(super) fn report_unknown(section: Section, member: &Member<'_>, report: &mut Report) {
    report.error(
        &member.place,
        format!("there is no \"{}\" {}", shown(&member.key), section.home()),
        advice(section, &member.key),
    );
}

fn advice(section: Section, key: &str) -> String {
    if let Some((.., hint)) =
        HINTS.iter().find(|(hint_section, hint_key, _)| (*hint_section, *hint_key) == (section, key))
    {
        return (*hint).to_owned();
    }
    if let Some(name) = nearest(key, section.keys().iter().copied()) {
        return format!("Did you mean \"{name}\"?");
    }
    let present =
        [Section::Options, Section::Server, Section::Proxy, Section::Top, Section::ToolFilter, Section::OAuth];
    let old = [Section::OldClient, Section::OldConfig, Section::OldServer];
    let sections: &[Section] = if section.is_old() { &old } else { &present };
    if let Some(other) = sections.iter().find(|other| other.keys().contains(&key)) {
        return format!("It belongs {}.", other.home());
    }
    format!("Known here: {}", section.keys().join(", "))
}
