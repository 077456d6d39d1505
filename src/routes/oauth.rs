//! The endpoints of the authorization server: what is asked, by whom, and which of its flows answers.
//!
//! All are found with and without the path of `baseURL`, and never redirect: SDKs look in several places. A page of any
//! origin may use them, but for the login: they know no cookies.

use std::net::IpAddr;
use std::time::Instant;

use super::errors::Denial;
use super::post::Post;
use super::unique;
use crate::base::id::ConnId;
use crate::base::text::shorten;
use crate::base::url::{self, Authority};
use crate::codec::http::{BodyLength, Head, Method};
use crate::codec::jsonrpc::TRANSPORT_ERROR;
use crate::limits::OAUTH_BODY_BYTES_MAX;
use crate::oauth::answer::{Answer, CORS, Code, Fault, PREFLIGHT};
use crate::oauth::client_ip::Caller;
use crate::oauth::{Browser, Posted, Visit, metadata};
use crate::proxy::Proxy;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OAuthEndpoint {
    /// RFC 8414.
    ServerMetadata,
    /// RFC 9728.
    ResourceMetadata,
    Register,
    Authorize,
    Token,
    Revoke,
}

impl OAuthEndpoint {
    /// Those for a path below that of `baseURL`. Those without `oauth` are what the revision 2025-03-26 makes clients
    /// fall back to.
    const PATHS: [(&'static str, OAuthEndpoint); 7] = [
        ("/oauth/register", OAuthEndpoint::Register),
        ("/oauth/authorize", OAuthEndpoint::Authorize),
        ("/oauth/token", OAuthEndpoint::Token),
        ("/oauth/revoke", OAuthEndpoint::Revoke),
        ("/register", OAuthEndpoint::Register),
        ("/authorize", OAuthEndpoint::Authorize),
        ("/token", OAuthEndpoint::Token),
    ];

    /// What a path leads to, and, for metadata, what they are asked about.
    fn at<'p>(path: &'p str, base: &str) -> Option<(OAuthEndpoint, &'p str)> {
        let below = path.strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        for path in [below, path] {
            if let Some((_, endpoint)) = OAuthEndpoint::PATHS.iter().find(|(known, _)| *known == path) {
                return Some((*endpoint, ""));
            }
            let documents = [
                (metadata::AUTHORIZATION_SERVER, OAuthEndpoint::ServerMetadata),
                (metadata::PROTECTED_RESOURCE, OAuthEndpoint::ResourceMetadata),
            ];
            for (known, endpoint) in documents {
                let Some(about) = path.strip_prefix(known).filter(|rest| rest.is_empty() || rest.starts_with('/'))
                else {
                    continue;
                };
                let about = about.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/'));
                return Some((endpoint, about.unwrap_or(&path[known.len()..])));
            }
        }
        None
    }

    fn allowed(self) -> &'static str {
        match self {
            OAuthEndpoint::ServerMetadata | OAuthEndpoint::ResourceMetadata => "GET, HEAD, OPTIONS",
            OAuthEndpoint::Register | OAuthEndpoint::Token | OAuthEndpoint::Revoke => "POST, OPTIONS",
            OAuthEndpoint::Authorize => "GET, HEAD, POST, OPTIONS",
        }
    }
}

/// The paths, for the documentation.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    [metadata::AUTHORIZATION_SERVER, metadata::PROTECTED_RESOURCE]
        .into_iter()
        .chain(OAuthEndpoint::PATHS.iter().map(|(path, _)| *path).filter(|path| path.starts_with("/oauth/")))
}

/// The head of a POST, as far as its flow needs it.
#[derive(Debug)]
pub(crate) struct OAuthPost {
    endpoint: OAuthEndpoint,
    issuer: String,
    ip: IpAddr,
    authorization: Option<String>,
    content_type: Option<String>,
    cookie: Option<String>,
    origin: Option<String>,
    fetch_site: Option<String>,
}

