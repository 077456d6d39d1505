//! The file: `oauth_clients.json`, version 2.
//!
//! The first line is the whole store; each further line a change to it, a merge patch (RFC 7396) of records: a record
//! takes the place of the one with its key, `null` removes it. So one change costs one line, not a file.
//!
//! ```text
//! {"version":2,"savedAt":"2026-11-23T08:22:41Z","passwordKey":"…","clients":{…},"grants":{…},"accessTokens":{…},…}
//! {"grants":{"k3…":{…}},"accessTokens":{"sha256:9f…":{…}},"refreshTokens":{"sha256:04…":{…}}}
//! {"accessTokens":{"sha256:9f…":null}}
//! ```
//!
//! A last line without its end was being written when the machine stopped. Nobody was told of it, and it is dropped.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use super::record::{AccessToken, Client, Grant, RefreshToken};
use super::reference::Reference;
use super::{Entry, Store, write};
use crate::base::time::rfc3339;
use crate::oauth::secret::{Digest, GrantId};

/// What we write.
pub const VERSION: u64 = 2;

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// It is none of ours, or damaged. The shell renames it to `.corrupt-<time>` and begins with an empty store.
    Corrupt {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1; 0 where it is the line as a whole.
        column: usize,
        /// What is wrong there. Nothing of the file is quoted: it may be a secret.
        what: String,
    },
    /// A later program wrote it. The shell refuses to start: what we do not know, we would destroy.
    Newer {
        /// Which version.
        version: u64,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Corrupt { line, column, what } => write!(f, "line {line}, column {column}: {what}"),
            LoadError::Newer { version } => {
                write!(f, "the file has version {version}, this program knows only {VERSION}: a newer one wrote it")
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// What a file holds.
#[derive(Debug)]
pub enum Loaded {
    /// Our own.
    Store {
        /// All records.
        store: Box<Store>,
        /// Bytes behind the first line: what the changes take.
        journal_bytes: usize,
        /// Whether lines may be appended to the file: not if its last one was dropped, nor if it has another shape than
        /// what we write.
        is_sound: bool,
    },
    /// One of the reference's.
    Reference(Reference),
}

/// The bytes of [`Store::key`].
#[derive(Debug, Clone, Copy)]
struct Key([u8; 32]);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let is_whole = URL_SAFE_NO_PAD.decode_slice(text.as_bytes(), &mut bytes) == Ok(bytes.len());
        if is_whole {
            Ok(Key(bytes))
        } else {
            Err(serde::de::Error::custom("passwordKey is not 32 bytes of base64url"))
        }
    }
}

/// One line.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    clients: BTreeMap<String, Option<Client>>,
    grants: BTreeMap<GrantId, Option<Grant>>,
    access_tokens: BTreeMap<Digest, Option<AccessToken>>,
    refresh_tokens: BTreeMap<Digest, Option<RefreshToken>>,
}

/// The first line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    password_key: Key,
    clients: BTreeMap<String, Client>,
    grants: BTreeMap<GrantId, Grant>,
    access_tokens: BTreeMap<Digest, AccessToken>,
    refresh_tokens: BTreeMap<Digest, RefreshToken>,
}

/// How the first line begins when we have written it.
const FIRST_WORDS: &[u8] = b"{\"version\":2,";

/// What says whose file it is.
#[derive(Deserialize)]
struct Mark {
    version: Option<u64>,
}

/// Where a JSON error is, in a text whose first line is this one of the file. A shape that is wrong has its column at
/// its end; the words are serde's, but for what it quotes of the file.
fn corrupt(error: &serde_json::Error, first_line: usize) -> LoadError {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    let is_quoting = said.contains(['"', '`']) && !said.starts_with("missing field");
    let what = if is_quoting { "a value is not what belongs there" } else { said };
    LoadError::Corrupt { line: first_line + error.line().saturating_sub(1), column: error.column(), what: what.into() }
}

/// Reads a file, whosever it is.
///
/// # Errors
/// [`LoadError::Corrupt`] and [`LoadError::Newer`].
pub fn load(bytes: &[u8]) -> Result<Loaded, LoadError> {
    let (first, rest) = split_line(bytes);
    if first.starts_with(FIRST_WORDS) && memchr::memchr(b'\n', bytes).is_some() {
        return load_lines(first, rest, bytes.ends_with(b"\n"));
    }
    // The reference indents its file, and people do so with ours: then the first line is no document of its own.
    let (first, rest, mark) = match serde_json::from_slice::<Mark>(first) {
        Ok(mark) => (first, rest, mark),
        Err(_) => (bytes, &[][..], serde_json::from_slice::<Mark>(bytes).map_err(|error| corrupt(&error, 1))?),
    };
    match mark.version {
        Some(VERSION) => load_lines(first, rest, bytes.ends_with(b"\n") && !first.contains(&b'\n')),
        Some(version) if version > VERSION => Err(LoadError::Newer { version }),
        Some(_) | None => Reference::read(bytes).map(Loaded::Reference).map_err(|error| corrupt(&error, 1)),
    }
}

