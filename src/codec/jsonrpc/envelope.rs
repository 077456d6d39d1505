//! The careful path: a whole message, validated, with its routing members borrowed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::spelling::{can_have_alike, is_alike, sole};
use super::{INVALID_REQUEST, PARSE_ERROR, usual};
use crate::base::text::shorten;
use crate::limits::{BATCH_MESSAGES_MAX, ID_BYTES_MAX, MESSAGE_MEMBERS_MAX};

/// A message. All `&str` are JSON text (an id of `"a"` has its quotes) inside the text that was read.
#[derive(Debug, PartialEq)]
pub enum Message<'a> {
    /// Wants an answer.
    Request {
        /// A string or an integer.
        id: &'a str,
        /// Escapes resolved.
        method: Cow<'a, str>,
        /// What the parameters say about routing.
        params: Params<'a>,
    },
    /// Wants none.
    Notification {
        /// Escapes resolved.
        method: Cow<'a, str>,
        /// What the parameters say about routing.
        params: Params<'a>,
    },
    /// Answers a request of ours.
    Response {
        /// A string or an integer; `null` in an error whose request could not be read.
        id: &'a str,
        /// Which of the two it is.
        outcome: Outcome<'a>,
    },
}

/// What a response says.
#[derive(Debug, PartialEq)]
pub enum Outcome<'a> {
    /// The `result` member.
    Result(&'a str),
    /// The `error` member.
    Error(&'a str),
}

/// The parameters of a request or notification.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Params<'a> {
    /// The whole object; `None` where there is no such member.
    pub text: Option<&'a str>,
    /// The only `_meta`, if it is an object.
    pub meta: Option<&'a str>,
    /// `_meta.progressToken`.
    pub progress_token: Option<&'a str>,
}

/// Why a text is not a message: the JSON-RPC error to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// [`PARSE_ERROR`] or [`INVALID_REQUEST`].
    pub code: i32,
    /// What is wrong, for the peer.
    pub reason: String,
}

/// One body: a message or a batch of them.
#[derive(Debug, PartialEq)]
pub enum Body<'a> {
    /// A JSON object.
    Single(Message<'a>),
    /// A JSON array (2025-03-26 only). A member that is no message does not spoil the others.
    Batch(Vec<BatchItem<'a>>),
}

/// One member of a batch.
#[derive(Debug, PartialEq)]
pub struct BatchItem<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// What it says.
    pub message: Result<Message<'a>, Malformed>,
}

impl BatchItem<'_> {
    /// Whether an answer to it is due: to requests, and to what is no message.
    pub fn wants_reply(&self) -> bool {
        match self.message {
            Ok(Message::Request { .. }) | Err(_) => true,
            Ok(Message::Notification { .. } | Message::Response { .. }) => false,
        }
    }
}

/// Reads a body.
pub fn read_body(bytes: &[u8]) -> Result<Body<'_>, Malformed> {
    let text = text(bytes)?;
    if first_byte(text) != Some(b'[') {
        return Ok(Body::Single(read_text(text)?));
    }
    let Batch(parts) = serde_json::from_str(text)
        .map_err(|error| if error.is_data() { invalid(&too_many_messages()) } else { not_json(error) })?;
    if parts.is_empty() {
        return Err(invalid("an empty batch"));
    }
    let items = parts.into_iter().map(|part| BatchItem { text: part.get(), message: read_text(part.get()) });
    Ok(Body::Batch(items.collect()))
}

/// Reads one message.
pub fn read_message(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    read_text(text(bytes)?)
}

/// The first byte that RFC 8259 (section 2) does not call white space.
fn first_byte(text: &str) -> Option<u8> {
    text.bytes().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes)
        .map_err(|_| Malformed { code: PARSE_ERROR, reason: "the message is not UTF-8".to_owned() })
}

fn not_json(error: serde_json::Error) -> Malformed {
    Malformed { code: PARSE_ERROR, reason: format!("the message is not JSON: {error}") }
}

fn invalid(what: &str) -> Malformed {
    Malformed { code: INVALID_REQUEST, reason: format!("not a JSON-RPC 2.0 message: {what}") }
}

fn read_text(text: &str) -> Result<Message<'_>, Malformed> {
    if let Some(members) = Members::usual(text) {
        return members.into_message();
    }
    if first_byte(text) != Some(b'{') {
        serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(not_json)?;
        return Err(invalid("it must be an object"));
    }
    let members: Members = serde_json::from_str(text)
        .map_err(|error| if error.is_data() { invalid(&error.to_string()) } else { not_json(error) })?;
    members.into_message()
}

/// The members that are known.
const NAMES: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

