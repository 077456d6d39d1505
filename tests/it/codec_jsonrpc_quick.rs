//! `codec::jsonrpc::quick`: it settles the two usual spellings, and is never wrong about a valid message.

use mcp_proxy::codec::jsonrpc::envelope::{Message, Outcome, read_message};
use mcp_proxy::codec::jsonrpc::quick::{answer, result_start};
use mcp_proxy::codec::jsonrpc::splice::range_in;

use crate::support::wire::Cuts;
use crate::support::{fuzzed, jsonrpc};

/// The line, and the id that is read.
const TAKEN: [(&str, u64); 10] = [
    (r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, 7),
    (r#"{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"m"}}"#, 0),
    (r#"{"jsonrpc":"2.0","id":18446744073709551615,"result":1}"#, u64::MAX),
    (r#"{"jsonrpc":"2.0","id":7,"result":{"a":",\"id\":9}","id":8}}"#, 7),
    (r#"{"jsonrpc":"2.0","id":7,"result":1,"x":2}"#, 7),
    (r#"{"result":{},"jsonrpc":"2.0","id":7}"#, 7),
    (r#"{"error":{"code":-1,"message":"m"},"jsonrpc":"2.0","id":12}"#, 12),
    (r#"{"jsonrpc":"2.0","result":"","id":3}"#, 3),
    (r#"{"result":{"id":8},"jsonrpc":"2.0","id":7}"#, 7),
    (r#"{"result":",\"id\":9}","jsonrpc":"2.0","id":0}"#, 0),
];

/// Left to the careful path, for whatever reason.
const LEFT: [&str; 24] = [
    "",
    "}",
    "{}",
    "7}",
    ",\"id\":7}",
    r#"{"jsonrpc":"2.0","id":7,"method":"m"}"#,
    r#"{"jsonrpc":"2.0","id":7}"#,
    r#"{"jsonrpc":"2.0","id":"7","result":1}"#,
    r#"{"jsonrpc":"2.0","id":-7,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":7.0,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":1e2,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":null,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":07,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":18446744073709551616,"result":1}"#,
    r#"{"jsonrpc":"2.0","id":7,"resul\u0074":1}"#,
    r#"{"jsonrpc":"2.0","id":7,"result":1} "#,
    r#" {"jsonrpc":"2.0","id":7,"result":1}"#,
    r#"{"jsonrpc": "2.0","id":7,"result":1}"#,
    r#"{"result":{},"jsonrpc":"2.0","id":}"#,
    r#"{"result":{},"jsonrpc":"2.0","id":07}"#,
    r#"{"result":{"a":1,"id":7}}"#,
    r#"{"method":"m","jsonrpc":"2.0","id":7}"#,
    r#"{"params":{},"method":"m","jsonrpc":"2.0","id":7}"#,
];

#[test]
fn the_usual_spellings_are_read() {
    for (line, id) in TAKEN {
        let found = answer(line.as_bytes()).unwrap_or_else(|| panic!("left: {line}"));
        assert_eq!(found.id, id.to_string(), "{line}");
        assert_eq!(line[found.id_range], id.to_string(), "{line}");
        fuzzed::jsonrpc(line.as_bytes());
    }
}

#[test]
fn the_result_is_found_behind_its_key() {
    for (line, _) in TAKEN {
        let found = answer(line.as_bytes()).unwrap();
        let start = result_start(line.as_bytes(), &found.id_range);
        let Ok(Message::Response { outcome: Outcome::Result(result), .. }) = read_message(line.as_bytes()) else {
            assert_eq!(start, None, "{line}");
            continue;
        };
        assert_eq!(start, range_in(line.as_bytes(), result).map(|range| range.start), "{line}");
    }
    for line in [r#"{"jsonrpc":"2.0","id":7 ,"result":1}"#, r#"{"id":7,"error":{}}"#, ""] {
        assert_eq!(result_start(line.as_bytes(), &(6..7)), None, "{line}");
    }
}

#[test]
fn everything_else_is_left_to_the_careful_path() {
    for line in LEFT {
        assert_eq!(answer(line.as_bytes()), None, "{line}");
    }
}

#[test]
fn a_part_of_a_line_is_never_read_as_another_answer() {
    for (line, id) in TAKEN {
        for end in 0..line.len() {
            // A prefix that ends with a brace may look like the whole. Its id must still be that of the line.
            let found = answer(&line.as_bytes()[..end]);
            assert!(found.is_none_or(|found| found.id == id.to_string()), "{}", &line[..end]);
        }
    }
}

#[test]
fn bytes_that_are_no_text_do_no_harm() {
    let line = b"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"\xff\xfe\"}";
    assert_eq!(answer(line).map(|found| found.id), Some("7"));
    for line in [&b"\xff}"[..], b"{\"result\":\xff,\"id\":7\xff}", b"{\"jsonrpc\":\"2.0\",\"id\":\xff,\"result\":1}"] {
        assert_eq!(answer(line), None);
    }
}

#[test]
fn it_agrees_with_the_careful_path_on_random_answers() {
    let mut rng = Cuts::new(4);
    let (mut taken, mut valid) = (0, 0);
    for _ in 0..50_000 {
        let line = jsonrpc::answer(&mut rng);
        fuzzed::jsonrpc(line.as_bytes());
        taken += usize::from(answer(line.as_bytes()).is_some());
        valid += usize::from(matches!(read_message(line.as_bytes()), Ok(Message::Response { .. })));
    }
    assert_eq!(valid, 50_000, "the generator writes valid answers only");
    assert!(taken > 5_000, "only {taken} answers took the quick path: this test shows nothing");
}

#[test]
fn it_agrees_with_the_careful_path_on_mutilated_answers() {
    let mut rng = Cuts::new(5);
    for _ in 0..50_000 {
        let mut line = jsonrpc::answer(&mut rng).into_bytes();
        for _ in 0..=rng.below(3) {
            if line.is_empty() {
                break;
            }
            let at = rng.below(line.len());
            match rng.below(4) {
                0 => drop(line.remove(at)),
                1 => line.insert(at, b"{}[]\",:\\ 70"[rng.below(11)]),
                2 => line[at] = b"{}[]\",:\\ 70"[rng.below(11)],
                _ => line.truncate(at + 1),
            }
        }
        fuzzed::jsonrpc(&line);
    }
}
