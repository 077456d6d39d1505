//! Where codes may be sent: what the key `redirectURIs` stands for.

use crate::config::oauth::{Redirect, RedirectPreset};
use crate::config::redirect_uri::RedirectUri;

/// ChatGPT has a redirect URI for each connector, beside the old one for all.
const CHATGPT_PREFIX: &str = "https://chatgpt.com/connector/oauth/";

/// What clients register, all at once: one that is missing here shuts its client out.
fn registered(preset: RedirectPreset) -> &'static [&'static str] {
    match preset {
        RedirectPreset::Claude => {
            &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"]
        }
        RedirectPreset::ClaudeDesktop => &["claude://claude.ai/mcp-auth-callback/sdk"],
        RedirectPreset::Loopback => &[],
        RedirectPreset::VsCode => &[
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
            "http://localhost/",
            "http://127.0.0.1/",
            "http://localhost:33418/",
            "http://127.0.0.1:33418/",
        ],
        RedirectPreset::Cursor => &[
            "cursor://anysphere.cursor-mcp/oauth/callback",
            "https://www.cursor.com/agents/mcp/oauth/callback",
            "http://localhost:8787/callback",
        ],
        RedirectPreset::ChatGpt => &["https://chatgpt.com/connector_platform_oauth_redirect"],
    }
}

/// A part of what an entry of the key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Exact(RedirectUri),
    /// Any path on a loopback address.
    AnyLoopback,
    ChatGpt,
}

impl Rule {
    fn allows(&self, uri: &RedirectUri) -> bool {
        match self {
            Rule::Exact(allowed) => allowed.matches(uri),
            Rule::AnyLoopback => uri.is_loopback(),
            Rule::ChatGpt => uri.as_str().strip_prefix(CHATGPT_PREFIX).is_some_and(|id| {
                !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            }),
        }
    }
}

/// The redirect URIs that clients may register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirects {
    rules: Vec<Rule>,
}

impl Redirects {
    /// Those of the key's entries.
    pub fn of(entries: &[Redirect]) -> Redirects {
        let mut rules = Vec::new();
        for entry in entries {
            let preset = match entry {
                Redirect::Exact(uri) => {
                    rules.push(Rule::Exact(uri.clone()));
                    continue;
                }
                Redirect::Preset(preset) => *preset,
            };
            let texts = registered(preset).iter();
            rules.extend(texts.filter_map(|text| RedirectUri::parse(text).ok()).map(Rule::Exact));
            match preset {
                RedirectPreset::Loopback => rules.push(Rule::AnyLoopback),
                RedirectPreset::ChatGpt => rules.push(Rule::ChatGpt),
                RedirectPreset::Claude
                | RedirectPreset::ClaudeDesktop
                | RedirectPreset::VsCode
                | RedirectPreset::Cursor => {}
            }
        }
        Redirects { rules }
    }

    /// Whether a client may register this.
    pub fn allows(&self, uri: &RedirectUri) -> bool {
        self.rules.iter().any(|rule| rule.allows(uri))
    }

    /// Whether this very URI is listed and leads to a web site by TLS: nobody but that site can receive what is sent
    /// there.
    pub(super) fn is_listed_site(&self, uri: &RedirectUri) -> bool {
        let is_same = |rule: &Rule| matches!(rule, Rule::Exact(allowed) if allowed.as_str() == uri.as_str());
        uri.is_https() && self.rules.iter().any(is_same)
    }
}
