//! Requests as they are written, and what is not.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::client::{PreparedRequest, RequestError, check_header};
use mcp_proxy::codec::http::{ClientCodec, Method, Request};

fn written(request: &Request<'_>, body: &[&[u8]]) -> Result<String, RequestError> {
    let mut out = Buf::new();
    let result = ClientCodec::new().request(&mut out, request, body);
    assert!(result.is_ok() || out.is_empty(), "half a request was written");
    result.map(|()| String::from_utf8_lossy(out.as_slice()).into_owned())
}

#[test]
fn requests_as_they_are_written() {
    let request =
        |method| Request { method, target: "/sse?key=1", host: "a:81", headers: &[("X-A", "b c"), ("Y", "")] };
    let start = "Host: a:81\r\nX-A: b c\r\nY: \r\nAccept-Encoding: identity\r\n";
    for (method, body, expected) in [
        (Method::Get, &[][..], format!("GET /sse?key=1 HTTP/1.1\r\n{start}\r\n")),
        (Method::Delete, &[], format!("DELETE /sse?key=1 HTTP/1.1\r\n{start}\r\n")),
        (Method::Post, &[], format!("POST /sse?key=1 HTTP/1.1\r\n{start}Content-Length: 0\r\n\r\n")),
        (
            Method::Post,
            &[&b"{\"id\":"[..], b"", b"7}"],
            format!("POST /sse?key=1 HTTP/1.1\r\n{start}Content-Length: 8\r\n\r\n{{\"id\":7}}"),
        ),
        (Method::Get, &[&b"x"[..]], format!("GET /sse?key=1 HTTP/1.1\r\n{start}Content-Length: 1\r\n\r\nx")),
    ] {
        assert_eq!(written(&request(method), body), Ok(expected));
    }
    let proxied = Request { method: Method::Get, target: "http://b:80/x?y", host: "b:80", headers: &[] };
    assert!(written(&proxied, &[]).is_ok_and(|text| text.starts_with("GET http://b:80/x?y HTTP/1.1\r\n")));
}

#[test]
fn nothing_breaks_out_of_a_request() {
    let plain = Request { method: Method::Get, target: "/", host: "a", headers: &[] };
    assert!(written(&plain, &[]).is_ok());
    for target in
        ["", "x", "*", "/ ", "/a b", "/\r\nX: y", "/\n", "/\0", "/\u{e9}", "/#f", "//a\t", "ftp://a/", "http://"]
    {
        assert_eq!(written(&Request { target, ..plain }, &[]), Err(RequestError::Target), "{target:?}");
    }
    for host in ["", "a\r\nX: y", "a b", "a,b:c", "a/b", "u@a", "a:99999", "\u{e9}", "a\0"] {
        assert_eq!(written(&Request { host, ..plain }, &[]), Err(RequestError::Host), "{host:?}");
    }
    for (name, value, error) in [
        ("", "x", RequestError::HeaderName),
        ("X:", "x", RequestError::HeaderName),
        ("X ", "x", RequestError::HeaderName),
        ("X\r\nY", "x", RequestError::HeaderName),
        ("\u{e9}", "x", RequestError::HeaderName),
        ("X", "a\r\nY: z", RequestError::HeaderValue),
        ("X", "a\n", RequestError::HeaderValue),
        ("X", "\r", RequestError::HeaderValue),
        ("X", "\0", RequestError::HeaderValue),
        ("X", "\u{7f}", RequestError::HeaderValue),
        ("content-length", "5", RequestError::ReservedHeader),
        ("Transfer-Encoding", "chunked", RequestError::ReservedHeader),
        ("HOST", "b", RequestError::ReservedHeader),
        ("Connection", "close", RequestError::ReservedHeader),
        ("Accept-Encoding", "gzip", RequestError::ReservedHeader),
        ("Upgrade", "h2c", RequestError::ReservedHeader),
    ] {
        assert_eq!(check_header(name, value), Err(error), "{name:?}: {value:?}");
        let headers = &[("A", "b"), (name, value)];
        assert_eq!(written(&Request { headers, ..plain }, &[]), Err(error), "{name:?}: {value:?}");
    }
    assert_eq!(check_header("Authorization", "Bearer \u{e9}\t/+="), Ok(()));
}

#[test]
fn a_prepared_request_goes_out_like_any_other_every_time() {
    let request = Request { method: Method::Post, target: "/mcp?a=b", host: "a.example", headers: &[("X-A", "b")] };
    let prepared = PreparedRequest::new(&request).expect("a plain request");
    for body in [&b"{}"[..], b"", b"{\"longer\":1}"] {
        let (mut plain, mut often) = (Buf::new(), Buf::new());
        ClientCodec::new().request(&mut plain, &request, &[body]).expect("a free connection");
        let mut codec = ClientCodec::new();
        codec.request_prepared(&mut often, &prepared, &[], &[body]).expect("a free connection");
        assert_eq!(often.as_slice(), plain.as_slice());
        assert_eq!(codec.request_prepared(&mut often, &prepared, &[], &[body]), Err(RequestError::NotIdle));
    }
    let bad = Request { headers: &[("X-A", "b\r\nX-B: c")], ..request };
    assert_eq!(PreparedRequest::new(&bad).err(), Some(RequestError::HeaderValue));
}

#[test]
fn a_prepared_request_takes_further_headers() {
    let request = Request { method: Method::Post, target: "/mcp", host: "a", headers: &[("X-A", "b")] };
    let prepared = PreparedRequest::new(&request).expect("a plain request");
    let mut out = Buf::new();
    let mut codec = ClientCodec::new();
    for bad in [("X B", "c"), ("X-B", "c\nX: d"), ("Content-Length", "9")] {
        assert!(codec.request_prepared(&mut out, &prepared, &[("X-B", "c"), bad], &[b"{}"]).is_err(), "{bad:?}");
        assert!(out.is_empty(), "half a request was written");
    }
    codec.request_prepared(&mut out, &prepared, &[("X-B", "c"), ("X-C", "")], &[b"{}"]).expect("a free connection");
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nX-A: b\r\nAccept-Encoding: identity\r\nX-B: c\r\nX-C: \r\n";
    assert_eq!(String::from_utf8_lossy(out.as_slice()), format!("{head}Content-Length: 2\r\n\r\n{{}}"));
}
