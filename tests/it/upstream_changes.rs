//! `upstream::changes`: one listen at a time, and nothing missed between two.

use std::collections::BTreeSet;

use mcp_proxy::mcp::listen_filter::{ListenFilter, Lists};
use mcp_proxy::upstream::changes::{Acknowledged, Agreement, Changes, Over, Step, id, number};

fn filter(uris: &[&str]) -> ListenFilter {
    let lists = Lists { tools: true, ..Lists::default() };
    ListenFilter { lists, uris: uris.iter().map(|uri| (*uri).into()).collect::<BTreeSet<Box<str>>>() }
}

/// One that was asked for these, and granted all.
fn open(uris: &[&str]) -> Changes {
    let mut changes = Changes::default();
    assert_eq!(changes.want(filter(uris)), Some(Step::Begin(1)));
    let acknowledged = Acknowledged { replaced: None, was_deaf: false };
    assert_eq!(changes.on_acknowledged(1, filter(uris)), Some(acknowledged));
    changes
}

#[test]
fn what_is_wanted_is_asked_for_once() {
    let mut changes = Changes::default();
    assert_eq!(changes.want(ListenFilter::default()), None);
    assert_eq!(changes.request(), None);
    assert_eq!(changes.want(filter(&["a"])), Some(Step::Begin(1)));
    let expected = concat!(
        r#"{"jsonrpc":"2.0","id":"mcp-proxy:subscriptions/listen:1","method":"subscriptions/listen","params":"#,
        r#"{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a"]}}}"#
    );
    assert_eq!(changes.request().as_deref(), Some(expected));
    assert_eq!(changes.want(filter(&["a"])), None);
    assert_eq!(changes.agreement("a"), Agreement::Open);
    assert!(!changes.is_current(1));
    changes.on_acknowledged(1, filter(&["a"]));
    assert!(changes.is_current(1) && !changes.is_current(2));
    assert_eq!(changes.want(filter(&["a"])), None);
    assert_eq!(changes.granted().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn another_wish_takes_its_place_once_it_is_acknowledged() {
    let mut changes = open(&["a"]);
    assert_eq!(changes.want(filter(&["a", "b"])), Some(Step::Begin(2)));
    assert!(changes.is_current(1));
    assert_eq!(changes.agreement("b"), Agreement::Open);
    assert_eq!(changes.want(filter(&["c"])), None, "one after the other");
    let acknowledged = Acknowledged { replaced: Some(1), was_deaf: false };
    assert_eq!(changes.on_acknowledged(2, filter(&["a"])), Some(acknowledged));
    assert_eq!((changes.agreement("a"), changes.agreement("b")), (Agreement::Granted, Agreement::Refused));
    assert_eq!(changes.step(), Some(Step::Begin(3)));
}

#[test]
fn one_that_is_over_is_begun_anew_after_a_while() {
    let mut changes = open(&["a"]);
    let first = changes.on_over(1, Over::Lost).expect("a pause");
    assert_eq!(changes.on_over(1, Over::Lost), None, "it is over already");
    assert_eq!(changes.step(), Some(Step::Begin(2)));
    assert_eq!(changes.step(), None);
    let second = changes.on_over(2, Over::Lost).expect("a pause");
    assert!(second > first);
    assert_eq!(changes.step(), Some(Step::Begin(3)));
    let acknowledged = Acknowledged { replaced: None, was_deaf: true };
    assert_eq!(changes.on_acknowledged(3, filter(&["a"])), Some(acknowledged));
}

#[test]
fn one_that_is_lost_before_it_was_acknowledged_is_tried_again_beside_the_old_one() {
    let mut changes = open(&["a"]);
    changes.want(filter(&["a", "b"]));
    assert!(changes.is_next(2) && changes.on_over(2, Over::Lost).is_some());
    assert_eq!((changes.agreement("a"), changes.agreement("b")), (Agreement::Granted, Agreement::Open));
    assert_eq!(changes.step(), Some(Step::Begin(3)));
    let acknowledged = Acknowledged { replaced: Some(1), was_deaf: false };
    assert_eq!(changes.on_acknowledged(3, filter(&["a", "b"])), Some(acknowledged));
}

#[test]
fn a_link_that_is_not_the_first_begins_deaf() {
    let mut changes = Changes::new(true);
    changes.want(filter(&["a"]));
    let acknowledged = Acknowledged { replaced: None, was_deaf: true };
    assert_eq!(changes.on_acknowledged(1, filter(&["a"])), Some(acknowledged));
}

#[test]
fn nothing_is_wanted_any_more() {
    let mut changes = open(&["a"]);
    assert_eq!(changes.want(ListenFilter::default()), Some(Step::End(1)));
    assert_eq!((changes.step(), changes.is_current(1)), (None, false));
    let mut changes = open(&["a"]);
    changes.want(filter(&["a", "b"]));
    assert_eq!(changes.want(ListenFilter::default()), None, "one after the other");
    changes.on_acknowledged(2, filter(&["a", "b"]));
    assert_eq!(changes.step(), Some(Step::End(2)));
}

#[test]
fn who_knows_no_such_thing_is_not_asked_again() {
    let mut changes = Changes::default();
    changes.want(filter(&["a"]));
    assert_eq!(changes.on_over(1, Over::Unknown), None);
    assert_eq!(
        (changes.agreement("a"), changes.step(), changes.want(filter(&["b"]))),
        (Agreement::Refused, None, None)
    );
}

#[test]
fn one_bad_resource_spoils_it_for_no_other() {
    let mut changes = open(&["a"]);
    changes.want(filter(&["a", "bad"]));
    assert!(changes.on_over(2, Over::Refused).is_some());
    assert_eq!((changes.agreement("a"), changes.agreement("bad")), (Agreement::Granted, Agreement::Refused));
    assert_eq!(changes.step(), None, "the old one is all that can be had");
    assert_eq!(changes.want(filter(&["a", "bad", "b"])), Some(Step::Begin(3)));
    assert!(!changes.request().unwrap().contains("bad"));
    changes.on_acknowledged(3, filter(&["a", "b"]));
    // Who has given it up may try again.
    assert_eq!(changes.want(filter(&["a", "b"])), None);
    assert_eq!(changes.want(filter(&["a", "b", "bad"])), Some(Step::Begin(4)));
}

#[test]
fn if_nothing_is_new_all_of_it_is_refused() {
    let mut changes = open(&[]);
    changes.on_over(1, Over::Lost);
    changes.step();
    assert_eq!(changes.on_over(2, Over::Refused), None);
    assert_eq!((changes.step(), changes.agreement("a")), (None, Agreement::Refused));
}

#[test]
fn acknowledgements_of_something_else_mean_nothing() {
    let mut changes = open(&["a"]);
    assert_eq!(changes.on_acknowledged(1, filter(&[])), None);
    assert_eq!(changes.on_acknowledged(7, filter(&[])), None);
    assert_eq!(changes.on_over(7, Over::Unknown), None);
    assert_eq!(changes.agreement("a"), Agreement::Granted);
}

#[test]
fn ids() {
    assert_eq!(number(&id(17)), Some(17));
    for other in ["17", "\"mcp-proxy:tools/list\"", "\"mcp-proxy:subscriptions/listen:\"", "\"\"", "null"] {
        assert_eq!(number(other), None, "{other}");
    }
}

#[test]
fn for_less_nothing_is_begun() {
    let mut changes = open(&["a", "b"]);
    assert_eq!(changes.want(filter(&["a"])), None);
    assert_eq!(changes.want(filter(&["a", "c"])), Some(Step::Begin(2)));
}
