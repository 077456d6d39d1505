//! What a file in the old format looks like in the present one, to be pasted.
//!
//! Tokens, header values, what goes into the environment, and most of a URL are secrets more often than not. In their
//! places stands where they are, in words that no configuration may contain, so that none is left by mistake; a token
//! in a name is masked, by what no name may contain. Arguments are shown: on the machine they run on, everybody sees
//! them.

use serde::Serialize;

use crate::base::ordered::Ordered;
use crate::base::url::Url;
use crate::config::node::{At, Field, NamedText, Timeout};
use crate::config::raw::{RawProxy, RawServer};

/// The longest path of a URL that is shown. A secret that is any good is longer.
const SHOWN_PATH_BYTES_MAX: usize = 12;

/// How the place of a secret begins.
const PLACEHOLDER_START: &str = "<as in ";

/// Whether a text stands for a secret.
pub(super) fn is_placeholder(text: &str) -> bool {
    text.starts_with(PLACEHOLDER_START) && text.ends_with('>')
}

/// The converted parts as one JSON object.
pub(super) fn text(proxy: Option<&RawProxy>, servers: Option<&[RawServer]>, shows_secrets: bool) -> String {
    let writer = Writer { shows_secrets };
    let file = File {
        mcp_proxy: proxy.map(|proxy| writer.proxy(proxy)),
        mcp_servers: servers.map(|servers| {
            Ordered(servers.iter().map(|server| (writer.name(server), writer.server(server))).collect())
        }),
    };
    serde_json::to_string_pretty(&file).unwrap_or_default() // strings, numbers and booleans always can be written
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_proxy: Option<Proxy<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcp_servers: Option<Ordered<Server<'a>>>,
}

#[derive(Serialize)]
struct Proxy<'a> {
    #[serde(rename = "baseURL", skip_serializing_if = "Option::is_none")]
    base_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    addr: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<&'a str>,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    env: Ordered<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    headers: Ordered<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<RawTimeout<'a>>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    options: Options,
}

#[derive(Serialize)]
#[serde(untagged)]
enum RawTimeout<'a> {
    Text(&'a str),
    Nanoseconds(u64),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    panic_if_invalid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_tokens: Option<Vec<String>>,
}

impl Options {
    fn is_empty(&self) -> bool {
        self.panic_if_invalid.is_none() && self.log_enabled.is_none() && self.auth_tokens.is_none()
    }
}

struct Writer {
    shows_secrets: bool,
}

impl Writer {
    /// A part of a name may be a token, and what stands in its place then no name may contain.
    fn name(&self, server: &RawServer) -> String {
        if self.shows_secrets { server.name.value.clone() } else { server.label.clone() }
    }

    fn proxy<'a>(&self, proxy: &'a RawProxy) -> Proxy<'a> {
        Proxy {
            base_url: plain(&proxy.base_url),
            addr: plain(&proxy.addr),
            name: plain(&proxy.name),
            version: plain(&proxy.version),
            options: Options {
                panic_if_invalid: None,
                log_enabled: None,
                auth_tokens: self.tokens(&proxy.options.auth_tokens),
            },
        }
    }

    fn server<'a>(&self, server: &'a RawServer) -> Server<'a> {
        Server {
            command: plain(&server.command),
            args: server.args.value().into_iter().flatten().map(|arg| arg.value.as_str()).collect(),
            env: self.named(&server.env),
            url: server.url.given().map(|url| self.url(url)),
            // A command needs none.
            transport_type: plain(&server.transport).filter(|transport| *transport != "stdio"),
            headers: self.named(&server.headers),
            timeout: server.timeout.value().map(|timeout| match timeout {
                Timeout::Text(text) => RawTimeout::Text(text),
                Timeout::Nanoseconds(nanoseconds) => RawTimeout::Nanoseconds(*nanoseconds),
            }),
            options: Options {
                panic_if_invalid: server.options.panic_if_invalid.value().copied(),
                log_enabled: server.options.log_enabled.value().copied(),
                auth_tokens: self.tokens(&server.options.auth_tokens),
            },
        }
    }

    fn tokens(&self, field: &Field<Vec<At<String>>>) -> Option<Vec<String>> {
        field.value().map(|tokens| tokens.iter().map(|token| self.secret(token)).collect())
    }

    fn named(&self, field: &Field<Vec<NamedText>>) -> Ordered<String> {
        let members = field.value().into_iter().flatten();
        Ordered(members.map(|(name, value)| (name.value.clone(), self.secret(value))).collect())
    }

    fn url(&self, text: &At<String>) -> String {
        let is_harmless =
            Url::parse(&text.value).is_ok_and(|url| url.query().is_none() && url.path().len() <= SHOWN_PATH_BYTES_MAX);
        if is_harmless { text.value.clone() } else { self.secret(text) }
    }

    fn secret(&self, text: &At<String>) -> String {
        if self.shows_secrets { text.value.clone() } else { format!("{PLACEHOLDER_START}{}>", text.place.path) }
    }
}

fn plain(field: &Field<String>) -> Option<&str> {
    field.value().map(String::as_str)
}
