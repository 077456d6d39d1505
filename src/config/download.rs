//! A configuration from a URL: one GET, and another for each redirect, on a connection of its own each.
//!
//! ```text
//!               connected          2xx             its end
//!  Connecting ────────────> Asking ────> Receiving ────────> Ended
//!      ^                      │
//!      └────── redirect ──────┘              whatever goes wrong leads to Ended, too
//! ```
//!
//! Whoever writes the answer decides what the proxy runs. So no redirect leads from where nobody else could have
//! changed it (https, this machine) to where everybody on the way can.
//!
//! The headers are secrets. They are sent to the origin that was named; a redirect to another one drops all of them,
//! where curl and Go drop `Authorization` only, and for good: what that one redirects back to, it has chosen.

mod error;

use std::time::Duration;

pub use error::{DownloadError, Reason, Stage};

use super::source::{self, TextError};
use crate::base::buf::Buf;
use crate::base::text::shorten;
use crate::base::url::{Scheme, Url, is_loopback_name};
use crate::codec::http::Method;
use crate::codec::http::body::{Data, ResponseLength};
use crate::codec::http::client::{ClientCodec, Event, Fault, Request, ResponseHead, ResponseStorage, Step};
use crate::limits::{CONFIG_BYTES_MAX, REDIRECTS_MAX};

/// Sent unless the user gives others: some servers refuse whoever does not say these.
const USUAL_HEADERS: [(&str, &str); 2] =
    [("Accept", "*/*"), ("User-Agent", concat!("mcp-proxy/", env!("CARGO_PKG_VERSION")))];

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it is.
    pub url: Url,
    /// Sent to its origin; names and values are fit to be sent. Secrets, more often than not.
    pub headers: Vec<(String, String)>,
}

/// Whether whoever is on the way to a place can change what it answers.
pub fn is_exposed(url: &Url) -> bool {
    url.scheme() == Scheme::Http && !is_loopback_name(url.host())
}

/// Something for the shell to do.
#[derive(Debug)]
pub enum Output {
    /// Connect to the origin of [`Download::destination`]. A connection that was made before is to be closed.
    Connect,
    /// The text, or why there is none: the last output.
    Done(Result<String, DownloadError>),
}

/// One download.
#[derive(Debug)]
pub struct Download {
    /// What was typed.
    wanted: Url,
    /// What is asked now.
    destination: Url,
    /// Empty once they were dropped.
    headers: Vec<(String, String)>,
    redirects: usize,
    state: State,
    output: Option<Output>,
}

#[derive(Debug)]
enum State {
    Connecting,
    Asking(Exchange),
    Receiving(Exchange, Vec<u8>),
    Ended,
}

/// What belongs to one connection.
#[derive(Debug, Default)]
struct Exchange {
    codec: ClientCodec,
    outgoing: Buf,
    received: Buf,
}

impl Download {
    /// Begins it: the first output waits.
    pub fn new(wanted: Wanted) -> Download {
        let Wanted { url, headers } = wanted;
        Download {
            wanted: url.clone(),
            destination: url,
            headers,
            redirects: 0,
            state: State::Connecting,
            output: Some(Output::Connect),
        }
    }

    /// Where to connect to.
    pub fn destination(&self) -> &Url {
        &self.destination
    }

    /// What is to be sent on the connection.
    pub fn request_bytes(&self) -> &[u8] {
        match &self.state {
            State::Asking(exchange) | State::Receiving(exchange, _) => exchange.outgoing.as_slice(),
            State::Connecting | State::Ended => &[],
        }
    }

    /// It is given up. Why, for a person.
    pub fn into_error(self, reason: String) -> DownloadError {
        DownloadError::new(self.wanted.origin(), self.destination.origin(), Reason::Connection(reason))
    }

    /// What to do next, if anything.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }
}

