//! `mcp::listen_filter`: what is wanted, and what is granted of it.

use mcp_proxy::limits;
use mcp_proxy::mcp::listen_filter::{Changed, ListenFilter, Lists, acknowledged};

fn parse(notifications: &str) -> Result<ListenFilter, String> {
    ListenFilter::parse(Some(&format!(r#"{{"notifications":{notifications}}}"#)))
}

#[test]
fn what_is_not_named_is_not_wanted() {
    assert_eq!(parse("{}"), Ok(ListenFilter::default()));
    let filter =
        parse(r#"{"promptsListChanged":true,"toolsListChanged":false,"own":{},"resourceSubscriptions":["b","a","b"]}"#);
    let filter = filter.unwrap();
    assert_eq!(filter.lists, Lists { prompts: true, ..Lists::default() });
    assert_eq!(filter.uris.iter().map(|uri| &**uri).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for text in ["5", "null", r#"{"toolsListChanged":1}"#, r#"{"resourceSubscriptions":"x"}"#] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(ListenFilter::parse(None).is_err());
    assert!(ListenFilter::parse(Some("{}")).is_err());
    let long = format!(r#"{{"resourceSubscriptions":["{}"]}}"#, "x".repeat(limits::URI_BYTES_MAX + 1));
    assert!(parse(&long).is_err_and(|reason| reason.contains("8192")));
    let uris = |count: usize| (0..count).map(|at| format!("\"u:{at}\"")).collect::<Vec<_>>().join(",");
    let many = |count| parse(&format!("{{\"resourceSubscriptions\":[{}]}}", uris(count)));
    assert_eq!(many(limits::SESSION_SUBSCRIPTIONS_MAX).unwrap().uris.len(), limits::SESSION_SUBSCRIPTIONS_MAX);
    assert!(many(limits::SESSION_SUBSCRIPTIONS_MAX + 1).is_err_and(|reason| reason.contains("too many resources")));
}

#[test]
fn what_is_granted() {
    let all = Lists { tools: true, prompts: true, resources: true };
    let some = Lists { tools: true, resources: true, ..Lists::default() };
    assert_eq!(all.and(some), some);
    assert!(some.has(Changed::Tools) && some.has(Changed::Resources) && !some.has(Changed::Prompts));
    let granted = acknowledged(some, ["a", "\""].into_iter());
    assert_eq!(granted, r#"{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a","\""]}"#);
    assert_eq!(acknowledged(Lists::default(), std::iter::empty()), "{}");
    for list in [Changed::Tools, Changed::Prompts, Changed::Resources] {
        assert!(list.method().ends_with("/list_changed"));
    }
}
