//! The `requestState` of a modern upstream, before modern downstreams that are told apart: it is good for its own only.

use mcp_proxy::limits;
use serde_json::{Value, json};

use crate::support::modern::Modern;
use crate::support::modern_upstreams::{discovered, listed};
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::{Http, config};

const ANSWERS: &str = r#"{"k":{"action":"accept","content":{}}}"#;

/// A modern process, whose downstreams have one of two tokens, or none.
fn process(tokens: &[&str]) -> Playbook {
    let mut config = config(&["demo"]);
    config.servers[0].auth_tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
    let mut play = Playbook::probed(config);
    play.spawned("demo");
    play.says("demo", &discovered(0));
    play.says("demo", &listed(0, ""));
    play.forget();
    play
}

fn of(token: &str, request: &Modern) -> Http {
    request.http().with("Authorization", &format!("Bearer {token}"))
}

/// A call that comes back as `wanting`, as its downstream gets it.
fn asked(play: &mut Playbook, wanting: &Value) -> Value {
    play.http("a", &of("one", &Modern::call(1)));
    play.answers_last("demo", &wanting.to_string());
    let answer = play.answer("a").json();
    play.forget();
    answer["result"].clone()
}

fn wanting(state: &str) -> Value {
    json!({"resultType": "input_required", "inputRequests": {"k": {"method": "roots/list"}}, "requestState": state})
}

fn state_of(result: &Value) -> &str {
    result["requestState"].as_str().expect("a state")
}

/// What the upstream was sent last.
fn sent(play: &mut Playbook) -> Value {
    let lines = play.take();
    let line = lines.iter().find_map(|line| line.strip_prefix("demo <- ")).unwrap_or_else(|| panic!("{lines:?}"));
    serde_json::from_str(&line.replace('#', "")).expect("JSON")
}

#[test]
fn its_own_downstream_comes_back_with_it() {
    for state in ["plain", "a \"b\" \\ ü\n", ""] {
        let mut play = process(&["one", "two"]);
        let result = asked(&mut play, &wanting(state));
        assert_ne!(state_of(&result), state);
        assert_eq!(result["inputRequests"], wanting(state)["inputRequests"]);
        play.http("a", &of("one", &Modern::call(2).answering(state_of(&result), ANSWERS)));
        let params = sent(&mut play)["params"].clone();
        assert_eq!(
            (&params["requestState"], params["inputResponses"].to_string()),
            (&json!(state), ANSWERS.to_owned())
        );
        // How often it is good is the upstream's business.
        play.http("b", &of("one", &Modern::call(3).answering(state_of(&result), ANSWERS)));
        assert_eq!(sent(&mut play)["params"]["requestState"], state);
    }
}

#[test]
fn nobody_else_does_nor_with_another_call() {
    let mut play = process(&["one", "two"]);
    let result = asked(&mut play, &wanting("plain"));
    let state = state_of(&result);
    let forged = format!("{}{}", &state[1..], &state[..1]);
    let others = [
        of("two", &Modern::call(2).answering(state, ANSWERS)),
        of("one", &Modern::call(2).answering("plain", ANSWERS)),
        of("one", &Modern::call(2).answering(&forged, ANSWERS)),
        of("one", &Modern::new(2, "tools/call").about("name", "other").answering(state, ANSWERS)),
        of("one", &Modern::call(2).answering(&"x".repeat(limits::REQUEST_STATE_BYTES_MAX + 1), ANSWERS)),
    ];
    for other in &others {
        play.http("b", other);
        assert_error(&play.answer("b"), 200, -32602, json!(2), &["requestState"]);
        assert!(play.take().iter().all(|line| !line.starts_with("demo")));
    }
}

#[test]
fn where_nobody_is_told_apart_it_passes_untouched() {
    let mut play = process(&[]);
    let result = asked(&mut play, &wanting("plain"));
    assert_eq!(result, wanting("plain"));
    play.http("b", &Modern::call(2).answering("plain", ANSWERS).http());
    assert_eq!(sent(&mut play)["params"]["requestState"], "plain");
}

#[test]
fn a_result_without_one_passes_untouched() {
    let mut play = process(&["one"]);
    let done = json!({"resultType": "complete", "content": [{"type": "text", "text": "\"requestState\""}]});
    assert_eq!(asked(&mut play, &done), done);
    let odd = json!({"resultType": "input_required", "requestState": 7});
    assert_eq!(asked(&mut play, &odd), odd);
}
