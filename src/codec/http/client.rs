//! One connection, from the client's side: a request goes out, its response comes in, and then perhaps another one.
//!
//! There is no bound for bodies. The codec hands on and keeps nothing, and only its caller knows whether it is
//! reading one message or a stream of events that never ends.

mod fault;
mod framing;
mod head;
mod request;
mod status_line;
mod tunnel;

pub use fault::Fault;
pub use head::{ResponseHead, ResponseStorage};
pub use request::{PreparedRequest, Request, RequestError, check_header};
pub use tunnel::{Tunnel, TunnelError, TunnelStep};

use self::head::Found;
use super::body::{Body, Data, ResponseLength};
use super::exchange::Shape;
use super::head_reader::HeadReader;
use super::request_line::Method;
use crate::base::buf::Buf;
use crate::limits::INTERIM_RESPONSES_MAX;

/// What the input brought.
#[derive(Debug)]
pub enum Event<'s, 'a> {
    /// The response begins. It is complete if its head says that there is no body.
    Head(ResponseHead<'s, 'a>),
    /// A piece of its body.
    Data(Data<'a>),
}

/// What one call of [`ClientCodec::handle`] did. With neither bytes used up nor an event, the codec waits: for more
/// input, or for a request.
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
    /// A request to send.
    Idle,
    /// The final response's head.
    AwaitingHead,
    /// More of its body.
    ReceivingBody,
    /// That the connection be closed. What still comes is thrown away.
    Closing(CloseReason),
}

/// Why a connection takes no further request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer sent `Connection: close`.
    PeerAsked,
    /// HTTP/1.0 without `Connection: keep-alive`.
    OldVersion,
    /// The peer closed it, perhaps as the end of a response.
    PeerClosed,
    /// Something came that nobody had asked for: the next response could be a forged one.
    Unasked,
    /// The response broke the protocol: nobody knows where the next one would begin.
    Faulty,
}

/// The codec of one connection.
#[derive(Debug)]
pub struct ClientCodec {
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    AwaitingHead {
        reader: HeadReader,
        shape: Shape,
        interim: usize,
    },
    ReceivingBody {
        body: Body,
        closes: Option<CloseReason>,
    },
    /// The response is complete, but there is something behind it. The response counts; the next step tells the fault.
    Overrun,
    Closing(CloseReason),
}

impl Default for ClientCodec {
    fn default() -> Self {
        ClientCodec::new()
    }
}

/// Outbound.
impl ClientCodec {
    /// The codec of a fresh connection.
    pub fn new() -> ClientCodec {
        ClientCodec { state: State::Idle }
    }

    /// Sends a request; `body_parts` are its body. `Host`, `Content-Length` and `Accept-Encoding: identity` are added.
    ///
    /// Before a connection is used again, everything that has come on it must have gone through
    /// [`ClientCodec::handle`]: only there is noticed what nobody had asked for.
    ///
    /// # Errors
    /// Something in the request could break out of its place, or the connection is not free. Nothing has been written
    /// then, and the connection is as before.
    pub fn request(&mut self, out: &mut Buf, request: &Request<'_>, body_parts: &[&[u8]]) -> Result<(), RequestError> {
        self.check_idle()?;
        request::write(out, request, body_parts)?;
        self.on_request(request.method);
        Ok(())
    }

    /// Sends a request that was prepared, with further headers; otherwise as [`ClientCodec::request`].
    ///
    /// # Errors
    /// A header could break out of its place, or the connection is not free. Nothing has been written then.
    pub fn request_prepared(
        &mut self,
        out: &mut Buf,
        request: &PreparedRequest,
        headers: &[(&str, &str)],
        body_parts: &[&[u8]],
    ) -> Result<(), RequestError> {
        self.check_idle()?;
        request.write(out, headers, body_parts)?;
        self.on_request(request.method);
        Ok(())
    }

    fn check_idle(&self) -> Result<(), RequestError> {
        match self.state {
            State::Idle => Ok(()),
            State::AwaitingHead { .. } | State::ReceivingBody { .. } | State::Overrun | State::Closing(_) => {
                Err(RequestError::NotIdle)
            }
        }
    }

    fn on_request(&mut self, method: Method) {
        let shape = if method == Method::Head { Shape::HeadOnly } else { Shape::Full };
        self.state = State::AwaitingHead { reader: HeadReader::default(), shape, interim: 0 };
    }

    /// Whether another request may be sent, as far as can be told from what came: the caller knows whether the last
    /// one has left, and whether input waits.
    pub fn is_reusable(&self) -> bool {
        self.phase() == Phase::Idle
    }

