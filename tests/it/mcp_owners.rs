//! Whose tasks and elicitations are whose, and what messages say about them.

use mcp_proxy::base::id::{Arena, ServerId, SessionId};
use mcp_proxy::limits::SESSION_THINGS_MAX;
use mcp_proxy::mcp::owners::{
    Owners, Thing, asks_for_task, begun_task, named_elicitation, named_task, related_task, required_elicitations,
};

fn task(id: &str) -> Thing {
    Thing::Task(id.into())
}

fn ids() -> (ServerId, [SessionId; 2]) {
    let (mut servers, mut sessions) = (Arena::<ServerId, ()>::new(), Arena::<SessionId, ()>::new());
    (servers.insert(()), [sessions.insert(()), sessions.insert(())])
}

#[test]
fn a_member_asks_for_a_task_however_it_is_spelt() {
    for (params, expected) in [
        (r#"{"name":"x","task":{}}"#, true),
        (r#"{"task":{"ttl":1},"name":"x"}"#, true),
        (r#"{"t\u0061sk":{}}"#, true),
        (r#"{"Task":{}}"#, true), // to some readers
        ("{\"tas\u{212a}\":{}}", true),
        (r#"{"name":"task"}"#, false),
        (r#"{"arguments":{"task":{}}}"#, false),
        (r#"{"task":null}"#, false),
    ] {
        assert_eq!(asks_for_task(Some(params)), expected, "{params}");
    }
    assert!(!asks_for_task(None));
}

#[test]
fn names_are_found_where_they_belong() {
    let begun = br#"{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"task":{"status":"working","taskId":"t\u0031"}}}"#;
    assert_eq!(begun_task(begun), Some(task("t1")));
    assert_eq!(begun_task(br#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#), None);
    assert_eq!(named_task(Some(r#"{"taskId":"t"}"#)), Some(task("t")));
    assert_eq!(named_task(Some(r#"{"taskId":1}"#)), None);
    assert_eq!(named_elicitation(Some(r#"{"elicitationId":"e"}"#)), Some(Thing::Elicitation("e".into())));
    let related = br#"{"params":{"_meta":{"x":1,"io.modelcontextprotocol/related-task":{"taskId":"t"}}}}"#;
    assert_eq!(related_task(related), Some(task("t")));
    assert_eq!(related_task(br#"{"params":{"a":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}}"#), None);
}

#[test]
fn elicitations_are_required_by_their_error_only() {
    let error = |code: i64| {
        format!(
            r#"{{"id":1,"error":{{"code":{code},"data":{{"elicitations":[{{"elicitationId":"e"}}]}}}},"x":-32042}}"#
        )
    };
    assert_eq!(required_elicitations(error(-32042).as_bytes()), [Thing::Elicitation("e".into())]);
    assert_eq!(required_elicitations(error(-32602).as_bytes()), []);
}

#[test]
fn the_oldest_thing_of_a_session_is_forgotten_first() {
    let (server, [one, other]) = ids();
    let mut owners = Owners::default();
    owners.insert(server, task("other's"), other, None, None);
    for index in 0..=SESSION_THINGS_MAX {
        owners.insert(server, task(&index.to_string()), one, None, None);
    }
    assert_eq!(owners.len(), SESSION_THINGS_MAX + 1);
    assert_eq!(owners.of(server, &task("0")), None);
    assert_eq!(owners.of(server, &task("1")).expect("the second").session, one);
    owners.forget(one);
    assert_eq!(owners.of(server, &task("other's")).expect("the other's").session, other);
    assert_eq!(owners.len(), 1);
}
