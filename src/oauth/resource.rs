//! Resources (RFC 8707): the URLs of servers, as clients name them, and the names of servers, which is what is kept.

use super::store::record::Audience;
use crate::base::url::Url;

/// The endpoints of a server. What stands before them names the server too.
const ENDPOINTS: [&str; 2] = ["mcp", "sse"];

/// What a resource means: `B` is every server, `B/N`, `B/N/mcp` and `B/N/sse` are server `N`. `None` if it is none of
/// ours.
pub fn audience(issuer: &str, servers: &[String], resource: &str) -> Option<Audience> {
    let (base, resource) = (Url::parse_base(issuer).ok()?, Url::parse_base(resource).ok()?);
    if resource.origin() != base.origin() {
        return None;
    }
    let rest = resource.path().strip_prefix(base.path())?;
    if rest.is_empty() {
        return Some(Audience::Every);
    }
    server_at(servers, rest.strip_prefix('/')?).map(|(name, _)| Audience::from(name.to_owned()))
}

/// The server that a path behind the base leads to, and what stands there of its endpoint (`/mcp`, or nothing).
pub fn server_at<'s, 'p>(servers: &'s [String], path: &'p str) -> Option<(&'s str, &'p str)> {
    let find = |name: &str| servers.iter().find(|server| *server == name).map(String::as_str);
    if let Some(name) = find(path) {
        return Some((name, ""));
    }
    let (start, end) = path.rsplit_once('/')?;
    let endpoint = &path[start.len()..];
    ENDPOINTS.contains(&end).then(|| find(start)).flatten().map(|name| (name, endpoint))
}
