//! Requests that flow the other way: while a call is in flight, the server asks the client.

use serde_json::{Map, Value, json};

use super::args::Args;
use super::tools::{failure, text};
use crate::limits::DEMO_TOKENS_MAX;

/// The kinds of asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// A form for the user (client/elicitation).
    Form,
    /// A completion by the client's model (client/sampling).
    Sample,
    /// The client's roots (client/roots).
    Roots,
}

impl Ask {
    pub(super) fn method(self) -> &'static str {
        match self {
            Ask::Form => "elicitation/create",
            Ask::Sample => "sampling/createMessage",
            Ask::Roots => "roots/list",
        }
    }

    fn capability(self) -> &'static str {
        match self {
            Ask::Form => "elicitation",
            Ask::Sample => "sampling",
            Ask::Roots => "roots",
        }
    }

    /// Whether a client with these capabilities may be asked.
    pub(super) fn is_offered(self, capabilities: &Map<String, Value>) -> bool {
        let Some(Value::Object(offer)) = capabilities.get(self.capability()) else { return false };
        match self {
            // Before 2025-11-25 there were only forms and an empty object; it still means forms.
            Ask::Form => offer.is_empty() || offer.contains_key("form"),
            Ask::Sample | Ask::Roots => true,
        }
    }

    /// What to tell whoever calls the tool when it is not.
    pub(super) fn refusal(self) -> String {
        let capability = match self {
            Ask::Form => "`elicitation` (forms)",
            Ask::Sample => "`sampling`",
            Ask::Roots => "`roots`",
        };
        format!(
            "This client cannot be asked: it did not declare the capability {capability} when it connected. \
             Try again with a client that does."
        )
    }

    /// The ask's params, from the arguments of the call that causes it.
    pub(super) fn params(self, args: &Args) -> Result<Option<Value>, String> {
        match self {
            Ask::Form => {
                let question = args.text("question")?.unwrap_or("The demo server would like to know you.");
                Ok(Some(json!({ "message": question, "requestedSchema": form() })))
            }
            Ask::Sample => {
                let prompt = args.text("prompt")?.unwrap_or("Say something nice about proxies, in one sentence.");
                let tokens = args.whole("maxTokens", Some(100), 1, DEMO_TOKENS_MAX)?;
                let content = json!({ "type": "text", "text": prompt });
                Ok(Some(json!({ "messages": [{ "role": "user", "content": content }], "maxTokens": tokens })))
            }
            Ask::Roots => Ok(None),
        }
    }

    /// The tool's result, from the client's reply: a result or an error.
    pub(super) fn result(self, reply: Result<Value, Value>) -> Value {
        match (self, reply) {
            (Ask::Form, Ok(result)) => form_result(&result),
            (Ask::Sample, Ok(result)) => sample_result(&result),
            (Ask::Roots, Ok(result)) => roots_result(&result),
            (Ask::Form | Ask::Sample | Ask::Roots, Err(error)) => {
                let reason = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
                failure(format!("The client answered {} with an error: {reason}", self.method()))
            }
        }
    }

    fn nonsense(self, result: &Value) -> Value {
        failure(format!("The client's answer to {} makes no sense: {result}", self.method()))
    }
}

/// One field of each type.
fn form() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "title": "Name", "description": "What shall we call you?", "minLength": 1 },
            "age": { "type": "integer", "title": "Age", "minimum": 0, "maximum": 150 },
            "colour": { "type": "string", "title": "Favourite colour", "enum": ["red", "green", "blue"] },
            "human": { "type": "boolean", "title": "I am not a robot", "default": true },
        },
        "required": ["name"],
    })
}

fn form_result(result: &Value) -> Value {
    match (result.get("action").and_then(Value::as_str), result.get("content")) {
        (Some("accept"), Some(Value::Object(content))) => {
            let fields: Vec<String> = content.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            text(format!("The user answered: {}", fields.join(", ")))
        }
        (Some("decline"), _) => text("The user declined to answer."),
        (Some("cancel"), _) => text("The user dismissed the question."),
        _ => Ask::Form.nonsense(result),
    }
}

/// `content` is one block or, from 2025-11-25 on, several.
fn sample_result(result: &Value) -> Value {
    let blocks = match result.get("content") {
        Some(Value::Array(blocks)) => blocks.as_slice(),
        Some(block) => std::slice::from_ref(block),
        None => &[],
    };
    let texts: Vec<&str> = blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect();
    if texts.is_empty() {
        return Ask::Sample.nonsense(result);
    }
    let model = result.get("model").and_then(Value::as_str).unwrap_or("The model");
    text(format!("{model} said: {}", texts.join("\n")))
}

fn roots_result(result: &Value) -> Value {
    let Some(Value::Array(roots)) = result.get("roots") else { return Ask::Roots.nonsense(result) };
    if roots.is_empty() {
        return text("The client has no roots.");
    }
    let line = |root: &Value| {
        let uri = root.get("uri")?.as_str()?;
        let name = root.get("name").and_then(Value::as_str);
        Some(name.map_or_else(|| uri.to_owned(), |name| format!("{uri} ({name})")))
    };
    let lines: Vec<String> = roots.iter().filter_map(line).collect();
    text(lines.join("\n"))
}
