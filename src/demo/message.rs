//! JSON-RPC 2.0, as MCP uses it: reading messages, and the errors that answer them.

use serde_json::{Map, Value, json};

/// A request's id: a string or a number, and echoed as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Id(Value);

impl Id {
    /// `None` for anything else, null included (MCP forbids what JSON-RPC allows).
    pub(super) fn read(value: Value) -> Option<Id> {
        (value.is_string() || value.is_number()).then_some(Id(value))
    }

    pub(super) fn into_value(self) -> Value {
        self.0
    }
}

/// One message from the client.
pub(super) enum Message {
    Request { id: Id, method: String, params: Option<Value> },
    Notification { method: String, params: Value },
    Reply { id: Value, outcome: Result<Value, Value> },
}

impl Message {
    /// An error comes with the id it should be answered to, where there is one.
    pub(super) fn read(value: Value) -> Result<Message, (Option<Id>, Fault)> {
        let Value::Object(mut object) = value else {
            return Err((None, Fault::request("a message must be an object")));
        };
        if !object.contains_key("method") {
            return Message::read_reply(object);
        }
        let id = match object.remove("id").map(Id::read) {
            None => None,
            Some(Some(id)) => Some(id),
            Some(None) => return Err((None, Fault::request("an id must be a string or a number"))),
        };
        if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err((id, Fault::request("`jsonrpc` must be \"2.0\"")));
        }
        let Some(Value::String(method)) = object.remove("method") else {
            return Err((id, Fault::request("`method` must be a string")));
        };
        let params = object.remove("params");
        Ok(match id {
            Some(id) => Message::Request { id, method, params },
            None => Message::Notification { method, params: params.unwrap_or_default() },
        })
    }

    /// Nothing that may be a reply is answered with its id: that belongs to an ask, and the client may have a request
    /// of its own with the same one.
    fn read_reply(mut object: Map<String, Value>) -> Result<Message, (Option<Id>, Fault)> {
        let outcome = match (object.remove("error"), object.remove("result")) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => Ok(result),
            (None, None) => return Err((None, Fault::request("neither a request nor a response"))),
        };
        Ok(Message::Reply { id: object.remove("id").unwrap_or_default(), outcome })
    }
}

/// The requests this server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Initialize,
    Ping,
    ListTools,
    CallTool,
    ListPrompts,
    ReadPrompt,
    ListResources,
    ListTemplates,
    ReadResource,
    Subscribe,
    Unsubscribe,
    Complete,
    SetLevel,
}

impl Method {
    pub(super) fn read(name: &str) -> Option<Method> {
        Some(match name {
            "initialize" => Method::Initialize,
            "ping" => Method::Ping,
            "tools/list" => Method::ListTools,
            "tools/call" => Method::CallTool,
            "prompts/list" => Method::ListPrompts,
            "prompts/get" => Method::ReadPrompt,
            "resources/list" => Method::ListResources,
            "resources/templates/list" => Method::ListTemplates,
            "resources/read" => Method::ReadResource,
            "resources/subscribe" => Method::Subscribe,
            "resources/unsubscribe" => Method::Unsubscribe,
            "completion/complete" => Method::Complete,
            "logging/setLevel" => Method::SetLevel,
            _ => return None,
        })
    }
}

/// A JSON-RPC error, which is always the client's fault here.
#[derive(Debug)]
pub(super) struct Fault {
    code: i64,
    message: String,
    data: Option<Value>,
}

impl Fault {
    fn new(code: i64, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), data: None }
    }

    pub(super) fn parse(error: &serde_json::Error) -> Fault {
        Fault::new(-32700, format!("not JSON: {error}"))
    }

    pub(super) fn request(reason: &str) -> Fault {
        Fault::new(-32600, format!("invalid request: {reason}"))
    }

    pub(super) fn method(name: &str) -> Fault {
        Fault::new(-32601, format!("unknown method `{name}`"))
    }

    pub(super) fn params(reason: impl Into<String>) -> Fault {
        Fault::new(-32602, reason)
    }

    /// The legacy era's own code for a missing resource (server/resources, "Error Handling").
    pub(super) fn resource(uri: &str) -> Fault {
        Fault { data: Some(json!({ "uri": uri })), ..Fault::new(-32002, "no such resource") }
    }

    pub(super) fn into_value(self) -> Value {
        let mut error = Map::new();
        error.insert("code".into(), self.code.into());
        error.insert("message".into(), self.message.into());
        error.extend(self.data.map(|data| ("data".to_owned(), data)));
        Value::Object(error)
    }
}

/// A request's `params`; absent ones are empty ones.
pub(super) fn params(params: Option<Value>) -> Result<Map<String, Value>, Fault> {
    match params {
        None => Ok(Map::new()),
        Some(Value::Object(params)) => Ok(params),
        Some(_) => Err(Fault::params("`params` must be an object")),
    }
}

/// A member that must be an object if it is there.
pub(super) fn object(value: Option<&Value>, name: &str) -> Result<Map<String, Value>, Fault> {
    match value {
        None => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(Fault::params(format!("`{name}` must be an object"))),
    }
}

/// A member that must be there, and a string.
pub(super) fn text<'a>(params: &'a Map<String, Value>, name: &str) -> Result<&'a str, Fault> {
    params.get(name).and_then(Value::as_str).ok_or_else(|| Fault::params(format!("`{name}` must be a string")))
}
