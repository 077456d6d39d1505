//! Results of legacy upstreams, as modern downstreams expect them (MCP 2026-07-28, basic, Responses; Caching; bridge,
//! section 3).
//!
//! They say that they are complete, that they must not be kept, where that is asked for, and who the server is. What is
//! added comes to the front of the result. A large one is searched for what it may have already, and not read.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::codec::jsonrpc::envelope::{Message, Outcome, read_message};
use crate::codec::jsonrpc::members::{NotAnObject, members};
use crate::codec::jsonrpc::quick;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::search::hides_ascii;
use crate::codec::jsonrpc::splice::range_in;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What a result gets beside being complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Additions<'a> {
    /// Whether it needs to say how long and for whom it may be kept: see [`is_cacheable`].
    pub is_cacheable: bool,
    /// The server's name and version, as JSON text.
    pub server_info: Option<&'a str>,
}

/// Whether the results of a method say how long they may be kept (Caching, Cacheable Results).
pub fn is_cacheable(method: &str) -> bool {
    matches!(
        method,
        "server/discover"
            | "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
    )
}

/// What changes in a reply whose id stands at `id`. `None`: it has no result that is an object.
pub fn for_modern(line: &[u8], id: &Range<usize>, additions: &Additions<'_>) -> Option<Rewrite> {
    let mut rewrite = Rewrite::default();
    if let Some(opening) = plain_opening(line, id, additions) {
        let present = Present { is_empty: is_empty(line.get(opening + 1..)?), ..Present::default() };
        rewrite.replace(opening..opening + 1, format!("{{{}", present.added(additions)));
        return Some(rewrite);
    }
    let Ok(Message::Response { outcome: Outcome::Result(result), .. }) = read_message(line) else { return None };
    let present = Present::read(result).ok()?;
    let added = present.added(additions);
    if !added.is_empty() {
        rewrite.replace(opening(line, result)?, format!("{{{added}"));
    }
    if let Some(value) = present.other_type {
        rewrite.replace(range_in(line, value)?, "\"complete\"");
    }
    if let (Some(meta), Some(info)) = (present.meta, additions.server_info) {
        let info = server_info(info);
        match meta.strip_prefix('{') {
            None => rewrite.replace(range_in(line, meta)?, format!("{{{info}}}")),
            Some(_) if has_server_info(meta).ok()? => {}
            Some(rest) if is_empty(rest.as_bytes()) => rewrite.replace(opening(line, meta)?, format!("{{{info}")),
            Some(_) => rewrite.replace(opening(line, meta)?, format!("{{{info},")),
        }
    }
    Some(rewrite)
}

/// Where the result opens, if none of its members can be one of those that are added.
fn plain_opening(line: &[u8], id: &Range<usize>, additions: &Additions<'_>) -> Option<usize> {
    static ALWAYS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["\"resultType\"", "\"_meta\""].map(Finder::new));
    static CACHEABLE: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| ["\"ttlMs\"", "\"cacheScope\""].map(Finder::new));
    let opening = quick::result_start(line, id).filter(|start| line.get(*start) == Some(&b'{'))?;
    let has_one = |keys: &[Finder<'_>]| keys.iter().any(|key| key.find(line).is_some());
    let is_careful = has_one(&*ALWAYS) || hides_ascii(line) || (additions.is_cacheable && has_one(&*CACHEABLE));
    (!is_careful).then_some(opening)
}

/// The brace that opens an object, which is a part of the line.
fn opening(line: &[u8], object: &str) -> Option<Range<usize>> {
    range_in(line, object).map(|range| range.start..range.start + 1)
}

/// What a result has already.
#[derive(Debug, Default)]
struct Present<'a> {
    is_empty: bool,
    has_type: bool,
    /// The value of `resultType`, if it is another one. A legacy upstream does not mean by it what a modern downstream
    /// would understand.
    other_type: Option<&'a str>,
    has_ttl: bool,
    has_scope: bool,
    meta: Option<&'a str>,
}

impl<'a> Present<'a> {
    fn read(result: &'a str) -> Result<Present<'a>, NotAnObject> {
        let mut present = Present { is_empty: true, ..Present::default() };
        for member in members(result) {
            let member = member?;
            present.is_empty = false;
            match &*member.key {
                "resultType" => {
                    present.has_type = true;
                    present.other_type = Some(member.value).filter(|value| *value != "\"complete\"");
                }
                "ttlMs" => present.has_ttl = true,
                "cacheScope" => present.has_scope = true,
                "_meta" => present.meta = Some(member.value),
                _ => {}
            }
        }
        Ok(present)
    }

    /// What is added behind the brace that opens the result.
    fn added(&self, additions: &Additions<'_>) -> String {
        let mut added: Vec<String> = Vec::new();
        if !self.has_type {
            added.push("\"resultType\":\"complete\"".to_owned());
        }
        if additions.is_cacheable && !self.has_ttl {
            added.push("\"ttlMs\":0".to_owned());
        }
        if additions.is_cacheable && !self.has_scope {
            added.push("\"cacheScope\":\"private\"".to_owned());
        }
        if let (Some(info), None) = (additions.server_info, self.meta) {
            added.push(format!("\"_meta\":{{{}}}", server_info(info)));
        }
        let comma = if added.is_empty() || self.is_empty { "" } else { "," };
        added.join(",") + comma
    }
}

/// As a member. Its text comes from elsewhere and may have line ends, which no message may have; in JSON they are white
/// space.
fn server_info(info: &str) -> String {
    format!("\"{SERVER_INFO}\":{info}").replace(['\n', '\r'], " ")
}

fn has_server_info(meta: &str) -> Result<bool, NotAnObject> {
    members(meta).try_fold(false, |found, member| Ok(found || member?.key == SERVER_INFO))
}

/// Whether an object ends before it has a member; `rest` is what comes behind its opening brace.
fn is_empty(rest: &[u8]) -> bool {
    rest.trim_ascii_start().starts_with(b"}")
}
