//! `logEnabled`: a line for each request, with everything that helps and nothing that is secret.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::Config;
use mcp_proxy::io::log::{Format, line};

use crate::support::playbook::Playbook;
use crate::support::requests::{Http, config, rpc};

/// A ready server whose requests are logged, and a session on connection `a`.
fn logged_as(version: &str) -> (Playbook, String) {
    let mut play = Playbook::with(logging());
    play.ready("demo");
    let session = play.session_as("a", version, "{}");
    play.records.clear();
    (play, session)
}

fn logged() -> (Playbook, String) {
    logged_as("2025-11-25")
}

fn logging() -> Config {
    let mut config = config(&["demo"]);
    config.servers[0].log_enabled = true;
    config
}

/// The requests that were logged since the last look, without what all of them begin with.
fn requests(play: &mut Playbook) -> Vec<String> {
    let lines = play.records.drain(..).map(|record| line(&record, 0, Format::Text));
    let begin = "time=1970-01-01T00:00:00Z level=INFO msg=request client=demo ";
    lines.filter_map(|line| Some(line.strip_prefix(begin)?.trim_end().to_owned())).collect()
}

/// The same, with `bytes=…`: other tests are about how many those are.
fn without_bytes(play: &mut Playbook) -> Vec<String> {
    let digits = |text: &str| text.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    let cut = |line: String| match line.split_once(" bytes=") {
        Some((before, after)) => format!("{before}{}", digits(after)),
        None => line,
    };
    requests(play).into_iter().map(cut).collect()
}

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"get_current_time"}}"#;

