//! By whom sessions were opened, and whether they still may: who is logged out hears nothing more, even on a stream
//! that is open.

use std::collections::HashSet;
use std::time::Instant;

use super::Proxy;
use crate::base::id::SessionId;
use crate::mcp::session::Opener;
use crate::oauth::secret::Digest;

impl Opener {
    /// Who holds one of a server's own tokens.
    pub(crate) fn of_token(token: &str) -> Opener {
        Opener::known(&["token", token])
    }

    /// Who has logged in with a client. It stays the same when tokens are renewed.
    pub(crate) fn of_login(username: &str, client_id: &str) -> Opener {
        Opener::known(&["login", username, client_id])
    }

    fn known(parts: &[&str]) -> Opener {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        Opener::Known(*Digest::of_parts(&parts).as_bytes())
    }
}

impl Proxy {
    /// Logins may have ended: so do the sessions that were opened by them.
    pub(crate) fn end_logged_out(&mut self, now: Instant) {
        let Some(authorization) = &self.authorization else { return };
        let logins = authorization.server.logins();
        let logins: HashSet<Opener> =
            logins.map(|(_, grant)| Opener::of_login(&grant.username, &grant.client_id)).collect();
        let is_token = |entrance, opener| {
            let tokens = self.servers.get(entrance).into_iter().flat_map(|server| &server.config.auth_tokens);
            tokens.into_iter().any(|token| Opener::of_token(token) == opener)
        };
        let is_over = |opener, entrance| match opener {
            Opener::Anybody => false,
            Opener::Known(_) => !logins.contains(&opener) && !is_token(entrance, opener),
        };
        let over = self.sessions.iter().filter(|(_, session)| is_over(session.opener, session.entrance));
        let over: Vec<SessionId> = over.map(|(id, _)| id).collect();
        for session in over {
            self.end_session(session, now);
        }
    }
}
