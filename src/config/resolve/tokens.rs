//! What a downstream must present: the part of [`super::resolve`] that concerns `authTokens`.

use crate::config::node::{At, Field};
use crate::config::raw::{RawOptions, RawServer};
use crate::config::report::Report;
use crate::config::{ServerConfig, names};

/// The tokens without their scheme. One that is refused has been reported, so that no server is opened by it.
pub(super) fn resolve(field: &Field<Vec<At<String>>>, report: &mut Report) -> Vec<String> {
    let mut tokens = Vec::new();
    for At { value, place } in field.value().into_iter().flatten() {
        let token = without_scheme(value.trim());
        if token.is_empty() {
            report.error(place, "is an empty token", "Remove it, or write a secret: openssl rand -hex 32 makes one.");
        } else if !token.bytes().all(|b| b.is_ascii_graphic()) {
            report.error(place, "contains a character that a header cannot carry", "Use letters and digits.");
        } else if is_variable(token) {
            let advice = "With -expand-env=false, this text itself would be the token.";
            report.error(place, "is the name of a variable, not a token", advice);
        } else {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

/// Whether a server stands open although the proxy has tokens for all. A name with a token in it is one of its own.
pub(super) fn check_opened(raw: &RawServer, common: &RawOptions, server: &ServerConfig, report: &mut Report) {
    let Some(At { value: own, place }) = raw.options.auth_tokens.given() else { return };
    let is_closed_otherwise = server.is_protected() || raw.label.contains(names::MASK);
    let is_opened = own.is_empty() && common.auth_tokens.value().is_some_and(|tokens| !tokens.is_empty());
    if is_opened && !is_closed_otherwise {
        report.warn(place, "opens the server to everybody", "Give it tokens of its own, or remove this.");
    }
}

/// `Bearer`, in any case, is what clients put before a token.
fn without_scheme(text: &str) -> &str {
    match text.split_once(' ').unwrap_or((text, "")) {
        (scheme, token) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => text,
    }
}

/// `${NAME}`
fn is_variable(token: &str) -> bool {
    token.starts_with("${") && token.ends_with('}')
}
