//! What a line of a legacy upstream means, in the words of the proxy.

use std::borrow::Cow;

use super::ask::AskKind;
use super::listen_filter::Changed;
use super::log_level::LogLevel;
use super::owners::{self, Thing};
use crate::base::sequence::{self, AskId, CallId};
use crate::codec::jsonrpc::envelope::{self, Malformed, Message, Outcome, Params};
use crate::codec::jsonrpc::members::member;
use crate::codec::jsonrpc::quick;
use crate::codec::jsonrpc::splice::range_in;
use std::ops::Range;

/// A line, understood. Ranges are places within it.
#[derive(Debug)]
pub enum FromUpstream<'a> {
    /// The answer to a call: pass it on with the downstream's own id.
    Reply {
        /// Which call.
        call: CallId,
        /// Where its id stands.
        id: Range<usize>,
        /// Whether it is an error.
        is_error: bool,
    },
    /// The answer to a request of the proxy itself.
    OwnReply {
        /// Which request, as JSON text.
        id: &'a str,
        /// What it says.
        outcome: Outcome<'a>,
    },
    /// Progress of a call.
    Progress {
        /// Which call.
        call: CallId,
        /// Where its token stands.
        token: Range<usize>,
    },
    /// A log line for downstreams.
    Log {
        /// How much it matters; `None` for a level that is none of RFC 5424's.
        level: Option<LogLevel>,
    },
    /// A list has changed: every session is told.
    ListChanged {
        /// Which one. That of the tools the proxy reads too.
        list: Changed,
    },
    /// A `subscriptions/listen` of the proxy is acknowledged.
    Acknowledged,
    /// A resource has changed: its subscribers are told.
    Updated {
        /// Which one.
        uri: String,
    },
    /// A request for a downstream.
    Ask {
        /// What it asks for.
        kind: AskKind,
        /// The upstream's own id, as JSON text.
        id: &'a str,
        /// The upstream's own progress token, as JSON text.
        progress_token: Option<&'a str>,
        /// Its parameters, as JSON text.
        params: Option<&'a str>,
    },
    /// A task has changed: its owner is told.
    TaskStatus {
        /// Which one.
        task: Thing,
    },
    /// What a URL was to be visited for has happened: its owner is told.
    ElicitationComplete {
        /// Which one.
        elicitation: Thing,
    },
    /// A withdrawn ask.
    AskCancelled {
        /// The upstream's own id of it, as JSON text.
        id: String,
    },
    /// `ping`, to be answered by us.
    Ping {
        /// The upstream's own id, as JSON text.
        id: &'a str,
    },
    /// A notification that is none of these.
    UnknownNotification {
        /// Its method.
        method: Cow<'a, str>,
    },
    /// A reply to nothing that was asked, or a notification about nothing that is known.
    Stray,
    /// An error without an id: it could not read what was sent to it.
    Complaint,
}

/// Reads a line.
pub fn read(line: &[u8]) -> Result<FromUpstream<'_>, Malformed> {
    if let Some(answer) = quick::answer(line)
        && let Some(call) = sequence::read(answer.id)
    {
        let is_error = line.starts_with(b"{\"error\"") || line[answer.id_range.end..].starts_with(b",\"error\"");
        return Ok(FromUpstream::Reply { call, id: answer.id_range, is_error });
    }
    Ok(match envelope::read_message(line)? {
        Message::Request { id, method, params } => read_request(id, method, params),
        Message::Notification { method, params } => read_notification(line, method, params),
        Message::Response { id, outcome } => read_response(line, id, outcome),
    })
}

fn read_request<'a>(id: &'a str, method: Cow<'a, str>, params: Params<'a>) -> FromUpstream<'a> {
    if method == "ping" {
        return FromUpstream::Ping { id };
    }
    let kind = AskKind::of(&method, params.text);
    FromUpstream::Ask { kind, id, progress_token: params.progress_token, params: params.text }
}

fn read_response<'a>(line: &[u8], id: &'a str, outcome: Outcome<'a>) -> FromUpstream<'a> {
    if id.starts_with('"') {
        return FromUpstream::OwnReply { id, outcome };
    }
    let is_error = matches!(outcome, Outcome::Error(_));
    match (sequence::read(id), range_in(line, id)) {
        (Some(call), Some(id)) => FromUpstream::Reply { call, id, is_error },
        _ if id == "null" => FromUpstream::Complaint,
        _ => FromUpstream::Stray,
    }
}

fn read_notification<'a>(line: &[u8], method: Cow<'a, str>, params: Params<'a>) -> FromUpstream<'a> {
    match &*method {
        "notifications/progress" => match progress(line, params.text) {
            Some((call, token)) => FromUpstream::Progress { call, token },
            None => FromUpstream::Stray,
        },
        "notifications/message" => FromUpstream::Log { level: level(params.text) },
        "notifications/tools/list_changed" => FromUpstream::ListChanged { list: Changed::Tools },
        "notifications/prompts/list_changed" => FromUpstream::ListChanged { list: Changed::Prompts },
        "notifications/resources/list_changed" => FromUpstream::ListChanged { list: Changed::Resources },
        "notifications/subscriptions/acknowledged" => FromUpstream::Acknowledged,
        "notifications/resources/updated" => match super::introduction::uri(params.text) {
            Some(uri) => FromUpstream::Updated { uri },
            None => FromUpstream::Stray,
        },
        "notifications/tasks/status" => match owners::named_task(params.text) {
            Some(task) => FromUpstream::TaskStatus { task },
            None => FromUpstream::Stray,
        },
        "notifications/elicitation/complete" => match owners::named_elicitation(params.text) {
            Some(elicitation) => FromUpstream::ElicitationComplete { elicitation },
            None => FromUpstream::Stray,
        },
        "notifications/cancelled" => match member(params.text, "requestId") {
            Some(id) => FromUpstream::AskCancelled { id: id.to_owned() },
            None => FromUpstream::Stray,
        },
        _ => FromUpstream::UnknownNotification { method },
    }
}

fn progress(line: &[u8], params: Option<&str>) -> Option<(CallId, Range<usize>)> {
    let token = member(params, "progressToken")?;
    Some((sequence::read(token)?, range_in(line, token)?))
}

fn level(params: Option<&str>) -> Option<LogLevel> {
    serde_json::from_str(member(params, "level")?).ok()
}

/// The ask that a downstream's response answers: asks carry their numbers as ids.
pub fn answered_ask(id: &str) -> Option<AskId> {
    sequence::read(id)
}
