//! CONNECT: what is asked, and what counts as a tunnel.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::Fault;
use mcp_proxy::codec::http::client::{RequestError, Tunnel, TunnelError, TunnelStep};
use mcp_proxy::limits::{INTERIM_RESPONSES_MAX, RESPONSE_HEAD_BYTES_MAX};

fn tunnel() -> Tunnel {
    Tunnel::request(&mut Buf::new(), "mcp.example.com:443", None).expect("a plain authority")
}

/// What comes of the pieces: how many bytes were left for the tunnel, or why there is none.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<usize>, TunnelError> {
    let (mut tunnel, mut waiting, mut open) = (tunnel(), Vec::new(), None);
    for piece in pieces {
        waiting.extend_from_slice(piece);
        while open.is_none() {
            match tunnel.handle(&waiting)? {
                TunnelStep::Incomplete => break,
                TunnelStep::Skip(count) => drop(waiting.drain(..count)),
                TunnelStep::Open(count) => {
                    waiting.drain(..count);
                    open = Some(());
                }
            }
        }
    }
    Ok(open.map(|()| waiting.len()))
}

/// Whole, and byte by byte.
#[track_caller]
fn check(text: &str, expected: Result<Option<usize>, TunnelError>) {
    let bytes = text.as_bytes();
    let kind = |outcome| match outcome {
        Err(TunnelError::Fault(Fault::Malformed { .. })) => Err(None),
        Err(error) => Err(Some(error)),
        Ok(left) => Ok(left),
    };
    assert_eq!(kind(receive([bytes])), kind(expected), "{text:?}");
    assert_eq!(kind(receive(bytes.chunks(1))), kind(expected), "{text:?}, byte by byte");
}

const MALFORMED: TunnelError = TunnelError::Fault(Fault::Malformed { reason: "", limit: None });

#[test]
fn what_is_asked() {
    for (authorization, line) in [(None, ""), (Some("Basic eDp5"), "Proxy-Authorization: Basic eDp5\r\n")] {
        let mut out = Buf::new();
        Tunnel::request(&mut out, "[2001:db8::1]:443", authorization).expect("a plain authority");
        let expected = format!("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n{line}\r\n");
        assert_eq!(String::from_utf8_lossy(out.as_slice()), expected);
    }
}

#[test]
fn nothing_breaks_out_of_its_place() {
    for (authority, authorization, expected) in [
        ("a b:443", None, RequestError::Host),
        ("a:443\r\nX: y", None, RequestError::Host),
        ("", None, RequestError::Host),
        ("u@a:443", None, RequestError::Host),
        ("a:443", Some("Basic x\r\nX: y"), RequestError::HeaderValue),
    ] {
        let mut out = Buf::new();
        let asked = Tunnel::request(&mut out, authority, authorization);
        assert_eq!(asked.map(|_| ()), Err(expected), "{authority:?}");
        assert!(out.is_empty());
    }
}

#[test]
fn a_success_opens_the_tunnel_whatever_it_says_of_a_body() {
    for head in [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200\r\nProxy-Agent: x\r\n\r\n",
        "HTTP/1.1 299 \r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 102 x\r\n\r\nHTTP/1.1 103\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        check(head, Ok(Some(0)));
        check(&format!("{head}\u{16}\u{3}"), Ok(Some(2)));
        check(&head[..head.len() - 1], Ok(None));
    }
}

#[test]
fn anything_else_does_not() {
    for status in [300, 302, 400, 403, 407, 500, 503, 999] {
        check(&format!("HTTP/1.1 {status} x\r\nContent-Length: 3\r\n\r\nno!"), Err(TunnelError::Refused(status)));
    }
    check("HTTP/1.1 101 x\r\n\r\n", Err(TunnelError::Fault(Fault::Switched)));
    for text in [
        "SSH-2.0-x\r\n",
        "\u{15}\u{3}\u{1}",
        "HTTP/2 200\r\n",
        "HTTP/1.1 200 OK\nX: y\n\n",
        "HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    ] {
        check(text, Err(MALFORMED));
    }
    check(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(RESPONSE_HEAD_BYTES_MAX)), Err(MALFORMED));
    let interim = "HTTP/1.1 102 x\r\n\r\n";
    check(&format!("{}HTTP/1.1 200\r\n\r\n", interim.repeat(INTERIM_RESPONSES_MAX)), Ok(Some(0)));
    check(&interim.repeat(INTERIM_RESPONSES_MAX + 1), Err(MALFORMED));
}
