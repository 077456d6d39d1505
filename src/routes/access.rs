//! Who may call: `Origin` and `Host` (against DNS rebinding), and tokens.

use subtle::ConstantTimeEq;

use super::errors::Denial;
use super::unique;
use crate::base::id::ServerId;
use crate::base::text::shorten;
use crate::base::url::{self, Authority, Origin};
use crate::codec::http::Head;
use crate::codec::jsonrpc::TRANSPORT_ERROR;
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

    /// `Authorization: Bearer …` (RFC 6750, 2.1), or the token alone, against the tokens of the server. All are
    /// compared, each in constant time, so that the time taken tells nothing.
    pub(super) fn check_token(&self, server: ServerId, head: &Head<'_, '_>) -> Result<(), Denial> {
        let Some(server) = self.servers.get(server) else { return Ok(()) };
        let tokens = &server.config.auth_tokens;
        if tokens.is_empty() {
            return Ok(());
        }
        let Some(presented) = unique(head, "authorization")?.map(token).filter(|token| !token.is_empty()) else {
            let reason = "this server needs a token: send the header Authorization: Bearer <token>";
            return Err(Denial::unauthorized("Bearer", reason));
        };
        let presented = presented.as_bytes();
        let is_known =
            tokens.iter().fold(subtle::Choice::from(0), |known, token| known | token.as_bytes().ct_eq(presented));
        if bool::from(is_known) {
            return Ok(());
        }
        Err(Denial::unauthorized("Bearer error=\"invalid_token\"", "this token is not one of the server's authTokens"))
    }
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
