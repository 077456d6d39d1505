//! What goes up, in the words of the link's era. A modern upstream is told with each message who sends it and what they
//! can be asked; over HTTP the head says what the message is about.

use super::Proxy;
use super::links::{Link, Transport};
use super::sending::Outgoing;
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::codec::header_value;
use crate::codec::jsonrpc::envelope::{self, Message, Params};
use crate::codec::jsonrpc::members::member;
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::splice::Patch;
use crate::mcp::meta;
use crate::mcp::standard_headers;
use crate::upstream::exchange::{Headers, Purpose};
use crate::upstream::handshake::{self, OwnRequest};

impl Link {
    /// Whether it speaks the modern era.
    pub(super) fn is_modern(&self) -> bool {
        self.era.is_some_and(|era| era.is_modern())
    }

    /// Whether it has said who it is.
    pub(super) fn is_introduced(&self) -> bool {
        self.era.is_some()
    }
}

/// Calls.
impl Proxy {
    pub(super) fn is_modern_link(&self, link: LinkId) -> bool {
        self.links.get(link).is_some_and(Link::is_modern)
    }

    /// What a link of the other era is to be told otherwise.
    pub(super) fn rewrite_for(&self, link: LinkId, call: CallId, outgoing: &Outgoing<'_>) -> Option<Rewrite> {
        let is_modern_call = self.calls.get(call)?.modern.is_some();
        match (is_modern_call, self.is_modern_link(link)) {
            (true, false) => meta::without_modern_keys(outgoing.message, outgoing.params.meta).ok(),
            (false, true) => self.with_caller(call, outgoing),
            (true, true) if !outgoing.has_modern_keys => self.with_caller(call, outgoing),
            (true, true) | (false, false) => None,
        }
    }

    fn with_caller(&self, call: CallId, outgoing: &Outgoing<'_>) -> Option<Rewrite> {
        let session = self.sessions.get(self.calls.get(call)?.session?)?;
        let keys = session.caller.keys(session.log_level);
        meta::with_modern_keys(outgoing.message, outgoing.params.text, &keys).ok()
    }

    /// The headers of a call that are its own.
    pub(super) fn headers_of_call(&self, link: LinkId, outgoing: &Outgoing<'_>) -> Headers {
        let is_meant = |link: &&Link| link.is_modern() && matches!(link.transport, Transport::Remote(_));
        if self.links.get(link).filter(is_meant).is_none() {
            return Headers::new();
        }
        let Outgoing { method, params, .. } = outgoing;
        let mut headers = method_header(method);
        if let Ok(Some(name)) = standard_headers::name(method, params.text) {
            headers.push((standard_headers::NAME.into(), header_value::encode(&name).into_owned()));
            headers.extend(self.headers_of_tool(link, method, &name, params.text));
        }
        headers
    }

    /// What of a tool's arguments its schema wants to be said in the head.
    fn headers_of_tool(&self, link: LinkId, method: &str, tool: &str, params: Option<&str>) -> Headers {
        let server = self.links.get(link).and_then(|link| self.servers.get(link.server));
        let headers = server.and_then(|server| server.catalogue.headers(tool)).filter(|_| method == "tools/call");
        let said = headers.map(|headers| headers.params(member(params, "arguments"))).unwrap_or_default();
        said.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }
}

/// What says so by itself in a head. Names of methods are chosen by downstreams.
pub(super) fn method_header(method: &str) -> Headers {
    vec![(standard_headers::METHOD.into(), header_value::encode(method).into_owned())]
}

/// Whatever else there is to say.
impl Proxy {
    /// Our own keys in a message of ours, or in one that nobody else answers for.
    pub(super) fn with_own_keys(&self, message: &[u8], params: Option<&str>) -> Option<Rewrite> {
        let info = handshake::own_info(&self.config.name, &self.config.version);
        meta::with_modern_keys(message, params, &handshake::own_keys(&info)).ok()
    }

    /// Sends a request of our own to a link. What its era has no word for is not said.
    pub(super) fn send_own(&mut self, link: LinkId, request: OwnRequest, message: &str) {
        let Some(entry) = self.links.get_mut(link) else { return };
        if entry.is_modern() && !request.is_modern() {
            return;
        }
        let says_who = entry.is_modern() || request == OwnRequest::Discover;
        let headers = entry.headers_for(request);
        let count = entry.own_requests.entry(request).or_default();
        let next_id = request.next_id(*count);
        let is_first = *count == 0;
        *count += 1;
        let Ok(Message::Request { params, .. }) = envelope::read_message(message.as_bytes()) else { return };
        let keys = if says_who { self.with_own_keys(message.as_bytes(), params.text) } else { None };
        // The id is the first member that could hold this.
        let id = message.find(request.id()).filter(|_| !is_first).map(|at| at..at + request.id().len());
        let id = id.map(|range| Patch { range, text: &next_id });
        let mut patches: Vec<Patch<'_>> = id.into_iter().chain(keys.iter().flat_map(Rewrite::patches)).collect();
        self.push_to_link(link, Purpose::Own(request), headers, message.as_bytes(), &mut patches);
    }

    /// Sends a downstream's notification on to a server, if it is ready.
    pub(crate) fn forward_to_server(&mut self, server: ServerId, message: &[u8], params: &Params<'_>) {
        match self.ready_link(server) {
            Some(link) if self.is_modern_link(link) => self.forward_to_modern(link, message),
            Some(link) => {
                let rewrite = meta::without_modern_keys(message, params.meta).unwrap_or_default();
                self.forward_to_link(link, message, &mut rewrite.patches().collect::<Vec<_>>());
            }
            None => {}
        }
    }

    /// What the modern era does not have goes nowhere.
    fn forward_to_modern(&mut self, link: LinkId, message: &[u8]) {
        let Ok(Message::Notification { method, params }) = envelope::read_message(message) else { return };
        if matches!(&*method, "notifications/initialized" | "notifications/roots/list_changed") {
            return;
        }
        let keys = if meta::is_modern(params.meta) { None } else { self.with_own_keys(message, params.text) };
        let mut patches: Vec<Patch<'_>> = keys.iter().flat_map(Rewrite::patches).collect();
        if !self.is_clogged(link) {
            self.push_to_link(link, Purpose::OneWay, method_header(&method), message, &mut patches);
        }
    }
}
