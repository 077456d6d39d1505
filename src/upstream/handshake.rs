//! Requests that the proxy itself sends to a link. Their ids are strings; calls have integers.

use crate::codec::jsonrpc::envelope::{self, Body, Message};
use crate::codec::jsonrpc::write;
use crate::mcp::era::MODERN;
use crate::mcp::log_level::LogLevel;
use crate::mcp::meta::ModernKeys;
use crate::mcp::version::Version;

/// A request of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OwnRequest {
    /// The first on every link whose era is not known.
    Discover,
    /// The first on a legacy link.
    Initialize,
    /// A page of the catalogue of tools.
    ListTools,
    /// The most verbose level that any session asked for, told to a link that was restarted.
    SetLevel,
    /// A subscription, repeated on a link that was restarted, or undone for a session that ended.
    Subscription,
    /// A sign of life wanted from a remote upstream that has been silent.
    Ping,
}

impl OwnRequest {
    /// What it asks for; a subscription may also be an undoing.
    pub fn method(self) -> &'static str {
        match self {
            OwnRequest::Discover => "server/discover",
            OwnRequest::Initialize => "initialize",
            OwnRequest::ListTools => "tools/list",
            OwnRequest::SetLevel => "logging/setLevel",
            OwnRequest::Subscription => "resources/subscribe",
            OwnRequest::Ping => "ping",
        }
    }

    /// Whether modern upstreams know it.
    pub fn is_modern(self) -> bool {
        match self {
            OwnRequest::Discover | OwnRequest::ListTools => true,
            OwnRequest::Initialize | OwnRequest::SetLevel | OwnRequest::Subscription | OwnRequest::Ping => false,
        }
    }

    /// Its id as JSON text, the first time on a link.
    pub fn id(self) -> &'static str {
        match self {
            OwnRequest::Discover => "\"mcp-proxy:server/discover\"",
            OwnRequest::Initialize => "\"mcp-proxy:initialize\"",
            OwnRequest::ListTools => "\"mcp-proxy:tools/list\"",
            OwnRequest::SetLevel => "\"mcp-proxy:logging/setLevel\"",
            OwnRequest::Subscription => "\"mcp-proxy:resources/subscribe\"",
            OwnRequest::Ping => "\"mcp-proxy:ping\"",
        }
    }

    /// Its id the next times, of which `count` is 1 and above. No id may be used twice in one conversation (2025-11-25,
    /// basic, requests), and SDKs send the answers to two requests of one id to the same POST.
    pub fn next_id(self, count: u32) -> String {
        format!("{}:{count}\"", self.id().trim_end_matches('"'))
    }

    /// The request of that id.
    pub fn of(id: &str) -> Option<OwnRequest> {
        const ALL: [OwnRequest; 6] = [
            OwnRequest::Discover,
            OwnRequest::Initialize,
            OwnRequest::ListTools,
            OwnRequest::SetLevel,
            OwnRequest::Subscription,
            OwnRequest::Ping,
        ];
        let is_meant = |request: &OwnRequest| {
            let first = request.id();
            let count = id.strip_prefix(first.trim_end_matches('"')).and_then(|rest| rest.strip_suffix('"'));
            let is_next = |rest: &str| rest.strip_prefix(':').is_some_and(|count| count.parse::<u32>().is_ok());
            count.is_some_and(|rest| rest.is_empty() || is_next(rest))
        };
        ALL.into_iter().find(is_meant)
    }

    /// Whether the reply to it is a message, or among several.
    pub fn is_answered_by(self, text: &[u8]) -> bool {
        let is_reply =
            |message: &Message<'_>| matches!(message, Message::Response { id, .. } if OwnRequest::of(id) == Some(self));
        match envelope::read_body(text) {
            Ok(Body::Single(message)) => is_reply(&message),
            Ok(Body::Batch(items)) => items.iter().any(|item| item.message.as_ref().is_ok_and(is_reply)),
            Err(_) => false,
        }
    }
}

/// What a shared link is offered: it is initialised before any downstream is there, so this is what downstreams may
/// turn out to have.
const SHARED_CAPABILITIES: &str =
    r#"{"roots":{"listChanged":true},"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}}}"#;

/// What our own requests to a modern upstream say: the same, lest it hides what only some downstreams can use.
const OWN_CAPABILITIES: &str = r#"{"roots":{},"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}}}"#;

/// Name and version of the proxy, as JSON text.
pub fn own_info(name: &str, version: &str) -> String {
    format!("{{\"name\":{},\"version\":{}}}", write::string(name), write::string(version))
}

/// What our own requests to a modern upstream say of us; `info` is what [`own_info`] says.
pub fn own_keys(info: &str) -> ModernKeys<'_> {
    ModernKeys {
        protocol_version: MODERN,
        client_info: Some(info),
        client_capabilities: OWN_CAPABILITIES,
        log_level: None,
    }
}

/// `server/discover`.
pub fn discover() -> String {
    write::request(OwnRequest::Discover.id(), "server/discover", "{}")
}

/// `initialize` for a shared link.
pub fn initialize(name: &str, version: &str) -> String {
    let params = format!(
        "{{\"protocolVersion\":\"{}\",\"capabilities\":{SHARED_CAPABILITIES},\"clientInfo\":{}}}",
        Version::LATEST.as_str(),
        own_info(name, version)
    );
    write::request(OwnRequest::Initialize.id(), "initialize", &params)
}

/// `ping`.
pub fn ping() -> String {
    write::request(OwnRequest::Ping.id(), "ping", "{}")
}

/// `tools/list`, from a cursor on.
pub fn list_tools(cursor: Option<&str>) -> String {
    let params = match cursor {
        Some(cursor) => format!("{{\"cursor\":{}}}", write::string(cursor)),
        None => "{}".to_owned(),
    };
    write::request(OwnRequest::ListTools.id(), "tools/list", &params)
}

/// `logging/setLevel`.
pub fn set_level(level: LogLevel) -> String {
    let params = format!("{{\"level\":\"{}\"}}", level.as_str());
    write::request(OwnRequest::SetLevel.id(), "logging/setLevel", &params)
}

/// `resources/subscribe`, or its undoing.
pub fn subscription(uri: &str, is_wanted: bool) -> String {
    let method = if is_wanted { "resources/subscribe" } else { "resources/unsubscribe" };
    write::request(OwnRequest::Subscription.id(), method, &format!("{{\"uri\":{}}}", write::string(uri)))
}