/// The members of a message as they stand there.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a str>,
    id: Option<&'a str>,
    method: Option<&'a str>,
    params: Option<&'a str>,
    result: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Members<'a> {
    /// Those of a message in the usual spelling; `None` leaves it to the careful path.
    fn usual(text: &'a str) -> Option<Members<'a>> {
        let mut members = Members::default();
        usual::members(text, |key, value| match members.place(key)?.replace(value) {
            None => Some(()),
            Some(_) => None,
        })?;
        Some(members)
    }

    /// Where the member of that name belongs, if it is known.
    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        Some(match key {
            "jsonrpc" => &mut self.jsonrpc,
            "id" => &mut self.id,
            "method" => &mut self.method,
            "params" => &mut self.params,
            "result" => &mut self.result,
            "error" => &mut self.error,
            _ => return None,
        })
    }

    fn into_message(self) -> Result<Message<'a>, Malformed> {
        if self.jsonrpc.is_none_or(|version| version != "\"2.0\"") {
            return Err(invalid("the member \"jsonrpc\" must be \"2.0\""));
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.into_request(method),
            (None, Some(result), None) => self.into_response(Outcome::Result(result)),
            (None, None, Some(error)) => self.into_response(Outcome::Error(error)),
            (None, None, None) => Err(invalid("it has neither \"method\" nor \"result\" nor \"error\"")),
            (_, _, _) => Err(invalid("\"method\", \"result\" and \"error\" exclude each other")),
        }
    }

    fn into_request(self, method: &'a str) -> Result<Message<'a>, Malformed> {
        let method = json_string(method).ok_or_else(|| invalid("\"method\" must be a string"))?;
        let params = match self.params {
            Some(text) => read_params(text)?,
            None => Params::default(),
        };
        match self.id {
            None => Ok(Message::Notification { method, params }),
            Some(id) if is_id(id) => Ok(Message::Request { id, method, params }),
            Some(_) => Err(invalid(&id_rule("id"))),
        }
    }

    fn into_response(self, outcome: Outcome<'a>) -> Result<Message<'a>, Malformed> {
        match self.id {
            Some(id) if is_id(id) => Ok(Message::Response { id, outcome }),
            Some("null") | None if matches!(outcome, Outcome::Error(_)) => {
                Ok(Message::Response { id: "null", outcome })
            }
            _ => Err(invalid(&id_rule("id"))),
        }
    }
}

fn id_rule(member: &str) -> String {
    format!("{member:?} must be a string or an integer, of at most {ID_BYTES_MAX} bytes")
}

/// Whether JSON text is a request id as MCP allows them: a string or an integer. Also what a progress token may be.
fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= ID_BYTES_MAX && (is_integer || json_string(text).is_some())
}

/// The value of JSON text that is a string.
pub fn json_string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(text).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
}

fn read_params(text: &str) -> Result<Params<'_>, Malformed> {
    if !text.starts_with('{') {
        return Err(invalid("\"params\" must be an object"));
    }
    let meta = meta(text)?;
    Ok(Params { text: Some(text), meta, progress_token: progress_token(meta)? })
}

/// `_meta`, if there is one. The parameters were validated before, so the second pass is spent only where such a key
/// can be: spelt out in any letter case, or hidden behind an escape.
fn meta(params: &str) -> Result<Option<&str>, Malformed> {
    if !can_have_alike(params, "_meta", 0) {
        return Ok(None);
    }
    let meta = sole(Some(params), "_meta").map_err(|_| unclear("_meta"))?;
    Ok(meta.filter(|meta| meta.starts_with('{')))
}

fn unclear(name: &str) -> Malformed {
    invalid(&format!("there must be one {name:?} in that spelling, and it must be readable"))
}

/// `_meta.progressToken`, if there is one.
fn progress_token(meta: Option<&str>) -> Result<Option<&str>, Malformed> {
    let token = sole(meta, "progressToken").map_err(|_| unclear("progressToken"))?;
    match token.filter(|token| *token != "null") {
        None => Ok(None),
        Some(token) if is_id(token) => Ok(Some(token)),
        Some(_) => Err(invalid(&id_rule("progressToken"))),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

/// A key: borrowed unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// By hand rather than derived: an `Option<&RawValue>` would read `"id": null` as absent, and unknown members must
    /// not stand there twice either, nor look like known ones, lest two readers see two messages.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        let mut others: Vec<Cow<'de, str>> = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            let Some(place) = members.place(&key) else {
                map.next_value::<&RawValue>()?;
                if others.contains(&key) {
                    return Err(duplicate(&key));
                }
                if let Some(name) = NAMES.iter().find(|name| is_alike(&key, name)) {
                    let key = shorten(&key);
                    return Err(A::Error::custom(format_args!("member {key:?}: some readers take it for {name:?}")));
                }
                if others.len() == MESSAGE_MEMBERS_MAX {
                    return Err(A::Error::custom(format_args!("more than {MESSAGE_MEMBERS_MAX} unknown members")));
                }
                others.push(key);
                continue;
            };
            let value: &'de RawValue = map.next_value()?;
            if place.replace(value.get()).is_some() {
                return Err(duplicate(&key));
            }
        }
        Ok(members)
    }
}

/// The members of an array, which is read no further than a batch may go.
struct Batch<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Batch<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(BatchVisitor)
    }
}

struct BatchVisitor;

impl<'de> Visitor<'de> for BatchVisitor {
    type Value = Batch<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Batch<'de>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = seq.next_element()? {
            if parts.len() == BATCH_MESSAGES_MAX {
                return Err(A::Error::custom(too_many_messages()));
            }
            parts.push(part);
        }
        Ok(Batch(parts))
    }
}

fn too_many_messages() -> String {
    format!("a batch of more than {BATCH_MESSAGES_MAX} messages")
}

fn duplicate<E: serde::de::Error>(key: &str) -> E {
    E::custom(format_args!("duplicate member {:?}", shorten(key)))
}
