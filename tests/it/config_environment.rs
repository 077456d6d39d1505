//! What a child process inherits.

use mcp_proxy::config::environment::Inheritance;

#[test]
fn a_child_gets_what_programs_need_to_run_and_no_more() {
    let passes = |name: &str| Inheritance::Minimal.passes(name, Some("x"));
    for name in [
        "HOME",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TERM",
        "USER", // the SDKs' own lists
        "LANG",
        "LC_ALL",
        "LC_TIME",
        "TMPDIR",
        "TZ",
        "HTTPS_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "NODE_EXTRA_CA_CERTS",
        "UV_CACHE_DIR",
        "npm_config_cache",
    ] {
        assert!(passes(name), "{name}");
    }
    for name in [
        "GITHUB_TOKEN",
        "OPENAI_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "npm_config__authToken",
        "NODE_OPTIONS",
        "LD_PRELOAD",
        "PYTHONPATH",
        "path",
        "PATHS",
        "LC",
        "",
    ] {
        assert!(!passes(name), "{name}");
        assert!(Inheritance::Everything.passes(name, Some("x")));
    }
}

#[test]
fn exported_shell_functions_are_left_out() {
    assert!(!Inheritance::Minimal.passes("TERM", Some("() { :; }; echo hello")));
    assert!(Inheritance::Minimal.passes("TERM", None), "what is no text is no function either");
    assert!(Inheritance::Everything.passes("TERM", Some("() { :; }")));
}
