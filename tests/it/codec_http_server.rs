//! A connection's life: pipelining, answers, what happens to the connection after them.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::{CloseReason, Event, HeadStorage, Phase, Refusal, Response, ServerCodec};
use mcp_proxy::limits::DRAIN_BYTES_MAX;

use crate::support::wire::{Cuts, DATE, dripping, in_pieces, whole};

/// A codec and the bytes it wrote.
struct Peer {
    codec: ServerCodec,
    out: Buf,
}

impl Peer {
    fn new() -> Peer {
        Peer { codec: ServerCodec::new(), out: Buf::new() }
    }

    /// Feeds all of `input`; returns the events' number and how much of the input was used up.
    fn feed(&mut self, input: &[u8]) -> Result<(usize, usize), Refusal> {
        let (mut events, mut at) = (0, 0);
        loop {
            let mut storage = HeadStorage::new();
            let step = self.codec.handle(&input[at..], &mut storage)?;
            at += step.consumed;
            events += usize::from(step.event.is_some());
            if step.event.is_none() && step.consumed == 0 {
                return Ok((events, at));
            }
        }
    }

    fn head(&mut self, lines: &str) -> &mut Peer {
        let input = format!("{lines}\r\n\r\n");
        assert_eq!(self.feed(input.as_bytes()), Ok((1, input.len())), "{lines:?}");
        self
    }

    fn respond(&mut self, status: u16, body: &[&[u8]]) -> &mut Peer {
        self.codec.respond(&mut self.out, &response(status), body);
        self
    }

    fn begin_stream(&mut self, status: u16) -> &mut Peer {
        self.codec.begin_stream(&mut self.out, &response(status));
        self
    }

    fn stream(&mut self, parts: &[&[u8]]) -> &mut Peer {
        self.codec.stream(&mut self.out, parts);
        self
    }

    fn end_stream(&mut self) -> &mut Peer {
        self.codec.end_stream(&mut self.out);
        self
    }

    fn written(&mut self) -> String {
        let text = String::from_utf8(self.out.as_slice().to_vec()).unwrap();
        self.out.clear();
        text
    }
}

fn response(status: u16) -> Response<'static> {
    Response { status, headers: &[("X-A", "b")], date: DATE }
}

const START: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-A: b\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: a";
const PIPELINE: &[u8] = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
    POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nGET / HTTP/1\
    \r\nPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n\
    DELETE /4 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n\
    HEAD /5 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /6 HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn pipelined_requests_come_out_in_order_under_any_cut() {
    let expected = whole(PIPELINE);
    let seen: Vec<_> = expected.requests.iter().map(|r| (r.path.as_str(), r.body.as_slice())).collect();
    assert_eq!(seen, [("/1", &b""[..]), ("/2", b"GET / HTTP/1"), ("/3", b"abcde"), ("/4", b""), ("/5", b"")]);
    assert!(expected.requests.iter().all(|request| request.is_complete));
    assert_eq!((expected.refused, expected.phase), (None, Phase::Closing(CloseReason::PeerAsked)));
    assert_eq!(dripping(PIPELINE), expected);
    for one in 0..PIPELINE.len() {
        assert_eq!(in_pieces([&PIPELINE[..one], &PIPELINE[one..]].into_iter()), expected, "cut at {one}");
        for two in (one..PIPELINE.len()).step_by(7) {
            let pieces = [&PIPELINE[..one], &PIPELINE[one..two], &PIPELINE[two..]];
            assert_eq!(in_pieces(pieces.into_iter()), expected, "cut at {one} and {two}");
        }
    }
    for seed in 0..200 {
        assert_eq!(in_pieces(Cuts::new(seed).cut(PIPELINE).into_iter()), expected, "seed {seed}");
    }
}

#[test]
fn the_next_request_waits_for_the_answer() {
    let mut peer = Peer::new();
    let input = format!("{GET}\r\n\r\n{GET}\r\n\r\n");
    assert_eq!(peer.feed(input.as_bytes()), Ok((1, input.len() / 2)));
    assert_eq!(peer.codec.phase(), Phase::Answering);
    assert_eq!(peer.feed(&input.as_bytes()[input.len() / 2..]), Ok((0, 0)));
    peer.begin_stream(200).stream(&[b"x"]);
    assert_eq!(peer.feed(&input.as_bytes()[input.len() / 2..]), Ok((0, 0)));
    peer.end_stream();
    assert_eq!(peer.feed(&input.as_bytes()[input.len() / 2..]), Ok((1, input.len() / 2)));
}

#[test]
fn a_whole_response_has_its_length() {
    let mut peer = Peer::new();
    let written = peer.head(GET).respond(200, &[b"{\"id\":", b"7", b"}"]).written();
    assert_eq!(written, format!("HTTP/1.1 200 OK\r\n{START}Content-Length: 8\r\n\r\n{{\"id\":7}}"));
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
    let written = peer.head(GET).respond(202, &[]).written();
    assert_eq!(written, format!("HTTP/1.1 202 Accepted\r\n{START}Content-Length: 0\r\n\r\n"));
    let written = peer.head(GET).respond(599, &[&[b'x'; 1_234_567]]).written();
    let head = format!("HTTP/1.1 599 \r\n{START}Content-Length: 1234567\r\n\r\n");
    assert!(written.starts_with(&head), "{:?}", &written[..200]);
    assert_eq!(written.len(), head.len() + 1_234_567);
}

