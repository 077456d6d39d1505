//! Greetings of legacy downstreams: `initialize` is answered from what the upstream has said of itself.

use std::time::{Duration, Instant};

use super::Proxy;
use crate::base::buf::Buf;
use crate::base::id::{ServerId, SessionId, StreamId};
use crate::base::sequence::CallId;
use crate::limits;
use crate::mcp::call::{Call, CallKind, CallState};
use crate::mcp::introduction::Greeting;
use crate::mcp::method::McpMethod;
use crate::mcp::session::{Opener, Opening, Transport};
use crate::mcp::tally::CallEnd;
use crate::mcp::trouble::Trouble;
use crate::mcp::version::Version;

impl Proxy {
    /// `initialize` is answered here, as soon as the upstream has introduced itself. Over streamable HTTP there is no
    /// session yet; it begins with the answer.
    pub(crate) fn accept_initialize(
        &mut self,
        server: ServerId,
        session: Option<SessionId>,
        stream: StreamId,
        id: &str,
        (greeting, opener): (Greeting, Opener),
        now: Instant,
    ) {
        let room = self.check_room(server, session, greeting.params.len());
        let server = match room.and_then(|()| self.upstream_for(server, &greeting, now)) {
            Ok(upstream) => upstream,
            Err(trouble) => {
                self.count_call(server, McpMethod::Initialize, CallEnd::Failed, Duration::ZERO);
                return self.answer_with_trouble(server, stream, id, &trouble, now);
            }
        };
        // While it waits, so that its words are counted.
        let mut line = Buf::new();
        if self.ready_link(server).is_none() {
            line.push(greeting.params.as_bytes());
        }
        let call = self.calls.insert(Call {
            server,
            session,
            stream,
            id: id.into(),
            progress_token: None,
            method: McpMethod::Initialize,
            came: now,
            kind: CallKind::Initialize { greeting, opener },
            state: CallState::InFlight,
            modern: None,
            bridged: None,
            was_returned: false,
            due: now,
        });
        if let Some(id) = session {
            self.on_opening(id, Opening::UnderWay);
            if let Some(session) = self.sessions.get_mut(id) {
                session.server = server;
                session.calls.push(call);
            }
        }
        match self.ready_link(server) {
            Some(_) => self.introduce(call, now),
            None => self.wait_for_server(call, line, now),
        }
    }

    /// Answers an `initialize` from what the upstream said of itself, and begins the session.
    pub(super) fn introduce(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.take_call(id, now) else { return };
        let CallKind::Initialize { greeting, opener } = &call.kind else { return };
        self.suspect_unused(call.server);
        if !self.streams.is_live(call.stream) {
            return self.count_ended(&call, CallEnd::Cancelled, now); // nobody would learn the session's name
        }
        let Some(introduction) = self.servers.get(call.server).and_then(|server| server.introduction.clone()) else {
            return;
        };
        let version = Version::negotiate(greeting.asked, introduction.era().counts_as());
        let session = call.session.or_else(|| self.begin_session(call.server, *opener, Transport::Streamable, now));
        let Some(session) = session else {
            let bound = format!("the proxy has too many sessions ({})", limits::SESSIONS_MAX);
            self.count_ended(&call, CallEnd::Failed, now);
            self.answer_with_trouble(call.server, call.stream, &call.id, &Trouble::Crowded { bound }, now);
            return;
        };
        self.count_ended(&call, CallEnd::Ok, now);
        self.on_greeted(session, greeting, version);
        let token = self.sessions.get(session).map(|session| crate::mcp::session::format_token(&session.token));
        let headers = [("Mcp-Session-Id", token.as_deref().unwrap_or_default())];
        let mut parts: Vec<&[u8]> = vec![b"{\"jsonrpc\":\"2.0\",\"id\":", call.id.as_bytes(), b",\"result\":"];
        let result = introduction.for_downstream(version);
        parts.extend(result.iter().map(|part| part.as_bytes()));
        parts.push(b"}");
        self.push_reply(call.stream, 200, &headers, &parts, now);
    }
}
