//! Exchanges with a remote upstream: one HTTP request each, and what it is for.

use std::borrow::Cow;

use super::handshake::OwnRequest;
use crate::base::buf::Buf;
use crate::base::sequence::CallId;
use crate::base::url::Url;
use crate::codec::http::Method;
use crate::mcp::attribution::Carrier;

/// A request, sent or to be sent.
#[derive(Debug)]
pub struct Exchange {
    /// What it is for.
    pub purpose: Purpose,
    /// The headers that are this message's own.
    pub headers: Headers,
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

/// Names and values.
pub type Headers = Vec<(Cow<'static, str>, String)>;

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
    /// The `subscriptions/listen` of this number: the stream of what changes at a modern upstream.
    Changes(u32),
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
    pub fn post(purpose: Purpose, headers: Headers, body: Buf) -> Exchange {
        Exchange { purpose, headers, body, resume: None, place: None, redirects: 0, is_answered: false }
    }

    /// A request without a body; from an event on, if `resume` says so.
    pub fn bare(purpose: Purpose, resume: Option<Resume>) -> Exchange {
        let headers = Headers::new();
        Exchange { purpose, headers, body: Buf::new(), resume, place: None, redirects: 0, is_answered: false }
    }

    /// With which method it goes out.
    pub fn method(&self) -> Method {
        match self.purpose {
            Purpose::Listen => Method::Get,
            Purpose::Farewell => Method::Delete,
            Purpose::Call(_) | Purpose::Own(_) if self.resume.is_some() => Method::Get,
            Purpose::Call(_) | Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Changes(_) => {
                Method::Post
            }
        }
    }

    /// What the messages in its response are about.
    pub fn carrier(&self) -> Carrier {
        match self.purpose {
            Purpose::Call(call) => Carrier::Call(call),
            Purpose::Listen => Carrier::Shared,
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Changes(_) | Purpose::Farewell => {
                Carrier::Own
            }
        }
    }

    /// Whether an event stream in its response may last. Whoever made a request of our own is none to wait for long.
    pub fn may_last(&self) -> bool {
        match self.purpose {
            Purpose::Call(_) | Purpose::Listen | Purpose::Changes(_) => true,
            Purpose::Own(_) | Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => false,
        }
    }

    /// Whether it does no harm to send it twice, though the upstream may have seen it. A call may do anything; to be
    /// told the same twice is part of every protocol.
    pub fn is_repeatable(&self) -> bool {
        match self.purpose {
            Purpose::Call(_) => self.resume.is_some(),
            Purpose::Own(_)
            | Purpose::Initialized
            | Purpose::OneWay
            | Purpose::Listen
            | Purpose::Changes(_)
            | Purpose::Farewell => true,
        }
    }
}
