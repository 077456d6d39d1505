//! What legacy downstreams ask for and modern upstreams do not know is answered here.

use std::time::Instant;

use super::Proxy;
use crate::base::buf::Buf;
use crate::base::id::LinkId;
use crate::base::sequence::CallId;
use crate::codec::jsonrpc::envelope::{self, Message};
use crate::codec::jsonrpc::object::Object;
use crate::codec::jsonrpc::splice::push_line;
use crate::codec::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND, write};
use crate::mcp::call::CallKind;
use crate::mcp::introduction;
use crate::mcp::method::McpMethod;
use crate::mcp::tally::CallEnd;

use super::sending::Outgoing;

impl Proxy {
    /// Whether a call is a legacy downstream's, before a modern upstream.
    pub(super) fn is_bridged(&self, link: LinkId, call: CallId) -> bool {
        self.is_modern_link(link) && self.calls.get(call).is_some_and(|call| call.modern.is_none())
    }

    /// Answers a call that its link does not know. Says whether it is one.
    pub(super) fn stands_in(&mut self, link: LinkId, id: CallId, outgoing: &Outgoing<'_>, now: Instant) -> bool {
        let Some(call) = self.calls.get(id).filter(|_| self.is_bridged(link, id)) else { return false };
        match call.method {
            McpMethod::Ping => self.answer_call(id, "{}", now),
            McpMethod::SetLevel => self.keep_level(id, now),
            McpMethod::Discover
            | McpMethod::Listen
            | McpMethod::ListTasks
            | McpMethod::GetTask
            | McpMethod::TaskResult
            | McpMethod::CancelTask
            | McpMethod::UpdateTask => self.answer_unknown(id, now),
            // The session has it already, or names none.
            McpMethod::Subscribe if call.kind.subscribed().is_none() => match introduction::uri(outgoing.params.text) {
                Some(_) => self.answer_call(id, "{}", now),
                None => {
                    let reason = "resources/subscribe needs one parameter \"uri\", a string";
                    self.answer_with_error(id, INVALID_PARAMS, reason, now);
                }
            },
            McpMethod::CallTool if matches!(call.kind, CallKind::BeginTask) => {
                return self.call_without_task(link, id, outgoing, now);
            }
            McpMethod::CallTool
            | McpMethod::ListTools
            | McpMethod::Initialize
            | McpMethod::ListPrompts
            | McpMethod::GetPrompt
            | McpMethod::ListResources
            | McpMethod::ListTemplates
            | McpMethod::ReadResource
            | McpMethod::Subscribe
            | McpMethod::Unsubscribe
            | McpMethod::Complete
            | McpMethod::Other => return false,
        }
        true
    }

    /// The answer to a call, which nobody upstream has to give.
    pub(super) fn answer_call(&mut self, id: CallId, result: &str, now: Instant) {
        if let Some(call) = self.end_call(id, CallEnd::Ok, now) {
            let body = write::result(&call.id, result);
            self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
        }
    }

    pub(super) fn answer_with_error(&mut self, id: CallId, code: i32, reason: &str, now: Instant) {
        if let Some(call) = self.end_call(id, CallEnd::Error, now) {
            let body = write::error(&call.id, code, reason);
            self.push_reply(call.stream, 200, &[], &[body.as_bytes()], now);
        }
    }

    fn answer_unknown(&mut self, id: CallId, now: Instant) {
        let method = self.calls.get(id).map_or("", |call| call.method.as_str());
        self.answer_with_error(id, METHOD_NOT_FOUND, &format!("Method not found: {method}"), now);
    }

    /// Each of the session's requests says it from now on.
    fn keep_level(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get(id) else { return };
        let CallKind::SetLevel(level) = call.kind else {
            let reason = "logging/setLevel needs one parameter \"level\", a level of RFC 5424";
            return self.answer_with_error(id, INVALID_PARAMS, reason, now);
        };
        if let Some(session) = call.session.and_then(|session| self.sessions.get_mut(session)) {
            session.log_level = Some(level);
        }
        self.answer_call(id, "{}", now);
    }

    /// Neither era knows the tasks of the other. Who asks for one although none was offered gets the answer at once.
    fn call_without_task(&mut self, link: LinkId, id: CallId, outgoing: &Outgoing<'_>, now: Instant) -> bool {
        let read = envelope::read_message(outgoing.message);
        let Ok(Message::Request { id: own_id, method, params }) = read else { return false };
        let Some(mut params) = params.text.and_then(Object::read) else { return false };
        params.remove(|name, _| name == "task");
        if let Some(call) = self.calls.get_mut(id) {
            call.kind = CallKind::Active;
        }
        let mut line = Buf::new();
        push_line(&mut line, write::request(own_id, &method, &params.to_string()).as_bytes(), &mut []);
        self.begin_waiting_call(link, id, line.as_slice(), now);
        true
    }
}
