//! Request heads: what is understood, and what is refused with which status.

use mcp_proxy::codec::http::{BodyLength, Event, HeadStorage, Method, Phase, ServerCodec, Version};
use mcp_proxy::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_MAX, TARGET_BYTES_MAX};

use crate::support::wire::{Transcript, dripping, whole};

/// Status 200: accepted. Status 0: more is awaited. Else: refused, whatever follows.
const VECTORS: &[(u16, &str)] = &[
    // ---- valid ----
    (200, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "GET /a/mcp?x=1&y=%2F HTTP/1.1\r\nhOsT: localhost:9090\r\n\r\n"),
    (200, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "GET / HTTP/1.0\r\n\r\n"),
    (200, "GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
    (200, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "GET http://b:80/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: [::1]:9090\r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY: \t \r\nZ:  v  \r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: Gr\u{fc}n\r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: a\r\nX: a\tb\r\n\r\n"),
    (200, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    (200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t 2\t\r\n\r\nhi"),
    (200, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 002\r\n\r\nhi"),
    (200, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ChUnKeD\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
    (200, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nhi"),
    (200, "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"),
    // ---- incomplete ----
    (0, ""),
    (0, "\r"),
    (0, "GE"),
    (0, "GET / HTTP/1.1"),
    (0, "GET / HTTP/1.1\r"),
    (0, "GET / HTTP/1.1\r\n"),
    (0, "GET / HTTP/1.1\r\nHost: a\r\n"),
    (0, "GET / HTTP/1.1\r\nHost: a\r\n\r"),
    // ---- both framings, the classic smuggling ----
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
    // ---- Content-Length ----
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2 2\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2.0\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1e1\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \u{662}\r\n\r\nhi"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \u{b}2\r\n\r\nhi"),
    (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 67108865\r\n\r\nhi"),
    (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551618\r\n\r\nhi"),
    (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999999999999\r\n\r\nhi"),
    // ---- Transfer-Encoding ----
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n"),
    (400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    // ---- header lines ----
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n"),
    (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n\tb\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\n: v\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\n\"x\": v\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX(y): v\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\n\u{fc}: v\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX\0Y: v\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1}"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{b}"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{1b}[31m"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}"),
    // ---- line ends ----
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n"),
    (400, "GET / HTTP/1.1\rHost: a\r\n\r\n"),
    (400, "GET / HTTP/1.1\nHost: a\n\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\n\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 9\r\n\r\n"),
    (501, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"),
    (400, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    // ---- Host ----
    (400, "GET / HTTP/1.1\r\n\r\n"),
    (400, "GET http://a/ HTTP/1.1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    (400, "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: [a]\r\n\r\n"),
    (400, "GET / HTTP/1.1\r\nHost: \u{fc}\r\n\r\n"),
    // ---- request line ----
    (400, "GET /\r\n\r\n"),
    (400, "GET\r\n\r\n"),
    (400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
    (400, "GET / a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET / HTTP/11\r\nHost: a\r\n\r\n"),
    (400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
    (400, "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n"),
    (400, "GET / FTP"),
    (400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /#f HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /\0"),
    (400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "{\"jsonrpc\":\"2.0\"}"),
    (400, "\u{16}\u{3}\u{1}"),
    (501, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (501, "get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    (501, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"),
    (501, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    (505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
    (505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
    (505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    // ---- Expect ----
    (417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 2\r\n\r\nhi"),
    (417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x\r\nContent-Length: 2\r\n\r\nhi"),
];

#[test]
fn every_vector_gets_its_status() {
    for (status, text) in VECTORS {
        check(*status, text.as_bytes());
    }
}

#[test]
fn latin_1_passes_in_values_but_not_in_what_is_compared() {
    check(200, b"GET / HTTP/1.1\r\nHost: a\r\nX: \xfc\r\n\r\n");
    check(400, b"GET / HTTP/1.1\r\nHost: \xfc\r\n\r\n");
    check(400, b"GET /\xfc HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn limits_hold_to_the_byte() {
    let target = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 1));
    check(200, target(TARGET_BYTES_MAX).as_bytes());
    check(414, target(TARGET_BYTES_MAX + 1).as_bytes());
    check(414, format!("GET /{}", "x".repeat(TARGET_BYTES_MAX)).as_bytes());

    let lines = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    check(200, lines(HEADERS_MAX).as_bytes());
    check(431, lines(HEADERS_MAX + 1).as_bytes());

    let bare = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
    let head = |length: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(length - bare));
    check(200, head(HEAD_BYTES_MAX).as_bytes());
    check(431, head(HEAD_BYTES_MAX + 1).as_bytes());
    check(431, format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(HEAD_BYTES_MAX)).as_bytes());

    let sized = |length: usize| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    assert_eq!(whole(sized(BODY_BYTES_MAX).as_bytes()).refused, None);
    check(413, sized(BODY_BYTES_MAX + 1).as_bytes());
}

#[test]
fn a_refusal_names_its_limit() {
    let input = format!("GET /{}", "x".repeat(TARGET_BYTES_MAX));
    let refusal = ServerCodec::new().handle(input.as_bytes(), &mut HeadStorage::new()).unwrap_err();
    assert!(refusal.to_string().contains(&TARGET_BYTES_MAX.to_string()), "{refusal}");
}

#[test]
fn a_target_is_split_but_not_decoded() {
    let request = |text: &str| whole(text.as_bytes()).requests.remove(0);
    let one = request("GET /a%2Fb/?q=1?2 HTTP/1.1\r\nHost: A:80\r\n\r\n");
    assert_eq!((one.path.as_str(), one.query.as_deref(), one.host.as_str()), ("/a%2Fb/", Some("q=1?2"), "A:80"));
    let one = request("GET /a? HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((one.path.as_str(), one.query.as_deref()), ("/a", Some("")));
    let one = request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((one.method, one.path.as_str(), one.query), (Method::Options, "*", None));
}

#[test]
fn the_authority_of_an_absolute_target_replaces_the_host_header() {
    for (target, host, path, query) in [
        ("http://b:8080/x?y", "b:8080", "/x", Some("y")),
        ("http://b", "b", "/", None),
        ("hTTps://[::1]?y", "[::1]", "/", Some("y")),
    ] {
        let text = format!("GET {target} HTTP/1.1\r\nHost: evil\r\n\r\n");
        let one = whole(text.as_bytes()).requests.remove(0);
        assert_eq!((one.host.as_str(), one.path.as_str(), one.query.as_deref()), (host, path, query), "{target}");
    }
}

#[test]
fn headers_are_found_in_any_case() {
    let input = b"POST / HTTP/1.0\r\n\
        accept: a, b;q=0.5,\r\nACCEPT: c\r\nX-One: 1 \r\nX-Two: 1\r\nx-two: 2\r\nX-L: \xfc\r\n\r\n";
    let (mut codec, mut storage) = (ServerCodec::new(), HeadStorage::new());
    let step = codec.handle(input, &mut storage).unwrap();
    let Some(Event::Head(head)) = step.event else { panic!("no head") };
    assert_eq!(step.consumed, input.len());
    assert_eq!(head.list("Accept").collect::<Vec<_>>(), [&b"a"[..], b"b;q=0.5", b"c"]);
    assert_eq!(head.all("x-two").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.unique("x-one"), Ok(Some("1")));
    assert_eq!(head.unique("x-none"), Ok(None));
    assert_eq!(head.unique("x-two").unwrap_err().status, 400);
    assert_eq!(head.unique("x-l").unwrap_err().status, 400);
    assert_eq!((head.host(), head.version, head.body), ("", Version::Http10, BodyLength::None));
}

#[test]
fn only_a_peer_that_can_wait_expects_continue() {
    for (version, framing, expects) in [
        ("1.1", "Content-Length: 2", true),
        ("1.1", "Transfer-Encoding: chunked", true),
        ("1.1", "Content-Length: 0", false),
        ("1.0", "Content-Length: 2", false),
    ] {
        let text = format!("POST / HTTP/{version}\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n");
        let (mut codec, mut storage) = (ServerCodec::new(), HeadStorage::new());
        let Some(Event::Head(head)) = codec.handle(text.as_bytes(), &mut storage).unwrap().event else {
            panic!("no head: {text}")
        };
        assert_eq!(head.expects_continue, expects, "{text}");
    }
}

/// Feeds the vector whole, byte by byte, and with bytes behind it.
fn check(status: u16, input: &[u8]) {
    let shown = String::from_utf8_lossy(&input[..input.len().min(200)]).into_owned();
    let (at_once, dripped) = (whole(input), dripping(input));
    assert_eq!(at_once, dripped, "cut differently, understood differently: {shown:?}");
    assert_eq!(outcome(&at_once), status, "{shown:?}: {at_once:?}");
    if status != 0 {
        let more = [input, b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        let followed = whole(&more);
        assert_eq!(followed.refused, at_once.refused, "{shown:?} with bytes behind");
        let next = usize::from(status == 200 && at_once.phase == Phase::AwaitingHead);
        assert_eq!(followed.requests.len(), at_once.requests.len() + next, "{shown:?} with bytes behind");
    }
}

fn outcome(transcript: &Transcript) -> u16 {
    match (&transcript.refused, transcript.requests.last()) {
        (Some(status), _) => *status,
        (None, Some(request)) if request.is_complete => 200,
        (None, _) => 0,
    }
}
