//! The token endpoint: a code, or a refresh token, for tokens.
//!
//! Nothing is used up before all is checked, the client first: a request that is refused leaves the honest one its
//! chance. And nothing is answered before the tokens are durable.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::answer::{Answer, Code, Fault};
use super::client_auth::{Posted, authenticate};
use super::codes::{self, State};
use super::resource;
use super::secret::{self, Digest, FAMILY_BYTES, GrantId};
use super::settings::SCOPE;
use super::store::Entry;
use super::store::ledger::OnFailure;
use super::store::record::{AccessToken, Audience, Client, Grant, RefreshToken};
use super::{AuthorizationServer, Notice, Ticket, Visit};
use crate::codec::form::Form;
use crate::limits;

pub(super) fn fault<T>(code: Code, description: &str) -> Result<T, Answer> {
    Err(Fault::new(code, description).into())
}

/// Whether a verifier is the one that a challenge was made of (RFC 7636, 4.6, `S256`). It must be of the length and
/// alphabet that 4.1 wants.
pub fn is_verified(verifier: &str, challenge: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let is_well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_allowed);
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    is_well_formed && bool::from(made.as_bytes().ct_eq(challenge.as_bytes()))
}

impl AuthorizationServer {
    /// POST `/oauth/token`.
    pub fn handle_token(&mut self, visit: Visit<'_>, posted: Posted<'_>) -> Ticket {
        let ticket = self.ticket();
        if let Err(answer) = self.token(ticket, visit, posted) {
            self.answer(ticket, answer);
        }
        ticket
    }

    /// Either tokens are on their way to the disk, or there is an answer already.
    fn token(&mut self, ticket: Ticket, visit: Visit<'_>, posted: Posted<'_>) -> Result<(), Answer> {
        let form = posted.parameters()?;
        let client_id = authenticate(&self.ledger.store, posted, &form)?;
        match form.value("grant_type") {
            Some("authorization_code") => self.redeem(ticket, visit, &client_id, &form),
            Some("refresh_token") => self.refresh(ticket, visit, &client_id, &form),
            Some(_) => fault(Code::UnsupportedGrantType, "grant_type must be authorization_code or refresh_token"),
            None => fault(Code::InvalidRequest, "grant_type is missing"),
        }
    }

    fn redeem(&mut self, ticket: Ticket, visit: Visit<'_>, client_id: &str, form: &Form<'_>) -> Result<(), Answer> {
        let now = visit.now.unix_seconds;
        let digest = Digest::of(form.value("code").unwrap_or_default());
        let Some(code) = self.codes.find(&digest, now) else {
            return fault(Code::InvalidGrant, "the code is unknown or has expired");
        };
        if let State::Redeemed { grant, .. } = code.state {
            self.codes.remove(&digest);
            self.end_family(ticket, grant, "its code was used twice", visit);
            return Ok(());
        }
        let audience = self.check_code(code, visit.issuer, client_id, form)?;
        let grant = Grant {
            client_id: client_id.to_owned(),
            username: code.username.clone(),
            password_fingerprint: code.fingerprint,
            server: audience,
            scope: SCOPE.to_owned(),
            created_at: now,
            revoked: false,
        };
        let family = secret::family(&mut self.random);
        let id = GrantId::of_family(&family);
        self.make_room_for_grant(client_id, &grant.username);
        self.ledger.store.put(Entry::Grant(id, Some(grant)));
        self.codes.redeem(&digest, id, now);
        let answer = self.mint(id, &family, client_id, now);
        self.answer_tokens_when_durable(ticket, answer, Some(digest), visit.now);
        Ok(())
    }

    /// Whether a fresh code was given to this client for this request. Returns what the tokens may open: what was asked
    /// for at the login, or less.
    fn check_code(
        &self,
        code: &codes::Code,
        issuer: &str,
        client_id: &str,
        form: &Form<'_>,
    ) -> Result<Audience, Answer> {
        let invalid = |what| fault(Code::InvalidGrant, what);
        if code.client_id != client_id {
            return invalid("the code was given to another client");
        }
        let grant_types = self.ledger.store.client(client_id).map(|client| client.grant_types.as_slice());
        if !grant_types.unwrap_or_default().iter().any(|kind| kind == "authorization_code") {
            return fault(Code::UnauthorizedClient, "the client has not registered the grant type authorization_code");
        }
        if form.value("redirect_uri") != Some(&code.redirect_uri) {
            return invalid("redirect_uri is not that of the authorization request");
        }
        if !is_verified(form.value("code_verifier").unwrap_or_default(), &code.challenge) {
            return invalid("code_verifier is missing, or is not that of the authorization request");
        }
        if self.users.fingerprint(&code.username) != Some(code.fingerprint) {
            return invalid("whoever logged in is no user any more, or has another password");
        }
        self.narrowed(&code.audience, issuer, form)
    }

    /// What remains of an audience where a request names a resource: that, if it is within.
    fn narrowed(&self, audience: &Audience, issuer: &str, form: &Form<'_>) -> Result<Audience, Answer> {
        let Some(text) = form.value("resource") else { return Ok(audience.clone()) };
        match resource::audience(issuer, &self.settings.servers, text) {
            Some(asked) if audience.covers_all(&asked) => Ok(asked),
            Some(_) => fault(Code::InvalidTarget, "the login was for another resource"),
            None => fault(Code::InvalidTarget, "resource is not the URL of a server here"),
        }
    }

