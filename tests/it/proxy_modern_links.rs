//! Links to upstreams of the modern era: no handshake, no session, no stream of their own; a head for each message.

use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::proxy_remotes::introduction;
use crate::support::modern::Modern;
use crate::support::modern_upstreams::{META, OWN_META, URL, discovered, host, listed, process};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, remote_config};

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"x":1.0}}}"#;
const LIST: &str = r#"{"id":1,"method":"resources/list"}"#;

/// The marks of every POST.
const MARKS: &str = "[MCP-Protocol-Version: 2026-07-28] [X-Key: secret]";

/// A call, as it goes out over HTTP.
fn posted(name: &str, number: usize, marks: &str) -> String {
    let params = format!(r#"{{{META},"name":"t","arguments":{{"x":1.0}}}}"#);
    let head = format!("{MARKS} [Mcp-Method: tools/call] [Mcp-Name: t]{marks}");
    format!(r#"{name} POST /mcp?key=s {head} {{"id":#{number},"method":"tools/call","params":{params}}}"#)
}

fn error(code: i32) -> String {
    format!(r#"{{"id":null,"error":{{"code":{code},"message":"?"}}}}"#)
}

const BAD: &str = "400 Bad Request\r\nContent-Type: application/json";

// ---- The proxy's own requests ----

#[test]
fn the_catalogue_of_a_process_is_read_in_its_words() {
    let mut play = Playbook::probed(crate::support::requests::config(&["demo"]));
    play.spawned("demo");
    play.forget();
    play.says("demo", &discovered(0));
    let list = |id: &str, params: &str| {
        format!(r#"demo <- {{"id":"mcp-proxy:tools/list{id}","method":"tools/list","params":{{{params}}}}}"#)
    };
    play.expect(&[&list("", OWN_META)]);
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"one"}],"nextCursor":"2"}}"#);
    play.expect(&[&list(":1", &format!(r#"{OWN_META},"cursor":"2""#))]);
}

#[test]
fn the_catalogue_of_a_host_is_read_with_a_head_that_says_so() {
    let mut play = Playbook::probed(remote_config(URL, RemoteTransport::Streamable));
    play.forget();
    play.replies("up1", &discovered(0));
    let message = format!(r#"{{"id":"mcp-proxy:tools/list","method":"tools/list","params":{{{OWN_META}}}}}"#);
    play.expect(&[&format!("up1 POST /mcp?key=s {MARKS} [Mcp-Method: tools/list] {message}")]);
}

#[test]
fn an_idle_host_is_asked_who_it_is_as_a_sign_of_life() {
    let mut play = host("");
    play.advance(limits::PING_INTERVAL);
    let pulse = "up2 POST …[Mcp-Method: server/discover] {…mcp-proxy:server/discover:1…}";
    play.expect(&["up1 close", "up2 connect", pulse]);
    // Whatever it says, it is alive.
    play.responds("up2", BAD, &error(-32603));
    play.advance(limits::PING_INTERVAL + limits::PING_TIME_MAX);
    play.expect(&["up2 close", "up3 connect", "up3 POST …mcp-proxy:server/discover:2…"]);
    play.advance(limits::PING_TIME_MAX);
    let last = play.logs.last().expect("a log line");
    assert!(last.contains("did not answer a ping within 15 s"), "{last}");
}

#[test]
fn a_host_is_left_without_a_word() {
    let mut play = host("");
    play.shut_down();
    play.expect(&["up1 close", "stopped"]);
}

#[test]
fn a_new_process_has_nothing_to_be_reminded_of_in_the_older_words() {
    let mut play = process("");
    let session = play.session("a");
    play.exits("demo", Exit::Code(1));
    play.post("a", &session, CALL);
    play.spawned("demo");
    play.forget();
    play.says("demo", &discovered(0));
    play.expect(&[r#"demo <- {"id":"mcp-proxy:tools/list",…}"#, r##"demo <- {"id":#1,"method":"tools/call",…}"##]);
}

// ---- Heads ----

#[test]
fn the_head_says_what_the_message_is_about() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.expect(&[&posted("up1", 1, "")]);
    for (method, params, head) in [
        ("prompts/get", r#"{"name":"a b"}"#, "[Mcp-Method: prompts/get] [Mcp-Name: a b]"),
        ("prompts/get", r#"{"name":"é"}"#, "[Mcp-Method: prompts/get] [Mcp-Name: =?base64?w6k=?=]"),
        ("resources/read", r#"{"uri":"f:\/\/x%20y"}"#, "[Mcp-Method: resources/read] [Mcp-Name: f://x%20y]"),
        ("resources/list", r#"{"cursor":""}"#, "[Mcp-Method: resources/list]"),
        ("a\\nb", "{}", "[Mcp-Method: =?base64?YQpi?=]"),
    ] {
        play.forget();
        play.post("b", &session, &format!(r#"{{"id":2,"method":"{method}","params":{params}}}"#));
        let happened = play.take();
        let line = happened.iter().find(|line| line.contains("POST")).expect("a request");
        assert!(line.contains(&format!("{MARKS} {head} {{")), "{line}");
        play.hang_up("b");
    }
}

const TOOL: &str = concat!(
    r#"{"name":"t","inputSchema":{"type":"object","properties":{"#,
    r#""region":{"type":"string","x-mcp-header":"Region"},"#,
    r#""deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}}}}}"#
);

#[test]
fn the_head_says_which_arguments_the_schema_names() {
    let mut play = host(TOOL);
    let session = play.session("a");
    for (id, (arguments, head)) in [
        (r#"{"region":"us west","deep":{"n":42}}"#, " [Mcp-Param-N: 42] [Mcp-Param-Region: us west]"),
        (r#"{"region":" é","deep":{"n":null}}"#, " [Mcp-Param-Region: =?base64?IMOp?=]"),
        (r#"{"region":null,"x":1}"#, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let params = format!(r#"{{"name":"t","arguments":{arguments}}}"#);
        play.post("a", &session, &format!(r#"{{"id":{id},"method":"tools/call","params":{params}}}"#));
        let line = play.take().pop().expect("a request");
        let head = format!("up1 POST /mcp?key=s {MARKS} [Mcp-Method: tools/call] [Mcp-Name: t]{head} {{");
        assert!(line.starts_with(&head), "{line}");
        play.replies("up1", &format!(r#"{{"id":{},"result":{{}}}}"#, play.call_number_of_last()));
        play.forget();
    }
}

#[test]
fn a_process_has_no_heads() {
    let mut play = process(TOOL);
    let session = play.session("a");
    play.post("a", &session, CALL);
    let params = format!(r#"{{{META},"name":"t","arguments":{{"x":1.0}}}}"#);
    play.expect(&[&format!(r##"demo <- {{"id":#1,"method":"tools/call","params":{params}}}"##)]);
}

#[test]
fn a_tool_whose_header_parameters_are_invalid_is_left_out() {
    let faulty = TOOL.replacen("\"t\"", "\"bad\"", 1).replace("\"Region\"", "\"a b\"");
    let tools = format!("{faulty},{TOOL}");
    let mut play = host(&tools);
    let warning = "warn demo: Left out the tool bad: the x-mcp-header of \"region\" cannot be part of a header's name";
    assert!(play.logs.iter().any(|line| line == warning), "{:?}", play.logs);
    assert_eq!(play.logs.last().map(String::as_str), Some("info demo: Ready with 1 tools"));
    let session = play.session("a");
    play.post("a", &session, r#"{"id":1,"method":"tools/list"}"#);
    play.replies("up1", &format!(r##"{{"id":#1,"result":{{"tools":[{tools}]}}}}"##));
    let answer = play.answer("a").json();
    assert_eq!(answer["result"]["tools"].as_array().map(Vec::len), Some(1), "{answer}");
    // Without heads an annotation means nothing.
    let play = process(&tools);
    assert_eq!(play.logs.last().map(String::as_str), Some("info demo: Ready with 2 tools"));
}

// ---- Notifications ----

#[test]
fn what_the_era_does_not_have_goes_nowhere_and_the_rest_says_who_sends_it() {
    let mut play = host("");
    let session = play.session("a");
    for method in ["notifications/initialized", "notifications/roots/list_changed"] {
        play.post("a", &session, &format!(r#"{{"method":"{method}"}}"#));
        play.expect(&["a 202"]);
    }
    play.post("a", &session, r#"{"method":"notifications/x","params":{"y":1.0}}"#);
    let message = format!(r#"{{"method":"notifications/x","params":{{{OWN_META},"y":1.0}}}}"#);
    play.expect(&[&format!("up1 POST /mcp?key=s {MARKS} [Mcp-Method: notifications/x] {message}"), "a 202"]);
}

// ---- The end of a call ----

#[test]
fn a_cancelled_call_ends_with_its_connection() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.streams("up1");
    play.forget();
    play.post("b", &session, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    play.expect(&["up1 close", "a 200 json {…the request was cancelled…}", "b 202"]);
    play.post("a", &session, CALL);
    play.forget();
    play.http("c", &Http::new("DELETE", "/demo/mcp").session(&session));
    let happened = play.take();
    assert!(happened.contains(&"up2 close".to_owned()), "{happened:?}");
    assert!(!happened.iter().any(|line| line.contains("cancelled\"")), "{happened:?}");
}

#[test]
fn a_process_is_told_that_a_call_is_cancelled() {
    let mut play = process("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.post("b", &session, r#"{"method":"notifications/cancelled","params":{"requestId":1}}"#);
    let cancelled = r##"demo <- {"method":"notifications/cancelled","params":{"requestId":#1}}"##;
    play.expect(&[cancelled, "a 200 json {…the request was cancelled…}", "b 202"]);
}

#[test]
fn a_call_that_takes_too_long_ends_with_its_connection() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.advance(Duration::from_secs(120));
    let happened = play.take();
    assert!(happened.contains(&"up1 close".to_owned()), "{happened:?}");
    assert!(happened.iter().any(|line| line.contains("said nothing about this call")), "{happened:?}");
}

// ---- What is lost ----

#[test]
fn what_does_no_harm_is_sent_again_once() {
    for how in ["stream", "head", "reset"] {
        let mut play = host("");
        let session = play.session("a");
        play.post("a", &session, LIST);
        play.forget();
        let lose = |play: &mut Playbook| {
            let name = play.newest_outbound();
            match how {
                "stream" => {
                    play.streams(&name);
                    play.event(&name, "id: 7\ndata:");
                    play.ends_stream(&name);
                }
                "head" => play.closes(&name),
                _ => play.breaks(&name, "connection reset"),
            }
        };
        lose(&mut play);
        let happened = play.take();
        let again = happened.iter().find(|line| line.contains("POST")).expect(how);
        assert!(again.contains(r##"{"id":#2,"method":"resources/list""##), "{again}");
        lose(&mut play);
        assert_error(&play.answer("a"), 502, -32603, json!(1), &["may or may not have taken effect"]);
        assert_eq!(play.proxy.census().calls, 0);
    }
}

#[test]
fn what_is_sent_again_is_answered_as_what_it_was() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, r#"{"id":"x","method":"resources/list","params":{"_meta":{"progressToken":"p"}}}"#);
    play.streams("up1");
    play.ends_stream("up1");
    let happened = play.take();
    assert!(happened.last().expect("a request").contains(r##""progressToken":#2"##), "{happened:?}");
    play.streams("up1");
    play.event("up1", r##"data: {"method":"notifications/progress","params":{"progressToken":#2,"progress":1}}"##);
    play.event("up1", r##"data: {"id":#1,"result":{"late":true}}"##);
    play.event("up1", r##"data: {"id":#2,"result":{}}"##);
    play.expect(&[
        "a 200 stream",
        r#"a event {"method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#,
        r#"a event {"id":"x","result":{}}"#,
        "a end",
    ]);
}

#[test]
fn a_tools_call_is_never_repeated() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.streams("up1");
    play.event("up1", "id: 7\ndata:");
    play.forget();
    play.ends_stream("up1");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["the stream ended", "may or may not"]);
    play.advance(Duration::from_secs(60));
    assert!(!play.take().iter().any(|line| line.contains("tools/call") || line.contains("GET")));
}

// ---- What is refused ----

#[test]
fn a_head_that_was_wrong_is_right_when_the_tools_were_read_again() {
    let mut play = host("");
    let session = play.session("a");
    let call = r#"{"id":1,"method":"tools/call","params":{"name":"t","arguments":{"region":"x"}}}"#;
    play.post("a", &session, call);
    play.forget();
    play.responds("up1", BAD, &error(-32020));
    play.expect(&["up1 POST …[Mcp-Method: tools/list]…"]);
    play.replies("up1", &listed(1, TOOL));
    play.expect(&[r##"up1 POST …[Mcp-Method: tools/call] [Mcp-Name: t] [Mcp-Param-Region: x] {"id":#2,…}"##]);
    // Once.
    play.responds("up1", BAD, &error(-32020));
    assert_eq!(play.answer("a").head.status, 502);
    assert_eq!(play.take(), Vec::<String>::new());
}

#[test]
fn the_call_goes_out_although_the_tools_cannot_be_read() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.responds("up1", BAD, &error(-32020));
    play.forget();
    play.responds("up1", "503 Service Unavailable", "");
    play.expect(&[&posted("up1", 2, "")]);
}

#[test]
fn a_revision_that_is_refused_is_asked_for_again() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.forget();
    play.responds("up1", BAD, &error(-32022));
    play.expect(&["up1 POST …[Mcp-Method: server/discover]…"]);
    play.replies("up1", &discovered(1));
    play.expect(&[&posted("up1", 2, "")]);
    play.replies("up1", r##"{"id":#2,"result":{"resultType":"complete"}}"##);
    play.expect(&[r#"a 200 json {"id":1,"result":{"resultType":"complete"}}"#]);
}

#[test]
fn an_upstream_that_has_become_a_legacy_one_is_greeted_as_such() {
    for (head, body) in [
        (BAD, r#"{"id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}"#),
        ("404 Not Found", ""),
    ] {
        let mut play = host("");
        let session = play.session("a");
        play.post("a", &session, CALL);
        play.forget();
        play.responds("up1", head, body);
        play.expect(&["up1 POST …[Mcp-Method: server/discover]…"]);
        play.responds("up1", head, body);
        play.expect(&["up1 close", "up2 connect", "up2 POST …[Mcp-Method: server/discover]…"]);
        play.responds("up2", head, body);
        play.expect(&[r#"up2 POST /mcp?key=s [X-Key: secret] {"id":"mcp-proxy:initialize",…}"#]);
        play.replies("up2", &introduction());
        play.forget();
        play.takes_note("up2");
        let happened = play.take();
        let call = happened.iter().find(|line| line.contains("tools/call")).expect("the call");
        assert!(call.contains("[MCP-Protocol-Version: 2025-11-25]") && !call.contains("Mcp-Method"), "{call}");
    }
}

#[test]
fn who_would_not_say_what_it_speaks_has_refused_the_call() {
    let mut play = host("");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.responds("up1", "404 Not Found", "gone");
    play.responds("up1", "503 Service Unavailable", "");
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["HTTP 404 Not Found: gone"]);
    assert_eq!(play.proxy.census().queued_bytes, 0);
}

#[test]
fn a_modern_clients_call_passes_with_its_own_words() {
    let mut play = host(TOOL);
    let call = Modern::call(7).token("\"p\"");
    play.http("a", &call.http());
    let body = call.body().replace(r#""jsonrpc":"2.0","#, "").replace("\"id\":7", "\"id\":#1");
    let body = body.replace(r#""progressToken":"p""#, r#""progressToken":#1"#);
    play.expect(&[&format!("up1 POST /mcp?key=s {MARKS} [Mcp-Method: tools/call] [Mcp-Name: t] {body}")]);
}

// ---- Modern clients ----

#[test]
fn a_modern_client_that_hangs_up_has_cancelled_upstream_too() {
    let mut play = process("");
    play.http("a", &Modern::call(1).http());
    play.forget();
    play.hang_up("a");
    let lines = play.take();
    let is_meant = |line: &String| line.contains("notifications/cancelled") && line.contains("\"requestId\":#1");
    assert!(lines.iter().any(is_meant), "{lines:?}");
    let mut play = host("");
    play.http("a", &Modern::call(1).http());
    play.forget();
    play.hang_up("a");
    play.expect(&["up1 close"]);
}

#[test]
fn errors_of_a_modern_upstream_have_the_status_that_goes_with_them() {
    for (code, status) in [(-32021, 400), (-32601, 404), (-32602, 200)] {
        let mut play = process("");
        play.http("a", &Modern::call(1).http());
        play.says("demo", &format!(r#"{{"id":#1,"error":{{"code":{code},"message":"?"}}}}"#));
        assert_error(&play.answer("a"), status, code, json!(1), &["?"]);
    }
}
