//! Lines of the log: readable by people and by what splits them at spaces, and nothing in them can be forged.

use std::time::Duration;

use mcp_proxy::io::log::{Format, line};
use mcp_proxy::proxy::{Field, Level, Record};

const AT: u64 = 1_795_422_161;

fn logged(level: Level, server: Option<&str>, message: &str) -> String {
    let (server, message) = (server.map(str::to_owned), message.to_owned());
    line(&Record { level, server, message, fields: Vec::new() }, AT, Format::Text)
}

#[test]
fn a_line_has_the_form_of_the_reference() {
    let text = logged(Level::Info, Some("demo"), "<demo> Adding tool echo");
    assert_eq!(text, "time=2026-11-23T08:22:41Z level=INFO msg=\"<demo> Adding tool echo\" client=demo\n");
}

#[test]
fn without_a_server_there_is_no_client() {
    assert_eq!(logged(Level::Error, None, "stopped"), "time=2026-11-23T08:22:41Z level=ERROR msg=stopped\n");
}

#[test]
fn values_are_quoted_only_where_needed() {
    for (value, written) in [
        ("plain", "plain"),
        ("größe", "größe"),
        ("", r#""""#),
        ("a b", r#""a b""#),
        ("a=b", r#""a=b""#),
        (r#"say "hi""#, r#""say \"hi\"""#),
        (r"C:\x", r#""C:\\x""#),
    ] {
        assert!(logged(Level::Warn, None, value).ends_with(&format!("level=WARN msg={written}\n")), "{value}");
    }
}

#[test]
fn nothing_in_a_message_ends_the_line_or_moves_the_cursor() {
    let hostile =
        "x\ntime=2026-11-23T08:22:41Z level=ERROR msg=forged\r\u{1b}[2J\u{9b}K\0\u{7f}\u{2028}\u{202e}\u{200f}\t";
    let text = logged(Level::Debug, Some("a\nb"), hostile);
    assert_eq!(text.chars().filter(|c| c.is_control()).collect::<String>(), "\n");
    assert!(
        text.ends_with(concat!(r#"\r\u001b[2J\u009bK\u0000\u007f\u2028\u202e\u200f\t" client="a\nb""#, "\n")),
        "{text}"
    );
}

#[test]
fn as_json_a_line_has_the_same_members() {
    let hostile = "say \"hi\"\n\u{1b}[2J\u{2028}\u{202e}\u{7f}é\\";
    let (server, message) = (Some("demo".to_owned()), hostile.to_owned());
    let record = Record { level: Level::Warn, server, message, fields: Vec::new() };
    let text = line(&record, AT, Format::Json);
    assert!(text.starts_with(r#"{"time":"2026-11-23T08:22:41Z","level":"WARN","msg":"say \"hi\""#), "{text}");
    assert!(text.ends_with("\",\"client\":\"demo\"}\n") && text.matches('\n').count() == 1, "{text}");
    assert!(text.trim_end().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{text}");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((value["msg"].as_str(), value["client"].as_str()), (Some(hostile), Some("demo")));
    let record = Record { server: None, message: String::new(), ..record };
    let expected = r#"{"time":"2026-11-23T08:22:41Z","level":"WARN","msg":""}"#;
    assert_eq!(line(&record, AT, Format::Json).trim_end(), expected);
}

#[test]
fn fields_follow_in_both_formats() {
    let fields = vec![
        ("path", Field::Text("/demo/mcp".to_owned())),
        ("tool", Field::Text("say \"hi\"".to_owned())),
        ("status", Field::Number(200)),
        ("duration", Field::Time(Duration::from_micros(12_345))),
        ("longest", Field::Time(Duration::from_millis(75_260))),
    ];
    let (server, message) = (Some("demo".to_owned()), "request".to_owned());
    let record = Record { level: Level::Info, server, message, fields };
    let expected = concat!(
        r#"time=2026-11-23T08:22:41Z level=INFO msg=request client=demo path=/demo/mcp tool="say \"hi\"" status=200 "#,
        "duration=12ms longest=75.3s\n"
    );
    assert_eq!(line(&record, AT, Format::Text), expected);
    let expected = concat!(
        r#"{"time":"2026-11-23T08:22:41Z","level":"INFO","msg":"request","client":"demo","path":"/demo/mcp","#,
        r#""tool":"say \"hi\"","status":200,"duration":0.012,"longest":75.260}"#,
        "\n"
    );
    assert_eq!(line(&record, AT, Format::Json), expected);
}
