//! How a server is started: the part of [`super::resolve`] that concerns its command.

use super::own_or;
use crate::config::Command;
use crate::config::environment::Inheritance;
use crate::config::node::At;
use crate::config::raw::{RawOptions, RawServer};
use crate::config::report::Report;

/// The command of an enabled server; empty where it is missing or wrong, which has been reported then.
pub(super) fn resolve(server: &RawServer, inherited: &RawOptions, report: &mut Report) -> Command {
    refuse_headers(server, report);
    let args = server.args.value().map_or(&[][..], Vec::as_slice);
    let env = server.env.value().map_or(&[][..], Vec::as_slice);
    for text in args.iter().chain(server.command.given()).chain(env.iter().map(|(_, value)| value)) {
        check_text(text, report);
    }
    Command {
        program: program(server, args.is_empty(), report),
        inherits: match own_or(&server.options.inherit_env, &inherited.inherit_env).value() {
            Some(true) => Inheritance::Everything,
            Some(false) | None => Inheritance::Minimal,
        },
        args: args.iter().map(|arg| arg.value.clone()).collect(),
        env: env.iter().filter_map(|(name, value)| variable_setting(name, value, report)).collect(),
    }
}

fn refuse_headers(server: &RawServer, report: &mut Report) {
    if let Some(At { place, .. }) = server.headers.given().filter(|headers| !headers.value.is_empty()) {
        let advice = "Remove it. What a command needs to know goes into env.";
        report.error(place, "belongs to remote servers, but this one has a command", advice);
    }
}

fn program(server: &RawServer, is_without_args: bool, report: &mut Report) -> String {
    let Some(At { value, place }) = server.command.given() else { return String::new() };
    if value.trim().is_empty() {
        let advice = "Write what to run: \"command\": \"npx\", \"args\": [\"-y\", \"some-mcp-server\"]";
        report.error(place, "must not be empty", advice);
    } else if is_without_args && value.contains(char::is_whitespace) {
        let advice = "The whole text is taken for the name of one program; arguments belong in args.";
        report.warn(place, "contains a space", advice);
    }
    value.clone()
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
}
