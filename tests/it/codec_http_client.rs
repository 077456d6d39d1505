//! Responses: what is understood, what is a fault, and what becomes of the connection.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::client::{CloseReason, Event, Phase, RequestError, ResponseStorage};
use mcp_proxy::codec::http::{ClientCodec, Fault, Method, Request, ResponseLength};
use mcp_proxy::limits::{
    BODY_BYTES_MAX, INTERIM_RESPONSES_MAX, RESPONSE_HEAD_BYTES_MAX, RESPONSE_HEADERS_MAX, TRAILER_BYTES_MAX,
};

use crate::support::client_wire::{Caller, MALFORMED, Transcript, receive};

/// The response is complete before the connection ends: status, body, what becomes of the connection.
const COMPLETE: &[(u16, &str, Phase, &str)] = &[
    (200, "hi", Phase::Idle, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    (200, "", Phase::Idle, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (202, "", Phase::Idle, "HTTP/1.1 202 Accepted\r\ncontent-length:0\r\n\r\n"),
    (200, "hi", Phase::Idle, "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi"),
    (200, "hi", Phase::Idle, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi"),
    (200, "hi", Phase::Idle, "HTTP/1.1 200 All is\tgr\u{fc}n  \r\nContent-Length: 2\r\n\r\nhi"),
    (999, "", Phase::Idle, "HTTP/1.1 999 Denied\r\nContent-Length: 0\r\n\r\n"),
    (200, "hi", Phase::Idle, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi"),
    (200, "hi", Phase::Idle, "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi"),
    (
        200,
        "hello",
        Phase::Idle,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\n",
    ),
    (200, "hi", Phase::Idle, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\nZ:\r\n\r\n"),
    (204, "", Phase::Idle, "HTTP/1.1 204 No Content\r\n\r\n"),
    (204, "", Phase::Idle, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"),
    (304, "", Phase::Idle, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (200, "", Phase::Idle, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (
        200,
        "hi",
        Phase::Idle,
        "HTTP/1.1 102 Processing\r\nContent-Length: 9\r\n\r\nHTTP/1.1 103\r\nLink: x\r\nConnection: close\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ),
    (
        200,
        "hi",
        Phase::Closing(CloseReason::PeerAsked),
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi",
    ),
    (
        204,
        "",
        Phase::Closing(CloseReason::PeerAsked),
        "HTTP/1.1 204\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
    ),
    (200, "hi", Phase::Closing(CloseReason::OldVersion), "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    (200, "hi", Phase::Idle, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi"),
];

/// The end of the connection is the end of the response.
const UNTIL_CLOSE: &[(&str, &str)] = &[
    ("hello", "HTTP/1.1 200 OK\r\n\r\nhello"),
    ("", "HTTP/1.1 200 OK\r\n\r\n"),
    ("hi", "HTTP/1.0 200 OK\r\n\r\nhi"),
    ("hi", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhi"),
    ("HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 500 Oops\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
];

/// Faults at their last byte, whatever follows.
const MALFORMED_RESPONSES: &[&str] = &[
    // ---- the status line ----
    "h",
    "HTTP/1.1x",
    "HTTPS",
    "HTTP/x",
    "ICY",
    "\r\n",
    "\n",
    " ",
    "<html>",
    "\u{15}\u{3}\u{1}\0\u{2}\u{2}\n",
    "\0\0\u{12}\u{4}\0\0\0",
    "HTTP/1.1 0",
    "HTTP/1.1 x",
    "HTTP/1.1 2x",
    "HTTP/1.1 -",
    "HTTP/1.1  ",
    "HTTP/1.1\t",
    "HTTP/1.1 2000",
    "HTTP/1.1 200\t",
    "HTTP/1.1 200-",
    "HTTP/1.1 200 O\0",
    "HTTP/1.1 200 O\u{7f}",
    "HTTP/1.1 200 O\rK",
    "HTTP/1.1 20\r\n",
    "HTTP/1.1\r\n",
    "HTTP/1.1 \r\n",
    "HTTP/2.0 200 OK\r\n",
    "HTTP/1.2 200 OK\r\n",
    "HTTP/0.9 200 OK\r\n",
    // ---- line ends ----
    "HTTP/1.1 200 OK\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\n",
    "HTTP/1.1 200 OK\r\nX: a\rb",
    // ---- header lines ----
    "HTTP/1.1 200 OK\r\n X: a\r\n",
    "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n",
    "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n",
    "HTTP/1.1 200 OK\r\nX : a\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n",
    "HTTP/1.1 200 OK\r\n: a\r\n",
    "HTTP/1.1 200 OK\r\nX(y): a\r\n",
    "HTTP/1.1 200 OK\r\nX: a\0",
    "HTTP/1.1 200 OK\r\nX: a\u{1b}",
    // ---- framing ----
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length:\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length:\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: ,\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
    // ---- chunks ----
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi!",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n :",
    // ---- after an interim response ----
    "HTTP/1.1 100 Continue\r\n\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nx",
];

/// Whole, byte by byte, and in two pieces with every cut: always the same.
#[track_caller]
fn transcript(method: Method, input: &[u8], ends: bool) -> Transcript {
    let shown = String::from_utf8_lossy(&input[..input.len().min(200)]);
    let whole = receive(method, [input], ends);
    assert_eq!(receive(method, input.chunks(1), ends), whole, "{shown:?} byte by byte");
    for at in 1..input.len().min(300) {
        let (one, two) = input.split_at(at);
        assert_eq!(receive(method, [one, two], ends), whole, "{shown:?} cut at {at}");
    }
    whole
}

#[test]
fn complete_responses() {
    for (status, body, phase, text) in COMPLETE {
        let seen = transcript(Method::Post, text.as_bytes(), false);
        let response = seen.response.clone().unwrap_or_else(|| panic!("no response: {text:?}: {seen:?}"));
        assert_eq!((response.status, response.is_complete), (*status, true), "{text:?}: {seen:?}");
        assert_eq!(String::from_utf8_lossy(&response.body), *body, "{text:?}");
        assert_eq!((seen.phase, seen.fault), (*phase, None), "{text:?}");

        let ended = transcript(Method::Post, text.as_bytes(), true);
        let closed = if *phase == Phase::Idle { Phase::Closing(CloseReason::PeerClosed) } else { *phase };
        assert_eq!(ended, Transcript { phase: closed, ..seen.clone() }, "{text:?}");

        let followed = transcript(Method::Post, format!("{text}HTTP/1.1 200 OK\r\n\r\n").as_bytes(), false);
        assert_eq!(followed.response, seen.response, "{text:?} with bytes behind");
        match phase {
            Phase::Idle => assert_eq!(
                (followed.fault, followed.phase),
                (Some(Fault::Unasked), Phase::Closing(CloseReason::Unasked)),
                "{text:?} with bytes behind"
            ),
            Phase::AwaitingHead | Phase::ReceivingBody => panic!("not complete: {text:?}"),
            Phase::Closing(_) => {
                assert_eq!((followed.fault, followed.phase), (None, *phase), "{text:?}: they are thrown away")
            }
        }
    }
}

#[test]
fn every_beginning_of_a_response_is_waited_for_or_truncated() {
    for (_, _, _, text) in COMPLETE {
        for length in 0..text.len() {
            let part = &text.as_bytes()[..length];
            let waiting = receive(Method::Post, [part], false);
            assert_eq!(waiting.fault, None, "{:?}", String::from_utf8_lossy(part));
            assert!(!matches!(waiting.phase, Phase::Idle | Phase::Closing(_)), "{:?}", String::from_utf8_lossy(part));
            let fault = if length == 0 { Fault::Unanswered } else { Fault::Truncated };
            assert_eq!(receive(Method::Post, [part], true).fault, Some(fault), "{:?}", String::from_utf8_lossy(part));
        }
    }
}

#[test]
fn some_responses_end_with_the_connection() {
    for (body, text) in UNTIL_CLOSE {
        let open = transcript(Method::Get, text.as_bytes(), false);
        assert_eq!((open.phase, open.fault), (Phase::ReceivingBody, None), "{text:?}");
        let ended = transcript(Method::Get, text.as_bytes(), true);
        let response = ended.response.expect("a response");
        assert_eq!((response.length, response.is_complete), (ResponseLength::UntilClose, true), "{text:?}");
        assert_eq!(String::from_utf8_lossy(&response.body), *body, "{text:?}");
        assert_eq!((ended.phase, ended.fault), (Phase::Closing(CloseReason::PeerClosed), None), "{text:?}");
    }
}

#[test]
fn malformed_responses_are_faults_at_the_first_wrong_byte() {
    for text in MALFORMED_RESPONSES {
        for behind in ["", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] {
            let input = format!("{text}{behind}");
            let seen = transcript(Method::Get, input.as_bytes(), false);
            assert_eq!(seen.fault, Some(MALFORMED), "{input:?}: {seen:?}");
            assert_eq!(seen.phase, Phase::Closing(CloseReason::Faulty), "{input:?}");
            assert!(!seen.response.is_some_and(|response| response.is_complete), "{input:?}");
        }
    }
}

#[test]
fn bytes_above_ascii_pass_where_nobody_reads_them() {
    for input in [
        &b"HTTP/1.1 200 Gr\xfcn\r\nContent-Length: 0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nX: \xfc\xff\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert_eq!(transcript(Method::Get, input, false).phase, Phase::Idle);
    }
    let seen = transcript(Method::Get, b"HTTP/1.1 200 OK\r\n\xfc: x\r\n\r\n", false);
    assert_eq!(seen.fault, Some(MALFORMED));
}

#[test]
fn an_answer_to_head_has_no_body() {
    for headers in ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", ""] {
        let seen = transcript(Method::Head, format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes(), false);
        assert_eq!((seen.phase, seen.fault), (Phase::Idle, None), "{headers:?}");
        assert!(seen.response.is_some_and(|response| response.is_complete && response.body.is_empty()));
    }
}

#[test]
fn nobody_asked_for_another_protocol() {
    let input = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\nPRI";
    let seen = transcript(Method::Get, input, false);
    assert_eq!((seen.fault, seen.phase), (Some(Fault::Switched), Phase::Closing(CloseReason::Faulty)));
}

#[test]
fn nobody_asked_for_anything() {
    for input in ["HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n", "\r", "x"] {
        let mut caller = Caller::new();
        caller.feed(b"");
        assert_eq!(caller.codec.phase(), Phase::Idle);
        caller.feed(input.as_bytes());
        let seen = caller.transcript();
        assert_eq!((seen.response, seen.fault), (None, Some(Fault::Unasked)), "{input:?}");
        assert_eq!(seen.phase, Phase::Closing(CloseReason::Unasked));
    }
    let mut caller = Caller::new();
    caller.end();
    assert_eq!((caller.transcript().fault, caller.codec.is_reusable()), (None, false));
}

#[test]
fn a_forged_response_cannot_wait_for_the_next_request() {
    let mut caller = Caller::new();
    caller.ask(Method::Get);
    // The caller stops at the end of the response, as one that has its answer might.
    let input = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let head = caller.codec.handle(input, &mut ResponseStorage::new()).unwrap().consumed;
    let mut storage = ResponseStorage::new();
    let step = caller.codec.handle(&input[head..], &mut storage).unwrap();
    assert!(matches!(step.event, Some(Event::Data(data)) if data.is_last));
    assert!(!caller.codec.is_reusable());
    assert_eq!(caller.codec.phase(), Phase::Closing(CloseReason::Unasked));
    let request = Request { method: Method::Get, target: "/", host: "a", headers: &[] };
    assert_eq!(caller.codec.request(&mut caller.out, &request, &[]), Err(RequestError::NotIdle));
}

#[test]
fn one_connection_many_requests() {
    let mut caller = Caller::new();
    for round in 0..3 {
        caller.ask(Method::Get);
        assert!(!caller.codec.is_reusable());
        caller.feed(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        assert!(caller.codec.is_reusable(), "round {round}");
        caller.ask(Method::Head);
        caller.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        caller.ask(Method::Delete);
        caller.feed(b"HTTP/1.1 405\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        assert_eq!(caller.transcript().response.map(|response| response.status), Some(405));
        assert_eq!(caller.transcript().fault, None);
    }
}

#[test]
fn limits_hold_to_the_byte() {
    let fault = |input: &str| receive(Method::Get, [input.as_bytes()], false).fault;
    let lines = |count: usize| format!("HTTP/1.1 204\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert_eq!(fault(&lines(RESPONSE_HEADERS_MAX)), None);
    assert_eq!(fault(&lines(RESPONSE_HEADERS_MAX + 1)), Some(MALFORMED));

    let bare = "HTTP/1.1 204\r\nX: \r\n\r\n".len();
    let head = |length: usize| format!("HTTP/1.1 204\r\nX: {}\r\n\r\n", "y".repeat(length - bare));
    assert_eq!(fault(&head(RESPONSE_HEAD_BYTES_MAX)), None);
    assert_eq!(fault(&head(RESPONSE_HEAD_BYTES_MAX + 1)), Some(MALFORMED));
    assert_eq!(fault(&format!("HTTP/1.1 200 {}", "y".repeat(RESPONSE_HEAD_BYTES_MAX))), Some(MALFORMED));

    let interim = |count: usize| format!("{}HTTP/1.1 204\r\n\r\n", "HTTP/1.1 102\r\n\r\n".repeat(count));
    assert_eq!(fault(&interim(INTERIM_RESPONSES_MAX)), None);
    assert_eq!(fault(&interim(INTERIM_RESPONSES_MAX + 1)), Some(MALFORMED));

    let trailer = |length: usize| {
        format!("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: {}\r\n\r\n", "y".repeat(length - 5))
    };
    assert_eq!(fault(&trailer(TRAILER_BYTES_MAX)), None);
    assert_eq!(fault(&trailer(TRAILER_BYTES_MAX + 1)), Some(MALFORMED));
}

#[test]
fn a_fault_names_its_limit() {
    let mut codec = ClientCodec::new();
    let request = Request { method: Method::Get, target: "/", host: "a", headers: &[] };
    codec.request(&mut Buf::new(), &request, &[]).unwrap();
    let input = format!("HTTP/1.1 200 {}", "y".repeat(RESPONSE_HEAD_BYTES_MAX));
    let fault = codec.handle(input.as_bytes(), &mut ResponseStorage::new()).unwrap_err();
    assert!(fault.to_string().contains(&RESPONSE_HEAD_BYTES_MAX.to_string()), "{fault}");
}

#[test]
fn bodies_have_no_bound() {
    for (framing, input) in [
        ("Transfer-Encoding: chunked", format!("{:x}\r\n", BODY_BYTES_MAX + 1)),
        ("Transfer-Encoding: chunked", format!("1\r\nx\r\n{:x}\r\n", u64::MAX)),
        ("Content-Length: 18446744073709551614", String::new()),
    ] {
        let input = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{input}");
        let seen = receive(Method::Get, [input.as_bytes()], false);
        assert_eq!((seen.phase, seen.fault), (Phase::ReceivingBody, None), "{input:?}");
    }
}

#[test]
fn tls_in_answer_to_plain_text_is_told() {
    for input in [&b"\x15\x03\x01\x00\x02\x02\x46"[..], b"\x15"] {
        let mut codec = ClientCodec::new();
        let request = Request { method: Method::Get, target: "/", host: "a", headers: &[] };
        codec.request(&mut Buf::new(), &request, &[]).unwrap();
        let fault = codec.handle(input, &mut ResponseStorage::new()).unwrap_err();
        assert!(fault.to_string().contains("https://"), "{fault}");
    }
}

/// What `look` finds in the head that these header lines make.
#[track_caller]
fn with_head<T>(lines: &str, look: impl Fn(&mcp_proxy::codec::http::ResponseHead<'_, '_>) -> T) -> T {
    let input = format!("HTTP/1.1 200 OK\r\n{lines}\r\n");
    let mut codec = ClientCodec::new();
    let request = Request { method: Method::Get, target: "/", host: "a", headers: &[] };
    codec.request(&mut Buf::new(), &request, &[]).unwrap();
    let mut storage = ResponseStorage::new();
    let Some(Event::Head(head)) = codec.handle(input.as_bytes(), &mut storage).unwrap().event else {
        panic!("no head")
    };
    look(&head)
}

#[test]
fn headers_are_found_in_any_case() {
    let lines = "allow: a, b,\r\nALLOW: c\r\nMcp-Session-Id: 1 \r\nX-Two: 1\r\nx-two: 2\r\n";
    with_head(lines, |head| {
        assert_eq!(head.list("Allow").collect::<Vec<_>>(), [&b"a"[..], b"b", b"c"]);
        assert_eq!(head.all("x-two").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(head.unique("mcp-session-id"), Ok(Some("1")));
        assert_eq!(head.unique("x-none"), Ok(None));
        assert!(head.unique("x-two").is_err());
        assert_eq!(head.header_count(), 5);
    });
}

#[test]
fn content_types_come_with_parameters() {
    for (lines, is_stream) in [
        ("Content-Type: text/event-stream\r\n", true),
        ("content-type: Text/Event-Stream;charset=utf-8\r\n", true),
        ("Content-Type: text/event-stream ; x=y\r\n", true),
        ("Content-Type: text/event-stream2\r\n", false),
        ("Content-Type: x; text/event-stream\r\n", false),
        ("Content-Type: application/json\r\nContent-Type: text/event-stream\r\n", false),
        ("Content-Type:\r\n", false),
        ("", false),
    ] {
        assert_eq!(with_head(lines, |head| head.is_content_type("text/event-stream")), is_stream, "{lines:?}");
    }
}

#[test]
fn foreign_codings_are_told() {
    for (lines, coding) in [
        ("", None),
        ("Content-Encoding: Identity\r\n", None),
        ("Content-Encoding:\r\n", None),
        ("Content-Encoding: gzip\r\n", Some("gzip")),
        ("content-encoding: identity, br\r\n", Some("br")),
        ("Content-Encoding: identity\r\nContent-Encoding: zstd\r\n", Some("zstd")),
    ] {
        let found = with_head(lines, |head| head.foreign_coding().map(|coding| coding.into_owned()));
        assert_eq!(found.as_deref(), coding, "{lines:?}");
    }
}

#[test]
fn body_data_are_slices_of_the_input() {
    let mut caller = Caller::new();
    caller.ask(Method::Get);
    let input = b"HTTP/1.1 200 OK\r\n\r\nhello";
    let head = caller.codec.handle(input, &mut ResponseStorage::new()).unwrap().consumed;
    let mut storage = ResponseStorage::new();
    let Some(Event::Data(data)) = caller.codec.handle(&input[head..], &mut storage).unwrap().event else {
        panic!("no data")
    };
    assert_eq!((data.bytes.as_ptr(), data.is_last), (input[head..].as_ptr(), false));
}
