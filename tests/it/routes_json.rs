//! Hostile JSON at the door, of both eras: what is answered, and what gets how far. What is passed on keeps every byte.
//!
//! What the proxy goes by must be what the upstream goes by. Of a member that stands there twice most readers take the
//! last one, some the first; to Go's `encoding/json` keys that differ in letter case only are one.

use mcp_proxy::limits::{BODY_BYTES_MAX, ID_BYTES_MAX};
use serde_json::{Value, json};

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, rpc};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
}

/// A door to a ready server.
struct Door {
    play: Playbook,
    era: Era,
    session: String,
}

impl Door {
    fn new(era: Era) -> Door {
        let (play, session) = Playbook::ready_with_session();
        Door { play, era, session }
    }

    /// `META` in a body stands for a member `_meta` as the era wants it.
    fn body(&self, template: &str) -> String {
        let meta = match self.era {
            Era::Legacy => r#""_meta":{}"#,
            Era::Modern => concat!(
                r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientCapabilities":{}}"#
            ),
        };
        template.replace("META", meta)
    }

    fn send(&mut self, body: &[u8]) {
        let head = Http::post("/demo/mcp", "").with("Content-Length", &body.len().to_string());
        let head = match self.era {
            Era::Legacy => head.session(&self.session),
            Era::Modern => head.with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", "unheard/of"),
        };
        self.play.forget();
        self.play.send("a", &[head.text().as_bytes(), body].concat());
    }

    /// Refused, and the connection is of use for more.
    #[track_caller]
    fn refuses(&mut self, body: &[u8], code: i64) {
        self.send(body);
        let answer = self.play.answer("a");
        let shown = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        assert!(!answer.head.is_last(), "{shown}");
        assert_eq!(answer.json()["error"]["code"], code, "{:?}: {shown}: {answer:?}", self.era);
        assert_error(&answer, 400, code, Value::Null, &[]);
        assert_eq!(self.play.take(), [""; 0], "{:?}: {shown}", self.era);
    }

    /// Passed on; returns what the upstream gets to read. The answer has the client's own id.
    #[track_caller]
    fn passes(&mut self, body: &str, id: &str) -> String {
        self.send(body.as_bytes());
        let mut seen = self.play.take();
        let shown = &body[..body.len().min(300)];
        assert_eq!(seen.len(), 1, "{:?}: {shown}: {seen:.300?}", self.era);
        let line = seen.remove(0).strip_prefix("demo <- ").expect("a line for the upstream").to_owned();
        // The playbook has no symbol for the number of a request that its own parser does not take.
        let number: String = line.chars().skip("{\"id\":".len()).take_while(char::is_ascii_digit).collect();
        match number.as_str() {
            "" => self.play.answers_last("demo", "{}"),
            number => self.play.says("demo", &format!("{{\"id\":{number},\"result\":{{}}}}")),
        }
        let answer = self.play.answer("a");
        assert_eq!(answer.head.status, 200, "{shown}");
        assert!(answer.body.contains(&format!("\"id\":{id}")), "{id:.300} in {:.300}", answer.body);
        line
    }
}

fn request(id: &str, value: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"unheard/of","params":{{"v":{value},META}}}}"#)
}

#[test]
fn ids_come_back_as_they_were_spelt_or_are_refused() {
    let long = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 2));
    let too_long = format!("\"{}\"", "x".repeat(ID_BYTES_MAX - 1));
    for era in ERAS {
        let mut door = Door::new(era);
        for id in [
            "0",
            "-0",
            "-7",
            "9007199254740993",
            "18446744073709551616",
            "\"\"",
            "\" \"",
            "\"null\"",
            "\"1\"",
            r#""a\"b\\c\/d\n""#,
            r#""\u0000\u00e9é""#,
            r#""\ud83d\ude00""#,
            &long,
        ] {
            door.passes(&door.body(&request(id, "0")), id);
        }
        for id in [
            "null",
            "1.0",
            "1.5",
            "1e3",
            "1e400",
            "-1E-400",
            "true",
            "false",
            "{}",
            "[]",
            "[1]",
            "{\"id\":1}",
            r#""\ud800""#,
            &too_long,
        ] {
            door.refuses(door.body(&request(id, "0")).as_bytes(), -32600);
        }
        for id in
            ["01", "+1", "1.", ".5", "1e", "0x1", "1_000", "--1", "- 1", "NaN", "Infinity", "-Infinity", "'a'", "a"]
        {
            door.refuses(door.body(&request(id, "0")).as_bytes(), -32700);
        }
    }
}

