//! The configuration as typed, with its places.

use mcp_proxy::config::keys::{Section, UNSUPPORTED};
use mcp_proxy::config::raw::{self, Raw};
use mcp_proxy::config::report::{Problem, Report};
use mcp_proxy::config::source::{Position, Source};

fn read(text: &str) -> (Raw, Vec<Problem>) {
    let source = Source::new("c.json", text);
    let mut report = Report::default();
    let raw = raw::read(&source, false, &mut report);
    (raw, report.finish(&source).err().map(|problems| problems.0).unwrap_or_default())
}

#[test]
fn positions_count_from_one_and_in_characters() {
    let source = Source::new("c.json", "a\u{e9}b\r\n\u{1f600}c\n");
    let at = |offset| {
        let Position { line, column } = source.position(offset);
        (line, column)
    };
    assert_eq!(at(0), (1, 1));
    assert_eq!(at(3), (1, 3));
    assert_eq!(at(6), (2, 1));
    assert_eq!(at(10), (2, 2));
    assert_eq!(at(12), (3, 1));
    assert_eq!(at(1_000), (3, 1));
    assert_eq!(source.offset(1, 1), 0);
    assert_eq!(source.offset(2, 5), 10);
    assert_eq!(source.offset(2, 0), 6);
    assert_eq!(source.offset(9, 9), 12);
}

#[test]
fn every_value_keeps_its_place() {
    let text =
        "{ // x\n  \"mcpServers\": {\n    \"a\": { \"args\": [\"\u{e9}\", \"z\"], \"env\": {\"K\": \"V\"} },\n  },\n}";
    let (raw, problems) = read(text);
    assert_eq!(problems, []);
    let server = &raw.servers.value().expect("servers")[0];
    let arg = &server.args.value().expect("args")[1];
    assert_eq!((arg.value.as_str(), arg.place.path.as_str()), ("z", "mcpServers.a.args[1]"));
    assert!(text[arg.place.offset..].starts_with("\"z\""));
    assert_eq!(server.name.place.path, "mcpServers.a");
    assert!(text[server.name.place.offset..].starts_with("\"a\""));
    let (key, value) = &server.env.value().expect("env")[0];
    assert_eq!((value.value.as_str(), value.place.path.as_str()), ("V", "mcpServers.a.env.K"));
    assert!(text[key.place.offset..].starts_with("\"K\""));
}

#[test]
fn null_means_absent_as_in_the_reference() {
    let (raw, problems) = read(
        r#"{ "mcpProxy": null, "mcpServers": { "a": {
        "command": "x", "args": null, "env": null, "options": null, "transportType": null } } }"#,
    );
    assert_eq!(problems, []);
    assert!(raw.servers.value().expect("servers")[0].args.given().is_none());
    assert_eq!(read(r#"{ "mcpProxy": null, "server": {}, "clients": null }"#).1, []);
    let options =
        r#"{ "mcpProxy": { "options": { "panicIfInvalid": null, "authTokens": null, "requestTimeout": null } } }"#;
    assert_eq!(read(options).1, []);
}

const SECTIONS: [Section; 9] = [
    Section::Top,
    Section::Proxy,
    Section::Server,
    Section::Options,
    Section::ToolFilter,
    Section::OAuth,
    Section::OldServer,
    Section::OldClient,
    Section::OldConfig,
];

fn document(section: Section, key: &str) -> String {
    match section {
        Section::Top => format!("{{\"{key}\": null}}"),
        Section::Proxy => format!("{{\"mcpProxy\": {{\"{key}\": null}}}}"),
        Section::Server => format!("{{\"mcpServers\": {{\"a\": {{\"{key}\": null}}}}}}"),
        Section::Options => format!("{{\"mcpProxy\": {{\"options\": {{\"{key}\": null}}}}}}"),
        Section::ToolFilter => {
            format!("{{\"mcpProxy\": {{\"options\": {{\"toolFilter\": {{\"{key}\": null}}}}}}}}")
        }
        Section::OAuth => {
            format!("{{\"mcpProxy\": {{\"options\": {{\"oauth2\": {{\"{key}\": null}}}}}}}}")
        }
        Section::OldServer => format!("{{\"server\": {{\"{key}\": null}}}}"),
        Section::OldClient => format!("{{\"clients\": {{\"a\": {{\"{key}\": null}}}}}}"),
        Section::OldConfig => format!("{{\"clients\": {{\"a\": {{\"config\": {{\"{key}\": null}}}}}}}}"),
    }
}

#[test]
fn the_list_of_known_keys_is_the_list_of_keys_that_are_read() {
    for section in SECTIONS {
        for key in section.keys() {
            let (_, problems) = read(&document(section, key));
            assert!(problems.iter().all(|problem| !problem.what.starts_with("there is no")), "{section:?} {key}");
        }
        let (_, problems) = read(&document(section, "frobnicate"));
        assert!(problems[0].what.starts_with("there is no \"frobnicate\""), "{section:?}");
        assert_eq!(problems[0].advice, format!("Known here: {}", section.keys().join(", ")));
    }
}

#[test]
fn an_unsupported_key_is_not_also_a_known_one() {
    for entry in UNSUPPORTED {
        for section in SECTIONS {
            assert!(!section.keys().contains(&entry.key), "{}", entry.key);
        }
    }
}

#[test]
fn a_broken_file_is_one_problem() {
    for text in
        ["", "{", "{\"a\" 1}", "[1,,]", "\u{feff}", "\"", "/*", "{\"mcpServers\":\"\\x\"}", "\u{1f600}", "{}}", "nul"]
    {
        let (_, problems) = read(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(read(&deep).1.len(), 1);
}

#[test]
fn a_mistake_behind_a_character_of_several_bytes() {
    let (_, problems) = read("{\"a\": \"\u{e9}\u{e9}\t\"}");
    assert_eq!((problems.len(), problems[0].position), (1, Position { line: 1, column: 9 }), "{problems:?}");
    assert!(problems[0].what.contains("control character"), "{problems:?}");
}

#[test]
fn whatever_is_cut_off_is_refused_without_panic() {
    let text = concat!(
        "\u{feff}{ /* \u{e9} */ ",
        r#""mcpProxy": {"addr": ":1"}, "mcpServers": {"a": {"command": "\u00e9", "args": ["b",]}}}"#
    );
    assert_eq!(read(text).1, []);
    for (end, _) in text.char_indices() {
        let (_, problems) = read(&text[..end]);
        assert_eq!(problems.len(), 1, "{}", &text[..end]);
    }
}
