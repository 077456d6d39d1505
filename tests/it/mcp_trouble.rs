//! `mcp::trouble`: every error names the server, the cause and what to do.

use std::time::Duration;

use mcp_proxy::codec::jsonrpc::envelope::{Message, Outcome, read_message};
use mcp_proxy::mcp::trouble::Trouble;

fn all() -> Vec<(Trouble, u16, &'static [&'static str])> {
    let words = || Some("Error: \"no\" such module\u{1b}[0m".to_owned());
    vec![
        (
            Trouble::NotReady { waited: Duration::from_secs(60), last_words: words() },
            503,
            &["60 s", "startupTimeout", "such module", "try again"],
        ),
        (
            Trouble::NotReady { waited: Duration::from_millis(1_500), last_words: None },
            503,
            &["1.5 s", "startupTimeout", "log"],
        ),
        (
            Trouble::CannotStart { cause: "exit status 127".to_owned(), last_words: words() },
            502,
            &["exit status 127", "such module", "command", "configuration"],
        ),
        (
            Trouble::Crashed { cause: "killed by signal 9".to_owned(), last_words: words() },
            502,
            &["killed by signal 9", "such module", "may not have"],
        ),
        (Trouble::Silent { waited: Duration::from_secs(600) }, 504, &["600 s", "requestTimeout", "cancelled"]),
        (Trouble::Clogged, 503, &["does not read", "try again"]),
        (Trouble::Crowded { bound: "too many of it (7)".to_owned() }, 429, &["too many of it (7)", "try again"]),
        (Trouble::ShuttingDown, 503, &["shuts down"]),
    ]
}

#[test]
fn messages_say_which_server_what_happened_and_what_to_do() {
    for (trouble, status, words) in all() {
        let message = trouble.message("my server");
        assert_eq!(trouble.status(), status, "{message}");
        for word in words.iter().chain(&["\"my server\""]) {
            assert!(message.contains(word), "{word:?} is missing in {message}");
        }
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    let replaced = Trouble::Replaced.message("");
    assert!(replaced.contains("configuration") && replaced.contains("send it again"), "{replaced}");
}

#[test]
fn each_is_a_json_rpc_error_with_the_callers_id() {
    for id in ["7", "-7", "\"a\"", "\"\\u0061\\\"\"", "12345678901234567890"] {
        for (trouble, _, _) in all() {
            let json = trouble.to_json(id, "na\"me\\");
            let Message::Response { id: read, outcome: Outcome::Error(error) } = read_message(json.as_bytes()).unwrap()
            else {
                panic!("{json}")
            };
            assert_eq!(read, id);
            let error: serde_json::Value = serde_json::from_str(error).unwrap();
            assert_eq!(error["code"], -32603);
            assert_eq!(error["message"], trouble.message("na\"me\\"));
        }
    }
}
