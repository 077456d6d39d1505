//! `codec::jsonrpc::members`: every member with its place, and what goes with a member that goes.

use mcp_proxy::codec::jsonrpc::members::{NotAnObject, Unpicked, cut, member, members, pick};
use serde_json::Value;

use crate::support::jsonrpc;
use crate::support::wire::Cuts;

/// Keys and values, in their order.
fn read(text: &str) -> Result<Vec<(String, &str)>, NotAnObject> {
    members(text).map(|member| member.map(|member| (member.key.into_owned(), member.value))).collect()
}

#[test]
fn members_come_in_their_order() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let with_deep = format!(r#"{{"a":{deep},"b":{{"c":{deep}}}}}"#);
    let in_object = format!("{{\"c\":{deep}}}");
    let cases: [(&str, &[(&str, &str)]); 9] = [
        ("{}", &[]),
        (" {\n} \t", &[]),
        (r#"{"a":1}"#, &[("a", "1")]),
        (r#" { "a" : 1.0 , "b":"x" } "#, &[("a", "1.0"), ("b", "\"x\"")]),
        (r#"{"a":{"b":[1,{"c":"}"}]},"d":[]}"#, &[("a", r#"{"b":[1,{"c":"}"}]}"#), ("d", "[]")]),
        (r#"{"a":1,"a":2,"":null}"#, &[("a", "1"), ("a", "2"), ("", "null")]),
        (r#"{"\u0061\/\"":"\ud83d\ude00","\ud83d\ude00":-1e+9}"#, &[("a/\"", r#""\ud83d\ude00""#), ("😀", "-1e+9")]),
        (
            r#"{"a":true,"b":false,"c":null,"d":"\ud800"}"#,
            &[("a", "true"), ("b", "false"), ("c", "null"), ("d", r#""\ud800""#)],
        ),
        (&with_deep, &[("a", &deep), ("b", &in_object)]),
    ];
    for (text, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        assert_eq!(read(text), Ok(expected), "{text:.200}");
    }
}

#[test]
fn what_is_no_object_ends_with_an_error() {
    for text in [
        "",
        " ",
        "[]",
        "7",
        "null",
        "\"{}\"",
        "{",
        "{\"a\":1",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{} x",
        "{}{}",
        "{\"a\":01}",
        "{\"a\":1]",
        "{\"a\":[1}}",
        "{\"a\":tru}",
        "{\"a\":'b'}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"\\ud800\":1}",
        "\u{feff}{}",
        "{\"a\":1}\0",
        "{\"a\":NaN}",
        "{null:1}",
        "{\"a\"::1}",
        "{\"a\":-}",
        "{\"a\":1.}",
        "{\"a\":[1,]}",
    ] {
        assert_eq!(read(text), Err(NotAnObject), "{text}");
        let seen: Vec<_> = members(text).collect();
        assert_eq!(seen.iter().filter(|member| member.is_err()).count(), 1, "{text}");
        assert!(seen.last().is_some_and(Result::is_err), "{text}");
    }
}

#[test]
fn places_are_those_of_the_text() {
    let text = "{ \"a\" :\t[1] ,\"\\u0062\": \"x\" }";
    let places: Vec<_> = members(text).map(Result::unwrap).collect();
    assert_eq!(&text[places[0].range.clone()], "\"a\" :\t[1]");
    assert_eq!(&text[places[0].value_range()], "[1]");
    assert_eq!(&text[places[1].range.clone()], "\"\\u0062\": \"x\"");
    assert_eq!(&text[places[1].value_range()], "\"x\"");
}

#[test]
fn members_are_picked_by_name() {
    let picked = |text| pick(text, ["a", "b"]);
    assert_eq!(picked(r#"{"c":0,"b": [2] ,"\u0061":1}"#), Ok([Some("1"), Some("[2]")]));
    assert_eq!(picked(r#"{"b":null,"c":0,"c":0}"#), Ok([None, Some("null")]));
    assert_eq!(picked("{}"), Ok([None, None]));
    assert_eq!(picked(r#"{"a":1,"b":2,"\u0062":2}"#), Err(Unpicked::Doubled));
    for text in ["[]", "", r#"{"a":1"#, r#"{"a":1,"\ud800":1}"#] {
        assert_eq!(picked(text), Err(Unpicked::NotAnObject), "{text}");
    }
}

/// The text without the members whose value is 0, and how many are left.
fn without_zeros(text: &str) -> (String, usize) {
    let cut = cut(text, |member| member.value == "0").unwrap();
    assert_eq!(text.as_bytes()[cut.opening], b'{');
    let (mut left, mut at) = (String::new(), 0);
    for range in &cut.ranges {
        assert!(range.start >= at && range.start > cut.opening && !range.is_empty(), "{text}: {:?}", cut.ranges);
        left.push_str(&text[at..range.start]);
        at = range.end;
    }
    left.push_str(&text[at..]);
    (left, cut.left)
}

#[test]
fn a_member_goes_with_one_comma() {
    for (text, expected, left) in [
        ("{}", "{}", 0),
        (r#"{"a":1}"#, r#"{"a":1}"#, 1),
        (r#"{"a":0}"#, "{}", 0),
        (r#" { "a" : 0 } "#, " {  } ", 0),
        (r#"{"a":0,"b":0,"c":0}"#, "{}", 0),
        (r#"{"a":0,"b":1}"#, r#"{"b":1}"#, 1),
        (r#"{ "a":0 , "b":0 , "c":1 }"#, r#"{ "c":1 }"#, 1),
        (r#"{"a":1,"b":0}"#, r#"{"a":1}"#, 1),
        (r#"{ "a":1 , "b":0 , "c":0 }"#, r#"{ "a":1 }"#, 1),
        (r#"{"a":1,"b":0,"c":2}"#, r#"{"a":1,"c":2}"#, 2),
        (r#"{"a":0,"b":1,"c":0,"d":0,"e":2,"f":0}"#, r#"{"b":1,"e":2}"#, 2),
        (r#"{"a":[0],"b":{"c":0}}"#, r#"{"a":[0],"b":{"c":0}}"#, 2),
    ] {
        assert_eq!(without_zeros(text), (expected.to_owned(), left), "{text}");
    }
    assert_eq!(cut("[]", |_| true), Err(NotAnObject));
    assert_eq!(cut("{\"a\":1", |_| true), Err(NotAnObject));
    assert_eq!(cut("", |_| true), Err(NotAnObject));
}

#[test]
fn random_objects_keep_what_stays() {
    let mut rng = Cuts::new(12);
    for _ in 0..20_000 {
        let members: Vec<String> = (0..rng.below(7))
            .map(|index| {
                format!("\"k{index}\"{}{}", [":", " : "][rng.below(2)], ["0", "1", "\"0\"", "[0]"][rng.below(4)])
            })
            .collect();
        let text = format!("{{{}}}", members.join([",", " , ", ",\n"][rng.below(3)]));
        let (left, count) = without_zeros(&text);
        let mut expected: Value = serde_json::from_str(&text).unwrap();
        expected.as_object_mut().unwrap().retain(|_, value| *value != 0);
        assert_eq!(count, expected.as_object().unwrap().len());
        assert_eq!(serde_json::from_str::<Value>(&left).unwrap(), expected, "{text}");
    }
}

#[test]
fn it_agrees_with_a_parser_on_random_and_on_mutilated_objects() {
    let mut rng = Cuts::new(13);
    let mut objects = 0;
    for _ in 0..30_000 {
        let mut text = jsonrpc::object(&mut rng, 3);
        if rng.below(2) == 0 && !text.is_empty() {
            let at = rng.below(text.len());
            if text.is_char_boundary(at) {
                text.insert(at, ['{', '}', '[', ']', '"', ',', ':', '\\', ' ', '7'][rng.below(10)]);
            }
        }
        let is_valid = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() && text.trim().starts_with('{');
        assert_eq!(read(&text).is_ok(), is_valid, "{text}");
        objects += usize::from(is_valid);
    }
    assert!(objects > 10_000, "only {objects}");
}

#[test]
fn members_are_found_by_their_unescaped_names() {
    let object = Some(r#" { "a" : 1.0 , "\u0062" : {"a":2} } "#);
    assert_eq!(member(object, "a"), Some("1.0"));
    assert_eq!(member(object, "b"), Some("{\"a\":2}"));
    assert_eq!((member(object, "c"), member(None, "a"), member(Some("[1]"), "a")), (None, None, None));
    assert_eq!(member(Some(r#"{"a":1,"a":2}"#), "a"), Some("2"));
}
