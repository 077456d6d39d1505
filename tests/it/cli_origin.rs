//! What `-config` names, and what belongs to a URL.

use std::ffi::OsString;
use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::cli::invocation::{Invocation, parse};
use mcp_proxy::cli::origin::ConfigOrigin;
use mcp_proxy::config::download::Wanted;
use mcp_proxy::io::download::DownloadSettings;

fn parsed(arguments: &[&str]) -> Result<ConfigOrigin, String> {
    match parse(arguments.iter().map(OsString::from).collect()) {
        Ok(Invocation::Serve(serve)) => Ok(serve.job.origin().expect("no demo").clone()),
        Ok(other) => panic!("{arguments:?}: {other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn settings(arguments: &[&str]) -> DownloadSettings {
    match parsed(arguments) {
        Ok(ConfigOrigin::Url(settings)) => settings,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

#[test]
fn a_url_comes_with_headers_and_a_time() {
    let url = "https://config.test:8443/mcp.json?key=s3cret";
    let plain = DownloadSettings {
        wanted: Wanted { url: Url::parse(url).expect("a URL"), headers: Vec::new() },
        time_max: Duration::from_secs(10),
        is_insecure: false,
    };
    assert_eq!(settings(&["-config", url]), plain);
    assert_eq!(settings(&["-config", url, "-http-headers", ""]), plain);
    assert_eq!(settings(&["-check-config", "-config", "HTTPS://CONFIG.TEST:8443/mcp.json?key=s3cret"]), plain);
    assert!(settings(&["-insecure", "-config", url]).is_insecure);
    let given = settings(&["-config", url, "-http-headers", "Authorization: Bearer a:b = ;; X-Key :s3cret; "]);
    let headers = [("Authorization", "Bearer a:b ="), ("X-Key", "s3cret")];
    assert_eq!(given.wanted.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for (time, millis) in [("10", 10_000), ("86400", 86_400_000), ("30s", 30_000), ("1m30s", 90_000), ("0.5s", 500)] {
        assert_eq!(
            settings(&["-config", url, "-http-timeout", time]).time_max,
            Duration::from_millis(millis),
            "{time}"
        );
    }
}

#[test]
fn mistakes_are_answered_without_repeating_a_secret() {
    for (arguments, expected) in [
        (
            &["-config", "https://me:s3cret@config.test/"][..],
            "-config: the URL cannot be used: it must not contain a user name or password; send them with \
             -http-headers 'Authorization:Basic ...'",
        ),
        (
            &["-config", "https://config.test/#s3cret"],
            "-config: the URL cannot be used: it must not have a fragment (#...); leave that out, it is never sent",
        ),
        (
            &["-config", "http://config.test/?s3cret s3cret"],
            "-config: the URL cannot be used: its query contains a character that must be percent-encoded",
        ),
        (
            &["-config", "https://config.test", "-http-headers", "X:s3cret;Bearer s3cret"],
            "-http-headers: header 2 has no colon; write NAME:VALUE, and a semicolon between two of them",
        ),
        (
            &["-config", "https://config.test", "-http-headers", "X:s3cret\u{1}"],
            "-http-headers: header 1 cannot be sent: a header value contains a control character",
        ),
        (
            &["-config", "https://config.test", "-http-headers", "Bearer s3cret:x"],
            "-http-headers: header 1 cannot be sent: a header name contains a character that no name may have",
        ),
        (
            &["-config", "https://config.test", "-http-headers", "Host:s3cret"],
            "-http-headers: header 1 cannot be sent: the header decides about the connection and cannot be set",
        ),
        (
            &["-config", "c.json", "-http-headers", "X:s3cret"],
            "-http-headers belongs to -config URL; add that, or leave it out",
        ),
        (&["-http-timeout", "3"], "-http-timeout belongs to -config URL; add that, or leave it out"),
        (&["-demo", "-http-timeout", "3"], "-http-timeout belongs to -config URL; add that, or leave it out"),
    ] {
        assert_eq!(parsed(arguments), Err(expected.to_owned()), "{arguments:?}");
    }
    for time in ["0", "0s", "-1", "1.5", "86401", "25h", "soon", ""] {
        let said = parsed(&["-config", "https://config.test", "-http-timeout", time]).expect_err(time);
        let advice = "write seconds, or a time such as 30s or 2m, at most 24h";
        assert_eq!(said, format!("-http-timeout cannot be {time:?}: {advice}"));
    }
}

#[test]
fn messages_call_it_by_its_name() {
    for (named, name) in [
        ("-", "stdin"),
        ("./a.json", "./a.json"),
        ("ftp://a", "ftp://a"),
        ("https://Config.test:443/a/mcp.json?key=s3cret", "https://config.test/…"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://[::1]:8000/?key=s3cret", "http://[::1]:8000"),
    ] {
        assert_eq!(parsed(&["-config", named]).expect(named).name(), name);
    }
}

#[test]
fn a_way_that_is_not_encrypted_is_warned_about() {
    let warning = |named: &str| parsed(&["-config", named]).expect(named).warning();
    let expected = "-config: the way to http://config.test:8000 is not encrypted.\n    \
                    Whoever is on it can change the configuration, and so what runs on this machine. Use https.";
    assert_eq!(warning("http://config.test:8000/a?s3cret").as_deref(), Some(expected));
    for named in ["https://config.test", "http://localhost:8000", "http://127.0.0.1/", "http://[::1]/", "c.json", "-"] {
        assert_eq!(warning(named), None, "{named}");
    }
}

#[test]
fn it_can_be_kept_and_read_again_elsewhere() {
    fn is_kept<T: Clone + Send + 'static>(_: &T) {}
    let origin = ConfigOrigin::File(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").to_owned());
    is_kept(&origin);
    for _ in 0..2 {
        assert!(origin.read().expect("a file").text().starts_with("[package]"));
    }
    let missing = ConfigOrigin::File("no-such-file.json".to_owned()).read().expect_err("nothing to read");
    assert!(!missing.is_for_now(), "{missing}");
}
