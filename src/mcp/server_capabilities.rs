//! What an upstream can do: as far as the proxy needs to know it, and as it is told to downstreams of either era.

use crate::codec::jsonrpc::object::Object;

/// The extension by which modern servers offer tasks.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What the proxy itself needs to know of an upstream's capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerCapabilities {
    /// It has tools.
    pub tools: bool,
    /// Its downstreams expect to hear that its list of tools has changed.
    pub tells_tools: bool,
    /// It has prompts.
    pub prompts: bool,
    /// And tells when their list has changed.
    pub tells_prompts: bool,
    /// It has resources.
    pub resources: bool,
    /// And tells when their list has changed.
    pub tells_resources: bool,
    /// It tells when one of them has changed.
    pub subscribe: bool,
    /// It completes arguments.
    pub completions: bool,
    /// It has a log for its downstreams.
    pub logging: bool,
}

impl ServerCapabilities {
    /// Reads the `capabilities` of a result.
    pub fn read(capabilities: &Object<'_>) -> ServerCapabilities {
        let has = |name: &str| capabilities.get(name).is_some();
        let flags = |name: &str| capabilities.get(name).map(Flags::read).unwrap_or_default();
        let (tools, prompts, resources) = (flags("tools"), flags("prompts"), flags("resources"));
        ServerCapabilities {
            tools: has("tools"),
            tells_tools: tools.list_changed,
            prompts: has("prompts"),
            tells_prompts: prompts.list_changed,
            resources: has("resources"),
            tells_resources: resources.list_changed,
            subscribe: resources.subscribe,
            completions: has("completions"),
            logging: has("logging"),
        }
    }
}

#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Flags {
    #[serde(default)]
    list_changed: bool,
    #[serde(default)]
    subscribe: bool,
}

impl Flags {
    fn read(capability: &str) -> Flags {
        serde_json::from_str(capability).unwrap_or_default()
    }
}

/// What a downstream of the other era is told: neither knows the tasks of the other.
pub fn across_eras<'a>(mut capabilities: Object<'a>) -> Object<'a> {
    let extensions = capabilities.get("extensions").map(str::to_owned);
    if let Some(mut extensions) = extensions.as_deref().and_then(Object::read) {
        extensions.remove(|name, _| name == TASKS_EXTENSION);
        let left = if extensions.is_empty() { "null".to_owned() } else { extensions.to_string() };
        capabilities.set("extensions", left);
    }
    // Some readers stumble over null.
    capabilities.remove(|name, value| name == "tasks" || value == "null");
    capabilities
}
