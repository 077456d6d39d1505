//! Reads a page as far as its markup goes, and is strict about it: nothing is left open, and what stands without quotes
//! needs none.

/// Elements in which there are no tags.
const WITH_TEXT_ONLY: [&str; 4] = ["script", "style", "textarea", "title"];

/// All tags of a page in their order, each with the names of its attributes: `input type name value`.
pub(super) fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = &comment[comment.find("-->").expect("the end of a comment") + 3..];
            continue;
        }
        let (tag, after) = tag(rest);
        rest = after;
        if WITH_TEXT_ONLY.contains(&tag.as_str().split(' ').next().unwrap_or_default()) {
            let name = tag.split(' ').next().unwrap_or_default();
            rest = &rest[rest.find(&format!("</{name}")).expect("the end of an element with text only")..];
        }
        tags.push(tag);
    }
    tags
}

/// A tag, and what follows it.
fn tag(text: &str) -> (String, &str) {
    let name_end = text.find(|c: char| c.is_ascii_whitespace() || c == '>').expect("the end of a tag's name");
    let mut tag = text[..name_end].to_ascii_lowercase();
    assert!(tag.chars().all(|c| c.is_ascii_alphanumeric() || "!/-".contains(c)) && !tag.is_empty(), "{tag:?}");
    let mut rest = &text[name_end..];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return (tag, after);
        }
        let name_end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '=').expect("an attribute");
        let name = &rest[..name_end];
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-/".contains(c)), "an attribute {name:?}");
        tag = format!("{tag} {name}");
        rest = &rest[name_end..];
        if let Some(value) = rest.strip_prefix('=') {
            rest = after_value(value);
        }
    }
}

fn after_value(text: &str) -> &str {
    let quote = text.chars().next().expect("a value");
    if quote == '"' || quote == '\'' {
        let value = &text[1..];
        return &value[value.find(quote).expect("the end of a value") + 1..];
    }
    let (value, rest) = text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '>').expect("the end"));
    assert!(!value.is_empty() && !value.contains(['"', '\'', '<', '=', '`']), "a value that needs quotes: {value}");
    rest
}
