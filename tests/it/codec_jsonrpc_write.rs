//! `codec::jsonrpc::write`: our own messages are messages, whatever text they carry.

use mcp_proxy::codec::jsonrpc::envelope::{Message, Outcome, Params, read_message};
use mcp_proxy::codec::jsonrpc::write;

const TEXTS: [&str; 8] =
    ["", "plain", "\"", "\\", "line\nend\r", "\u{0}\u{1f}\u{7f}", "\u{2028}\u{1f600}é", "</script>"];

#[test]
fn strings_come_back() {
    for text in TEXTS {
        let written = write::string(text);
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        assert!(!written.contains(['\n', '\r']), "a message is one line");
    }
}

#[test]
fn errors_are_responses() {
    for text in TEXTS {
        let error = write::error("\"a\"", -32603, text);
        let Ok(Message::Response { id: "\"a\"", outcome: Outcome::Error(error) }) = read_message(error.as_bytes())
        else {
            panic!("{error}");
        };
        let error: serde_json::Value = serde_json::from_str(error).unwrap();
        assert_eq!(error, serde_json::json!({ "code": -32603, "message": text }));
    }
    let of_nothing = write::error("null", -32700, "no JSON");
    assert!(matches!(read_message(of_nothing.as_bytes()), Ok(Message::Response { id: "null", .. })));
}

#[test]
fn results_requests_and_notifications_are_what_they_say() {
    let params = Params { text: Some("{\"b\":1.0}"), meta: None, progress_token: None };
    let result = write::result("7", "{\"a\":[]}");
    let expected = Message::Response { id: "7", outcome: Outcome::Result("{\"a\":[]}") };
    assert_eq!(read_message(result.as_bytes()), Ok(expected));
    let request = write::request("\"x\"", "a/b", "{\"b\":1.0}");
    let expected = Message::Request { id: "\"x\"", method: "a/b".into(), params };
    assert_eq!(read_message(request.as_bytes()), Ok(expected));
    let params = Params { text: Some("{\"b\":1.0}"), meta: None, progress_token: None };
    let notification = write::notification("a/b", Some("{\"b\":1.0}"));
    let expected = Message::Notification { method: "a/b".into(), params };
    assert_eq!(read_message(notification.as_bytes()), Ok(expected));
    let notification = write::notification("a/b", None);
    let expected = Message::Notification { method: "a/b".into(), params: Params::default() };
    assert_eq!(read_message(notification.as_bytes()), Ok(expected));
}