#[test]
fn some_responses_have_no_body() {
    let mut peer = Peer::new();
    let written = peer.head("HEAD / HTTP/1.1\r\nHost: a").respond(200, &[b"hello"]).written();
    assert_eq!(written, format!("HTTP/1.1 200 OK\r\n{START}Content-Length: 5\r\n\r\n"));
    assert_eq!(peer.head(GET).respond(204, &[b"no"]).written(), format!("HTTP/1.1 204 No Content\r\n{START}\r\n"));
    assert_eq!(peer.head(GET).respond(304, &[b"no"]).written(), format!("HTTP/1.1 304 Not Modified\r\n{START}\r\n"));
    peer.head("HEAD / HTTP/1.1\r\nHost: a").begin_stream(200).stream(&[b"no"]).end_stream();
    assert_eq!(peer.written(), format!("HTTP/1.1 200 OK\r\n{START}Transfer-Encoding: chunked\r\n\r\n"));
    peer.head(GET).begin_stream(204).stream(&[b"no"]).end_stream();
    assert_eq!(peer.written(), format!("HTTP/1.1 204 No Content\r\n{START}\r\n"));
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
}

#[test]
fn a_stream_comes_in_chunks() {
    let mut peer = Peer::new();
    peer.head(GET).begin_stream(200);
    assert!(peer.codec.is_answer_begun());
    assert_eq!(peer.written(), format!("HTTP/1.1 200 OK\r\n{START}Transfer-Encoding: chunked\r\n\r\n"));
    assert_eq!(peer.stream(&[b"data: ", b"1234567890", b"\n\n"]).written(), "12\r\ndata: 1234567890\n\n\r\n");
    assert_eq!(peer.stream(&[]).stream(&[b"", b""]).written(), "", "an empty chunk would be the end");
    assert_eq!(peer.stream(&[&[b'x'; 0xabc]]).written(), format!("abc\r\n{}\r\n", "x".repeat(0xabc)));
    assert_eq!(peer.end_stream().written(), "0\r\n\r\n");
    assert!(!peer.codec.is_answer_begun());
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
}

#[test]
fn http_1_0_is_served_its_own_way() {
    let mut peer = Peer::new();
    let written = peer.head("GET / HTTP/1.0\r\nConnection: Keep-Alive").respond(200, &[b"x"]).written();
    assert_eq!(written, format!("HTTP/1.1 200 OK\r\n{START}Content-Length: 1\r\nConnection: keep-alive\r\n\r\nx"));
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
    peer.head("GET / HTTP/1.0\r\nConnection: keep-alive").begin_stream(200).stream(&[b"x"]).end_stream();
    assert_eq!(peer.written(), format!("HTTP/1.1 200 OK\r\n{START}Connection: close\r\n\r\nx"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::StreamEnd));

    let mut peer = Peer::new();
    let written = peer.head("GET / HTTP/1.0").respond(200, &[]).written();
    assert_eq!(written, format!("HTTP/1.1 200 OK\r\n{START}Content-Length: 0\r\nConnection: close\r\n\r\n"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::OldVersion));
}

#[test]
fn a_peer_may_ask_for_the_end() {
    for connection in ["close", "Close", "keep-alive, close", "close\r\nConnection: keep-alive"] {
        let mut peer = Peer::new();
        let written = peer.head(&format!("{GET}\r\nConnection: {connection}")).respond(200, &[]).written();
        assert!(written.ends_with("Connection: close\r\n\r\n"), "{connection:?}: {written:?}");
        assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::PeerAsked), "{connection:?}");
        assert_eq!(peer.feed(b"more"), Ok((0, 4)), "what comes after is thrown away");
    }
}

#[test]
fn so_may_the_proxy() {
    let mut peer = Peer::new();
    peer.codec.close_after_answer();
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::Local));

    let mut peer = Peer::new();
    peer.head(GET).codec.close_after_answer();
    assert_eq!(peer.codec.phase(), Phase::Answering);
    assert!(peer.respond(200, &[]).written().contains("Connection: close\r\n"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::Local));
}

#[test]
fn continue_is_said_once_and_only_to_those_who_wait() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2";
    let expecting = format!("{POST}\r\nExpect: 100-continue");
    let mut peer = Peer::new();
    peer.head(&expecting);
    peer.codec.send_continue(&mut peer.out);
    peer.codec.send_continue(&mut peer.out);
    assert_eq!(peer.written(), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(peer.feed(b"hi"), Ok((1, 2)));
    assert!(!peer.respond(200, &[]).written().contains("Connection"));

    peer.head(&expecting);
    assert_eq!(peer.feed(b"h"), Ok((1, 1)));
    peer.codec.send_continue(&mut peer.out);
    assert_eq!(peer.written(), "", "it did not wait");
    assert_eq!(peer.feed(b"i"), Ok((1, 1)));
    peer.respond(200, &[]);
    peer.written();

    peer.head(POST);
    peer.codec.send_continue(&mut peer.out);
    assert_eq!(peer.written(), "", "it does not wait");
}

