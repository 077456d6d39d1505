//! From what the user typed to what the program runs with: defaults, inheritance, and whether the values make sense.

mod command;
mod oauth;
mod remote;
mod target;
mod times;
mod tokens;
mod tool_filter;

use std::iter;

use self::times::{request_time, time_or};
use super::names::{self, Verdict};
use super::node::{At, Field};
use super::raw::{Raw, RawOptions, RawServer, UnsupportedKey};
use super::report::{Place, Report};
use super::{ADDR_FORMS, Addr, Config, EXAMPLE, Isolation, ServerConfig, StatusPage, Transports};
use crate::base::nearest::nearest;
use crate::base::url::{Authority, Origin, Url};
use crate::limits::{DEFAULT_PORT, STARTUP_TIME};

/// Resolves. Whatever is wrong goes to `report`; the result is only fit for use if no error went there.
///
/// `addr` comes from the command line and takes the place of the file's.
pub fn resolve(raw: &Raw, addr: Option<Addr>, report: &mut Report) -> Config {
    if let Some(disabled) = raw.proxy.options.disabled.given() {
        report.warn(&disabled.place, "has no effect here", "It belongs in the options of a server.");
    }
    tool_filter::warn_of_common(&raw.proxy.options, report);
    let addr_in_file = listening_addr(&raw.proxy.addr, report);
    let addr = addr.unwrap_or(addr_in_file);
    let base_url = base_url(&raw.proxy.base_url, &addr, report);
    let transports = transports(&raw.proxy.transport, report);
    let oauth = oauth::resolve(&raw.proxy, transports, report);
    oauth::check_base_url(&raw.proxy, &base_url, report);
    let mut servers = servers(raw, report);
    servers.iter_mut().for_each(|server| server.is_behind_login &= oauth.is_some());
    oauth::check_transports(&raw.proxy, transports, &servers, report);
    Config {
        name: text_or(&raw.proxy.name, env!("CARGO_PKG_NAME"), report),
        version: text_or(&raw.proxy.version, env!("CARGO_PKG_VERSION"), report),
        base_url,
        addr,
        is_base_url_given: raw.proxy.base_url.given().is_some(),
        transports,
        allowed_origins: allowed_origins(&raw.proxy.allowed_origins, report),
        allowed_hosts: allowed_hosts(&raw.proxy.allowed_hosts, report),
        status_page: match raw.proxy.status_page.value() {
            None => StatusPage::Local,
            Some(true) => StatusPage::Everywhere,
            Some(false) => StatusPage::Nowhere,
        },
        metrics: raw.proxy.metrics.value() == Some(&true),
        oauth,
        servers,
        warnings: Vec::new(),
    }
}

fn report_unsupported(keys: &[UnsupportedKey], report: &mut Report) {
    for UnsupportedKey { entry, place } in keys {
        report.error(place, entry.what, entry.advice);
    }
}

/// The types that the reference knows, and `both`. Its default is `sse`; ours serves that as well, so that a file which
/// was written for it finds all that it expects.
fn transports(field: &Field<String>, report: &mut Report) -> Transports {
    let Some(At { value, place }) = field.given() else { return Transports::Both };
    match value.as_str() {
        "sse" => Transports::Sse,
        "streamable-http" => Transports::Streamable,
        "both" => Transports::Both,
        other => {
            let meant = nearest(other, ["sse", "streamable-http", "both"]).unwrap_or("both");
            let what = "must be \"sse\", \"streamable-http\" or \"both\"";
            report.error(place, what, format!("Write \"{meant}\"."));
            Transports::Both
        }
    }
}

fn text_or(field: &Field<String>, default: &str, report: &mut Report) -> String {
    let Some(At { value, place }) = field.given() else { return default.to_owned() };
    if value.trim().is_empty() {
        report.error(place, "must not be empty", format!("Leave it out to use \"{default}\"."));
    }
    value.clone()
}

fn listening_addr(field: &Field<String>, report: &mut Report) -> Addr {
    let default = Addr { host: None, port: DEFAULT_PORT };
    let Some(At { value, place }) = field.given() else { return default };
    Addr::parse(value).unwrap_or_else(|error| {
        report.error(place, format!("is no address to listen on: {error}"), ADDR_FORMS);
        default
    })
}

fn base_url(field: &Field<String>, addr: &Addr, report: &mut Report) -> Url {
    let default = default_base_url(addr);
    let Some(At { value, place }) = field.given() else { return default };
    match Url::parse_base(value) {
        Ok(url) if url.port() != 0 => return url,
        Ok(_) => report.error(place, "port 0 leads nowhere", "Leave baseURL out: the port in use is filled in."),
        Err(error) => {
            let advice = "Write the URL under which clients reach the proxy, such as \"https://mcp.example.com\".";
            report.error(place, format!("is no URL to be reached at: {error}"), advice);
        }
    }
    default
}

/// Where a downstream on this machine reaches a listener. Port 0 stays 0: the real one is not known yet.
pub fn default_base_url(addr: &Addr) -> Url {
    match addr.host.as_deref() {
        None | Some("0.0.0.0" | "::") => Url::http("localhost", addr.port),
        Some(host) => Url::http(host, addr.port),
    }
}

