//! A legacy upstream asks during a call of a modern downstream: the call is parked, and comes back with the answers.

use std::time::Duration;

use mcp_proxy::config::RemoteTransport;
use mcp_proxy::limits;
use mcp_proxy::proxy::Exit;
use serde_json::{Value, json};

use crate::proxy_remotes::{SESSION, URL, introduction};
use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config, remote_config};

pub(crate) const SAMPLING: &str = r#"{"id":"s1","method":"sampling/createMessage","params":{"messages":[]}}"#;
pub(crate) const FORM: &str =
    r#"{"id":"f1","method":"elicitation/create","params":{"message":"?","requestedSchema":{}}}"#;
pub(crate) const ROOTS: &str = r#"{"id":"r1","method":"roots/list"}"#;

/// A modern call in flight on `a`.
pub(crate) fn calling() -> Playbook {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).http());
    play.forget();
    play
}

/// What the downstream is told after a moment: what is wanted, by key, and the state.
pub(crate) fn told(play: &mut Playbook, conn: &str) -> (Vec<(String, Value)>, String) {
    play.advance(limits::GATHERING_TIME);
    let answer = play.answer(conn);
    let result = &answer.json()["result"];
    assert_eq!((answer.head.status, &result["resultType"]), (200, &json!("input_required")), "{answer:?}");
    let wanted = result["inputRequests"].as_object().expect("requests");
    let wanted = wanted.iter().map(|(key, request)| (key.clone(), request.clone())).collect();
    (wanted, result["requestState"].as_str().expect("a state").to_owned())
}

/// The downstream of a call is asked once.
pub(crate) fn parked(ask: &str) -> (Playbook, String, String) {
    let mut play = calling();
    play.says("demo", ask);
    let (wanted, state) = told(&mut play, "a");
    play.forget();
    (play, wanted[0].0.clone(), state)
}

