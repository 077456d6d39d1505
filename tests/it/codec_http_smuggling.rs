//! HTTP request smuggling: every vector of the table gets its answers, and a request that follows is read as one of
//! its own exactly where that is safe. `tests/e2e/test_smuggling.py` sends the same bytes over sockets, and through
//! nginx.

use mcp_proxy::io::log::{Format, line};
use serde::Deserialize;

use crate::support::playbook::Playbook;
use crate::support::requests::config;

/// Fewer would mean that some were lost.
const VECTORS_MIN: usize = 60;

#[derive(Deserialize)]
struct Table {
    texts: Texts,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Texts {
    post: Vec<String>,
    get: Vec<String>,
    smuggled: Vec<String>,
    body: Vec<String>,
    sentinel: Vec<String>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    bytes: Vec<Piece>,
    requests: Vec<String>,
    answers: Vec<u16>,
    then: Then,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated(String, usize),
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Piece::Text(text) => text.clone(),
            Piece::Repeated(text, count) => text.repeat(*count),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Then {
    Open,
    Closed,
    Waits,
}

impl Table {
    fn read() -> Table {
        let table: Table = serde_json::from_str(include_str!("golden/smuggling.json")).expect("a table");
        assert!(table.vectors.len() >= VECTORS_MIN, "{} vectors", table.vectors.len());
        table
    }

    /// What is sent: each character is a byte.
    fn input(&self, vector: &Vector) -> Vec<u8> {
        let mut text: String = vector.bytes.iter().map(Piece::text).collect();
        let Texts { post, get, smuggled, body, sentinel } = &self.texts;
        for (name, named) in [("<post>", post), ("<get>", get), ("<smuggled>", smuggled), ("<body>", body)] {
            text = text.replace(name, &named.concat());
        }
        text += &sentinel.concat();
        text.chars().map(|char| u8::try_from(u32::from(char)).expect("a byte")).collect()
    }
}

const SENTINEL: &str = "GET /sentinel/mcp";

#[test]
fn every_vector_gets_its_answers_and_nothing_is_smuggled() {
    let table = Table::read();
    let mut wrong = Vec::new();
    for vector in &table.vectors {
        let input = table.input(vector);
        for size in [input.len(), 1] {
            let (came, must_come) = (play(&input, size), vector.expected());
            if came != must_come {
                wrong.push(format!("{} in pieces of {size}:\n  {came:?}\n  {must_come:?}", vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What came of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    requests: Vec<String>,
    answers: Vec<u16>,
    is_closed: bool,
}

impl Vector {
    fn expected(&self) -> Outcome {
        let is_sentinel_read = self.then == Then::Open;
        let mut requests = self.requests.clone();
        requests.extend(is_sentinel_read.then(|| SENTINEL.to_owned()));
        let mut answers = self.answers.clone();
        answers.extend(is_sentinel_read.then_some(405)); // without a session there is no stream to be had
        Outcome { requests, answers, is_closed: self.then == Then::Closed }
    }
}

/// Plays the bytes in pieces of this size.
fn play(input: &[u8], size: usize) -> Outcome {
    const SERVERS: [&str; 3] = ["first", "smuggled", "sentinel"];
    let mut config = config(&SERVERS);
    config.servers.iter_mut().for_each(|server| server.log_enabled = true);
    let mut play = Playbook::with(config);
    SERVERS.iter().for_each(|server| play.ready(server));
    play.connect("a");
    play.forget();
    input.chunks(size).for_each(|piece| play.send("a", piece));
    let happened = play.take();
    let answers = happened.iter().filter_map(|line| line.strip_prefix("a ")?.get(..3)?.parse().ok()).collect();
    let is_closed = happened.iter().any(|line| line == "a finish");
    play.hang_up("a"); // what is not complete is logged then
    let lines = play.records.iter().map(|record| line(record, 0, Format::Text));
    Outcome { requests: lines.filter_map(|line| logged_request(&line)).collect(), answers, is_closed }
}

/// `GET /path`, of a line of the log.
fn logged_request(line: &str) -> Option<String> {
    let (_, request) = line.split_once(" method=")?;
    let (method, rest) = request.split_once(" path=")?;
    let (path, _) = rest.split_once(' ')?;
    Some(format!("{method} {path}"))
}
