//! What is added to the source of a page for its author: the nonce that the Content-Security-Policy asks for, and the
//! hidden field that ties a form to the page it was on.
//!
//! This reads just enough HTML to find tags: comments, quoted attributes, the insides of scripts and styles, and the
//! template's own actions, in which anything may stand. What is filled in later is not there yet, so that nobody who
//! fills something in can get a nonce for it.

/// Stands for the nonce until a page is rendered. With its quotes it cannot come from anything that is filled in: there
/// is no place in a page where quotes are left as they are.
pub(super) const NONCE: &str = "nonce=\"mcp-proxy-nonce\"";

/// Likewise for the transaction.
pub(super) const TRANSACTION: &str = "name=\"txn\" value=\"mcp-proxy-txn\"";

/// Elements that a nonce lets through.
const WITH_NONCE: [&str; 3] = ["script", "style", "link"];

/// Elements in which there are no tags.
const WITH_TEXT_ONLY: [&str; 4] = ["script", "style", "textarea", "title"];

/// The source of a page, ready to be parsed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    /// With what was added. Lines keep their numbers.
    pub text: String,
    /// How many forms were tied to their page.
    pub forms: usize,
    /// The handlers of events, such as `onsubmit`, that are the same on every page.
    pub handlers: Vec<String>,
}

/// Adds what pages need.
pub fn prepare(source: &str) -> Prepared {
    let mut prepared = Prepared::default();
    let mut rest = source;
    while let Some(start) = rest.find(['<', '{']) {
        let length = start + markup_length(&rest[start..]);
        match tag(&rest[start..]) {
            Some(tag) => {
                prepared.text.push_str(&rest[..start]);
                prepared.push(&tag);
                let after = &rest[start + tag.text.len()..];
                let inside = if tag.is_one_of(&WITH_TEXT_ONLY) { text_length(after, tag.name) } else { 0 };
                prepared.text.push_str(&after[..inside]);
                rest = &after[inside..];
            }
            None => {
                prepared.text.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    prepared.text.push_str(rest);
    prepared
}

/// Whether every block has its end; the engine takes the end of the file for one, which is where a file ends that is
/// just being written. Otherwise the line, from 1, and what is wrong there.
pub fn check_blocks(source: &str) -> Result<(), (usize, &'static str)> {
    let line = |offset: usize| source[..offset].matches('\n').count() + 1;
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(start) = source[at..].find("{{").map(|start| at + start) {
        at = start + action_length(&source[start..]);
        let action = source[start + "{{".len()..at].trim_start_matches(['-', ' ', '\t', '\n', '\r']);
        match &action[..action.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(action.len())] {
            "if" | "range" | "with" | "block" | "define" => open.push(start),
            "end" if open.pop().is_none() => return Err((line(start), "there is nothing to end here")),
            _ => {}
        }
    }
    open.first().map_or(Ok(()), |start| Err((line(*start), "this is never ended: {{end}} is missing")))
}

impl Prepared {
    fn push(&mut self, tag: &Tag<'_>) {
        let name_end = "<".len() + tag.name.len();
        self.text.push_str(&tag.text[..name_end]);
        if tag.is_one_of(&WITH_NONCE) {
            // In front: of two attributes with one name the first counts.
            self.text.push(' ');
            self.text.push_str(NONCE);
        }
        self.text.push_str(&tag.text[name_end..]);
        if tag.is_form_of_ours() {
            self.forms += 1;
            self.text.push_str("<input type=\"hidden\" ");
            self.text.push_str(TRANSACTION);
            self.text.push('>');
        }
        let is_handler = |name: &str| name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("on"));
        let is_literal = |value: &&str| !value.contains("{{") && !value.contains('&');
        let handlers = tag.attributes.iter().filter(|(name, _)| is_handler(name)).map(|(_, value)| *value);
        self.handlers.extend(handlers.filter(is_literal).map(str::to_owned));
    }
}

/// A start tag.
struct Tag<'a> {
    /// From `<` to `>`.
    text: &'a str,
    name: &'a str,
    attributes: Vec<(&'a str, &'a str)>,
}

impl Tag<'_> {
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.name.eq_ignore_ascii_case(name))
    }

    fn attribute(&self, wanted: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    }

    /// Whether it sends its fields to us, and in a body: nobody else is to see the transaction, and no log.
    fn is_form_of_ours(&self) -> bool {
        let action = self.attribute("action").unwrap_or_default().to_ascii_lowercase();
        let is_elsewhere = ["http:", "https:", "//"].iter().any(|start| action.starts_with(start));
        let is_post = self.attribute("method").is_some_and(|method| method.eq_ignore_ascii_case("post"));
        self.is_one_of(&["form"]) && is_post && !is_elsewhere
    }
}

/// How much of a text that begins with `<` or `{` is something in which no tag begins: an action, a comment, or just
/// that character.
fn markup_length(text: &str) -> usize {
    if text.starts_with("{{") {
        action_length(text)
    } else if text.starts_with("<!--") {
        text.find("-->").map_or(text.len(), |end| end + "-->".len())
    } else {
        1
    }
}

/// An action, `{{…}}`: what is quoted in it, or a comment, may contain braces.
fn action_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = "{{".len();
    while at < bytes.len() {
        at += match bytes[at] {
            b'}' if bytes[at..].starts_with(b"}}") => return at + "}}".len(),
            b'/' if bytes[at..].starts_with(b"/*") => length_until(&text[at..], "*/"),
            b'`' => length_until(&text[at..], "`"),
            quote @ (b'"' | b'\'') => quoted_length(&bytes[at..], quote),
            _ => 1,
        };
    }
    text.len()
}

/// From the first character to the end of the next `end` behind it.
fn length_until(text: &str, end: &str) -> usize {
    text[1..].find(end).map_or(text.len(), |at| 1 + at + end.len())
}

fn quoted_length(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The inside of an element without tags, up to its end tag.
fn text_length(text: &str, name: &str) -> usize {
    let is_end = |at: &usize| text[at + 2..].get(..name.len()).is_some_and(|end| end.eq_ignore_ascii_case(name));
    text.match_indices("</").map(|(at, _)| at).find(is_end).unwrap_or(text.len())
}

/// The start tag at the beginning of a text, if there is one and it ends.
fn tag(text: &str) -> Option<Tag<'_>> {
    let inside = text.strip_prefix('<').filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    let name = &inside[..inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inside.len())];
    let mut attributes = Vec::new();
    let mut rest = &inside[name.len()..];
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.starts_with('>') {
            return Some(Tag { text: &text[..text.len() - rest.len() + 1], name, attributes });
        }
        if rest.starts_with("{{") {
            rest = &rest[action_length(rest)..];
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || "/>={".contains(c))?;
        // A lone `=` or brace is a part of the name, as browsers see it.
        let (name, after) = rest.split_at(if end == 0 { 1 } else { end });
        let value_start = after.trim_ascii_start().strip_prefix('=').map(str::trim_ascii_start);
        let (value, after) = value_start.map_or(Some(("", after)), value)?;
        attributes.push((name, value));
        rest = after;
    }
}

/// The value of an attribute, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inside = if quote.is_some() { &text[1..] } else { text };
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        let is_end = quote.map_or(c.is_ascii_whitespace() || c == '>', |quote| c == quote);
        if is_end {
            return Some((&inside[..at], &inside[at + usize::from(quote.is_some())..]));
        }
        at += if inside[at..].starts_with("{{") { action_length(&inside[at..]) } else { c.len_utf8() };
    }
    None
}
