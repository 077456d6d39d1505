//! The configuration as the user typed it: every value with its place, nothing defaulted, nothing inherited.
//!
//! Reported here: what is not JSON, keys that do not exist or exist twice, and values of a wrong type. What values
//! mean, and whether they fit together, is for [`super::resolve`].

mod oauth;
mod texts;

pub use self::oauth::RawOAuth;
use super::keys::{self, Section, Unsupported};
use super::names;
use super::node::{At, Field, Member, NamedText, Node, Timeout};
use super::report::{Place, Report};
use super::source::Source;
use super::v1::V1;
use crate::codec::jsonc::{self, JsoncError};

/// The file.
#[derive(Debug, Default)]
pub struct Raw {
    /// `mcpProxy`
    pub proxy: RawProxy,
    /// `mcpServers`, in the order of the file; absent where it is missing.
    pub servers: Field<Vec<RawServer>>,
}

/// `mcpProxy`
#[derive(Debug, Default)]
pub struct RawProxy {
    /// `baseURL`
    pub base_url: Field<String>,
    /// `addr`
    pub addr: Field<String>,
    /// `name`
    pub name: Field<String>,
    /// `version`
    pub version: Field<String>,
    /// `type`
    pub transport: Field<String>,
    /// `allowedOrigins`
    pub allowed_origins: Field<Vec<At<String>>>,
    /// `allowedHosts`
    pub allowed_hosts: Field<Vec<At<String>>>,
    /// `statusPage`
    pub status_page: Field<bool>,
    /// `metrics`
    pub metrics: Field<bool>,
    /// `options`: what servers inherit.
    pub options: RawOptions,
}

/// `mcpServers.*`
#[derive(Debug)]
pub struct RawServer {
    /// Its key.
    pub name: At<String>,
    /// What messages call it.
    pub label: String,
    /// `command`
    pub command: Field<String>,
    /// `args`
    pub args: Field<Vec<At<String>>>,
    /// `env`
    pub env: Field<Vec<NamedText>>,
    /// `url`
    pub url: Field<String>,
    /// `headers`
    pub headers: Field<Vec<NamedText>>,
    /// `timeout`
    pub timeout: Field<Timeout>,
    /// `transportType`
    pub transport: Field<String>,
    /// `options`
    pub options: RawOptions,
    /// Keys that would have to be ignored.
    pub unsupported: Vec<UnsupportedKey>,
}

/// `options`
#[derive(Debug, Default)]
pub struct RawOptions {
    /// `panicIfInvalid`
    pub panic_if_invalid: Field<bool>,
    /// `logEnabled`
    pub log_enabled: Field<bool>,
    /// `authTokens`
    pub auth_tokens: Field<Vec<At<String>>>,
    /// `disabled`
    pub disabled: Field<bool>,
    /// `startupTimeout`
    pub startup_timeout: Field<String>,
    /// `requestTimeout`
    pub request_timeout: Field<String>,
    /// `isolation`
    pub isolation: Field<String>,
    /// `inheritEnv`
    pub inherit_env: Field<bool>,
    /// `toolFilter`
    pub tool_filter: Field<RawToolFilter>,
    /// `oauth2`
    pub oauth2: Field<RawOAuth>,
}

/// `toolFilter`
#[derive(Debug, Default)]
pub struct RawToolFilter {
    /// `mode`
    pub mode: Field<String>,
    /// `list`
    pub list: Field<Vec<At<String>>>,
}

/// A key that would have to be ignored.
#[derive(Debug)]
pub struct UnsupportedKey {
    /// What to say about it.
    pub entry: &'static Unsupported,
    /// Where it stands.
    pub place: Place,
}

impl Raw {
    /// What is left of a file that cannot be read: nothing in it may be called missing.
    fn unreadable() -> Raw {
        Raw { servers: Field::Refused, ..Raw::default() }
    }
}

impl RawServer {
    /// Says nothing but its name.
    pub(super) fn named(name: At<String>) -> RawServer {
        RawServer {
            label: names::label(&name.value, false),
            name,
            command: Field::Absent,
            args: Field::Absent,
            env: Field::Absent,
            url: Field::Absent,
            headers: Field::Absent,
            timeout: Field::Absent,
            transport: Field::Absent,
            options: RawOptions::default(),
            unsupported: Vec::new(),
        }
    }

    /// Whether it is to be left out, whatever else it says.
    pub(super) fn is_disabled(&self) -> bool {
        self.options.disabled.value() == Some(&true)
    }
}

/// Reads all of `source`. The old format is converted; `shows_secrets`: the warning about it repeats what may be
/// secret.
pub fn read(source: &Source, shows_secrets: bool, report: &mut Report) -> Raw {
    let mut json = source.text().as_bytes().to_vec();
    if let Err(error) = jsonc::blank(&mut json) {
        let advice = match error {
            JsoncError::UnterminatedComment { .. } => "Write */ where it ends.",
            JsoncError::UnterminatedString { .. } => {
                "Add the quote. A quote or backslash inside is written \\\" or \\\\."
            }
        };
        report.error(&Place { offset: error.offset(), ..Place::top() }, error.to_string(), advice);
        return Raw::unreadable();
    }
    if json.trim_ascii().is_empty() {
        report.error(&Place::top(), "the file is empty", super::EXAMPLE);
        return Raw::unreadable();
    }
    match Node::top(&json) {
        Ok(node) => read_top(&node, shows_secrets, report),
        Err(error) => {
            report_syntax(&error, source, report);
            Raw::unreadable()
        }
    }
}

