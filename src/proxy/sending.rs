//! Messages on their way to an upstream, whatever its transport: a line on a pipe, or the body of a POST.

use super::Proxy;
use super::links::Transport;
use crate::base::buf::Buf;
use crate::base::decimal::Decimal;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::{CallId, Number};
use crate::codec::jsonrpc::splice::{Patch, push_line, range_in};
use crate::codec::jsonrpc::write;
use crate::limits;
use crate::upstream::exchange::Purpose;
use crate::upstream::handshake::{self, OwnRequest};

/// A request as it came from a downstream, with the parts that are ours to choose.
pub(super) struct Outgoing<'a> {
    /// The whole message.
    pub(super) message: &'a [u8],
    /// Its id, as JSON text within the message.
    pub(super) id: &'a str,
    /// Its progress token, as JSON text within the message.
    pub(super) progress_token: Option<&'a str>,
}

impl Outgoing<'_> {
    /// Writes the request as a line, with our id and our progress token in it.
    pub(super) fn push(&self, out: &mut Buf, call: CallId) {
        let number = Decimal::new(call.number().into());
        let patch =
            |part: &str| Patch { range: range_in(self.message, part).unwrap_or_default(), text: number.as_str() };
        match self.progress_token {
            None => push_line(out, self.message, &mut [patch(self.id)]),
            Some(token) => push_line(out, self.message, &mut [patch(self.id), patch(token)]),
        }
    }
}

/// Calls.
impl Proxy {
    /// Sends a call on.
    pub(super) fn send_call(&mut self, link: LinkId, call: CallId, outgoing: &Outgoing<'_>) {
        let Some(entry) = self.links.get_mut(link) else { return };
        match &mut entry.transport {
            Transport::Stdio(stdio) => {
                outgoing.push(&mut stdio.stdin, call);
                self.transmit_stdin(link);
            }
            Transport::Remote(_) => {
                let mut body = Buf::new();
                outgoing.push(&mut body, call);
                self.post(link, Purpose::Call(call), body);
            }
        }
    }

    /// Sends a call that had to wait; `line` is what [`Outgoing::push`] made of it.
    pub(super) fn send_waiting_call(&mut self, link: LinkId, call: CallId, line: Buf) {
        let Some(entry) = self.links.get_mut(link) else { return };
        match &mut entry.transport {
            Transport::Stdio(stdio) => {
                stdio.stdin.push(line.as_slice());
                self.transmit_stdin(link);
            }
            Transport::Remote(_) => self.post(link, Purpose::Call(call), line),
        }
    }
}

/// Requests of our own.
impl Proxy {
    /// The first message on every link.
    pub(super) fn send_initialize(&mut self, link: LinkId) {
        let hello = match self.private_hello(link) {
            Some(params) => write::request(OwnRequest::Initialize.id(), "initialize", params),
            None => handshake::initialize(&self.config.name, &self.config.version),
        };
        self.send_own(link, OwnRequest::Initialize, &hello);
    }

    /// Sends a request of our own to a link.
    pub(super) fn send_own(&mut self, link: LinkId, request: OwnRequest, message: &str) {
        let Some(entry) = self.links.get_mut(link) else { return };
        let count = entry.own_requests.entry(request).or_default();
        let next_id = request.next_id(*count);
        let is_first = *count == 0;
        *count += 1;
        // The id is the first member that could hold this.
        let id = message.find(request.id()).filter(|_| !is_first).map(|at| at..at + request.id().len());
        let mut patches: Vec<Patch<'_>> = id.into_iter().map(|range| Patch { range, text: &next_id }).collect();
        self.push_to_link(link, Purpose::Own(request), message.as_bytes(), &mut patches);
    }

    /// Sends a request of our own to a server, if it is ready.
    pub(super) fn send_own_to_server(&mut self, server: ServerId, request: OwnRequest, message: &str) {
        if let Some(link) = self.ready_link(server) {
            self.send_own(link, request, message);
        }
    }
}

/// Notifications and responses: nobody waits for an answer.
impl Proxy {
    /// `notifications/initialized`: it ends the handshake.
    pub(super) fn send_initialized(&mut self, link: LinkId, message: &[u8]) {
        self.push_to_link(link, Purpose::Initialized, message, &mut []);
    }

    /// Sends a message of our own to a link.
    pub(super) fn send_to_link(&mut self, link: LinkId, message: &str) {
        self.forward_to_link(link, message.as_bytes(), &mut []);
    }

    /// Sends a message of our own to a server, if it is ready.
    pub(super) fn send_to_server(&mut self, server: ServerId, message: &str) {
        self.forward_to_server(server, message.as_bytes());
    }

    /// Sends a downstream's notification on to a server, if it is ready.
    pub(crate) fn forward_to_server(&mut self, server: ServerId, message: &[u8]) {
        if let Some(link) = self.ready_link(server) {
            self.forward_to_link(link, message, &mut []);
        }
    }

    /// Sends a downstream's message to a link as it is, but for the parts to be replaced.
    pub(super) fn forward_to_link(&mut self, link: LinkId, message: &[u8], patches: &mut [Patch<'_>]) {
        self.push_to_link(link, Purpose::OneWay, message, patches);
    }

    fn push_to_link(&mut self, link: LinkId, purpose: Purpose, message: &[u8], patches: &mut [Patch<'_>]) {
        let Some(entry) = self.links.get_mut(link) else { return };
        // An upstream that reads nothing must not fill the memory with what nobody waits for.
        if entry.queued_bytes() > limits::LINK_QUEUE_BYTES_MAX {
            return;
        }
        match &mut entry.transport {
            Transport::Stdio(stdio) => {
                push_line(&mut stdio.stdin, message, patches);
                self.transmit_stdin(link);
            }
            Transport::Remote(_) => {
                let mut body = Buf::new();
                push_line(&mut body, message, patches);
                self.post(link, purpose, body);
            }
        }
    }

    /// The server's link, if it answers.
    pub(super) fn ready_link(&self, server: ServerId) -> Option<LinkId> {
        self.servers.get(server)?.supervisor.ready_link()
    }
}
