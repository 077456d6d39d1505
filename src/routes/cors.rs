//! What browsers need to hear before a page of an allowed origin may call and read the answers (Fetch Standard, "HTTP
//! extensions"). Requests without `Origin` are none of a page's, and their answers carry nothing of this.

use std::borrow::Cow;

use crate::codec::http::{Head, Method};

/// What a page may send.
const METHODS: (&str, &str) = ("Access-Control-Allow-Methods", "GET, POST, DELETE");
/// With these headers: those of MCP, of every revision, and tokens.
const ALLOWED: &str =
    "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, Mcp-Name";
/// And those for which a tool chooses how the name goes on (2026-07-28, custom headers from tool parameters).
const PARAMETER: &str = "mcp-param-";
/// How long a browser need not ask again, in seconds: two hours are the longest that any of them believes.
const MAX_AGE: (&str, &str) = ("Access-Control-Max-Age", "7200");
/// What a page may read of an answer beside its body.
const EXPOSED: (&str, &str) =
    ("Access-Control-Expose-Headers", "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate");

/// Answers a preflight; the origin comes with every answer.
pub(super) fn with_preflight<T>(head: &Head<'_, '_>, answer: impl FnOnce(&[(&str, &str)]) -> T) -> T {
    let asked = head.list("access-control-request-headers").filter_map(|name| std::str::from_utf8(name).ok());
    let is_parameter = |name: &&str| name.to_ascii_lowercase().starts_with(PARAMETER);
    let allowed: Vec<&str> = std::iter::once(ALLOWED).chain(asked.filter(is_parameter)).collect();
    answer(&[METHODS, ("Access-Control-Allow-Headers", &allowed.join(", ")), MAX_AGE])
}

/// Whether a browser asks if a page may send a request. It shows no token: those are only sent with the request itself.
pub(super) fn is_preflight(head: &Head<'_, '_>) -> bool {
    let is_asking = |name| head.all(name).next().is_some();
    head.method == Method::Options && is_asking("origin") && is_asking("access-control-request-method")
}

/// The headers of an answer to a request of this origin, which is allowed. An answer differs by origin, so caches must
/// not give one page's to another.
pub(crate) fn with_origin<'a>(
    headers: &'a [(&'a str, &'a str)],
    origin: Option<&'a str>,
) -> Cow<'a, [(&'a str, &'a str)]> {
    let Some(origin) = origin else { return Cow::Borrowed(headers) };
    let ours = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), EXPOSED];
    Cow::Owned([headers, &ours].concat())
}
