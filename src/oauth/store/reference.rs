//! The two files of the reference, which kept everything in plain text: a map of clients, and later
//! `{clients, accessTokens, savedAt}`.
//!
//! Clients and tokens go on working; their secrets are kept as digests from now on. Who logged in was not written down.
//! So such a grant belongs to nobody by name, and ends as soon as anything changes among the users. Where the resource
//! of a token leads to no server, the token is dropped: it must not open more than it did.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::record::{AccessToken, Audience, AuthMethod, Client, Grant, RefreshToken};
use super::{Entry, Store};
use crate::base::time::parse_rfc3339;
use crate::limits;
use crate::oauth::password::Fingerprint;
use crate::oauth::secret::{self, Digest, GrantId, Random};
use crate::oauth::settings::SCOPE;

/// A file of the reference.
#[derive(Debug)]
pub struct Reference {
    clients: BTreeMap<String, OldClient>,
    tokens: BTreeMap<String, OldToken>,
}

#[derive(Debug, Deserialize)]
struct WithTokens {
    clients: BTreeMap<String, OldClient>,
    #[serde(rename = "accessTokens", default)]
    access_tokens: Option<BTreeMap<String, OldToken>>,
}

#[derive(Debug, Deserialize)]
struct OldClient {
    #[serde(default)]
    client_secret: Option<String>,
    redirect_uris: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    client_id_issued_at: String,
    #[serde(default)]
    client_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OldToken {
    #[serde(default)]
    refresh_token: String,
    #[serde(rename = "ClientID")]
    client_id: String,
    #[serde(default)]
    resource: String,
    expires_at: String,
}

/// What has to be known beside the file.
pub struct Present<'a> {
    /// The names of the servers.
    pub servers: &'a [String],
    /// Of all users together.
    pub fingerprint: &'a dyn Fn(&[u8; 32]) -> Fingerprint,
    /// Seconds since 1970.
    pub now: u64,
}

impl Reference {
    /// Reads one, indented or not.
    pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Reference> {
        if let Ok(WithTokens { clients, access_tokens }) = serde_json::from_slice(bytes) {
            return Ok(Reference { clients, tokens: access_tokens.unwrap_or_default() });
        }
        let clients = serde_json::from_slice(bytes)?;
        Ok(Reference { clients, tokens: BTreeMap::new() })
    }

    /// A store of ours with what is left of it.
    pub fn import(self, present: &Present<'_>, random: &mut Random) -> Store {
        let mut store = Store::new(random);
        let fingerprint = (present.fingerprint)(&store.key);
        for (id, old) in self.clients.into_iter().take(limits::CLIENTS_MAX) {
            store.put(Entry::Client(id, Some(old.into_client(present.now))));
        }
        for (token, old) in self.tokens {
            old.put(&token, &mut store, fingerprint, present, random);
        }
        store.commit();
        store
    }
}

impl OldClient {
    fn into_client(self, now: u64) -> Client {
        // It gave a secret to everybody and never asked for one. Who does not send it registers anew.
        let secret = self.client_secret.filter(|secret| !secret.is_empty());
        let auth_method = if secret.is_some() { AuthMethod::ClientSecretPost } else { AuthMethod::None };
        let created_at = parse_rfc3339(&self.client_id_issued_at).unwrap_or(now).min(now);
        Client {
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            auth_method,
            secret_hash: secret.map(Digest::of),
            grant_types: self.grant_types.unwrap_or_else(|| vec!["authorization_code".to_owned()]),
            name: self.client_name.unwrap_or_default(),
            created_at,
            // Nobody wrote down whether it was: it is given the benefit of the doubt, and is not swept away.
            last_used_at: Some(created_at),
        }
    }
}

impl OldToken {
    fn put(
        &self,
        token: &str,
        store: &mut Store,
        fingerprint: Fingerprint,
        present: &Present<'_>,
        random: &mut Random,
    ) {
        let Some(server) = self.audience(present.servers) else { return };
        let Some(client) = store.clients.get(&self.client_id) else { return };
        let used = Client { last_used_at: Some(present.now), ..client.clone() };
        let expires_at = parse_rfc3339(&self.expires_at).unwrap_or_default();
        let has_refresh_token = !self.refresh_token.is_empty();
        if expires_at <= present.now && !has_refresh_token {
            return;
        }
        let family = if has_refresh_token { secret::family_of(&self.refresh_token) } else { secret::family(random) };
        let grant = GrantId::of_family(&family);
        store.put(Entry::Client(self.client_id.clone(), Some(used)));
        let record = Grant {
            client_id: self.client_id.clone(),
            username: String::new(),
            password_fingerprint: fingerprint,
            server,
            scope: SCOPE.to_owned(),
            created_at: present.now,
            revoked: false,
        };
        store.put(Entry::Grant(grant, Some(record)));
        if expires_at > present.now {
            // It cannot have been given longer than the longest that can be configured; a file may say anything.
            let expires_at = expires_at.min(present.now + limits::TOKEN_TIME_MAX.as_secs());
            store.put(Entry::Access(Digest::of(token), Some(AccessToken { grant, expires_at })));
        }
        if has_refresh_token {
            let expires_at = present.now + limits::REFRESH_IDLE_MAX.as_secs();
            let record = RefreshToken { grant, expires_at, rotated_at: None, retries: 0 };
            store.put(Entry::Refresh(Digest::of(&self.refresh_token), Some(record)));
        }
    }

    /// Its resource was `B/N`, or what the client said: the server whose name is at the end, if there is one. The base
    /// may have changed meanwhile.
    fn audience(&self, servers: &[String]) -> Option<Audience> {
        if self.resource.is_empty() {
            return Some(Audience::Every);
        }
        let resource = self.resource.trim_end_matches('/');
        let resource = resource.strip_suffix("/mcp").unwrap_or(resource);
        let is_at_end = |name: &&String| resource.strip_suffix(name.as_str()).is_some_and(|start| start.ends_with('/'));
        let longest = servers.iter().filter(is_at_end).max_by_key(|name| name.len())?;
        Some(Audience::Server(longest.clone()))
    }
}
