//! URLs, origins and authorities.

use mcp_proxy::base::url::{Authority, Origin, Scheme, Url, UrlError, is_app_scheme, is_loopback_name};

#[test]
fn urls_come_out_in_one_spelling() {
    for (typed, spelt) in [
        ("http://localhost:9090", "http://localhost:9090"),
        ("HTTPS://MCP.Example.COM", "https://mcp.example.com"),
        ("https://mcp.example.com:443/", "https://mcp.example.com"),
        ("http://mcp.example.com:443/a", "http://mcp.example.com:443/a"),
        ("https://mcp.example.com/Tools/v1//", "https://mcp.example.com/Tools/v1//"),
        ("https://mcp.example.com//", "https://mcp.example.com//"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
        ("http://[0:0::0001]", "http://[::1]"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://a_b.example./x%2Fy", "http://a_b.example./x%2Fy"),
        ("https://a/sse?key=x%20y&b=[1]{2}|3?/../", "https://a/sse?key=x%20y&b=[1]{2}|3?/../"),
        ("https://a/?", "https://a?"),
        ("https://a?x://y", "https://a?x://y"),
    ] {
        assert_eq!(Url::parse(typed).map(|url| url.to_string()), Ok(spelt.to_owned()), "{typed}");
    }
}

#[test]
fn below_a_base_there_are_others() {
    for (typed, spelt) in [
        ("https://mcp.example.com", "https://mcp.example.com"),
        ("https://mcp.example.com//", "https://mcp.example.com"),
        ("https://mcp.example.com/Tools/v1//", "https://mcp.example.com/Tools/v1"),
    ] {
        assert_eq!(Url::parse_base(typed).map(|url| url.to_string()), Ok(spelt.to_owned()), "{typed}");
    }
    for typed in ["http://a/b?c", "http://a?", "http://a/?b"] {
        assert_eq!(Url::parse_base(typed), Err(UrlError::Query), "{typed}");
    }
    assert_eq!(Url::parse_base("http://a/b#c?d"), Err(UrlError::Fragment));
}

#[test]
fn the_parts_of_a_url() {
    let url = Url::parse("https://MCP.example.com/tools/?a=1?b").expect("a URL");
    assert_eq!(url.scheme(), Scheme::Https);
    assert_eq!((url.host(), url.port(), url.path()), ("mcp.example.com", 443, "/tools/"));
    assert_eq!((url.query(), url.target()), (Some("a=1?b"), "/tools/?a=1?b".to_owned()));
    assert_eq!(url.origin().to_string(), "https://mcp.example.com");
    assert_eq!(url.authority().to_string(), "mcp.example.com");
    let url = url.with_port(8443);
    assert_eq!(url.to_string(), "https://mcp.example.com:8443/tools/?a=1?b");
    assert_eq!(url.authority().to_string(), "mcp.example.com:8443");
    assert_eq!(Url::http("::1", 9090), Url::parse("http://[::1]:9090").expect("a URL"));
    for (typed, target) in [("http://a", "/"), ("http://a/", "/"), ("http://a?", "/?"), ("http://a?b", "/?b")] {
        assert_eq!(Url::parse(typed).map(|url| url.target()), Ok(target.to_owned()), "{typed}");
    }
}

#[test]
fn what_is_no_url_says_why() {
    for (typed, error) in [
        ("", UrlError::Scheme),
        ("mcp.example.com", UrlError::Scheme),
        ("/path", UrlError::Scheme),
        ("ftp://a", UrlError::Scheme),
        (" http://a", UrlError::Scheme),
        ("http://", UrlError::Host),
        ("http:///path", UrlError::Host),
        ("http://a b", UrlError::Host),
        ("http://a..b", UrlError::Host),
        ("http://.a", UrlError::Host),
        ("http://a%41", UrlError::Host),
        ("http://gr\u{fc}n.example", UrlError::Host),
        ("http://127.1", UrlError::Host),
        ("http://256.0.0.1", UrlError::Host),
        ("http://0x7f000001", UrlError::Host),
        ("http://a.0X1", UrlError::Host),
        ("http://[::1", UrlError::Host),
        ("http://[::1]x", UrlError::Host),
        ("http://[fe80::1%25eth0]", UrlError::Host),
        ("http://[127.0.0.1]", UrlError::Host),
        ("http://a:", UrlError::Port),
        ("http://a:+80", UrlError::Port),
        ("http://a:65536", UrlError::Port),
        ("http://a:000080", UrlError::Port),
        ("http://::1", UrlError::Port),
        ("http://user@a", UrlError::Userinfo),
        ("http://user:secret@a/", UrlError::Userinfo),
        ("http://a/b?c d", UrlError::QueryCharacter),
        ("http://a?\"", UrlError::QueryCharacter),
        ("http://a?<", UrlError::QueryCharacter),
        ("http://a?%", UrlError::QueryCharacter),
        ("http://a?%4", UrlError::QueryCharacter),
        ("http://a?\u{e9}", UrlError::QueryCharacter),
        ("http://a?b\r\nc", UrlError::QueryCharacter),
        ("http://a#b", UrlError::Fragment),
        ("http://a?b#c", UrlError::Fragment),
        ("http://a/b c", UrlError::Path),
        ("http://a/\u{e9}", UrlError::Path),
        ("http://a/%2", UrlError::Path),
        ("http://a/%zz", UrlError::Path),
        ("http://a/b\\c", UrlError::Path),
        ("http://a/../b", UrlError::DotSegment),
        ("http://a/.%2E/b", UrlError::DotSegment),
        ("http://a/.", UrlError::DotSegment),
    ] {
        assert_eq!(Url::parse(typed), Err(error), "{typed}");
    }
}

/// RFC 3986, 5.4, as far as `http` goes; the path parameter's semicolon has no meaning for us.
#[test]
fn the_examples_of_the_rfc_resolve() {
    let base = Url::parse("http://a/b/c/d;p?q").expect("a URL");
    for (reference, expected) in [
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q"),
        ("g#s", "http://a/b/c/g"),
        ("g?y#s", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a"),
        ("../../", "http://a"),
        ("../../g", "http://a/g"),
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/../x", "http://a/b/c/g"),
    ] {
        assert_eq!(base.resolve(reference).map(|url| url.to_string()), Ok(expected.to_owned()), "{reference:?}");
    }
}

#[test]
fn what_servers_send_as_endpoints_and_locations() {
    for (base, reference, expected) in [
        ("https://h/sse?key=1", "/messages/?session_id=2", "https://h/messages/?session_id=2"),
        ("https://h:8443/a/sse", "message?sessionId=2", "https://h:8443/a/message?sessionId=2"),
        ("https://h", "message", "https://h/message"),
        ("https://h", "?x", "https://h?x"),
        ("https://h/a/", "b", "https://h/a/b"),
        ("https://h//a", "b", "https://h//b"),
        ("https://h/a", "https://H:443/b/../c#d", "https://h/c"),
        ("https://h/a", "http://h", "http://h"),
        ("https://h/a", "HTTP://other:81?x", "http://other:81?x"),
        ("http://h:81/a", "//other/b", "http://other/b"),
        ("http://h/a/b?c", "", "http://h/a/b?c"),
        ("http://h/a/b?c", "?", "http://h/a/b?"),
        ("http://h/a", "b?u=http://x/../y", "http://h/b?u=http://x/../y"),
        ("http://h/a", "b/c:d", "http://h/b/c:d"),
        ("http://h/a", "/x//../y", "http://h/x/y"),
    ] {
        let url = Url::parse(base).expect("a URL").resolve(reference);
        assert_eq!(url.map(|url| url.to_string()), Ok(expected.to_owned()), "{base} {reference:?}");
    }
}

#[test]
fn what_cannot_be_resolved_says_why() {
    let base = Url::parse("http://h/a/b?c").expect("a URL");
    for (reference, error) in [
        ("ftp://h/", UrlError::Scheme),
        ("javascript:alert(1)", UrlError::Scheme),
        ("http:b", UrlError::Scheme),
        ("b:c", UrlError::Scheme),
        ("//", UrlError::Host),
        ("///b", UrlError::Host),
        ("http://", UrlError::Host),
        ("//u@h/", UrlError::Userinfo),
        ("//h:x", UrlError::Port),
        ("b c", UrlError::Path),
        ("/\\evil.example", UrlError::Path),
        ("\\\\evil.example", UrlError::Path),
        ("/b\r\nX: y", UrlError::Path),
        ("%", UrlError::Path),
        ("\u{e9}", UrlError::Path),
        ("%2e%2E/b", UrlError::DotSegment),
        ("?a b", UrlError::QueryCharacter),
    ] {
        assert_eq!(base.resolve(reference), Err(error), "{reference:?}");
    }
}

#[test]
fn origins_are_equal_when_browsers_think_so() {
    let parse = |text: &str| Origin::parse(text).expect("an origin");
    assert_eq!(parse("https://App.Example.com:443"), parse("https://app.example.com"));
    assert_eq!(parse("http://a:80").to_string(), "http://a");
    assert_ne!(parse("http://a"), parse("https://a"));
    assert_ne!(parse("http://a:81"), parse("http://a"));
    assert_eq!(parse("https://mcp.example.com"), Url::parse("https://mcp.example.com/x").expect("a URL").origin());
    assert_eq!(parse("null"), Origin::Opaque);
    assert_eq!(parse("vscode-webview://0F1e").to_string(), "vscode-webview://0f1e");
}

#[test]
fn what_is_no_origin_is_refused() {
    for text in [
        "",
        "NULL",
        "null ",
        "a",
        "://a",
        "1x://a",
        "http://",
        "http://a/",
        "http://a/b",
        "http://a, http://b",
        "http://a http://b",
        "http://user@localhost",
        "http://localhost#x",
        "http://localhost?x",
        "http://localhost\\.evil.example",
        "file://",
    ] {
        assert!(Origin::parse(text).is_err(), "{text}");
    }
}

#[test]
fn only_pages_of_this_machine_have_a_loopback_origin() {
    let is_loopback = |text: &str| Origin::parse(text).is_ok_and(|origin| origin.is_loopback());
    for text in ["http://localhost:6274", "https://127.0.0.1", "http://[::1]:1", "http://app.localhost"] {
        assert!(is_loopback(text), "{text}");
    }
    for text in ["null", "http://localhost.evil.example", "http://evil.example", "chrome-extension://localhost"] {
        assert!(!is_loopback(text), "{text}");
    }
}

#[test]
fn host_headers() {
    let parts = |text: &str| Authority::parse(text).map(|a| (a.host().to_owned(), a.port()));
    let parsed = |host: &str, port| Ok((host.to_owned(), port));
    assert_eq!(parts("LocalHost:9090"), parsed("localhost", Some(9090)));
    assert_eq!(parts("mcp.example.com"), parsed("mcp.example.com", None));
    assert_eq!(parts("[::1]:9090"), parsed("[::1]", Some(9090)));
    assert_eq!(parts("[::ffff:127.0.0.1]"), parsed("[::ffff:127.0.0.1]", None));
    assert_eq!(parts("10.0.0.1:0"), parsed("10.0.0.1", Some(0)));
    for text in ["", ":", ":80", "a:b", "a:1:2", "::1", "a/b", "a,b", "a\0b", "[]", "[", "]", "]:1", "a@b", "-\u{2028}"]
    {
        assert!(Authority::parse(text).is_err(), "{text:?}");
    }
    assert!(Authority::parse(&"a.".repeat(127)).is_ok());
    assert!(Authority::parse(&"a.".repeat(128)).is_err(), "longer than a name can be");
}

#[test]
fn loopback_names() {
    let yes = [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.LocalHost.",
        "127.0.0.1",
        "127.255.1.2",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
    ];
    for host in yes {
        assert!(is_loopback_name(host), "{host}");
    }
    let no = [
        "",
        ".",
        ".localhost",
        "localhost..",
        "mylocalhost",
        "localhost.example",
        "128.0.0.1",
        "127.1",
        "0.0.0.0",
        "127.0.0.1.example",
        "::1",
        "[::2]",
        "[::]",
        "[",
        "[]",
        "localhost:80",
        "evil@localhost",
        "a b.localhost",
    ];
    for host in no {
        assert!(!is_loopback_name(host), "{host}");
    }
}

#[test]
fn no_bytes_upset_the_parsers() {
    let alphabet = ["a", ":", "/", "[", "]", "@", "%", "4", ".", "\u{e9}", "?", "#", "http://", "null", "::1"];
    let base = Url::parse("https://h:1/a/b?c").expect("a URL");
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts.iter().flat_map(|text| alphabet.map(|piece| format!("{text}{piece}"))).collect();
        for text in &texts {
            let _ = (Authority::parse(text), is_loopback_name(text));
            let urls = [Url::parse(text), Url::parse(&format!("http://{text}")), base.resolve(text)];
            for url in urls.into_iter().flatten() {
                assert_eq!(Url::parse(&url.to_string()), Ok(url.clone()), "{text}");
                assert_eq!(base.resolve(&url.to_string()), Ok(url.clone()), "{text}");
                // Two slashes in front would name a host.
                let is_path = !url.target().starts_with("//");
                assert!(!is_path || url.resolve(&url.target()) == Ok(url.clone()), "{text}");
            }
            if let Ok(origin) = Origin::parse(text) {
                assert_eq!(Origin::parse(&origin.to_string()), Ok(origin.clone()), "{text}");
            }
        }
    }
}

#[test]
fn schemes_that_applications_may_claim() {
    for scheme in ["cursor", "vscode-insiders", "com.example.app", "x+y"] {
        assert!(is_app_scheme(scheme), "{scheme}");
    }
    for scheme in ["", "http", "HTTPS", "javascript", "JavaScript", "data", "file", "1x", "a b", "a;b", "é"] {
        assert!(!is_app_scheme(scheme), "{scheme}");
    }
}
