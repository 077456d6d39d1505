//! The resources: texts, a picture, a counter that `bump` changes, and greetings for everybody from a template.

use serde_json::{Map, Value, json};

use super::message::{self, Fault};

/// The resource worth subscribing to.
pub(super) const COUNTER_URI: &str = "demo://counter";
/// The template of the greetings.
pub(super) const GREETING_TEMPLATE: &str = "demo://greeting/{name}";
/// Its variable, which can be completed.
pub(super) const GREETING_NAME: &str = "name";

const GREETING_PREFIX: &str = "demo://greeting/";

const README: &str = "# The demo server\n\n\
- Tools: `echo`, `add`, `slow` (progress), `big`, `ask` (elicitation), `sample`, `roots`, `log`, `bump`, `toggle`, \
`crash`.\n\
- Prompts: `tour`, and `poem` with arguments.\n\
- Resources: this text, a picture, a table, awkward characters, nothing, and `demo://counter`, to which you can \
subscribe.\n\
- `demo://greeting/{name}` greets whomever you name.\n";

const TABLE: &str = "version,year,remark\n\
2024-11-05,2024,the first\n\
2025-03-26,2025,streamable HTTP\n\
2025-06-18,2025,elicitation\n\
2025-11-25,2025,the last with sessions\n";

/// What programs that cut, escape or re-encode text get wrong: U+2028 and U+2029 end lines in some languages, and the
/// others take one to four bytes, a joiner or an escape.
const AWKWARD: &str = "quote \" backslash \\ slash / tab \t newline \n return \r nul \0 delete \u{7f}\n\
separators \u{2028} \u{2029} mark \u{feff} é 中 🦀 👩‍🚀\n";

/// A smile: 8 by 8 pixels, black on white, PNG in base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAAFklEQVR42mP4z3AbCP8z7GU4DCT/AwA5\
dgcziobljgAAAABJRU5ErkJggg==";

struct Resource {
    uri: &'static str,
    name: &'static str,
    title: &'static str,
    description: &'static str,
    mime: &'static str,
    content: Content,
}

enum Content {
    Text(&'static str),
    /// In base64.
    Blob(&'static str),
    Counter,
}

const README_RESOURCE: Resource = Resource {
    uri: "demo://readme",
    name: "readme",
    title: "Read me",
    description: "What this server offers.",
    mime: "text/markdown",
    content: Content::Text(README),
};

const RESOURCES: [Resource; 6] = [
    README_RESOURCE,
    Resource {
        uri: COUNTER_URI,
        name: "counter",
        title: "Counter",
        description: "How often the tool `bump` was called. Subscribe to hear of it.",
        mime: "text/plain",
        content: Content::Counter,
    },
    Resource {
        uri: "demo://picture",
        name: "picture",
        title: "Picture",
        description: "A very small smile: a binary resource.",
        mime: "image/png",
        content: Content::Blob(PICTURE),
    },
    Resource {
        uri: "demo://table",
        name: "table",
        title: "Table",
        description: "The protocol versions this server speaks.",
        mime: "text/csv",
        content: Content::Text(TABLE),
    },
    Resource {
        uri: "demo://awkward",
        name: "awkward",
        title: "Awkward characters",
        description: "A text that must arrive as it was sent, and seldom does.",
        mime: "text/plain",
        content: Content::Text(AWKWARD),
    },
    Resource {
        uri: "demo://empty",
        name: "empty",
        title: "Nothing",
        description: "A text without any characters.",
        mime: "text/plain",
        content: Content::Text(""),
    },
];

/// The one that the tool `toggle` adds and removes.
const EXTRA: Resource = Resource {
    uri: "demo://toggled",
    name: "toggled",
    title: "Now you see me",
    description: "The resource that the tool `toggle` adds and removes.",
    mime: "text/plain",
    content: Content::Text("Here I am."),
};

fn all(has_extra: bool) -> impl Iterator<Item = Resource> {
    RESOURCES.into_iter().chain(has_extra.then_some(EXTRA))
}

/// All resources, with or without the extra one.
pub(super) fn list(has_extra: bool) -> Vec<Value> {
    all(has_extra).map(|resource| resource.describe()).collect()
}

pub(super) fn is_listed(uri: &str, has_extra: bool) -> bool {
    all(has_extra).any(|resource| resource.uri == uri)
}

/// All templates.
pub(super) fn templates() -> Vec<Value> {
    vec![json!({
        "uriTemplate": GREETING_TEMPLATE,
        "name": "greeting",
        "title": "Greeting",
        "description": "Greets whomever you name.",
        "mimeType": "text/plain",
    })]
}

/// `resources/read`.
pub(super) fn read(params: &Map<String, Value>, has_extra: bool, counter: u64) -> Result<Value, Fault> {
    let uri = message::text(params, "uri")?;
    let listed = all(has_extra).find(|resource| resource.uri == uri).map(|resource| resource.content(counter));
    let content = listed.or_else(|| greeting(uri)).ok_or_else(|| Fault::resource(uri))?;
    Ok(json!({ "contents": [content] }))
}

/// The content of `demo://readme`.
pub(super) fn readme() -> Value {
    README_RESOURCE.content(0)
}

impl Resource {
    fn describe(&self) -> Value {
        let mut resource = json!({
            "uri": self.uri,
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "mimeType": self.mime,
        });
        if let Some(size) = self.content.size() {
            resource["size"] = size.into();
        }
        resource
    }

    fn content(&self, counter: u64) -> Value {
        let (member, content) = match self.content {
            Content::Text(text) => ("text", text.to_owned()),
            Content::Blob(blob) => ("blob", blob.to_owned()),
            Content::Counter => ("text", counter.to_string()),
        };
        json!({ "uri": self.uri, "mimeType": self.mime, member: content })
    }
}

impl Content {
    /// In bytes, before base64; none where it changes.
    fn size(&self) -> Option<usize> {
        match self {
            Content::Text(text) => Some(text.len()),
            Content::Blob(blob) => Some(blob.trim_end_matches('=').len() * 3 / 4),
            Content::Counter => None,
        }
    }
}

fn greeting(uri: &str) -> Option<Value> {
    let name = uri.strip_prefix(GREETING_PREFIX)?;
    if name.is_empty() || name.contains('/') {
        return None; // `{name}` is one segment (RFC 6570, 3.2.2)
    }
    let name = percent_decode(name)?;
    Some(json!({ "uri": uri, "mimeType": "text/plain", "text": format!("Hello, {name}!") }))
}

/// RFC 3986, section 2.1; `None` for a broken escape and for what is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None; // `from_str_radix` alone would take a sign
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
