//! Environment variables in the configuration.

use mcp_proxy::config::expand::{Fault, expand};
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};

/// The environment of these tests.
fn variable(name: &str) -> Option<String> {
    let value = match name {
        "A" | "_a1" => "x",
        "EMPTY" => "",
        "HOSTILE" => "\", \"k\": ${A} $A \\ \n",
        "TOKEN" => "s3cr3t/path",
        "a-b" | "1" => "odd",
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn what_is_a_variable_is_what_go_says() {
    for (text, expanded) in [
        ("", ""),
        ("plain", "plain"),
        ("$A", "x"),
        ("${A}", "x"),
        ("$A$A-${A}b", "xx-xb"),
        ("$_a1.", "x."),
        ("é$A é", "éx é"),
        ("$EMPTY${EMPTY}", ""),
        ("${a-b}", "odd"),
        ("a$", "a$"),
        ("$ $. $/ $% $é", "$ $. $/ $% $é"),
        ("$(pwd) $'x'", "$(pwd) $'x'"),
        ("$HOSTILE", "\", \"k\": ${A} $A \\ \n"),
    ] {
        assert_eq!(expand(text, &variable).as_deref(), Ok(expanded), "{text}");
    }
}

#[test]
fn a_default_is_for_what_is_unset_or_empty() {
    for (text, expanded) in [
        ("${A:-d}", "x"),
        ("${EMPTY:-d}", "d"),
        ("${UNSET:-d}", "d"),
        ("${UNSET:-}", ""),
        ("${UNSET:-$A}", "$A"),
        ("${UNSET:-a:-b}", "a:-b"),
        ("${UNSET:-${A}}", "${A}"),
        ("${DOLLAR:-$}A", "$A"),
        ("${1:-d}", "odd"),
    ] {
        assert_eq!(expand(text, &variable).as_deref(), Ok(expanded), "{text}");
    }
}

#[test]
fn what_go_replaces_by_nothing_is_a_fault() {
    let unset = |name: &str| Fault::Unset(name.to_owned());
    for (text, faults) in [
        ("$UNSET", vec![unset("UNSET")]),
        ("${UNSET} $A $B-$UNSET", vec![unset("UNSET"), unset("B"), unset("UNSET")]),
        ("$Aé ${ A}", vec![unset(" A")]),
        ("${}", vec![Fault::Nameless]),
        ("${:-d}", vec![Fault::Nameless]),
        ("${A", vec![Fault::Unclosed]),
        ("${", vec![Fault::Unclosed]),
        ("$$", vec![Fault::Shell('$')]),
        ("$1x ${?} $@", vec![Fault::Shell('1'), Fault::Shell('?'), Fault::Shell('@')]),
        ("${${A}}", vec![unset("${A")]),
    ] {
        assert_eq!(expand(text, &variable), Err(faults), "{text}");
    }
}

#[track_caller]
fn loaded(text: &str) -> Config {
    let around = Around { variables: Some(&variable), ..Around::default() };
    load(&Source::new("config.json", text), &around).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_value_is_filled_in_and_no_key() {
    let config = loaded(
        r#"{ "mcpProxy": { "baseURL": "http://$A:${P:-1}", "addr": ":${P:-1}", "name": "$A", "version": "$A",
            "type": "${T:-sse}", "allowedOrigins": ["http://$A"], "allowedHosts": ["$A"],
            "options": { "authTokens": ["Bearer $A"], "startupTimeout": "${S:-1}s", "isolation": "${I:-session}" } },
        "mcpServers": {
            "a": { "command": "$A", "args": ["$HOSTILE"], "env": { "$A": "$A" }, "options": {
                "requestTimeout": "${S:-1}s", "toolFilter": { "mode": "${M:-block}", "list": ["$A"] } } },
            "b": { "url": "http://$A/$A", "transportType": "${T:-sse}", "headers": { "$A": "$A" },
                "timeout": "${S:-1}s" } } }"#,
    );
    assert_eq!((config.base_url.to_string(), config.addr.to_string()), ("http://x:1".into(), ":1".into()));
    assert_eq!((config.name.as_str(), config.version.as_str()), ("x", "x"));
    assert_eq!((config.allowed_origins, config.allowed_hosts), (vec!["http://x".to_owned()], vec!["x".to_owned()]));
    let [a, b] = &config.servers[..] else { panic!("two servers") };
    let command = a.target.command().expect("a command");
    let env = vec![("$A".to_owned(), "x".to_owned())];
    assert_eq!((command.program.as_str(), &command.env), ("x", &env));
    assert_eq!(command.args, ["\", \"k\": ${A} $A \\ \n"], "a value breaks nothing and is not filled in again");
    assert_eq!((a.auth_tokens.as_slice(), a.startup_time.as_secs()), (&["x".to_owned()][..], 1));
    assert_eq!((a.request_time.as_secs(), b.request_time.as_secs()), (1, 1));
    assert_eq!(a.tool_filter.as_ref().expect("a filter").names, ["x"]);
    let remote = b.target.remote().expect("a URL");
    assert_eq!((remote.url.to_string(), &remote.headers), ("http://x/x".into(), &env));
}

#[test]
fn nothing_is_filled_in_where_that_is_switched_off() {
    let text = r#"{ "mcpServers": { "a$A": { "command": "$A", "args": ["${UNSET} $$"] } } }"#;
    let config = load(&Source::new("config.json", text), &Around::default()).expect("a configuration");
    let command = config.servers[0].target.command().expect("a command");
    assert_eq!((command.program.as_str(), command.args[0].as_str()), ("$A", "${UNSET} $$"));
    assert_eq!(config.servers[0].name, "a$A");
}

#[test]
fn names_of_servers_are_filled_in_and_the_secret_in_them_is_not_shown() {
    let config = loaded(
        r#"{ "mcpServers": {
            "fetch/${TOKEN}": { "command": "x" },
            "time/$A": { "command": "x" },
            "time/${A}${A}": { "command": "x" },
            "$A": { "command": "x" }
        } }"#,
    );
    let names: Vec<(&str, &str)> =
        config.servers.iter().map(|server| (server.name.as_str(), server.label.as_str())).collect();
    assert_eq!(names, [("fetch/s3cr3t/path", "fetch/…"), ("time/x", "time/…"), ("time/xx", "time/…#2"), ("x", "…")]);
    assert!(config.servers.iter().all(|server| server.is_name_secret() && server.is_protected()));
    let around = Around { variables: Some(&variable), ..Around::default() };
    let twice = r#"{ "mcpServers": { "time/$A": { "command": "x" }, "time/x": { "command": "x" } } }"#;
    let problems = load(&Source::new("config.json", twice), &around).expect_err("a doubled name").0;
    assert_eq!((problems.len(), problems[0].path.as_str()), (1, "mcpServers[\"time/x\"]"));
}

