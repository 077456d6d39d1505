//! The door of the modern era: which requests are of it, what each must say of itself, and how a legacy upstream looks
//! through it.

use serde_json::{Value, json};

use crate::support::modern::Modern;
use crate::support::playbook::{Answer, INTRODUCTION, Playbook, assert_error};
use crate::support::requests::{Http, initialize};

const VERSION: &str = "MCP-Protocol-Version";

fn ready() -> Playbook {
    let mut play = Playbook::new();
    play.ready("demo");
    play
}

/// The answer to a request that must not reach the upstream.
fn refused(http: &Http) -> Answer {
    let mut play = ready();
    let answer = play.request("a", http);
    play.expect(&[]);
    let census = play.proxy.census();
    assert_eq!((census.calls, census.sessions, census.streams), (0, 0, 0), "{answer:?}");
    answer
}

#[test]
fn a_call_goes_up_without_what_only_the_modern_era_knows() {
    let mut play = ready();
    play.http("a", &Modern::call(7).token("\"p\"").meta("com.example/x", "1.50").http());
    play.expect(&[concat!(
        r##"demo <- {"id":#1,"method":"tools/call","params":{"name":"t","arguments":{"x":1.0},"##,
        r##""_meta":{"progressToken":#1,"com.example/x":1.50}}}"##
    )]);
    play.says("demo", r#"{"id":#1,"result":{"content":[],"x":1.0}}"#);
    play.expect(&[concat!(
        r#"a 200 json {"id":7,"result":{"resultType":"complete","#,
        r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up","version":"0"}},"content":[],"x":1.0}}"#
    )]);
    let census = play.proxy.census();
    assert_eq!((census.calls, census.sessions, census.streams), (0, 0, 0));
}

#[test]
fn what_is_about_lists_says_how_long_it_is_good_for() {
    for (method, is_cacheable) in
        [("tools/list", true), ("resources/templates/list", true), ("tools/call", false), ("unheard/of", false)]
    {
        let mut play = ready();
        let request = match method {
            "tools/call" => Modern::call(1),
            method => Modern::new(1, method),
        };
        play.http("a", &request.http());
        play.forget();
        play.says("demo", r#"{"result":{"_meta":{"own":1}},"id":#1}"#);
        let answer = play.answer("a").json();
        assert_eq!(answer["result"]["_meta"]["own"], 1, "{method}");
        assert_eq!(answer["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "up");
        assert_eq!(answer["result"]["ttlMs"], if is_cacheable { json!(0) } else { Value::Null }, "{method}");
        assert_eq!(answer["result"]["cacheScope"], if is_cacheable { json!("private") } else { Value::Null });
    }
}

#[test]
fn discovery_is_answered_from_the_introduction() {
    let mut play = ready();
    let answer = play.request("a", &Modern::new(1, "server/discover").http()).json();
    assert_eq!(answer["result"]["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(answer["result"]["capabilities"]["resources"], json!({"subscribe": true}));
    assert_eq!(answer["result"]["resultType"], "complete");
    play.expect(&[]);
}

#[test]
fn what_comes_before_the_upstream_is_ready_waits() {
    let mut play = Playbook::new();
    play.http("a", &Modern::new(1, "server/discover").http());
    play.http("b", &Modern::call(2).http());
    play.forget();
    play.spawned("demo");
    play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
    assert_eq!(play.answer("a").json()["result"]["supportedVersions"], json!(["2026-07-28"]));
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    assert_eq!(play.answer("b").json()["result"]["resultType"], "complete");
}

#[test]
fn each_request_says_who_asks_and_in_which_revision() {
    let body = |meta: &str| format!(r#"{{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{{"_meta":{meta}}}}}"#);
    let meta = |key: &str| format!("\"io.modelcontextprotocol/{key}\"");
    let post = |text: &str| Http::post("/demo/mcp", text).with(VERSION, "2026-07-28").with("Mcp-Method", "tools/list");
    let version = format!("{}:\"2026-07-28\"", meta("protocolVersion"));
    let capabilities = format!("{}:{{}}", meta("clientCapabilities"));
    for (text, words) in [
        (body("{}"), "protocolVersion"),
        (body("5"), "protocolVersion"),
        (body(&format!("{{{capabilities}}}")), "protocolVersion"),
        (body(&format!("{{{version}}}")), "clientCapabilities"),
        (body(&format!("{{{version},{}:7}}", meta("clientCapabilities"))), "capabilities"),
        (body(&format!("{{{version},{capabilities},{}:\"loud\"}}", meta("logLevel"))), "logLevel"),
        (r#"{"jsonrpc":"2.0","id":5,"method":"tools/list"}"#.to_owned(), "protocolVersion"),
    ] {
        assert_error(&refused(&post(&text)), 400, -32602, json!(5), &[words]);
    }
}

#[test]
fn the_head_repeats_what_the_body_says() {
    let call = Modern::call(5).http();
    for (http, words) in [
        (call.clone().without(VERSION), VERSION),
        (call.clone().with(VERSION, "2025-11-25"), VERSION),
        (call.clone().with(VERSION, "2027-01-01"), "2027-01-01"),
        (call.clone().without("Mcp-Method"), "Mcp-Method is missing"),
        (call.clone().with("Mcp-Method", "tools/list"), "tools/list"),
        (call.clone().with("Mcp-Method", "TOOLS/CALL"), "TOOLS/CALL"),
        (call.clone().also("Mcp-Method", "tools/call"), "more than once"),
        (call.clone().without("Mcp-Name"), "Mcp-Name is missing"),
        (call.clone().with("Mcp-Name", "u"), "\"u\""),
        (call.clone().also("mcp-name", "t"), "more than once"),
    ] {
        assert_error(&refused(&http), 400, -32020, json!(5), &["header mismatch", words]);
    }
}

#[test]
fn names_are_compared_when_they_are_decoded() {
    for (name, header) in [("t", "  t  "), ("t", "=?base64?dA==?="), ("é", "=?base64?w6k=?=")] {
        let mut play = ready();
        let call = Modern::new(1, "tools/call").about("name", name).http().with("Mcp-Name", header);
        play.http("a", &call);
        assert_eq!(play.proxy.census().calls, 1, "{header}");
    }
}

#[test]
fn another_revision_is_told_which_there_is() {
    for version in ["2027-01-01", "v999.0.0", "2025-11-25"] {
        let body = Modern::call(5).body().replace("2026-07-28", version);
        let head = Modern::call(5).http().body(&body).with(VERSION, version);
        let answer = refused(&head);
        if version == "2025-11-25" {
            assert_error(&answer, 400, -32020, json!(5), &[]); // in no legacy revision stands that in the body
            continue;
        }
        assert_error(&answer, 400, -32022, json!(5), &[version]);
        assert_eq!(answer.json()["error"]["data"], json!({"supported": ["2026-07-28"], "requested": version}));
    }
}

#[test]
fn methods_of_the_legacy_era_are_not_found() {
    for method in
        ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe", "tasks/list"]
    {
        assert_error(&refused(&Modern::new(5, method).http()), 404, -32601, json!(5), &[method]);
    }
}

#[test]
fn nor_is_what_the_upstream_lacks() {
    for method in ["prompts/list", "completion/complete", "tasks/get"] {
        assert_error(&refused(&Modern::new(5, method).http()), 404, -32601, json!(5), &[]);
    }
}

#[test]
fn errors_of_the_upstream_get_their_modern_form() {
    let uri = r#"{"code":-32002,"message":"no","data":{"uri":"x"}}"#;
    for (error, status, expected) in [
        (r#"{"code":-32601,"message":"no"}"#, 404, json!({"code": -32601, "message": "no"})),
        (r#"{"code":-32602,"message":"no","data":1}"#, 200, json!({"code": -32602, "message": "no", "data": 1})),
        (uri, 200, json!({"code": -32602, "message": "no", "data": {"uri": "x"}})),
        (
            r#"{"code":-32042,"message":"own"}"#,
            200,
            json!({"code": -32603, "message": "own", "data": {"code": -32042, "message": "own"}}),
        ),
        (
            r#"{"code":-32020,"message":"own"}"#,
            200,
            json!({"code": -32603, "message": "own", "data": {"code": -32020, "message": "own"}}),
        ),
    ] {
        let mut play = ready();
        play.http("a", &Modern::new(1, "resources/read").about("uri", "x").http());
        play.forget();
        play.says("demo", &format!(r#"{{"id":#1,"error":{error}}}"#));
        let answer = play.answer("a");
        assert_eq!((answer.head.status, &answer.json()["error"]), (status, &expected));
    }
}

#[test]
fn both_eras_are_served_at_once() {
    let mut play = ready();
    let session = play.session("a");
    play.http("b", &Modern::call(1).http().session(&session));
    play.post("a", &session, r#"{"id":1,"method":"tools/call","params":{"name":"t"}}"#);
    play.forget();
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    play.expect(&[r#"a 200 json {"id":1,"result":{}}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    assert_eq!(play.answer("b").json()["result"]["resultType"], "complete");
}

#[test]
fn initialize_is_of_the_legacy_era_whatever_its_head_says() {
    let mut play = ready();
    let http = initialize("2026-07-28", "{}").with(VERSION, "2026-07-28");
    let answer = play.request("a", &http);
    assert_eq!((answer.head.status, &answer.json()["result"]["protocolVersion"]), (200, &json!("2025-11-25")));
}

#[test]
fn a_task_that_something_is_related_to_makes_nothing_modern() {
    let (mut play, s) = Playbook::ready_with_session();
    let meta = r#"{"io.modelcontextprotocol/related-task":{"taskId":"x"}}"#;
    play.post("a", &s, &format!(r#"{{"id":1,"method":"x/y","params":{{"_meta":{meta}}}}}"#));
    play.expect(&[&format!(r##"demo <- {{"id":#1,"method":"x/y","params":{{"_meta":{meta}}}}}"##)]);
}

#[test]
fn notifications_are_taken_and_ids_of_others_prove_nothing() {
    let mut play = ready();
    play.http("a", &Modern::call(1).http());
    play.forget();
    for (method, is_passed) in [
        ("notifications/initialized", false),
        ("notifications/roots/list_changed", false),
        ("notifications/cancelled", false),
        ("notifications/unheard", true),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"requestId":1}}}}"#);
        play.http("b", &Http::post("/demo/mcp", &body).with(VERSION, "2026-07-28"));
        let lines = play.take();
        assert!(lines.contains(&"b 202".to_owned()), "{method}: {lines:?}");
        assert_eq!(lines.len(), if is_passed { 2 } else { 1 }, "{method}: {lines:?}");
    }
    assert_eq!(play.proxy.census().calls, 1);
    let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    let answer = play.request("b", &Http::post("/demo/mcp", body).with(VERSION, "2026-07-28"));
    assert_error(&answer, 400, -32600, Value::Null, &["inputResponses"]);
}

#[test]
fn who_hangs_up_has_cancelled() {
    for (is_streaming, is_abrupt) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut play = ready();
        play.http("a", &Modern::call(1).token("\"p\"").http());
        if is_streaming {
            let progress = r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#;
            play.says("demo", progress);
        }
        play.forget();
        if is_abrupt {
            play.hang_up("a")
        } else {
            play.finish("a")
        }
        let lines = play.take();
        assert!(lines.iter().any(|line| line.contains("notifications/cancelled")), "{lines:?}");
        let census = play.proxy.census();
        assert_eq!((census.calls, census.sessions, census.streams), (0, 0, 0));
    }
}

#[test]
fn progress_comes_on_a_stream_without_ids() {
    let mut play = ready();
    play.http("a", &Modern::call(1).token("\"p\"").http());
    play.forget();
    play.says("demo", r#"{"method":"notifications/progress","params":{"progressToken":#1,"progress":1}}"#);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[
        "a 200 stream",
        r#"a event {"method":"notifications/progress","params":{"progressToken":"p","progress":1}}"#,
        r#"a event {"id":1,"result":{"resultType":"complete",…}}"#,
        "a end",
    ]);
}

#[test]
fn only_who_asks_for_the_log_gets_it_and_the_upstream_is_told() {
    let mut play = ready();
    let line = |level: &str| format!(r#"{{"method":"notifications/message","params":{{"level":"{level}"}}}}"#);
    play.http("a", &Modern::call(1).http());
    play.forget();
    play.says("demo", &line("emergency"));
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.forget();
    play.http("a", &Modern::call(2).level("debug").http());
    play.expect(&[
        r#"demo <- {"id":"mcp-proxy:logging/setLevel","method":"logging/setLevel","params":{"level":"debug"}}"#,
        r##"demo <- {"id":#2,…}"##,
    ]);
    play.says("demo", &line("debug"));
    play.expect(&["a 200 stream", &format!("a event {}", line("debug"))]);
    play.says("demo", r#"{"id":#2,"result":{}}"#);
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains(r#""params":{"level":"info"}"#)), "{lines:?}");
}

#[test]
fn parameters_in_headers_say_what_the_arguments_say() {
    let schema = r#"{"type":"object","properties":{"r":{"type":"string","x-mcp-header":"Region"}}}"#;
    let tools = format!(r#"{{"tools":[{{"name":"t","inputSchema":{schema}}}]}}"#);
    let call = |arguments: &str| Modern::new(5, "tools/call").about("name", "t").param("arguments", arguments).http();
    let header = "Mcp-Param-Region";
    for (http, is_taken) in [
        (call(r#"{"r":"eu"}"#).with(header, "eu"), true),
        (call(r#"{"r":"eu"}"#).with("mcp-param-REGION", "=?base64?ZXU=?="), true),
        (call("{}").with("Mcp-Param-Other", "x"), true),
        (call(r#"{"r":null}"#), true),
        (call(r#"{"r":"eu"}"#), false),
        (call(r#"{"r":"eu"}"#).with(header, "us"), false),
        (call(r#"{"r":"eu"}"#).with(header, "eu").also(header, "eu"), false),
        (call("{}").with(header, "eu"), false),
    ] {
        let mut play = Playbook::new();
        play.spawned("demo");
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:initialize","result":{INTRODUCTION}}}"#));
        play.says("demo", &format!(r#"{{"id":"mcp-proxy:tools/list","result":{tools}}}"#));
        play.forget();
        play.http("a", &http);
        assert_eq!(play.proxy.census().calls, usize::from(is_taken), "{http:?}");
        if !is_taken {
            assert_error(&play.answer("a"), 400, -32020, json!(5), &[header]);
        }
    }
}

#[test]
fn notifications_too_go_up_without_what_only_the_modern_era_knows() {
    let mut play = ready();
    let body = Modern::new(1, "notifications/unheard").body().replace("\"id\":1,", "");
    let head = Http::post("/demo/mcp", &body).with(VERSION, "2026-07-28").with("Mcp-Method", "notifications/unheard");
    play.http("b", &head);
    play.expect(&[r#"demo <- {"method":"notifications/unheard","params":{"_meta":{}}}"#, "b 202"]);
}

#[test]
fn a_session_that_nobody_knows_is_nothing_to_a_modern_request() {
    let mut play = ready();
    play.http("b", &Modern::call(1).http().session("0"));
    assert_eq!(play.proxy.census().calls, 1);
}
