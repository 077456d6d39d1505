//! How upstreams are asked for their era, and what becomes of their answers.

use std::time::Duration;

use mcp_proxy::config::{Config, Isolation, RemoteTransport};
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::proxy_remotes::{SESSION, URL, introduction};
use crate::support::playbook::{HELLO, Playbook, assert_error};
use crate::support::requests::{config, initialize, remote_config};

const DISCOVER: &str =
    r#"demo <- {"id":"mcp-proxy:server/discover","method":"server/discover","params":{"_meta":{…}}}"#;
const DISCOVERED: &str = r#"{"id":"mcp-proxy:server/discover","result":{"resultType":"complete",
    "supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"resources":{"subscribe":true}},
    "ttlMs":0,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up","version":"2"}}}}"#;
const UNKNOWN: &str = r#"{"id":"mcp-proxy:server/discover","error":{"code":-32601,"message":"?"}}"#;
const JSON: &str = "200 OK\r\nContent-Type: application/json";
const BAD_JSON: &str = "400 Bad Request\r\nContent-Type: application/json";

fn discovered() -> String {
    DISCOVERED.split("\n    ").collect()
}

fn process() -> Playbook {
    let mut play = Playbook::probed(config(&["demo"]));
    play.spawned("demo");
    play
}

fn remote(transport: RemoteTransport) -> Playbook {
    Playbook::probed(remote_config(URL, transport))
}

fn is_log(play: &Playbook, start: &str) -> bool {
    play.logs.iter().any(|line| line.starts_with(start))
}

// ---- Through pipes ----