#[test]
fn an_answer_instead_of_continue_closes() {
    let mut peer = Peer::new();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue";
    assert!(peer.head(head).respond(401, &[]).written().contains("Connection: close\r\n"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::ExpectationUnmet));
}

#[test]
fn the_unread_rest_of_a_small_body_is_drained() {
    for (framing, body) in
        [("Content-Length: 10", "0123456789"), ("Transfer-Encoding: chunked", "a\r\n0123456789\r\n0\r\nX: y\r\n\r\n")]
    {
        let mut peer = Peer::new();
        peer.head(&format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}"));
        peer.feed(&body.as_bytes()[..5]).unwrap();
        assert_eq!(peer.codec.phase(), Phase::ReceivingBody);
        assert!(!peer.respond(403, &[]).written().contains("Connection"));
        assert_eq!(peer.codec.phase(), Phase::Draining);
        let rest = format!("{}{GET}\r\n\r\n", &body[5..]);
        assert_eq!(peer.feed(rest.as_bytes()), Ok((1, rest.len())), "{framing}: only the next head is an event");
    }
}

#[test]
fn the_unread_rest_of_a_large_body_closes() {
    let mut peer = Peer::new();
    let post = |length: usize| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}");
    assert!(!peer.head(&post(DRAIN_BYTES_MAX)).respond(403, &[]).written().contains("Connection"));
    peer.feed(&vec![b'x'; DRAIN_BYTES_MAX]).unwrap();
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
    assert!(peer.head(&post(DRAIN_BYTES_MAX + 1)).respond(403, &[]).written().contains("Connection: close\r\n"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::UnreadBody));
}

#[test]
fn draining_chunks_has_its_bound_and_refuses_nothing() {
    for body in ["1\r\nx\r\n".repeat(DRAIN_BYTES_MAX / 6 + 1), "1\r\nxy".to_owned()] {
        let mut peer = Peer::new();
        peer.head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked").respond(403, &[]);
        assert_eq!(peer.feed(body.as_bytes()), Ok((0, body.len())));
        assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::UnreadBody));
    }
}

#[test]
fn a_refused_request_is_answered_then_closed() {
    for (input, body) in [(&b"GET / HTTP/3.0\r\n"[..], "why"), (b"HEAD / HTTP/3.0\r\n", "")] {
        let mut peer = Peer::new();
        let refusal = peer.feed(input).unwrap_err();
        assert_eq!((refusal.status, peer.codec.phase()), (505, Phase::Answering));
        assert_eq!(peer.feed(b"more"), Ok((0, 0)));
        let written = peer.respond(refusal.status, &[b"why"]).written();
        assert!(written.starts_with("HTTP/1.1 505 HTTP Version Not Supported\r\n"), "{written:?}");
        assert!(written.ends_with(&format!("Content-Length: 3\r\nConnection: close\r\n\r\n{body}")), "{written:?}");
        assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::Refused));
    }
}

#[test]
fn a_body_may_be_refused_before_and_after_the_answer_began() {
    const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked";
    let mut peer = Peer::new();
    assert_eq!(peer.head(POST).feed(b"x").unwrap_err().status, 400);
    assert!(!peer.codec.is_answer_begun());
    assert!(peer.respond(400, &[]).written().contains("Connection: close\r\n"));
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::Refused));

    let mut peer = Peer::new();
    assert_eq!(peer.head(POST).begin_stream(200).feed(b"x").unwrap_err().status, 400);
    assert!(peer.codec.is_answer_begun());
    peer.end_stream();
    assert_eq!(peer.codec.phase(), Phase::Closing(CloseReason::Refused));
}

#[test]
fn a_body_may_go_on_while_its_answer_streams() {
    let mut peer = Peer::new();
    peer.head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4").begin_stream(200);
    assert_eq!(peer.feed(b"ab"), Ok((1, 2)));
    assert_eq!(peer.stream(&[b"x"]).feed(b"cdGET"), Ok((1, 2)));
    peer.end_stream();
    assert_eq!(peer.codec.phase(), Phase::AwaitingHead);
}

#[test]
fn body_data_are_slices_of_the_input() {
    let input = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let (mut codec, mut storage) = (ServerCodec::new(), HeadStorage::new());
    let consumed = codec.handle(input, &mut storage).unwrap().consumed;
    let mut storage = HeadStorage::new();
    let Some(Event::Data(data)) = codec.handle(&input[consumed..], &mut storage).unwrap().event else {
        panic!("no data")
    };
    assert_eq!((data.bytes.as_ptr(), data.is_last), (input[consumed..].as_ptr(), true));
}
