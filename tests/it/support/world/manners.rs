//! How servers take it to be asked `server/discover`.

use mcp_proxy::base::id::OutboundId;
use mcp_proxy::mcp::era::MODERN;
use serde_json::{Value, json};

use super::Rng;
use super::host::Host;
use super::message::Request;

/// What a server does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manners {
    /// It says that it knows no such thing.
    Refuses,
    /// It says nothing.
    IsSilent,
    /// Processes end. Hosts say that something is wrong with them.
    Breaks,
}

impl Manners {
    pub(super) fn pick(rng: &mut Rng) -> Manners {
        match rng.below(12) {
            0 => Manners::IsSilent,
            1 => Manners::Breaks,
            _ => Manners::Refuses,
        }
    }
}

/// Whether a message is that question, which says what it must.
pub(super) fn is_probe(message: &Value) -> bool {
    if message["method"] != "server/discover" {
        return false;
    }
    let meta = &message["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], MODERN);
    assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object(), "{message}");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "mcp-proxy");
    true
}

impl Host {
    /// Answers the question as a legacy server.
    pub(super) fn on_probe(&mut self, id: OutboundId, request: &Request, message: &Value, rng: &mut Rng) {
        assert_eq!(request.header("mcp-protocol-version"), Some(MODERN));
        assert_eq!(request.header("mcp-method"), Some("server/discover"));
        assert_eq!(request.header("mcp-session-id"), None);
        let error =
            |id: &Value, code: i32| json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "?"}});
        let (null, own) = (Value::Null, &message["id"]);
        let (head, body) = match self.habits.manners {
            Manners::IsSilent => return,
            // In fair weather nobody is to be kept waiting by that.
            Manners::Breaks if self.is_rough => ("500 Internal Server Error\r\n", "oops".to_owned()),
            Manners::Refuses | Manners::Breaks => rng
                .pick(&[
                    ("400 Bad Request\r\nContent-Type: text/plain\r\n", "No valid session ID provided".to_owned()),
                    ("400 Bad Request\r\nContent-Type: application/json\r\n", error(&null, -32000).to_string()),
                    ("404 Not Found\r\nContent-Type: application/json\r\n", error(own, -32601).to_string()),
                    ("405 Method Not Allowed\r\nAllow: GET\r\n", String::new()),
                    ("200 OK\r\nContent-Type: application/json\r\n", error(own, -32601).to_string()),
                    ("200 OK\r\nContent-Type: text/event-stream\r\n", format!("data: {}\n\n", error(own, -32600))),
                    ("200 OK\r\nContent-Type: text/html\r\n", "<html></html>".to_owned()),
                    ("202 Accepted\r\n", String::new()),
                ])
                .clone(),
        };
        self.respond(id, head, &body, rng);
    }
}
