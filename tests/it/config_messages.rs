//! What users are told about their configuration, word for word: `golden/config/NAME.json` goes in, `NAME.txt` comes
//! out. After a change of wording, `UPDATE_GOLDEN=1 cargo test --test it` writes them anew: read the difference.

use std::fs;
use std::path::Path;

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, load};

/// The environment of all golden files.
fn variable(name: &str) -> Option<String> {
    let variables = [("HOME", "/srv"), ("PORT", "9090"), ("TOKEN", "t0k3n"), ("PATH_TOKEN", "s3cr3t"), ("EMPTY", "")];
    variables.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

fn messages(text: &str) -> String {
    let around = Around { variables: Some(&variable), ..Around::default() };
    match load(&Source::new("config.json", text), &around) {
        Ok(config) => config.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect(),
        Err(problems) => format!("{problems}\n"),
    }
}

#[test]
fn every_message_is_the_one_agreed_upon() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden/config");
    let is_update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the golden files") {
        let path = entry.expect("a golden file").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        count += 1;
        let said = messages(&fs::read_to_string(&path).expect("UTF-8"));
        let golden = path.with_extension("txt");
        if is_update {
            fs::write(&golden, &said).expect("a writable folder");
        }
        if fs::read_to_string(&golden).unwrap_or_default() != said {
            differing.push(format!("{}:\n{said}", golden.display()));
        }
    }
    assert!(count >= 15, "only {count} golden files were found");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn no_message_repeats_a_secret() {
    let text = r#"{ "mcpServers": { "a": { "command": "x", "args": [{"k": "hunter2"}], "env": { "A": ["hunter2"] },
        "options": { "authTokens": ["hunter2 hunter2", 3141592], "toolFilter": "hunter2" } },
        "b": { "url": "https://u:hunter2@b/", "headers": { "X": "hunter2\u0001.", "Y": ["hunter2"] },
            "timeout": "hunter2" },
        "c": { "url": "https://c/hunter2#", "transportType": "hunter2" } } }"#;
    let said = messages(text);
    assert_eq!(said.lines().filter(|line| line.starts_with("config.json:")).count(), 11, "{said}");
    assert!(!said.contains("hunter2") && !said.contains("3141592"), "{said}");
}
