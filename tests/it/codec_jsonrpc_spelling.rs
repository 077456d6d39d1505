//! `codec::jsonrpc::spelling`: which members are one to some reader.

use mcp_proxy::codec::jsonrpc::spelling::{Unclear, is_alike, sole};

#[test]
fn keys_are_alike_as_they_are_in_go() {
    for key in ["taskId", "TASKID", "taskid", "ta\u{17f}kId", "tas\u{212a}Id", "TA\u{17f}\u{212a}iD"] {
        assert!(is_alike(key, "taskId"), "{key}");
    }
    for key in ["", "task", "taskIds", "task_id", "task Id", "ta\u{df}kId", "task\u{130}d", "\u{442}askId"] {
        assert!(!is_alike(key, "taskId"), "{key}");
    }
    assert!(is_alike("_META", "_meta") && !is_alike("meta", "_meta"));
}

#[test]
fn one_member_in_its_own_spelling_is_found() {
    for (object, value) in [
        ("{}", None),
        (r#"{"a":1}"#, Some("1")),
        (r#" { "b" : {"a":2} , "a" : [ 1 ] } "#, Some("[ 1 ]")),
        (r#"{"\u0061":null}"#, Some("null")),
        (r#"{"b":1,"b":2}"#, None),
        (r#"{"aa":1}"#, None),
    ] {
        assert_eq!(sole(Some(object), "a"), Ok(value), "{object}");
    }
    assert_eq!(sole(None, "a"), Ok(None));
}

#[test]
fn whatever_could_be_meant_as_well_is_unclear() {
    for object in [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"{"a":1,"A":2}"#,
        r#"{"A":2,"a":1}"#,
        r#"{"A":2}"#,
        r#"{"\u0041":2}"#,
        r#"{"\ud800":2}"#,
        r#"{"a":1"#,
        "[]",
        "",
    ] {
        assert_eq!(sole(Some(object), "a"), Err(Unclear), "{object}");
    }
}
