//! What a downstream must present: the part of [`super::resolve`] that concerns `authTokens`.

use crate::config::node::{At, Field};
use crate::config::report::Report;

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
