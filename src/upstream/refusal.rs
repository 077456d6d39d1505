//! HTTP errors of remote upstreams: what they mean for the call, the session and the transport, and how they are told.

use crate::base::text::shorten;
use crate::codec::http::status;
use crate::codec::jsonrpc::envelope::{self, Message, Outcome};
use crate::codec::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::limits;

/// Why a remote upstream refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRefusal {
    /// 300 and above.
    pub status: u16,
    /// The beginning of the body.
    pub text: Vec<u8>,
}

impl HttpRefusal {
    /// Whether it may mean that the upstream knows nothing of streamable HTTP (2025-11-25, transports, backwards
    /// compatibility).
    pub fn is_about_transport(&self) -> bool {
        matches!(self.status, 400 | 404 | 405)
    }

    /// Whether it may tell which era the upstream speaks. Who may not ask, or asks at a bad time, is told nothing.
    pub fn is_about_era(&self) -> bool {
        (400..=499).contains(&self.status) && !matches!(self.status, 401 | 403 | 429)
    }

    /// The JSON-RPC error that it carries, as JSON text.
    pub fn error(&self) -> Option<&str> {
        match envelope::read_message(&self.text) {
            Ok(Message::Response { outcome: Outcome::Error(error), .. }) => Some(error),
            Ok(_) | Err(_) => None,
        }
    }

    /// The code of that error.
    pub fn error_code(&self) -> Option<i32> {
        #[derive(serde::Deserialize)]
        struct Code {
            code: i32,
        }
        serde_json::from_str::<Code>(self.error()?).ok().map(|error| error.code)
    }

    /// Whether it means that the session has ended. The specification says 404; servers built after the official
    /// SDK's first examples say 400, with a word about sessions or about `initialize`.
    pub fn is_about_session(&self) -> bool {
        let says_so = || {
            let text = String::from_utf8_lossy(&self.text).to_ascii_lowercase();
            text.contains("session") || text.contains("not initialized")
        };
        match self.status {
            404 => !self.is_reply_about_call(),
            // What is cut off may be a reply.
            400 => self.text.len() < limits::REFUSAL_BYTES_MAX && !self.is_reply() && says_so(),
            _ => false,
        }
    }

    /// Whether asking again later may help. 501 is the one of its class that is meant for good.
    pub fn is_for_now(&self) -> bool {
        matches!(self.status, 408 | 409 | 425 | 429) || (self.status >= 500 && self.status != 501)
    }

    /// Whether the body is the reply to a call, whose words mean what they like: their ids are numbers.
    fn is_reply(&self) -> bool {
        matches!(envelope::read_message(&self.text), Ok(Message::Response { id, .. }) if id.parse::<u32>().is_ok())
    }

    /// Whether the body is a reply which says that there is nothing wrong with the session, only with the call. Servers
    /// answer 404 to unknown methods as well.
    fn is_reply_about_call(&self) -> bool {
        let is_about_call = |code| code == METHOD_NOT_FOUND || code == INVALID_PARAMS;
        self.is_reply() && self.error_code().is_some_and(is_about_call)
    }

    /// Takes in more of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        let room = limits::REFUSAL_BYTES_MAX.saturating_sub(self.text.len());
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// `HTTP 401 Unauthorized: what the server said; what to do`.
    pub fn describe(&self) -> String {
        let reason = status::reason(self.status).map(|reason| format!(" {reason}")).unwrap_or_default();
        let said = self.message().map(|said| format!(": {said}")).unwrap_or_default();
        let advice = match self.status {
            401 | 403 => "; check its headers in the configuration",
            300..=399 => "; a redirect to another origin is not followed: put the right url in the configuration",
            404 | 405 => "; check its url and transportType in the configuration",
            _ => "",
        };
        format!("HTTP {}{reason}{said}{advice}", self.status)
    }

    /// The message of a JSON-RPC error, or the text itself if it is short and plain.
    fn message(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Refused {
            error: RefusedError,
        }
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum RefusedError {
            Object { message: String },
            Text(String),
        }
        if let Ok(Refused { error }) = serde_json::from_slice(&self.text) {
            let (RefusedError::Object { message } | RefusedError::Text(message)) = error;
            return Some(shorten(&message).into_owned());
        }
        let text = std::str::from_utf8(&self.text).ok()?.trim();
        let is_plain = !text.is_empty() && !text.starts_with('<') && !text.contains(char::is_control);
        is_plain.then(|| shorten(text).into_owned())
    }
}