#[test]
fn what_the_upstream_asks_is_the_answer_and_the_answer_comes_back() {
    let mut play = calling();
    play.says("demo", FORM);
    play.expect(&[]);
    let (wanted, state) = told(&mut play, "a");
    let request = json!({"method": "elicitation/create", "params": {"message": "?", "requestedSchema": {}}});
    assert_eq!(wanted[0].1, request);
    let key = &wanted[0].0;
    let answers = format!(r#"{{"{key}":{{"action":"accept","x":1.0}}}}"#);
    play.http("b", &Modern::call(2).answering(&state, &answers).http());
    play.expect(&[r#"demo <- {"id":"f1","result":{"action":"accept","x":1.0}}"#]);
    play.says("demo", r#"{"id":#1,"result":{"content":[]}}"#);
    let answer = play.answer("b").json();
    assert_eq!((&answer["id"], &answer["result"]["resultType"]), (&json!(2), &json!("complete")));
    let census = play.proxy.census();
    assert_eq!((census.calls, census.asks, census.sessions, census.streams), (0, 0, 0, 0));
}

#[test]
fn what_is_asked_at_once_is_told_at_once() {
    let mut play = calling();
    play.says("demo", SAMPLING);
    play.advance(limits::GATHERING_TIME / 2);
    play.says("demo", FORM);
    play.says("demo", ROOTS);
    play.expect(&[]);
    let (wanted, state) = told(&mut play, "a");
    let methods: Vec<&str> = wanted.iter().filter_map(|(_, request)| request["method"].as_str()).collect();
    assert_eq!(methods, ["sampling/createMessage", "elicitation/create", "roots/list"]);
    let answers: Vec<String> = wanted.iter().map(|(key, _)| format!("\"{key}\":{{\"k\":\"{key}\"}}")).collect();
    let answers = format!("{{{},\"unknown\":7}}", answers.join(","));
    play.http("b", &Modern::call(2).answering(&state, &answers).http());
    let lines = play.take();
    assert_eq!(lines.iter().filter(|line| line.contains("\"result\"")).count(), 3, "{lines:?}");
    assert_eq!(play.proxy.census().asks, 0);
}

#[test]
fn what_is_not_answered_is_asked_again_under_another_state() {
    let (mut play, key, state) = parked(SAMPLING);
    play.http("b", &Modern::call(2).answering(&state, "{}").http());
    play.expect(&[]);
    let (wanted, second) = told(&mut play, "b");
    assert_eq!((&wanted[0].0, second == state), (&key, false));
    play.http("c", &Modern::call(3).answering(&second, &format!("{{\"{key}\":{{}}}}")).http());
    play.expect(&[r#"demo <- {"id":"s1","result":{}}"#]);
    play.says("demo", ROOTS);
    let (wanted, third) = told(&mut play, "c");
    assert_eq!(wanted[0].1, json!({"method": "roots/list"}));
    play.http("d", &Modern::call(4).answering(&third, &format!("{{\"{}\":{{\"roots\":[]}}}}", wanted[0].0)).http());
    play.expect(&[r#"demo <- {"id":"r1","result":{"roots":[]}}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    assert_eq!(play.answer("d").json()["id"], 4);
}

#[test]
fn a_state_is_good_for_its_own_call_and_for_once() {
    let (mut play, key, state) = parked(SAMPLING);
    let answers = format!("{{\"{key}\":{{}}}}");
    let other = Modern::new(2, "tools/call").about("name", "u").param("arguments", r#"{"x":1.0}"#);
    let more = Modern::new(2, "tools/call").about("name", "t").param("arguments", r#"{"x":2}"#);
    let prompt = Modern::new(2, "prompts/get").about("name", "t");
    let tampered = format!("{state}-TAMPERED");
    for (request, state) in [(other, &state), (more, &state), (prompt, &state), (Modern::call(2), &tampered)] {
        let answer = play.request("b", &request.answering(state, &answers).http());
        let code = answer.json()["error"]["code"].clone();
        assert!(code == -32602 || code == -32601, "{answer:?}");
    }
    assert_eq!(play.proxy.census().asks, 1, "the upstream has noticed");
    let reordered = Modern::new(3, "tools/call").param("arguments", r#"{ "x" : 1.0 }"#).about("name", "t");
    play.http("c", &reordered.answering(&state, &answers).http());
    play.expect(&[r#"demo <- {"id":"s1","result":{}}"#]);
    let again = play.request("b", &Modern::call(4).answering(&state, &answers).http());
    assert_error(&again, 200, -32602, json!(4), &["used before"]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let late = play.request("b", &Modern::call(5).answering(&state, &answers).http());
    assert_error(&late, 200, -32602, json!(5), &["over"]);
}

#[test]
fn answers_that_are_no_answers_cost_nothing() {
    let (mut play, key, state) = parked(SAMPLING);
    for answers in [format!("{{\"{key}\":12345}}"), "null".to_owned(), "[]".to_owned()] {
        let answer = play.request("b", &Modern::call(2).answering(&state, &answers).http());
        assert_error(&answer, 200, -32602, json!(2), &["inputResponses"]);
    }
    play.http("c", &Modern::call(3).answering(&state, &format!("{{\"{key}\":{{}}}}")).http());
    play.expect(&[r#"demo <- {"id":"s1","result":{}}"#]);
}

#[test]
fn answers_without_a_state_begin_a_call() {
    let mut play = calling();
    play.http("b", &Modern::call(2).param("inputResponses", r#"{"x":{}}"#).http());
    assert_eq!(play.proxy.census().calls, 2);
}

#[test]
fn only_what_was_declared_is_asked() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).capabilities(r#"{"sampling":{}}"#).http());
    play.forget();
    play.says("demo", FORM);
    play.expect(&[r#"demo <- {"id":"f1","error":{"code":-32601,…}}"#]);
    play.says("demo", SAMPLING);
    let (wanted, _) = told(&mut play, "a");
    assert_eq!((wanted.len(), &wanted[0].1["method"]), (1, &json!("sampling/createMessage")));
}

#[test]
fn a_call_that_fails_for_what_was_not_declared_says_so() {
    let failure = r#"{"id":#1,"result":{"isError":true,"content":[]}}"#;
    let error = r#"{"id":#1,"error":{"code":-32603,"message":"refused"}}"#;
    for (reply, is_missing) in [(failure, true), (error, true), (r#"{"id":#1,"result":{}}"#, false)] {
        let mut play = Playbook::new();
        play.ready("demo");
        play.http("a", &Modern::call(1).capabilities("{}").http());
        play.says("demo", FORM);
        play.forget();
        play.says("demo", reply);
        let answer = play.answer("a");
        if !is_missing {
            assert_eq!(answer.json()["result"]["resultType"], "complete");
            continue;
        }
        assert_error(&answer, 400, -32021, json!(1), &[]);
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["requiredCapabilities"], json!({"elicitation": {"form": {}}}));
        assert!(data["upstream"].is_object());
    }
}

#[test]
fn a_url_is_asked_without_its_id() {
    let ask = r#"{"id":1,"method":"elicitation/create","params":{"mode":"url","url":"https://x","elicitationId":"e"}}"#;
    let mut play = calling();
    play.says("demo", ask);
    let (wanted, _) = told(&mut play, "a");
    assert_eq!(wanted[0].1["params"], json!({"mode": "url", "url": "https://x"}));
}

#[test]
fn nobody_comes_back() {
    for (ask, answer) in [
        (FORM, r#"demo <- {"id":"f1","result":{"action":"cancel"}}"#),
        (SAMPLING, r#"demo <- {"id":"s1","error":{"code":-1,…}}"#),
    ] {
        let (mut play, _, state) = parked(ask);
        play.hang_up("a");
        play.advance(limits::PARKED_TIME_MAX - Duration::from_secs(1));
        play.expect(&[]);
        play.advance(Duration::from_secs(1));
        play.expect(&[answer, r##"demo <- {"method":"notifications/cancelled","params":{"requestId":#1,…}}"##]);
        let census = play.proxy.census();
        assert_eq!((census.calls, census.asks, census.sessions), (0, 0, 0));
        let late = play.request("b", &Modern::call(2).answering(&state, "{}").http());
        assert_error(&late, 200, -32602, json!(2), &["begin anew"]);
    }
}

#[test]
fn time_in_the_hands_of_the_client_is_not_the_servers() {
    let (mut play, key, state) = parked(SAMPLING); // requestTimeout is two minutes
    play.advance(Duration::from_secs(300));
    play.http("b", &Modern::call(2).answering(&state, &format!("{{\"{key}\":{{}}}}")).http());
    play.advance(Duration::from_secs(119));
    play.forget();
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"b event {"id":2,"result":{"resultType":"complete",…}}"#, "b end"]);
}

#[test]
fn the_upstream_withdraws() {
    let (mut play, _, state) = parked(SAMPLING);
    play.says("demo", r#"{"method":"notifications/cancelled","params":{"requestId":"s1"}}"#);
    play.expect(&[]);
    assert_eq!(play.proxy.census().asks, 0);
    play.says("demo", r#"{"id":#1,"result":{"late":true}}"#);
    let answer = play.request("b", &Modern::call(2).answering(&state, r#"{"1":{}}"#).http()).json();
    assert_eq!((&answer["id"], &answer["result"]["late"]), (&json!(2), &json!(true)));
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn after_a_withdrawal_the_upstream_has_its_time_again() {
    let (mut play, _, state) = parked(SAMPLING); // requestTimeout is two minutes
    play.hang_up("a");
    play.advance(Duration::from_secs(235));
    play.says("demo", r#"{"method":"notifications/cancelled","params":{"requestId":"s1"}}"#);
    play.advance(Duration::from_secs(119));
    play.expect(&[]);
    play.says("demo", r#"{"id":#1,"result":{"late":true}}"#);
    let answer = play.request("b", &Modern::call(2).answering(&state, "{}").http()).json();
    assert_eq!(answer["result"]["late"], true, "{answer}");
}

#[test]
fn nobody_is_told_to_come_back_to_a_proxy_that_ends() {
    let mut play = calling();
    play.says("demo", FORM);
    play.shut_down();
    play.forget();
    play.advance(limits::GATHERING_TIME);
    let lines = play.take();
    assert!(lines.contains(&r#"demo <- {"id":"f1","result":{"action":"cancel"}}"#.to_owned()), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("-32603") && line.contains("shuts down")), "{lines:?}");
    assert!(lines.contains(&"demo close-stdin".to_owned()), "{lines:?}");
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn the_upstream_dies() {
    let (mut play, _, state) = parked(SAMPLING);
    play.exits("demo", Exit::Code(3));
    play.advance(Duration::from_secs(1));
    play.forget();
    let answer = play.request("b", &Modern::call(2).answering(&state, r#"{"1":{}}"#).http());
    assert_error(&answer, 502, -32603, json!(2), &["exit status 3"]);
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn who_hangs_up_while_parked_has_not_cancelled() {
    let (mut play, key, state) = parked(SAMPLING);
    play.hang_up("a");
    play.expect(&[]);
    play.http("b", &Modern::call(2).answering(&state, &format!("{{\"{key}\":{{}}}}")).http());
    play.forget();
    play.hang_up("b");
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("notifications/cancelled")), "{lines:?}");
    assert_eq!(play.proxy.census().calls, 0);
}

#[test]
fn what_was_missed_is_told_to_who_comes_back() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).token("1").level("info").http());
    play.says("demo", SAMPLING);
    let (wanted, state) = told(&mut play, "a");
    for progress in [1, 2] {
        let params = format!(r#"{{"progressToken":#1,"progress":{progress}}}"#);
        play.says("demo", &format!(r#"{{"method":"notifications/progress","params":{params}}}"#));
    }
    play.says("demo", r#"{"method":"notifications/message","params":{"level":"info","data":"x"}}"#);
    play.forget();
    let back = Modern::call(2).token("\"two\"").level("info");
    play.http("b", &back.answering(&state, &format!("{{\"{}\":{{}}}}", wanted[0].0)).http());
    play.expect(&[
        r#"demo <- {"id":"s1","result":{}}"#,
        "b 200 stream",
        r#"b event {"method":"notifications/message","params":{"level":"info","data":"x"}}"#,
        r#"b event {"method":"notifications/progress","params":{"progressToken":"two","progress":2}}"#,
    ]);
}

#[test]
fn what_was_missed_is_as_loud_as_who_comes_back_wants_it() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).level("debug").http());
    play.says("demo", SAMPLING);
    let (wanted, state) = told(&mut play, "a");
    for level in ["debug", "error"] {
        let params = format!(r#"{{"level":"{level}","data":"{level}"}}"#);
        play.says("demo", &format!(r#"{{"method":"notifications/message","params":{params}}}"#));
    }
    play.forget();
    let answers = format!("{{\"{}\":{{}}}}", wanted[0].0);
    play.http("b", &Modern::call(2).level("warning").answering(&state, &answers).http());
    let lines = play.take();
    assert_eq!(lines.iter().filter(|line| line.contains("notifications/message")).count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(r#""data":"error""#)), "{lines:?}");
}

#[test]
fn who_comes_back_says_anew_how_much_of_the_log_is_wanted() {
    let mut play = Playbook::new();
    play.ready("demo");
    play.http("a", &Modern::call(1).level("debug").http());
    play.says("demo", SAMPLING);
    let (wanted, state) = told(&mut play, "a");
    play.forget();
    let answers = format!("{{\"{}\":{{}}}}", wanted[0].0);
    play.http("b", &Modern::call(2).answering(&state, &answers).http());
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("setLevel") && line.contains("info")), "{lines:?}");
}

/// A server whose modern requests are all of one principal.
pub(crate) fn ready_for_one() -> Playbook {
    let mut settings = config(&["demo"]);
    settings.servers[0].auth_tokens = vec!["one".to_owned()];
    let mut play = Playbook::with(settings);
    play.ready("demo");
    play
}

pub(crate) fn of_one(request: &Modern) -> Http {
    request.http().with("Authorization", "Bearer one")
}

#[test]
fn there_is_room_for_so_many() {
    let mut play = ready_for_one();
    let call = |id: u32| of_one(&Modern::call(id));
    for number in 0..limits::PARKED_MAX.min(limits::LINK_ASKS_MAX) {
        play.http("a", &call(1));
        play.says("demo", &format!(r#"{{"id":{number},"method":"roots/list"}}"#));
        play.advance(limits::GATHERING_TIME);
        play.forget();
    }
    play.http("a", &call(2));
    play.forget();
    play.says("demo", ROOTS);
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("too many")), "{lines:?}");
}

/// What upstreams say while nobody is there to hear it takes so much room and no more.
#[test]
fn results_and_questions_wait_in_so_many_bytes() {
    let large = "x".repeat(limits::PARKED_BYTES_MAX / 2);
    let mut play = Playbook::new();
    play.ready("demo");
    let mut states = Vec::new();
    for (conn, number) in [("a", 1), ("b", 2)] {
        play.http(conn, &Modern::call(number).http());
        play.says("demo", &format!(r#"{{"id":"r{number}","method":"roots/list"}}"#));
        states.push(told(&mut play, conn).1);
    }
    for number in 1..=2 {
        play.says("demo", &format!(r##"{{"id":#{number},"result":{{"k":"{large}"}}}}"##));
    }
    let kept = play.request("c", &Modern::call(3).answering(&states[0], "{}").http());
    assert_eq!(kept.json()["result"]["k"].as_str().map(str::len), Some(large.len()));
    let lost = play.request("d", &Modern::call(4).answering(&states[1], "{}").http());
    assert_error(&lost, 429, -32603, json!(4), &[&limits::PARKED_BYTES_MAX.to_string()]);
    play.http("a", &Modern::call(5).http());
    play.says(
        "demo",
        &format!(r#"{{"id":"l1","method":"sampling/createMessage","params":{{"messages":["{large}"]}}}}"#),
    );
    play.forget();
    play.says(
        "demo",
        &format!(r#"{{"id":"l2","method":"sampling/createMessage","params":{{"messages":["{large}"]}}}}"#),
    );
    let lines = play.take();
    assert!(lines.iter().any(|line| line.contains("\"l2\",\"error\"") && line.contains("come back")), "{lines:?}");
}

/// A modern call on `up2` that is parked because of what was asked on `up1`, which does not say whose it is. Returns
/// the key and the state.
fn parked_by_guess() -> (Playbook, String, String) {
    let mut play = Playbook::with(remote_config(URL, RemoteTransport::Streamable));
    play.responds("up1", SESSION, &introduction());
    play.takes_note("up1");
    play.streams("up1");
    play.replies("up2", r#"{"id":"mcp-proxy:tools/list","result":{"tools":[]}}"#);
    play.http("a", &Modern::call(1).http());
    play.event("up1", &format!("data: {SAMPLING}"));
    let (wanted, state) = told(&mut play, "a");
    // The upstream has forgotten its session, and so has not made the call.
    play.responds("up2", "404 Not Found", "");
    play.forget();
    (play, wanted[0].0.clone(), state)
}

#[test]
fn a_call_that_was_returned_while_it_was_parked_is_made_after_all() {
    let (mut play, key, state) = parked_by_guess();
    play.http("b", &Modern::call(2).answering(&state, &format!("{{\"{key}\":{{}}}}")).http());
    play.responds("up3", SESSION, &introduction());
    play.takes_note("up3");
    let lines = play.take();
    let call = lines.iter().find(|line| line.contains("tools/call")).expect("the call");
    let name = call.split(' ').next().expect("a name").to_owned();
    play.replies(&name, r#"{"id":#1,"result":{"content":[]}}"#);
    assert_eq!(play.answer("b").json()["result"]["resultType"], "complete");
}

#[test]
fn a_call_that_was_returned_in_vain_is_told_so() {
    let (mut play, _, state) = parked_by_guess();
    play.refuse("up3", "connection refused");
    play.advance(limits::BACK_OFF_MAX);
    let next = play.newest_outbound();
    play.responds(&next, SESSION, &introduction());
    play.takes_note(&next);
    play.forget();
    let answer = play.request("b", &Modern::call(2).answering(&state, "{}").http());
    assert_error(&answer, 502, -32603, json!(2), &["connection refused"]);
}

#[test]
fn who_hangs_up_with_questions_left_leaves_the_upstream_none() {
    let mut play = calling();
    play.says("demo", FORM);
    play.says("demo", SAMPLING);
    let (wanted, state) = told(&mut play, "a");
    let first = format!("{{\"{}\":{{}}}}", wanted[0].0);
    play.http("b", &Modern::call(2).answering(&state, &first).http());
    play.forget();
    play.hang_up("b");
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("demo <- ") && line.contains("\"error\"")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("notifications/cancelled")), "{lines:?}");
    assert_eq!((play.proxy.census().asks, play.proxy.census().calls), (0, 0));
}

#[test]
fn who_hangs_up_before_anything_was_told_leaves_no_question_open() {
    let mut play = calling();
    play.says("demo", FORM);
    play.forget();
    play.hang_up("a");
    let lines = play.take();
    assert!(lines.iter().any(|line| line.starts_with("demo <- ") && line.contains("\"error\"")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("notifications/cancelled")), "{lines:?}");
    assert_eq!((play.proxy.census().asks, play.proxy.census().calls), (0, 0));
}