    /// What the codec is waiting for.
    pub fn phase(&self) -> Phase {
        match &self.state {
            State::Idle => Phase::Idle,
            State::AwaitingHead { .. } => Phase::AwaitingHead,
            State::ReceivingBody { .. } => Phase::ReceivingBody,
            State::Overrun => Phase::Closing(CloseReason::Unasked),
            State::Closing(reason) => Phase::Closing(*reason),
        }
    }
}

/// Inbound.
impl ClientCodec {
    /// Takes the next step through `input`, which is all that has come and was not used up.
    ///
    /// # Errors
    /// The response, or what came without having been asked for, is good for nothing. The connection is to be closed.
    pub fn handle<'s, 'a>(
        &mut self,
        input: &'a [u8],
        storage: &'s mut ResponseStorage<'a>,
    ) -> Result<Step<'s, 'a>, Fault> {
        let step = match &mut self.state {
            State::Idle if input.is_empty() => Ok(Step { consumed: 0, event: None }),
            State::Idle | State::Overrun => Err(Fault::Unasked),
            State::AwaitingHead { .. } => self.on_head_bytes(input, storage),
            State::ReceivingBody { .. } => self.on_body_bytes(input),
            State::Closing(_) => Ok(Step { consumed: input.len(), event: None }),
        };
        step.inspect_err(|fault| self.on_fault(*fault))
    }

    /// The peer has closed the connection, in order and after everything that was presented to
    /// [`ClientCodec::handle`]. Returns the end of a body that lasts until then, if one was being received. Where the
    /// end may have been cut off by somebody else (TLS without `close_notify`), do not call it: drop the codec.
    ///
    /// # Errors
    /// The response is missing or incomplete.
    pub fn finish(&mut self) -> Result<Option<Data<'static>>, Fault> {
        let end = match &self.state {
            State::Idle | State::Closing(_) => Ok(None),
            State::Overrun => Err(Fault::Unasked),
            State::AwaitingHead { reader, interim: 0, .. } if !reader.is_begun() => Err(Fault::Unanswered),
            State::ReceivingBody { body, .. } if body.is_until_close() => Ok(Some(Data { bytes: b"", is_last: true })),
            State::AwaitingHead { .. } | State::ReceivingBody { .. } => Err(Fault::Truncated),
        };
        match (&end, &self.state) {
            (Err(fault), _) => self.on_fault(*fault),
            (Ok(_), State::Closing(_)) => {}
            (Ok(_), _) => self.state = State::Closing(CloseReason::PeerClosed),
        }
        end
    }

    fn on_head_bytes<'s, 'a>(
        &mut self,
        input: &'a [u8],
        storage: &'s mut ResponseStorage<'a>,
    ) -> Result<Step<'s, 'a>, Fault> {
        let State::AwaitingHead { reader, shape, interim } = &mut self.state else { return Err(Fault::Unasked) };
        let Found::Head { length, head, closes } = head::read(reader, input, storage, *shape)? else {
            return Ok(Step { consumed: 0, event: None });
        };
        match head.status {
            101 => return Err(Fault::Switched),
            100..=199 if *interim == INTERIM_RESPONSES_MAX => return Err(Fault::TOO_MANY_INTERIM),
            100..=199 => {
                *interim += 1;
                *reader = HeadReader::default();
                return Ok(Step { consumed: length, event: None });
            }
            _ if head.body == ResponseLength::None => self.on_complete(closes, &input[length..]),
            _ => self.state = State::ReceivingBody { body: Body::of_response(head.body), closes },
        }
        Ok(Step { consumed: length, event: Some(Event::Head(head)) })
    }

    fn on_body_bytes<'s, 'a>(&mut self, input: &'a [u8]) -> Result<Step<'s, 'a>, Fault> {
        let State::ReceivingBody { body, closes } = &mut self.state else { return Err(Fault::Unasked) };
        let (consumed, data) = body.handle(input)?;
        if body.is_complete() {
            let closes = *closes;
            self.on_complete(closes, &input[consumed..]);
        }
        Ok(Step { consumed, event: data.map(Event::Data) })
    }

    /// The response is complete, and `rest` came with it.
    fn on_complete(&mut self, closes: Option<CloseReason>, rest: &[u8]) {
        self.state = match closes {
            Some(reason) => State::Closing(reason),
            None if rest.is_empty() => State::Idle,
            None => State::Overrun,
        };
    }

    fn on_fault(&mut self, fault: Fault) {
        self.state = State::Closing(match fault {
            Fault::Unasked => CloseReason::Unasked,
            Fault::Unanswered => CloseReason::PeerClosed,
            Fault::Malformed { .. } | Fault::Switched | Fault::Truncated => CloseReason::Faulty,
        });
    }
}