fn report_syntax(error: &serde_json::Error, source: &Source, report: &mut Report) {
    let message = error.to_string();
    let what = message.split(" at line ").next().unwrap_or_default();
    let offset = source.offset(error.line(), error.column());
    let advice = if error.is_eof() {
        "Something is open that is never closed: look for a missing brace, bracket or quote."
    } else if source.text()[..offset].ends_with('$') || source.text()[offset..].starts_with('$') {
        "Put it in quotes: variables are filled in in strings only."
    } else {
        "Look here and just before for a missing comma, colon, quote or brace. Comments and trailing commas are fine."
    };
    report.error(&Place { offset, ..Place::top() }, format!("this is not JSON: {what}"), advice);
}

fn read_top(node: &Node<'_>, shows_secrets: bool, report: &mut Report) -> Raw {
    let Some(members) = node.members(report) else { return Raw::unreadable() };
    let has = |key| members.iter().any(|member| member.key == key && !member.node.is_null());
    let (has_proxy, has_servers) = (has("mcpProxy"), has("mcpServers"));
    let mut old = V1::default();
    let mut raw = Raw::default();
    for member in members {
        match member.key.as_str() {
            "mcpProxy" => raw.proxy = read_proxy(&member.node, report),
            "mcpServers" => raw.servers = read_servers(&member.node, report),
            "server" | "clients" if member.node.is_null() => {}
            "server" => old.read_server(&member, has_proxy, report),
            "clients" => old.read_clients(&member, has_servers, report),
            _ => keys::report_unknown(Section::Top, &member, report),
        }
    }
    old.convert(&mut raw.proxy, &mut raw.servers, shows_secrets, report);
    raw
}

fn read_proxy(node: &Node<'_>, report: &mut Report) -> RawProxy {
    let members = node.optional_members(report);
    let mut proxy = RawProxy::default();
    for member in members {
        match member.key.as_str() {
            "baseURL" => proxy.base_url = member.node.string(report),
            "addr" => proxy.addr = member.node.string(report),
            "name" => proxy.name = member.node.string(report),
            "version" => proxy.version = member.node.string(report),
            "type" => proxy.transport = member.node.string(report),
            "allowedOrigins" => proxy.allowed_origins = member.node.strings(report),
            "allowedHosts" => proxy.allowed_hosts = member.node.strings(report),
            "statusPage" => proxy.status_page = member.node.boolean(report),
            "metrics" => proxy.metrics = member.node.boolean(report),
            "options" => proxy.options = read_options(&member.node, report),
            _ => keys::report_unknown(Section::Proxy, &member, report),
        }
    }
    proxy
}

fn read_servers(node: &Node<'_>, report: &mut Report) -> Field<Vec<RawServer>> {
    let Some(members) = node.members(report) else { return Field::Refused };
    let value = members.into_iter().map(|member| read_server(member, report)).collect();
    Field::Given(At { value, place: node.place() })
}

impl RawServer {
    /// Reads a member that says where the server is; both formats have these. Says whether it is one.
    pub(super) fn read_target(&mut self, member: &Member<'_>, report: &mut Report) -> bool {
        match member.key.as_str() {
            "command" => self.command = member.node.string(report),
            "args" => self.args = member.node.strings(report),
            "env" => self.env = member.node.string_members(report),
            "url" => self.url = member.node.string(report),
            "headers" => self.headers = member.node.string_members(report),
            "timeout" => self.timeout = member.node.duration_or_nanoseconds(report),
            _ => return false,
        }
        true
    }
}

fn read_server(member: Member<'_>, report: &mut Report) -> RawServer {
    let mut server = RawServer::named(At { value: member.key, place: member.place });
    let Some(members) = member.node.members(report) else {
        server.command = Field::Refused; // what is no object lacks nothing
        return server;
    };
    for member in members {
        match member.key.as_str() {
            _ if server.read_target(&member, report) => {}
            "transportType" => server.transport = member.node.string(report),
            "options" => server.options = read_options(&member.node, report),
            _ => on_other_key(&member, &mut server.unsupported, report),
        }
    }
    server
}

fn read_options(node: &Node<'_>, report: &mut Report) -> RawOptions {
    let mut options = RawOptions::default();
    for member in node.optional_members(report) {
        match member.key.as_str() {
            "panicIfInvalid" => options.panic_if_invalid = member.node.boolean(report),
            "logEnabled" => options.log_enabled = member.node.boolean(report),
            "authTokens" => options.auth_tokens = member.node.strings(report),
            "disabled" => options.disabled = member.node.boolean(report),
            "startupTimeout" => options.startup_timeout = member.node.duration(report),
            "requestTimeout" => options.request_timeout = member.node.duration(report),
            "isolation" => options.isolation = member.node.string(report),
            "inheritEnv" => options.inherit_env = member.node.boolean(report),
            "toolFilter" => options.tool_filter = read_tool_filter(&member.node, report),
            "oauth2" => options.oauth2 = oauth::read(&member.node, report),
            _ => keys::report_unknown(Section::Options, &member, report),
        }
    }
    options
}

fn read_tool_filter(node: &Node<'_>, report: &mut Report) -> Field<RawToolFilter> {
    if node.is_null() {
        return Field::Absent;
    }
    let Some(members) = node.members(report) else { return Field::Refused };
    let mut filter = RawToolFilter::default();
    for member in members {
        match member.key.as_str() {
            "mode" => filter.mode = member.node.string(report),
            "list" => filter.list = member.node.strings(report),
            _ => keys::report_unknown(Section::ToolFilter, &member, report),
        }
    }
    Field::Given(At { value: filter, place: node.place() })
}

/// Of a server.
fn on_other_key(member: &Member<'_>, unsupported: &mut Vec<UnsupportedKey>, report: &mut Report) {
    match keys::unsupported(&member.key) {
        Some(entry) => unsupported.push(UnsupportedKey { entry, place: member.place.clone() }),
        None => keys::report_unknown(Section::Server, member, report),
    }
}
