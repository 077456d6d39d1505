//! What a server may be called: its name becomes a part of paths, a log field and a part of tool names elsewhere.
//!
//! A name with `/` is a way to give a token to clients that cannot send headers: `fetch/TOKEN` is served at
//! `/fetch/TOKEN/mcp`. Whoever knows the path may call, so logs and messages show [`label`] instead.

use crate::base::url::is_segment_byte;
use crate::limits::SERVER_NAME_BYTES_MAX;

/// Names that are, or will be, routes of the proxy itself.
const RESERVED: [&str; 4] = ["sse", "mcp", "oauth", ".well-known"];

/// What a login is for that is for no server in particular.
pub const EVERY_SERVER: &str = "*";

/// Clients put the server's name before each tool's and cut or drop what gets longer than about 60 characters.
const ADVISED_CHARS_MAX: usize = 20;

/// A part of a name that is a path, from this length on, is taken for a token. Shorter ones protect nothing.
const TOKEN_BYTES_MIN: usize = 12;

/// Stands in logs and messages where a part of a name may be a token.
pub const MASK: &str = "…";

/// What logs and messages call a server. Masked is each part behind the first `/` that has twelve bytes or more, and
/// each part in which a variable was filled in. Length alone decides: what is a word and what a secret cannot be told.
pub fn label(typed: &str, is_expanded: bool) -> String {
    let is_masked =
        |index: usize, part: &str| index > 0 && part.len() >= TOKEN_BYTES_MIN || is_expanded && part.contains('$');
    let parts = typed.split('/').enumerate();
    parts.map(|(index, part)| if is_masked(index, part) { MASK } else { part }).collect::<Vec<_>>().join("/")
}

/// What is to be said about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// It works here, but not everywhere.
    Doubtful {
        /// Why.
        what: String,
        /// What would be better.
        advice: String,
    },
    /// It cannot be.
    Refused {
        /// Why.
        what: String,
        /// What would be right.
        advice: String,
    },
}

/// Judges a name. Of one that is a path, clients get to see the first part: what is behind it is only a way to it.
pub fn judge(name: &str) -> Verdict {
    if let Some((what, advice)) = refusal(name) {
        return Verdict::Refused { what, advice: advice.to_owned() };
    }
    let first = first_part(name);
    let is_plain = first.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if !is_plain {
        let advice = "Letters, digits, - and _ are safe.".to_owned();
        return Verdict::Doubtful { what: "some clients refuse such a name".to_owned(), advice };
    }
    if first.len() > ADVISED_CHARS_MAX {
        let what = format!("has more than {ADVISED_CHARS_MAX} characters");
        let advice = "Clients put it before every tool's name and drop what gets too long.".to_owned();
        return Verdict::Doubtful { what, advice };
    }
    Verdict::Fine
}

/// What a client may call the server: a path is no name for it.
pub fn first_part(name: &str) -> &str {
    name.split('/').next().unwrap_or_default()
}

fn refusal(name: &str) -> Option<(String, &'static str)> {
    if name.is_empty() {
        return Some(("a server needs a name".to_owned(), "It becomes part of its URL: /NAME/mcp"));
    }
    if name.len() > SERVER_NAME_BYTES_MAX {
        return Some((format!("the name is longer than {SERVER_NAME_BYTES_MAX} bytes"), "Shorten it."));
    }
    if name.starts_with('_') {
        return Some((
            "names that start with _ are kept for the proxy itself".to_owned(),
            "Call the server something else.",
        ));
    }
    if name == EVERY_SERVER {
        let what = format!("\"{EVERY_SERVER}\" stands for all servers, in what is kept of a login");
        return Some((what, "Call the server something else."));
    }
    name.split('/').find_map(refusal_of_part)
}

fn refusal_of_part(part: &str) -> Option<(String, &'static str)> {
    if part.is_empty() {
        return Some(("the name has an empty part".to_owned(), "Write it without / at its ends, and without //."));
    }
    if RESERVED.contains(&part) {
        return Some((format!("\"{part}\" is a path of the proxy itself"), "Call the server something else."));
    }
    if part == "." || part == ".." {
        return Some((format!("\"{part}\" has a meaning of its own in a URL"), "Call the server something else."));
    }
    if !part.bytes().all(is_segment_byte) {
        let what = "the name contains a character that cannot stand in a URL's path";
        return Some((what.to_owned(), "Use letters, digits, - and _."));
    }
    None
}
