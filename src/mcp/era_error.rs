//! Errors on their way from one era to the other (bridge, section 3): a few codes mean something else there, or nothing
//! that may be said.

use crate::base::number::Number;
use crate::base::text::shorten;
use crate::codec::jsonrpc::elements::elements;
use crate::codec::jsonrpc::envelope::{Message, Outcome, json_string, read_message};
use crate::codec::jsonrpc::members::{members, pick};
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::range_in;
use crate::codec::jsonrpc::{
    HEADER_MISMATCH, INTERNAL_ERROR, INVALID_PARAMS, MISSING_CAPABILITY, UNSUPPORTED_VERSION, write,
};
use crate::limits::INPUT_REQUESTS_MAX;

/// A resource does not exist (2025-11-25 and before).
pub const RESOURCE_NOT_FOUND: i32 = -32002;
/// A URL must be visited first (2025-11-25).
pub const URL_ELICITATION_REQUIRED: i32 = -32042;

/// What an error of a legacy upstream means to a modern downstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegacyError<'a> {
    /// It can be passed on, with these parts replaced.
    Passes(Rewrite),
    /// It wants some URLs to be visited before the request is sent again: the parameters of elicitations, as JSON text.
    UrlElicitation(Vec<&'a str>),
}

/// What becomes of a legacy upstream's reply that is an error. What cannot be read stays as it is.
pub fn of_legacy(line: &[u8]) -> LegacyError<'_> {
    let Some(error) = ErrorObject::read(line) else { return LegacyError::Passes(Rewrite::default()) };
    match error.elicitations() {
        Some(elicitations) => LegacyError::UrlElicitation(elicitations),
        None => LegacyError::Passes(error.for_modern(line).unwrap_or_default()),
    }
}

/// What changes in a modern upstream's reply that is an error, for a legacy downstream. `uri` is the resource that was
/// asked for, if one was: where the error is about it, it does not exist (MCP 2026-07-28, resources, Error Handling).
/// Of heads and revisions no downstream can know anything; what it would have had to declare is told in words.
pub fn of_modern(line: &[u8], uri: Option<&str>) -> Rewrite {
    let Some(error) = ErrorObject::read(line) else { return Rewrite::default() };
    let changed = match error.code {
        INVALID_PARAMS if error.is_about(uri) => error.with_code(line, RESOURCE_NOT_FOUND),
        HEADER_MISMATCH | UNSUPPORTED_VERSION => error.with_code(line, INTERNAL_ERROR),
        MISSING_CAPABILITY => error.with_capabilities(line),
        _ => None,
    };
    changed.unwrap_or_default()
}

/// An error, taken apart. All `&str` are JSON text.
struct ErrorObject<'a> {
    text: &'a str,
    code: i32,
    code_text: &'a str,
    message: Option<&'a str>,
    data: Option<&'a str>,
}

impl<'a> ErrorObject<'a> {
    /// That of a reply.
    fn read(line: &'a [u8]) -> Option<ErrorObject<'a>> {
        let Ok(Message::Response { outcome: Outcome::Error(text), .. }) = read_message(line) else { return None };
        let [code, message, data] = pick(text, ["code", "message", "data"]).ok()?;
        let code_text = code?;
        let code = i32::try_from(Number::parse(code_text)?.safe_integer()?).ok()?;
        Some(ErrorObject { text, code, code_text, message, data })
    }

    /// The elicitations that it wants to be gone through, if there are some.
    fn elicitations(&self) -> Option<Vec<&'a str>> {
        let data = self.data.filter(|_| self.code == URL_ELICITATION_REQUIRED)?;
        let [list] = pick(data, ["elicitations"]).ok()?;
        let texts = elements(list?).take(INPUT_REQUESTS_MAX + 1).collect::<Result<Vec<&'a str>, _>>().ok()?;
        let are_some = (1..=INPUT_REQUESTS_MAX).contains(&texts.len());
        (are_some && texts.iter().all(|text| text.starts_with('{'))).then_some(texts)
    }

    /// `None`: it stays as it is. The codes from -32020 are the specification's own; what a legacy upstream means by
    /// one of them is for people to read.
    fn for_modern(&self, line: &[u8]) -> Option<Rewrite> {
        match self.code {
            RESOURCE_NOT_FOUND => self.with_code(line, INVALID_PARAMS),
            -32099..=-32020 => {
                let message = self.message.filter(|message| message.starts_with('"'));
                let message = message.unwrap_or("\"the server gave an error without a message\"");
                let text = self.text;
                let error = format!("{{\"code\":{INTERNAL_ERROR},\"message\":{message},\"data\":{text}}}");
                let mut rewrite = Rewrite::default();
                rewrite.replace(range_in(line, text)?, error);
                Some(rewrite)
            }
            _ => None,
        }
    }

    /// Whether its data name this resource.
    fn is_about(&self, uri: Option<&str>) -> bool {
        let said = self.data.and_then(|data| pick(data, ["uri"]).ok()).and_then(|[said]| json_string(said?));
        said.is_some() && said.as_deref() == uri
    }

    /// Its message says what its data say.
    fn with_capabilities(&self, line: &[u8]) -> Option<Rewrite> {
        let [required] = pick(self.data?, ["requiredCapabilities"]).ok()?;
        let names: Option<Vec<String>> =
            members(required?).map(|member| member.ok().map(|member| shorten(&member.key).into_owned())).collect();
        let names = names.filter(|names| !names.is_empty())?.join(", ");
        let message = json_string(self.message?)?;
        let message = write::string(&format!("{message} (the client has not declared: {names})"));
        let mut rewrite = Rewrite::default();
        rewrite.replace(range_in(line, self.message?)?, message);
        Some(rewrite)
    }

    fn with_code(&self, line: &[u8], code: i32) -> Option<Rewrite> {
        let mut rewrite = Rewrite::default();
        rewrite.replace(range_in(line, self.code_text)?, code.to_string());
        Some(rewrite)
    }
}
