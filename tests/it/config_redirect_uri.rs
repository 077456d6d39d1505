//! Redirect URIs. Which of them are allowed is for `oauth_redirects`; what the operator is told, for `golden/config`.

use mcp_proxy::config::redirect_uri::{RedirectError, RedirectUri};

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// RFC 8252, 7.3.
#[test]
fn on_loopback_the_port_alone_may_differ() {
    let registered = uri("http://localhost:1234/callback?a=1");
    for (text, expected) in [
        ("http://localhost:1234/callback?a=1", true),
        ("http://localhost:9/callback?a=1", true),
        ("http://localhost/callback?a=1", true),
        ("http://127.0.0.1:1234/callback?a=1", false),
        ("http://[::1]:1234/callback?a=1", false),
        ("http://localhost:1234/callback", false),
        ("http://localhost:1234/callback/?a=1", false),
        ("https://localhost:1234/callback?a=1", false),
    ] {
        assert_eq!(registered.matches(&uri(text)), expected, "{text}");
    }
    assert!(!uri("https://a.example:1/").matches(&uri("https://a.example:2/")));
    assert!(!uri("http://a.example:1/").matches(&uri("http://a.example:2/")));
}

#[test]
fn what_is_no_redirect_uri_is_refused() {
    for text in [
        "",
        "callback",
        "//claude.ai/",
        "https://",
        "https://a.example/ b",
        "https://a.example/\n",
        "https://a.example\\@b.example/",
        "https://a@b.example/",
        "https://a.example/#",
        "https://a.example/..",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "filesystem:https://a.example/x",
        "view-source:https://a.example/",
        "file:///etc/passwd",
        "blob:https://a.example/x",
        "app:",
        "app:a b",
        "app:a'b",
        "app:a#b",
        "app://u@h/",
        "1app:x",
        "a_b:x",
        "é:x",
        "x;script-src:",
        "https://a;script-src *",
        " javascript:alert(1)",
        "https://claude.ai@evil.example/",
    ] {
        assert!(RedirectUri::parse(text).is_err(), "{text}");
    }
    let long = format!("https://a.example/{}", "a".repeat(2_048));
    assert_eq!(RedirectUri::parse(&long), Err(RedirectError::TooLong));
}

#[test]
fn people_and_browsers_are_told_where_it_leads() {
    for (text, destination, source) in [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai", "https://claude.ai"),
        ("https://a.example:8443/", "a.example:8443", "https://a.example:8443"),
        ("http://a.example/cb", "http://a.example", "http://a.example"),
        ("http://127.0.0.2/cb", "127.0.0.2", "http://127.0.0.2"),
        ("https://Claude.AI:443/cb", "claude.ai", "https://claude.ai"),
        ("http://localhost:1234/callback", "localhost:1234", "http://localhost:1234"),
        ("http://[::1]:1234/callback", "[::1]:1234", "http:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:", "cursor:"),
    ] {
        assert_eq!((uri(text).destination().as_str(), uri(text).csp_source().as_str()), (destination, source));
    }
    assert!(uri("https://localhost:1/").is_on_this_device() && !uri("localhost://x/").is_on_this_device());
    assert!(uri("http://localhost:1/").is_loopback() && !uri("https://localhost:1/").is_loopback());
}

#[test]
fn parameters_join_those_that_are_there() {
    for (text, expected) in [
        ("https://a.example/cb", "https://a.example/cb?x=1"),
        ("https://a.example/cb?", "https://a.example/cb?x=1"),
        ("https://a.example/cb?y", "https://a.example/cb?y&x=1"),
        ("https://a.example/cb?y=2&", "https://a.example/cb?y=2&x=1"),
        ("app:cb", "app:cb?x=1"),
    ] {
        assert_eq!(uri(text).with_parameters("x=1"), expected);
    }
}
