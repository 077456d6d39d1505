//! Random names and secrets, and the digests by which secrets are known.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

/// Where random bytes come from.
pub type Random = Box<dyn FnMut(&mut [u8])>;

/// Before the hex digits of a digest, in the store's file.
const PREFIX: &str = "sha256:";

/// SHA-256 of a secret: what is kept of it. Secrets of ours have 256 random bits, so nothing slower is needed.
///
/// Written `sha256:` and 64 hex digits, as `sha256sum` prints it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Of several parts. Each is preceded by its length, so that none can pass for a part of another.
    pub fn of_parts(parts: &[&[u8]]) -> Digest {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Digest(hash.finalize().into())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    pub fn is_equal(&self, other: &Digest) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    fn parse(text: &str) -> Option<Digest> {
        let digits: &[u8; 64] = text.strip_prefix(PREFIX)?.as_bytes().try_into().ok()?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
        }
        Some(Digest(bytes))
    }

    /// As it stands in the store's file.
    pub(super) fn spelt(&self) -> [u8; 71] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 71];
        text[..PREFIX.len()].copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in text[PREFIX.len()..].chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        text
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.spelt()).unwrap_or_default()) // digits are ASCII
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The name of a grant: 128 bits, made of its family key by [`GrantId::of_family`], so that whoever reads the name in a
/// list does not know the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GrantId([u8; 16]);

impl GrantId {
    /// Of the family with this key.
    pub fn of_family(key: &[u8; FAMILY_BYTES]) -> GrantId {
        let mut id = [0; 16];
        id.copy_from_slice(&Digest::of(key).0[..16]);
        GrantId(id)
    }

    /// As it is spelt in the store's file and in lists.
    pub fn parse(text: &str) -> Option<GrantId> {
        let mut bytes = [0; 16];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == bytes.len()).then_some(GrantId(bytes))
    }
}

impl GrantId {
    /// As it stands in the store's file.
    pub(super) fn spelt(&self) -> [u8; 22] {
        let mut text = [0; 22];
        let written = URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        debug_assert_eq!(written, Ok(text.len()));
        text
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.spelt()).unwrap_or_default()) // base64 is ASCII
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The key of a family: it stands at the beginning of each of its refresh tokens. Whoever shows it has once held one,
/// so that a token of the family that is not known any more is known to be an old one: no list of old ones is needed.
pub const FAMILY_BYTES: usize = 16;

/// Random bits of a secret, as bytes.
const SECRET_BYTES: usize = 32;

/// 256 random bits as text: an access token, a code, a client's secret. Its alphabet is `A-Za-z0-9_-`: some clients
/// never percent-encode.
pub fn secret(random: &mut Random) -> String {
    let mut bytes = [0; SECRET_BYTES];
    random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 128 random bits as text, in the same alphabet: a name that nobody can guess, but that is no secret.
pub fn name(random: &mut Random) -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key of a new family.
pub fn family(random: &mut Random) -> [u8; FAMILY_BYTES] {
    let mut key = [0; FAMILY_BYTES];
    random(&mut key);
    key
}

/// A refresh token: the key of its family and 256 random bits.
pub fn refresh_token(family: &[u8; FAMILY_BYTES], random: &mut Random) -> String {
    let mut bytes = [0; FAMILY_BYTES + SECRET_BYTES];
    random(&mut bytes[FAMILY_BYTES..]);
    bytes[..FAMILY_BYTES].copy_from_slice(family);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The key of the family that a refresh token names. Of one that the reference made, which names none, it is made.
pub fn family_of(refresh_token: &str) -> [u8; FAMILY_BYTES] {
    let mut bytes = [0; FAMILY_BYTES + SECRET_BYTES];
    if URL_SAFE_NO_PAD.decode_slice(refresh_token, &mut bytes) != Ok(bytes.len()) {
        bytes[..32].copy_from_slice(Digest::of(refresh_token).as_bytes());
    }
    let mut key = [0; FAMILY_BYTES];
    key.copy_from_slice(&bytes[..FAMILY_BYTES]);
    key
}

/// Whether a text may be what [`secret`] makes.
pub fn is_secret(text: &str) -> bool {
    let mut bytes = [0; SECRET_BYTES];
    URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) == Ok(SECRET_BYTES)
}

/// Reads a text in place, by one of the functions above.
struct Reader<T> {
    expected: &'static str,
    read: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Other("another text"), &self))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        deserializer.deserialize_str(Reader { expected: "sha256: and 64 hex digits", read: Digest::parse })
    }
}

impl<'de> Deserialize<'de> for GrantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<GrantId, D::Error> {
        deserializer.deserialize_str(Reader { expected: "22 characters of base64url", read: GrantId::parse })
    }
}
