//! What is posted to the endpoints for clients, and which client posts it (RFC 6749, 2.3).

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::answer::{Answer, Code, Fault};
use super::secret::Digest;
use super::store::Store;
use super::store::record::AuthMethod;
use crate::codec::form::{self, Form};
use crate::limits::OAUTH_BODY_BYTES_MAX;

/// A request to the token or the revocation endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct Posted<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Content-Type`. Whatever is not JSON is taken for a form.
    pub content_type: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

fn invalid(what: impl Into<String>) -> Answer {
    Fault::new(Code::InvalidRequest, what).into()
}

impl<'a> Posted<'a> {
    /// Its parameters. Each may stand there once.
    pub(super) fn parameters(&self) -> Result<Form<'a>, Answer> {
        if self.body.len() > OAUTH_BODY_BYTES_MAX {
            let answer = invalid(format!("the body has more than {OAUTH_BODY_BYTES_MAX} bytes"));
            return Err(Answer { status: 413, ..answer });
        }
        let media_type = self.content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let form = if media_type.eq_ignore_ascii_case("application/json") {
            from_json(self.body)?
        } else {
            Form::parse(self.body).map_err(|error| invalid(format!("the body is no form: {error}")))?
        };
        match form.repeated() {
            Some(name) => {
                Err(invalid(format!("the parameter {} stands there twice", crate::base::text::shorten(name))))
            }
            None => Ok(form),
        }
    }
}

/// The members of an object, those that come twice too: a map would keep the last of them.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        deserializer.deserialize_map(MembersReader)
    }
}

struct MembersReader;

impl<'de> Visitor<'de> for MembersReader {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

fn from_json<'a>(body: &[u8]) -> Result<Form<'a>, Answer> {
    let refuse = || invalid("the body is not a JSON object of texts");
    let Members(members) = serde_json::from_slice(body).map_err(|_| refuse())?;
    let mut pairs = Vec::new();
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) => pairs.push((Cow::Owned(name), Cow::Owned(text))),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return Err(refuse()),
        }
    }
    Ok(Form::from_pairs(pairs))
}

/// Id and secret, as the client shows them.
struct Credentials<'f> {
    id: Cow<'f, str>,
    secret: Option<Cow<'f, str>>,
    is_basic: bool,
}

/// 401: what makes a client register anew.
fn unknown(is_basic: bool) -> Answer {
    let answer =
        Answer::from(Fault::new(Code::InvalidClient, "the client is unknown, or its secret is missing or wrong"));
    if is_basic { answer.with("WWW-Authenticate", "Basic realm=\"oauth\"") } else { answer }
}

/// `Basic`, base64 of id, colon and secret; each may be form-encoded, which changes nothing of ours.
fn basic(authorization: &str) -> Option<Credentials<'static>> {
    let (scheme, encoded) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |text: &str| form::decode(text).map_or_else(|_| text.to_owned(), Cow::into_owned);
    let secret = Some(plain(secret)).filter(|secret| !secret.is_empty()).map(Cow::Owned);
    Some(Credentials { id: Cow::Owned(plain(id)), secret, is_basic: true })
}

/// The client that posts this, by its id. A client with a secret may show it in either place; a public one has none,
/// and one that it shows is not looked at.
pub(super) fn authenticate(store: &Store, posted: Posted<'_>, form: &Form<'_>) -> Result<String, Answer> {
    let in_body = form.value("client_id");
    let credentials = match posted.authorization {
        Some(header) => basic(header).ok_or_else(|| unknown(true))?,
        None => Credentials {
            id: Cow::Borrowed(in_body.ok_or_else(|| unknown(false))?),
            secret: form.value("client_secret").map(Cow::Borrowed),
            is_basic: false,
        },
    };
    let Credentials { id, secret, is_basic } = credentials;
    if is_basic && (in_body.is_some_and(|other| other != id) || form.value("client_secret").is_some()) {
        return Err(invalid("the client shows who it is in two ways"));
    }
    let client = store.client(&id).ok_or_else(|| unknown(is_basic))?;
    let is_right = match (client.auth_method, &client.secret_hash, secret) {
        (AuthMethod::None, _, _) => true,
        (_, Some(expected), Some(secret)) => expected.is_equal(&Digest::of(secret.as_bytes())),
        (_, _, _) => false,
    };
    if is_right { Ok(id.into_owned()) } else { Err(unknown(is_basic)) }
}
