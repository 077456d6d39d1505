//! Reading the tree, and telling code from comments and strings: a lexer of one screen, enough for the house rules.

use std::fs;
use std::path::Path;

/// A text file of the repository.
pub(super) struct SourceFile {
    /// Relative to the root, with `/`.
    pub path: String,
    /// As it is on the disk.
    pub text: String,
}

/// What nobody wrote by hand, by folder name or by path.
const SKIPPED: [&str; 10] = [
    "target",
    "node_modules",
    ".nginx",
    ".valgrind",
    ".venv",
    ".venv2",
    "__pycache__",
    ".pytest_cache",
    "corpus",
    "artifacts",
];

/// All files below `folders`, sorted; files that are not UTF-8 are left out.
pub(super) fn read_tree(folders: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in folders {
        let before = files.len();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), folder, &mut files);
        assert!(files.len() > before, "{folder} holds no files: the house rules would pass without reading anything");
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn collect(path: &Path, relative: &str, files: &mut Vec<SourceFile>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a readable folder") {
            let name = entry.expect("a readable entry").file_name().to_string_lossy().into_owned();
            if !SKIPPED.contains(&name.as_str()) {
                collect(&path.join(&name), &format!("{relative}/{name}"), files);
            }
        }
    } else if let Ok(text) = fs::read_to_string(path) {
        files.push(SourceFile { path: relative.to_owned(), text });
    }
}

/// The code with comments and the insides of strings blanked out; every line keeps its number.
pub(super) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skip_token(bytes, at);
        if let Some(end) = end {
            for byte in &mut code[at..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8(code).expect("whole characters were blanked")
}

/// Where the comment, string or character literal that starts at `at` ends; `None` if nothing of the kind starts here.
fn skip_token(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let in_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => Some(at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + block_comment(rest)),
        [b'"', ..] => Some(at + quoted(rest, b'"')),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string(rest).map(|n| at + n),
        [b'b', b'r', b'"' | b'#', ..] if !in_word => raw_string(&rest[1..]).map(|n| at + 1 + n),
        // A lifetime has no closing quote after its first character; a character literal has, or a backslash.
        [b'\'', b'\\', ..] => Some(at + quoted(rest, b'\'')),
        [b'\'', first, ..] => {
            let width = if *first < 0x80 { 1 } else { first.leading_ones() as usize };
            (rest.get(1 + width) == Some(&b'\'')).then_some(at + width + 2)
        }
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < rest.len() && depth > 0 {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None; // a raw identifier
    }
    let close: Vec<u8> = [b"\"".as_slice(), &rest[1..=hashes]].concat();
    let body = &rest[hashes + 2..];
    let end = body.windows(close.len()).position(|w| w == close).unwrap_or(body.len());
    Some((hashes + 2 + end + close.len()).min(rest.len()))
}

pub(super) fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// The offsets at which `word` occurs as a word of its own: not as a part of a longer name.
pub(super) fn word_offsets(code: &str, word: &str) -> Vec<usize> {
    let bytes = code.as_bytes();
    let starts_in_word = |at: usize| at > 0 && is_word(bytes[at - 1]) && is_word(word.as_bytes()[0]);
    let ends_in_word =
        |end: usize| end < bytes.len() && is_word(bytes[end]) && is_word(word.as_bytes()[word.len() - 1]);
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|&at| !starts_in_word(at) && !ends_in_word(at + word.len()))
        .collect()
}

/// The line of an offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&b| b == b'\n').count() + 1
}

#[test]
fn comments_and_strings_are_no_code() {
    let text = "a // x\nb /* y /* z */ y */ c \"d\\\"e\" r#\"f\"g\"# 'h' '\\'' '\u{e9}' <'life> br\"k\" r#fn l";
    let code = code_only(text);
    assert_eq!(code.lines().count(), 2);
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "b", "c", "<'life>", "r#fn", "l"]);
}

#[test]
fn a_word_is_found_only_whole() {
    assert_eq!(word_offsets("todo! my_todo! todo!", "todo!"), [0, 15]);
    assert_eq!(line_of("a\nb\nc", 4), 3);
}
