//! What Cargo.toml asks for is used, and says why it is there.

use super::source::{code_only, read_tree, word_offsets};
use super::{Finding, assert_none};

const MANIFEST: &str = "Cargo.toml";

/// Sections of Cargo.toml that name crates, and the folder whose code they are for.
const SECTIONS: [(&str, &str); 2] = [("[dependencies]", "src"), ("[dev-dependencies]", "tests")];

#[test]
fn every_dependency_is_used_and_says_why() {
    let manifest = read_tree(&[MANIFEST]).remove(0);
    for (section, folder) in SECTIONS {
        let sources = read_tree(&[folder]).into_iter().filter(|file| file.path.ends_with(".rs"));
        let code: String = sources.map(|file| code_only(&file.text)).collect();
        assert_none(&check(&manifest.text, section, &code));
    }
}

fn check(manifest: &str, section: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut in_section = false;
    for (at, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            in_section = line == section;
            continue;
        }
        let Some((name, _)) = line.split_once(" = ").filter(|_| in_section) else { continue };
        if word_offsets(code, &name.replace('-', "_")).is_empty() {
            findings.push(Finding::new(MANIFEST, at + 1, format!("nothing uses {name}: remove it")));
        }
        if !line.contains(" # ") {
            findings.push(Finding::new(MANIFEST, at + 1, format!("say why {name} is there, behind a #")));
        }
    }
    findings
}

#[test]
fn what_is_not_used_or_not_explained_is_found() {
    let manifest =
        "[package]\nname = \"x\"\n\n[dependencies]\na-b = \"1\" # why\nc = \"1\"\nd = \"1\" # why\n[x]\ne = 1\n";
    let found = check(manifest, "[dependencies]", "use a_b::X; c::y(); let dd = 1;");
    let lines: Vec<(usize, bool)> = found.iter().map(|f| (f.line, f.advice.contains("remove"))).collect();
    assert_eq!(lines, [(6, false), (7, true)]);
    assert_eq!(check(manifest, "[dev-dependencies]", ""), []);
}
