//! A file imports only from rows above its own, and inside its row only from its own group.

use super::source::{SourceFile, code_only, is_word, line_of, read_tree, word_offsets};
use super::{Finding, assert_none};

/// The table of `src/lib.rs`, top row first. A row holds groups; a group is a set of module paths that may use each
/// other. The longest matching path decides, so `codec/http` is a group of its own beside the rest of `codec`.
const ROWS: [(&str, &[&[&str]]); 8] = [
    ("base", &[&["limits", "base"]]),
    ("codecs", &[&["codec/http"], &["codec"]]),
    ("configuration", &[&["config"]]),
    ("machines", &[&["mcp"], &["demo"], &["oauth"], &["clients"]]),
    ("links", &[&["upstream"]]),
    ("proxy", &[&["proxy", "routes"]]),
    ("shell", &[&["io"]]),
    ("command line", &[&["cli"]]),
];

/// The crate's root declares the modules and the binary's root calls the command line: they stand above all rows.
const EXEMPT: [&str; 2] = ["src/lib.rs", "src/main.rs"];

/// A place in the table: the row, then the group within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    row: usize,
    group: usize,
}

/// Where a module path such as `["codec", "http", "head"]` belongs.
fn place_of(module: &[String]) -> Option<Place> {
    let mut best: Option<(usize, Place)> = None;
    for (row, (_, groups)) in ROWS.iter().enumerate() {
        for (group, prefixes) in groups.iter().enumerate() {
            for prefix in *prefixes {
                let length = prefix.split('/').count();
                let matches = module.len() >= length && prefix.split('/').eq(module[..length].iter());
                if matches && best.is_none_or(|(longest, _)| length > longest) {
                    best = Some((length, Place { row, group }));
                }
            }
        }
    }
    best.map(|(_, place)| place)
}

/// `src/codec/http/head.rs` is the module `codec::http::head`.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    let inner = inner.strip_suffix(".rs").unwrap_or(inner);
    inner.split('/').map(str::to_owned).collect()
}

/// Every path that the code names from `crate::` or `super::`, with the offset where it is named.
fn paths_named(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for offset in word_offsets(code, "crate::") {
        expand(&code[offset + "crate::".len()..], &mut Vec::new(), offset, &mut found);
    }
    for offset in word_offsets(code, "super::") {
        if code[..offset].ends_with("::") {
            continue; // the rest of a chain that was followed from its first `super`
        }
        let mut base = module.to_vec();
        let mut rest = &code[offset..];
        while let Some(after) = rest.strip_prefix("super::") {
            base.pop();
            rest = after;
        }
        expand(rest, &mut base, offset, &mut found);
    }
    found
}

/// Follows one use tree: `a::b`, `a::{b, c::d}`, `{a, b}`; returns what is left of the text.
fn expand<'a>(text: &'a str, base: &mut Vec<String>, offset: usize, found: &mut Vec<(usize, Vec<String>)>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(rest, base, offset, found).trim_start();
            // An alias: `a as b`. Its new name is not a path.
            while rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == ' ') {
                rest = &rest[1..];
            }
            match rest.strip_prefix(',') {
                Some(after) if !after.trim_start().starts_with('}') => rest = after,
                Some(after) => return after.trim_start().strip_prefix('}').unwrap_or(after),
                None => return rest.strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let length = text.bytes().take_while(|&b| is_word(b)).count();
    if length == 0 {
        found.push((offset, base.clone())); // `*`, or the end of the input
        return text.strip_prefix('*').unwrap_or(text);
    }
    base.push(text[..length].to_owned());
    let rest = match text[length..].strip_prefix("::") {
        Some(after) => expand(after, base, offset, found),
        None => {
            found.push((offset, base.clone()));
            &text[length..]
        }
    };
    base.pop();
    rest
}

/// What is wrong with the imports of one file.
fn check(path: &str, text: &str) -> Vec<Finding> {
    let module = module_of(path);
    let Some(own) = place_of(&module) else {
        let advice = "belongs to no row: add it to ROWS in tests/it/tidy/layers.rs and to the table in src/lib.rs";
        return vec![Finding::new(path, 0, advice)];
    };
    let code = code_only(text);
    let mut findings = Vec::new();
    for (offset, target) in paths_named(&code, &module) {
        let line = line_of(&code, offset);
        let (name, own_row) = (target.join("::"), ROWS[own.row].0);
        let advice = match place_of(&target) {
            None => format!("`{name}` is in no row: name the module that defines it, not a re-export"),
            Some(place) if place.row > own.row => format!(
                "row {own_row} may not use row {}: `{name}`. Move what both need up, or hand it in from below",
                ROWS[place.row].0
            ),
            Some(place) if place.row == own.row && place.group != own.group => {
                format!("`{name}` is a neighbour in row {own_row}: neighbours share only the rows above them")
            }
            Some(_) => continue,
        };
        findings.push(Finding::new(path, line, advice));
    }
    findings
}

#[test]
fn every_file_imports_only_from_the_rows_above() {
    let is_checked = |file: &&SourceFile| file.path.ends_with(".rs") && !EXEMPT.contains(&file.path.as_str());
    let findings: Vec<Finding> =
        read_tree(&["src"]).iter().filter(is_checked).flat_map(|f| check(&f.path, &f.text)).collect();
    assert_none(&findings);
}

#[test]
fn the_checker_finds_what_it_must() {
    let bad = [
        ("src/base/buf.rs", "use crate::codec::lines::Lines;"),
        ("src/codec/sse.rs", "fn f() { crate::config::resolve::f() }"),
        ("src/mcp/session.rs", "use crate::{base::id::ConnId, demo::tools};"),
        ("src/mcp/session.rs", "use super::super::demo::tools;"),
        ("src/codec/lines.rs", "use crate::codec::http::head::Head;"),
        ("src/codec/http/head.rs", "use super::super::lines::Lines;"),
        (
            "src/upstream/stdio.rs",
            "use crate::{\n limits,\n base::{id::LinkId as L, url::{self, Url}},\n proxy::Output,\n};",
        ),
        ("src/routes/health.rs", "pub use crate::io::log;"),
        ("src/proxy.rs", "use crate::Proxy;"),
        ("src/stray.rs", ""),
    ];
    for (path, text) in bad {
        assert_eq!(check(path, text).len(), 1, "in {path}: {text}: {:?}", check(path, text));
    }
    let last = check("src/upstream/stdio.rs", "\n\nuse crate::io::child;");
    assert_eq!(last[0].line, 3);
}

#[test]
fn the_checker_lets_pass_what_it_should() {
    let good = [
        ("src/codec/http/head.rs", "use super::body::Body; use crate::codec::http::{self, server::Server};"),
        ("src/codec/sse.rs", "use super::lines; // crate::io::log is where it ends up"),
        ("src/proxy/turn.rs", "use crate::routes::Route; use super::Output; pub(crate) fn f() {}"),
        ("src/routes.rs", "use crate::proxy::Output; use crate::mcp::*;"),
        ("src/cli.rs", "use crate::{io, config::raw::Raw}; const S: &str = \"crate::main\";"),
        ("src/base/id.rs", "use super::buf::Buf; use crate::limits;"),
    ];
    for (path, text) in good {
        assert_eq!(check(path, text), [], "in {path}: {text}");
    }
}
