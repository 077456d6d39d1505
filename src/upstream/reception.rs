//! What the response to an exchange is taken for, and what has come of it so far.

use super::exchange::Purpose;
use super::refusal::HttpRefusal;
use crate::base::text::shorten;
use crate::codec::http::ResponseLength;
use crate::codec::http::client::ResponseHead;
use crate::codec::sse::Decoder;
use crate::limits;

/// How the body of a response is read.
#[derive(Debug)]
pub enum Reception {
    /// There is no response yet.
    AwaitingHead,
    /// As one message, or an array of them.
    Message(Vec<u8>),
    /// As a stream of messages.
    Events(Box<Decoder>),
    /// Not at all: all is said with the head.
    Ignored,
    /// As the reason why the request was refused; only the beginning is kept.
    Refusal(HttpRefusal),
}

impl Reception {
    /// What the head of a response makes of its body. `is_answered_elsewhere`: the replies to POSTs come on the stream
    /// (HTTP+SSE).
    ///
    /// # Errors
    /// It is nothing that can be read; says so.
    pub fn of(head: &ResponseHead<'_, '_>, purpose: Purpose, is_answered_elsewhere: bool) -> Result<Reception, String> {
        if !(200..=299).contains(&head.status) {
            return Ok(Reception::Refusal(HttpRefusal { status: head.status, text: Vec::new() }));
        }
        let wants_messages = match purpose {
            Purpose::Listen => true,
            Purpose::Call(_) | Purpose::Own(_) | Purpose::Changes(_) => !is_answered_elsewhere,
            Purpose::Initialized | Purpose::OneWay | Purpose::Farewell => false,
        };
        if !wants_messages || head.body == ResponseLength::None {
            return Ok(Reception::Ignored);
        }
        if let Some(coding) = head.foreign_coding() {
            return Err(format!("its answer is compressed ({coding}), although that was not asked for"));
        }
        if head.is_content_type("text/event-stream") {
            return Ok(Reception::Events(Box::new(Decoder::new(limits::LINE_BYTES_MAX))));
        }
        if purpose == Purpose::Listen && !is_answered_elsewhere {
            return Ok(Reception::Ignored); // a page for people: it offers no stream
        }
        if head.is_content_type("application/json") && purpose != Purpose::Listen {
            return Ok(Reception::Message(Vec::new()));
        }
        let found = String::from_utf8_lossy(head.all("content-type").next().unwrap_or(b"none")).into_owned();
        let found = shorten(&found).into_owned();
        Err(format!("its answer is neither JSON nor an event stream (Content-Type: {found})"))
    }

    /// What is kept of a message that is not complete.
    pub fn held_bytes(&self) -> usize {
        match self {
            Reception::Message(text) => text.len(),
            Reception::Events(decoder) => decoder.held_bytes(),
            Reception::AwaitingHead | Reception::Ignored | Reception::Refusal(_) => 0,
        }
    }
}
