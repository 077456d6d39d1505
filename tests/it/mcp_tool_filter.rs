//! `mcp::tool_filter`: what passes a filter, which tool a call names, and what is left of a list.

use mcp_proxy::config::{ToolFilter, ToolFilterMode};
use mcp_proxy::limits::TOOL_NAME_BYTES_MAX;
use mcp_proxy::mcp::list_filter::NoList;
use mcp_proxy::mcp::tool_filter::{called_tool, is_match, is_offered, without_filtered};

fn filter(mode: ToolFilterMode, names: &[&str]) -> ToolFilter {
    ToolFilter { mode, names: names.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn names_are_exact_but_for_stars() {
    for (pattern, text) in [
        ("a", "a"),
        ("*", ""),
        ("*", "anything"),
        ("**", "a"),
        ("get_*", "get_"),
        ("get_*", "get_issue"),
        ("*_issue", "get_issue"),
        ("*_issue", "get_issue_issue"),
        ("a*b*c", "axxbxxc"),
        ("a*b*c", "abcbc"),
        ("a*a", "aa"),
        ("*a*", "bab"),
        ("\u{e9}*", "\u{e9}t\u{e9}"),
        ("a.b", "a.b"),
        ("a*", "a*"),
    ] {
        assert!(is_match(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [
        ("a", "A"),
        ("a", "ab"),
        ("b", "ab"),
        ("", "a"),
        ("a.b", "axb"),
        ("a*a", "a"),
        ("get_*", "get"),
        ("*_issue", "get_issues"),
        ("a*b*c", "acb"),
        ("a*bc", "abcb"),
        ("?", "a"),
        ("[a]", "a"),
    ] {
        assert!(!is_match(pattern, text), "{pattern} {text}");
    }
}

/// All that an implementation with two positions and a last star may get wrong, against one that tries everything.
#[test]
fn stars_are_found_as_by_trying_everything() {
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|taken| slow(rest, &text[taken..])),
            [byte, rest @ ..] => text.first() == Some(byte) && slow(rest, &text[1..]),
        }
    }
    /// All words of up to this length.
    fn words(alphabet: &[u8], length: usize) -> Vec<Vec<u8>> {
        let mut words = vec![Vec::new()];
        let mut longest = words.clone();
        for _ in 0..length {
            let longer = |word: &Vec<u8>| alphabet.iter().map(|b| [word, &[*b][..]].concat()).collect::<Vec<_>>();
            longest = longest.iter().flat_map(longer).collect();
            words.extend_from_slice(&longest);
        }
        words
    }
    let texts = words(b"ab", 6);
    let mut matches = 0;
    for pattern in words(b"ab*", 5) {
        for text in &texts {
            let expected = slow(&pattern, text);
            matches += usize::from(expected);
            let (pattern, text) = (std::str::from_utf8(&pattern).unwrap(), std::str::from_utf8(text).unwrap());
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }
    assert!(matches > 1_000, "only {matches}");
}

#[test]
fn many_stars_cost_no_more_than_length_times_length() {
    let pattern = "a*".repeat(500) + "b";
    assert!(!is_match(&pattern, &"a".repeat(TOOL_NAME_BYTES_MAX)), "exponential ones never come back");
}

#[test]
fn a_filter_allows_or_blocks() {
    let allow = filter(ToolFilterMode::Allow, &["read", "get_*"]);
    let block = filter(ToolFilterMode::Block, &["read", "get_*"]);
    for (tool, is_listed) in [("read", true), ("get_x", true), ("write", false), ("Read", false), ("", false)] {
        assert_eq!(is_offered(&allow, tool), is_listed, "{tool}");
        assert_eq!(is_offered(&block, tool), !is_listed, "{tool}");
    }
    let long = "x".repeat(TOOL_NAME_BYTES_MAX + 1);
    assert!(!is_offered(&block, &long) && is_offered(&block, &long[1..]));
}

#[test]
fn a_call_names_one_tool() {
    for (params, name) in [
        (r#"{"name":"a"}"#, "a"),
        (r#"{"arguments":{"name":"b"},"name":"a","_meta":{}}"#, "a"),
        (r#"{"n\u0061me":"\u0061"}"#, "a"),
        (r#"{"Name":"a"}"#, "a"),
    ] {
        assert_eq!(called_tool(Some(params)).as_deref(), Some(name), "{params}");
    }
    for params in [
        "{}",
        r#"{"name":7}"#,
        r#"{"name":null}"#,
        r#"{"name":["a"]}"#,
        r#"{"name":"a","name":"a"}"#,
        r#"{"name":"a","NAME":"b"}"#,
        r#"{"name":"\ud800"}"#,
        "[]",
    ] {
        assert_eq!(called_tool(Some(params)), None, "{params}");
    }
    assert_eq!(called_tool(None), None);
}

/// The message with what is left of its list, if anything went.
fn left(message: &str) -> Result<Option<String>, NoList> {
    let filter = filter(ToolFilterMode::Block, &["b*"]);
    let patch = without_filtered(&filter, message.as_bytes(), |_| true)?;
    Ok(patch.map(|(range, text)| format!("{}{text}{}", &message[..range.start], &message[range.end..])))
}

#[test]
fn a_list_keeps_every_other_byte() {
    let message = concat!(
        r#"{"result": {"x":1.0e0, "tools" : [ {"name":"a", "n": 1E5} ,{"name":"b"}, "#,
        r#"{"description":"é","name":"\u0063"}],"nextCursor":"b","tools2":[]},"jsonrpc":"2.0","id":7}"#
    );
    let expected = concat!(
        r#"{"result": {"x":1.0e0, "tools" : [{"name":"a", "n": 1E5},"#,
        r#"{"description":"é","name":"\u0063"}],"nextCursor":"b","tools2":[]},"jsonrpc":"2.0","id":7}"#
    );
    assert_eq!(left(message), Ok(Some(expected.to_owned())));
    assert_eq!(
        left(r#"{"id":1,"result":{"tools":[{"name":"b"},{"name":"\u0062c"}]}}"#).unwrap().unwrap(),
        r#"{"id":1,"result":{"tools":[]}}"#
    );
}

#[test]
fn what_stays_whole_is_not_touched() {
    for result in [r#"{"tools":[]}"#, r#"{"tools": [ {"name":"a"} ]}"#, "{}", r#"{"tools":null}"#] {
        assert_eq!(left(&format!(r#"{{"id":1,"result":{result}}}"#)), Ok(None), "{result}");
    }
}

#[test]
fn a_tool_without_a_name_is_not_offered() {
    for tool in ["{}", "7", "null", r#"{"name":7}"#, r#"{"name":"a","name":"b"}"#] {
        let message = format!(r#"{{"id":1,"result":{{"tools":[{tool},{{"name":"a"}}]}}}}"#);
        assert_eq!(left(&message), Ok(Some(r#"{"id":1,"result":{"tools":[{"name":"a"}]}}"#.to_owned())), "{tool}");
    }
}

#[test]
fn what_is_no_list_of_tools_is_an_error() {
    for message in [
        "",
        "{}",
        r#"{"result":[]}"#,
        r#"{"result":{"tools":{"name":"b"}}}"#,
        r#"{"result":{"tools":[{"name":"b"}],"tools":[]}}"#,
        r#"{"result":{"tools":[{"name":"b"}]},"result":{}}"#,
        r#"{"result":{"tools":[{"name":"b"}"#,
    ] {
        assert_eq!(left(message), Err(NoList), "{message}");
    }
}
