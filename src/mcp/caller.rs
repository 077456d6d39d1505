//! What a legacy downstream has said of itself once, as a modern upstream is told it with each request (bridge,
//! section 2).

use super::introduction::{ClientCapabilities, Greeting};
use super::log_level::LogLevel;
use crate::codec::jsonrpc::object::Object;
use crate::limits;
use crate::mcp::era::MODERN;
use crate::mcp::meta::ModernKeys;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name and version, as JSON text.
    info: Option<Box<str>>,
    /// What it can do, as JSON text.
    capabilities: Box<str>,
}

impl Default for Caller {
    fn default() -> Self {
        Caller { info: None, capabilities: "{}".into() }
    }
}

impl Caller {
    /// Of a session that began with these words. What is too long to be kept is left out, or said in short.
    pub fn of(greeting: &Greeting) -> Caller {
        let params = Object::read(&greeting.params).unwrap_or_default();
        let is_short = |text: &&str| text.len() <= limits::CALLER_BYTES_MAX;
        let info = params.get("clientInfo").filter(is_short).filter(|info| info.starts_with('{'));
        let capabilities = params.get("capabilities").filter(is_short).and_then(Object::read);
        Caller {
            info: info.map(Into::into),
            capabilities: match capabilities {
                Some(capabilities) => modern(capabilities).into(),
                None => in_short(greeting.capabilities).into(),
            },
        }
    }

    /// What a request of it says.
    pub fn keys(&self, log_level: Option<LogLevel>) -> ModernKeys<'_> {
        ModernKeys {
            protocol_version: MODERN,
            client_info: self.info.as_deref(),
            client_capabilities: &self.capabilities,
            log_level,
        }
    }
}

/// Modern clients run no tasks for their servers, and do not tell when their roots change.
fn modern(mut capabilities: Object<'_>) -> String {
    let roots = capabilities.get("roots").map(str::to_owned);
    if let Some(mut roots) = roots.as_deref().and_then(Object::read) {
        roots.remove(|name, _| name == "listChanged");
        capabilities.set("roots", roots.to_string());
    }
    capabilities.remove(|name, value| name == "tasks" || value == "null");
    capabilities.to_string()
}

/// What can be asked, without what else was said of it.
fn in_short(capabilities: ClientCapabilities) -> String {
    let mut short = Object::default();
    if capabilities.roots {
        short.set("roots", "{}");
    }
    match (capabilities.sampling, capabilities.sampling_tools) {
        (true, true) => short.set("sampling", "{\"tools\":{}}"),
        (true, false) => short.set("sampling", "{}"),
        (false, _) => {}
    }
    match (capabilities.elicitation_form, capabilities.elicitation_url) {
        (true, true) => short.set("elicitation", "{\"form\":{},\"url\":{}}"),
        (true, false) => short.set("elicitation", "{\"form\":{}}"),
        (false, true) => short.set("elicitation", "{\"url\":{}}"),
        (false, false) => {}
    }
    short.to_string()
}
