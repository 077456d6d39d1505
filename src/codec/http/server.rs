//! One connection, from the server's side: which message comes next, and what becomes of the connection after it.

use std::mem;

use super::body::{Body, BodyLength, Data};
use super::exchange::{Answer, Exchange, Expectation, Shape};
use super::framing::Persistence;
use super::head::{self, Found, Head};
use super::head_reader::HeadReader;
use super::headers::HeadStorage;
use super::refusal::Refusal;
use super::response::{self, Delimiter, Response};
use super::version::Version;
use super::write::write_parts;
use crate::base::buf::Sink;
use crate::limits::DRAIN_BYTES_MAX;

/// What the input brought.
#[derive(Debug)]
pub enum Event<'s, 'a> {
    /// A request begins. It wants exactly one answer, which may be given before its body is complete.
    Head(Head<'s, 'a>),
    /// A piece of its body.
    Data(Data<'a>),
}

/// What one call of [`ServerCodec::handle`] did. With neither bytes used up nor an event, the codec waits: for more
/// input, or for the answer to the request in hand.
#[derive(Debug)]
pub struct Step<'s, 'a> {
    /// Bytes at the start of the input that must not be presented again.
    pub consumed: usize,
    /// What they were, if anything worth telling.
    pub event: Option<Event<'s, 'a>>,
}

/// What the codec is waiting for; tells which deadline applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A request, or the rest of its head.
    AwaitingHead,
    /// More of the body of a request, answered or not.
    ReceivingBody,
    /// The rest of the answer. Input waits meanwhile: requests are answered in order.
    Answering,
    /// The rest of the body of a request that was answered early; it is thrown away to keep the connection.
    Draining,
    /// That the connection be closed once all is sent. What still comes is thrown away.
    Closing(CloseReason),
}

/// Why a connection takes no further request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer sent `Connection: close`.
    PeerAsked,
    /// HTTP/1.0 without `Connection: keep-alive`.
    OldVersion,
    /// The answer was a stream to an HTTP/1.0 peer: its end is the connection's.
    StreamEnd,
    /// A request was refused: nobody knows where the next one would begin.
    Refused,
    /// The rest of a request did not come in time.
    Stalled,
    /// Too much of an answered request's body was still to come.
    UnreadBody,
    /// The peer was answered while it waited for "100 Continue": it may or may not send the body.
    ExpectationUnmet,
    /// [`ServerCodec::close_after_answer`].
    Local,
}

/// The codec of one connection.
#[derive(Debug)]
pub struct ServerCodec {
    state: State,
}

#[derive(Debug)]
enum State {
    AwaitingHead(HeadReader),
    Exchange(Exchange),
    Draining { body: Body, budget: usize },
    Closing(CloseReason),
}

impl Default for ServerCodec {
    fn default() -> Self {
        ServerCodec::new()
    }
}

/// Inbound.
impl ServerCodec {
    /// The codec of a fresh connection.
    pub fn new() -> ServerCodec {
        ServerCodec { state: State::AwaitingHead(HeadReader::default()) }
    }

    /// Takes the next step through `input`, which is all that has come and was not used up.
    ///
    /// # Errors
    /// The request is refused: it has to be answered with that status like any other (see
    /// [`ServerCodec::is_answer_begun`]), then the connection closes by itself.
    pub fn handle<'s, 'a>(
        &mut self,
        input: &'a [u8],
        storage: &'s mut HeadStorage<'a>,
    ) -> Result<Step<'s, 'a>, Refusal> {
        match &mut self.state {
            State::AwaitingHead(_) => self.on_head_bytes(input, storage),
            State::Exchange(exchange) => exchange.on_body_bytes(input),
            State::Draining { .. } => Ok(self.on_unwanted_bytes(input)),
            State::Closing(_) => Ok(Step { consumed: input.len(), event: None }),
        }
    }

    /// What the codec is waiting for.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::AwaitingHead(_) => Phase::AwaitingHead,
            State::Exchange(exchange) if exchange.body.is_complete() => Phase::Answering,
            State::Exchange(_) => Phase::ReceivingBody,
            State::Draining { .. } => Phase::Draining,
            State::Closing(reason) => Phase::Closing(*reason),
        }
    }

    /// Whether the head of the answer has been written: it is too late for another one then, and all that is left to
    /// do is to end the stream.
    pub fn is_answer_begun(&self) -> bool {
        matches!(&self.state, State::Exchange(Exchange { answer: Answer::Streaming(_), .. }))
    }

    fn on_head_bytes<'s, 'a>(
        &mut self,
        input: &'a [u8],
        storage: &'s mut HeadStorage<'a>,
    ) -> Result<Step<'s, 'a>, Refusal> {
        let State::AwaitingHead(reader) = &mut self.state else { return Ok(Step { consumed: 0, event: None }) };
        match head::read(reader, input, storage) {
            Ok(Found::Incomplete) => Ok(Step { consumed: 0, event: None }),
            Ok(Found::EmptyLine(consumed)) => Ok(Step { consumed, event: None }),
            Ok(Found::Head { length, head, persistence }) => {
                self.state = State::Exchange(Exchange::new(&head, persistence));
                Ok(Step { consumed: length, event: Some(Event::Head(head)) })
            }
            Err(refusal) => {
                let shape = if input.starts_with(b"HEAD ") { Shape::HeadOnly } else { Shape::Full };
                self.state = State::Exchange(Exchange::refused(shape));
                Err(refusal)
            }
        }
    }

    /// The rest of a body that nobody wants any more. The request has its answer, so nothing can be refused: what is
    /// malformed or too long closes the connection.
    fn on_unwanted_bytes<'s, 'a>(&mut self, input: &'a [u8]) -> Step<'s, 'a> {
        let State::Draining { body, budget } = &mut self.state else { return Step { consumed: 0, event: None } };
        match body.handle(input) {
            Ok((consumed, _)) if consumed <= *budget => {
                *budget -= consumed;
                if body.is_complete() {
                    self.state = State::AwaitingHead(HeadReader::default());
                }
                Step { consumed, event: None }
            }
            Ok(_) | Err(_) => {
                self.state = State::Closing(CloseReason::UnreadBody);
                Step { consumed: input.len(), event: None }
            }
        }
    }
}

