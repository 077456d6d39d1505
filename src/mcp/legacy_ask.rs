//! Questions of modern upstreams, as legacy downstreams are asked them (bridge, section 3).

use std::borrow::Cow;

use super::ask::AskKind;
use super::version::Version;
use crate::codec::jsonrpc::elements::elements;
use crate::codec::jsonrpc::object::Object;
use crate::codec::jsonrpc::write;
use crate::limits;

/// The parameters for a downstream that speaks this revision. `elicitation_id`: how the visit of a URL is called, which
/// has no name in 2026-07-28. What cannot be taken apart stays as it is.
pub fn params<'a>(kind: AskKind, params: &'a str, version: Version, elicitation_id: &str) -> Cow<'a, str> {
    let is_newest = version >= Version::V2025_11_25;
    let changed = match kind {
        AskKind::ElicitationUrl => with_id(params, elicitation_id),
        AskKind::ElicitationForm if !is_newest => older_form(params),
        AskKind::Sampling | AskKind::SamplingTools if !is_newest => single_contents(params),
        AskKind::ElicitationForm
        | AskKind::Sampling
        | AskKind::SamplingTools
        | AskKind::Roots
        | AskKind::Tasks
        | AskKind::Unknown => None,
    };
    changed.map_or(Cow::Borrowed(params), Cow::Owned)
}

fn push_message(messages: &mut String, message: &Object<'_>) -> Option<()> {
    *messages += if messages.is_empty() { "" } else { "," };
    *messages += &message.to_string();
    (messages.len() <= limits::LINE_BYTES_MAX).then_some(())
}

fn with_id(params: &str, elicitation_id: &str) -> Option<String> {
    let mut params = Object::read(params)?;
    params.set("elicitationId", write::string(elicitation_id));
    Some(params.to_string())
}

/// Forms had no modes, and their schemas no dialect, before 2025-11-25.
fn older_form(params: &str) -> Option<String> {
    let mut params = Object::read(params)?;
    params.remove(|name, _| name == "mode");
    let schema = params.get("requestedSchema").map(str::to_owned);
    if let Some(mut schema) = schema.as_deref().and_then(Object::read) {
        schema.remove(|name, _| name == "$schema");
        params.set("requestedSchema", schema.to_string());
    }
    Some(params.to_string())
}

/// A message had one content before 2025-11-25: one that has several is several messages of the same role. `None`, too,
/// where that would be too long: each of them has all else that the message says.
fn single_contents(params: &str) -> Option<String> {
    let mut params = Object::read(params)?;
    let messages = params.get("messages")?.to_owned();
    let mut single = String::new();
    for message in elements(&messages) {
        let mut message = Object::read(message.ok()?)?;
        let content = message.get("content").unwrap_or_default().to_owned();
        if !content.starts_with('[') {
            push_message(&mut single, &message)?;
            continue;
        }
        for block in elements(&content) {
            message.set("content", block.ok()?.to_owned());
            push_message(&mut single, &message)?;
        }
    }
    params.set("messages", format!("[{single}]"));
    Some(params.to_string())
}
