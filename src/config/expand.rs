//! Environment variables in the configuration: `$NAME`, `${NAME}`, `${NAME:-default}`.
//!
//! What is a variable is decided as Go's `os.Expand` does, which the reference uses. Three things differ. Only strings
//! are filled in, after the file was read as JSON: no value can break it. What Go replaces by nothing (a variable that
//! is not set, one that only shells have such as `$$` and `$1`, and `${}`) is reported, since nothing is hardly what
//! was meant. And `:-` gives a default for a variable that is not set or empty, as in shells; it ends at the first `}`.
//!
//! A `$` before anything but a name, a brace or one of `*#$@!?-` and digits stays, also at the end. Elsewhere a dollar
//! sign is written `${DOLLAR:-$}`.

use super::node::{At, Field};
use super::raw::Raw;
use super::report::{Place, Report, shown};
use super::{Variables, names};

/// Names of one character that only shells fill in.
const SHELL_NAMES: &[u8] = b"*#$@!?-0123456789";

/// What cannot be filled in. Displays as a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The environment has no such variable.
    Unset(String),
    /// `$1`, `$$` and the like.
    Shell(char),
    /// `${}`
    Nameless,
    /// `${` without `}`.
    Unclosed,
}

/// The text with its variables filled in, or all that is wrong with it.
pub fn expand(text: &str, variables: &Variables<'_>) -> Result<String, Vec<Fault>> {
    let mut expanded = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (reference, length) = reference(after);
        match value(reference, variables) {
            Ok(value) => expanded.push_str(&value),
            Err(fault) => faults.push(fault),
        }
        rest = &after[length..];
    }
    expanded.push_str(rest);
    if faults.is_empty() { Ok(expanded) } else { Err(faults) }
}

/// What follows a dollar sign.
#[derive(Debug, Clone, Copy)]
enum Reference<'a> {
    /// Nothing that could be a variable: the sign stands for itself.
    None,
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
    Shell(u8),
    Nameless,
    Unclosed,
}

/// With its length behind the dollar sign.
fn reference(after: &str) -> (Reference<'_>, usize) {
    let bytes = after.as_bytes();
    match bytes.first() {
        Some(b'{') => match after.find('}') {
            Some(end) => (braced(&after[1..end]), end + 1),
            None => (Reference::Unclosed, 1),
        },
        Some(byte) if SHELL_NAMES.contains(byte) => (Reference::Shell(*byte), 1),
        Some(_) | None => {
            let length = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            let name = &after[..length];
            (if name.is_empty() { Reference::None } else { Reference::Variable { name, default: None } }, length)
        }
    }
}

fn braced(inside: &str) -> Reference<'_> {
    let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
    match (name.as_bytes(), default) {
        ([], _) => Reference::Nameless,
        ([byte], None) if SHELL_NAMES.contains(byte) => Reference::Shell(*byte),
        _ => Reference::Variable { name, default },
    }
}

fn value(reference: Reference<'_>, variables: &Variables<'_>) -> Result<String, Fault> {
    match reference {
        Reference::None => Ok("$".to_owned()),
        Reference::Variable { name, default: None } => variables(name).ok_or_else(|| Fault::Unset(name.to_owned())),
        Reference::Variable { name, default: Some(default) } => {
            Ok(variables(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned()))
        }
        Reference::Shell(byte) => Err(Fault::Shell(char::from(byte))),
        Reference::Nameless => Err(Fault::Nameless),
        Reference::Unclosed => Err(Fault::Unclosed),
    }
}

/// Fills in what servers that are not disabled, and the proxy, need: values, and the names of servers, which may be
/// paths with a token in them. No other keys.
pub(super) fn everywhere(raw: &mut Raw, variables: &Variables<'_>, report: &mut Report) {
    let mut fill_in = |text: &mut String, place: &Place| match expand(text, variables) {
        Ok(expanded) => *text = expanded,
        Err(faults) => {
            faults.iter().for_each(|fault| report_fault(fault, place, report));
            report.settle(place);
        }
    };
    raw.for_each_text(&mut fill_in);
    for server in raw.servers.given_mut().into_iter().flatten().filter(|server| !server.is_disabled()) {
        let typed = server.name.value.clone();
        fill_in(&mut server.name.value, &server.name.place);
        server.label = names::label(&typed, typed != server.name.value);
    }
}

/// Fills in one value only.
pub(super) fn field(field: &Field<String>, variables: Option<&Variables<'_>>, report: &mut Report) -> Option<String> {
    let At { value, place } = field.given()?;
    match variables.map_or_else(|| Ok(value.clone()), |variables| expand(value, variables)) {
        Ok(expanded) => Some(expanded),
        Err(faults) => {
            faults.iter().for_each(|fault| report_fault(fault, place, report));
            None
        }
    }
}

fn report_fault(fault: &Fault, place: &Place, report: &mut Report) {
    const DOLLAR: &str = "Write ${DOLLAR:-$} where a dollar sign is meant; -expand-env=false leaves all of them alone.";
    match fault {
        Fault::Unset(name) => {
            let name = shown(name);
            let advice = format!("Set it where mcp-proxy is started, or write ${{{name}:-default}}.\n{DOLLAR}");
            report.error(place, format!("the environment variable {name} is not set"), advice);
        }
        Fault::Shell(name) => report.error(place, format!("${name} is a variable that only shells have"), DOLLAR),
        Fault::Nameless => report.error(place, "${} names no variable", DOLLAR),
        Fault::Unclosed => report.error(place, "a variable begins with ${ and has no }", DOLLAR),
    }
}