#[test]
fn what_nobody_reads_is_passed_on_as_it_is() {
    let deep = |open: &str, close: &str| format!("{}0{}", open.repeat(100_000), close.repeat(100_000));
    let values = [
        "1e400",
        "-1e-400",
        "1E+999999999999999999999",
        "-0.0",
        "123456789012345678901234567890.12345678901234567890",
        r#""\ud800""#,
        r#""\udfff\ud800x""#,
        r#""\u0000\u2028\uFFFF""#,
        r#"{"a":1,"a":2,"A":3}"#,
        r#"{"\ud800":1}"#,
        r#"{"id":"x","method":"tools/call","jsonrpc":"1.0"}"#,
        &deep("[", "]"),
        &deep("{\"a\":", "}"),
        &deep("[{\"_meta\":", "}]"),
        &format!("\"{}\"", "x".repeat(2_000_000)),
        &format!("[{}0]", "0,".repeat(500_000)),
        &format!("{{{}\"z\":0}}", "\"z\":0,".repeat(200_000)),
        &"9".repeat(1_000_000),
    ];
    for era in ERAS {
        let mut door = Door::new(era);
        for value in values {
            let line = door.passes(&door.body(&request("1", value)), "1");
            assert!(line.contains(&format!("\"v\":{value},")), "{era:?}: {value:.300} in {line:.300}");
        }
    }
}

#[test]
fn what_is_no_json_is_refused_whatever_is_inside() {
    let million = "[".repeat(1_000_000);
    let values = [
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "01",
        "-01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "1e",
        "1e+",
        "undefined",
        "nil",
        "True",
        "'a'",
        "a",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\uzzzz\"",
        "\"\n\"",
        "\"\t\"",
        "\"\0\"",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{1:1}",
        "[1 2]",
        "1 /* a */",
        "[",
        "]",
        "{",
        "}",
        "[}",
        &million,
    ];
    let bytes: [&[u8]; 6] =
        [b"\"\xff\"", b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\"\xf5\x80\x80\x80\"", b"\"\xe2\x82\"", b"\xff"];
    for era in ERAS {
        let mut door = Door::new(era);
        for value in values {
            door.refuses(door.body(&request("1", value)).as_bytes(), -32700);
        }
        for value in bytes {
            let body = door.body(&request("1", "HERE"));
            let (before, behind) = body.split_once("HERE").unwrap();
            door.refuses(&[before.as_bytes(), value, behind.as_bytes()].concat(), -32700);
        }
    }
}

#[test]
fn what_stands_around_a_message_makes_it_no_json() {
    for era in ERAS {
        let mut door = Door::new(era);
        let good = door.body(&request("1", "0"));
        let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let around = |before: &[u8], behind: &[u8]| [before, good.as_bytes(), behind].concat();
        for body in [
            utf16,
            around(b"\xef\xbb\xbf", b""),
            around(b"\x1e", b"\n"),
            around(b"", b"\0"),
            around(b"", b"x"),
            around(b"", b"{}"),
            around(b")]}',\n", b""),
            around(b"data: ", b"\n\n"),
            around(b"\"", b"\""),
        ] {
            door.refuses(&body, -32700);
        }
    }
}

