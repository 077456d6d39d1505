//! `base::id`: arenas whose ids find their own value or nothing.

use std::collections::HashMap;

use mcp_proxy::base::id::{Arena, ConnId, Id, StreamId};

use crate::support::wire::Cuts;

#[test]
fn an_id_outlives_its_value_and_finds_nothing() {
    let mut arena: Arena<ConnId, &str> = Arena::new();
    let first = arena.insert("first");
    assert_eq!(arena.get(first), Some(&"first"));
    assert_eq!(arena.remove(first), Some("first"));
    let second = arena.insert("second");
    assert_eq!(second.index(), first.index(), "the slot is used again");
    assert_ne!(second, first);
    assert_eq!(arena.get(first), None);
    assert_eq!(arena.get_mut(first), None);
    assert_eq!(arena.remove(first), None);
    assert!(!arena.is_live(first));
    assert_eq!(arena.get(second), Some(&"second"), "removing by the old id left it alone");
}

#[test]
fn an_id_from_nowhere_finds_nothing() {
    let mut arena: Arena<ConnId, u8> = Arena::new();
    let stray = ConnId::from_parts(1_000, 0);
    assert_eq!(arena.get(stray), None);
    assert_eq!(arena.remove(stray), None);
    let id = arena.insert(1);
    assert_eq!(arena.get(ConnId::from_parts(id.index(), id.generation() + 1)), None);
}

#[test]
fn ids_are_walked_in_the_order_of_their_slots() {
    let mut arena: Arena<ConnId, u8> = Arena::new();
    let ids: Vec<ConnId> = (0..4).map(|value| arena.insert(value)).collect();
    arena.remove(ids[1]);
    assert_eq!(arena.ids(), [ids[0], ids[2], ids[3]]);
    assert_eq!(arena.iter().map(|(_, value)| *value).collect::<Vec<u8>>(), [0, 2, 3]);
    assert_eq!(arena.len(), 3);
}

#[test]
fn it_does_what_a_map_would_do() {
    let mut rng = Cuts::new(2);
    let mut arena: Arena<StreamId, u64> = Arena::new();
    let mut model: HashMap<StreamId, u64> = HashMap::new();
    let mut ever: Vec<StreamId> = Vec::new();
    for step in 0..20_000 {
        if rng.below(2) == 0 || ever.is_empty() {
            let id = arena.insert(step);
            assert!(model.insert(id, step).is_none(), "an id was given out twice");
            ever.push(id);
        } else {
            let id = ever[rng.below(ever.len())];
            assert_eq!(arena.remove(id), model.remove(&id));
        }
        let id = ever[rng.below(ever.len())];
        assert_eq!(arena.get(id), model.get(&id));
        assert_eq!(arena.len(), model.len());
        assert_eq!(arena.is_empty(), model.is_empty());
    }
}

#[test]
fn an_id_says_what_it_is() {
    assert_eq!(format!("{:?}", ConnId::from_parts(3, 7)), "ConnId(3.7)");
}