impl Proxy {
    /// Answers a request for the authorization server. `None`: it is for something else.
    pub(super) fn on_oauth_head(
        &mut self,
        conn: ConnId,
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Option<Result<(), Denial>> {
        self.authorization.as_ref()?;
        let (endpoint, about) = OAuthEndpoint::at(head.target.path, self.config.base_url.path())?;
        Some(self.route_oauth(conn, endpoint, about, head, now))
    }

    fn route_oauth(
        &mut self,
        conn: ConnId,
        endpoint: OAuthEndpoint,
        about: &str,
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        self.check_oauth_host(head)?;
        match (endpoint, head.method) {
            (OAuthEndpoint::Authorize, Method::Options) => {
                self.respond(conn, 204, &[("Allow", endpoint.allowed())], &[], now);
                Ok(())
            }
            (_, Method::Options) => {
                self.respond(conn, 204, &[&CORS[..], &PREFLIGHT[..]].concat(), &[], now);
                Ok(())
            }
            (OAuthEndpoint::ServerMetadata, Method::Get | Method::Head) => {
                let issuer = self.issuer(conn, head)?;
                let about = about.trim_end_matches('/');
                let is_known = about.strip_prefix('/').is_none_or(|path| self.is_server_path(path));
                let answer = if is_known { metadata::authorization_server(&issuer) } else { metadata::unknown() };
                self.answer_oauth(conn, &answer, now);
                Ok(())
            }
            (OAuthEndpoint::ResourceMetadata, Method::Get | Method::Head) => {
                let issuer = self.issuer(conn, head)?;
                let answer = self.with_servers(|servers| metadata::protected_resource(&issuer, servers, about));
                self.answer_oauth(conn, &answer, now);
                Ok(())
            }
            (OAuthEndpoint::Authorize, Method::Get | Method::Head) => self.on_authorize(conn, head, now),
            (
                OAuthEndpoint::Register | OAuthEndpoint::Authorize | OAuthEndpoint::Token | OAuthEndpoint::Revoke,
                Method::Post,
            ) => self.on_oauth_post(conn, endpoint, head, now),
            (_, _) => {
                let headers = vec![("Allow", endpoint.allowed().to_owned())];
                Err(Denial { headers, ..Denial::plain(405, "this endpoint does not take that method") })
            }
        }
    }

    fn on_authorize(&mut self, conn: ConnId, head: &Head<'_, '_>, now: Instant) -> Result<(), Denial> {
        let (issuer, ip) = (self.issuer(conn, head)?, self.caller(conn, head).1);
        let visit = Visit { issuer: &issuer, ip, now: self.now(now) };
        let Some(authorization) = &mut self.authorization else { return Ok(()) };
        let ticket = authorization.server.handle_authorize(visit, head.target.query.unwrap_or_default());
        self.await_answer(conn, ticket);
        Ok(())
    }

    fn on_oauth_post(
        &mut self,
        conn: ConnId,
        endpoint: OAuthEndpoint,
        head: &Head<'_, '_>,
        now: Instant,
    ) -> Result<(), Denial> {
        let (is_allowed, ip) = self.caller(conn, head);
        if endpoint == OAuthEndpoint::Register && !is_allowed {
            let fault = Fault::new(Code::AccessDenied, "this address is not among oauth2.allowedIPs");
            self.log(crate::proxy::Level::Warn, None, format!("OAuth: {ip} may not register clients (allowedIPs)"));
            self.answer_oauth(conn, &Answer::from(fault), now);
            return Ok(());
        }
        let text = |name| Ok::<_, Denial>(unique(head, name)?.map(str::to_owned));
        let post = OAuthPost {
            endpoint,
            issuer: self.issuer(conn, head)?,
            ip,
            authorization: text("authorization")?,
            content_type: text("content-type")?,
            cookie: cookies(head),
            origin: text("origin")?,
            fetch_site: text("sec-fetch-site")?,
        };
        match head.body {
            BodyLength::None => self.on_oauth_body(conn, &post, b"", now),
            BodyLength::Length(length) if length > OAUTH_BODY_BYTES_MAX as u64 => return Err(too_large()),
            BodyLength::Length(_) | BodyLength::Chunked => {
                self.receive(conn, Post::OAuth(Box::new(post)), head.expects_continue, now);
            }
        }
        Ok(())
    }

    /// A body is complete.
    pub(super) fn on_oauth_body(&mut self, conn: ConnId, post: &OAuthPost, body: &[u8], now: Instant) {
        let visit = Visit { issuer: &post.issuer, ip: post.ip, now: self.now(now) };
        let Some(authorization) = &mut self.authorization else { return };
        let posted = || Posted {
            authorization: post.authorization.as_deref(),
            content_type: post.content_type.as_deref(),
            body,
        };
        let server = &mut authorization.server;
        let ticket = match post.endpoint {
            OAuthEndpoint::Register => server.handle_register(visit, body),
            OAuthEndpoint::Token => server.handle_token(visit, posted()),
            OAuthEndpoint::Revoke => server.handle_revoke(visit, posted()),
            OAuthEndpoint::Authorize | OAuthEndpoint::ServerMetadata | OAuthEndpoint::ResourceMetadata => {
                let browser = Browser {
                    cookie: post.cookie.as_deref(),
                    origin: post.origin.as_deref(),
                    fetch_site: post.fetch_site.as_deref(),
                };
                server.handle_login(visit, browser, body)
            }
        };
        self.await_answer(conn, ticket);
        if post.endpoint == OAuthEndpoint::Revoke {
            self.end_logged_out(now);
        }
    }

    /// The canonical base URL: the one name by which clients know the authorization server. Where `baseURL` does not
    /// say it, it is what the request says, if that cannot be an attacker's.
    pub(super) fn issuer(&self, conn: ConnId, head: &Head<'_, '_>) -> Result<String, Denial> {
        if self.config.is_base_url_given {
            return Ok(self.config.base_url.to_string());
        }
        let peer = self.conns.get(conn).map(|conn| conn.peer);
        let forwarding = self.config.oauth.as_ref().map(|oauth| &oauth.forwarding);
        let is_trusted = peer.zip(forwarding).is_some_and(|(peer, forwarding)| forwarding.trusts(peer));
        let forwarded = |name| if is_trusted { unique(head, name) } else { Ok(None) };
        let host = forwarded("x-forwarded-host")?.unwrap_or(head.host());
        let scheme = if forwarded("x-forwarded-proto")? == Some("https") { "https" } else { "http" };
        let authority = Authority::parse(host).ok().filter(|authority| self.may_be_issuer(authority.host()));
        match authority {
            Some(authority) => Ok(format!("{scheme}://{authority}")),
            None => {
                let reason = format!(
                    "the host {:?} is not known: the operator has to set mcpProxy.baseURL, or oauth2.allowedHosts",
                    shorten(host)
                );
                Err(Denial::message(403, TRANSPORT_ERROR, &reason))
            }
        }
    }

    fn may_be_issuer(&self, host: &str) -> bool {
        let is_listed = self.config.allowed_hosts.iter().any(|allowed| allowed == host);
        url::is_loopback_name(host) || is_listed || self.is_oauth_host(host)
    }

    /// Whether `oauth2.allowedHosts` has it: then the authorization server, and nothing else, may be called so.
    fn is_oauth_host(&self, host: &str) -> bool {
        self.config.oauth.iter().flat_map(|oauth| &oauth.allowed_hosts).any(|allowed| allowed == host)
    }

    fn check_oauth_host(&mut self, head: &Head<'_, '_>) -> Result<(), Denial> {
        match Authority::parse(head.host()) {
            Ok(authority) if self.is_oauth_host(authority.host()) => Ok(()),
            Ok(_) | Err(_) => self.check_host(head),
        }
    }

    /// Whether the client may register, and its address. Where that cannot be known, it counts as the peer's.
    fn caller(&self, conn: ConnId, head: &Head<'_, '_>) -> (bool, IpAddr) {
        let peer = self.conns.get(conn).map_or(IpAddr::from([0, 0, 0, 0]), |conn| conn.peer);
        let Some(oauth) = &self.config.oauth else { return (false, peer) };
        let caller = Caller::new(peer, |name| head.all(name), &oauth.forwarding);
        (caller.is_allowed(&oauth.allowed_ips), caller.address().unwrap_or(peer))
    }

    fn with_servers<T>(&self, work: impl FnOnce(&[String]) -> T) -> T {
        work(self.authorization.as_ref().map_or(&[], |authorization| &authorization.server.settings().servers))
    }

    fn is_server_path(&self, path: &str) -> bool {
        self.with_servers(|servers| crate::oauth::resource::server_at(servers, path).is_some())
    }
}

/// All `Cookie` lines as one (RFC 6265, 5.4, allows a single one; RFC 9113 splits it).
fn cookies(head: &Head<'_, '_>) -> Option<String> {
    let lines: Vec<&str> = head.all("cookie").filter_map(|line| std::str::from_utf8(line).ok()).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// 413 (RFC 9110, 15.5.14).
pub(crate) fn too_large() -> Denial {
    let reason = format!("the body has more than {OAUTH_BODY_BYTES_MAX} bytes");
    Denial {
        headers: CORS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        ..Denial::plain(413, &reason)
    }
}
