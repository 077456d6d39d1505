//! Answers that are no.

use crate::base::text::shorten;
use crate::codec::jsonrpc::{TRANSPORT_ERROR, write};

/// Every body that is no event stream has this type, in lower case: some clients compare it so.
pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");

/// An HTTP error with its body.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: String,
}

impl Denial {
    /// A JSON-RPC error in answer to the request of this id (JSON text; `null` where it is not known).
    pub(crate) fn reply(status: u16, id: &str, code: i32, message: &str) -> Denial {
        Denial { status, headers: Vec::new(), body: write::error(id, code, message) }
    }

    /// A JSON-RPC error before any request was read.
    pub(crate) fn message(status: u16, code: i32, message: &str) -> Denial {
        Denial::reply(status, "null", code, message)
    }

    /// An error below MCP: its body is JSON, but no JSON-RPC.
    pub(crate) fn plain(status: u16, reason: &str) -> Denial {
        Denial { status, headers: Vec::new(), body: plain(reason) }
    }

    /// 405 below MCP (RFC 9110, 15.5.6).
    pub(crate) fn plain_not_allowed(allow: &'static str, reason: &str) -> Denial {
        Denial { headers: vec![("Allow", allow.to_owned())], ..Denial::plain(405, reason) }
    }

    /// 405 (RFC 9110, 15.5.6).
    pub(crate) fn not_allowed(allow: &'static str, message: &str) -> Denial {
        Denial { headers: vec![("Allow", allow.to_owned())], ..Denial::message(405, TRANSPORT_ERROR, message) }
    }

    /// 401 (RFC 9110, 15.5.2; RFC 6750, 3).
    pub(crate) fn unauthorized(challenge: &str, message: &str) -> Denial {
        let headers = vec![("WWW-Authenticate", challenge.to_owned())];
        Denial { headers, ..Denial::message(401, TRANSPORT_ERROR, message) }
    }

    /// 404 for a path that leads to no server. `paths` are those that do, as far as they may be told.
    pub(crate) fn unknown_path(path: &str, paths: &[String]) -> Denial {
        let reason = write::string(&format!("there is no MCP endpoint at {}", shorten(path)));
        let paths: Vec<String> = paths.iter().map(|path| write::string(path)).collect();
        let known = if paths.is_empty() { String::new() } else { format!(",\"paths\":[{}]", paths.join(",")) };
        Denial { status: 404, headers: Vec::new(), body: format!("{{\"error\":{reason}{known}}}") }
    }
}

/// The body of an error below MCP: `{"error":"…"}`.
pub(crate) fn plain(reason: &str) -> String {
    format!("{{\"error\":{}}}", write::string(reason))
}
