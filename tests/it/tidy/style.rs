//! Small files, small functions, no escape hatches, and a core without I/O.

use super::source::{SourceFile, code_only, line_of, read_tree, word_offsets};
use super::{Finding, assert_none};

/// A function fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// A file holds one concept; a longer one holds two.
const FILE_LINES_MAX: usize = 500;

/// As rustfmt.toml has it; rustfmt leaves long comments and strings alone, this does not.
const LINE_CHARS_MAX: usize = 120;

/// The only functions that may be longer: each is one flat `match`. Path, name, lines. The list may only shrink: an
/// entry that says more lines than the function has fails as well.
const LONG_MATCHES: [(&str, &str, usize); 0] = [];

/// Not in `src`: what can end the process, and what was left behind.
const BANNED_CODE: [(&str, &str); 10] = [
    (".unwrap()", "handle the other case: a peer may cause it"),
    (".expect(", "handle the other case, or make it unrepresentable"),
    ("panic!", "return an error; `debug_assert!` states an invariant"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("dbg!", "remove it"),
    ("eprintln!", "it panics where stderr takes nothing: use `io::report`"),
    ("println!", "it panics where stdout takes nothing"),
    ("print!", "it panics where stdout takes nothing"),
    ("#[cfg(test)]", "tests live in tests/it, one module per source file"),
];

/// Only in the shell, the command line and `main.rs`: everything else is told the time and handed its bytes.
const BANNED_OUTSIDE_THE_SHELL: [&str; 19] = [
    "Instant::now",
    "SystemTime::now",
    ".elapsed()",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "ToSocketAddrs",
    "std::fs",
    "std::process",
    "std::thread",
    "std::env",
    "stdin()",
    "stdout()",
    "stderr()",
    "mio::",
    "rustix::",
    "signal_hook::",
    "getrandom::",
];

/// One word, one spelling: the first of each pair.
const SPELLINGS: [(&str, &str); 9] = [
    ("behaviour", concat!("behav", "ior")),
    ("cancelled", concat!("cance", "led")),
    ("cancelling", concat!("cance", "ling")),
    ("catalogue", concat!("cata", "log")),
    ("honour", concat!("hon", "or")),
    ("neighbour", concat!("neigh", "bor")),
    ("recognise", concat!("recog", "nize")),
    ("stdin", concat!("std", "-in")),
    ("stdout", concat!("std", "-out")),
];

/// Nowhere: notes to self, this or that machine, and the hosts that packages come from.
const BANNED_TEXT: [(&str, &str); 10] = [
    (concat!("TO", "DO"), "do it, or open an issue"),
    (concat!("FIX", "ME"), "fix it, or open an issue"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("registry", ".npmjs"), "name the package, not where it comes from"),
    (concat!("crates", ".io"), "name the package, not where it comes from"),
    (concat!("pypi", ".org"), "name the package, not where it comes from"),
    (concat!("python", "hosted"), "name the package, not where it comes from"),
    (concat!("\"reso", "lved\": \"http"), "lock files name no hosts: see tests/e2e/.npmrc"),
];

/// Written by tools, each in its own style.
fn is_generated(path: &str) -> bool {
    path.ends_with(".lock") || path.ends_with("package-lock.json")
}

fn is_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !is_generated(path) && (!name.contains('.') || [".rs", ".mjs", ".py", ".lua"].iter().any(|e| name.ends_with(e)))
}

fn is_shell(path: &str) -> bool {
    path.starts_with("src/io") || path == "src/cli.rs" || path.starts_with("src/cli/") || path == "src/main.rs"
}

/// What is wrong with one file.
fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = check_text(path, text);
    if is_program(path) {
        findings.extend(check_size(path, text));
    }
    if path.ends_with(".rs") {
        let code = code_only(text);
        findings.extend(check_functions(path, &code, &LONG_MATCHES));
        findings.extend(check_rust(path, text, &code));
    }
    findings
}

fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (banned, advice) in BANNED_TEXT {
        for offset in word_offsets(text, banned) {
            findings.push(Finding::new(path, line_of(text, offset), format!("`{banned}`: {advice}")));
        }
    }
    findings
}

fn check_size(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX {
        let advice = format!("{lines} lines, at most {FILE_LINES_MAX}: it holds two concepts, split it along them");
        findings.push(Finding::new(path, 0, advice));
    }
    for (index, line) in text.lines().enumerate() {
        let chars = line.chars().count();
        if chars > LINE_CHARS_MAX {
            findings.push(Finding::new(path, index + 1, format!("{chars} characters, at most {LINE_CHARS_MAX}")));
        }
    }
    findings
}

fn check_rust(path: &str, text: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut ban = |words: &str, offsets: Vec<usize>, advice: &str| {
        let finding = |at| Finding::new(path, line_of(text, at), format!("`{words}`: {advice}"));
        findings.extend(offsets.into_iter().map(finding));
    };
    for (wanted, banned) in SPELLINGS {
        ban(banned, word_offsets(&text.to_lowercase(), banned), &format!("is spelt `{wanted}` here"));
    }
    if path.starts_with("src/") {
        for (banned, advice) in BANNED_CODE {
            ban(banned, word_offsets(code, banned), advice);
        }
        let is_getter = |at: &usize| !code[*at..].starts_with("fn get_mut("); // the standard library's name
        let getters = code.match_indices("fn get_").map(|(at, _)| at).filter(is_getter).collect();
        ban("fn get_", getters, "name it after what it gives");
        if !is_shell(path) {
            for banned in BANNED_OUTSIDE_THE_SHELL {
                ban(banned, word_offsets(code, banned), "does I/O: only src/io, src/cli.rs and src/main.rs may");
            }
        }
    }
    let first = text.lines().find(|line| !line.starts_with("#![")).unwrap_or("");
    if !first.starts_with("//!") {
        findings.push(Finding::new(path, 1, "opens without `//!`: say what the file is for"));
    }
    findings
}

/// A function as the text shows it.
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for offset in word_offsets(code, "fn") {
        let rest = &code[offset + 2..];
        let name = rest.trim_start();
        let name = &name[..name.bytes().take_while(|&b| super::source::is_word(b)).count()];
        if name.is_empty() {
            continue; // a function type
        }
        if let Some(end) = body_end(rest) {
            let lines = rest[..end].matches('\n').count() + 1;
            found.push(Function { name, line: line_of(code, offset), lines });
        }
    }
    found
}

/// Where the body that follows a signature ends; `None` for a declaration without one.
fn body_end(rest: &str) -> Option<usize> {
    let (mut braces, mut others) = (0, 0);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others -= 1,
            b';' if braces == 0 && others == 0 => return None,
            b'{' => braces += 1,
            b'}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn check_functions(path: &str, code: &str, allowed: &[(&str, &str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let functions = functions(code);
    for function in &functions {
        let allowance = allowed.iter().find(|(p, name, _)| *p == path && *name == function.name);
        let limit = allowance.map_or(FUNCTION_LINES_MAX, |(_, _, lines)| *lines);
        if function.lines > limit {
            let advice = format!("`{}` has {} lines, at most {limit}: split it", function.name, function.lines);
            findings.push(Finding::new(path, function.line, advice));
        }
    }
    for (_, name, lines) in allowed.iter().filter(|(p, ..)| *p == path) {
        let longest = functions.iter().filter(|f| f.name == *name).map(|f| f.lines).max().unwrap_or(0);
        if longest < *lines || longest <= FUNCTION_LINES_MAX {
            let advice = format!("`{name}` has {longest} lines now: lower or remove its entry in LONG_MATCHES");
            findings.push(Finding::new(path, 0, advice));
        }
    }
    findings
}

