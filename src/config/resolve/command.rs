//! How a server is started: the part of [`super::resolve`] that concerns its command.

use crate::base::nearest::nearest;
use crate::config::Command;
use crate::config::node::{At, Field};
use crate::config::raw::{RawServer, UnsupportedKey};
use crate::config::report::Report;

/// The command of an enabled server; empty where it is missing or wrong, which has been reported then.
pub(super) fn resolve(server: &RawServer, report: &mut Report) -> Command {
    report_unsupported(&server.unsupported, report);
    check_transport(server, report);
    let args = server.args.value().map_or(&[][..], Vec::as_slice);
    for text in args.iter().chain(server.command.given()).chain(server.env.iter().map(|(_, value)| value)) {
        check_text(text, report);
    }
    Command {
        program: program(server, args.is_empty(), report),
        args: args.iter().map(|arg| arg.value.clone()).collect(),
        env: server.env.iter().filter_map(|(name, value)| variable_setting(name, value, report)).collect(),
    }
}

/// A remote server is one problem, not one for each of its keys.
fn report_unsupported(keys: &[UnsupportedKey], report: &mut Report) {
    let url = keys.iter().find(|key| key.entry.key() == "url");
    let reported = url.map_or(keys, std::slice::from_ref);
    for UnsupportedKey { entry, place } in reported {
        report.error(place, entry.what, entry.advice);
    }
}

fn is_remote(server: &RawServer) -> bool {
    server.unsupported.iter().any(|key| key.entry.key() == "url")
}

fn check_transport(server: &RawServer, report: &mut Report) {
    let Some(At { value, place }) = server.transport.given() else { return };
    match value.as_str() {
        "stdio" => {}
        "sse" | "streamable-http" if is_remote(server) => {}
        "sse" | "streamable-http" => {
            report.error(place, "belongs to remote servers, which are not supported in this version", "Remove it.");
        }
        other => {
            let meant = nearest(other, ["stdio", "sse", "streamable-http"]).unwrap_or("stdio");
            report.error(place, "must be \"stdio\", \"sse\" or \"streamable-http\"", format!("Write \"{meant}\"."));
        }
    }
}

fn program(server: &RawServer, is_without_args: bool, report: &mut Report) -> String {
    const EXAMPLE: &str = "Write what to run: \"command\": \"npx\", \"args\": [\"-y\", \"some-mcp-server\"]";
    match &server.command {
        Field::Refused => String::new(),
        Field::Absent if is_remote(server) => String::new(),
        Field::Absent => {
            report.error(&server.name.place, "has no command", EXAMPLE);
            String::new()
        }
        Field::Given(At { value, place }) => {
            if value.trim().is_empty() {
                report.error(place, "must not be empty", EXAMPLE);
            } else if is_without_args && value.contains(char::is_whitespace) {
                let advice = "The whole text is taken for the name of one program; arguments belong in args.";
                report.warn(place, "contains a space", advice);
            }
            value.clone()
        }
    }
}

fn variable_setting(name: &At<String>, value: &At<String>, report: &mut Report) -> Option<(String, String)> {
    if name.value.is_empty() || name.value.contains(['=', '\0']) {
        report.error(&name.place, "is no name for an environment variable", "It must not be empty or contain =.");
        return None;
    }
    Some((name.value.clone(), value.value.clone()))
}

fn check_text(text: &At<String>, report: &mut Report) {
    if text.value.contains('\0') {
        report.error(&text.place, "contains a NUL character", "The system cannot pass it on. Remove \\u0000.");
    }
    if let Some(variable) = variable(&text.value) {
        let advice = "Environment variables are not filled in in this version. \
                      A server inherits the proxy's environment: set it there.";
        report.warn(&text.place, format!("{variable} is passed on as it is"), advice);
    }
}

/// The first `${NAME}` in a text. The reference fills these in.
pub(super) fn variable(text: &str) -> Option<&str> {
    let start = text.find("${")?;
    let length = text[start..].find('}')?;
    let name = &text[start + 2..start + length];
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then(|| &text[start..=start + length])
}
