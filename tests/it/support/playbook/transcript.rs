//! What happened, and what should have.

use serde_json::Value;

use crate::support::answers::Head;

/// Lines, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Transcript(Vec<String>);

impl Transcript {
    pub(crate) fn add(&mut self, line: String) {
        self.0.push(line);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }

    /// Takes out the whole answers on a connection: somebody has looked at them.
    pub(crate) fn forget_answers(&mut self, name: &str) {
        let is_answer = |line: &String| {
            let rest = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_default();
            rest.starts_with(|first: char| first.is_ascii_digit()) && !rest.ends_with(" stream") && rest != "100"
        };
        self.0.retain(|line| !is_answer(line));
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, expected: &[&str]) {
        let happened = self.take();
        let is_same = happened.len() == expected.len()
            && happened.iter().zip(expected).all(|(line, pattern)| is_match(line, pattern));
        assert!(is_same, "the playbook says otherwise:\n{}", diff(&happened, expected));
    }
}

/// `…` matches anything.
fn is_match(text: &str, pattern: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('…') else { return text == pattern };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    while let Some((middle, after)) = rest.split_once('…') {
        let Some(at) = text.find(middle) else { return false };
        text = &text[at + middle.len()..];
        rest = after;
    }
    text.ends_with(rest)
}

/// Line by line: what is as expected, what is missing (`-`), what is too much (`+`).
fn diff(happened: &[String], expected: &[&str]) -> String {
    let (mut lines, mut at) = (Vec::new(), 0);
    for pattern in expected {
        match happened[at..].iter().position(|line| is_match(line, pattern)) {
            Some(found) => {
                lines.extend(happened[at..at + found].iter().map(|line| format!("+ {line}")));
                lines.push(format!("  {}", happened[at + found]));
                at += found + 1;
            }
            None => lines.push(format!("- {pattern}")),
        }
    }
    lines.extend(happened[at..].iter().map(|line| format!("+ {line}")));
    lines.join("\n")
}

/// The status and the headers that are not the same in every answer.
pub(crate) fn head_text(head: &Head) -> String {
    let unusual = head.headers.iter().filter(|(name, _)| !is_usual(head, name));
    unusual.fold(head.status.to_string(), |text, (name, value)| format!("{text} [{name}: {value}]"))
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// It is a JSON-RPC error of exactly this status, code and id, whose message contains all of `words`.
#[track_caller]
pub(crate) fn assert_error(answer: &Answer, status: u16, code: i64, id: Value, words: &[&str]) {
    let body = answer.json();
    assert_eq!((answer.head.status, &body["error"]["code"], &body["id"]), (status, &code.into(), &id), "{answer:?}");
    assert_eq!(body["jsonrpc"], "2.0");
    let message = body["error"]["message"].as_str().expect("a message");
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
}

/// Whether a header is one that says nothing new.
fn is_usual(head: &Head, name: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "date" | "content-length" | "content-type" | "transfer-encoding" => true,
        "cache-control" => head.header(name) == Some("no-store"),
        "x-accel-buffering" => head.header(name) == Some("no"),
        _ => false,
    }
}
