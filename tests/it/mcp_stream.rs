//! `mcp::stream`: what `Accept` leaves us to send.

use mcp_proxy::mcp::stream::Accepts;

fn parse(headers: &[&str]) -> Option<Accepts> {
    Accepts::parse(headers.iter().copied())
}

#[test]
fn accept_is_read_as_rfc_9110_says() {
    let cases: &[(&[&str], Option<Accepts>)] = &[
        (&[], Some(Accepts::Both)),
        (&["application/json, text/event-stream"], Some(Accepts::Both)),
        (&["text/event-stream,application/json"], Some(Accepts::Both)),
        (&["application/json", "text/event-stream"], Some(Accepts::Both)),
        (&["*/*"], Some(Accepts::Both)),
        (&["*/*;q=0.1"], Some(Accepts::Both)),
        (&["Application/JSON; charset=utf-8"], Some(Accepts::Json)),
        (&["application/json"], Some(Accepts::Json)),
        (&["application/*"], Some(Accepts::Json)),
        (&["application/json;q=0.001"], Some(Accepts::Json)),
        (&["text/event-stream"], Some(Accepts::Sse)),
        (&["text/*, text/html"], Some(Accepts::Sse)),
        (&["text/event-stream, application/json;q=0"], Some(Accepts::Sse)),
        (&["text/event-stream, application/json; Q=0.000"], Some(Accepts::Sse)),
        (&[" text/event-stream ;q=1 , image/png"], Some(Accepts::Sse)),
        (&["text/html"], None),
        (&["image/png, text/html;q=0.9"], None),
        (&["*/*;q=0"], None),
        (&["application/jsonp", "xtext/event-stream"], None),
        (&["application/json;q=0", "text/event-stream;q=0.0"], None),
    ];
    for (headers, expected) in cases {
        assert_eq!(parse(headers), *expected, "{headers:?}");
    }
}

#[test]
fn nonsense_is_not_taken_for_anything() {
    for header in [";", ";q=0", "json", "/", "*", "\u{0}"] {
        assert_eq!(parse(&[header]), None, "{header:?}");
    }
}
