//! What upstreams say: each line is understood, then goes where it belongs.

use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use super::asks::Asked;
use super::{Level, Proxy};
use crate::base::id::{LinkId, ServerId};
use crate::base::sequence::CallId;
use crate::base::text::{shorten, shorten_bytes};
use crate::codec::jsonrpc::envelope::{self, Body, Malformed, Outcome};
use crate::codec::jsonrpc::rewrite::Rewrite;
use crate::codec::jsonrpc::write;
use crate::mcp::attribution::Carrier;
use crate::mcp::call::{CallKind, End};
use crate::mcp::era::MODERN;
use crate::mcp::from_upstream::{self, FromUpstream};
use crate::mcp::tally::CallEnd;
use crate::upstream::catalogue::Next;
use crate::upstream::changes;
use crate::upstream::handshake::{self, OwnRequest};

/// Where a message of an upstream comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) link: LinkId,
    pub(super) server: ServerId,
    pub(super) carrier: Carrier,
}

impl Proxy {
    /// An upstream said something: a message, or an array of them.
    pub(super) fn on_upstream_text(&mut self, link: LinkId, text: &[u8], carrier: Carrier, now: Instant) {
        let Some(server) = self.links.get(link).map(|link| link.server) else { return };
        self.on_line(link, server, text, carrier, now);
    }

    /// Handles something large: what of it goes to a downstream goes there in the memory that it came in.
    pub(super) fn with_lump(&mut self, lump: &Rc<Vec<u8>>, handle: impl FnOnce(&mut Proxy, &[u8])) {
        self.in_hand = Some(Rc::clone(lump));
        handle(self, lump);
        self.in_hand = None;
    }

    fn on_line(&mut self, link: LinkId, server: ServerId, line: &[u8], carrier: Carrier, now: Instant) {
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        if line.trim_ascii_start().starts_with(b"[") {
            return self.on_array(link, server, line, carrier, now);
        }
        let message = match from_upstream::read(line) {
            Ok(message) => message,
            Err(malformed) => return self.warn_of_no_message(server, line, &malformed),
        };
        self.on_message(Source { link, server, carrier }, line, message, now);
    }

    /// A batch of an upstream that speaks 2025-03-26: downstreams get its messages one by one.
    fn on_array(&mut self, link: LinkId, server: ServerId, line: &[u8], carrier: Carrier, now: Instant) {
        match envelope::read_body(line) {
            Ok(Body::Batch(items)) => {
                for item in items.iter().filter(|item| item.text.starts_with('{')) {
                    self.on_line(link, server, item.text.as_bytes(), carrier, now);
                }
            }
            Ok(Body::Single(_)) => {} // what starts as an array is none
            Err(malformed) => self.warn_of_no_message(server, line, &malformed),
        }
    }

    fn warn_of_no_message(&mut self, server: ServerId, line: &[u8], malformed: &Malformed) {
        let reason = &malformed.reason;
        let message = format!("It said something that is no message ({reason}): {}", shorten_bytes(line));
        self.log(Level::Warn, Some(server), message);
    }

    fn on_message(&mut self, source: Source, line: &[u8], message: FromUpstream<'_>, now: Instant) {
        let Source { link, server, .. } = source;
        match message {
            FromUpstream::Reply { call, id, is_error } if self.is_bridged(link, call) => {
                self.on_bridged_reply(source, call, line, &id, is_error, now);
            }
            FromUpstream::Reply { call, id, is_error } => self.on_reply(server, call, line, &id, is_error, now),
            FromUpstream::OwnReply { id, outcome } => match changes::number(id) {
                Some(number) => self.on_changes_answered(link, number, &outcome, now),
                None => self.on_own_reply(link, server, id, &outcome, now),
            },
            FromUpstream::Progress { call, token } => self.on_progress(server, call, line, &token, now),
            FromUpstream::Log { level } => self.on_log(source, line, level, now),
            FromUpstream::ListChanged { .. } | FromUpstream::Updated { .. } if !self.is_heard(link, line) => {}
            FromUpstream::ListChanged { list } => self.on_list_changed(server, line, list, now),
            FromUpstream::Updated { uri } => self.on_updated(server, line, &uri, now),
            FromUpstream::Acknowledged => self.on_acknowledged(link, server, line, now),
            FromUpstream::Ask { .. } | FromUpstream::Ping { .. } if self.is_modern_link(link) => {
                let message = format!("It sent a request, which servers of {MODERN} must not: {}", shorten_bytes(line));
                self.log(Level::Warn, Some(server), message);
            }
            FromUpstream::Ask { kind, id, progress_token, params } => {
                self.on_ask(source, &Asked { line, kind, id, progress_token, params }, now);
            }
            FromUpstream::AskCancelled { id } if self.is_modern_link(link) => self.on_listen_cancelled(link, &id, now),
            FromUpstream::AskCancelled { id } => self.on_ask_cancelled(link, &id, now),
            FromUpstream::Ping { id } => self.forward_to_link(link, write::result(id, "{}").as_bytes(), &mut []),
            FromUpstream::TaskStatus { task } => self.on_thing_changed(server, line, &task, now),
            FromUpstream::ElicitationComplete { elicitation } => {
                self.on_thing_changed(server, line, &elicitation, now);
            }
            FromUpstream::UnknownNotification { method } => self.on_unknown_notice(source, line, &method, now),
            FromUpstream::Stray => {
                let message = format!("It sent something that belongs to nothing: {}", shorten_bytes(line));
                self.log(Level::Debug, Some(server), message);
            }
            FromUpstream::Complaint if self.on_greeting_unread(link, now) => {}
            FromUpstream::Complaint => {
                let message = format!("It could not read a message of ours: {}", shorten_bytes(line));
                self.log(Level::Warn, Some(server), message);
            }
        }
    }

