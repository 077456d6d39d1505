//! `upstream::changes`: one listen at a time, and nothing missed between two.

use std::collections::BTreeSet;

use mcp_proxy::mcp::listen_filter::{ListenFilter, Lists};
use mcp_proxy::upstream::changes::{Acknowledged, Agreement, Changes, id, number};

fn filter(uris: &[&str]) -> ListenFilter {
    let lists = Lists { tools: true, ..Lists::default() };
    ListenFilter { lists, uris: uris.iter().map(|uri| (*uri).into()).collect::<BTreeSet<Box<str>>>() }
}

/// One that was asked for these, and granted all.
fn open(uris: &[&str]) -> Changes {
    let mut changes = Changes::default();
    assert_eq!(changes.want(filter(uris)), Some(1));
    let acknowledged = Acknowledged { replaced: None, was_deaf: false };
    assert_eq!(changes.on_acknowledged(1, filter(uris)), Some(acknowledged));
    changes
}

#[test]
fn what_is_wanted_is_asked_for_once() {
    let mut changes = Changes::default();
    assert_eq!(changes.want(ListenFilter::default()), None);
    assert_eq!(changes.request(), None);
    assert_eq!(changes.want(filter(&["a"])), Some(1));
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
    assert_eq!(changes.want(filter(&["a", "b"])), Some(2));
    assert!(changes.is_current(1));
    assert_eq!(changes.agreement("b"), Agreement::Open);
    assert_eq!(changes.want(filter(&["c"])), None, "one after the other");
    assert!(changes.is_behind());
    let acknowledged = Acknowledged { replaced: Some(1), was_deaf: false };
    assert_eq!(changes.on_acknowledged(2, filter(&["a"])), Some(acknowledged));
    assert_eq!((changes.agreement("a"), changes.agreement("b")), (Agreement::Granted, Agreement::Refused));
    assert_eq!(changes.want(filter(&["c"])), Some(3));
    assert!(!changes.is_behind());
}

#[test]
fn one_that_is_over_is_begun_anew_after_a_while() {
    let mut changes = open(&["a"]);
    let first = changes.on_over(1, false).expect("a pause");
    assert_eq!(changes.on_over(1, false), None, "it is over already");
    assert_eq!(changes.retry(), Some(2));
    assert_eq!(changes.retry(), None);
    let second = changes.on_over(2, false).expect("a pause");
    assert!(second > first);
    assert_eq!(changes.retry(), Some(3));
    let acknowledged = Acknowledged { replaced: None, was_deaf: true };
    assert_eq!(changes.on_acknowledged(3, filter(&["a"])), Some(acknowledged));
}

#[test]
fn what_is_refused_is_not_asked_for_again() {
    let mut changes = Changes::default();
    changes.want(filter(&["a"]));
    assert_eq!(changes.on_over(1, true), None);
    assert_eq!(
        (changes.agreement("a"), changes.retry(), changes.want(filter(&["b"]))),
        (Agreement::Refused, None, None)
    );
}

#[test]
fn acknowledgements_of_something_else_mean_nothing() {
    let mut changes = open(&["a"]);
    assert_eq!(changes.on_acknowledged(1, filter(&[])), None);
    assert_eq!(changes.on_acknowledged(7, filter(&[])), None);
    assert_eq!(changes.on_over(7, true), None);
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
    assert!(!changes.is_behind());
    assert_eq!(changes.want(filter(&["a", "c"])), Some(2));
}
