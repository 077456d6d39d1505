//! Messages on their way to an upstream, whatever its transport: a line on a pipe, or the body of a POST.

use super::Proxy;
use super::links::Transport;
use crate::base::buf::Buf;
use crate::base::decimal::Decimal;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::{CallId, Number};
use crate::codec::jsonrpc::envelope::Params;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::{Patch, push_line, range_in};
use crate::codec::jsonrpc::{INTERNAL_ERROR, write};
use crate::limits;
use crate::mcp::ask::Ask;
use crate::upstream::exchange::{Headers, Purpose};
use crate::upstream::handshake::{self, OwnRequest};

/// A request as it came from a downstream, with the parts that are ours to choose.
pub(super) struct Outgoing<'a> {
    /// The whole message.
    pub(super) message: &'a [u8],
    /// Its id, as JSON text within the message.
    pub(super) id: &'a str,
    /// What it asks for.
    pub(super) method: &'a str,
    /// Its parameters, within the message.
    pub(super) params: Params<'a>,
    /// Whether they say who asks, as those of modern requests do.
    pub(super) has_modern_keys: bool,
}

impl Outgoing<'_> {
    /// Writes the request as a line, with our id and our progress token in it.
    fn push(&self, out: &mut Buf, call: CallId) {
        let number = Decimal::new(call.number().into());
        match self.params.progress_token {
            None => push_line(out, self.message, &mut [self.patch(self.id, &number)]),
            Some(token) => {
                push_line(out, self.message, &mut [self.patch(self.id, &number), self.patch(token, &number)])
            }
        }
    }

    /// The same, and with other parts rewritten.
    fn push_rewritten(&self, out: &mut Buf, call: CallId, rewrite: &Rewrite) {
        let number = Decimal::new(call.number().into());
        let own =
            [Some(self.id), self.params.progress_token].into_iter().flatten().map(|part| self.patch(part, &number));
        let mut patches: Vec<Patch<'_>> = own.chain(rewrite.patches()).collect();
        push_line(out, self.message, &mut patches);
    }

    fn patch<'t>(&self, part: &str, text: &'t Decimal) -> Patch<'t> {
        Patch { range: range_in(self.message, part).unwrap_or_default(), text: text.as_str() }
    }
}

/// Calls.
impl Proxy {
    /// Sends a call on, in the words of the link's era.
    pub(super) fn send_call(&mut self, link: LinkId, call: CallId, outgoing: &Outgoing<'_>) {
        let rewrite = self.rewrite_for(link, call, outgoing);
        let headers = self.headers_of_call(link, outgoing);
        let push = |out: &mut Buf| match &rewrite {
            None => outgoing.push(out, call),
            Some(rewrite) => outgoing.push_rewritten(out, call, rewrite),
        };
        let Some(entry) = self.links.get_mut(link) else { return };
        match &mut entry.transport {
            Transport::Stdio(stdio) => {
                push(&mut stdio.stdin);
                self.transmit_stdin(link);
            }
            Transport::Remote(_) => {
                let mut body = Buf::new();
                push(&mut body);
                self.post(link, Purpose::Call(call), headers, body);
            }
        }
    }
}

/// Requests of our own.
impl Proxy {
    /// Asks which revisions the upstream speaks.
    pub(super) fn send_discover(&mut self, link: LinkId) {
        self.send_own(link, OwnRequest::Discover, &handshake::discover());
    }

    /// The first message of the legacy handshake.
    pub(super) fn send_initialize(&mut self, link: LinkId) {
        let hello = match self.private_hello(link) {
            Some(params) => write::request(OwnRequest::Initialize.id(), "initialize", params),
            None => handshake::initialize(&self.config.name, &self.config.version),
        };
        self.send_own(link, OwnRequest::Initialize, &hello);
    }

    /// Sends a request of our own to a server, if it is ready.
    pub(super) fn send_own_to_server(&mut self, server: ServerId, request: OwnRequest, message: &str) {
        if let Some(link) = self.ready_link(server) {
            self.send_own(link, request, message);
        }
    }
}

/// Notifications and responses: there is no answer to them.
impl Proxy {
    /// `notifications/initialized`: it ends the handshake.
    pub(super) fn send_initialized(&mut self, link: LinkId, message: &[u8]) {
        self.push_to_link(link, Purpose::Initialized, Headers::new(), message, &mut []);
    }

    /// Sends a message of our own to a link: small, and one of so many as there are things that it can be about.
    pub(super) fn send_to_link(&mut self, link: LinkId, message: &str) {
        self.push_to_link(link, Purpose::OneWay, Headers::new(), message.as_bytes(), &mut []);
    }

    /// Sends a message to a link as it is, but for the parts to be replaced. Nobody misses it where the upstream reads
    /// nothing.
    pub(super) fn forward_to_link(&mut self, link: LinkId, message: &[u8], patches: &mut [Patch<'_>]) {
        if !self.is_clogged(link) {
            self.push_to_link(link, Purpose::OneWay, Headers::new(), message, patches);
        }
    }

    /// Answers an ask of an upstream, which waits for it: where it reads nothing, with an error, which is small.
    pub(super) fn answer_ask(&mut self, ask: &Ask, message: &[u8], patches: &mut [Patch<'_>]) {
        if self.is_clogged(ask.link) {
            let reason = "the answer was dropped, since this server does not read its input fast enough";
            return self.send_to_link(ask.link, &write::error(&ask.id, INTERNAL_ERROR, reason));
        }
        self.push_to_link(ask.link, Purpose::OneWay, Headers::new(), message, patches);
    }

    /// An upstream that reads nothing must not fill the memory.
    pub(super) fn is_clogged(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(|entry| entry.queued_bytes() > limits::LINK_QUEUE_BYTES_MAX)
    }

    /// Sends a message to a link, whatever waits for it already.
    pub(super) fn push_to_link(
        &mut self,
        link: LinkId,
        purpose: Purpose,
        headers: Headers,
        message: &[u8],
        patches: &mut [Patch<'_>],
    ) {
        let Some(entry) = self.links.get_mut(link) else { return };
        match &mut entry.transport {
            Transport::Stdio(stdio) => {
                push_line(&mut stdio.stdin, message, patches);
                self.transmit_stdin(link);
            }
            Transport::Remote(_) => {
                let mut body = Buf::new();
                push_line(&mut body, message, patches);
                self.post(link, purpose, headers, body);
            }
        }
    }

    /// The server's link, if it answers.
    pub(super) fn ready_link(&self, server: ServerId) -> Option<LinkId> {
        self.servers.get(server)?.supervisor.ready_link()
    }
}