    pub(super) fn on_reply(
        &mut self,
        server: ServerId,
        id: CallId,
        line: &[u8],
        id_range: &Range<usize>,
        is_error: bool,
        now: Instant,
    ) {
        if self.calls.get(id).is_none_or(|call| !call.is_in_flight(server)) {
            return; // cancelled or timed out meanwhile, or never sent
        }
        let reply = || End::Reply { line: line.into(), id: id_range.clone(), is_error };
        if self.end_parked(id, reply, now) {
            return;
        }
        self.end_asks_of_call(id, now);
        let end = if is_error { CallEnd::Error } else { CallEnd::Ok };
        let Some(call) = self.end_call(id, end, now) else { return };
        if call.modern.is_some() {
            return self.push_modern_reply(&call, line, id_range, is_error, now);
        }
        match &call.kind {
            CallKind::Subscribe(uri) if is_error => self.on_subscribe_refused(call.session, uri),
            CallKind::Subscribe(uri) => self.on_subscribed(call.session, uri),
            CallKind::SetLevel(level) if !is_error => {
                if let Some(session) = call.session.and_then(|session| self.sessions.get_mut(session)) {
                    session.log_level = Some(*level);
                }
            }
            CallKind::ListTools if !is_error => {
                return self.push_tool_list(&call, line, id_range, Rewrite::default(), now);
            }
            CallKind::ListTasks if !is_error => return self.push_task_list(&call, line, id_range, now),
            CallKind::BeginTask if !is_error => self.on_task_begun(id, &call, line),
            CallKind::Active | CallKind::BeginTask if is_error => self.on_error_reply(&call, line),
            CallKind::Initialize { .. }
            | CallKind::Discover
            | CallKind::SetLevel(_)
            | CallKind::ListTools
            | CallKind::ListTasks
            | CallKind::BeginTask
            | CallKind::Passive
            | CallKind::Active => {}
        }
        let parts = [&line[..id_range.start], call.id.as_bytes(), &line[id_range.end..]];
        self.push_upstream_reply(&call, &parts, now);
    }

    fn on_own_reply(&mut self, link: LinkId, server: ServerId, id: &str, outcome: &Outcome<'_>, now: Instant) {
        match (OwnRequest::of(id), outcome) {
            (Some(OwnRequest::Discover), outcome) => self.on_discovered(link, server, outcome, now),
            (Some(OwnRequest::Initialize), outcome) => self.on_initialized(link, server, outcome, now),
            (Some(OwnRequest::ListTools), Outcome::Result(result)) => self.on_catalogue_page(server, result, now),
            (Some(OwnRequest::ListTools), Outcome::Error(error)) => {
                let message = format!("Ready, but it does not list its tools: {}", shorten(error));
                self.log(Level::Warn, Some(server), message);
                if let Some(entry) = self.servers.get_mut(server) {
                    entry.catalogue.on_refused();
                }
                self.on_tools_known(server, now);
            }
            (Some(OwnRequest::SetLevel | OwnRequest::Subscription), Outcome::Error(error)) => {
                let message = format!("It refused to restore its state: {}", shorten(error));
                self.log(Level::Warn, Some(server), message);
            }
            (Some(OwnRequest::Ping), _) => {} // whatever it says, it is alive
            (Some(OwnRequest::SetLevel | OwnRequest::Subscription), Outcome::Result(_)) => {}
            (None, _) => {
                self.log(
                    Level::Debug,
                    Some(server),
                    format!("It answered a request that nobody sent: {}", shorten(id)),
                );
            }
        }
    }

    /// Asks for the list of tools, unless that is under way.
    pub(super) fn read_catalogue(&mut self, server: ServerId) {
        if self.servers.get_mut(server).is_some_and(|entry| entry.catalogue.on_stale()) {
            self.send_own_to_server(server, OwnRequest::ListTools, &handshake::list_tools(None));
        }
    }

    fn on_catalogue_page(&mut self, server: ServerId, result: &str, now: Instant) {
        let Some(entry) = self.servers.get_mut(server) else { return };
        match entry.catalogue.on_page(result) {
            Ok(Next::Page(cursor)) => {
                let message = handshake::list_tools(cursor.as_deref());
                self.send_own_to_server(server, OwnRequest::ListTools, &message);
            }
            Ok(Next::Complete { new, is_update, is_another }) => {
                let count = entry.catalogue.tools().len();
                let name = entry.config.label.clone();
                for fault in entry.catalogue.take_faults() {
                    self.log(Level::Warn, Some(server), format!("Left out the tool {fault}"));
                }
                for tool in new {
                    self.log(Level::Info, Some(server), format!("<{name}> Adding tool {}", shorten(&tool)));
                }
                let state = if is_update { "Now" } else { "Ready" };
                self.log(Level::Info, Some(server), format!("{state} with {count} tools"));
                if is_another {
                    self.on_other_tools(server, now);
                }
                self.on_tools_known(server, now);
            }
            Err(reason) => {
                entry.catalogue.on_refused();
                self.log(Level::Warn, Some(server), format!("Its list of tools is not what MCP says: {reason}"));
                self.on_tools_known(server, now);
            }
        }
    }
}
