//! Reads what the proxy sends to a downstream, and is strict about it: what no client should have to put up with is a
//! failure here.

use std::collections::VecDeque;

use mcp_proxy::codec::sse::{Decoder, Item};
use serde_json::value::RawValue;

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header; several are a failure.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} comes twice: {self:?}");
        value
    }

    /// Whether the connection is to be closed after the answer.
    pub(crate) fn is_last(&self) -> bool {
        self.header("connection") == Some("close")
    }

    fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }
}

/// A piece of the proxy's answers, as a client would notice it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// `100 Continue`.
    Continue,
    /// A whole answer.
    Whole(Head, String),
    /// The head of an event stream.
    Begin(Head),
    /// The data of an event.
    Event(String),
    /// The data of the event that opens a stream of HTTP+SSE.
    Endpoint(String),
    /// The event without data that opens a stream of 2025-11-25, and says when to come back.
    Priming,
    /// A comment between events.
    Comment(String),
    /// The stream is complete.
    End,
}

/// Reads the answers on one connection.
#[derive(Debug)]
pub(crate) struct Answers {
    bytes: Vec<u8>,
    state: State,
    /// The id of the last event.
    pub(crate) last_id: Option<String>,
    /// The id with which the next stream is asked to go on.
    resumes: Option<String>,
    /// For each request that is to come: whether its answer has no body whatever its head says.
    are_bodiless: VecDeque<bool>,
}

#[derive(Debug)]
enum State {
    Head,
    Sized { head: Head, length: usize },
    Streaming { decoder: Box<Decoder>, text: String, is_chunked: bool },
}

impl Answers {
    pub(crate) fn new() -> Answers {
        Answers { bytes: Vec::new(), state: State::Head, last_id: None, resumes: None, are_bodiless: VecDeque::new() }
    }

    /// A request is sent. Only needed where one of them is a HEAD.
    pub(crate) fn on_request(&mut self, is_head: bool) {
        self.are_bodiless.push_back(is_head);
    }

    /// The next request asks for what came after this event.
    pub(crate) fn on_resume(&mut self, last_id: String) {
        self.resumes = Some(last_id);
    }

