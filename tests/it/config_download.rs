//! A configuration from a URL: what is asked, where redirects lead, and what is said of answers that are none.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::download::{Download, DownloadError, Output, Wanted, is_exposed};
use mcp_proxy::limits::{CONFIG_BYTES_MAX, REDIRECTS_MAX};

const URL: &str = "https://config.test/team/mcp.json?key=s3cret";
const HEADERS: [(&str, &str); 2] = [("Authorization", "Bearer s3cret"), ("X-Key", "s3cret")];

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn begin(text: &str) -> Download {
    let headers = HEADERS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Download::new(Wanted { url: url(text), headers })
}

/// The connection is made; what is sent on it, and to where.
#[track_caller]
fn asked(download: &mut Download) -> (String, String) {
    assert!(matches!(download.poll_output(), Some(Output::Connect)));
    assert!(download.request_bytes().is_empty(), "nothing can be sent yet");
    download.handle_connected();
    let request = String::from_utf8(download.request_bytes().to_vec()).expect("a request in ASCII");
    download.handle_sent(1);
    assert_eq!(download.request_bytes(), &request.as_bytes()[1..]);
    download.handle_sent(request.len() - 1);
    assert!(download.poll_output().is_none());
    (download.destination().origin().to_string(), request)
}

#[track_caller]
fn done(download: &mut Download) -> Result<String, DownloadError> {
    match download.poll_output() {
        Some(Output::Done(result)) => {
            assert!(download.poll_output().is_none(), "nothing follows");
            result
        }
        other => panic!("not done: {other:?}"),
    }
}

/// What comes of these pieces, and of the end of the connection if it ends.
#[track_caller]
fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, ends: bool) -> Result<String, String> {
    let mut download = begin(URL);
    asked(&mut download);
    pieces.into_iter().for_each(|piece| download.handle_received(piece));
    if ends {
        download.handle_finished();
    }
    done(&mut download).map_err(|error| error.to_string())
}

/// The same whole and byte by byte.
#[track_caller]
fn of(answer: &[u8], ends: bool) -> Result<String, String> {
    let whole = outcome([answer], ends);
    assert_eq!(outcome(answer.chunks(1), ends), whole);
    whole
}

/// The message about an answer after which nothing more comes; none repeats a secret.
#[track_caller]
fn said(answer: &[u8]) -> String {
    let message = of(answer, true).expect_err("no configuration");
    assert!(!message.contains("s3cret") && !message.contains("team"), "{message}");
    message.strip_prefix("cannot read the configuration from https://config.test: ").expect(&message).to_owned()
}

fn redirect(status: u16, place: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {place}\r\nContent-Length: 4\r\n\r\nover").into_bytes()
}

#[test]
fn one_get_with_the_headers_that_were_given() {
    let (origin, request) = asked(&mut begin(URL));
    assert_eq!(origin, "https://config.test");
    let expected = format!(
        "GET /team/mcp.json?key=s3cret HTTP/1.1\r\nHost: config.test\r\nAuthorization: Bearer s3cret\r\n\
         X-Key: s3cret\r\nAccept: */*\r\nUser-Agent: mcp-proxy/{}\r\nAccept-Encoding: identity\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(request, expected);
}

#[test]
fn what_would_be_sent_anyway_can_be_given_too() {
    let headers = vec![("accept".to_owned(), "text/plain".to_owned()), ("USER-AGENT".to_owned(), "me".to_owned())];
    let (_, request) = asked(&mut Download::new(Wanted { url: url("http://localhost:8000"), headers }));
    let expected = "GET / HTTP/1.1\r\nHost: localhost:8000\r\naccept: text/plain\r\nUSER-AGENT: me\r\n\
                    Accept-Encoding: identity\r\n\r\n";
    assert_eq!(request, expected);
}

#[test]
fn the_text_comes_in_every_framing() {
    for (answer, ends) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"ä}", false),
        ("HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{\"ä}", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\nä}\r\n0\r\n\r\n", false),
        ("HTTP/1.0 203 OK\r\n\r\n{\"ä}", true),
    ] {
        assert_eq!(of(answer.as_bytes(), ends), Ok("{\"ä}".to_owned()), "{answer}");
    }
    assert_eq!(of(b"HTTP/1.1 204 No Content\r\n\r\n", false), Ok(String::new()));
}

