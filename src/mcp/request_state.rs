//! The `requestState` of parked calls: opaque to whoever carries it, and of use only to them, for the call it was made
//! for (2026-07-28, multi round-trip requests, server requirements).
//!
//! ```text
//! base64url( nonce | payload, encrypted | tag )      authenticated with it: principal, server, method, digest
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::limits;
use crate::limits::REQUEST_STATE_BYTES_MAX;

/// The bytes of a nonce. No two states may have the same.
pub const NONCE_BYTES: usize = 12;

/// What a state was made for.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Who may show it.
    pub principal: &'a [u8],
    /// To which server.
    pub server: &'a str,
    /// With which method.
    pub method: &'a str,
    /// And which parameters: their [`digest`].
    pub digest: [u8; 32],
}

impl Context<'_> {
    /// All of it; no two contexts have the same bytes, since each part says how long it is.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.principal, self.server.as_bytes(), self.method.as_bytes(), &self.digest];
        let with_length = |part: &&[u8]| [&(part.len() as u64).to_be_bytes(), *part].concat();
        parts.iter().flat_map(with_length).collect()
    }
}

/// A state that is none of ours, or was made for something else, or was changed. Which of these, nobody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsealable;

/// What states are sealed with.
pub struct Seal(Option<LessSafeKey>);

/// No key.
impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// With a key that nobody can guess.
    pub fn new(key: [u8; 32]) -> Seal {
        Seal(UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new))
    }

    /// A state with something in it. `nonce` is one that was not used before.
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], context: &Context<'_>, payload: &[u8]) -> String {
        let mut sealed = payload.to_vec();
        let associated = Aad::from(context.bytes());
        let done = self
            .0
            .as_ref()
            .map(|key| key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), associated, &mut sealed));
        debug_assert_eq!(done, Some(Ok(())), "the key has its length, and the payload is short");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// What is in a state.
    ///
    /// # Errors
    /// It was not sealed with this key, for this context.
    pub fn open(&self, context: &Context<'_>, state: &str) -> Result<Vec<u8>, Unsealable> {
        if state.len() > REQUEST_STATE_BYTES_MAX {
            return Err(Unsealable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(state).map_err(|_| Unsealable)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        let mut sealed = sealed.to_vec();
        let key = self.0.as_ref().ok_or(Unsealable)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let payload = key.open_in_place(nonce, Aad::from(context.bytes()), &mut sealed);
        payload.map(|payload| payload.to_vec()).map_err(|_| Unsealable)
    }
}

/// What a request asks for, as far as one that comes back must ask for the same.
#[derive(Default, Deserialize)]
struct Subject<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    uri: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// SHA-256 over what a request asks for: `name`, `uri` and `arguments`, whatever the order of members and the spelling
/// of characters and numbers. What is long counts as it stands there: a tree of it may need a hundred times its room.
///
/// # Errors
/// They are no JSON, or nest deeper than `serde_json` follows.
pub fn digest(params: Option<&str>) -> Result<[u8; 32], serde_json::Error> {
    let subject: Subject<'_> = params.map_or_else(|| Ok(Subject::default()), serde_json::from_str)?;
    let mut hash = Sha256::new();
    for part in [subject.name, subject.uri, subject.arguments] {
        let part = part.map_or("null", RawValue::get);
        if part.len() > limits::SUBJECT_BYTES_MAX {
            hash.update(part);
        } else {
            // A tree has its members in order, so it is written in one way only.
            hash.update(serde_json::from_str::<Value>(part)?.to_string());
        }
        hash.update([0]);
    }
    Ok(hash.finalize().into())
}
