//! Which of several modern callers a legacy upstream's question is for.

use std::time::Duration;

use serde_json::json;

use crate::proxy_parking::{ROOTS, SAMPLING, calling, of_one, parked, ready_for_one, told};
use crate::support::modern::Modern;
use crate::support::playbook::{Playbook, assert_error};
use crate::support::requests::config;

#[test]
fn who_cannot_come_back_is_not_asked() {
    let mut play = ready_for_one();
    play.http("a", &of_one(&Modern::call(1)));
    play.http("b", &of_one(&Modern::new(2, "unheard/of")));
    play.forget();
    play.says("demo", SAMPLING);
    told(&mut play, "a");
}

#[test]
fn a_parked_call_is_asked_no_more_while_another_works() {
    let (mut play, _, _) = parked(SAMPLING);
    play.http("b", &Modern::call(2).http());
    play.forget();
    play.says("demo", ROOTS);
    let (wanted, _) = told(&mut play, "b");
    assert_eq!(wanted[0].1["method"], "roots/list");
}

#[test]
fn of_two_strangers_nobody_is_asked() {
    let mut play = calling();
    play.http("b", &Modern::call(2).http());
    play.forget();
    play.says("demo", SAMPLING);
    play.expect(&[r#"demo <- {"id":"s1","error":{"code":-32601,"message":"calls of several …"}}"#]);
}

#[test]
fn another_principal_is_a_stranger() {
    let mut settings = config(&["demo"]);
    settings.servers[0].auth_tokens = vec!["one".to_owned(), "two".to_owned()];
    let mut play = Playbook::with(settings);
    play.ready("demo");
    let of = |request: Modern, token: &str| request.http().with("Authorization", &format!("Bearer {token}"));
    play.http("a", &of(Modern::call(1), "one"));
    play.http("b", &of(Modern::call(2), "one"));
    play.forget();
    play.says("demo", SAMPLING); // both are of one principal: the newest is asked
    let (wanted, state) = told(&mut play, "b");
    let answers = format!("{{\"{}\":{{}}}}", wanted[0].0);
    let stolen = play.request("c", &of(Modern::call(3).answering(&state, &answers), "two"));
    assert_error(&stolen, 200, -32602, json!(3), &[]);
    play.http("c", &of(Modern::call(4).answering(&state, &answers), "one"));
    play.expect(&[r#"demo <- {"id":"s1","result":{}}"#]);
}

#[test]
fn while_one_call_is_asked_the_others_of_its_sender_may_wait_for_the_answer() {
    let mut play = ready_for_one();
    play.http("a", &of_one(&Modern::call(1)));
    play.http("b", &of_one(&Modern::call(2)));
    play.says("demo", SAMPLING); // perhaps for the first, but the newest is asked
    let (wanted, state) = told(&mut play, "b");
    play.advance(Duration::from_secs(300)); // requestTimeout is two minutes
    play.forget();
    let answers = format!("{{\"{}\":{{}}}}", wanted[0].0);
    play.http("c", &of_one(&Modern::call(3).answering(&state, &answers)));
    play.expect(&[r#"demo <- {"id":"s1","result":{}}"#]);
    play.says("demo", r#"{"id":#1,"result":{}}"#);
    play.expect(&[r#"a event {"id":1,"result":{"resultType":"complete",…}}"#, "a end"]);
}
