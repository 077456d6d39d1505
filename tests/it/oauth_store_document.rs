//! `oauth::store::document`: the file, version 2, and how it is read when something has happened to it.

use std::time::Instant;

use serde_json::{Value, json};

use mcp_proxy::oauth::secret::{Digest, GrantId};
use mcp_proxy::oauth::store::document::{LoadError, Loaded, change, compacted, load, whole};
use mcp_proxy::oauth::store::record::{AccessToken, Audience, AuthMethod, Client, Grant, RefreshToken};
use mcp_proxy::oauth::store::{Entry, Store};

use crate::support::oauth::{ADA_HASH, random};

/// A store with a client of `n`, and `n` of the rest; with as much in each record as there may be.
fn store(clients: usize, grants: usize) -> Store {
    let mut random = random(7);
    let mut store = Store::new(&mut random);
    let password = mcp_proxy::config::password::Password::parse(ADA_HASH).unwrap();
    for index in 0..clients {
        let client = Client {
            redirect_uris: vec!["https://claude.ai/api/mcp/auth_callback".to_owned(); 2],
            auth_method: AuthMethod::ClientSecretPost,
            secret_hash: Some(Digest::of(index.to_be_bytes())),
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            name: "Cla\"ude é".to_owned(),
            created_at: 1_800_000_000,
            last_used_at: Some(1_800_000_001),
        };
        store.put(Entry::Client(format!("client-{index:016}"), Some(client)));
    }
    for index in 0..grants as u128 {
        let grant = GrantId::of_family(&index.to_be_bytes());
        let record = Grant {
            client_id: format!("client-{:016}", index as usize % clients),
            username: "ada".to_owned(),
            password_fingerprint: mcp_proxy::oauth::password::fingerprint(&[1; 32])("ada", &password),
            server: if index % 2 == 0 { Audience::Every } else { Audience::Server("demo".to_owned()) },
            scope: "mcp".to_owned(),
            created_at: 1_800_000_000,
            revoked: index == 1,
        };
        store.put(Entry::Grant(grant, Some(record)));
        let access = AccessToken { grant, expires_at: 1_800_003_600 };
        store.put(Entry::Access(Digest::of(format!("access {index}")), Some(access)));
        let rotated_at = (index % 3 == 0).then_some(1_800_000_100);
        let refresh = RefreshToken { grant, expires_at: 1_802_592_000, rotated_at, retries: (index % 3) as u32 };
        store.put(Entry::Refresh(Digest::of(format!("refresh {index}")), Some(refresh)));
    }
    store.commit();
    store
}

fn loaded(bytes: &[u8]) -> (Store, usize, bool) {
    match load(bytes) {
        Ok(Loaded::Store { store, journal_bytes, is_sound }) => (*store, journal_bytes, is_sound),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read_back() {
    for (clients, grants) in [(0, 0), (1, 0), (3, 10)] {
        let store = store(clients, grants);
        let bytes = whole(&store, 1_800_000_000);
        assert_eq!(bytes.iter().filter(|&&byte| byte == b'\n').count(), 1);
        assert_eq!(loaded(&bytes), (store, 0, true));
    }
}

#[test]
fn the_file_is_as_the_documentation_says() {
    let value: Value = serde_json::from_slice(&whole(&store(1, 1), 784_111_777)).unwrap();
    let members: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["accessTokens", "clients", "grants", "passwordKey", "refreshTokens", "savedAt", "version"];
    assert_eq!(members, expected);
    assert_eq!((&value["version"], &value["savedAt"]), (&json!(2), &json!("1994-11-06T08:49:37Z")));
    let client = &value["clients"]["client-0000000000000000"];
    assert_eq!((&client["authMethod"], &client["createdAt"]), (&json!("client_secret_post"), &json!(1_800_000_000)));
    let (key, token) = value["accessTokens"].as_object().unwrap().iter().next().unwrap();
    // printf 'access 0' | sha256sum
    assert_eq!(key, "sha256:b6a498dc5b8aed06d6b99f316fde65a37c869a39d04761c90b3b42c93ea95869");
    let grant = &value["grants"][token["grant"].as_str().unwrap()];
    assert_eq!((&grant["server"], &grant["scope"], &grant["username"]), (&json!("*"), &json!("mcp"), &json!("ada")));
    assert!(!value.to_string().contains("null"));
}

#[test]
fn changes_are_lines_behind_it() {
    let mut store = store(2, 2);
    let mut bytes = whole(&store, 0);
    let first = bytes.len();
    let (digest, grant) = (Digest::of("access 0"), GrantId::of_family(&1u128.to_be_bytes()));
    store.put(Entry::Access(digest, None));
    store.put(Entry::Access(Digest::of("new"), Some(AccessToken { grant, expires_at: 5 })));
    store.put(Entry::Client("client-0000000000000001".to_owned(), None));
    let line = change(&store, &store.clone().commit());
    let expected = json!({
        "clients": { "client-0000000000000001": null },
        "accessTokens": {
            Digest::of("new").to_string(): { "grant": grant.to_string(), "expiresAt": 5 },
            digest.to_string(): null,
        },
    });
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), expected);
    store.commit();
    bytes.extend_from_slice(&line);
    assert_eq!(loaded(&bytes), (store.clone(), bytes.len() - first, true));
    assert_eq!(compacted(&bytes, 7), Some(whole(&store, 7)));
    assert_eq!((compacted(b"", 7), compacted(b"{}", 7)), (None, None));
}

