//! Who may call: `Origin` and `Host` (against DNS rebinding), and tokens.

use subtle::ConstantTimeEq;

use super::endpoints::Endpoint;
use super::errors::Denial;
use super::unique;
use crate::base::id::{ConnId, ServerId};
use crate::base::text::shorten;
use crate::base::url::{self, Authority, Origin};
use crate::codec::http::Head;
use crate::codec::jsonrpc::TRANSPORT_ERROR;
use crate::mcp::session::Opener;
use crate::oauth::access::Denied;
use crate::oauth::metadata;
use crate::proxy::Proxy;

impl Proxy {
    /// A browser says which page sends the request. One that is neither of this machine nor of ours nor listed in
    /// `allowedOrigins` may be an attacker's (2025-11-25, transports, security warning). Returns the origin as the
    /// browser spells it, if there is one.
    pub(super) fn check_origin<'a>(&self, head: &Head<'_, 'a>) -> Result<Option<&'a str>, Denial> {
        let Some(text) = unique(head, "origin")? else { return Ok(None) };
        let allowed = &self.config.allowed_origins;
        if allowed.iter().any(|allowed| allowed == "*") {
            return Ok(Some(text));
        }
        let is_allowed = Origin::parse(text).is_ok_and(|origin| {
            origin.is_loopback()
                || origin == self.config.base_url.origin()
                || allowed.iter().any(|allowed| Origin::parse(allowed).is_ok_and(|allowed| allowed == origin))
        });
        if is_allowed {
            return Ok(Some(text));
        }
        let reason = format!("the origin {:?} is not allowed; mcpProxy.allowedOrigins can list it", shorten(text));
        Err(Denial::message(403, TRANSPORT_ERROR, &reason))
    }

    /// A page of an attacker whose name resolves to a loopback address still sends that name as `Host`. Listeners that
    /// are reached from elsewhere have names that we cannot know, unless `allowedHosts` lists them.
    pub(super) fn check_host(&mut self, head: &Head<'_, '_>) -> Result<(), Denial> {
        if !self.listener.is_loopback() && self.config.allowed_hosts.is_empty() {
            return Ok(());
        }
        let text = head.host();
        if text.is_empty() || text == self.allowed_host {
            return Ok(()); // without Host it is HTTP/1.0, which no browser speaks
        }
        let is_allowed = Authority::parse(text).is_ok_and(|authority| {
            let name = authority.host();
            url::is_loopback_name(name)
                || name == self.config.base_url.host()
                || self.config.allowed_hosts.iter().any(|allowed| allowed == name)
        });
        if is_allowed {
            text.clone_into(&mut self.allowed_host);
            return Ok(());
        }
        let reason = format!("the host {:?} is not allowed; mcpProxy.allowedHosts can list it", shorten(text));
        Err(Denial::message(403, TRANSPORT_ERROR, &reason))
    }

    /// `Authorization: Bearer …` (RFC 6750, 2.1), or the token alone: one of the server's own tokens, or one of the
    /// authorization server's. Either suffices. Returns who that is.
    pub(super) fn check_token(
        &self,
        conn: ConnId,
        (id, endpoint): (ServerId, Endpoint),
        head: &Head<'_, '_>,
    ) -> Result<Opener, Denial> {
        let Some(server) = self.servers.get(id) else { return Ok(Opener::Anybody) };
        let tokens = &server.config.auth_tokens;
        if tokens.is_empty() && !server.config.is_behind_login {
            return Ok(Opener::Anybody);
        }
        let presented = unique(head, "authorization")?.map(token).filter(|token| !token.is_empty());
        if let Some(presented) = presented.filter(|presented| is_one_of(tokens, presented)) {
            return Ok(Opener::of_token(presented));
        }
        let authorization = self.authorization.as_ref().filter(|_| server.config.is_behind_login);
        let Some(authorization) = authorization else {
            return Err(match presented {
                None => Denial::unauthorized(
                    "Bearer",
                    "this server needs a token: send the header Authorization: Bearer <token>",
                ),
                Some(_) => Denial::unauthorized(
                    "Bearer error=\"invalid_token\"",
                    "this token is not one of the server's authTokens",
                ),
            });
        };
        let now = self.date.unix_seconds();
        let checked = presented.map(|token| authorization.server.check_access(token, &server.config.name, now));
        match checked {
            Some(Ok(caller)) => Ok(Opener::of_login(caller.username, caller.client_id)),
            Some(Err(denied)) => Err(self.challenge(conn, (id, endpoint), head, Some(denied))?),
            None => Err(self.challenge(conn, (id, endpoint), head, None)?),
        }
    }

    /// 401 with the place where a client finds out how to log in. To clients of HTTP+SSE the resource is the URL of the
    /// stream, whichever of its endpoints refuses them.
    fn challenge(
        &self,
        conn: ConnId,
        (server, endpoint): (ServerId, Endpoint),
        head: &Head<'_, '_>,
        denied: Option<Denied>,
    ) -> Result<Denial, Denial> {
        let issuer = self.issuer(conn, head)?;
        let entrance = match endpoint {
            Endpoint::Streamable => Endpoint::Streamable,
            Endpoint::Sse | Endpoint::Message => Endpoint::Sse,
        };
        let path = self.path_of(server, entrance);
        let path = path.strip_prefix(self.config.base_url.path()).unwrap_or(&path);
        let reason =
            denied.map_or("this server needs a login: the client finds out where by itself", Denied::description);
        Ok(Denial::unauthorized(&metadata::challenge(&issuer, path, denied), reason))
    }
}

/// All are compared, each in constant time, so that the time taken tells nothing.
fn is_one_of(tokens: &[String], presented: &str) -> bool {
    let compare = |known, token: &String| known | token.as_bytes().ct_eq(presented.as_bytes());
    tokens.iter().fold(subtle::Choice::from(0), compare).into()
}

/// Whether a request is for a name by which only this machine calls itself.
pub(super) fn has_loopback_host(head: &Head<'_, '_>) -> bool {
    Authority::parse(head.host()).is_ok_and(|authority| url::is_loopback_name(authority.host()))
}

/// The credentials of the scheme `Bearer`, whose case does not matter (RFC 9110, 11.1), or all that is sent: the
/// reference documents `Authorization: TOKEN`. Those of another scheme, which no token can spell, match none.
fn token(header: &str) -> &str {
    let header = header.trim();
    match header.split_once(' ').unwrap_or((header, "")) {
        (scheme, token) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => header,
    }
}