    /// The last event of the stream that is under way.
    pub(crate) fn stream_id(&self) -> Option<&str> {
        self.last_id.as_deref().filter(|_| matches!(self.state, State::Streaming { .. }))
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether everything that came was understood, so that the connection may end here. A stream that the connection
    /// delimits must not end within an event.
    pub(crate) fn is_between_answers(&self) -> bool {
        self.bytes.is_empty()
            && match &self.state {
                State::Head => true,
                State::Sized { .. } => false,
                State::Streaming { text, is_chunked, .. } => !is_chunked && text.is_empty(),
            }
    }

    /// The next piece that is complete.
    pub(crate) fn poll(&mut self) -> Option<Part> {
        match &self.state {
            State::Head => self.poll_head(),
            State::Sized { .. } => self.poll_sized(),
            State::Streaming { .. } => self.poll_stream(),
        }
    }

    fn poll_head(&mut self) -> Option<Part> {
        let end = find(&self.bytes, b"\r\n\r\n")?;
        let text = String::from_utf8(self.bytes.drain(..end + 4).collect()).expect("a head in ASCII");
        if text == "HTTP/1.1 100 Continue\r\n\r\n" {
            return Some(Part::Continue);
        }
        let head = parse_head(&text);
        self.last_id = self.resumes.take();
        let is_bodiless = self.are_bodiless.pop_front().unwrap_or(false) || head.status == 204;
        assert!(head.header("date").is_some(), "an answer without Date: {text}");
        let length = head.header("content-length").map(|length| length.parse().expect("a length"));
        assert!(head.status != 204 || length.is_none(), "204 has no Content-Length: {text}");
        match length {
            _ if is_bodiless => Some(Part::Whole(head, String::new())),
            Some(length) => {
                self.state = State::Sized { head, length };
                self.poll()
            }
            None => {
                assert!(head.is_stream(), "neither a length nor a stream: {text}");
                let is_chunked = head.header("transfer-encoding") == Some("chunked");
                assert!(is_chunked || head.is_last(), "nobody can tell where this ends: {text}");
                self.state =
                    State::Streaming { decoder: Box::new(Decoder::new(usize::MAX)), text: String::new(), is_chunked };
                Some(Part::Begin(head))
            }
        }
    }

    fn poll_sized(&mut self) -> Option<Part> {
        let State::Sized { head, length } = &self.state else { return None };
        if self.bytes.len() < *length {
            return None;
        }
        let body = String::from_utf8(self.bytes.drain(..*length).collect()).expect("a body in UTF-8");
        let head = head.clone();
        let is_metrics = head.header("content-type").is_some_and(|value| value.starts_with("text/plain; version="));
        if body.to_ascii_lowercase().starts_with("<!doctype html>") {
            assert_eq!(head.header("content-type"), Some("text/html; charset=utf-8"), "{body}");
        } else if !body.is_empty() && !is_metrics {
            assert_eq!(head.header("content-type"), Some("application/json"), "{body}");
            serde_json::from_str::<&RawValue>(&body).unwrap_or_else(|e| panic!("a body that is no JSON ({e}): {body}"));
        }
        self.state = State::Head;
        Some(Part::Whole(head, body))
    }

    fn poll_stream(&mut self) -> Option<Part> {
        loop {
            let State::Streaming { decoder, text, is_chunked } = &mut self.state else { return None };
            if let Some(end) = text.find("\n\n") {
                let block: String = text.drain(..end + 2).collect();
                return Some(read_block(decoder, &block, &mut self.last_id));
            }
            let piece = if *is_chunked { take_chunk(&mut self.bytes)? } else { std::mem::take(&mut self.bytes) };
            if piece.is_empty() && *is_chunked {
                assert!(text.is_empty(), "the stream ends within an event: {text:?}");
                self.state = State::Head;
                return Some(Part::End);
            }
            if piece.is_empty() {
                return None;
            }
            text.push_str(std::str::from_utf8(&piece).expect("an event stream in UTF-8"));
        }
    }
}

/// One event or comment. Clients differ in what else they can read, so nothing else may come.
fn read_block(decoder: &mut Decoder, block: &str, last_id: &mut Option<String>) -> Part {
    if let Some(comment) = block.strip_prefix(": ") {
        assert!(!comment.trim_end_matches('\n').contains('\n'), "a comment within an event: {block:?}");
        return Part::Comment(comment.trim_end().to_owned());
    }
    if let Some(data) = block.strip_prefix("event: endpoint\ndata: ") {
        return Part::Endpoint(data.trim_end_matches('\n').to_owned());
    }
    if let Some(id) = block.strip_prefix("id: ").and_then(|rest| rest.strip_suffix("\nretry: 1000\ndata: \n\n")) {
        let is_first = last_id.as_deref().is_none_or(|last| !last.starts_with(&id[..id.len() - 1]));
        assert!(is_first && id.ends_with("-0"), "the first event of a stream: {block:?}");
        *last_id = Some(id.to_owned());
        return Part::Priming;
    }
    let mut lines = block.trim_end_matches('\n').split('\n').peekable();
    assert_eq!(lines.next(), Some("event: message"), "{block:?}");
    if let Some(id) = lines.next_if(|line| line.starts_with("id: ")) {
        on_id(last_id, &id["id: ".len()..]);
    }
    let is_object = |line: &str| line.strip_prefix("data: ").is_some_and(|data| data.trim_start().starts_with('{'));
    assert!(lines.next().is_some_and(is_object), "{block:?}"); // behind the space that its upstream has put there
    assert!(lines.all(|line| line.starts_with("data: ")) && !block.contains('\r'), "{block:?}");
    let mut input = block.as_bytes();
    let Some(Item::Event(event)) = decoder.handle(&mut input) else { panic!("no event: {block:?}") };
    let data = String::from_utf8(event.data.to_vec()).expect("data in UTF-8");
    assert!(input.is_empty() && event.name == b"message");
    serde_json::from_str::<&RawValue>(&data).unwrap_or_else(|e| panic!("an event that is no JSON ({e}): {data}"));
    Part::Event(data)
}

/// Ids of one stream have its serial number, and grow.
fn on_id(last: &mut Option<String>, id: &str) {
    let parts = |id: &str| -> (u64, u64) {
        let (serial, position) = id.split_once('-').expect("a serial number and a position");
        (serial.parse().expect("a number"), position.parse().expect("a number"))
    };
    let (serial, position) = parts(id);
    assert!(serial > 0 && position > 0, "{id}");
    if let Some(last) = last.as_deref().map(parts) {
        assert!(serial == last.0 && position > last.1, "{id} after {last:?}");
    }
    *last = Some(id.to_owned());
}

/// A chunk's data, once it is complete; empty for the last one.
fn take_chunk(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let line_end = find(bytes, b"\r\n")?;
    let digits = std::str::from_utf8(&bytes[..line_end]).expect("a chunk size");
    let size = usize::from_str_radix(digits, 16).expect("a chunk size");
    let end = line_end + 2 + size;
    if bytes.len() < end + 2 {
        return None;
    }
    assert_eq!(&bytes[end..end + 2], b"\r\n", "the chunk ends where it says");
    let data = bytes[line_end + 2..end].to_vec();
    bytes.drain(..end + 2);
    Some(data)
}

fn parse_head(text: &str) -> Head {
    let mut lines = text.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).expect("a status line");
    let status = status[..3].parse().expect("a status");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.to_owned(), value.to_owned())
    };
    Head { status, headers: lines.map(header).collect() }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
