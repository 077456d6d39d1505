//! What must hold for arbitrary URLs, and for what else is short and has a form: addresses, networks, passwords.

use mcp_proxy::base::cidr::Cidr;
use mcp_proxy::base::number::Number;
use mcp_proxy::base::url::{Authority, Origin, Url};
use mcp_proxy::config::forward_proxy::ForwardProxies;
use mcp_proxy::config::password::{Password, is_hash};
use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::config::{Addr, duration, names};

/// What is read is written in one way, which is read the same; and nothing in it can be taken for something else.
pub(crate) fn url(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, reference) = text.split_once('\u{7}').unwrap_or((text, text));
    if let Ok(url) = Url::parse(text) {
        check_url(&url);
        assert!(text.len() >= url.path().len() && (url.path().is_empty() || text.contains(url.path())));
        if let Ok(resolved) = url.resolve(reference) {
            check_url(&resolved);
            assert_eq!(url.resolve(&resolved.to_string()).as_ref(), Ok(&resolved));
        }
        assert_eq!(url.resolve("").as_ref(), Ok(&url));
    }
    if let Ok(base) = Url::parse_base(text) {
        check_url(&base);
        assert!(!base.to_string().ends_with('/') && base.query().is_none());
    }
    if let Ok(authority) = Authority::parse(text) {
        assert_eq!(Authority::parse(&authority.to_string()).as_ref(), Ok(&authority));
        assert_eq!(authority.host(), authority.host().to_ascii_lowercase());
    }
    if let Ok(origin) = Origin::parse(text) {
        assert_eq!(Origin::parse(&origin.to_string()).as_ref(), Ok(&origin));
    }
    redirect(text);
}

fn check_url(url: &Url) {
    let written = url.to_string();
    assert!(written.bytes().all(|byte| byte.is_ascii_graphic()) && !written.contains('#'), "{written}");
    assert_eq!(Url::parse(&written).as_ref(), Ok(url));
    assert_eq!(Authority::parse(&url.authority().to_string()).map(|read| read.host() == url.host()), Ok(true));
    assert_eq!(Origin::parse(&url.origin().to_string()), Ok(url.origin()));
    assert!(url.target().starts_with('/'));
    assert!(!url.path().split('/').any(|segment| matches!(segment, "." | "..")), "{written}");
}

/// It can stand in a header, in a page and in a policy, and it says where it leads.
fn redirect(text: &str) {
    let Ok(uri) = RedirectUri::parse(text) else { return };
    assert!(uri.as_str() == text && uri.matches(&uri));
    let led = uri.with_parameters("code=c");
    assert!(led.starts_with(text) && led.ends_with("code=c") && led.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(led.matches('?').count().min(1), 1);
    let source = uri.csp_source();
    assert!(!source.contains([';', ',', ' ', '\'', '"']) && source.contains(':'), "{source}");
    assert!(!uri.destination().is_empty());
    assert!(!(uri.is_app() && (uri.is_loopback() || uri.is_https())) && !(uri.is_https() && uri.is_plain_site()));
    assert!(!uri.is_loopback() || uri.is_on_this_device());
}

/// The same for what is shorter.
pub(crate) fn values(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(addr) = Addr::parse(text) {
        assert_eq!(Addr::parse(&addr.to_string()).as_ref(), Ok(&addr));
    }
    if let Ok(network) = Cidr::parse(text) {
        assert_eq!(Cidr::parse(&network.to_string()), Ok(network));
        assert!(network.contains(network.start()));
    }
    if let Some(time) = duration::parse(text) {
        assert!(!time.is_zero() && duration::parse(&format!("{}ns", time.as_nanos())) == Some(time));
    }
    if let Ok(password) = Password::parse(text) {
        assert!(password.as_str() == text && password.is_plain() != is_hash(text));
        assert!(["Password(plain)", "Password(argon2id)"].contains(&format!("{password:?}").as_str()));
    }
    if let Some(number) = Number::parse(text) {
        assert_eq!(Some(&number), Number::parse(text).as_ref());
    }
    let _ = names::judge(text);
    let label = names::label(text, true);
    assert_eq!(label.split('/').count(), text.split('/').count());
    let (proxy, exceptions) = text.split_once('\u{7}').unwrap_or((text, ""));
    let proxies = ForwardProxies::from_variables(|name| match name {
        "https_proxy" => Some(proxy.to_owned()),
        "no_proxy" => Some(exceptions.to_owned()),
        _ => None,
    });
    for to in ["https://a.example", "https://[::1]:8443", "https://10.1.2.3", "http://a.example"] {
        match proxies.choose(&Url::parse(to).unwrap()) {
            Ok(Some(chosen)) => {
                let is_fit = |value: &str| value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                assert!(chosen.authorization().is_none_or(is_fit) && is_fit(chosen.host()));
                assert!(to.starts_with("https:") && !proxy.is_empty());
            }
            Ok(None) => {}
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }
}
