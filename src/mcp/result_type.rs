//! What kind of result a modern upstream gives (MCP 2026-07-28, basic, Responses; Multi Round-Trip Requests).
//!
//! Nearly all are complete, or say nothing, which means the same. That is seen without reading: wherever a member is
//! called `resultType`, it is `complete`. All else is read, because a tool's output may have such a member as well.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::codec::jsonrpc::envelope::{Message, Outcome, json_string, read_message};
use crate::codec::jsonrpc::members::{NotAnObject, Unpicked, members, pick};
use crate::codec::jsonrpc::search::{hides_ascii, is_each};
use crate::limits::INPUT_REQUESTS_MAX;

/// The kind of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultType<'a> {
    /// `complete`, or none. Errors count as such, too.
    Complete,
    /// `input_required`: the request must be sent again, with answers.
    InputRequired(InputRequired<'a>),
    /// `task` (Tasks extension): it goes on elsewhere.
    Task,
    /// Another one: its value, as text, or as JSON text if it is no string. Whoever does not know it must take the
    /// result for invalid.
    Other(String),
}

/// What an upstream needs to know before it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputRequired<'a> {
    /// What it asks, in its order; may be nothing.
    pub requests: Vec<InputRequest<'a>>,
    /// What it wants back, as JSON text, a string.
    pub request_state: Option<&'a str>,
}

/// One thing that it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRequest<'a> {
    /// Under which key the answer goes back. Escapes resolved.
    pub key: Cow<'a, str>,
    /// For example `elicitation/create`. Escapes resolved.
    pub method: Cow<'a, str>,
    /// JSON text.
    pub params: Option<&'a str>,
}

/// Why a reply is not what the specification says. Reads as the end of a sentence that begins with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidResult {
    /// It is no JSON-RPC response, or its result is no object.
    Unreadable,
    /// A member that counts stands there twice.
    Doubled,
    /// `inputRequests` is no object of requests.
    Requests,
    /// There are more than [`INPUT_REQUESTS_MAX`].
    TooMany,
    /// `requestState` is not a string.
    State,
    /// Neither of them is there.
    Nothing,
}

impl fmt::Display for InvalidResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidResult::Unreadable => f.write_str("gave a result that is no object"),
            InvalidResult::Doubled => f.write_str("gave a result in which a member stands twice"),
            InvalidResult::Requests => f.write_str("asks for input in a way that is not understood"),
            InvalidResult::TooMany => write!(f, "asks for more than {INPUT_REQUESTS_MAX} inputs at once"),
            InvalidResult::State => f.write_str("gave a requestState that is not a string"),
            InvalidResult::Nothing => f.write_str("requires input and asks for none"),
        }
    }
}

impl std::error::Error for InvalidResult {}

impl From<Unpicked> for InvalidResult {
    fn from(unpicked: Unpicked) -> InvalidResult {
        match unpicked {
            Unpicked::NotAnObject => InvalidResult::Unreadable,
            Unpicked::Doubled => InvalidResult::Doubled,
        }
    }
}

/// The kind of result that a reply has.
pub fn read(line: &[u8]) -> Result<ResultType<'_>, InvalidResult> {
    static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"resultType\""));
    if is_each(line, &KEY, |value| value.starts_with(b"\"complete\"")) && !hides_ascii(line) {
        return Ok(ResultType::Complete);
    }
    let Ok(Message::Response { outcome, .. }) = read_message(line) else { return Err(InvalidResult::Unreadable) };
    let Outcome::Result(result) = outcome else { return Ok(ResultType::Complete) };
    let [kind, requests, state] = pick(result, ["resultType", "inputRequests", "requestState"])?;
    let Some(kind) = kind else { return Ok(ResultType::Complete) };
    Ok(match json_string(kind).as_deref() {
        Some("complete") => ResultType::Complete,
        Some("task") => ResultType::Task,
        Some("input_required") => ResultType::InputRequired(input_required(requests, state)?),
        Some(other) => ResultType::Other(other.to_owned()),
        None => ResultType::Other(kind.to_owned()),
    })
}

/// `null` is nothing.
fn input_required<'a>(requests: Option<&'a str>, state: Option<&'a str>) -> Result<InputRequired<'a>, InvalidResult> {
    let requests = requests.filter(|requests| *requests != "null");
    let state = state.filter(|state| *state != "null");
    if requests.is_none() && state.is_none() {
        return Err(InvalidResult::Nothing);
    }
    if state.is_some_and(|state| !state.starts_with('"')) {
        return Err(InvalidResult::State);
    }
    let mut required = InputRequired { requests: Vec::new(), request_state: state };
    for member in requests.map(members).into_iter().flatten() {
        let member = member.map_err(|NotAnObject| InvalidResult::Requests)?;
        if required.requests.len() == INPUT_REQUESTS_MAX {
            return Err(InvalidResult::TooMany);
        }
        if required.requests.iter().any(|other| other.key == member.key) {
            return Err(InvalidResult::Doubled);
        }
        required.requests.push(input_request(member.key, member.value)?);
    }
    Ok(required)
}

fn input_request<'a>(key: Cow<'a, str>, request: &'a str) -> Result<InputRequest<'a>, InvalidResult> {
    let invalid = || InvalidResult::Requests;
    let [method, params] = pick(request, ["method", "params"]).map_err(|_| invalid())?;
    let method = method.and_then(json_string).ok_or_else(invalid)?;
    let params = params.filter(|params| *params != "null");
    if params.is_some_and(|params| !params.starts_with('{')) {
        return Err(invalid());
    }
    Ok(InputRequest { key, method, params })
}