#[test]
fn a_call_is_logged_when_its_answer_is_complete() {
    let (mut play, s) = logged();
    play.takes("a", false);
    play.post("a", &s, CALL);
    play.advance(Duration::from_millis(12));
    assert_eq!(requests(&mut play), [""; 0]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let (_, bytes) = play.unread_bytes("a");
    let expected = format!(
        "method=POST path=/demo/mcp rpc=tools/call tool=get_current_time status=200 duration=12ms bytes={bytes}"
    );
    assert_eq!(requests(&mut play), [expected]);
}

#[test]
fn without_log_enabled_nothing_is_logged() {
    let (mut play, s) = Playbook::ready_with_session();
    play.post("a", &s, CALL);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.hang_up("a");
    assert_eq!(requests(&mut play), [""; 0]);
}

#[test]
fn bytes_are_those_of_this_answer_alone() {
    let (mut play, s) = logged();
    let request = |id: u32| {
        let body = rpc(&format!(r#"{{"id":{id},"method":"nothing","params":[]}}"#));
        Http::post("/demo/mcp", &body).session(&s).text()
    };
    play.takes("a", false);
    play.send("a", request(1).as_bytes());
    let (_, first) = play.unread_bytes("a");
    play.send("a", request(2).as_bytes());
    let (_, both) = play.unread_bytes("a");
    let expected = |bytes| format!("method=POST path=/demo/mcp status=400 duration=0ms bytes={bytes}");
    assert_eq!(requests(&mut play), [expected(first), expected(both - first)]);
}

#[test]
fn every_kind_of_message_is_told_apart() {
    let (mut play, s) = logged_as("2025-03-26");
    let mut said = |body: &str| {
        play.http("a", &Http::post("/demo/mcp", body).session(&s));
        without_bytes(&mut play)
    };
    assert_eq!(
        said(&rpc(r#"{"method":"notifications/initialized"}"#)),
        ["method=POST path=/demo/mcp rpc=notifications/initialized status=202 duration=0ms"]
    );
    assert_eq!(
        said(&rpc(r#"{"id":5,"result":{}}"#)),
        ["method=POST path=/demo/mcp rpc=response status=202 duration=0ms"]
    );
    let note = rpc(r#"{"method":"notifications/x"}"#);
    assert_eq!(
        said(&format!("[{note},{note}]")),
        ["method=POST path=/demo/mcp rpc=batch messages=2 status=202 duration=0ms"]
    );
    assert_eq!(said("{"), ["method=POST path=/demo/mcp status=400 duration=0ms"]);
    play.http("b", &Http::new("DELETE", "/demo/mcp").session(&s));
    assert_eq!(without_bytes(&mut play), ["method=DELETE path=/demo/mcp status=204 duration=0ms"]);
}

#[test]
fn what_is_denied_is_logged_once_it_is_known_for_whom_it_is() {
    let mut config = logging();
    config.servers[0].auth_tokens = vec!["secret".to_owned()];
    config.base_url = Url::parse("http://localhost:9090/base").expect("a URL");
    let mut play = Playbook::with(config);
    play.ready("demo");
    play.records.clear();
    let mut said = |request: &Http| {
        play.http("a", request);
        without_bytes(&mut play)
    };
    let authorised = |method: &str, path: &str| Http::new(method, path).with("Authorization", "Bearer secret");
    let line = |rest: &str| vec![format!("{rest} duration=0ms")];
    assert_eq!(said(&Http::get("/base/demo/mcp")), line("method=GET path=/base/demo/mcp status=401"));
    let put = authorised("PUT", "/base/demo/mcp").body("");
    assert_eq!(said(&put), line("method=PUT path=/base/demo/mcp status=405"));
    let sse = authorised("GET", "/base/demo/sse/").with("Accept", "text/html");
    assert_eq!(said(&sse), line("method=GET path=/base/demo/sse status=406"));
    let stranger = authorised("DELETE", "/base/demo/mcp").session("x");
    assert_eq!(said(&stranger), line("method=DELETE path=/base/demo/mcp status=404"));
    for nobodys in ["/base/other/mcp", "/_healthz", "/base/demo"] {
        assert_eq!(said(&Http::get(nobodys)), [""; 0], "{nobodys}");
    }
    assert_eq!(said(&Http::get("/base/demo/mcp").with("Origin", "http://evil.example")), [""; 0]);
}

#[test]
fn streams_are_logged_when_they_end() {
    let (mut play, s) = logged();
    play.http("b", &Http::get("/demo/mcp").session(&s));
    play.http("c", &Http::get("/demo/mcp").session(&s));
    play.advance(Duration::from_secs(75));
    assert_eq!(requests(&mut play), [""; 0]);
    play.hang_up("b");
    assert_eq!(without_bytes(&mut play), ["method=GET path=/demo/mcp status=200 duration=75.0s lost=true"]);
    play.shut_down();
    assert_eq!(without_bytes(&mut play), ["method=GET path=/demo/mcp status=200 duration=75.0s"]);
}

#[test]
fn who_hangs_up_before_the_answer_is_logged_as_nginx_does() {
    let (mut play, s) = logged();
    play.post("a", &s, CALL);
    play.advance(Duration::from_secs(2));
    play.hang_up("a");
    let expected = "method=POST path=/demo/mcp rpc=tools/call tool=get_current_time status=499 duration=2000ms bytes=0";
    assert_eq!(requests(&mut play), [expected]);
    let begun = Http::post("/demo/mcp", &rpc(CALL)).session(&s).text();
    play.connect("b");
    play.send("b", &begun.as_bytes()[..begun.len() - 1]);
    play.hang_up("b");
    assert_eq!(requests(&mut play), ["method=POST path=/demo/mcp status=499 duration=0ms bytes=0"]);
}

#[test]
fn what_is_under_way_at_the_end_is_logged_too() {
    let (mut play, s) = logged();
    play.post("a", &s, CALL);
    play.shut_down();
    play.shut_down();
    assert!(play.is_stopped);
    let expected = "method=POST path=/demo/mcp rpc=tools/call tool=get_current_time status=499 duration=0ms";
    assert_eq!(without_bytes(&mut play), [expected]);
}

#[test]
fn over_sse_stream_and_messages_are_requests_of_their_own() {
    let mut play = Playbook::with(logging());
    play.ready("demo");
    play.records.clear();
    play.http("s", &Http::get("/demo/sse"));
    let endpoint = "/demo/message?sessionId=01010101010101010101010101010101";
    play.http("p", &Http::post(endpoint, &rpc(r#"{"id":1,"method":"initialize","params":{}}"#)));
    play.http("p", &Http::post(endpoint, &format!("[{}]", rpc(r#"{"id":1,"method":"ping"}"#))));
    play.hang_up("s");
    play.http("p", &Http::post(endpoint, &rpc(r#"{"id":2,"method":"ping"}"#)));
    assert_eq!(
        without_bytes(&mut play),
        [
            "method=POST path=/demo/message rpc=initialize status=202 duration=0ms",
            "method=POST path=/demo/message rpc=batch messages=1 status=400 duration=0ms",
            "method=GET path=/demo/sse status=200 duration=0ms lost=true",
            "method=POST path=/demo/message status=404 duration=0ms",
        ]
    );
}

#[test]
fn words_of_the_client_can_neither_flood_nor_forge() {
    let (mut play, s) = logged();
    let long = "x".repeat(10_000);
    for (message, shown) in [
        (r#"{"method":"a\nlevel=ERROR msg=b"}"#.to_owned(), r#"rpc="a level=ERROR msg=b" status=202"#.to_owned()),
        (format!(r#"{{"method":"{long}"}}"#), format!("rpc={}… status=202", "x".repeat(200))),
        (
            format!(r#"{{"method":"tools/call","params":{{"name":"\u001b[2J{long}"}}}}"#),
            format!("rpc=tools/call tool=\" [2J{}…\" status=202", "x".repeat(196)),
        ),
        (
            r#"{"method":"tools/call","params":{"name":"a","Name":"b"}}"#.to_owned(),
            "rpc=tools/call status=202".to_owned(),
        ),
    ] {
        play.post("a", &s, &message);
        assert_eq!(without_bytes(&mut play), [format!("method=POST path=/demo/mcp {shown} duration=0ms")]);
    }
}

#[test]
fn no_token_query_or_body_is_in_any_line() {
    let mut config = config(&["demo/PATHSECRET123"]);
    config.servers[0].log_enabled = true;
    config.servers[0].label = "demo/…".to_owned();
    config.servers[0].auth_tokens = vec!["TOKENSECRET".to_owned()];
    let mut play = Playbook::with(config);
    play.ready("demo/PATHSECRET123");
    play.records.clear(); // the command that is said to be started is the tests' own
    let path = "/demo/PATHSECRET123/mcp?code=QUERYSECRET";
    let mut lines = Vec::new();
    for token in ["TOKENSECRET", "WRONGSECRET"] {
        let secrets = r#"{"name":"t","arguments":{"a":"BODYSECRET"},"_meta":{"progressToken":"METASECRET"}}"#;
        for message in [
            r#"{"id":"IDSECRET","method":"initialize","params":{"capabilities":{},"x":"BODYSECRET"}}"#.to_owned(),
            format!(r#"{{"id":"IDSECRET","method":"tools/call","params":{secrets}}}"#),
            r#"{"id":"IDSECRET","result":"BODYSECRET"}"#.to_owned(),
            "BODYSECRET".to_owned(),
        ] {
            let request = Http::post(path, &rpc(&message))
                .with("Authorization", &format!("Bearer {token}"))
                .with("Cookie", "COOKIESECRET")
                .session("SESSIONSECRET");
            let answer = play.request("a", &request);
            assert!(answer.head.status >= 200);
        }
    }
    for format in [Format::Text, Format::Json] {
        lines.extend(play.records.iter().map(|record| line(record, 0, format)));
    }
    let requests = lines.iter().filter(|line| line.contains("/demo/…/mcp")).count();
    assert_eq!(requests, 16, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("SECRET")), "{lines:?}");
}
