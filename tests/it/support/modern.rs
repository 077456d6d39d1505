//! Requests of the modern era, as the official clients send them.

use serde_json::Value;

use super::requests::{Http, rpc};

/// What a modern client says of itself, unless a test says otherwise.
const ABLE: &str = r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{}}"#;

/// A request under construction.
#[derive(Debug, Clone)]
pub(crate) struct Modern {
    id: String,
    method: String,
    name: Option<String>,
    /// Members of `params`, each with a comma behind it.
    params: String,
    /// Members of `_meta`, each with a comma in front of it.
    meta: String,
    capabilities: String,
}

impl Modern {
    /// `id` is written as JSON.
    pub(crate) fn new(id: impl ToString, method: &str) -> Modern {
        Modern {
            id: id.to_string(),
            method: method.to_owned(),
            name: None,
            params: String::new(),
            meta: String::new(),
            capabilities: ABLE.to_owned(),
        }
    }

    /// A call of the tool `t`.
    pub(crate) fn call(id: u32) -> Modern {
        Modern::new(id, "tools/call").about("name", "t").param("arguments", r#"{"x":1.0}"#)
    }

    /// What it is about, in its parameters and in its head.
    pub(crate) fn about(mut self, member: &str, name: &str) -> Modern {
        self.name = Some(name.to_owned());
        self.param(member, &format!("\"{name}\""))
    }

    pub(crate) fn param(mut self, member: &str, value: &str) -> Modern {
        self.params += &format!("\"{member}\":{value},");
        self
    }

    pub(crate) fn meta(mut self, key: &str, value: &str) -> Modern {
        self.meta += &format!(",\"{key}\":{value}");
        self
    }

    /// It wants to hear of its progress.
    pub(crate) fn token(self, token: &str) -> Modern {
        self.meta("progressToken", token)
    }

    pub(crate) fn level(self, level: &str) -> Modern {
        self.meta("io.modelcontextprotocol/logLevel", &format!("\"{level}\""))
    }

    pub(crate) fn capabilities(self, capabilities: &str) -> Modern {
        Modern { capabilities: capabilities.to_owned(), ..self }
    }

    /// With the answers to what it was asked.
    pub(crate) fn answering(self, state: &str, responses: &str) -> Modern {
        self.param("inputResponses", responses).param("requestState", &Value::from(state).to_string())
    }

    /// The message.
    pub(crate) fn body(&self) -> String {
        let Modern { id, method, params, meta, capabilities, .. } = self;
        rpc(&format!(
            "{{\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}\"_meta\":{{\
             \"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\
             \"io.modelcontextprotocol/clientInfo\":{{\"name\":\"m\",\"version\":\"1\"}},\
             \"io.modelcontextprotocol/clientCapabilities\":{capabilities}{meta}}}}}}}"
        ))
    }

    pub(crate) fn http(&self) -> Http {
        let http = Http::post("/demo/mcp", &self.body())
            .with("MCP-Protocol-Version", "2026-07-28")
            .with("Mcp-Method", &self.method);
        match &self.name {
            Some(name) => http.with("Mcp-Name", name),
            None => http,
        }
    }
}
