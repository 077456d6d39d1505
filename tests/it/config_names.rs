//! What logs and messages call a server.

use mcp_proxy::config::names::{Verdict, first_part, judge, label};

#[test]
fn long_parts_behind_the_first_slash_are_masked() {
    for (name, shown) in [
        ("fetch", "fetch"),
        ("a-first-part-of-any-length-at-all", "a-first-part-of-any-length-at-all"),
        ("team/fetch", "team/fetch"),
        ("team/12345678901", "team/12345678901"),
        ("fetch/123456789012", "fetch/…"),
        ("fetch/correct-horse-battery", "fetch/…"),
        ("a/123456789012/b/0123456789abcdef", "a/…/b/…"),
        ("a/$x", "a/$x"),
    ] {
        assert_eq!(label(name, false), shown, "{name}");
    }
}

#[test]
fn parts_with_a_variable_are_masked_whatever_their_length() {
    for (typed, shown) in [("a/$T", "a/…"), ("a/x${T}", "a/…"), ("$A/b", "…/b"), ("a/b/0123456789abcdef", "a/b/…")]
    {
        assert_eq!(label(typed, true), shown, "{typed}");
    }
}

#[test]
fn no_server_is_called_like_all_of_them() {
    assert!(matches!(judge("*"), Verdict::Refused { .. }));
    assert!(matches!(judge("a*"), Verdict::Doubtful { .. }));
}

#[test]
fn of_a_path_the_first_part_is_the_name() {
    assert_eq!(judge("fetch/0123456789abcdef0123456789abcdef"), Verdict::Fine);
    assert!(matches!(judge("fe.tch/x"), Verdict::Doubtful { .. }));
    assert!(matches!(judge("fetch/sse"), Verdict::Refused { .. }));
    assert_eq!((first_part("fetch/x/y"), first_part("fetch")), ("fetch", "fetch"));
}
