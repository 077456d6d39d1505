//! `oauth::store::sweep`: what goes, and what stays.

use mcp_proxy::config::password::Password;
use mcp_proxy::limits::CLIENTS_MAX;
use mcp_proxy::oauth::password::{self, Fingerprint};
use mcp_proxy::oauth::secret::{Digest, GrantId};
use mcp_proxy::oauth::store::record::{AccessToken, Audience, AuthMethod, Client, Grant, RefreshToken};
use mcp_proxy::oauth::store::{Entry, Store};

use crate::support::oauth::{ADA_HASH, random};

const NOW: u64 = 1_000_000;

fn fingerprint() -> Fingerprint {
    password::fingerprint(&[0; 32])("ada", &Password::parse(ADA_HASH).unwrap())
}

fn put_client(store: &mut Store, id: &str, created_at: u64, last_used_at: Option<u64>) {
    let client = Client {
        redirect_uris: Vec::new(),
        auth_method: AuthMethod::None,
        secret_hash: None,
        grant_types: Vec::new(),
        name: String::new(),
        created_at,
        last_used_at,
    };
    store.put(Entry::Client(id.to_owned(), Some(client)));
}

fn put_grant(store: &mut Store, number: u8, client_id: &str, revoked: bool) -> GrantId {
    let id = GrantId::of_family(&[number; 16]);
    let grant = Grant {
        client_id: client_id.to_owned(),
        username: format!("user {number}"),
        password_fingerprint: fingerprint(),
        server: Audience::Every,
        scope: "mcp".to_owned(),
        created_at: 1,
        revoked,
    };
    store.put(Entry::Grant(id, Some(grant)));
    id
}

fn put_access(store: &mut Store, name: &str, grant: GrantId, expires_at: u64) {
    store.put(Entry::Access(Digest::of(name), Some(AccessToken { grant, expires_at })));
}

fn put_refresh(store: &mut Store, name: &str, grant: GrantId, expires_at: u64, rotated_at: Option<u64>) {
    let token = RefreshToken { grant, expires_at, rotated_at, retries: 0 };
    store.put(Entry::Refresh(Digest::of(name), Some(token)));
}

#[test]
fn tokens_go_when_their_time_or_their_grant_is_over() {
    let mut store = Store::new(&mut random(1));
    put_client(&mut store, "c", 1, Some(1));
    let alive = put_grant(&mut store, 1, "c", false);
    let revoked = put_grant(&mut store, 2, "c", true);
    let orphan = put_grant(&mut store, 3, "gone", false);
    let dead = put_grant(&mut store, 4, "c", false);
    let empty = put_grant(&mut store, 5, "c", false);
    for (name, grant) in [("alive", alive), ("revoked", revoked), ("orphan", orphan), ("dead", dead)] {
        put_access(&mut store, name, grant, NOW + 1);
        put_refresh(&mut store, name, grant, NOW + 1, None);
    }
    put_access(&mut store, "nobody's", GrantId::of_family(&[9; 16]), NOW + 1);
    put_access(&mut store, "expired", alive, NOW);
    put_refresh(&mut store, "expired", alive, NOW, None);
    put_refresh(&mut store, "in grace", alive, NOW + 1, Some(NOW - 120));
    put_refresh(&mut store, "out of grace", alive, NOW + 1, Some(NOW - 121));
    put_refresh(&mut store, "absurd", alive, u64::MAX, Some(u64::MAX));
    store.commit();
    store.sweep(|grant| grant.username != "user 4", 120, NOW);
    assert_eq!(store.census(), [1, 1, 1, 3]);
    assert!(store.grant(alive).is_some() && store.grant(empty).is_none());
}

#[test]
fn clients_go_when_they_were_never_used_for_a_day() {
    let mut store = Store::new(&mut random(1));
    put_client(&mut store, "new", NOW - 86_399, None);
    put_client(&mut store, "old", NOW - 86_400, None);
    put_client(&mut store, "used", 1, Some(1));
    put_client(&mut store, "in use", 1, None);
    put_client(&mut store, "absurd", u64::MAX, None);
    let grant = put_grant(&mut store, 1, "in use", false);
    put_access(&mut store, "a", grant, NOW + 1);
    store.commit();
    store.sweep(|_| true, 120, NOW);
    let left = ["new", "old", "used", "in use", "absurd"].map(|id| store.client(id).is_some());
    assert_eq!(left, [true, false, true, true, true]);
}

#[test]
fn room_is_made_by_the_client_that_was_idle_longest() {
    let mut store = Store::new(&mut random(1));
    put_client(&mut store, "living", 1, Some(1));
    put_client(&mut store, "dead", 1, Some(3));
    put_client(&mut store, "unused", 2, None);
    put_grant(&mut store, 1, "living", false);
    put_grant(&mut store, 2, "dead", true);
    assert!(store.make_room(|_| true, NOW));
    for index in 3..CLIENTS_MAX {
        put_client(&mut store, &format!("new {index}"), NOW - 599, None);
    }
    let is_there = |store: &Store, id: &str| store.client(id).is_some();
    assert!(store.make_room(|_| true, NOW) && !is_there(&store, "unused") && is_there(&store, "dead"));
    put_client(&mut store, "another", NOW, None);
    assert!(store.make_room(|_| true, NOW) && !is_there(&store, "dead"));
    put_client(&mut store, "one more", NOW, None);
    assert!(!store.make_room(|_| true, NOW) && is_there(&store, "living"));
    assert!(store.make_room(|_| false, NOW) && !is_there(&store, "living"), "its user has gone");
}
