//! The prompts: `tour` takes no arguments, `poem` takes some.

use serde_json::{Map, Value, json};

use super::message::{self, Fault};
use super::resources;

/// The prompt with arguments; they can be completed.
pub(super) const POEM: &str = "poem";
/// Its required argument.
pub(super) const POEM_TOPIC: &str = "topic";
/// Its optional argument.
pub(super) const POEM_FORM: &str = "form";

const TOUR: &str = "tour";
const EXTRA: &str = "toggled";

/// All prompts, with or without the extra one.
pub(super) fn list(has_extra: bool) -> Vec<Value> {
    let mut prompts = vec![
        json!({
            "name": TOUR,
            "title": "A tour of the demo",
            "description": "Lets the model show you around, tool by tool.",
        }),
        json!({
            "name": POEM,
            "title": "Write a poem",
            "description": "Asks for a poem. Both arguments can be completed while you type.",
            "arguments": [
                { "name": POEM_TOPIC, "title": "Topic", "description": "What it is about", "required": true },
                { "name": POEM_FORM, "title": "Form", "description": "For example haiku", "required": false },
            ],
        }),
    ];
    if has_extra {
        prompts.push(json!({
            "name": EXTRA,
            "title": "Now you see me",
            "description": "The prompt that the tool `toggle` adds and removes.",
        }));
    }
    prompts
}

/// `prompts/get`.
pub(super) fn read(params: &Map<String, Value>, has_extra: bool) -> Result<Value, Fault> {
    let arguments = message::object(params.get("arguments"), "arguments")?;
    match message::text(params, "name")? {
        TOUR => Ok(tour()),
        POEM => poem(&arguments),
        EXTRA if has_extra => Ok(prompt("It is here", vec![says("Tell me how prompts can come and go.")])),
        other => Err(Fault::params(format!("unknown prompt `{other}`"))),
    }
}

/// Carries a resource along: content need not be text.
fn tour() -> Value {
    let readme = json!({ "role": "user", "content": { "type": "resource", "resource": resources::readme() } });
    let request = "Show me around this demo server: call its tools one by one, each with something fun, and tell me \
                   what each of them shows. Leave `crash` for the end.";
    prompt("A tour of the demo", vec![readme, says(request)])
}

fn poem(arguments: &Map<String, Value>) -> Result<Value, Fault> {
    let topic = message::text(arguments, POEM_TOPIC)?;
    let form = match arguments.get(POEM_FORM) {
        None => "poem",
        Some(_) => message::text(arguments, POEM_FORM)?,
    };
    Ok(prompt("A poem", vec![says(&format!("Write a {form} about {topic}."))]))
}

fn prompt(description: &str, messages: Vec<Value>) -> Value {
    json!({ "description": description, "messages": messages })
}

fn says(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text } })
}
