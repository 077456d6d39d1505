//! The tables of the README against the code: every flag, key and endpoint is there and no other, and examples work.

use std::collections::BTreeSet;
use std::ffi::OsString;

use mcp_proxy::cli::flags::FLAGS;
use mcp_proxy::cli::invocation;
use mcp_proxy::config::keys::Section;
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};
use mcp_proxy::proxy::Vitals;
use mcp_proxy::routes;

use crate::support::login;
use crate::support::playbook::Playbook;
use crate::support::requests::{Http, config};

const README: &str = include_str!("../../README.md");

/// Well-formed.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";

/// The rows of the table whose head begins with this word, as cells.
fn rows(head: &str) -> Vec<Vec<String>> {
    let start = format!("| {head} | ");
    let table = README.lines().skip_while(|line| !line.starts_with(&start)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// A cell that is one piece of code.
#[track_caller]
fn code(cell: &str) -> &str {
    let inner = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
    inner.filter(|inner| !inner.contains('`')).unwrap_or_else(|| panic!("no single piece of code: {cell}"))
}

/// What the table documents, each thing once.
#[track_caller]
fn documented(rows: &[Vec<String>]) -> BTreeSet<String> {
    let names: BTreeSet<String> = rows.iter().map(|row| code(&row[0]).to_owned()).collect();
    assert_eq!(names.len(), rows.len(), "something is documented twice");
    names
}

#[test]
fn every_flag_is_documented_and_every_example_is_understood() {
    let rows = rows("flag");
    assert_eq!(documented(&rows), FLAGS.map(|flag| format!("-{flag}")).into());
    for row in &rows {
        let arguments: Vec<OsString> = code(&row[2]).split(' ').map(OsString::from).collect();
        assert!(code(&row[2]).contains(code(&row[0])), "{row:?}");
        invocation::parse(arguments).unwrap_or_else(|error| panic!("{row:?}: {error}"));
    }
}

/// A configuration with this member at its place, and what else it needs there.
fn configuration(key: &str, member: &str) -> String {
    let server = |members: &str| format!(r#"{{ "mcpServers": {{ "a": {{ {members} }} }} }}"#);
    let command = r#""command": "x""#;
    let url = r#""url": "http://a/""#;
    match key {
        "mcpServers.NAME.command" | "mcpServers.NAME.url" if member.starts_with(r#""url""#) => {
            server(&format!(r#"{member}, "transportType": "auto""#))
        }
        "mcpServers.NAME.command" => server(member),
        "mcpServers.NAME.headers" | "mcpServers.NAME.timeout" | "mcpServers.NAME.transportType" => {
            server(&format!("{url}, {member}"))
        }
        // A configuration without any server is none.
        "mcpServers.NAME.options" => {
            format!(r#"{{ "mcpServers": {{ "a": {{ {command}, {member} }}, "b": {{ {command} }} }} }}"#)
        }
        "options.toolFilter.mode" => {
            server(&format!(r#"{command}, "options": {{ "toolFilter": {{ {member}, "list": ["x"] }} }}"#))
        }
        "options.toolFilter.list" => {
            server(&format!(r#"{command}, "options": {{ "toolFilter": {{ {member}, "mode": "allow" }} }}"#))
        }
        key if key.starts_with("options.oauth2.") => {
            let needed = [("enabled", r#""enabled": true"#), ("users", r#""users": { "me": "${HASH}" }"#)];
            let needed = needed.iter().filter(|(name, _)| !key.ends_with(name)).map(|(_, text)| format!("{text}, "));
            let oauth2 = needed.collect::<String>() + member;
            format!(
                r#"{{ "mcpProxy": {{ "baseURL": "https://a", "options": {{ "oauth2": {{ {oauth2} }} }} }},
                "mcpServers": {{ "a": {{ {command} }} }} }}"#
            )
        }
        key if key.starts_with("mcpProxy.") => {
            format!(r#"{{ "mcpProxy": {{ {member} }}, "mcpServers": {{ "a": {{ {command} }} }} }}"#)
        }
        key if key.starts_with("options.") => server(&format!(r#"{command}, "options": {{ {member} }}"#)),
        _ => server(&format!("{command}, {member}")),
    }
}

#[test]
fn every_key_is_documented_and_every_example_is_accepted() {
    let rows = rows("key");
    let sections = [
        ("mcpProxy", Section::Proxy),
        ("mcpServers.NAME", Section::Server),
        ("options", Section::Options),
        ("options.toolFilter", Section::ToolFilter),
        ("options.oauth2", Section::OAuth),
    ];
    let known =
        sections.iter().flat_map(|(home, section)| section.keys().iter().map(move |key| format!("{home}.{key}")));
    assert_eq!(documented(&rows), known.collect());
    let variable = |name: &str| Some(if name.ends_with("HASH") { HASH } else { "filled-in" }.to_owned());
    let around = Around { variables: Some(&variable), ..Around::default() };
    for row in &rows {
        let (key, member) = (code(&row[0]), code(&row[2]));
        assert!(member.starts_with(&format!("\"{}\":", key.rsplit('.').next().unwrap_or_default())), "{row:?}");
        let text = configuration(key, member);
        let config = load(&Source::new("README.md", text), &around).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(config.warnings.is_empty(), "{row:?}: {:?}", config.warnings);
    }
}

#[test]
fn every_endpoint_is_documented_with_its_methods() {
    let rows = rows("path");
    assert_eq!(documented(&rows), routes::paths().into_iter().collect());
    let mut play = login::play_with(login::config("\"metrics\": true, ", "", r#""oauth2": { "enabled": false }"#));
    for row in &rows {
        let path = code(&row[0]).replace("NAME", "demo");
        let answer = play.request("a", &Http::new("PUT", &path).body(""));
        assert_eq!(answer.head.status, 405, "{path}");
        let allowed = answer.head.header("allow").unwrap_or_default();
        let methods: Vec<&str> = allowed.split(", ").filter(|method| *method != "OPTIONS").collect();
        assert_eq!(row[1], methods.join(", "), "{path}");
    }
}

#[test]
fn every_metric_is_documented_with_its_labels() {
    let mut play = Playbook::with(Config { metrics: true, ..config(&["demo"]) });
    play.vitals.set(Vitals { resident_bytes: Some(1), open_fds: Some(1), dropped_log_lines: 0 });
    play.ready("demo");
    play.session("a");
    let page = play.request("a", &Http::new("GET", "/metrics")).body;
    let known = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let (mut documented, rows) = (BTreeSet::new(), rows("metric"));
    for row in &rows {
        for name in row[0].split(", ").map(code) {
            assert!(documented.insert(name), "{name} is documented twice");
            let label = |pair: &str| Some(pair.split_once("=\"")?.0.to_owned()).filter(|label| label != "le");
            let sample = page.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            let labels: Vec<String> = sample.split(['{', ',', '}']).filter_map(label).collect();
            assert_eq!(row[1].replace('`', ""), labels.join(", "), "{name}");
        }
    }
    assert_eq!(documented, known);
}