fn allowed_origins(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<String> {
    let mut origins = Vec::new();
    for At { value, place } in field.value().into_iter().flatten() {
        match Origin::parse(value.trim_end_matches('/')) {
            _ if value == "*" => origins.push(value.clone()),
            Ok(origin @ Origin::Tuple { .. }) => origins.push(origin.to_string()),
            Ok(Origin::Opaque) => {
                let advice = "Any page can make a browser send it. List the origins you trust, or \"*\" for all.";
                report.error(place, "null is no origin to be trusted", advice);
            }
            Err(_) => {
                report.error(place, "is no origin", "Write scheme, host and port only: \"https://app.example.com\"");
            }
        }
    }
    origins
}

fn allowed_hosts(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<String> {
    let mut hosts = Vec::new();
    for At { value, place } in field.value().into_iter().flatten() {
        match Authority::parse(value) {
            Ok(authority) if authority.port().is_none() => hosts.push(authority.host().to_owned()),
            Ok(_) => report.error(place, "must not name a port", "A host is allowed with every port: leave it out."),
            Err(_) => report.error(place, "is no host name", "Write it without scheme and path: \"mcp.example.com\""),
        }
    }
    hosts
}

fn servers(raw: &Raw, report: &mut Report) -> Vec<ServerConfig> {
    let (list, place) = match &raw.servers {
        Field::Refused => return Vec::new(),
        Field::Given(At { value, place }) => (value.as_slice(), place.clone()),
        Field::Absent => (&[][..], Place::top()),
    };
    if list.is_empty() {
        report.error(&place, "there is no server", EXAMPLE);
    } else if list.iter().all(RawServer::is_disabled) {
        report.error(&place, "every server is disabled", "Set options.disabled to false in one of them.");
    }
    let mut servers: Vec<ServerConfig> = Vec::new();
    for raw_server in list.iter().filter(|server| !server.is_disabled()) {
        let mut server = resolve_server(raw_server, &raw.proxy.options, report);
        if servers.iter().any(|earlier| earlier.name == server.name) {
            let what = "has the name of another server, now that variables are filled in";
            report.error(&raw_server.name.place, what, "Call one of the two something else.");
        }
        server.label = distinct(server.label, &servers);
        servers.push(server);
    }
    servers
}

/// Masks may have made two names the same; lines in the log must not be mistaken for each other's.
fn distinct(label: String, others: &[ServerConfig]) -> String {
    let is_free = |label: &String| others.iter().all(|other| other.label != *label);
    let numbered = (2..).map(|number| format!("{label}#{number}"));
    iter::once(label.clone()).chain(numbered).find(is_free).unwrap_or(label)
}

fn resolve_server(server: &RawServer, inherited: &RawOptions, report: &mut Report) -> ServerConfig {
    let At { value: name, place } = &server.name;
    match names::judge(name) {
        Verdict::Fine => {}
        Verdict::Doubtful { what, advice } => report.warn(place, what, advice),
        Verdict::Refused { what, advice } => report.error(place, what, advice),
    }
    let options = &server.options;
    report_unsupported(&server.unsupported, report);
    let target = target::resolve(server, inherited, report);
    let is_remote = target.remote().is_some();
    let resolved = ServerConfig {
        name: name.clone(),
        label: server.label.clone(),
        target,
        auth_tokens: tokens::resolve(own_or(&options.auth_tokens, &inherited.auth_tokens), report),
        is_behind_login: oauth::is_behind_login(server, inherited, report),
        panic_if_invalid: own_or(&options.panic_if_invalid, &inherited.panic_if_invalid).value() == Some(&true),
        log_enabled: own_or(&options.log_enabled, &inherited.log_enabled).value() == Some(&true),
        startup_time: time_or(own_or(&options.startup_timeout, &inherited.startup_timeout), STARTUP_TIME, report),
        request_time: request_time(server, inherited, is_remote, report),
        tool_filter: tool_filter::resolve(options, report),
        isolation: isolation(own_or(&options.isolation, &inherited.isolation), report),
    };
    oauth::check_exempt(server, inherited, &resolved, report);
    tokens::check_opened(server, inherited, &resolved, report);
    resolved
}

fn isolation(field: &Field<String>, report: &mut Report) -> Isolation {
    let Some(At { value, place }) = field.given() else { return Isolation::Shared };
    match value.as_str() {
        "shared" => Isolation::Shared,
        "session" => Isolation::Session,
        other => {
            let meant = nearest(other, ["shared", "session"]).unwrap_or("session");
            report.error(place, "must be \"shared\" or \"session\"", format!("Write \"{meant}\"."));
            Isolation::Shared
        }
    }
}

/// What a server does not say itself it takes from the proxy's options. An empty list is said.
fn own_or<'a, T>(own: &'a Field<T>, inherited: &'a Field<T>) -> &'a Field<T> {
    match own {
        Field::Absent => inherited,
        Field::Refused | Field::Given(_) => own,
    }
}
