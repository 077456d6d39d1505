//! The headers `Mcp-Param-*` of a call (MCP 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters): written
//! towards an upstream, compared with the arguments where a downstream sent them.
//! An argument that is missing or `null` has no header, and neither has an object or a list, which no header can
//! repeat: what is wrong with it is for the tool to say. Nor does an integer need one that not every JSON
//! implementation reads as the same one: some clients refuse to write it.

use std::borrow::Cow;

use super::header_mismatch::{Mismatch, Problem, Sent, sent_text};
use super::tool_headers::{ToolHeader, ToolHeaders};
use crate::base::number::Number;
use crate::codec::header_value::encode;
use crate::codec::jsonrpc::envelope::json_string;
use crate::codec::jsonrpc::members::{NotAnObject, members};
use crate::codec::jsonrpc::spelling::{Unclear, sole};

impl ToolHeaders {
    /// Names and encoded values of the headers that a call with these arguments has. Where a key stands there twice,
    /// the last one counts, as it does for nearly every reader.
    pub fn params(&self, arguments: Option<&str>) -> Vec<(String, String)> {
        let found = self.find(arguments).unwrap_or_default();
        let header = |(header, found): (&ToolHeader, Found<'_>)| {
            let value = match Argument::read(found.value) {
                Argument::Text(text) => encode(&text).into_owned(),
                Argument::Number(text) => number(text),
                Argument::None | Argument::Compound | Argument::NoText => return None,
            };
            Some((header.header.clone(), value))
        };
        self.iter().zip(found).filter_map(header).collect()
    }

    /// Whether a call's headers say what its parameters say. `header` looks one up, in any letter case.
    pub fn check_call<'h>(&self, params: Option<&str>, header: impl Fn(&str) -> Sent<'h>) -> Result<(), Mismatch> {
        match (sole(params, "arguments"), self.iter().next()) {
            (Ok(arguments), _) => self.check(arguments, header),
            (Err(Unclear), Some(first)) => Err(Mismatch::new(&first.header, Problem::Unclear)),
            (Err(Unclear), None) => Ok(()),
        }
    }

    /// Whether a call's headers say what its arguments say.
    pub fn check<'h>(&self, arguments: Option<&str>, header: impl Fn(&str) -> Sent<'h>) -> Result<(), Mismatch> {
        let all_found = self.find(arguments).ok();
        for (index, ToolHeader { header: name, .. }) in self.iter().enumerate() {
            let found = all_found.as_ref().and_then(|all| all.get(index)).filter(|found| !found.is_doubled);
            let found = found.ok_or_else(|| Mismatch::new(name, Problem::Unclear))?;
            check_one(name, found.value, sent_text(name, header(name))?)?;
        }
        Ok(())
    }

    /// The values of all parameters, in their order. The arguments are gone through once, whatever is wanted of them.
    fn find<'a>(&self, arguments: Option<&'a str>) -> Result<Vec<Found<'a>>, NotAnObject> {
        let wanted: Vec<Wanted<'_>> = self.iter().map(|header| header.path.as_slice()).enumerate().collect();
        let mut found = vec![Found::default(); wanted.len()];
        if let Some(arguments) = arguments.filter(|text| text.starts_with('{') && !wanted.is_empty()) {
            find_in(arguments, &wanted, &mut found)?;
        }
        Ok(found)
    }
}

/// What stands at a parameter's path.
#[derive(Debug, Clone, Copy, Default)]
struct Found<'a> {
    /// JSON text.
    value: Option<&'a str>,
    /// A key on the way stands there twice.
    is_doubled: bool,
}

/// Which parameter, and what is left of the path to it.
type Wanted<'p> = (usize, &'p [String]);

fn find_in<'a>(object: &'a str, wanted: &[Wanted<'_>], found: &mut [Found<'a>]) -> Result<(), NotAnObject> {
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    for member in members(object) {
        let member = member?;
        let mut deeper: Vec<Wanted<'_>> = Vec::new();
        let mut is_wanted = false;
        for (index, path) in wanted {
            let Some((_, rest)) = path.split_first().filter(|(key, _)| **key == member.key) else { continue };
            let Some(found) = found.get_mut(*index) else { continue };
            is_wanted = true;
            found.value = rest.is_empty().then_some(member.value);
            found.is_doubled |= seen.contains(&member.key);
            if !rest.is_empty() {
                deeper.push((*index, rest));
            }
        }
        if is_wanted && !seen.contains(&member.key) {
            seen.push(member.key);
        }
        if !deeper.is_empty() && member.value.starts_with('{') {
            find_in(member.value, &deeper, found)?;
        }
    }
    Ok(())
}

/// An argument as a header may repeat it.
enum Argument<'a> {
    /// It is missing, or `null`.
    None,
    /// A string; or `true` or `false`, which are repeated as they are.
    Text(Cow<'a, str>),
    /// As it is spelt.
    Number(&'a str),
    /// An object or a list.
    Compound,
    /// A string with half of a surrogate pair.
    NoText,
}

impl<'a> Argument<'a> {
    fn read(value: Option<&'a str>) -> Argument<'a> {
        let Some(value) = value else { return Argument::None };
        match value.as_bytes().first() {
            Some(b'"') => json_string(value).map_or(Argument::NoText, Argument::Text),
            Some(b't' | b'f') => Argument::Text(Cow::Borrowed(value)),
            Some(b'{' | b'[') => Argument::Compound,
            Some(b'-' | b'0'..=b'9') => Argument::Number(value),
            Some(_) | None => Argument::None,
        }
    }
}

/// A number as a header repeats it: an integer in its usual spelling, anything else as it is.
fn number(text: &str) -> String {
    match Number::parse(text).and_then(|number| number.safe_integer()) {
        Some(integer) => integer.to_string(),
        None => text.to_owned(),
    }
}

fn check_one(name: &str, value: Option<&str>, sent: Option<Cow<'_, str>>) -> Result<(), Mismatch> {
    let problem = match (Argument::read(value), sent) {
        (Argument::None | Argument::Compound, None) => return Ok(()),
        (Argument::None | Argument::Compound, Some(_)) => Problem::Unexpected,
        (Argument::NoText, _) => Problem::Unclear,
        (Argument::Text(said), Some(text)) if said == text => return Ok(()),
        (Argument::Text(said), Some(text)) => return Err(Mismatch::different(name, &text, &said)),
        (Argument::Text(_), None) => Problem::Missing,
        (Argument::Number(said), Some(text)) if is_same_number(said, &text) => return Ok(()),
        (Argument::Number(said), Some(text)) => return Err(Mismatch::different(name, &text, said)),
        (Argument::Number(said), None) if is_unsafe_integer(said) => return Ok(()),
        (Argument::Number(_), None) => Problem::Missing,
    };
    Err(Mismatch::new(name, problem))
}

/// Whether a header repeats a number: in the same spelling, or in digits that mean the same.
fn is_same_number(said: &str, text: &str) -> bool {
    let are_digits = !text.contains(['e', 'E']);
    said == text || (are_digits && Number::parse(text).is_some_and(|number| Number::parse(said) == Some(number)))
}

fn is_unsafe_integer(text: &str) -> bool {
    Number::parse(text).is_none_or(|number| number.is_integer() && number.safe_integer().is_none())
}