#[test]
fn redirects_within_the_origin_keep_the_headers() {
    for status in [301, 302, 303, 307, 308] {
        let mut download = begin(URL);
        asked(&mut download);
        download.handle_received(&redirect(status, "../other.json?v=2#part"));
        let (origin, request) = asked(&mut download);
        assert_eq!(origin, "https://config.test");
        assert!(
            request.starts_with("GET /other.json?v=2 HTTP/1.1\r\nHost: config.test\r\nAuthorization: "),
            "{request}"
        );
        assert!(request.contains("\r\nX-Key: s3cret\r\n"), "{request}");
        download.handle_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        assert_eq!(done(&mut download).ok().as_deref(), Some("{}"));
    }
}

#[test]
fn no_header_leaves_the_origin_nor_comes_back_to_it() {
    for elsewhere in ["https://files.test/x", "//files.test/x", "https://config.test:8443/x"] {
        let mut download = begin(URL);
        asked(&mut download);
        download.handle_received(&redirect(302, elsewhere));
        let (origin, request) = asked(&mut download);
        assert!(elsewhere.contains(origin.trim_start_matches("https://")), "{origin}");
        assert!(request.starts_with("GET /x HTTP/1.1\r\n") && request.contains("Accept: */*"), "{request}");
        assert!(!request.contains("s3cret") && !request.contains("X-Key"), "{request}");
        download.handle_received(&redirect(302, "https://config.test/team/chosen-by-another"));
        let (origin, request) = asked(&mut download);
        assert_eq!(origin, "https://config.test");
        assert!(!request.contains("s3cret") && !request.contains("X-Key"), "{request}");
    }
}

#[test]
fn http_may_become_https_but_leaves_the_headers_behind() {
    let mut download = begin("http://config.test/a");
    asked(&mut download);
    download.handle_received(&redirect(301, "https://config.test/a"));
    let (origin, request) = asked(&mut download);
    assert_eq!(origin, "https://config.test");
    assert!(!request.contains("s3cret"), "{request}");
    download.handle_received(b"HTTP/1.1 401 Who are you?\r\nContent-Length: 0\r\n\r\n");
    let expected = "cannot read the configuration from http://config.test, which redirects to https://config.test: \
                    HTTP 401 Unauthorized\n    \
                    -http-headers are sent to the origin that -config names only: name the one that it redirects to.";
    assert_eq!(done(&mut download).expect_err("a refusal").to_string(), expected);
}

#[test]
fn nobody_on_the_way_gets_to_write_the_configuration() {
    for (from, to) in [
        ("https://config.test/", "http://config.test/?s3cret"),
        ("https://config.test/", "http://localhost/s3cret"),
        ("http://localhost:8000/", "http://config.test/s3cret"),
    ] {
        let mut download = begin(from);
        asked(&mut download);
        download.handle_received(&redirect(302, to));
        let message = done(&mut download).expect_err("a redirect that is not followed").to_string();
        let to = url(to).origin();
        let expected = format!("it redirects to {to}, where others on the way could change it: that is not followed");
        assert!(message.ends_with(&expected), "{message}");
    }
    let mut download = begin("http://config.test/");
    asked(&mut download);
    download.handle_received(&redirect(302, "http://other.test/"));
    assert_eq!(asked(&mut download).0, "http://other.test", "it was exposed before");
    for (text, expected) in
        [("http://config.test", true), ("https://config.test", false), ("http://[::1]:1", false), (URL, false)]
    {
        assert_eq!(is_exposed(&url(text)), expected, "{text}");
    }
}

#[test]
fn redirects_come_to_an_end() {
    let mut download = begin(URL);
    for _ in 0..REDIRECTS_MAX {
        asked(&mut download);
        download.handle_received(&redirect(307, "/again?s3cret"));
    }
    asked(&mut download);
    download.handle_received(&redirect(307, "/again?s3cret"));
    let message = done(&mut download).expect_err("a loop").to_string();
    assert_eq!(message, "cannot read the configuration from https://config.test: it redirects more than 5 times");
}

#[test]
fn what_is_no_redirect_is_not_followed() {
    for answer in [
        &b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"[..],
        b"HTTP/1.1 302 Found\r\nLocation: ftp://s3cret\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://me:s3cret@files.test/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /s3cret\r\n\r\n",
    ] {
        assert_eq!(said(answer), "it redirects to what is no URL");
    }
    assert_eq!(said(b"HTTP/1.1 304 Not Modified\r\nLocation: /\r\n\r\n"), "HTTP 304 Not Modified");
}

