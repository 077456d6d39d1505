//! One request and its answer, as far as the connection has to remember them.

use super::body::{Body, BodyLength};
use super::framing::Persistence;
use super::head::Head;
use super::refusal::Refusal;
use super::request_line::Method;
use super::response::Delimiter;
use super::server::{CloseReason, Event, Step};
use super::version::Version;
use crate::limits::DRAIN_BYTES_MAX;

/// A request and its answer, one of them incomplete.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) body: Body,
    pub(super) expectation: Expectation,
    pub(super) answer: Answer,
    pub(super) shape: Shape,
    pub(super) version: Version,
    pub(super) persistence: Persistence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expectation {
    /// Nobody waits for "100 Continue", or no longer.
    None,
    /// The peer holds its body back.
    Pending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Awaited,
    Streaming(Delimiter),
}

/// Which parts of a response the request's method admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Full,
    HeadOnly,
}

impl Exchange {
    pub(super) fn new(head: &Head<'_, '_>, persistence: Persistence) -> Exchange {
        Exchange {
            body: Body::new(head.body),
            expectation: if head.expects_continue { Expectation::Pending } else { Expectation::None },
            answer: Answer::Awaited,
            shape: if head.method == Method::Head { Shape::HeadOnly } else { Shape::Full },
            version: head.version,
            persistence,
        }
    }

    /// Stands for a request whose head was refused.
    pub(super) fn refused(shape: Shape) -> Exchange {
        Exchange {
            body: Body::new(BodyLength::None),
            expectation: Expectation::None,
            answer: Answer::Awaited,
            shape,
            version: Version::Http11,
            persistence: Persistence::Closes(CloseReason::Refused),
        }
    }

    pub(super) fn on_body_bytes<'s, 'a>(&mut self, input: &'a [u8]) -> Result<Step<'s, 'a>, Refusal> {
        match self.body.handle(input) {
            Ok((consumed, data)) => {
                if consumed > 0 {
                    self.expectation = Expectation::None; // it did not wait
                }
                Ok(Step { consumed, event: data.map(Event::Data) })
            }
            Err(refusal) => {
                self.body = Body::new(BodyLength::None);
                self.persistence = Persistence::Closes(CloseReason::Refused);
                Err(refusal)
            }
        }
    }

    /// The answer begins: too late for "100 Continue", so a peer that waits for it may do either.
    pub(super) fn on_answer(&mut self) {
        if self.expectation == Expectation::Pending {
            self.closes(CloseReason::ExpectationUnmet);
        }
    }

    /// Not worth reading the rest only to keep the connection.
    pub(super) fn on_unread_body(&mut self) {
        if self.body.missing() > DRAIN_BYTES_MAX as u64 {
            self.closes(CloseReason::UnreadBody);
        }
    }

    /// The first reason counts.
    pub(super) fn closes(&mut self, reason: CloseReason) {
        match self.persistence {
            Persistence::Stays | Persistence::StaysIfTold => self.persistence = Persistence::Closes(reason),
            Persistence::Closes(_) => {}
        }
    }
}