    /// A refresh token is rotated: it yields its successor, and siblings of it for a short while, because clients
    /// refresh in bursts and lose answers. Whatever else shows the key of the family is a replay: somebody has a token
    /// that was not meant for them, and nobody knows who, so the family ends (RFC 9700, 4.14.2).
    fn refresh(&mut self, ticket: Ticket, visit: Visit<'_>, client_id: &str, form: &Form<'_>) -> Result<(), Answer> {
        let now = visit.now.unix_seconds;
        let Some(presented) = form.value("refresh_token") else {
            return fault(Code::InvalidRequest, "refresh_token is missing");
        };
        let digest = Digest::of(presented);
        let store = &self.ledger.store;
        let family = secret::family_of(presented);
        let record = store.refresh.get(&digest).cloned();
        let id = record.as_ref().map_or_else(|| GrantId::of_family(&family), |record| record.grant);
        let unknown = "the refresh token is unknown, was revoked or has expired";
        let grant = store.grants.get(&id).filter(|grant| self.users.is_alive(grant));
        let Some(grant) = grant.filter(|grant| grant.client_id == client_id) else {
            return fault(Code::InvalidGrant, unknown);
        };
        let Some(rotated) = record.and_then(|record| self.rotated(record, now)) else {
            self.end_family(ticket, id, "an old refresh token was used again", visit);
            return Ok(());
        };
        self.narrowed(&grant.server, visit.issuer, form)?;
        self.ledger.store.put(Entry::Refresh(digest, Some(rotated)));
        let answer = self.mint(id, &family, client_id, now);
        self.answer_tokens_when_durable(ticket, answer, None, visit.now);
        Ok(())
    }

    /// What becomes of a refresh token by being used; `None` if it may not be.
    fn rotated(&self, record: RefreshToken, now: u64) -> Option<RefreshToken> {
        if record.expires_at <= now {
            return None;
        }
        match record.rotated_at {
            None => Some(RefreshToken { rotated_at: Some(now), ..record }),
            Some(at) => {
                let is_graceful = at.saturating_add(self.settings.refresh_grace.as_secs()) >= now;
                let is_left = record.retries < limits::REFRESH_SIBLINGS_MAX;
                (is_graceful && is_left).then_some(RefreshToken { retries: record.retries + 1, ..record })
            }
        }
    }

    /// New tokens of a grant, and the answer that carries them.
    fn mint(&mut self, grant: GrantId, family: &[u8; FAMILY_BYTES], client_id: &str, now: u64) -> Answer {
        self.make_room_for_tokens(grant);
        self.mark_used(client_id, now);
        let access = secret::secret(&mut self.random);
        let refresh = secret::refresh_token(family, &mut self.random);
        let seconds = self.settings.token_expiration.as_secs();
        let record = AccessToken { grant, expires_at: now.saturating_add(seconds) };
        self.ledger.store.put(Entry::Access(Digest::of(&access), Some(record)));
        let expires_at = now.saturating_add(limits::REFRESH_IDLE_MAX.as_secs());
        let record = RefreshToken { grant, expires_at, rotated_at: None, retries: 0 };
        self.ledger.store.put(Entry::Refresh(Digest::of(&refresh), Some(record)));
        Answer::json(
            200,
            &json!({
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": seconds,
                "refresh_token": refresh,
                "scope": SCOPE,
            }),
        )
    }

    /// Somebody has what they should not have: refused, and the family ends.
    fn end_family(&mut self, ticket: Ticket, grant: GrantId, why: &str, visit: Visit<'_>) {
        self.note(Notice::warning(format!("the login {grant} has ended: {why}, by {}", visit.ip)));
        self.ledger.store.revoke(grant);
        let answer = Fault::new(Code::InvalidGrant, format!("{why}; the login has ended"));
        self.answer_when_durable(ticket, answer.into(), OnFailure::Keep, visit.now);
    }

    /// A user's oldest login with a client makes room for another.
    fn make_room_for_grant(&mut self, client_id: &str, username: &str) {
        let is_same = |grant: &&Grant| grant.client_id == client_id && grant.username == username && !grant.revoked;
        let same = || self.ledger.store.grants.iter().filter(|(_, grant)| is_same(grant));
        if same().count() < limits::USER_GRANTS_MAX {
            return;
        }
        let oldest = same().min_by_key(|(_, grant)| grant.created_at).map(|(id, _)| *id);
        if let Some(oldest) = oldest {
            self.ledger.store.revoke(oldest);
        }
    }

    /// The tokens of a grant that expire first make room for others.
    fn make_room_for_tokens(&mut self, grant: GrantId) {
        let store = &self.ledger.store;
        let access = || store.access.iter().filter(|(_, token)| token.grant == grant);
        let refresh = || store.refresh.iter().filter(|(_, token)| token.grant == grant);
        let mut gone = Vec::new();
        if access().count() >= limits::GRANT_TOKENS_MAX {
            let first = access().min_by_key(|(_, token)| token.expires_at);
            gone.extend(first.map(|(digest, _)| Entry::Access(*digest, None)));
        }
        if refresh().count() >= limits::GRANT_TOKENS_MAX {
            // Not one that was rotated a moment ago: its siblings may still be wanted.
            let first = refresh().min_by_key(|(_, token)| (token.rotated_at.is_some(), token.expires_at));
            gone.extend(first.map(|(digest, _)| Entry::Refresh(*digest, None)));
        }
        for entry in gone {
            self.ledger.store.put(entry);
        }
    }

    /// The client is in use. That is written down with what is written anyway, and not each time.
    fn mark_used(&mut self, client_id: &str, now: u64) {
        let Some(client) = self.ledger.store.client(client_id) else { return };
        let interval = limits::CLIENT_USE_INTERVAL.as_secs();
        if client.last_used_at.is_none_or(|at| at.saturating_add(interval) <= now) {
            let used = Client { last_used_at: Some(now), ..client.clone() };
            self.ledger.store.put(Entry::Client(client_id.to_owned(), Some(used)));
        }
    }
}
