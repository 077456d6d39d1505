//! Request bodies that nobody wants, or that are too much together.

use mcp_proxy::limits;

use crate::support::playbook::Playbook;
use crate::support::requests::Http;

/// A POST with a chunked body, without the body.
fn chunked(path: &str) -> Http {
    Http::post(path, "").without("Content-Length").with("Transfer-Encoding", "chunked")
}

/// Requests that are refused before their body has come, and the status that says so.
fn refused_early() -> [(Http, u16); 3] {
    [
        (chunked("/nowhere"), 404),
        (chunked("/demo/mcp").with("Content-Type", "text/plain").with("Authorization", "Bearer t"), 415),
        (chunked("/demo/mcp"), 401),
    ]
}

/// With a server that needs a token.
fn guarded() -> Playbook {
    let mut config = crate::support::requests::config(&["demo"]);
    config.servers[0].auth_tokens.push("t".to_owned());
    let mut play = Playbook::with(config);
    play.ready("demo");
    play
}

#[test]
fn a_refused_body_without_end_closes_the_connection() {
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1_000));
    let too_many = limits::DRAIN_BYTES_MAX / chunk.len() + 1;
    let next = Http::new("OPTIONS", "/demo/mcp").text();
    for (request, status) in refused_early() {
        for is_whole in [true, false] {
            let mut play = guarded();
            let body = chunk.repeat(too_many) + "0\r\n\r\n" + &next;
            if is_whole {
                play.connect("a");
                play.send("a", format!("{}{body}", request.text()).as_bytes());
            } else {
                play.http("a", &request);
                for _ in 1..too_many {
                    play.send("a", chunk.as_bytes());
                }
                play.expect(&[&format!("a {status}…json {{…}}")]);
                play.send("a", &body.as_bytes()[chunk.len() * (too_many - 1)..]);
            }
            let seen = play.take();
            assert_eq!(seen.last().map(String::as_str), Some("a finish"), "{status}");
            assert_eq!(seen.len(), if is_whole { 2 } else { 1 }, "what follows is no request: {seen:?}");
            play.advance(limits::LINGER_TIME_MAX);
            play.expect(&["a close"]);
        }
    }
}

#[test]
fn a_refused_body_that_is_malformed_closes_the_connection() {
    for (request, _) in refused_early() {
        let mut play = guarded();
        play.http("a", &request);
        play.forget();
        play.send("a", b"2\r\nxx\r\n");
        play.expect(&[]);
        play.send("a", b"zz\r\n");
        play.expect(&["a finish"]);
    }
}

#[test]
fn a_refused_body_that_ends_in_time_is_skipped() {
    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1_000));
    let next = Http::new("OPTIONS", "/demo/mcp").text();
    for (request, status) in refused_early() {
        let refusal = format!("a {status}…json {{…}}");
        let body = chunk.repeat(limits::DRAIN_BYTES_MAX / chunk.len() - 1) + "0\r\n\r\n";
        let all = format!("{}{body}{next}", request.text());
        for step in [100, all.len()] {
            let mut play = guarded();
            play.connect("a");
            for _ in 0..2 {
                for piece in all.as_bytes().chunks(step) {
                    play.send("a", piece);
                }
                play.expect(&[&refusal, "a 204 [Allow: GET, POST, DELETE, OPTIONS]"]);
            }
        }
    }
}

#[test]
fn large_bodies_are_bounded_together() {
    const PIECE: usize = 19 * 1_024 * 1_024;
    const CONNS: usize = limits::RECEIVING_BYTES_MAX / (3 * PIECE) + 1;
    let (mut play, s) = Playbook::ready_with_session();
    let head = Http::post("/demo/mcp", "").session(&s).with("Content-Length", &(3 * PIECE + 1).to_string()).text();
    let piece = vec![b' '; PIECE];
    let names: Vec<String> = (0..CONNS).map(|number| number.to_string()).collect();
    for name in &names {
        play.connect(name);
        play.send(name, head.as_bytes());
    }
    for number in 0..3 * CONNS {
        play.expect(&[]);
        play.send(&names[number % CONNS], &piece);
    }
    let refused = &names[CONNS - 1];
    let answer = play.answer(refused);
    assert!(answer.head.status == 503 && answer.head.is_last(), "{answer:?}");
    assert!(answer.json()["error"].as_str().unwrap().contains(&limits::RECEIVING_BYTES_MAX.to_string()), "{answer:?}");
    play.expect(&[&format!("{refused} finish")]);

    let small = format!(r#"{{"jsonrpc":"2.0","method":"notifications/n","k":"{}"}}"#, "x".repeat(1_000_000));
    let (front, back) = small.split_at(500_000);
    play.connect("small");
    play.send("small", Http::post("/demo/mcp", &small).session(&s).text().trim_end_matches(&small).as_bytes());
    play.send("small", front.as_bytes());
    play.send("small", back.as_bytes());
    play.expect(&["demo <- {…}", "small 202"]);

    play.send(&names[0], b"x");
    assert_eq!(play.answer(&names[0]).head.status, 400, "the others are not concerned");
    play.connect("next");
    play.send("next", head.as_bytes());
    play.send("next", &piece);
    play.expect(&[]);
}
