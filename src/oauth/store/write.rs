//! Records as JSON, written by hand: megabytes of digests need no search for characters that must be escaped.

use super::record::{AccessToken, Audience, Client, Grant, RefreshToken};
use crate::base::decimal::Decimal;
use crate::config::names::EVERY_SERVER;
use crate::oauth::secret::{Digest, GrantId};

/// What can stand in a section, as key or as record.
pub(super) trait Written {
    fn push(&self, out: &mut Vec<u8>);
}

/// A member whose value is an object of records; the comma before it belongs to it, unless it is the first.
pub(super) fn section<'r, K: Written + 'r, R: Written + 'r>(
    out: &mut Vec<u8>,
    name: &str,
    records: impl Iterator<Item = (&'r K, Option<&'r R>)>,
) {
    member(out, name);
    let mut before = b'{';
    for (key, record) in records {
        out.push(before);
        before = b',';
        key.push(out);
        out.push(b':');
        match record {
            Some(record) => record.push(out),
            None => out.extend_from_slice(b"null"),
        }
    }
    if before == b'{' {
        out.push(b'{');
    }
    out.push(b'}');
}

/// The same, but for nothing.
pub(super) fn section_unless_empty<'r, K: Written + 'r, R: Written + 'r>(
    out: &mut Vec<u8>,
    name: &str,
    records: impl IntoIterator<Item = (&'r K, &'r Option<R>)>,
) {
    let mut records = records.into_iter().map(|(key, record)| (key, record.as_ref())).peekable();
    if records.peek().is_some() {
        section(out, name, records);
    }
}

fn member(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    member(out, name);
    out.extend_from_slice(Decimal::new(value).as_bytes());
}

fn value(out: &mut Vec<u8>, name: &str, value: &impl Written) {
    member(out, name);
    value.push(out);
}

fn list(out: &mut Vec<u8>, name: &str, texts: &[String]) {
    member(out, name);
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        text.push(out);
    }
    out.push(b']');
}

impl Written for str {
    fn push(&self, out: &mut Vec<u8>) {
        let written = serde_json::to_writer(out, self);
        debug_assert!(written.is_ok(), "writing a text into memory");
    }
}

impl Written for String {
    fn push(&self, out: &mut Vec<u8>) {
        self.as_str().push(out);
    }
}

impl Written for Digest {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(&self.spelt());
        out.push(b'"');
    }
}

impl Written for GrantId {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'"');
        out.extend_from_slice(&self.spelt());
        out.push(b'"');
    }
}

impl Written for Client {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        list(out, "redirectUris", &self.redirect_uris);
        member(out, "authMethod");
        self.auth_method.as_str().push(out);
        if let Some(hash) = &self.secret_hash {
            value(out, "secretHash", hash);
        }
        list(out, "grantTypes", &self.grant_types);
        if !self.name.is_empty() {
            value(out, "name", &self.name);
        }
        number(out, "createdAt", self.created_at);
        if let Some(at) = self.last_used_at {
            number(out, "lastUsedAt", at);
        }
        out.push(b'}');
    }
}

impl Written for Grant {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        value(out, "clientId", &self.client_id);
        value(out, "username", &self.username);
        value(out, "passwordFingerprint", self.password_fingerprint.digest());
        member(out, "server");
        match &self.server {
            Audience::Every => EVERY_SERVER.push(out),
            Audience::Server(name) => name.push(out),
        }
        value(out, "scope", &self.scope);
        number(out, "createdAt", self.created_at);
        if self.revoked {
            member(out, "revoked");
            out.extend_from_slice(b"true");
        }
        out.push(b'}');
    }
}

impl Written for AccessToken {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        value(out, "grant", &self.grant);
        number(out, "expiresAt", self.expires_at);
        out.push(b'}');
    }
}

impl Written for RefreshToken {
    fn push(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        value(out, "grant", &self.grant);
        number(out, "expiresAt", self.expires_at);
        if let Some(at) = self.rotated_at {
            number(out, "rotatedAt", at);
        }
        if self.retries > 0 {
            number(out, "retries", self.retries.into());
        }
        out.push(b'}');
    }
}
