//! The status page: which servers there are, how they are, and how clients are told about them. No token is asked for,
//! and nothing secret is told.
//!
//! ```text
//! GET /  Accept: text/html  ──▶  templates/status.html, with the data in it
//!        Accept: application/json  ──▶  the data alone: the page asks for it again and again
//! ```
//!
//! Everything is computed for each request, from what is there at the moment.

mod page;
mod view;

use std::time::Instant;

use super::access::has_loopback_host;
use super::errors::{Denial, JSON, plain};
use super::probes::NO_STORE;
use crate::base::id::ConnId;
use crate::codec::http::{Head, Method, Version};
use crate::config::StatusPage;
use crate::mcp::session::format_token;
use crate::proxy::Proxy;

/// Where it is, at the root as well as below the path of `baseURL`.
pub(super) const PATH: &str = "/";

/// What is allowed there, for `Allow` (RFC 9110, 10.2.1).
const ALLOWED: &str = "GET, HEAD, OPTIONS";

/// What whoever stands between a client and us adds to requests (RFC 7239, 4; RFC 9110, 7.6.3; and what was usual
/// before).
const FORWARDED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Neither form is for caches, for pages of other origins, or to be taken for something else.
const GUARDS: [(&str, &str); 5] = [
    NO_STORE,
    ("Vary", "Accept"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

impl Proxy {
    /// Whether the status page is what this request asks for, and there is one for whoever sends it. Where there is
    /// none, its path is like any unknown one.
    pub(super) fn is_status_page(&self, head: &Head<'_, '_>) -> bool {
        self.is_status_path(head.target.path)
            && self.config.has_status_page(self.listener)
            && (self.config.status_page == StatusPage::Everywhere || is_from_here(head))
            && !is_for_stream(head)
    }

    fn is_status_path(&self, path: &str) -> bool {
        let below_base = path.strip_prefix(self.config.base_url.path());
        path == PATH || below_base.is_some_and(|rest| rest.is_empty() || rest == PATH)
    }

    pub(super) fn on_status_page(&mut self, conn: ConnId, head: &Head<'_, '_>, now: Instant) -> Result<(), Denial> {
        self.on_origin(conn, None); // no other page needs to read it, whoever may call
        match head.method {
            Method::Get | Method::Head => {}
            Method::Options => {
                self.respond(conn, 204, &[("Allow", ALLOWED)], &[], now);
                return Ok(());
            }
            Method::Post | Method::Delete | Method::Put | Method::Patch | Method::Trace => {
                return Err(self.no_endpoint_here(head.target.path));
            }
        }
        let status = self.status(now);
        if wants_json(head) {
            let data = serde_json::to_string(&status).unwrap_or_default(); // strings and numbers always can be written
            let headers = [&[JSON, ("Content-Security-Policy", "default-src 'none'")], &GUARDS[..]].concat();
            self.respond(conn, 200, &headers, &[data.as_bytes()], now);
            return Ok(());
        }
        let nonce = format_token(&self.fresh_token());
        let (html, policy) = (page::html(&status, &nonce), page::policy(&nonce));
        let own = [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", &policy)];
        self.respond(conn, 200, &[&own, &GUARDS[..]].concat(), &[html.as_bytes()], now);
        Ok(())
    }

    /// A client that was given the URL of the proxy for that of a server: it is told which there are.
    fn no_endpoint_here(&self, path: &str) -> Denial {
        let body = match self.find_endpoint(path) {
            Err(unknown) => unknown.body,
            Ok(_) => plain("the status page is asked for with GET or HEAD"),
        };
        Denial { status: 405, headers: vec![("Allow", ALLOWED.to_owned())], body }
    }
}

/// Whether a request that came to a loopback listener seems to be made on this machine, and not passed on to it. HTTP
/// 1.0 is what some reverse proxies speak that say nothing of themselves, and no browser; a name that `allowedHosts`
/// lists is one by which others come.
fn is_from_here(head: &Head<'_, '_>) -> bool {
    let is_passed_on = FORWARDED.iter().any(|name| head.all(name).next().is_some());
    head.version == Version::Http11 && !is_passed_on && has_loopback_host(head)
}

/// Browsers ask for HTML, and who says nothing gets it.
fn wants_json(head: &Head<'_, '_>) -> bool {
    accepts(head, "application/json") && !accepts(head, "text/html")
}

/// Whether a client of MCP wants to listen: it has the wrong URL, and must be told so.
fn is_for_stream(head: &Head<'_, '_>) -> bool {
    head.method == Method::Get && accepts(head, "text/event-stream") && !accepts(head, "text/html")
}

/// Whether a media type is asked for by name.
fn accepts(head: &Head<'_, '_>, media_type: &str) -> bool {
    head.list("accept").any(|element| {
        let element = std::str::from_utf8(element).unwrap_or_default();
        element.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    })
}