#[test]
fn the_first_message_says_who_asks_and_in_which_revision() {
    let mut play = process();
    let meta = concat!(
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"mcp-proxy","version":"1.2.3"},"#,
        r#""io.modelcontextprotocol/clientCapabilities":"#,
        r#"{"roots":{},"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}}}"#
    );
    let params = format!("{{\"_meta\":{{{meta}}}}}");
    let id = r#""id":"mcp-proxy:server/discover""#;
    play.expect(&["demo spawn", &format!(r#"demo <- {{{id},"method":"server/discover","params":{params}}}"#)]);
}

#[test]
fn a_modern_process_is_ready_at_once() {
    let mut play = process();
    play.http("a", &initialize("2025-11-25", "{}"));
    play.forget();
    play.says("demo", &discovered());
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"one"}]}}"#);
    let expected = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}, "resources": {"subscribe": true}},
        "serverInfo": {"name": "up", "version": "2"},
    });
    assert_eq!(play.answer("a").json()["result"], expected);
    play.expect(&[r#"demo <- {"id":"mcp-proxy:tools/list","method":"tools/list",…}"#]);
    assert_eq!(play.logs.last().map(String::as_str), Some("info demo: Ready with 1 tools"));
    assert!(is_log(&play, "debug demo: It speaks 2026-07-28"), "{:?}", play.logs);
}

#[test]
fn a_legacy_process_is_greeted_as_ever() {
    for answer in [
        UNKNOWN,
        r#"{"id":"mcp-proxy:server/discover","error":{"code":-32602,"message":"?"}}"#,
        r#"{"id":"mcp-proxy:server/discover","result":{}}"#,
        r#"{"id":null,"error":{"code":-32600,"message":"what?"}}"#,
    ] {
        let mut play = process();
        play.expect(&["demo spawn", DISCOVER]);
        play.says("demo", answer);
        play.expect(&[HELLO]);
        play.says("demo", &introduction());
        play.expect(&[r#"demo <- {"method":"notifications/initialized"}"#, "demo <- {…tools/list…}"]);
        assert!(!is_log(&play, "warn"), "{:?}", play.logs);
    }
}

#[test]
fn a_revision_that_is_refused_and_listed_is_asked_for_again() {
    let mut play = process();
    play.forget();
    let listed = r#"{"supported":["2026-07-28"],"requested":"2026-07-28"}"#;
    play.says(
        "demo",
        &format!(r#"{{"id":"mcp-proxy:server/discover","error":{{"code":-32022,"message":"?","data":{listed}}}}}"#),
    );
    play.expect(&[r#"demo <- {"id":"mcp-proxy:server/discover:1","method":"server/discover",…}"#]);
    play.says("demo", &discovered().replacen("discover\"", "discover:1\"", 1));
    play.expect(&["demo <- {…tools/list…}"]);
}

#[test]
fn whoever_speaks_nothing_that_is_known_is_named() {
    let mut play = process();
    play.http("a", &initialize("2025-11-25", "{}"));
    play.says("demo", r#"{"id":"mcp-proxy:server/discover","result":{"supportedVersions":["2099-01-01"]}}"#);
    play.says("demo", r#"{"id":"mcp-proxy:initialize","error":{"code":-32601,"message":"?"}}"#);
    play.advance(limits::EXIT_STATUS_WAIT);
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["server/discover", "2099-01-01, and not 2026-07-28"]);
}

#[test]
fn a_silent_process_is_asked_both_ways() {
    let mut play = process();
    play.forget();
    play.advance(limits::PROBE_TIME_MAX - Duration::from_millis(1));
    play.expect(&[]);
    play.advance(Duration::from_millis(1));
    play.expect(&[HELLO]);
    play.says("demo", &introduction());
    play.expect(&[r#"demo <- {"method":"notifications/initialized"}"#, "demo <- {…tools/list…}"]);
    // Too late.
    play.says("demo", &discovered());
    play.says("demo", UNKNOWN);
    play.expect(&[]);
    // Its next process is not kept waiting.
    play.exits("demo", Exit::Code(0));
    play.advance(limits::BACK_OFF_MIN);
    play.spawned("demo");
    play.expect(&["demo spawn", HELLO]);
}

#[test]
fn a_slow_start_is_no_silence() {
    for is_dual in [false, true] {
        let mut play = process();
        play.advance(limits::PROBE_TIME_MAX * 3);
        play.forget();
        play.says("demo", &discovered());
        play.expect(&["demo <- {…tools/list…}"]);
        // It reads one message after the other, so the answer to `initialize` comes as well.
        if is_dual {
            play.says("demo", &introduction());
        } else {
            play.says("demo", r#"{"id":"mcp-proxy:initialize","error":{"code":-32602,"message":"?"}}"#);
        }
        play.expect(&[]);
        let session = play.session("a");
        play.post("a", &session, r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
        assert_eq!(play.take().len(), 1);
    }
}

#[test]
fn a_process_that_dies_of_the_question_is_started_again_and_nobody_notices() {
    let mut play = process();
    play.http("a", &initialize("2025-11-25", "{}"));
    play.forget();
    play.exits("demo", Exit::Code(1));
    play.expect(&["demo spawn"]);
    play.spawned("demo");
    play.expect(&[HELLO]);
    play.says("demo", &introduction());
    assert_eq!(play.answer("a").head.status, 200);
    assert!(is_log(&play, "info demo: It ended when it was asked server/discover"), "{:?}", play.logs);
    // That is remembered.
    play.exits("demo", Exit::Code(1));
    play.advance(limits::BACK_OFF_MAX);
    play.forget();
    play.spawned("demo");
    play.expect(&[HELLO]);
}

#[test]
fn a_process_that_dies_of_anything_is_reported() {
    let mut play = process();
    play.http("a", &initialize("2025-11-25", "{}"));
    play.exits("demo", Exit::Code(1));
    play.spawned("demo");
    play.forget();
    play.exits("demo", Exit::Code(3));
    assert_error(&play.answer("a"), 502, -32603, json!(0), &["could not be started", "exit status 3"]);
    // Neither way led anywhere: the first one is tried again.
    play.advance(limits::BACK_OFF_MIN);
    play.spawned("demo");
    play.expect(&["demo spawn", DISCOVER]);
}

#[test]
fn a_modern_process_that_died_once_is_found_out_all_the_same() {
    let mut play = process();
    play.exits("demo", Exit::Code(1));
    play.spawned("demo");
    play.forget();
    play.says("demo", r#"{"id":"mcp-proxy:initialize","error":{"code":-32602,"message":"?"}}"#);
    play.expect(&[DISCOVER]);
    play.says("demo", &discovered());
    play.expect(&["demo <- {…tools/list…}"]);
    play.exits("demo", Exit::Code(1));
    play.advance(limits::BACK_OFF_MIN);
    play.spawned("demo");
    play.expect(&["demo spawn", DISCOVER]);
}

fn isolated() -> Config {
    let mut config = config(&["demo"]);
    config.servers[0].isolation = Isolation::Session;
    config
}

#[test]
fn a_process_of_ones_own_is_asked_as_well() {
    let mut play = Playbook::probed(isolated());
    play.http("a", &initialize("2025-11-25", r#"{"roots":{}}"#));
    play.spawned("demo");
    play.expect(&["demo spawn", DISCOVER]);
    play.says("demo", UNKNOWN);
    let own = r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"test",…}}"#;
    play.expect(&[&format!(r#"demo <- {{"id":"mcp-proxy:initialize","method":"initialize","params":{own}}}"#)]);
}

#[test]
fn a_modern_process_of_ones_own_waits_for_no_confirmation() {
    let mut play = Playbook::probed(isolated());
    play.http("a", &initialize("2025-11-25", r#"{"roots":{}}"#));
    play.spawned("demo");
    play.forget();
    play.says("demo", &discovered());
    let session = play.answer("a").head.header("mcp-session-id").expect("a session").to_owned();
    play.expect(&["demo <- {…tools/list…}"]);
    play.post("a", &session, r#"{"method":"notifications/initialized"}"#);
    play.expect(&["a 202"]);
}

#[test]
fn what_a_process_of_ones_own_dies_of_the_others_are_spared() {
    let mut play = Playbook::probed(isolated());
    play.http("a", &initialize("2025-11-25", "{}"));
    play.spawned("demo");
    play.exits("demo", Exit::Code(1));
    play.spawned("demo");
    play.says("demo", &introduction());
    play.http("b", &initialize("2025-11-25", "{}"));
    play.forget();
    play.spawned("demo2");
    play.expect(&[r#"demo2 <- {"id":"mcp-proxy:initialize",…}"#]);
}

// ---- Over HTTP ----

#[test]
fn the_question_says_in_its_head_what_it_is() {
    let mut play = remote(RemoteTransport::Auto);
    let own = "[X-Key: secret] [MCP-Protocol-Version: 2026-07-28] [Mcp-Method: server/discover]";
    play.expect(&["up1 connect", &format!(r#"up1 POST /mcp?key=s {own} {{"id":"mcp-proxy:server/discover",…}}"#)]);
}

#[test]
fn a_modern_host_is_ready_at_once_and_has_neither_session_nor_stream() {
    let mut play = remote(RemoteTransport::Auto);
    play.forget();
    play.responds("up1", &format!("{JSON}\r\nMcp-Session-Id: s1"), &discovered());
    let happened = play.take();
    assert_eq!(happened.len(), 1, "{happened:?}");
    assert!(happened[0].contains("tools/list") && happened[0].contains("[MCP-Protocol-Version: 2026-07-28]"));
    assert!(!happened[0].contains("s1"), "{happened:?}");
}

#[test]
fn a_legacy_host_is_greeted_as_ever() {
    let error = |code: i32| format!(r#"{{"id":null,"error":{{"code":{code},"message":"no"}}}}"#);
    let listed = r#"{"id":null,"error":{"code":-32022,"message":"?","data":{"supported":["2025-11-25"]}}}"#;
    for (head, body) in [
        (BAD_JSON, error(-32000)),
        (BAD_JSON, listed.to_owned()),
        ("400 Bad Request\r\nContent-Type: text/plain", "no session".to_owned()),
        ("404 Not Found\r\nContent-Type: application/json", error(-32601)),
        ("405 Method Not Allowed", String::new()),
        ("406 Not Acceptable", String::new()),
        (JSON, UNKNOWN.to_owned()),
        (JSON, r#"{"id":"mcp-proxy:server/discover","result":{}}"#.to_owned()),
        (JSON, r#"{"id":null,"error":{"code":-32600,"message":"?"}}"#.to_owned()),
        (JSON, "7".to_owned()),
        ("200 OK\r\nContent-Type: text/html", "<html></html>".to_owned()),
        ("202 Accepted", String::new()),
    ] {
        let mut play = remote(RemoteTransport::Streamable);
        play.forget();
        play.responds("up1", head, &body);
        let name = play.newest_outbound();
        let happened = play.take();
        let hello = format!(r#"{name} POST /mcp?key=s [X-Key: secret] {{"id":"mcp-proxy:initialize","#);
        assert!(happened.iter().any(|line| line.starts_with(&hello)), "{head} {body}: {happened:?}");
        play.responds(&name, SESSION, &introduction());
        let happened = play.take();
        assert!(happened.iter().any(|line| line.contains("notifications/initialized")), "{head} {body}: {happened:?}");
    }
}

#[test]
fn a_modern_error_of_a_host_is_asked_again_and_never_falls_back() {
    for error in [
        r#""code":-32022,"message":"?","data":{"supported":["2026-07-28"],"requested":"2026-07-28"}"#,
        r#""code":-32020,"message":"?""#,
    ] {
        let mut play = remote(RemoteTransport::Auto);
        play.forget();
        play.responds("up1", BAD_JSON, &format!(r#"{{"id":"mcp-proxy:server/discover","error":{{{error}}}}}"#));
        play.expect(&[r#"up1 POST …[Mcp-Method: server/discover] {"id":"mcp-proxy:server/discover:1",…}"#]);
        play.replies("up1", &discovered().replacen("discover\"", "discover:1\"", 1));
        assert!(play.take().iter().any(|line| line.contains("tools/list")));
    }
}

#[test]
fn who_may_not_ask_or_asks_at_a_bad_time_learns_nothing() {
    for head in ["401 Unauthorized", "403 Forbidden", "429 Too Many Requests", "502 Bad Gateway", "503 Busy"] {
        let mut play = remote(RemoteTransport::Auto);
        play.forget();
        play.responds("up1", head, "");
        play.expect(&["up1 close"]);
        let status = &head[..3];
        let reported = format!("error demo: Could not be reached: it answered server/discover with HTTP {status}");
        assert!(is_log(&play, &reported), "{:?}", play.logs);
        play.advance(limits::BACK_OFF_MIN);
        play.expect(&["up2 connect", "up2 POST …[Mcp-Method: server/discover]…"]);
    }
}

#[test]
fn an_error_of_the_hosts_own_may_be_its_answer_to_what_it_does_not_know() {
    let mut play = remote(RemoteTransport::Auto);
    play.responds("up1", "500 Internal Server Error", "oops");
    play.forget();
    play.advance(limits::BACK_OFF_MIN);
    play.expect(&["up2 connect", r#"up2 POST …{"id":"mcp-proxy:initialize",…}"#]);
    // It knows only the other way after all.
    play.responds("up2", BAD_JSON, r#"{"id":null,"error":{"code":-32602,"message":"?"}}"#);
    play.expect(&["up2 POST …[Mcp-Method: server/discover]…"]);
    play.replies("up2", &discovered());
    assert!(play.take().iter().any(|line| line.contains("tools/list")));
}

#[test]
fn a_host_that_is_gone_learns_us_nothing_either() {
    let mut play = remote(RemoteTransport::Auto);
    play.breaks("up1", "connection reset");
    play.forget();
    play.advance(limits::BACK_OFF_MIN);
    play.expect(&["up2 connect", "up2 POST …[Mcp-Method: server/discover]…"]);
}

#[test]
fn an_answer_that_breaks_off_says_nothing() {
    for has_id in [false, true] {
        let mut play = remote(RemoteTransport::Auto);
        play.streams("up1");
        play.event("up1", if has_id { "id: 1\ndata:" } else { ": soon" });
        play.breaks("up1", "connection reset");
        play.forget();
        play.advance(limits::BACK_OFF_MIN);
        play.expect(&["up2 connect", "up2 POST …[Mcp-Method: server/discover]…"]);
    }
}

#[test]
fn a_silent_host_is_asked_otherwise() {
    let mut play = remote(RemoteTransport::Auto);
    play.streams("up1");
    play.forget();
    play.advance(limits::PROBE_TIME_MAX);
    play.expect(&["up1 close", "up2 connect", r#"up2 POST …{"id":"mcp-proxy:initialize",…}"#]);
    // It was only slow.
    play.responds("up2", BAD_JSON, r#"{"id":null,"error":{"code":-32602,"message":"?"}}"#);
    play.expect(&["up2 POST …[Mcp-Method: server/discover]…"]);
    play.advance(limits::PROBE_TIME_MAX * 2);
    play.replies("up2", &discovered());
    assert!(play.take().iter().any(|line| line.contains("tools/list")));
}

#[test]
fn a_host_that_is_silent_to_the_end_is_given_up() {
    let mut play = remote(RemoteTransport::Auto);
    play.advance(limits::PROBE_TIME_MAX);
    play.forget();
    play.advance(limits::EXCHANGE_TIME_MAX);
    assert!(play.take().contains(&"up2 close".to_owned()));
    assert!(is_log(&play, "error demo: Could not be reached: it did not answer in time"), "{:?}", play.logs);
}

#[test]
fn an_older_host_is_found_by_its_stream() {
    let mut play = remote(RemoteTransport::Auto);
    play.forget();
    play.responds("up1", "404 Not Found", "");
    play.expect(&[r#"up1 POST …{"id":"mcp-proxy:initialize",…}"#]);
    play.responds("up1", "405 Method Not Allowed", "");
    play.expect(&["up1 GET /mcp?key=s [X-Key: secret]"]);
    play.streams("up1");
    play.event("up1", "event: endpoint\ndata: /messages");
    play.expect(&["up2 connect", r#"up2 POST /messages [X-Key: secret] {"id":"mcp-proxy:initialize:1",…}"#]);
    play.takes_note("up2");
    // There it is never asked for another era.
    play.event("up1", r#"data: {"id":"mcp-proxy:initialize:1","error":{"code":-32603,"message":"no key"}}"#);
    assert!(is_log(&play, "error demo: initialize failed"), "{:?}", play.logs);
    assert!(!play.take().iter().any(|line| line.contains("server/discover")));
}

#[test]
fn a_host_that_is_configured_as_an_older_one_is_never_asked() {
    let mut play = remote(RemoteTransport::Sse);
    play.expect(&["up1 connect", "up1 GET /mcp?key=s [X-Key: secret]"]);
    play.streams("up1");
    play.event("up1", "event: endpoint\ndata: /messages");
    play.expect(&["up2 connect", r#"up2 POST /messages [X-Key: secret] {"id":"mcp-proxy:initialize",…}"#]);
}

#[test]
fn a_host_that_hangs_up_on_the_question_is_greeted_as_older_ones_are() {
    let mut play = Playbook::probed(remote_config("http://up.example/mcp", RemoteTransport::Streamable));
    play.forget();
    play.closes("up1");
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("\"method\":\"initialize\"")), "{lines:?}");
}
