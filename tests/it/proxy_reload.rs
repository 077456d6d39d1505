//! A new configuration while the proxy runs.

use std::time::Duration;

use mcp_proxy::config::{Addr, Config, Isolation, Target, ToolFilter, ToolFilterMode, Transports};
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::json;

use crate::support::modern::Modern;
use crate::support::playbook::{HELLO, Playbook, assert_error};
use crate::support::requests::{Http, config, initialize, rpc};

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#;
const RESULT: &str = r#"{"content":[]}"#;

/// As it is, but with another argument for the program of `demo`.
fn with_other_command() -> Config {
    let mut config = config(&["demo"]);
    if let Target::Command(command) = &mut config.servers[0].target {
        command.args.push("--other".to_owned());
    }
    config
}

fn session_of(play: &mut Playbook, name: &str) -> String {
    play.answer(name).head.header("mcp-session-id").expect("a session").to_owned()
}

fn call_at(path: &str, session: &str) -> Http {
    Http::post(path, &rpc(CALL)).session(session)
}

#[test]
fn what_has_not_changed_notices_nothing() {
    let (mut play, session) = Playbook::ready_with_session();
    play.post("a", &session, CALL);
    play.forget();
    play.reload(config(&["demo"]));
    play.expect(&[]);
    assert_eq!(play.logs.last().unwrap(), "info: Reloaded the configuration: no server has changed");
    play.answers_last("demo", RESULT);
    play.expect(&[r#"a 200 json {"id":1,"result":{"content":[]}}"#]);
}

#[test]
fn a_server_that_is_new_is_started_and_served() {
    let (mut play, session) = Playbook::ready_with_session();
    assert_eq!(play.answer_to(&initialize("2025-11-25", "{}").at("/other/mcp")).head.status, 404);
    play.reload(config(&["other", "demo"]));
    assert!(play.take().contains(&"other spawn".to_owned()));
    assert_eq!(play.logs.last().unwrap(), "info: Reloaded the configuration: added other");
    play.ready("other");
    assert_eq!(play.answer_to(&initialize("2025-11-25", "{}").at("/other/mcp")).head.status, 200);
    play.post("a", &session, CALL);
    play.answers_last("demo", RESULT);
    assert_eq!(play.answer("a").head.status, 200);
    // In the order of the file.
    let known = play.answer_to(&Http::get("/nothing/mcp"));
    assert!(known.body.contains(r#"["/other/mcp","/other/sse","/demo/mcp","/demo/sse"]"#), "{known:?}");
}

#[test]
fn a_server_that_is_gone_is_stopped_and_its_sessions_end() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    play.ready("other");
    let session = play.session("a");
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    play.reload(config(&["other"]));
    play.expect(&["demo close-stdin", "g end"]);
    assert_eq!(play.logs.last().unwrap(), "info: Reloaded the configuration: removed demo");
    assert_eq!(play.request("a", &call_at("/demo/mcp", &session)).head.status, 404);
    assert_eq!((play.proxy.census().sessions, play.proxy.census().retired), (0, 1));
    play.exits("demo", Exit::Code(0));
    assert_eq!((play.proxy.census().links, play.proxy.census().retired), (1, 0));
    assert_eq!(play.logs.last().unwrap(), "info demo: Stopped");
}

#[test]
fn a_call_in_flight_is_answered_before_its_server_is_replaced() {
    let (mut play, session) = Playbook::ready_with_session();
    play.post("a", &session, CALL);
    play.forget();
    play.reload(with_other_command());
    let hello = HELLO.replacen("demo", "demo2", 1);
    play.expect(&["demo2 spawn"]);
    assert_eq!(play.logs.last().unwrap(), "info: Reloaded the configuration: restarted demo");
    play.spawned("demo2");
    play.expect(&[&hello]);
    // The session was with the old one: its client is to begin anew.
    let refused = play.answer_to(&call_at("/demo/mcp", &session));
    assert_eq!(refused.head.status, 404);
    play.forget();
    play.answers_last("demo", RESULT);
    play.expect(&["demo close-stdin", r#"a 200 json {"id":1,"result":{"content":[]}}"#]);
    play.exits("demo", Exit::Code(0));
    assert_eq!(play.proxy.census().sessions, 0);
    play.ready("demo2");
    let session = play.session("b");
    play.post("b", &session, CALL);
    play.answers_last("demo2", RESULT);
    assert_eq!(play.answer("b").head.status, 200);
}

#[test]
fn a_call_that_takes_too_long_is_told_why_it_ends() {
    let (mut play, session) = Playbook::ready_with_session();
    play.post("a", &session, CALL);
    play.reload(with_other_command());
    play.advance(limits::RETIREMENT_GRACE - Duration::from_millis(1));
    play.forget();
    play.advance(Duration::from_millis(1));
    assert_error(&play.answer("a"), 503, -32603, json!(1), &["its configuration has changed"]);
    play.expect(&[
        "demo close-stdin",
        concat!(
            r#"demo <- {"method":"notifications/cancelled","params":{"requestId":#1,"#,
            r#""reason":"the configuration of the proxy has changed"}}"#
        ),
    ]);
}

#[test]
fn calls_that_wait_for_a_server_that_is_gone_are_told_so() {
    let mut play = Playbook::new();
    play.spawned("demo");
    play.http("a", &initialize("2025-11-25", "{}"));
    play.reload(config(&["other"]));
    play.advance(limits::RETIREMENT_GRACE);
    assert_error(&play.answer("a"), 503, -32603, json!(0), &["its configuration has changed"]);
    play.exits("demo", Exit::Code(0));
    assert_eq!(play.proxy.census().retired, 0);
}

#[test]
fn a_retired_server_that_crashes_is_not_started_again() {
    let mut play = Playbook::with(config(&["demo", "other"]));
    play.ready("demo");
    let session = play.session("a");
    play.post("a", &session, CALL);
    play.reload(config(&["other"]));
    play.exits("demo", Exit::Code(1));
    assert_error(&play.answer("a"), 502, -32603, json!(1), &["exit status 1"]);
    play.forget();
    assert_eq!(play.proxy.census().retired, 0);
    play.advance(limits::BACK_OFF_MAX);
    assert!(!play.take().contains(&"demo spawn".to_owned()));
}

#[test]
fn processes_of_sessions_end_with_the_server_that_they_stand_for() {
    let isolated = |names: &[&str]| {
        let mut config = config(names);
        config.servers.iter_mut().for_each(|server| server.isolation = Isolation::Session);
        config
    };
    let mut play = Playbook::with(isolated(&["demo", "other"]));
    play.http("a", &initialize("2025-11-25", "{}"));
    play.ready("demo");
    let session = session_of(&mut play, "a");
    play.post("a", &session, CALL);
    play.forget();
    play.reload(isolated(&["other"]));
    play.expect(&[]);
    play.answers_last("demo", RESULT);
    play.expect(&["demo close-stdin", r#"a 200 json {"id":1,"result":{"content":[]}}"#]);
    play.exits("demo", Exit::Code(0));
    let census = play.proxy.census();
    assert_eq!((census.retired, census.privates, census.links, census.sessions), (0, 0, 0, 0), "{census:?}");
}

#[test]
fn other_tools_are_offered_at_once_and_sessions_hear_of_it() {
    let introduction = concat!(
        r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true}},"#,
        r#""serverInfo":{"name":"up","version":"0"}}"#
    );
    let mut play = Playbook::new();
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{introduction}}}"#));
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"x"},{"name":"y"}]}}"#);
    let session = play.session("a");
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    let mut filtered = config(&["demo"]);
    filtered.servers[0].tool_filter = Some(ToolFilter { mode: ToolFilterMode::Block, names: vec!["x".to_owned()] });
    play.reload(filtered);
    play.expect(&[
        r#"demo <- {"id":"mcp-proxy:tools/list:1","method":"tools/list","params":{}}"#,
        r#"g event {"method":"notifications/tools/list_changed"}"#,
    ]);
    assert_eq!(play.logs.last().unwrap(), "info: Reloaded the configuration: adjusted demo");
    play.says("demo", r#"{"id":"mcp-proxy:tools/list:1","result":{"tools":[{"name":"x"},{"name":"y"}]}}"#);
    assert_eq!(play.logs.last().unwrap(), "info demo: Now with 1 tools");
    play.post("a", &session, CALL);
    play.expect(&[r#"a 200 json {"id":1,"error":{"code":-32602,"message":"Unknown tool: x"}}"#]);
}

#[test]
fn a_filter_that_changes_while_the_server_starts_is_used_once_it_is_there() {
    let mut play = Playbook::new();
    play.spawned("demo");
    let mut filtered = config(&["demo"]);
    filtered.servers[0].tool_filter = Some(ToolFilter { mode: ToolFilterMode::Block, names: vec!["x".to_owned()] });
    play.reload(filtered);
    play.says(
        "demo",
        &format!(r#"{{"id":"mcp-proxy:initialize","result":{}}}"#, crate::support::playbook::INTRODUCTION),
    );
    play.says("demo", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[{"name":"x"},{"name":"y"}]}}"#);
    assert_eq!(play.logs.last().unwrap(), "info demo: Ready with 1 tools");
}

#[test]
fn tokens_that_are_added_count_at_once_and_disturb_nobody() {
    let protected = |tokens: &[&str]| {
        let mut config = config(&["demo"]);
        config.servers[0].auth_tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
        config
    };
    let mut play = Playbook::with(protected(&["one"]));
    play.ready("demo");
    let greeting = initialize("2025-11-25", "{}").with("Authorization", "Bearer one");
    play.http("a", &greeting);
    let session = session_of(&mut play, "a");
    play.reload(protected(&["one", "two"]));
    play.forget();
    play.http("a", &call_at("/demo/mcp", &session).with("Authorization", "Bearer one"));
    play.answers_last("demo", RESULT);
    assert_eq!(play.answer("a").head.status, 200);
    assert_eq!(play.answer_to(&greeting.clone().with("Authorization", "Bearer two")).head.status, 200);
    // One that is taken away ends what was begun with it.
    play.reload(protected(&["two"]));
    assert_eq!(play.proxy.census().sessions, 0);
    assert_eq!(play.answer_to(&greeting).head.status, 401);
}

#[test]
fn what_the_proxy_is_called_and_who_may_call_count_at_once() {
    let (mut play, session) = Playbook::ready_with_session();
    let foreign = call_at("/demo/mcp", &session).with("Origin", "https://app.example");
    assert_eq!(play.answer_to(&foreign).head.status, 403);
    let named = call_at("/demo/mcp", &session).with("Host", "gateway.lan");
    assert_eq!(play.answer_to(&named).head.status, 403);
    let mut open = config(&["demo"]);
    open.allowed_origins = vec!["https://app.example".to_owned()];
    open.allowed_hosts = vec!["gateway.lan".to_owned()];
    play.reload(open);
    for (name, request) in [("b", &foreign), ("c", &named)] {
        play.http(name, request);
        play.answers_last("demo", RESULT);
        assert_eq!(play.answer(name).head.status, 200);
    }
    // The host that was allowed last is not remembered.
    play.reload(config(&["demo"]));
    assert_eq!(play.answer_to(&named).head.status, 403);
}

#[test]
fn a_new_base_path_counts_at_once() {
    let (mut play, session) = Playbook::ready_with_session();
    let mut moved = config(&["demo"]);
    moved.base_url = mcp_proxy::base::url::Url::parse_base("http://127.0.0.1:9090/tools").expect("a URL");
    moved.is_base_url_given = true;
    play.reload(moved);
    assert_eq!(play.answer_to(&call_at("/demo/mcp", &session)).head.status, 404);
    play.http("b", &call_at("/tools/demo/mcp", &session));
    play.answers_last("demo", RESULT);
    assert_eq!(play.answer("b").head.status, 200);
}

#[test]
fn where_to_listen_does_not_change_and_the_operator_is_told() {
    let (mut play, session) = Playbook::ready_with_session();
    let mut elsewhere = config(&["demo"]);
    elsewhere.addr = Addr { host: None, port: 9999 };
    elsewhere.base_url = mcp_proxy::base::url::Url::parse("http://localhost:9999").expect("a URL");
    play.reload(elsewhere);
    let told = "warn: mcpProxy.addr has changed: that takes effect when the proxy is started anew";
    assert!(play.logs.contains(&told.to_owned()), "{:?}", play.logs);
    play.post("a", &session, CALL);
    play.answers_last("demo", RESULT);
    assert_eq!(play.answer("a").head.status, 200);
}

#[test]
fn a_transport_that_is_no_more_offered_takes_its_sessions_along() {
    let mut play = Playbook::new();
    play.ready("demo");
    let session = play.session("a");
    play.http("s", &Http::get("/demo/sse"));
    play.forget();
    let mut streamable = config(&["demo"]);
    streamable.transports = Transports::Streamable;
    play.reload(streamable);
    play.expect(&["s end"]);
    assert_eq!(play.proxy.census().sessions, 1);
    play.post("a", &session, CALL);
    play.answers_last("demo", RESULT);
    assert_eq!(play.answer("a").head.status, 200);
}

#[test]
fn a_server_that_was_added_does_not_end_the_proxy_when_it_cannot_be_started() {
    let mut play = Playbook::new();
    play.ready("demo");
    let mut more = config(&["demo", "other"]);
    more.servers[1].panic_if_invalid = true;
    play.reload(more);
    play.spawn_fails("other", "no such file");
    assert!(!play.is_stopped);
    assert_eq!(play.answer_to(&Http::get("/_readyz")).head.status, 503);
    assert!(play.logs.last().unwrap().contains("next attempt"), "{:?}", play.logs);
}

#[test]
fn nothing_is_reloaded_on_the_way_out() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.shut_down();
    play.forget();
    play.reload(config(&["demo", "other"]));
    play.expect(&[]);
}

#[test]
fn warnings_are_logged_in_one_line() {
    use mcp_proxy::config::{Around, load, source::Source};
    let text =
        r#"{"mcpProxy":{"addr":":9090","baseURL":"http://127.0.0.1:9090"},"mcpServers":{"a.b":{"command":"run-x"}}}"#;
    let warned = load(&Source::new("config.json", text), &Around::default()).expect("a configuration");
    assert!(!warned.warnings.is_empty(), "an odd name is warned about");
    let mut play = Playbook::new();
    play.reload(warned);
    let warning = play.logs.iter().find(|line| line.starts_with("warn: config.json:1:")).expect("a warning");
    assert!(!warning.contains('\n'));
}

#[test]
fn who_was_still_sending_to_a_server_that_is_gone_is_told_to_send_again() {
    let introduction = initialize("2025-11-25", "{}");
    for (request, id) in [(introduction, json!(0)), (Modern::new(1, "tools/list").http(), json!(1))] {
        let (mut play, _) = Playbook::ready_with_session();
        let text = request.text();
        let (head, body) = text.split_at(text.find("\r\n\r\n").unwrap() + 4);
        play.connect("a");
        play.send("a", head.as_bytes());
        play.reload(with_other_command());
        play.exits("demo", Exit::Code(0));
        play.send("a", body.as_bytes());
        assert_error(&play.answer("a"), 503, -32603, id, &["configuration", "send it again"]);
    }
}

#[test]
fn a_server_that_is_being_stopped_takes_no_call() {
    let (mut play, _) = Playbook::ready_with_session();
    let text = initialize("2025-11-25", "{}").text();
    let (head, body) = text.split_at(text.find("\r\n\r\n").unwrap() + 4);
    play.connect("a");
    play.send("a", head.as_bytes());
    play.reload(with_other_command()); // `demo` is idle: it is stopped at once, and has not ended yet
    play.send("a", body.as_bytes());
    assert_error(&play.answer("a"), 503, -32603, json!(0), &["configuration", "send it again"]);
}
