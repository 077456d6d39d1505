//! `base::sequence`: numbers that go over the wire.

use std::collections::BTreeMap;

use mcp_proxy::base::sequence::{AskId, CallId, Number, Sequence, read};

#[test]
fn numbers_count_up_and_do_not_come_back() {
    let mut calls: Sequence<CallId, &str> = Sequence::new();
    let first = calls.insert("first");
    assert_eq!(calls.remove(first), Some("first"));
    let second = calls.insert("second");
    assert_eq!((first.number(), second.number()), (1, 2));
    assert_eq!(calls.get(first), None);
    assert_eq!(calls.remove(first), None);
    assert_eq!(calls.get_mut(second), Some(&mut "second"));
    assert_eq!(calls.len(), 1);
}

#[test]
fn values_are_walked_oldest_first() {
    let mut asks: Sequence<AskId, u8> = Sequence::new();
    let ids: Vec<AskId> = (0..5).map(|value| asks.insert(value)).collect();
    asks.remove(ids[2]);
    assert_eq!(asks.iter().map(|(_, value)| *value).collect::<Vec<u8>>(), [0, 1, 3, 4]);
    asks.iter_mut().for_each(|(_, value)| *value += 10);
    assert_eq!(asks.get(ids[4]), Some(&14));
}

#[test]
fn after_the_largest_number_the_free_ones_begin_again() {
    let largest = i32::MAX as u32;
    let mut calls: Sequence<CallId, u8> = Sequence::after(largest - 1);
    assert_eq!(calls.insert(0).number(), largest);
    let one = calls.insert(1);
    assert_eq!(one.number(), 1);
    let mut again: Sequence<CallId, u8> = Sequence::after(largest);
    let kept = again.insert(0);
    assert_eq!(kept.number(), 1);
    assert_eq!(again.insert(1).number(), 2, "a number in use is passed over");
}

/// Against the obvious: a map from numbers to values.
#[test]
fn whatever_the_order_in_which_values_leave_the_others_stay() {
    let mut calls: Sequence<CallId, u32> = Sequence::after(i32::MAX as u32 - 500);
    let mut expected = BTreeMap::new();
    let mut random = 1u32;
    for value in 0..5_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let id = calls.insert(value);
        assert_eq!(expected.insert(id, value), None, "the number is in use");
        // Long-lived ones stay, from others a few at a time leave from anywhere.
        for _ in 0..(random >> 28) % 3 {
            let at = (random >> 8) as usize % expected.len();
            let id = *expected.keys().nth(at).unwrap();
            if expected[&id] % 97 != 0 {
                assert_eq!(calls.remove(id), expected.remove(&id));
                assert_eq!((calls.get(id).copied(), calls.remove(id)), (None, None));
            }
        }
        assert_eq!(calls.len(), expected.len());
    }
    assert!(calls.iter().eq(expected.iter().map(|(id, value)| (*id, value))));
    for (id, value) in expected {
        assert_eq!((calls.get(id).copied(), calls.get_mut(id).copied()), (Some(value), Some(value)));
        assert_eq!(calls.remove(id), Some(value));
    }
    assert!(calls.is_empty() && calls.iter().next().is_none());
}

#[test]
fn only_numbers_of_ours_are_read() {
    assert_eq!(read::<CallId>("7").map(CallId::number), Some(7));
    assert_eq!(read::<CallId>("2147483647").map(CallId::number), Some(2_147_483_647));
    for foreign in ["0", "2147483648", "-1", "1.0", "1e2", "\"7\"", "", "null", "99999999999999999999"] {
        assert_eq!(read::<CallId>(foreign), None, "{foreign}");
    }
}