/// Outbound.
impl ServerCodec {
    /// Answers with a complete response; `parts` are its body.
    pub fn respond(&mut self, out: &mut impl Sink, response: &Response<'_>, parts: &[&[u8]]) {
        let State::Exchange(exchange) = &mut self.state else { return misused("respond without a request") };
        if exchange.answer != Answer::Awaited {
            return misused("respond twice");
        }
        exchange.on_answer();
        exchange.on_unread_body();
        let delimiter = if response::is_bodiless(response.status) {
            Delimiter::Bodiless
        } else {
            Delimiter::Length(parts.iter().map(|part| part.len()).sum())
        };
        response::write_head(out, response, delimiter, exchange.persistence);
        if delimiter != Delimiter::Bodiless && exchange.shape == Shape::Full {
            write_parts(out, parts);
        }
        self.on_answered();
    }

    /// Begins to answer with a body of unknown length. [`ServerCodec::end_stream`] completes it.
    pub fn begin_stream(&mut self, out: &mut impl Sink, response: &Response<'_>) {
        let State::Exchange(exchange) = &mut self.state else { return misused("begin_stream without a request") };
        if exchange.answer != Answer::Awaited {
            return misused("begin_stream twice");
        }
        exchange.on_answer();
        let delimiter = match exchange.version {
            _ if response::is_bodiless(response.status) => Delimiter::Bodiless,
            Version::Http11 => Delimiter::Chunked,
            Version::Http10 => {
                exchange.persistence = Persistence::Closes(CloseReason::StreamEnd);
                Delimiter::Close
            }
        };
        response::write_head(out, response, delimiter, exchange.persistence);
        exchange.answer = match exchange.shape {
            Shape::Full => Answer::Streaming(delimiter),
            Shape::HeadOnly => Answer::Streaming(Delimiter::Bodiless),
        };
    }

    /// Continues the body: one piece, made of `parts`.
    pub fn stream(&mut self, out: &mut impl Sink, parts: &[&[u8]]) {
        match self.streaming() {
            Some(Delimiter::Chunked) => response::write_chunk(out, parts),
            Some(Delimiter::Close) => write_parts(out, parts),
            Some(Delimiter::Bodiless | Delimiter::Length(_)) => {}
            None => misused("stream before begin_stream"),
        }
    }

    /// Completes the body.
    pub fn end_stream(&mut self, out: &mut impl Sink) {
        match self.streaming() {
            Some(Delimiter::Chunked) => out.push(b"0\r\n\r\n"),
            Some(Delimiter::Close | Delimiter::Bodiless | Delimiter::Length(_)) => {}
            None => return misused("end_stream before begin_stream"),
        }
        if let State::Exchange(exchange) = &mut self.state {
            exchange.on_unread_body();
        }
        self.on_answered();
    }

    /// Tells a peer that waits for it to go on and send its body; does nothing if none waits.
    pub fn send_continue(&mut self, out: &mut impl Sink) {
        let State::Exchange(exchange) = &mut self.state else { return };
        if exchange.expectation == Expectation::Pending {
            exchange.expectation = Expectation::None;
            out.push(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Gives up on a request whose head or body stopped coming: it is to be answered (408), then the connection closes.
    pub fn abandon_request(&mut self) {
        match &mut self.state {
            State::AwaitingHead(_) | State::Draining { .. } => {
                self.state = State::Exchange(Exchange::refused(Shape::Full));
            }
            State::Exchange(exchange) => exchange.closes(CloseReason::Stalled),
            State::Closing(_) => {}
        }
    }

    /// Lets no further request come: the one in hand still gets its answer, an idle connection is at its end.
    pub fn close_after_answer(&mut self) {
        match &mut self.state {
            State::AwaitingHead(_) | State::Draining { .. } => self.state = State::Closing(CloseReason::Local),
            State::Exchange(exchange) => exchange.closes(CloseReason::Local),
            State::Closing(_) => {}
        }
    }

    fn streaming(&self) -> Option<Delimiter> {
        match &self.state {
            State::Exchange(Exchange { answer: Answer::Streaming(delimiter), .. }) => Some(*delimiter),
            State::Exchange(_) | State::AwaitingHead(_) | State::Draining { .. } | State::Closing(_) => None,
        }
    }

    /// The answer is complete.
    fn on_answered(&mut self) {
        let State::Exchange(exchange) = &mut self.state else { return };
        self.state = match exchange.persistence {
            Persistence::Closes(reason) => State::Closing(reason),
            Persistence::Stays | Persistence::StaysIfTold if exchange.body.is_complete() => {
                State::AwaitingHead(HeadReader::default())
            }
            Persistence::Stays | Persistence::StaysIfTold => {
                let body = mem::replace(&mut exchange.body, Body::new(BodyLength::None));
                State::Draining { body, budget: DRAIN_BYTES_MAX }
            }
        };
    }
}

/// Our own mistake, not the peer's: loud in tests, without effect in service.
fn misused(what: &str) {
    debug_assert!(false, "HTTP codec misused: {what}");
}
