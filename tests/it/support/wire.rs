//! Feeds bytes to the HTTP codec the way a connection does, in pieces of any size, and writes down what comes out.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::{BodyLength, Event, HeadStorage, Method, Phase, Refusal, Response, ServerCodec, Version};

pub(crate) const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

/// One request as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) version: Version,
    pub(crate) length: BodyLength,
    pub(crate) headers: usize,
    pub(crate) body: Vec<u8>,
    pub(crate) is_complete: bool,
}

/// Everything that came of one connection's input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Transcript {
    pub(crate) requests: Vec<Request>,
    /// The status of the refusal. Its wording may depend on the cuts: a control character in a target is refused as
    /// the one or the other, whichever is noticed first.
    pub(crate) refused: Option<u16>,
    pub(crate) phase: Phase,
    pub(crate) out: Vec<u8>,
}

/// A connection whose requests are answered with 200 as soon as they are complete.
pub(crate) struct Wire {
    codec: ServerCodec,
    waiting: Vec<u8>,
    out: Buf,
    requests: Vec<Request>,
    refusal: Option<Refusal>,
}

impl Wire {
    pub(crate) fn new() -> Wire {
        let (codec, out) = (ServerCodec::new(), Buf::new());
        Wire { codec, waiting: Vec::new(), out, requests: Vec::new(), refusal: None }
    }

    /// One piece arrives.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        let waiting = std::mem::take(&mut self.waiting);
        let mut at = 0;
        loop {
            let mut storage = HeadStorage::new();
            let (consumed, is_event) = match self.codec.handle(&waiting[at..], &mut storage) {
                Ok(step) => {
                    assert!(step.consumed <= waiting.len() - at, "consumed more than there was");
                    let is_event = step.event.is_some();
                    step.event.into_iter().for_each(|event| on_event(&mut self.requests, event));
                    (step.consumed, is_event)
                }
                Err(refusal) => {
                    assert!(self.refusal.replace(refusal).is_none(), "refused twice");
                    (0, true)
                }
            };
            at += consumed;
            if self.codec.phase() == Phase::Answering {
                self.answer();
            }
            if consumed == 0 && !is_event {
                break;
            }
        }
        self.waiting = waiting[at..].to_vec();
    }

    pub(crate) fn finish(self) -> Transcript {
        let phase = self.codec.phase();
        let refused = self.refusal.map(|refusal| refusal.status);
        Transcript { requests: self.requests, refused, phase, out: self.out.as_slice().to_vec() }
    }

    fn answer(&mut self) {
        let status = self.refusal.map_or(200, |refusal| refusal.status);
        let response = Response { status, headers: &[], date: DATE };
        self.codec.respond(&mut self.out, &response, &[b"ok"]);
    }
}

fn on_event(requests: &mut Vec<Request>, event: Event<'_, '_>) {
    match event {
        Event::Head(head) => requests.push(Request {
            method: head.method,
            host: head.host().to_owned(),
            path: head.target.path.to_owned(),
            query: head.target.query.map(str::to_owned),
            version: head.version,
            length: head.body,
            headers: head.header_count(),
            body: Vec::new(),
            is_complete: head.body == BodyLength::None,
        }),
        Event::Data(data) => {
            let request = requests.last_mut().expect("data without a head");
            assert!(!request.is_complete, "data after the last");
            assert!(!data.bytes.is_empty() || data.is_last, "data without meaning");
            request.body.extend_from_slice(data.bytes);
            request.is_complete = data.is_last;
        }
    }
}

/// The input in one piece.
pub(crate) fn whole(input: &[u8]) -> Transcript {
    in_pieces(std::iter::once(input))
}

/// Byte by byte.
pub(crate) fn dripping(input: &[u8]) -> Transcript {
    in_pieces(input.chunks(1))
}

/// In these pieces.
pub(crate) fn in_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Transcript {
    let mut wire = Wire::new();
    pieces.for_each(|piece| wire.feed(piece));
    wire.finish()
}

/// Random cuts, the same for the same seed: xorshift, from Marsaglia's paper.
pub(crate) struct Cuts(u64);

impl Cuts {
    pub(crate) fn new(seed: u64) -> Cuts {
        Cuts(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// Cuts `input`; mostly into small pieces, sometimes into large ones.
    pub(crate) fn cut<'a>(&mut self, mut input: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !input.is_empty() {
            let bound = if self.below(4) == 0 { input.len() } else { input.len().min(8) };
            let (piece, rest) = input.split_at(1 + self.below(bound));
            pieces.push(piece);
            input = rest;
        }
        pieces
    }
}