#[test]
fn a_refusal_is_told_with_advice() {
    for (status, expected) in [
        ("401 x", "HTTP 401 Unauthorized\n    What it asks for, such as a token, is sent with -http-headers."),
        ("403 x", "HTTP 403 Forbidden\n    What it asks for, such as a token, is sent with -http-headers."),
        (
            "404 s3cret",
            "HTTP 404 Not Found\n    \
             Look at the URL. Some servers say so where a token is missing: that is sent with -http-headers.",
        ),
        ("500 x", "HTTP 500 Internal Server Error"),
        ("799 x", "HTTP 799"),
    ] {
        assert_eq!(said(format!("HTTP/1.1 {status}\r\nContent-Length: 6\r\n\r\ns3cret").as_bytes()), expected);
    }
}

#[test]
fn what_is_no_configuration_is_refused() {
    let long = CONFIG_BYTES_MAX + 1;
    let announced = format!("HTTP/1.1 200 OK\r\nContent-Length: {long}\r\n\r\n");
    assert_eq!(said(announced.as_bytes()), "the answer is longer than 4 MiB");
    let head = b"HTTP/1.1 200 OK\r\n\r\n".as_slice();
    let body = vec![b' '; long];
    let longest = outcome([head, &body[1..]], true).expect("the longest that is allowed");
    assert_eq!(longest.len(), CONFIG_BYTES_MAX);
    let message = outcome(std::iter::once(head).chain(body.chunks(65_536)), false).expect_err("too long");
    assert!(message.ends_with(": the answer is longer than 4 MiB"), "{message}");
    assert_eq!(
        said(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\"\xff"),
        "the answer is not UTF-8 (byte 2)\n    Save it again with that encoding."
    );
    assert_eq!(
        said(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
        "it sent the configuration compressed (gzip), though it was asked not to"
    );
    assert_eq!(
        said(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\n <!s3cret"),
        "it answered with a web page\n    Name the file itself: where code is hosted, that is the \"raw\" one."
    );
}

#[test]
fn what_breaks_is_told() {
    assert_eq!(said(b""), "the server closed the connection without an answer");
    assert_eq!(said(b"HTTP/1.1 200 OK\r\nContent-Le"), "the connection ended in the middle of the response");
    assert_eq!(
        said(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{"),
        "the connection ended in the middle of the response"
    );
    assert_eq!(said(b"SSH-2.0-OpenSSH_9.9\r\n"), "the response does not begin with an HTTP version");
    let mut download = begin(URL);
    assert!(matches!(download.poll_output(), Some(Output::Connect)));
    download.handle_broken("no address found for \"config.test\" (unknown)".to_owned());
    let error = done(&mut download).expect_err("no connection").with_note(Some("SSL_CERT_FILE: nothing".to_owned()));
    let expected = "cannot read the configuration from https://config.test: no address found for \"config.test\" \
                    (unknown)\n    SSL_CERT_FILE: nothing";
    assert_eq!(error.to_string(), expected);
    download.handle_finished();
    download.handle_received(b"HTTP/1.1");
    download.handle_timeout(Duration::from_secs(1));
    assert!(download.poll_output().is_none(), "it is over");
}

#[test]
fn what_takes_too_long_is_told_with_what_is_missing() {
    let late = |pieces: &[&[u8]]| {
        let mut download = begin(URL);
        if !pieces.is_empty() {
            asked(&mut download);
        } else {
            assert!(matches!(download.poll_output(), Some(Output::Connect)));
        }
        pieces.iter().for_each(|piece| download.handle_received(piece));
        download.handle_timeout(Duration::from_millis(2_500));
        let message = done(&mut download).expect_err("time is over").to_string();
        message.strip_prefix("cannot read the configuration from https://config.test: ").expect(&message).to_owned()
    };
    let advice = "\n    -http-timeout gives it longer: -http-timeout 30s";
    assert_eq!(late(&[]), format!("there was no connection within 2.5 s{advice}"));
    assert_eq!(late(&[b"HTTP/1.1"]), format!("there was no answer within 2.5 s{advice}"));
    assert_eq!(
        late(&[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]),
        format!("the answer had not ended after 2.5 s{advice}")
    );
}

#[test]
fn what_cannot_be_sent_is_told() {
    let headers = vec![("X-Key".to_owned(), "s3cret\r\nHost: other".to_owned())];
    let mut download = Download::new(Wanted { url: url(URL), headers });
    assert!(matches!(download.poll_output(), Some(Output::Connect)));
    download.handle_connected();
    let message = done(&mut download).expect_err("no request").to_string();
    let expected =
        "cannot read the configuration from https://config.test: a header value contains a control character";
    assert_eq!(message, expected);
}