#[test]
fn no_message_repeats_a_value() {
    let hostile = |_: &str| Some("hunter2 \u{1}/{".to_owned());
    let around = Around { variables: Some(&hostile), ..Around::default() };
    let text = r#"{ "mcpProxy": { "baseURL": "$S", "addr": "$S", "type": "$S", "allowedOrigins": ["$S"],
            "allowedHosts": ["$S"], "options": { "authTokens": ["$S"], "startupTimeout": "$S", "isolation": "$S" } },
        "mcpServers": {
            "$S": { "command": "$S", "args": ["$S"], "transportType": "$S" },
            "b/$S": { "url": "$S", "headers": { "X": "$S" }, "transportType": "$S", "timeout": "$S",
                "options": { "toolFilter": { "mode": "$S", "list": ["$S"] } } } } }"#;
    let problems = load(&Source::new("config.json", text), &around).expect_err("problems");
    assert_eq!(problems.0.len(), 16, "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

#[test]
fn an_empty_variable_does_not_open_a_server() {
    let around = Around { variables: Some(&variable), ..Around::default() };
    let text = r#"{ "mcpServers": { "a": { "command": "x", "options": { "authTokens": ["Bearer $EMPTY"] } } } }"#;
    let problems = load(&Source::new("config.json", text), &around).expect_err("a problem");
    assert!(problems.to_string().contains("is an empty token"), "{problems}");
}
