//! `upstream::catalogue`: the list of tools is read page by page, and again when it has changed.

use mcp_proxy::limits::CATALOGUE_PAGES_MAX;
use mcp_proxy::upstream::catalogue::{Catalogue, Next};

fn page(names: &[&str], cursor: Option<&str>) -> String {
    let tools: Vec<String> = names.iter().map(|name| format!("{{\"name\":\"{name}\",\"inputSchema\":{{}}}}")).collect();
    let cursor = cursor.map(|cursor| format!(",\"nextCursor\":\"{cursor}\"")).unwrap_or_default();
    format!("{{\"tools\":[{}]{cursor},\"_meta\":{{}}}}", tools.join(","))
}

fn complete(names: &[&str]) -> Result<Next, String> {
    Ok(Next::Complete {
        new: names.iter().map(|name| (*name).to_owned()).collect(),
        is_update: false,
        is_another: false,
    })
}

fn updated(names: &[&str]) -> Result<Next, String> {
    Ok(Next::Complete {
        new: names.iter().map(|name| (*name).to_owned()).collect(),
        is_update: true,
        is_another: false,
    })
}

fn next(cursor: &str) -> Result<Next, String> {
    Ok(Next::Page(Some(cursor.to_owned())))
}

#[test]
fn pages_are_joined() {
    let mut catalogue = Catalogue::default();
    assert!(catalogue.on_stale());
    assert_eq!(catalogue.on_page(&page(&["a", "b"], Some("2"))), next("2"));
    assert!(catalogue.tools().is_empty(), "half a list is none");
    assert_eq!(catalogue.on_page(&page(&[], Some(""))), next(""), "an empty cursor is a cursor");
    assert_eq!(catalogue.on_page(&page(&["c"], None)), complete(&["a", "b", "c"]));
    assert_eq!(catalogue.tools(), ["a", "b", "c"]);
}

#[test]
fn only_new_tools_are_told() {
    let mut catalogue = Catalogue::default();
    catalogue.on_stale();
    catalogue.on_page(&page(&["a", "b"], None)).unwrap();
    assert!(catalogue.on_stale());
    assert_eq!(catalogue.on_page(&page(&["c", "b"], None)), updated(&["c"]));
    assert_eq!(catalogue.tools(), ["c", "b"]);
    assert!(catalogue.on_stale());
    assert_eq!(catalogue.on_page("{}"), updated(&[]));
    assert!(catalogue.tools().is_empty());
}

#[test]
fn a_list_that_changes_while_it_is_read_is_read_again() {
    let mut catalogue = Catalogue::default();
    assert!(catalogue.on_stale());
    assert!(!catalogue.on_stale(), "it is being read");
    assert!(!catalogue.on_stale());
    assert_eq!(catalogue.on_page(&page(&["old"], Some("2"))), Ok(Next::Page(None)));
    assert_eq!(catalogue.on_page(&page(&["new"], None)), complete(&["new"]));
}

#[test]
fn a_list_without_an_end_is_cut_off() {
    let mut catalogue = Catalogue::default();
    catalogue.on_stale();
    for _ in 1..CATALOGUE_PAGES_MAX {
        assert_eq!(catalogue.on_page(&page(&["a"], Some("more"))), next("more"));
    }
    assert!(matches!(catalogue.on_page(&page(&["a"], Some("more"))), Ok(Next::Complete { .. })));
    assert_eq!(catalogue.tools().len(), CATALOGUE_PAGES_MAX);
    assert!(catalogue.on_stale(), "the reading is over");
}

#[test]
fn what_is_no_list_ends_the_reading_and_leaves_the_old_one() {
    for result in ["", "null", "[]", "{\"tools\":null}", "{\"tools\":[{}]}", "{\"tools\":[{\"name\":7}]}"] {
        let mut catalogue = Catalogue::default();
        catalogue.on_stale();
        catalogue.on_page(&page(&["a"], None)).unwrap();
        catalogue.on_stale();
        assert!(catalogue.on_page(result).is_err(), "{result}");
        assert_eq!(catalogue.tools(), ["a"]);
        assert!(catalogue.on_stale(), "it can be read again");
    }
}

#[test]
fn a_page_that_nobody_asked_for_is_refused() {
    let mut catalogue = Catalogue::default();
    assert!(catalogue.on_page(&page(&["a"], None)).is_err());
    assert!(catalogue.tools().is_empty());
}

#[test]
fn a_refusal_ends_the_reading() {
    let mut catalogue = Catalogue::default();
    catalogue.on_stale();
    catalogue.on_refused();
    assert!(catalogue.on_page(&page(&["a"], None)).is_err());
    assert!(catalogue.on_stale());
}

#[test]
fn the_first_list_of_a_new_link_is_no_update() {
    let mut catalogue = Catalogue::default();
    catalogue.on_stale();
    assert_eq!(catalogue.on_page(&page(&["a"], None)), complete(&["a"]));
    catalogue.on_stale();
    catalogue.on_gone();
    assert!(catalogue.on_stale(), "nothing is being read any more");
    let another = Ok(Next::Complete { new: vec!["b".to_owned()], is_update: false, is_another: true });
    assert_eq!(catalogue.on_page(&page(&["a", "b"], None)), another, "what it had is remembered");
    catalogue.on_stale();
    assert_eq!(catalogue.on_page(&page(&["a"], None)), updated(&[]));
}

const REGION: &str = r#""properties":{"region":{"type":"string","x-mcp-header":"Region"}}"#;
const FAULTY: &str = r#""properties":{"region":{"type":"number","x-mcp-header":"Region"}}"#;

fn with_schemas(schemas: &[(&str, &str)]) -> String {
    let tool = |(name, schema): &(&str, &str)| format!("{{\"name\":\"{name}\",\"inputSchema\":{{{schema}}}}}");
    format!("{{\"tools\":[{}]}}", schemas.iter().map(tool).collect::<Vec<_>>().join(","))
}

#[test]
fn parameters_that_are_repeated_in_headers_are_remembered() {
    let mut catalogue = Catalogue::default();
    catalogue.on_stale();
    catalogue.on_page(&with_schemas(&[("a", REGION), ("b", ""), ("c", FAULTY)])).unwrap();
    let headers = catalogue.headers("a").expect("headers");
    assert_eq!(headers.params(Some(r#"{"region":"x"}"#)), [("Mcp-Param-Region".to_owned(), "x".to_owned())]);
    assert!(catalogue.headers("b").is_none() && catalogue.headers("c").is_none() && catalogue.headers("d").is_none());
    assert_eq!(catalogue.tools(), ["a", "b", "c"], "what is wrong with the last one is nobody's business here");
    catalogue.on_stale();
    catalogue.on_page(&page(&["a"], None)).unwrap();
    assert!(catalogue.headers("a").is_none(), "it has changed");
}

#[test]
fn tools_whose_header_parameters_are_invalid_are_left_out_where_that_matters() {
    let mut catalogue = Catalogue::default();
    catalogue.on_link(true);
    catalogue.on_stale();
    catalogue.on_page(&with_schemas(&[("bad", FAULTY), ("good", REGION)])).unwrap();
    assert_eq!(catalogue.tools(), ["good"]);
    let faults = catalogue.take_faults();
    assert!(faults.len() == 1 && faults[0].starts_with("bad: \"region\" has an x-mcp-header"), "{faults:?}");
    assert!(catalogue.take_faults().is_empty());
}
