//! `completion/complete`: what a prompt's argument or a template's variable may become (server/utilities/completion).

use serde_json::{Map, Value, json};

use super::message::{self, Fault};
use super::prompts::{POEM, POEM_FORM, POEM_TOPIC};
use super::resources::{GREETING_NAME, GREETING_TEMPLATE};

const FORMS: [&str; 5] = ["ballad", "haiku", "limerick", "ode", "sonnet"];
const TOPICS: [&str; 6] = ["autumn", "a proxy", "a protocol", "patience", "the sea", "sessions"];
const NAMES: [&str; 8] = ["Ada", "Alan", "Barbara", "Dennis", "Edsger", "Grace", "Katherine", "Margaret"];

/// The values that begin with what was typed, in any case of letters.
pub(super) fn complete(params: &Map<String, Value>) -> Result<Value, Fault> {
    let reference = message::object(params.get("ref"), "ref")?;
    let argument = message::object(params.get("argument"), "argument")?;
    let name = message::text(&argument, "name")?;
    let typed = message::text(&argument, "value")?.to_lowercase();
    let values: Vec<&str> =
        values(&reference, name)?.iter().copied().filter(|value| value.to_lowercase().starts_with(&typed)).collect();
    Ok(json!({ "completion": { "total": values.len(), "values": values, "hasMore": false } }))
}

fn values(reference: &Map<String, Value>, argument: &str) -> Result<&'static [&'static str], Fault> {
    let (target, name) = match message::text(reference, "type")? {
        "ref/prompt" => ("prompt", message::text(reference, "name")?),
        "ref/resource" => ("template", message::text(reference, "uri")?),
        other => return Err(Fault::params(format!("unknown reference type `{other}`"))),
    };
    match (target, name, argument) {
        ("prompt", POEM, POEM_FORM) => Ok(&FORMS),
        ("prompt", POEM, POEM_TOPIC) => Ok(&TOPICS),
        ("template", GREETING_TEMPLATE, GREETING_NAME) => Ok(&NAMES),
        _ => Err(Fault::params(format!("no completions for `{argument}` of the {target} `{name}`"))),
    }
}
