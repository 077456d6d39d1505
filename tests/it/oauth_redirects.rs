//! `oauth::redirects`: where codes may be sent.

use mcp_proxy::oauth::redirects::{RedirectError, RedirectUri, Redirects};

fn uri(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn allows(rules: &Redirects, text: &str) -> bool {
    RedirectUri::parse(text).is_ok_and(|uri| rules.allows(&uri))
}

#[test]
fn only_claudes_callbacks_are_allowed_unless_others_are_listed() {
    for rules in [Redirects::default(), Redirects::parse(&[""; 0]).unwrap(), Redirects::parse(&["claude"]).unwrap()] {
        assert!(allows(&rules, "https://claude.ai/api/mcp/auth_callback"));
        assert!(allows(&rules, "https://claude.com/api/mcp/auth_callback"));
        for text in [
            "http://claude.ai/api/mcp/auth_callback",
            "https://claude.ai/api/mcp/auth_callback/",
            "https://claude.ai/api/mcp/auth_callback?x=1",
            "https://claude.ai:443/api/mcp/auth_callback",
            "https://CLAUDE.ai/api/mcp/auth_callback",
            "https://claude.ai/api/mcp/../mcp/auth_callback",
            "https://claude.ai.evil.example/api/mcp/auth_callback",
            "https://user@claude.ai/api/mcp/auth_callback",
            "https://claude.ai/api/mcp/auth_callback#f",
            "https://evil.example/",
            "http://localhost:1/callback",
            "http://127.0.0.1/callback",
        ] {
            assert!(!allows(&rules, text), "{text}");
        }
    }
}

#[test]
fn listed_uris_replace_the_default() {
    let rules = Redirects::parse(&["https://app.example.org/cb?x=1"]).unwrap();
    assert!(allows(&rules, "https://app.example.org/cb?x=1"));
    assert!(!allows(&rules, "https://app.example.org/cb"));
    assert!(!allows(&rules, "https://claude.ai/api/mcp/auth_callback"));
}

#[test]
fn presets_hold_all_that_a_client_registers_at_once() {
    let cases: [(&str, &[&str]); 6] = [
        ("claude", &["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"]),
        ("claude-desktop", &["claude://claude.ai/mcp-auth-callback/sdk"]),
        (
            "loopback",
            &[
                "http://localhost:51234/callback",
                "http://localhost:6274/oauth/callback",
                "http://127.0.0.1:1456/mcp/oauth/callback",
                "http://127.0.0.1:4242/callback/some-id",
                "http://[::1]:80/",
                "http://localhost",
            ],
        ),
        (
            "vscode",
            &[
                "https://vscode.dev/redirect",
                "https://insiders.vscode.dev/redirect",
                "http://localhost/",
                "http://127.0.0.1/",
                "http://localhost:33418/",
                "http://127.0.0.1:33418/",
            ],
        ),
        (
            "cursor",
            &[
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "https://www.cursor.com/agents/mcp/oauth/callback",
                "http://localhost:8787/callback",
            ],
        ),
        (
            "chatgpt",
            &["https://chatgpt.com/connector/oauth/aB3-_x", "https://chatgpt.com/connector_platform_oauth_redirect"],
        ),
    ];
    assert_eq!(Redirects::presets().count(), cases.len());
    for (preset, texts) in cases {
        assert!(Redirects::presets().any(|name| name == preset));
        let rules = Redirects::parse(&[preset]).unwrap();
        for text in texts {
            assert!(allows(&rules, text), "{preset}: {text}");
        }
        assert!(!allows(&rules, "https://evil.example/"), "{preset}");
    }
}

#[test]
fn presets_hold_no_more_than_that() {
    for (preset, text) in [
        ("loopback", "https://localhost:1/callback"),
        ("loopback", "http://localhost.evil.example/"),
        ("loopback", "http://sub.localhost/"),
        ("loopback", "http://127.0.0.2/"),
        ("loopback", "http://user@localhost/"),
        ("loopback", "http://localhost/#f"),
        ("loopback", "http://0.0.0.0/"),
        ("loopback", "HTTP://localhost/"),
        ("loopback", "http://LOCALHOST/"),
        ("loopback", "http://[0:0:0:0:0:0:0:1]/"),
        ("vscode", "http://localhost/other"),
        ("vscode", "http://[::1]/"),
        ("cursor", "http://127.0.0.1:8787/callback"),
        ("cursor", "cursor://anysphere.cursor-mcp/oauth/callback/more"),
        ("cursor", "cursor://evil@anysphere.cursor-mcp/oauth/callback"),
        ("chatgpt", "https://chatgpt.com/connector/oauth/"),
        ("chatgpt", "https://chatgpt.com/connector/oauth/a/b"),
        ("chatgpt", "https://chatgpt.com/connector/oauth/a?b"),
        ("chatgpt", "https://chatgpt.com/connector/oauth/a%2fb"),
        ("chatgpt", "https://chatgpt.com/connector/oauth/.."),
    ] {
        assert!(!allows(&Redirects::parse(&[preset]).unwrap(), text), "{preset}: {text}");
    }
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
    ] {
        assert!(RedirectUri::parse(text).is_err(), "{text}");
    }
    let long = format!("https://a.example/{}", "a".repeat(2_048));
    assert_eq!(RedirectUri::parse(&long), Err(RedirectError::TooLong));
    let error = Redirects::parse(&["claude", "claud"]).unwrap_err();
    assert_eq!(error.index, 1);
    assert!(error.to_string().contains("chatgpt") && error.to_string().contains("https://"), "{error}");
}

#[test]
fn people_and_browsers_are_told_where_it_leads() {
    for (text, destination, source) in [
        ("https://claude.ai/api/mcp/auth_callback", "claude.ai", "https://claude.ai"),
        ("https://a.example:8443/", "a.example:8443", "https://a.example:8443"),
        ("http://localhost:1234/callback", "localhost:1234", "http://localhost:1234"),
        ("http://[::1]:1234/callback", "[::1]:1234", "http:"),
        ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp", "cursor:"),
    ] {
        assert_eq!((uri(text).destination().as_str(), uri(text).csp_source().as_str()), (destination, source));
    }
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
