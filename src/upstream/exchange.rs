//! Exchanges: one HTTP request to a remote upstream, and what its response is taken for.

use super::handshake::OwnRequest;
use crate::base::buf::Buf;
use crate::base::sequence::CallId;
use crate::base::url::Url;
use crate::codec::http::client::ResponseHead;
use crate::codec::http::{Method, ResponseLength, status};
use crate::codec::jsonrpc::envelope::{self, Message, Outcome};
use crate::codec::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND};
use crate::codec::sse::Decoder;
use crate::limits;
use crate::mcp::attribution::Carrier;

/// A request, sent or to be sent.
#[derive(Debug)]
pub struct Exchange {
    /// What it is for.
    pub purpose: Purpose,
    /// The message to POST, as a line. Empty once it is on its way, and for all that is no POST.
    pub body: Buf,
    /// Where to go on with a stream that broke off.
    pub resume: Option<Resume>,
    /// Where to, if it was sent elsewhere and what comes after it is not.
    pub place: Option<Url>,
    /// How often it was sent elsewhere.
    pub redirects: usize,
    /// Whether the reply to a request of our own has come in the response.
    pub is_answered: bool,
}

/// What an exchange is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A downstream's request.
    Call(CallId),
    /// A request of our own.
    Own(OwnRequest),
    /// `notifications/initialized`: once it is answered, calls may flow.
    Initialized,
    /// A notification or a response.
    OneWay,
    /// The stream of what belongs to no request; of everything, from an SSE upstream.
    Listen,
    /// The end of the session.
    Farewell,
}

/// Where to go on with a stream that broke off.
#[derive(Debug, Clone)]
pub struct Resume {
    /// The id of the last event that came.
    pub last_event_id: String,
    /// How often that was tried in vain.
    pub failures: u32,
}

impl Exchange {
    /// A POST.
    pub fn post(purpose: Purpose, body: Buf) -> Exchange {
        Exchange { purpose, body, resume: None, place: None, redirects: 0, is_answered: false }
    }

    /// A request without a body; from an event on, if `resume` says so.
    pub fn bare(purpose: Purpose, resume: Option<Resume>) -> Exchange {
        Exchange { purpose, body: Buf::new(), resume, place: None, redirects: 0, is_answered: false }
    }

    /// With which method it goes out.
    pub fn method(&self) -> Method {
        match self.purpose {
            Purpose::Listen => Method::Get,
            Purpose::Farewell => Method::Delete,
            Purpose::Call(_) | Purpose::Own(_) if self.resume.is_some() => Method::Get,
            Purpose::Call(_) | Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay => Method::Post,
        }
    }

    /// What the messages in its response are about.
    pub fn carrier(&self) -> Carrier {
        match self.purpose {
            Purpose::Call(call) => Carrier::Call(call),
            Purpose::Listen => Carrier::Shared,
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => Carrier::Own,
        }
    }

    /// Whether an event stream in its response may last. Whoever made a request of our own is none to wait for long.
    pub fn may_last(&self) -> bool {
        match self.purpose {
            Purpose::Call(_) | Purpose::Listen => true,
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => false,
        }
    }

    /// Whether it does no harm to send it twice, though the upstream may have seen it. A call may do anything; to be
    /// told the same twice is part of every protocol.
    pub fn is_repeatable(&self) -> bool {
        match self.purpose {
            Purpose::Call(_) => self.resume.is_some(),
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Listen | Purpose::Farewell => true,
        }
    }
}

/// How the body of a response is read.
#[derive(Debug)]
pub enum Reception {
    /// There is no response yet.
    AwaitingHead,
    /// As one message, or an array of them.
    Message(Vec<u8>),
    /// As a stream of messages.
    Events(Box<Decoder>),
    /// Not at all: all is said with the head.
    Ignored,
    /// As the reason why the request was refused; only the beginning is kept.
    Refusal(HttpRefusal),
}

/// Why a remote upstream refused a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRefusal {
    /// 300 and above.
    pub status: u16,
    /// The beginning of the body.
    pub text: Vec<u8>,
}

impl Reception {
    /// What the head of a response makes of its body. `is_answered_elsewhere`: the replies to POSTs come on the stream
    /// (HTTP+SSE).
    ///
    /// # Errors
    /// It is nothing that can be read; says so.
    pub fn of(head: &ResponseHead<'_, '_>, purpose: Purpose, is_answered_elsewhere: bool) -> Result<Reception, String> {
        if !(200..=299).contains(&head.status) {
            return Ok(Reception::Refusal(HttpRefusal { status: head.status, text: Vec::new() }));
        }
        let wants_messages = match purpose {
            Purpose::Listen => true,
            Purpose::Call(_) | Purpose::Own(_) => !is_answered_elsewhere,
            Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => false,
        };
        if !wants_messages || head.body == ResponseLength::None {
            return Ok(Reception::Ignored);
        }
        if let Some(coding) = head.foreign_coding() {
            return Err(format!("its answer is compressed ({coding}), although that was not asked for"));
        }
        if head.is_content_type("text/event-stream") {
            return Ok(Reception::Events(Box::new(Decoder::new(limits::LINE_BYTES_MAX))));
        }
        if purpose == Purpose::Listen && !is_answered_elsewhere {
            return Ok(Reception::Ignored); // a page for people: it offers no stream
        }
        if head.is_content_type("application/json") && purpose != Purpose::Listen {
            return Ok(Reception::Message(Vec::new()));
        }
        let found = String::from_utf8_lossy(head.all("content-type").next().unwrap_or(b"none")).into_owned();
        let found = crate::base::text::shorten(&found).into_owned();
        Err(format!("its answer is neither JSON nor an event stream (Content-Type: {found})"))
    }
}

impl Reception {
    /// What is kept of a message that is not complete.
    pub fn held_bytes(&self) -> usize {
        match self {
            Reception::Message(text) => text.len(),
            Reception::Events(decoder) => decoder.held_bytes(),
            Reception::AwaitingHead | Reception::Ignored | Reception::Refusal(_) => 0,
        }
    }
}

impl HttpRefusal {
    /// Whether it may mean that the upstream knows nothing of streamable HTTP (2025-11-25, transports, backwards
    /// compatibility).
    pub fn is_about_transport(&self) -> bool {
        matches!(self.status, 400 | 404 | 405)
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
        #[derive(serde::Deserialize)]
        struct Code {
            code: i32,
        }
        let Ok(Message::Response { outcome: Outcome::Error(error), .. }) = envelope::read_message(&self.text) else {
            return false;
        };
        let code = serde_json::from_str::<Code>(error).map(|error| error.code);
        self.is_reply() && code.is_ok_and(|code| code == METHOD_NOT_FOUND || code == INVALID_PARAMS)
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
            return Some(crate::base::text::shorten(&message).into_owned());
        }
        let text = std::str::from_utf8(&self.text).ok()?.trim();
        let is_plain = !text.is_empty() && !text.starts_with('<') && !text.contains(char::is_control);
        is_plain.then(|| crate::base::text::shorten(text).into_owned())
    }
}