#[test]
fn what_is_deep_and_no_message_is_refused() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for era in ERAS {
        let mut door = Door::new(era);
        let bodies = [
            format!(r#"{{"jsonrpc":"2.0","id":{deep},"method":"unheard/of","params":{{META}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":{deep},"params":{{META}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"unheard/of","params":{deep}}}"#),
            format!(r#"{{"jsonrpc":{deep},"id":1,"method":"unheard/of","params":{{META}}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{{"_meta":{{"progressToken":{deep}}}}}}}"#),
        ];
        for body in bodies {
            let body = door.body(&body);
            door.refuses(body.as_bytes(), -32600);
        }
    }
}

/// All spellings of a second member that some reader takes for the first.
fn second_spellings(name: &str) -> Vec<String> {
    let upper = name.to_ascii_uppercase();
    let first = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
    let mixed = format!("{}{}", &name[..1], &upper[1..]);
    let folded = name.replacen('s', "\u{17f}", 1).replacen('k', "\u{212a}", 1);
    let mut all = vec![name.to_owned(), first, upper, mixed, folded];
    all.dedup();
    all
}

#[test]
fn a_member_of_a_message_counts_once_whatever_its_spelling() {
    for era in ERAS {
        let mut door = Door::new(era);
        for (name, value) in
            [("jsonrpc", "\"2.0\""), ("id", "2"), ("method", "\"tools/call\""), ("params", "{}"), ("x", "0")]
        {
            for again in second_spellings(name) {
                if again == "X" {
                    continue; // nobody reads either
                }
                let first = r#""jsonrpc":"2.0","x":0,"id":1,"method":"unheard/of","params":{META}"#;
                let second = format!("\"{again}\":{value}");
                for body in [format!("{{{first},{second}}}"), format!("{{{second},{first}}}")] {
                    door.refuses(door.body(&body).as_bytes(), -32600);
                }
            }
        }
        for name in ["Method", "METHOD", "Result", "re\u{17f}ult", "ERROR", "Id"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"{name}":{{}},"method":"unheard/of","params":{{META}}}}"#);
            door.refuses(door.body(&body).as_bytes(), -32600);
        }
    }
}