#[test]
fn the_tree_is_in_style() {
    let mut files = read_tree(&["src", "tests", "scripts", ".ci"]);
    files.extend(read_tree(&["Cargo.toml"]));
    assert_none(&files.iter().flat_map(|SourceFile { path, text }| check(path, text)).collect::<Vec<_>>());
}

#[test]
fn allowances_are_for_files_that_exist() {
    let files = read_tree(&["src", "tests"]);
    for (path, name, _) in LONG_MATCHES {
        assert!(files.iter().any(|f| f.path == path), "{path} is gone: remove `{name}` from LONG_MATCHES");
    }
}

#[test]
fn the_checker_finds_what_it_must() {
    let long_function = format!("//! x\nfn long() {{\n{}}}\n", "    call();\n".repeat(69));
    let long_file = format!("//! x\n{}", "const A: u8 = 1;\n".repeat(500));
    let long_line = format!("//! {}", "é".repeat(117));
    let mut bad = vec![
        ("src/base/buf.rs", long_function),
        ("src/base/buf.rs", long_file),
        ("src/base/buf.rs", long_line.clone()),
        ("tests/e2e/x.test.mjs", long_line.clone()),
        ("scripts/test", long_line),
        ("src/base/buf.rs", "fn f() {}".to_owned()),
        ("src/base/buf.rs", "//! x\nfn get_len() {}".to_owned()),
        ("tests/it/x.rs", "#![allow(dead_code)]\nuse std::fs;".to_owned()),
        ("src/base/buf.rs", "//! x\nuse std::fs::File;".to_owned()),
        ("src/proxy.rs", "//! x\nfn f() -> std::time::Instant { std::time::Instant::now() }".to_owned()),
    ];
    bad.extend(BANNED_CODE.map(|(code, _)| ("src/io/child.rs", format!("//! x\nfn f() {{ a {code} }}"))));
    bad.extend(BANNED_OUTSIDE_THE_SHELL.map(|code| ("src/mcp/session.rs", format!("//! x\nfn f() {{ a {code} }}"))));
    bad.extend(BANNED_TEXT.map(|(text, _)| ("tests/e2e/package-lock.json", format!("a {text} b"))));
    bad.extend(SPELLINGS.map(|(_, text)| ("src/io/child.rs", format!("//! {text}"))));
    for (path, text) in bad {
        let findings = check(path, &text);
        assert_eq!(findings.len(), 1, "in {path}: {text:.200}: {findings:?}");
    }
}

#[test]
fn the_checker_lets_pass_what_it_should() {
    let good = [
        ("src/io/child.rs", "#![forbid(unsafe_code)]\n//! x\nuse std::process::Command; // never .unwrap()"),
        ("src/codec/lines.rs", "//! x\nconst S: &str = \"panic! .expect(\"; fn f() { g.unwrap_or(0); my_panic!() }"),
        ("tests/it/x.rs", "//! x\nfn f() { a.unwrap(); std::fs::read(b).expect(\"c\"); }"),
        (
            "src/mcp/session.rs",
            "//! x\ntrait T { fn f(&self, a: [u8; 2]); fn get_mut(&self); }\nfn g(f: fn(u8)) -> u8 { 1 }",
        ),
    ];
    for (path, text) in good {
        assert_eq!(check(path, text), [], "in {path}: {text}");
    }
}

#[test]
fn an_allowance_may_only_shrink() {
    let function = |lines: usize| format!("fn m() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
    let findings = |lines, allowed| check_functions("a.rs", &function(lines), &[("a.rs", "m", allowed)]).len();
    assert_eq!(findings(90, 90), 0);
    assert_eq!(findings(91, 90), 1, "it grew");
    assert_eq!(findings(89, 90), 1, "it shrank, the entry did not");
    assert_eq!(findings(70, 70), 1, "it needs no entry");
    assert_eq!(findings(70, 90), 1, "it needs no entry");
}
