//! Whatever comes in, the server goes on.

use std::time::Duration;

use mcp_proxy::demo::Effect;
use serde_json::{Value, json};

use super::{Play, request};

const SEEDS: u64 = 500;
const LINES: usize = 60;

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }
}

const METHODS: [&str; 16] = [
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "tools/call",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
    "logging/setLevel",
    "notifications/cancelled",
];

const NAMES: [&str; 24] = [
    "name",
    "arguments",
    "uri",
    "cursor",
    "level",
    "ref",
    "argument",
    "value",
    "type",
    "_meta",
    "progressToken",
    "requestId",
    "message",
    "a",
    "b",
    "seconds",
    "steps",
    "bytes",
    "question",
    "prompt",
    "maxTokens",
    "count",
    "list",
    "code",
];

const TEXTS: [&str; 18] = [
    "echo",
    "add",
    "slow",
    "big",
    "ask",
    "sample",
    "roots",
    "log",
    "bump",
    "toggle",
    "poem",
    "tour",
    "tools.5",
    "info",
    "demo://counter",
    "demo://greeting/%",
    "ref/prompt",
    "\u{0}é",
];

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 0),
        2 => random.pick(&[json!(0), json!(1), json!(2), json!(-1), json!(0.5), json!(1e308), json!(u64::MAX)]),
        3 | 4 => json!(random.pick(&TEXTS)),
        5 => Value::Array((0..random.below(3)).map(|_| value(random, depth - 1)).collect()),
        _ => object(random, depth - 1),
    }
}

fn object(random: &mut Random, depth: usize) -> Value {
    let members = (0..random.below(6)).map(|_| (random.pick(&NAMES).to_owned(), value(random, depth)));
    Value::Object(members.collect())
}

/// Nearly a message: often a good one, sometimes with a member too many, too few or of the wrong type.
fn message(random: &mut Random) -> Value {
    let mut message = request(random.below(4), random.pick(&METHODS), object(random, 3));
    if random.below(2) == 0 {
        message["params"]["name"] = json!(random.pick(&TEXTS));
        message["params"]["arguments"] = object(random, 1);
    }
    match random.below(8) {
        0 => message["id"] = value(random, 1),
        1 => message["method"] = value(random, 1),
        2 => message["params"] = value(random, 2),
        3 => drop(message.as_object_mut().map(|members| members.remove("id"))),
        4 => message = json!({ "jsonrpc": "2.0", "id": random.below(4), "result": value(random, 3) }),
        5 => message = json!([message, value(random, 1)]),
        _ => {}
    }
    message
}

fn line(random: &mut Random) -> Vec<u8> {
    let mut line = message(random).to_string().into_bytes();
    match random.below(6) {
        0 => line.truncate(random.below(line.len())),
        1 => {
            let at = random.below(line.len());
            line[at] = random.next() as u8;
        }
        2 => line = (0..random.below(40)).map(|_| random.next() as u8).collect(),
        _ => {}
    }
    line
}

#[test]
fn garbage_is_answered_or_ignored() {
    for seed in 0..SEEDS {
        println!("seed {seed}"); // shown where the test fails
        let mut random = Random(seed);
        let version = random.pick(&["2025-03-26", "2025-11-25"]);
        let mut play = Play::open_as(version, json!({ "elicitation": {}, "roots": {}, "sampling": {} }));
        let mut answers = 0;
        for _ in 0..LINES {
            play.send_raw(&line(&mut random)).pass(Duration::from_millis(random.next() % 500));
            answers += drain(&mut play);
        }
        assert!(answers > LINES / 4, "only {answers} of {LINES} lines were answered");
        // It still works, and time ends all that is slow.
        play.send(request("end", "ping", json!({}))).expect_result("end", json!({}));
        play.pass(Duration::from_secs(3_600));
        drain(&mut play);
        assert_eq!(play.timeout(), None);
    }
}

/// Checks each message; counts the answers among them.
fn drain(play: &mut Play) -> usize {
    let mut answers = 0;
    while let Some(effect) = play.server.poll_output() {
        let Effect::Line(line) = effect else { panic!("no crash was asked for: {effect:?}") };
        let message: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(message["jsonrpc"], "2.0");
        assert!(message.get("method").is_some() || message.get("result").is_some() != message.get("error").is_some());
        answers += usize::from(message.get("method").is_none());
    }
    answers
}
