//! The page for what goes wrong before there is a client to be told. It has nothing to customise: it is not a template,
//! and no file takes its place.

use super::Rendered;

const SOURCE: &str = include_str!("../../../templates/oauth/error.html");

/// The page with a message, which may repeat what an attacker has written.
pub(super) fn page(message: &str, nonce: &str) -> Rendered {
    Rendered {
        html: SOURCE.replace("{nonce}", nonce).replace("{message}", &escaped(message)),
        policy: format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'none'; \
             frame-ancestors 'none'; base-uri 'none'"
        ),
        fault: None,
    }
}

/// As text of an element (HTML, 13.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
