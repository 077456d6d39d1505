//! The HTML form of the status page: one file, and what is filled in.

use std::fmt::Write;

use super::view::Status;

/// Between two `@@` stands the name of what is filled in.
const TEMPLATE: &str = include_str!("../../../templates/status.html");

/// The page. The data are text to the browser, not code: the page's own script, which alone has the `nonce`, reads
/// them.
pub(super) fn html(status: &Status, nonce: &str) -> String {
    let data = serde_json::to_string(status).unwrap_or_default(); // strings and numbers always can be written
    let mut page = String::with_capacity(TEMPLATE.len() + data.len() + 1024);
    for (at, piece) in TEMPLATE.split("@@").enumerate() {
        match piece {
            _ if at % 2 == 0 => page.push_str(piece),
            "nonce" => page.push_str(nonce),
            "data" => push_script_data(&mut page, &data),
            "servers" => push_list(&mut page, status),
            _ => debug_assert!(false, "templates/status.html names {piece:?}, which nobody knows"),
        }
    }
    page
}

/// What the page may do (Content Security Policy, level 3): run its own script, wear its own style, show its own icon,
/// and ask us. Nothing in it can load, send, embed or be embedded.
pub(super) fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'"
    )
}

/// JSON within a `script` element: nothing in it may look like the end of that, or a comment, to the parser of HTML.
fn push_script_data(page: &mut String, json: &str) {
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(page, "\\u{:04x}", u32::from(c));
            }
            _ => page.push(c),
        }
    }
}

/// For browsers that run no scripts.
fn push_list(page: &mut String, status: &Status) {
    for server in &status.servers {
        page.push_str("<li>");
        push_text(page, &server.name);
        page.push_str(": ");
        push_text(page, server.state);
        page.push_str("</li>");
    }
}

fn push_text(page: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '&' => page.push_str("&amp;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            _ => page.push(c),
        }
    }
}