#[test]
fn a_response_is_one_response() {
    for text in [
        r#"{"id":ASK,"result":{},"result":{}}"#,
        r#"{"id":ASK,"result":{},"Result":{}}"#,
        r#"{"id":ASK,"result":{},"error":{}}"#,
        r#"{"id":ASK,"result":{},"Error":{}}"#,
        r#"{"id":ASK,"result":{},"id":7}"#,
        r#"{"id":ASK,"result":{},"ID":7}"#,
        r#"{"Id":7,"id":ASK,"result":{}}"#,
        r#"{"id":ASK,"error":{},"\u0065rror":{}}"#,
    ] {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("c", &s, r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
        play.says("demo", r#"{"id":5,"method":"roots/list"}"#);
        let body = play.with_numbers(&rpc(text).replace("ASK", "?1"));
        play.forget();
        let answer = play.request("a", &Http::post("/demo/mcp", &body).session(&s));
        assert_error(&answer, 400, -32600, Value::Null, &[]);
        play.expect(&[]);
    }
}

#[test]
fn a_member_of_the_parameters_that_is_read_counts_once() {
    for (method, name, value) in [
        ("unheard/of", "_meta", "{}"),
        ("unheard/of", "_meta", r#"{"progressToken":1}"#),
        ("tools/call", "_meta", r#"{"progressToken":1}"#),
        ("notifications/x", "_meta", r#"{"progressToken":1}"#),
    ] {
        for again in second_spellings(name) {
            let (mut play, s) = Playbook::ready_with_session();
            let id = if method.starts_with("notifications") { "" } else { r#""id":1,"# };
            let body = format!(
                r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{{"{name}":{value},"{again}":{value}}}}}"#
            );
            play.forget();
            let answer = play.request("a", &Http::post("/demo/mcp", &body).session(&s));
            assert_error(&answer, 400, -32600, Value::Null, &[]);
            play.expect(&[]);
        }
    }
    for again in second_spellings("progressToken") {
        let (mut play, s) = Playbook::ready_with_session();
        let body = format!(r#"{{"id":1,"method":"x","params":{{"_meta":{{"progressToken":1,"{again}":2}}}}}}"#);
        play.forget();
        let answer = play.request("a", &Http::post("/demo/mcp", &rpc(&body)).session(&s));
        assert_error(&answer, 400, -32600, Value::Null, &[]);
        play.expect(&[]);
    }
}

#[test]
fn what_a_method_is_about_is_named_once() {
    for (method, name, value) in [
        ("logging/setLevel", "level", "\"debug\""),
        ("resources/subscribe", "uri", "\"file:///a\""),
        ("resources/unsubscribe", "uri", "\"file:///a\""),
        ("tasks/get", "taskId", "\"t1\""),
        ("tasks/result", "taskId", "\"t1\""),
        ("tasks/cancel", "taskId", "\"t1\""),
    ] {
        for again in second_spellings(name) {
            for params in [
                format!(r#"{{"{name}":{value},"{again}":"other"}}"#),
                format!(r#"{{"{again}":"other","{name}":{value}}}"#),
            ] {
                let (mut play, s) = Playbook::ready_with_session();
                let call = r#"{"id":1,"method":"tools/call","params":{"name":"x","task":{}}}"#;
                play.post("a", &s, call);
                play.says("demo", r##"{"id":#1,"result":{"task":{"taskId":"t1"}}}"##);
                play.forget();
                play.post("a", &s, &format!(r#"{{"id":7,"method":"{method}","params":{params}}}"#));
                assert_error(&play.answer("a"), 200, -32602, json!(7), &[]);
                play.expect(&[]);
            }
        }
    }
}

#[test]
fn a_cancellation_and_progress_are_about_one_thing() {
    for again in second_spellings("requestId") {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("b", &s, r#"{"id":1,"method":"tools/call"}"#);
        play.forget();
        let params = format!(r#"{{"{again}":4,"requestId":1}}"#);
        play.post("a", &s, &format!(r#"{{"method":"notifications/cancelled","params":{params}}}"#));
        play.expect(&["a 202"]);
        assert_eq!(play.proxy.census().calls, 1, "{again}");
    }
    for again in second_spellings("progressToken") {
        let (mut play, s) = Playbook::ready_with_session();
        play.post("b", &s, r#"{"id":1,"method":"tools/call"}"#);
        play.says("demo", r#"{"id":5,"method":"sampling/createMessage","params":{"_meta":{"progressToken":9}}}"#);
        play.forget();
        let params = format!(r#"{{"{again}":4,"progressToken":?1,"progress":1}}"#);
        let message = rpc(&format!(r#"{{"method":"notifications/progress","params":{params}}}"#));
        play.post("a", &s, &message);
        play.expect(&["a 202"]);
    }
}

#[test]
fn a_hundred_megabytes_are_refused_before_they_come() {
    for era in ERAS {
        for framing in [("Content-Length", (100 << 20).to_string()), ("Transfer-Encoding", "chunked".to_owned())] {
            let (mut play, s) = Playbook::ready_with_session();
            let head = Http::post("/demo/mcp", "").without("Content-Length").with(framing.0, &framing.1);
            let head = match era {
                Era::Legacy => head.session(&s),
                Era::Modern => head.with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", "unheard/of"),
            };
            play.forget();
            play.send("a", head.text().as_bytes());
            if framing.0 == "Transfer-Encoding" {
                play.send("a", b"1\r\n{\r\n6400000\r\n");
            }
            let answer = play.answer("a");
            assert_eq!(answer.head.status, 413, "{answer:?}");
            assert!(answer.head.is_last() && answer.body.contains(&BODY_BYTES_MAX.to_string()), "{answer:?}");
        }
    }
}
