//! Tasks and URL elicitations on a shared upstream: for their owner, and for nobody else.

use serde_json::json;

use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::Http;

const CALL: &str = r#"{"id":1,"method":"tools/call","params":{"name":"x","task":{},"_meta":{"progressToken":"p"}}}"#;
const URL_ASK: &str = concat!(
    r#"{"id":5,"method":"elicitation/create","params":{"mode":"url","message":"?","url":"http://a/","#,
    r#""elicitationId":"e1"}}"#
);

/// Two sessions, `a` and `b`, each with a stream of its own on `ga` and `gb`; `a` has begun task `t1`.
fn with_task() -> (Playbook, String, String) {
    let (mut play, first) = Playbook::ready_with_session();
    let second = play.session_as("b", "2025-11-25", r#"{"sampling":{},"elicitation":{"url":{}},"roots":{}}"#);
    play.http("ga", &Http::get("/demo/mcp").session(&first));
    play.http("gb", &Http::get("/demo/mcp").session(&second));
    play.post("a", &first, CALL);
    play.says("demo", r##"{"id":#1,"result":{"task":{"taskId":"t1","status":"working"}}}"##);
    play.forget();
    (play, first, second)
}

#[test]
fn a_strangers_task_does_not_exist() {
    let (mut play, first, second) = with_task();
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        let message = format!(r#"{{"id":2,"method":"{method}","params":{{"taskId":"t1"}}}}"#);
        play.post("b", &second, &message);
        assert_error(&play.answer("b"), 200, -32602, json!(2), &["Task not found"]);
        play.expect(&[]);
        play.post("a", &first, &message);
        assert_eq!(play.take().len(), 1, "{method} of the owner goes on");
        play.answers_last("demo", "{}");
        play.expect(&[r#"a 200 json {"id":2,"result":{}}"#]);
    }
}

#[test]
fn a_list_of_tasks_has_the_own_ones_only() {
    let (mut play, first, second) = with_task();
    let list = r#"{"tasks":[{"taskId":"t1","status":"working"},{"taskId":"t2"}],"nextCursor":"c"}"#;
    play.post("a", &first, r#"{"id":2,"method":"tasks/list"}"#);
    play.forget();
    play.answers_last("demo", list);
    play.expect(&[r#"a 200 json {"id":2,"result":{"tasks":[{"taskId":"t1","status":"working"}],"nextCursor":"c"}}"#]);
    play.post("b", &second, r#"{"id":2,"method":"tasks/list"}"#);
    play.forget();
    play.answers_last("demo", list);
    play.expect(&[r#"b 200 json {"id":2,"result":{"tasks":[],"nextCursor":"c"}}"#]);
}

#[test]
fn what_happens_to_a_task_is_news_for_its_owner() {
    let (mut play, ..) = with_task();
    play.says("demo", r#"{"method":"notifications/tasks/status","params":{"taskId":"t1","status":"completed"}}"#);
    play.says("demo", r#"{"method":"notifications/tasks/status","params":{"taskId":"t2","status":"completed"}}"#);
    play.expect(&[r#"ga event {"method":"notifications/tasks/status","params":{"taskId":"t1","status":"completed"}}"#]);
    let number = play.call_number(1);
    let progress = |token: &str| {
        format!(r#"{{"method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}}}"#)
    };
    play.says("demo", &progress(&number.to_string()));
    play.expect(&[&format!("ga event {}", progress("\"p\""))]);
}

#[test]
fn an_ask_for_a_task_reaches_its_owner_though_another_is_busy() {
    let (mut play, _, second) = with_task();
    play.post("b", &second, r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
    play.forget();
    let meta = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t1"}}"#;
    play.says("demo", &format!(r#"{{"id":4,"method":"sampling/createMessage","params":{{{meta}}}}}"#));
    play.expect(&[&format!(r#"ga event {{"id":?1,"method":"sampling/createMessage","params":{{{meta}}}}}"#)]);
    play.says("demo", &format!(r#"{{"method":"notifications/message","params":{{"level":"error",{meta}}}}}"#));
    play.expect(&[&format!(r#"ga event {{"method":"notifications/message","params":{{"level":"error",{meta}}}}}"#)]);
}

#[test]
fn the_end_of_a_url_elicitation_is_news_for_who_was_asked() {
    let (mut play, first, second) = with_task();
    play.post("b", &second, r#"{"id":1,"method":"tools/call","params":{"name":"x"}}"#);
    play.says("demo", URL_ASK);
    play.post("a", &first, r#"{"id":3,"method":"tools/call","params":{"name":"x"}}"#);
    let required = r#"{"code":-32042,"message":"first","data":{"elicitations":[{"mode":"url","elicitationId":"e2"}]}}"#;
    let id = play.call_number_of_last();
    play.says("demo", &format!(r#"{{"id":{id},"error":{required}}}"#));
    play.forget();
    for id in ["e1", "e2", "e3"] {
        let notice =
            format!(r#"{{"method":"notifications/elicitation/complete","params":{{"elicitationId":"{id}"}}}}"#);
        play.says("demo", &notice);
    }
    play.expect(&[
        r#"gb event {"method":"notifications/elicitation/complete","params":{"elicitationId":"e1"}}"#,
        r#"ga event {"method":"notifications/elicitation/complete","params":{"elicitationId":"e2"}}"#,
    ]);
}

#[test]
fn nothing_is_remembered_of_a_session_that_ended() {
    let (mut play, first, _) = with_task();
    assert_eq!(play.proxy.census().owned, 1);
    play.http("a", &Http::new("DELETE", "/demo/mcp").session(&first));
    assert_eq!(play.proxy.census().owned, 0);
}

#[test]
fn an_unknown_request_goes_to_the_only_session() {
    let (mut play, session) = Playbook::ready_with_session();
    play.http("g", &Http::get("/demo/mcp").session(&session));
    play.forget();
    play.says("demo", r#"{"id":3,"method":"x/y","params":{}}"#);
    play.expect(&[r#"g event {"id":?1,"method":"x/y","params":{}}"#]);
    play.session("b");
    play.forget();
    play.says("demo", r#"{"id":4,"method":"x/y","params":{}}"#);
    play.says("demo", r#"{"id":5,"method":"tasks/get","params":{"taskId":"c"}}"#);
    play.expect(&[r#"demo <- {"id":4,"error":{"code":-32601,…}}"#, r#"demo <- {"id":5,"error":{"code":-32601,…}}"#]);
}
