//! The built-in demo: an MCP server of the legacy era that does everything a server can.
//!
//! It is what a newcomer meets first, the upstream of many tests, and a child in the simulator; so it is a pure
//! machine, with no clock and no I/O of its own, and the same input always gives the same output:
//!
//! ```text
//! handle_line(line, now) ──▶ ┌────────────┐ ──▶ poll_output() -> Line, Stderr, Exit
//! handle_timeout(now) ─────▶ │ DemoServer │ ──▶ poll_timeout() -> when to come back
//!                            └────────────┘
//!                   New ── initialize ──▶ Open ── crash ──▶ Over
//! ```
//!
//! It is written for clarity, not for speed: every message becomes a `serde_json::Value`. Whatever comes in, it
//! answers or ignores; it never panics.

mod args;
mod asks;
mod calls;
mod catalogue;
mod complete;
mod level;
mod message;
mod pages;
mod prompts;
mod resources;
mod tools;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::time::Instant;

use serde_json::{Map, Value, json};

use calls::Calls;
use level::Level;
use message::{Fault, Id, Message, Method};
use pages::List;

/// The protocol versions it speaks, oldest first. The last is the answer to whoever asks for another.
const VERSIONS: [&str; 4] = ["2024-11-05", VERSION_WITH_BATCHES, "2025-06-18", VERSION_LATEST];
/// The only version with JSON-RPC batches: they came and went within three months.
const VERSION_WITH_BATCHES: &str = "2025-03-26";
const VERSION_LATEST: &str = "2025-11-25";

const INSTRUCTIONS: &str = "A demo that has one of everything MCP servers offer. Try the tool `echo` first, then \
`slow` to see progress, `ask` to be asked something, and `toggle` to change the list of tools. The prompt `tour` tells \
the rest.";

/// What the server wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write this message, one line of JSON without its end, to stdout.
    Line(String),
    /// Write this line to stderr.
    Stderr(String),
    /// End the process with this status. The last effect there is.
    Exit(i32),
}

/// The server, for one client. See the [module](self).
#[derive(Debug)]
pub struct DemoServer {
    phase: Phase,
    output: VecDeque<Effect>,
    calls: Calls,
    /// What `logging/setLevel` asked for.
    level: Level,
    /// The lists that `toggle` has given an extra entry.
    toggled: BTreeSet<List>,
    /// URIs from `resources/subscribe`; only those of listed resources, so they are few.
    subscriptions: BTreeSet<String>,
    /// How often `bump` was called: the content of `demo://counter`.
    counter: u64,
}

#[derive(Debug)]
enum Phase {
    /// Nobody has said `initialize` yet.
    New,
    Open(Client),
    /// It crashed, as told; nothing is heard any more.
    Over,
}

/// What is known from `initialize`.
#[derive(Debug)]
struct Client {
    version: &'static str,
    capabilities: Map<String, Value>,
}

/// What became of a request that is not refused.
enum Answer {
    Now(Value),
    /// The call is in flight, or there will be no answer at all.
    Later,
}

impl Default for DemoServer {
    fn default() -> Self {
        DemoServer::new()
    }
}

impl DemoServer {
    /// A server as it is right after its process started.
    pub fn new() -> Self {
        DemoServer {
            phase: Phase::New,
            output: VecDeque::new(),
            calls: Calls::default(),
            level: Level::Info,
            toggled: BTreeSet::new(),
            subscriptions: BTreeSet::new(),
            counter: 0,
        }
    }

    /// Takes one line from stdin, with or without its end. Blank lines mean nothing.
    pub fn handle_line(&mut self, line: &[u8], now: Instant) {
        if self.is_over() || line.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice(line) {
            Err(error) => self.answer(None, Err(Fault::parse(&error))),
            // Each message of a batch is answered on its own: the calls in it may take different times.
            Ok(Value::Array(batch)) if self.is_batching() && !batch.is_empty() => {
                for message in batch {
                    self.on_message(message, now);
                }
            }
            Ok(message) => self.on_message(message, now),
        }
    }