/// The machine stopped while a line was being written: nobody was told of it.
#[test]
fn a_file_that_is_cut_off_anywhere_loses_only_its_last_change() {
    let before = store(2, 3);
    let mut bytes = whole(&before, 0);
    let first = bytes.len();
    let mut after = before.clone();
    after.put(Entry::Client("client-0000000000000001".to_owned(), None));
    let line = change(&after, &after.clone().commit());
    after.commit();
    bytes.extend_from_slice(&line);
    for length in 0..=bytes.len() {
        let cut = load(&bytes[..length]);
        match length {
            _ if length < first - 1 => assert!(matches!(cut, Err(LoadError::Corrupt { .. })), "{length}: {cut:?}"),
            _ if length == first - 1 => assert_eq!(loaded(&bytes[..length]), (before.clone(), 0, false)),
            _ if length == bytes.len() => assert_eq!(loaded(&bytes), (after.clone(), line.len(), true)),
            _ => assert_eq!(loaded(&bytes[..length]), (before.clone(), 0, length == first), "{length}"),
        }
    }
}

#[test]
fn a_damaged_file_is_corrupt_and_its_words_are_not_repeated() {
    let good = String::from_utf8(whole(&store(1, 1), 0)).unwrap();
    for (text, line) in [
        (String::new(), 1),
        ("secret".to_owned(), 1),
        ("[]\n".to_owned(), 1),
        ("{\"foo\":\"secret\"}".to_owned(), 1),
        ("{\"version\":\"secret\"}".to_owned(), 1),
        ("{\"version\":2}\n".to_owned(), 1),
        (good.replace("sha256:", "secret:"), 1),
        (good.replace("client_secret_post", "secret"), 1),
        (good.replace("1800003600", "\"secret\""), 1),
        (format!("{good}{{\"clients\":{{\"secret\":7}}}}\n"), 2),
        (format!("{good}{{}}\nsecret\n{{}}\n"), 3),
        (format!("{good}{{\"grants\":\n"), 2),
    ] {
        let Err(error @ LoadError::Corrupt { line: found, .. }) = load(text.as_bytes()) else {
            panic!("{text}: {:?}", load(text.as_bytes()))
        };
        assert_eq!(found, line, "{text}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.to_string().starts_with(&format!("line {line}, column ")), "{error}");
    }
}

#[test]
fn a_newer_file_is_not_touched() {
    for text in ["{\"version\":3}\n", "{\n \"version\": 3,\n \"clients\": 7\n}", "{\"version\":99,\"clients\":{}}\nx\n"]
    {
        let Err(error @ LoadError::Newer { .. }) = load(text.as_bytes()) else { panic!("{text}") };
        assert!(error.to_string().contains("version") && error.to_string().contains("newer"), "{error}");
    }
}

/// Somebody has looked at it with an editor that formats.
#[test]
fn a_file_that_was_formatted_is_read_and_then_written_anew() {
    let store = store(2, 2);
    let value: Value = serde_json::from_slice(&whole(&store, 0)).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    assert_eq!(loaded(pretty.as_bytes()), (store.clone(), 0, false));
    assert_eq!(loaded(format!("{pretty}\n").as_bytes()), (store, 0, false));
}

/// 1,000 clients and 10,000 grants. The bounds are for release; a build for tests gets ten times as long.
#[test]
fn a_large_store_is_read_and_written_fast() {
    let mut large = store(1_000, 10_000);
    let start = Instant::now();
    let bytes = whole(&large, 0);
    let write = start.elapsed();
    let start = Instant::now();
    assert!(load(&bytes).is_ok());
    let read = start.elapsed();
    large.put(Entry::Access(Digest::of("access 0"), None));
    let before = large.clone().commit();
    let start = Instant::now();
    let line = change(&large, &before);
    let append = start.elapsed();
    println!("{} bytes: written in {write:?}, read in {read:?}; a line of {}: {append:?}", bytes.len(), line.len());
    let factor = if cfg!(debug_assertions) { 10 } else { 1 };
    assert!(read.as_millis() < 50 * factor && append.as_millis() < 5 * factor);
}
