//! `codec::jsonrpc::object`: taken apart and put together again.

use mcp_proxy::codec::jsonrpc::object::Object;

#[test]
fn what_is_not_touched_stays_as_it_is() {
    let cases = [
        ("{}", "{}"),
        (r#"{"b":1.0,"a":{ "x" : [1,  2] }}"#, r#"{"b":1.0,"a":{ "x" : [1,  2] }}"#),
        (r#" { "a" : "\u00e9" , "b\n" : null } "#, r#"{"a":"\u00e9","b\n":null}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(Object::read(text).unwrap().to_string(), expected, "{text}");
    }
}

#[test]
fn what_is_no_object_or_two_in_one_is_not_read() {
    for text in ["", "7", "null", "[]", "{", r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"a":1} x"#] {
        assert_eq!(Object::read(text), None, "{text}");
    }
}

#[test]
fn members_are_found_whatever_their_spelling_and_null_says_nothing() {
    let object = Object::read(r#"{"t\u006fols":{"x":1},"none":null}"#).unwrap();
    assert_eq!(object.get("tools"), Some(r#"{"x":1}"#));
    assert_eq!((object.get("none"), object.get("other")), (None, None));
}

#[test]
fn members_come_and_go() {
    let mut object = Object::read(r#"{"a":1,"b":2,"c":3}"#).unwrap();
    object.remove(|name, value| name == "a" || value == "3");
    object.set("b", "[]");
    object.set("d", String::from("4"));
    assert_eq!(object.to_string(), r#"{"b":[],"d":4}"#);
    object.remove(|_, _| true);
    assert!(object.is_empty());
    assert_eq!(object.to_string(), "{}");
}