    /// Does what is due. To be called at the time from [`DemoServer::poll_timeout`]; earlier or later does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(step) = self.calls.take_step(now) {
            if let Some(progress) = step.progress {
                self.notify("notifications/progress", Some(progress));
            }
            if let Some((id, result)) = step.done {
                self.answer(Some(id), Ok(result));
            }
        }
    }

    /// The next thing to do; to be asked until there is none.
    pub fn poll_output(&mut self) -> Option<Effect> {
        self.output.pop_front()
    }

    /// When [`DemoServer::handle_timeout`] must be called, if at all.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.calls.next_due()
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    fn is_batching(&self) -> bool {
        matches!(&self.phase, Phase::Open(client) if client.version == VERSION_WITH_BATCHES)
    }

    fn on_message(&mut self, message: Value, now: Instant) {
        if self.is_over() {
            return; // a message behind the crash, in the same batch
        }
        match Message::read(message) {
            Ok(Message::Request { id, method, params }) => match self.perform(&id, &method, params, now) {
                Ok(Answer::Now(result)) => self.answer(Some(id), Ok(result)),
                Ok(Answer::Later) => {}
                Err(fault) => self.answer(Some(id), Err(fault)),
            },
            Ok(Message::Notification { method, params }) => self.on_notification(&method, &params),
            Ok(Message::Reply { id, outcome }) => self.on_reply(&id, outcome),
            Err((id, fault)) => self.answer(id, Err(fault)),
        }
    }

    fn perform(&mut self, id: &Id, method: &str, params: Option<Value>, now: Instant) -> Result<Answer, Fault> {
        // An unknown method is one in every phase: that is how clients probe for what this server is not.
        let method = Method::read(method).ok_or_else(|| Fault::method(method))?;
        let params = message::params(params)?;
        match (&self.phase, method) {
            (Phase::Open(_), Method::Initialize) => return Err(Fault::request("`initialize` may come only once")),
            (Phase::Open(_), _) | (_, Method::Initialize | Method::Ping) => {}
            (Phase::New | Phase::Over, _) => return Err(Fault::request("the first request must be `initialize`")),
        }
        let has_extra = |list| self.toggled.contains(&list);
        let result = match method {
            Method::Initialize => self.on_initialize(&params)?,
            Method::Ping => json!({}),
            Method::ListTools => pages::page(List::Tools, catalogue::list(has_extra(List::Tools)), &params)?,
            Method::CallTool => return self.on_call(id, &params, now),
            Method::ListPrompts => pages::page(List::Prompts, prompts::list(has_extra(List::Prompts)), &params)?,
            Method::ReadPrompt => prompts::read(&params, has_extra(List::Prompts))?,
            Method::ListResources => {
                pages::page(List::Resources, resources::list(has_extra(List::Resources)), &params)?
            }
            Method::ListTemplates => pages::page(List::Templates, resources::templates(), &params)?,
            Method::ReadResource => resources::read(&params, has_extra(List::Resources), self.counter)?,
            Method::Subscribe => self.on_subscribe(&params)?,
            Method::Unsubscribe => self.on_unsubscribe(&params)?,
            Method::Complete => complete::complete(&params)?,
            Method::SetLevel => self.on_set_level(&params)?,
        };
        Ok(Answer::Now(result))
    }

    /// Negotiates: the version that was asked for if it is known, else the latest; the client decides whether to stay.
    fn on_initialize(&mut self, params: &Map<String, Value>) -> Result<Value, Fault> {
        let asked = message::text(params, "protocolVersion")?;
        let version = VERSIONS.into_iter().find(|version| *version == asked).unwrap_or(VERSION_LATEST);
        let capabilities = message::object(params.get("capabilities"), "capabilities")?;
        self.phase = Phase::Open(Client { version, capabilities });
        Ok(json!({
            "protocolVersion": version,
            "capabilities": {
                "completions": {},
                "logging": {},
                "prompts": { "listChanged": true },
                "resources": { "listChanged": true, "subscribe": true },
                "tools": { "listChanged": true },
            },
            "serverInfo": { "name": "demo", "title": "mcp-proxy demo", "version": env!("CARGO_PKG_VERSION") },
            "instructions": INSTRUCTIONS,
        }))
    }

    fn on_subscribe(&mut self, params: &Map<String, Value>) -> Result<Value, Fault> {
        let uri = message::text(params, "uri")?;
        if !resources::is_listed(uri, self.toggled.contains(&List::Resources)) {
            return Err(Fault::resource(uri));
        }
        self.subscriptions.insert(uri.to_owned());
        Ok(json!({}))
    }

    fn on_unsubscribe(&mut self, params: &Map<String, Value>) -> Result<Value, Fault> {
        self.subscriptions.remove(message::text(params, "uri")?);
        Ok(json!({}))
    }

    fn on_set_level(&mut self, params: &Map<String, Value>) -> Result<Value, Fault> {
        let level = message::text(params, "level")?;
        self.level = Level::read(level).ok_or_else(|| Fault::params(format!("unknown level `{level}`")))?;
        Ok(json!({}))
    }

    /// Notifications get no answer, not even wrong ones. `initialized` and `roots/list_changed` need no action: this
    /// server sends nothing unasked, and keeps no roots.
    fn on_notification(&mut self, method: &str, params: &Value) {
        if method != "notifications/cancelled" {
            return;
        }
        let Some(id) = params.get("requestId").and_then(|id| Id::read(id.clone())) else { return };
        // Late or wrong: the call is answered, or never was. That is no error (basic/utilities/cancellation).
        let Some(withdrawn) = self.calls.cancel(&id) else { return };
        if let Some(ask) = withdrawn.ask {
            let params = json!({ "requestId": ask, "reason": "the call that asked was cancelled" });
            self.notify("notifications/cancelled", Some(params));
        }
    }

    /// The client's reply to an ask; one that nobody waits for is late, and ignored.
    fn on_reply(&mut self, id: &Value, outcome: Result<Value, Value>) {
        let Some((id, ask)) = id.as_u64().and_then(|id| self.calls.take_ask(id)) else { return };
        self.answer(Some(id), Ok(ask.result(outcome)));
    }

    fn notify(&mut self, method: &str, params: Option<Value>) {
        self.say([("method", Some(method.into())), ("params", params)]);
    }

    fn answer(&mut self, id: Option<Id>, outcome: Result<Value, Fault>) {
        // JSON-RPC 2.0, section 5: the id is null where it could not be made out.
        let id = id.map_or(Value::Null, Id::into_value);
        let (member, value) = match outcome {
            Ok(result) => ("result", result),
            Err(fault) => ("error", fault.into_value()),
        };
        self.say([("id", Some(id)), (member, Some(value))]);
    }

    /// Sends a message, its members in the order in which most servers write them.
    fn say<const N: usize>(&mut self, members: [(&str, Option<Value>); N]) {
        let mut message = String::from(r#"{"jsonrpc":"2.0""#);
        for (name, value) in members {
            if let Some(value) = value {
                // A string takes all that is written to it.
                let _ = write!(message, ",\"{name}\":{value}");
            }
        }
        message.push('}');
        self.output.push_back(Effect::Line(message));
    }
}
