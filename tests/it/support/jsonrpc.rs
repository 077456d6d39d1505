//! JSON-RPC messages at random, as nasty as JSON allows. What must hold for them is in [`super::fuzzed::jsonrpc`].

use super::wire::Cuts;

/// One of them.
fn one_of<'a>(rng: &mut Cuts, all: &[&'a str]) -> &'a str {
    all[rng.below(all.len())]
}

/// Strings, as JSON text, that look like the parts of an answer which the quick path goes by.
const STRINGS: [&str; 14] = [
    r#""""#,
    r#""a""#,
    r#"",\"id\":7}""#,
    r#"",\u0022id\u0022:7}""#,
    r#"",'id':7}""#,
    r#""{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":""#,
    r#""\\""#,
    r#""\\\"""#,
    r#""},\"id\":9}""#,
    r#""\ud83d\ude00 \u2028""#,
    "\"\u{2028}\u{1f600}\"",
    r#""/\/\b\f\n\r\t""#,
    r#""]}""#,
    r#""id""#,
];

const KEYS: [&str; 10] = [
    r#""id""#,
    r#""result""#,
    r#""error""#,
    r#""jsonrpc""#,
    r#""method""#,
    r#""i\u0064""#,
    r#""_meta""#,
    r#""progressToken""#,
    r#""a\"b""#,
    r#""""#,
];

const SCALARS: [&str; 12] =
    ["7", "0", "-0", "-7", "1.0", "1e2", "1E+400", "12345678901234567890123", "true", "false", "null", "0.10"];

/// Any JSON value, small.
pub(crate) fn value(rng: &mut Cuts, depth: usize) -> String {
    match rng.below(if depth == 0 { 5 } else { 8 }) {
        0..=1 => one_of(rng, &SCALARS).to_owned(),
        2..=4 => one_of(rng, &STRINGS).to_owned(),
        5 => {
            let items: Vec<String> = (0..rng.below(4)).map(|_| value(rng, depth - 1)).collect();
            format!("[{}]", items.join(space(rng, ",")))
        }
        _ => object(rng, depth),
    }
}

/// Any JSON object; it may well end like an answer does.
pub(crate) fn object(rng: &mut Cuts, depth: usize) -> String {
    let mut members: Vec<String> = Vec::new();
    for _ in 0..rng.below(4) {
        let key = one_of(rng, &KEYS);
        members.push(format!("{key}:{}", value(rng, depth.saturating_sub(1))));
    }
    if rng.below(2) == 0 {
        members.push(r#""id":7"#.to_owned());
    }
    format!("{{{}}}", members.join(","))
}

fn space<'a>(rng: &mut Cuts, plain: &'a str) -> &'a str {
    match (plain, rng.below(6)) {
        (",", 0) => " ,",
        (",", 1) => ",\t",
        (_, _) => plain,
    }
}

/// A valid answer: members in any order, white space here and there, now and then an unknown member.
pub(crate) fn answer(rng: &mut Cuts) -> String {
    let id = one_of(rng, &["0", "7", "42", "1048577", "4503599627370495", "18446744073709551615", "-1", "\"7\""]);
    let outcome = if rng.below(3) == 0 { "error" } else { "result" };
    let body = value(rng, 3);
    let mut members = match rng.below(4) {
        0 => vec![jsonrpc(), member("id", id), member(outcome, &body)],
        1 => vec![member(outcome, &body), jsonrpc(), member("id", id)],
        2 => vec![jsonrpc(), member(outcome, &body), member("id", id)],
        _ => vec![member("id", id), member(outcome, &body), jsonrpc()],
    };
    if rng.below(4) == 0 {
        let at = rng.below(members.len() + 1);
        members.insert(at, format!("\"x\":{}", value(rng, 2)));
    }
    let (open, close) = [("{", "}"), ("{", "}"), ("{ ", "}"), ("{", " }")][rng.below(4)];
    let tail = ["", "", "", " "][rng.below(4)];
    format!("{open}{}{close}{tail}", members.join(space(rng, ",")))
}

/// A valid request, with or without a progress token.
pub(crate) fn request(rng: &mut Cuts) -> String {
    let id = one_of(rng, &["0", "-7", "\"a\"", "\"\\u0069d\"", "99999999999999999999"]);
    let token = one_of(rng, &["7", "\"t\"", "-1", "\"\\\"\""]);
    let meta = one_of(rng, &["_meta", "\\u005fmeta", "_m\\u0065ta"]);
    let params = match rng.below(3) {
        0 => "{}".to_owned(),
        1 => format!("{{\"arguments\":{}}}", value(rng, 3)),
        _ => {
            let arguments = value(rng, 3);
            format!("{{\"a\":{arguments},\"{meta}\":{{\"k\":null,\"progressToken\":\n{token}}}, \"z\":1.0}}")
        }
    };
    let mut members = [jsonrpc(), member("id", id), member("method", "\"tools/call\""), member("params", &params)];
    let turns = rng.below(members.len());
    members.rotate_left(turns);
    format!("{{{}}}", members.join(one_of(rng, &[",", ", ", ",\r\n"])))
}

fn member(name: &str, value: &str) -> String {
    format!("\"{name}\":{value}")
}

fn jsonrpc() -> String {
    member("jsonrpc", "\"2.0\"")
}