/// What happens on the connection. Once all is over, nothing of it matters.
impl Download {
    /// The connection is there.
    pub fn handle_connected(&mut self) {
        let State::Connecting = self.state else { return };
        let host = self.destination.authority().to_string();
        let given = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let is_given = |usual: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(usual));
        let usual = USUAL_HEADERS.into_iter().filter(|(name, _)| !is_given(name));
        let headers: Vec<(&str, &str)> = given.chain(usual).collect();
        let target = self.destination.target();
        let request = Request { method: Method::Get, target: &target, host: &host, headers: &headers };
        let mut exchange = Exchange::default();
        match exchange.codec.request(&mut exchange.outgoing, &request, &[]) {
            Ok(()) => self.state = State::Asking(exchange),
            Err(error) => self.fail(Reason::Request(error)),
        }
    }

    /// The connection took the first `count` bytes of [`Download::request_bytes`].
    pub fn handle_sent(&mut self, count: usize) {
        match &mut self.state {
            State::Asking(exchange) | State::Receiving(exchange, _) => exchange.outgoing.consume(count),
            State::Connecting | State::Ended => {}
        }
    }

    /// Bytes came.
    pub fn handle_received(&mut self, bytes: &[u8]) {
        let mut received = match &mut self.state {
            State::Asking(exchange) | State::Receiving(exchange, _) => std::mem::take(&mut exchange.received),
            State::Connecting | State::Ended => return,
        };
        received.push(bytes);
        // One that has ended, or asks elsewhere, has no exchange any more.
        while let State::Asking(exchange) | State::Receiving(exchange, _) = &mut self.state {
            let mut storage = ResponseStorage::new();
            match exchange.codec.handle(received.as_slice(), &mut storage) {
                Ok(Step { consumed: 0, event: None }) => {
                    exchange.received = received;
                    return;
                }
                Ok(Step { consumed, event }) => {
                    if let Some(event) = event {
                        self.on_event(event);
                    }
                    received.consume(consumed);
                }
                Err(fault) => self.fail(Reason::Fault(fault)),
            }
        }
    }

    /// Nothing more will come, and the peer said so in order.
    pub fn handle_finished(&mut self) {
        let (State::Asking(exchange) | State::Receiving(exchange, _)) = &mut self.state else { return };
        match exchange.codec.finish() {
            Ok(Some(data)) => self.on_data(data),
            Ok(None) => self.fail(Reason::Fault(Fault::Truncated)),
            Err(fault) => self.fail(Reason::Fault(fault)),
        }
    }

    /// There is no connection, or not any more. Why, for a person.
    pub fn handle_broken(&mut self, reason: String) {
        self.fail(Reason::Connection(reason));
    }

    /// All the time there was, `time`, is over.
    pub fn handle_timeout(&mut self, time: Duration) {
        let stage = match &self.state {
            State::Connecting => Stage::Connecting,
            State::Asking(_) => Stage::Asking,
            State::Receiving(..) => Stage::Receiving,
            State::Ended => return,
        };
        self.fail(Reason::TooSlow(stage, time));
    }
}

/// What the answer says.
impl Download {
    fn on_event(&mut self, event: Event<'_, '_>) {
        match event {
            Event::Head(head) => match head.status {
                200..=299 => self.on_success(&head),
                301 | 302 | 303 | 307 | 308 => self.on_redirect(&head),
                status => self.fail(Reason::Status(status)),
            },
            Event::Data(data) => self.on_data(data),
        }
    }

    fn on_success(&mut self, head: &ResponseHead<'_, '_>) {
        if let Some(coding) = head.foreign_coding() {
            return self.fail(Reason::Compressed(shorten(&coding).into_owned()));
        }
        match head.body {
            ResponseLength::None => self.on_complete(Vec::new()),
            ResponseLength::Length(length) if length > CONFIG_BYTES_MAX as u64 => {
                self.fail(Reason::Text(TextError::TooLong));
            }
            ResponseLength::Length(_) | ResponseLength::Chunked | ResponseLength::UntilClose => {
                if let State::Asking(exchange) = &mut self.state {
                    self.state = State::Receiving(std::mem::take(exchange), Vec::new());
                }
            }
        }
    }

    fn on_data(&mut self, data: Data<'_>) {
        let State::Receiving(_, body) = &mut self.state else { return };
        if body.len() + data.bytes.len() > CONFIG_BYTES_MAX {
            return self.fail(Reason::Text(TextError::TooLong));
        }
        body.extend_from_slice(data.bytes);
        if data.is_last {
            let body = std::mem::take(body);
            self.on_complete(body);
        }
    }

    fn on_complete(&mut self, body: Vec<u8>) {
        match source::text(body) {
            Ok(text) if text.trim_start().starts_with('<') => self.fail(Reason::WebPage),
            Ok(text) => self.finish(Ok(text)),
            Err(error) => self.fail(Reason::Text(error)),
        }
    }

    fn on_redirect(&mut self, head: &ResponseHead<'_, '_>) {
        let place = head.unique("location").ok().flatten();
        match place.and_then(|place| self.destination.resolve(place).ok()) {
            None => self.fail(Reason::RedirectNowhere),
            Some(_) if self.redirects == REDIRECTS_MAX => self.fail(Reason::RedirectsTooOften),
            Some(to) if !self.is_safe(&to) => self.fail(Reason::RedirectExposed(to.origin())),
            Some(to) => {
                if to.origin() != self.destination.origin() {
                    self.headers.clear();
                }
                self.destination = to;
                self.redirects += 1;
                self.state = State::Connecting;
                self.output = Some(Output::Connect);
            }
        }
    }

    /// Whether a redirect there makes nothing worse.
    fn is_safe(&self, to: &Url) -> bool {
        let from = &self.destination;
        let is_downgrade = from.scheme() == Scheme::Https && to.scheme() == Scheme::Http;
        !is_downgrade && (!is_exposed(to) || is_exposed(from))
    }

    fn fail(&mut self, reason: Reason) {
        let error = DownloadError::new(self.wanted.origin(), self.destination.origin(), reason);
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<String, DownloadError>) {
        if !matches!(self.state, State::Ended) {
            self.state = State::Ended;
            self.output = Some(Output::Done(result));
        }
    }
}
