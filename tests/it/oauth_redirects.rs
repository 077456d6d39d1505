//! `oauth::redirects`: where codes may be sent.

use mcp_proxy::config::oauth::RedirectPreset;
use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::oauth::redirects::Redirects;

use crate::support::oauth::redirects;

fn allows(rules: &Redirects, text: &str) -> bool {
    RedirectUri::parse(text).is_ok_and(|uri| rules.allows(&uri))
}

#[test]
fn of_claude_only_the_callbacks_are_allowed() {
    let rules = redirects(&["claude"]);
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

#[test]
fn listed_uris_replace_the_default() {
    let rules = redirects(&["https://app.example.org/cb?x=1"]);
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
    assert_eq!(RedirectPreset::ALL.len(), cases.len());
    for (preset, texts) in cases {
        assert!(RedirectPreset::ALL.iter().any(|(name, _)| *name == preset));
        let rules = redirects(&[preset]);
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
        assert!(!allows(&redirects(&[preset]), text), "{preset}: {text}");
    }
}
