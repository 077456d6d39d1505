//! Exit statuses, and which of the two outputs says what.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output, Stdio};

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

/// A new folder, and the program run in it with these arguments and this on stdin.
fn run_in(name: &str, arguments: &[&str], input: &[u8]) -> (PathBuf, Option<i32>, String, String) {
    let folder = std::env::temp_dir().join(format!("mcp-proxy-{name}-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (status, stdout, stderr) = run_there(&folder, arguments, input);
    (folder, status, stdout, stderr)
}

fn run_there(folder: &Path, arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-proxy"));
    command.args(arguments).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn pages_are_written_and_never_over_others() {
    let (folder, status, stdout, stderr) = run_in("eject", &["-eject-templates"], b"");
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.starts_with("templates/oauth/authorize.html: the login page\ntemplates/oauth/success.html: "),
        "{stdout}"
    );
    let page = folder.join("templates/oauth/authorize.html");
    let source = fs::read_to_string(&page).unwrap();
    assert!(source.contains("{{.ClientName}}") && folder.join("templates/oauth/success.html").exists());
    fs::write(&page, "mine").unwrap();
    fs::remove_file(folder.join("templates/oauth/success.html")).unwrap();
    let (status, stdout, stderr) = run_there(&folder, &["-eject-templates"], b"");
    assert_eq!((status, stdout.as_str()), (Some(1), ""));
    assert_eq!(
        stderr,
        "mcp-proxy: \"templates/oauth/authorize.html\" is there already\n    \
         Nothing was written. -force replaces what is there.\n"
    );
    assert!(fs::read_to_string(&page).unwrap() == "mine" && !folder.join("templates/oauth/success.html").exists());
    assert_eq!(run_there(&folder, &["-eject-templates", "-force"], b"").0, Some(0));
    assert_eq!(fs::read_to_string(&page).unwrap(), source);
    assert_eq!(fs::read_dir(folder.join("templates/oauth")).unwrap().count(), 2, "nothing else is left behind");
    assert_eq!(run_there(&folder, &["-eject-templates-to", "a/b"], b"").0, Some(0));
    assert!(folder.join("a/b/oauth/success.html").exists());
    fs::write(folder.join("file"), "").unwrap();
    let (status, _, stderr) = run_there(&folder, &["-eject-templates-to", "file"], b"");
    assert_eq!(status, Some(1));
    assert!(stderr.starts_with("mcp-proxy: cannot write \"file/oauth\": "), "{stderr}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn pages_are_written_where_the_configuration_has_them() {
    let (folder, status, ..) = run_in("eject-configured", &["-eject-templates", "-config", "missing.json"], b"");
    assert_eq!(status, Some(2));
    let config = r#"{ "mcpProxy": { "options": { "oauth2": { "enabled": true, "templateDir": "pages" } } } }"#;
    fs::write(folder.join("config.json"), config).unwrap();
    let (status, stdout, _) = run_there(&folder, &["-eject-templates"], b"");
    assert_eq!(status, Some(0));
    assert!(stdout.contains("pages/oauth/success.html") && folder.join("pages/oauth/success.html").exists());
    let (status, stdout, stderr) = run_there(&folder, &["-eject-templates", "-config", "-"], b"{");
    assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
    let (status, stdout, stderr) = run_there(&folder, &["-eject-templates", "-config", "http://127.0.0.1:1/"], b"");
    assert_eq!((status, stdout.as_str()), (Some(1), ""), "{stderr}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_password_on_stdin_becomes_a_hash() {
    for input in [&b"correct horse"[..], b"correct horse\n", b"correct horse\r\nsecond line\n"] {
        let (folder, status, stdout, stderr) = run_in("hash", &["-hash-password"], input);
        assert_eq!((status, stderr.as_str()), (Some(0), ""));
        assert!(stdout.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && stdout.ends_with('\n'), "{stdout}");
        assert_ne!(run_there(&folder, &["-hash-password"], input).1, stdout, "salts differ");
    }
    let long = "x".repeat(1_025);
    for (input, said) in [
        (&b""[..], "the password is empty"),
        (b"\nx", "the password is empty"),
        (b"\xff\n", "the password is not UTF-8"),
        (long.as_bytes(), "the password is longer than 1024 bytes"),
    ] {
        let (_, status, stdout, stderr) = run_in("hash", &["-hash-password"], input);
        assert_eq!((status, stdout.as_str()), (Some(1), ""));
        assert!(stderr.starts_with(&format!("mcp-proxy: {said}")), "{stderr}");
    }
}
