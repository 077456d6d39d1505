//! `logEnabled`: a line for each request of a downstream to a server, written when its answer is complete or lost.
//!
//! ```text
//!  head, the server is known ──▶ body: what it asks for ──▶ head of the answer: its status ──▶ complete, or lost
//! ```
//!
//! Where nothing is to be logged nothing is noted. Of a downstream's own words there are the method of its message and
//! the tool's name, shortened. Tokens, queries and bodies are never told, and of the path only what the operator chose.

use std::rc::Rc;
use std::time::Instant;

use super::interface::{Field, Level, Record};
use super::{Output, Proxy};
use crate::base::id::{ConnId, ServerId};
use crate::base::text::shorten;
use crate::codec::http::Method;
use crate::codec::jsonrpc::envelope::{BatchItem, Message};
use crate::config::ServerConfig;
use crate::mcp::tool_filter::called_tool;

/// As nginx has it: the downstream was gone before the answer began.
const LOST: u16 = 499;

/// A request that will be logged, as far as it is known.
#[derive(Debug)]
pub(super) struct RequestNote {
    server: Rc<ServerConfig>,
    /// The last segment of its path.
    endpoint: &'static str,
    method: Method,
    came: Instant,
    body: Option<Asked>,
    pub(super) status: Option<u16>,
    /// What waited for the downstream when the request came: it belongs to earlier answers.
    waited_bytes: usize,
    /// What the downstream has taken since.
    pub(super) taken_bytes: usize,
}

/// What a body asks for.
#[derive(Debug)]
enum Asked {
    /// A request or notification.
    Method { name: String, tool: Option<String> },
    /// The answer to an ask.
    Response,
    /// So many messages.
    Batch(usize),
}

impl Asked {
    fn of(message: &Message<'_>) -> Asked {
        match message {
            Message::Request { method, params, .. } | Message::Notification { method, params } => {
                let tool = if method == "tools/call" { called_tool(params.text) } else { None };
                let tool = tool.map(|tool| shorten(&tool).into_owned());
                Asked::Method { name: shorten(method).into_owned(), tool }
            }
            Message::Response { .. } => Asked::Response,
        }
    }

    fn fields(self) -> Vec<(&'static str, Field)> {
        match self {
            Asked::Method { name, tool } => {
                let tool = tool.map(|tool| ("tool", Field::Text(tool)));
                [("rpc", Field::Text(name))].into_iter().chain(tool).collect()
            }
            Asked::Response => vec![("rpc", Field::Text("response".to_owned()))],
            Asked::Batch(count) => {
                vec![("rpc", Field::Text("batch".to_owned())), ("messages", Field::Number(count as u64))]
            }
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The answer is complete; so much of it and of what came before has yet to be sent.
    Complete { unsent_bytes: usize },
    /// The connection is gone.
    Lost,
}

impl RequestNote {
    fn into_record(self, base: &str, ending: Ending, now: Instant) -> Record {
        let path = format!("{base}/{}/{}", self.server.label, self.endpoint);
        let unsent_bytes = match ending {
            Ending::Complete { unsent_bytes } => unsent_bytes,
            Ending::Lost => 0,
        };
        let bytes = (self.taken_bytes + unsent_bytes).saturating_sub(self.waited_bytes);
        let mut fields = vec![("method", Field::Text(self.method.as_str().to_owned())), ("path", Field::Text(path))];
        fields.extend(self.body.into_iter().flat_map(Asked::fields));
        fields.extend([
            ("status", Field::Number(self.status.unwrap_or(LOST).into())),
            ("duration", Field::Time(now.saturating_duration_since(self.came))),
            ("bytes", Field::Number(bytes as u64)),
        ]);
        if ending == Ending::Lost && self.status.is_some() {
            fields.push(("lost", Field::Text("true".to_owned())));
        }
        let message = "request".to_owned();
        Record { level: Level::Info, server: Some(self.server.label.clone()), message, fields }
    }
}

impl Proxy {
    /// It is known for whom a request is.
    pub(crate) fn note_request(
        &mut self,
        conn: ConnId,
        server: ServerId,
        endpoint: &'static str,
        method: Method,
        now: Instant,
    ) {
        let Some(config) = self.servers.get(server).map(|server| &server.config) else { return };
        let Some(conn) = self.conns.get_mut(conn).filter(|_| config.log_enabled) else { return };
        conn.note = Some(Box::new(RequestNote {
            server: Rc::clone(config),
            endpoint,
            method,
            came: now,
            body: None,
            status: None,
            waited_bytes: conn.outgoing.len(),
            taken_bytes: 0,
        }));
    }

    fn note_mut(&mut self, conn: ConnId) -> Option<&mut RequestNote> {
        self.conns.get_mut(conn)?.note.as_deref_mut()
    }

    /// The body of a request is a message.
    pub(crate) fn note_message(&mut self, conn: ConnId, message: &Message<'_>) {
        if let Some(note) = self.note_mut(conn) {
            note.body = Some(Asked::of(message));
        }
    }

    /// The body of a request is a batch.
    pub(crate) fn note_batch(&mut self, conn: ConnId, items: &[BatchItem<'_>]) {
        if let Some(note) = self.note_mut(conn) {
            note.body = Some(Asked::Batch(items.len()));
        }
    }

    /// The answer to the request in hand is complete.
    pub(super) fn log_request(&mut self, conn: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(conn) else { return };
        if let Some(note) = conn.note.take() {
            let ending = Ending::Complete { unsent_bytes: conn.outgoing.len() };
            self.write_note(*note, ending, now);
        }
    }

    /// A connection is gone.
    pub(super) fn log_lost_request(&mut self, note: Option<Box<RequestNote>>, now: Instant) {
        if let Some(note) = note {
            self.write_note(*note, Ending::Lost, now);
        }
    }

    /// The proxy ends, and all connections with it.
    pub(super) fn log_unfinished_requests(&mut self, now: Instant) {
        let notes: Vec<_> = self.conns.iter_mut().filter_map(|(_, conn)| conn.note.take()).collect();
        for note in notes {
            self.write_note(*note, Ending::Lost, now);
        }
    }

    fn write_note(&mut self, note: RequestNote, ending: Ending, now: Instant) {
        let record = note.into_record(self.config.base_url.path(), ending, now);
        self.outputs.push_back(Output::Log(record));
    }
}