/// A line without its end, and what follows it.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}

fn load_lines(first: &[u8], changes: &[u8], is_sound: bool) -> Result<Loaded, LoadError> {
    let whole: Whole = serde_json::from_slice(first).map_err(|error| corrupt(&error, 1))?;
    let mut store = Store {
        key: whole.password_key.0,
        clients: whole.clients,
        grants: whole.grants,
        access: whole.access_tokens,
        refresh: whole.refresh_tokens,
        ..Store::default()
    };
    let (mut rest, mut number) = (changes, 1);
    while memchr::memchr(b'\n', rest).is_some() {
        let line;
        (line, rest) = split_line(rest);
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| corrupt(&error, number))?;
        line.apply(&mut store);
    }
    store.commit();
    let journal_bytes = changes.len() - rest.len();
    Ok(Loaded::Store { store: Box::new(store), journal_bytes, is_sound })
}

impl Line {
    fn apply(self, store: &mut Store) {
        let clients = self.clients.into_iter().map(|(id, client)| Entry::Client(id, client));
        let grants = self.grants.into_iter().map(|(id, grant)| Entry::Grant(id, grant));
        let access = self.access_tokens.into_iter().map(|(digest, token)| Entry::Access(digest, token));
        let refresh = self.refresh_tokens.into_iter().map(|(digest, token)| Entry::Refresh(digest, token));
        for entry in clients.chain(grants).chain(access).chain(refresh) {
            store.swap(entry);
        }
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Client(id, client) => drop(self.clients.insert(id, client)),
            Entry::Grant(id, grant) => drop(self.grants.insert(id, grant)),
            Entry::Access(digest, token) => drop(self.access_tokens.insert(digest, token)),
            Entry::Refresh(digest, token) => drop(self.refresh_tokens.insert(digest, token)),
        }
    }
}

/// The whole store, as a file of one line.
pub fn whole(store: &Store, now: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(size_hint(store)); // growing would copy megabytes
    out.extend_from_slice(FIRST_WORDS);
    let (saved_at, key) = (rfc3339(now), URL_SAFE_NO_PAD.encode(store.key));
    out.extend_from_slice(format!("\"savedAt\":\"{saved_at}\",\"passwordKey\":\"{key}\"").as_bytes());
    write::section(&mut out, "clients", store.clients.iter().map(|(id, client)| (id, Some(client))));
    write::section(&mut out, "grants", store.grants.iter().map(|(id, grant)| (id, Some(grant))));
    write::section(&mut out, "accessTokens", store.access.iter().map(|(digest, token)| (digest, Some(token))));
    write::section(&mut out, "refreshTokens", store.refresh.iter().map(|(digest, token)| (digest, Some(token))));
    out.extend_from_slice(b"}\n");
    out
}

/// About how many bytes that is.
pub(super) fn size_hint(store: &Store) -> usize {
    let tokens = store.access.len() + store.refresh.len();
    512 + 512 * store.clients.len() + 384 * store.grants.len() + 192 * tokens
}

/// A file with the same meaning, in one line; `None` if this one cannot be read. For the shell's worker: with 10,000
/// grants it takes half a tenth of a second.
pub fn compacted(file: &[u8], now: u64) -> Option<Vec<u8>> {
    match load(file) {
        Ok(Loaded::Store { store, .. }) => Some(whole(&store, now)),
        Ok(Loaded::Reference(_)) | Err(_) => None,
    }
}

/// The records as they stand now where these stood, as a line to be appended.
pub fn change(store: &Store, before: &[Entry]) -> Vec<u8> {
    let mut line = Line::default();
    for entry in before {
        line.add(store.current(entry));
    }
    let mut out = b"{".to_vec();
    let Line { clients, grants, access_tokens, refresh_tokens } = &line;
    write::section_unless_empty(&mut out, "clients", clients);
    write::section_unless_empty(&mut out, "grants", grants);
    write::section_unless_empty(&mut out, "accessTokens", access_tokens);
    write::section_unless_empty(&mut out, "refreshTokens", refresh_tokens);
    out.extend_from_slice(b"}\n");
    out
}
