//! Exit statuses, and which of the two outputs says what.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{self, Command, Output};

/// Runs the binary with a configuration of this text; `-config FILE` is added to the arguments.
fn run(text: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let name = format!("mcp-proxy-command-line-{}-{:x}.json", process::id(), fnv(text, arguments));
    let config: PathBuf = std::env::temp_dir().join(name);
    fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-proxy"));
    let Output { status, stdout, stderr } =
        command.args(arguments).arg("-config").arg(&config).env("COMMAND_LINE_TEST", "set").output().unwrap();
    fs::remove_file(&config).unwrap();
    let words = |bytes| String::from_utf8(bytes).unwrap().replace(config.to_str().unwrap(), "FILE");
    (status.code(), words(stdout), words(stderr))
}

/// Tells the files of tests that run at the same time apart.
fn fnv(text: &str, arguments: &[&str]) -> u64 {
    let bytes = text.bytes().chain(arguments.iter().flat_map(|argument| argument.bytes()));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

const GOOD: &str = r#"{ "mcpProxy": { "addr": "127.0.0.1:0", "name": "${COMMAND_LINE_TEST}" },
    "mcpServers": { "a.b": { "command": "no-such-program" } } }"#;

#[test]
fn a_check_starts_nothing_and_succeeds() {
    let (status, stdout, stderr) = run(GOOD, &["-check-config"]);
    assert_eq!((status, stdout.lines().next()), (Some(0), Some("Config OK: 1 MCP server(s) configured")), "{stderr}");
    assert!(stdout.contains("/a.b/mcp\n"), "{stdout}");
    assert!(
        stderr.starts_with("warning: FILE:2:21: mcpServers[\"a.b\"]: some clients refuse such a name\n"),
        "{stderr}"
    );
}

#[test]
fn what_is_wrong_is_status_2() {
    let bad = r#"{ "mcpServers": { "a": { "command": "$COMMAND_LINE_UNSET" } } }"#;
    for arguments in [&["-check-config"][..], &[], &["-print-client-config", "cursor"]] {
        let (status, stdout, stderr) = run(bad, arguments);
        assert_eq!((status, stdout.as_str()), (Some(2), ""));
        let expected = "FILE:1:37: mcpServers.a.command: the environment variable COMMAND_LINE_UNSET is not set\n";
        assert!(stderr.starts_with(expected), "{stderr}");
    }
    assert_eq!(run(bad, &["-check-config", "-expand-env=false"]).0, Some(0));
    assert_eq!(run(GOOD, &["-frobnicate"]).0, Some(2));
    let only_sse = r#"{ "mcpProxy": { "type": "sse" }, "mcpServers": { "a": { "command": "x" } } }"#;
    assert_eq!(run(only_sse, &["-print-client-config", "codex"]).0, Some(2));
}

#[test]
fn what_cannot_run_is_status_1() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let (status, _, stderr) = run(GOOD, &["-addr", &addr]);
    assert_eq!(status, Some(1), "{stderr}");
    assert!(stderr.contains("mcpProxy.addr"), "{stderr}");
}

#[test]
fn what_is_to_be_pasted_is_all_that_is_on_stdout() {
    let (status, stdout, _) = run(GOOD, &["-print-client-config", "cursor"]);
    assert_eq!(status, Some(0));
    assert!(stdout.starts_with("Cursor: ") && stdout.ends_with("}\n"), "{stdout}");
}

#[test]
fn the_log_is_json_on_request() {
    let text = r#"{ "mcpProxy": { "addr": "127.0.0.1:0", "options": { "panicIfInvalid": true } },
        "mcpServers": { "a": { "command": "no-such-program" } } }"#;
    let (status, _, stderr) = run(text, &["-log-format", "json"]);
    assert_eq!(status, Some(1));
    let lines = stderr.lines().filter(|line| line.starts_with('{'));
    let records: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(records.iter().any(|record| record["client"] == "a" && record["msg"].is_string()), "{stderr}");
}
