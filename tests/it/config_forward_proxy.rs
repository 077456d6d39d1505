//! `HTTPS_PROXY` and `NO_PROXY`.

use mcp_proxy::base::url::{Url, UrlError};
use mcp_proxy::config::forward_proxy::{BadProxyReason, ForwardProxies};

fn proxies(variables: &[(&str, &str)]) -> ForwardProxies {
    ForwardProxies::from_variables(|wanted| {
        variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
    })
}

/// The proxy for a URL; empty if there is none.
fn chosen(variables: &[(&str, &str)], url: &str) -> Result<String, String> {
    let proxies = proxies(variables);
    match proxies.choose(&Url::parse(url).unwrap()) {
        Ok(None) => Ok(String::new()),
        Ok(Some(proxy)) => Ok(format!("{proxy} {}", proxy.authorization().unwrap_or_default()).trim_end().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

const URL: &str = "https://mcp.example.com/mcp";

#[test]
fn lower_case_comes_first_and_empty_means_none() {
    for (variables, expected) in [
        (&[][..], ""),
        (&[("HTTPS_PROXY", "http://a:1")], "a:1"),
        (&[("https_proxy", "http://b:2")], "b:2"),
        (&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")], "b:2"),
        (&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "")], ""),
        (&[("HTTPS_PROXY", "")], ""),
        (&[("HTTP_PROXY", "http://a:1"), ("http_proxy", "http://a:1")], ""),
        (&[("https_proxy", "http://b:2"), ("NO_PROXY", "*")], ""),
        (&[("https_proxy", "http://b:2"), ("NO_PROXY", "*"), ("no_proxy", "")], "b:2"),
    ] {
        assert_eq!(chosen(variables, URL).as_deref(), Ok(expected), "{variables:?}");
        assert_eq!(chosen(variables, "http://mcp.example.com/mcp").as_deref(), Ok(""), "only https");
    }
}

#[test]
fn a_proxy_as_people_write_it() {
    for (text, expected) in [
        ("http://proxy:3128", "proxy:3128"),
        ("HTTP://Proxy:3128/", "proxy:3128"),
        ("http://proxy:3128/path?query#fragment", "proxy:3128"),
        ("proxy:3128", "proxy:3128"),
        ("proxy", "proxy:1080"),
        ("http://192.0.2.1", "192.0.2.1:1080"),
        ("[::1]:8", "[::1]:8"),
        ("http://user:pass@proxy:1", "proxy:1 Basic dXNlcjpwYXNz"),
        ("user@proxy:1", "proxy:1 Basic dXNlcjo="),
        ("a%3ab:p%40s:s%2F@proxy:1", "proxy:1 Basic YTpiOnBAczpzLw=="),
        ("u:p@ss@proxy:1", "proxy:1 Basic dTpwQHNz"),
        ("u:%ff@proxy:1", "proxy:1 Basic dTr/"),
    ] {
        assert_eq!(chosen(&[("HTTPS_PROXY", text)], URL).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_told_without_its_secret() {
    for (text, reason) in [
        ("https://me:secret@proxy:3128", BadProxyReason::Scheme),
        ("socks5h://me:secret@proxy:3128", BadProxyReason::Scheme),
        ("http://me:secret@", BadProxyReason::Url(UrlError::Host)),
        ("me:secret@pro xy", BadProxyReason::Url(UrlError::Host)),
        ("me:secret@proxy:99999", BadProxyReason::Url(UrlError::Port)),
        ("me:secret%4@proxy", BadProxyReason::Encoding),
        ("me:secret%zz@proxy", BadProxyReason::Encoding),
        ("me:secret%+4@proxy", BadProxyReason::Encoding),
    ] {
        let proxies = proxies(&[("https_proxy", text)]);
        let error = proxies.choose(&Url::parse(URL).unwrap()).expect_err(text);
        assert_eq!((error.variable, error.reason), ("https_proxy", reason), "{text}");
        assert!(error.to_string().starts_with("the proxy in https_proxy cannot be used: "), "{error}");
        assert!(!format!("{error} {proxies:?}").contains("secret"), "{error}");
    }
    let good = proxies(&[("https_proxy", "http://me:secret@proxy")]);
    assert!(!format!("{good:?}").contains("bWU6"), "{good:?}");
    let excepted = [("https_proxy", "socks5://proxy"), ("no_proxy", "example.com")];
    assert_eq!(chosen(&excepted, URL).as_deref(), Ok(""), "who does not need it is not bothered");
}

#[test]
fn exceptions() {
    for (list, host, is_exception) in [
        ("", "example.com", false),
        ("*", "example.com", true),
        ("a,*", "example.com", true),
        ("example.com", "example.com", true),
        ("example.com", "mcp.example.com", true),
        ("example.com", "badexample.com", false),
        ("example.com", "example.com.org", false),
        ("mcp.example.com", "example.com", false),
        (".example.com", "example.com", true),
        (".example.com", "a.b.example.com", true),
        ("*.example.com", "a.example.com", true),
        ("Example.COM.", "example.com", true),
        ("example.com", "EXAMPLE.com.", true),
        ("a.org, b.org\tc.org  d.org,", "x.c.org", true),
        ("a.org, b.org\tc.org  d.org,", "d.org", true),
        ("a.org, b.org", "c.org", false),
        (",. ,", "c.org", false),
        ("com", "example.com", true),
        ("localhost", "localhost", true),
        ("example.com:443", "example.com", true),
        ("example.com:8443", "example.com", false),
        ("example.com:8443", "example.com:8443", true),
        ("example.com:https", "example.com", false),
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.10", false),
        ("192.0.2.1:8443", "192.0.2.1:8443", true),
        ("192.0.2.1:8443", "192.0.2.1", false),
        ("2.1", "192.0.2.1", false),
        ("192.0.2.0/24", "192.0.2.255", true),
        ("192.0.2.0/24", "192.0.3.1", false),
        ("192.0.2.0/31", "192.0.2.1", true),
        ("192.0.2.0/31", "192.0.2.2", false),
        ("0.0.0.0/0", "203.0.113.9", true),
        ("0.0.0.0/0", "example.com", false),
        ("192.0.2.0/33", "192.0.2.0", false),
        ("::1", "[::1]", true),
        ("[::1]", "[::1]", true),
        ("[::1]:8443", "[::1]:8443", true),
        ("[::1]:8443", "[::1]", false),
        ("2001:db8::/32", "[2001:db8:1::2]", true),
        ("2001:db8::/32", "[2001:db9::2]", false),
        ("::/0", "[2001:db9::2]", true),
        ("::/0", "192.0.2.1", false),
        ("2001:db8::/129", "[2001:db8::]", false),
    ] {
        let variables = [("https_proxy", "http://proxy:1"), ("no_proxy", list)];
        let expected = if is_exception { "" } else { "proxy:1" };
        assert_eq!(chosen(&variables, &format!("https://{host}")).as_deref(), Ok(expected), "{list:?}: {host}");
    }
}
