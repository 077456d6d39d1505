//! What a server finds in its environment, and that none of the proxy's secrets is in it.

use std::collections::BTreeMap;
use std::fs;
use std::process::{self, Stdio};

use crate::processes::{marked, wait_until};

/// The environments of two servers, without and with `inheritEnv`.
fn environments() -> [BTreeMap<String, String>; 2] {
    let folder = std::env::temp_dir().join(format!("mcp-proxy-environment-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let files = ["minimal", "everything"].map(|name| folder.join(name));
    let server = |file: &std::path::Path, inherits: bool| {
        serde_json::json!({
            "command": "sh",
            "args": ["-c", format!("env > {file}.part; mv {file}.part {file}; cat", file = file.display())],
            "env": { "TZ": "own", "COPY": "${ENVIRONMENT_TEST_SECRET}" },
            "options": { "inheritEnv": inherits },
        })
    };
    let config = folder.join("config.json");
    let content = serde_json::json!({
        "mcpProxy": { "addr": "127.0.0.1:0" },
        "mcpServers": { "minimal": server(&files[0], false), "everything": server(&files[1], true) },
    });
    fs::write(&config, content.to_string()).unwrap();
    let (mut command, _) = marked(env!("CARGO_BIN_EXE_mcp-proxy"));
    command.env("ENVIRONMENT_TEST_SECRET", "hunter2").env("TZ", "inherited").env("LC_TIME", "C");
    let mut proxy = command.arg("-config").arg(&config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("both servers have written", || files.iter().all(|file| file.exists()));
    proxy.kill().unwrap();
    proxy.wait().unwrap();
    let found = files.map(|file| {
        let text = fs::read_to_string(file).unwrap();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    });
    fs::remove_dir_all(&folder).unwrap();
    found
}

#[test]
fn a_server_finds_what_it_needs_and_what_its_env_says() {
    let [minimal, everything] = environments();
    for found in [&minimal, &everything] {
        let value = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(value("PATH"), std::env::var("PATH").ok().as_deref());
        assert_eq!((value("LC_TIME"), value("TZ"), value("COPY")), (Some("C"), Some("own"), Some("hunter2")));
    }
    assert!(!minimal.contains_key("ENVIRONMENT_TEST_SECRET") && !minimal.contains_key("PROCESS_TEST"), "{minimal:?}");
    assert!(everything.contains_key("ENVIRONMENT_TEST_SECRET") && everything.contains_key("PROCESS_TEST"));
}
