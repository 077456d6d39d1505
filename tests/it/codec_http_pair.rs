//! The two HTTP codecs talk to each other, over every kind of body and any cut: what one writes, the other reads.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::client::{self, ResponseStorage};
use mcp_proxy::codec::http::server::Event;
use mcp_proxy::codec::http::{ClientCodec, HeadStorage, Method, Request, Response, ServerCodec};

use crate::support::wire::{Cuts, DATE};

/// A client, a server, and the bytes on their way between them.
#[derive(Default)]
struct Pair {
    client: ClientCodec,
    server: ServerCodec,
    to_server: Buf,
    to_client: Buf,
}

impl Pair {
    /// Lets a random part of what waits for the server come in, with what had come before it; returns the data.
    fn serve(&mut self, cuts: &mut Cuts, window: &mut usize, body: &mut Vec<u8>) -> Option<Method> {
        *window = (*window + 1 + cuts.below(40)).min(self.to_server.len());
        let mut method = None;
        loop {
            let mut storage = HeadStorage::new();
            let step = self.server.handle(&self.to_server.as_slice()[..*window], &mut storage).expect("a good request");
            let is_idle = step.consumed == 0 && step.event.is_none();
            match step.event {
                Some(Event::Head(head)) => {
                    assert_eq!((head.host(), head.unique("x-a")), ("a", Ok(Some("b"))));
                    method = Some(head.method);
                }
                Some(Event::Data(data)) => body.extend_from_slice(data.bytes),
                None => {}
            }
            let consumed = step.consumed;
            self.to_server.consume(consumed);
            *window -= consumed;
            if is_idle {
                return method;
            }
        }
    }

    /// The same towards the client; returns the status once the head is there.
    fn answer(&mut self, cuts: &mut Cuts, window: &mut usize, body: &mut Vec<u8>) -> Option<u16> {
        *window = (*window + 1 + cuts.below(40)).min(self.to_client.len());
        let mut status = None;
        loop {
            let mut storage = ResponseStorage::new();
            let step =
                self.client.handle(&self.to_client.as_slice()[..*window], &mut storage).expect("a good response");
            let is_idle = step.consumed == 0 && step.event.is_none();
            match step.event {
                Some(client::Event::Head(head)) => {
                    assert_eq!(head.unique("date"), Ok(Some(DATE)));
                    status = Some(head.status);
                }
                Some(client::Event::Data(data)) => body.extend_from_slice(data.bytes),
                None => {}
            }
            let consumed = step.consumed;
            self.to_client.consume(consumed);
            *window -= consumed;
            if is_idle {
                return status;
            }
        }
    }

    /// One request and its answer.
    fn exchange(&mut self, cuts: &mut Cuts) {
        let method = [Method::Get, Method::Post, Method::Head, Method::Delete][cuts.below(4)];
        let asked = if method == Method::Post { random_body(cuts) } else { Vec::new() };
        let request = Request { method, target: "/mcp?x=y", host: "a", headers: &[("X-A", "b")] };
        self.client.request(&mut self.to_server, &request, &cuts.cut(&asked)).expect("a free connection");
        let (mut window, mut seen, mut read) = (0, None, Vec::new());
        while !self.to_server.is_empty() {
            seen = seen.or(self.serve(cuts, &mut window, &mut read));
        }
        assert_eq!((seen, &read), (Some(method), &asked));

        let status = [200, 202, 204, 304, 404][cuts.below(5)];
        let answer = random_body(cuts);
        self.write_answer(cuts, status, &answer);
        let (mut window, mut seen, mut read) = (0, None, Vec::new());
        while !self.to_client.is_empty() {
            seen = seen.or(self.answer(cuts, &mut window, &mut read));
        }
        let is_bodiless = method == Method::Head || matches!(status, 204 | 304);
        let expected = if is_bodiless { Vec::new() } else { answer };
        assert_eq!((seen, read), (Some(status), expected));
        assert!(self.client.is_reusable());
    }

    fn write_answer(&mut self, cuts: &mut Cuts, status: u16, answer: &[u8]) {
        let response = Response { status, headers: &[], date: DATE };
        if cuts.below(2) == 0 {
            self.server.respond(&mut self.to_client, &response, &cuts.cut(answer));
            return;
        }
        self.server.begin_stream(&mut self.to_client, &response);
        for piece in cuts.cut(answer) {
            self.server.stream(&mut self.to_client, &[piece]);
        }
        self.server.end_stream(&mut self.to_client);
    }
}

fn random_body(cuts: &mut Cuts) -> Vec<u8> {
    let length = [0, 1, 17, 300][cuts.below(4)];
    (0..length).map(|_| b"\r\n0:; {}HTx\0\xff"[cuts.below(13)]).collect()
}

#[test]
fn what_one_writes_the_other_reads() {
    for seed in 0..300 {
        println!("seed {seed}"); // shown only if it fails
        let (mut cuts, mut pair) = (Cuts::new(seed), Pair::default());
        for _ in 0..6 {
            pair.exchange(&mut cuts);
        }
    }
}
