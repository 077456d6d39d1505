//! Feeds bytes to the HTTP client codec the way a connection does, in pieces of any size, and writes down what comes
//! out.

use mcp_proxy::base::buf::Buf;
use mcp_proxy::codec::http::client::{Event, Phase, ResponseStorage};
use mcp_proxy::codec::http::{ClientCodec, Fault, Method, Request, ResponseLength, Version};

/// One response as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) length: ResponseLength,
    pub(crate) headers: usize,
    pub(crate) body: Vec<u8>,
    pub(crate) is_complete: bool,
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transcript {
    pub(crate) response: Option<Response>,
    /// Without its wording, which may depend on the cuts.
    pub(crate) fault: Option<Fault>,
    pub(crate) phase: Phase,
}

/// A connection that asks once.
pub(crate) struct Caller {
    pub(crate) codec: ClientCodec,
    pub(crate) out: Buf,
    waiting: Vec<u8>,
    response: Option<Response>,
    fault: Option<Fault>,
}

impl Caller {
    pub(crate) fn new() -> Caller {
        let (codec, out) = (ClientCodec::new(), Buf::new());
        Caller { codec, out, waiting: Vec::new(), response: None, fault: None }
    }

    /// Sends a request without a body.
    pub(crate) fn ask(&mut self, method: Method) {
        self.send(method, &[]);
    }

    /// Sends a request.
    pub(crate) fn send(&mut self, method: Method, body: &[&[u8]]) {
        let request = Request { method, target: "/mcp", host: "a", headers: &[("X-A", "b")] };
        self.codec.request(&mut self.out, &request, body).expect("a free connection and a plain request");
        self.response = None;
    }

    /// One piece arrives.
    pub(crate) fn feed(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
        let waiting = std::mem::take(&mut self.waiting);
        let mut at = 0;
        loop {
            let mut storage = ResponseStorage::new();
            match self.codec.handle(&waiting[at..], &mut storage) {
                Ok(step) => {
                    assert!(step.consumed <= waiting.len() - at, "consumed more than there was");
                    at += step.consumed;
                    if step.consumed == 0 && step.event.is_none() {
                        break;
                    }
                    step.event.into_iter().for_each(|event| on_event(&mut self.response, event));
                }
                Err(fault) => self.on_fault(fault),
            }
        }
        self.waiting = waiting[at..].to_vec();
    }

    /// The peer closes.
    pub(crate) fn end(&mut self) {
        match self.codec.finish() {
            Ok(None) => {}
            Ok(Some(data)) => on_event(&mut self.response, Event::Data(data)),
            Err(fault) => self.on_fault(fault),
        }
        assert_eq!(self.codec.finish(), Ok(None), "the end comes once");
    }

    pub(crate) fn transcript(&self) -> Transcript {
        Transcript { response: self.response.clone(), fault: self.fault, phase: self.codec.phase() }
    }

    fn on_fault(&mut self, fault: Fault) {
        let kind = match fault {
            Fault::Malformed { .. } => MALFORMED,
            Fault::Unasked | Fault::Switched | Fault::Unanswered | Fault::Truncated => fault,
        };
        assert_eq!(self.fault.replace(kind), None, "a second fault");
        assert!(matches!(self.codec.phase(), Phase::Closing(_)));
    }
}

/// Any fault of this kind.
pub(crate) const MALFORMED: Fault = Fault::Malformed { reason: "", limit: None };

fn on_event(response: &mut Option<Response>, event: Event<'_, '_>) {
    match event {
        Event::Head(head) => {
            assert!(response.is_none(), "a second head");
            *response = Some(Response {
                status: head.status,
                version: head.version,
                length: head.body,
                headers: head.header_count(),
                body: Vec::new(),
                is_complete: head.body == ResponseLength::None,
            });
        }
        Event::Data(data) => {
            let response = response.as_mut().expect("data without a head");
            assert!(!response.is_complete, "data after the last");
            assert!(!data.bytes.is_empty() || data.is_last, "data without meaning");
            response.body.extend_from_slice(data.bytes);
            response.is_complete = data.is_last;
        }
    }
}

/// What comes after a request arrives in these pieces; then the connection ends, or stays.
pub(crate) fn receive<'a>(method: Method, pieces: impl IntoIterator<Item = &'a [u8]>, ends: bool) -> Transcript {
    let mut caller = Caller::new();
    caller.ask(method);
    pieces.into_iter().for_each(|piece| caller.feed(piece));
    if ends {
        caller.end();
    }
    caller.transcript()
}
