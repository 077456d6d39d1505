//! The tools, as `tools/list` describes them.

use serde_json::{Value, json};

use super::level::Level;
use crate::limits::{
    DEMO_BIG_BYTES_MAX, DEMO_LOG_COUNT_MAX, DEMO_SLOW_SECONDS_MAX, DEMO_SLOW_STEPS_MAX, DEMO_TOKENS_MAX,
};

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Echo,
    Add,
    Slow,
    Big,
    Ask,
    Sample,
    Roots,
    Log,
    Bump,
    Toggle,
    Crash,
    /// The one that `toggle` adds and removes.
    Toggled,
}

/// What a tool does to the world, for clients that ask a person before some calls.
enum Nature {
    Reads,
    Changes,
    Destroys,
}

/// All tools, with or without the extra one.
pub(super) fn list(has_extra: bool) -> Vec<Value> {
    let tools = Tool::ALL.into_iter().filter(|tool| has_extra || *tool != Tool::Toggled);
    tools.map(Tool::describe).collect()
}

impl Tool {
    /// In the order of the list: the simplest first, the extra one last.
    const ALL: [Tool; 12] = [
        Tool::Echo,
        Tool::Add,
        Tool::Slow,
        Tool::Big,
        Tool::Ask,
        Tool::Sample,
        Tool::Roots,
        Tool::Log,
        Tool::Bump,
        Tool::Toggle,
        Tool::Crash,
        Tool::Toggled,
    ];

    pub(super) fn read(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Tool::Echo => "echo",
            Tool::Add => "add",
            Tool::Slow => "slow",
            Tool::Big => "big",
            Tool::Ask => "ask",
            Tool::Sample => "sample",
            Tool::Roots => "roots",
            Tool::Log => "log",
            Tool::Bump => "bump",
            Tool::Toggle => "toggle",
            Tool::Crash => "crash",
            Tool::Toggled => "toggled",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Tool::Echo => "Echo",
            Tool::Add => "Add two numbers",
            Tool::Slow => "Take your time",
            Tool::Big => "A big answer",
            Tool::Ask => "Ask the user",
            Tool::Sample => "Ask the model",
            Tool::Roots => "Show the roots",
            Tool::Log => "Write log messages",
            Tool::Bump => "Bump the counter",
            Tool::Toggle => "Change a list",
            Tool::Crash => "Crash",
            Tool::Toggled => "Now you see me",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Tool::Echo => "Says what you say. The quickest way to see that everything is connected.",
            Tool::Add => "Adds two numbers; the sum comes as text and as structured content.",
            Tool::Slow => "Works for some seconds and reports progress at each step. It can be cancelled.",
            Tool::Big => "Answers with a text of exactly as many bytes as you want; each 16 of them say their offset.",
            Tool::Ask => "Asks the user to fill in a small form (elicitation) and tells what the answer was.",
            Tool::Sample => "Asks the client's model (sampling) and tells what it said.",
            Tool::Roots => "Asks the client for its roots, the folders it works in, and lists them.",
            Tool::Log => "Sends log messages to the client, if its log level lets them through.",
            Tool::Bump => "Adds one to the resource demo://counter; whoever subscribed to it is notified.",
            Tool::Toggle => "Adds an extra entry to a list, or takes it away again; the client is notified.",
            Tool::Crash => "Ends the server's process, as a bug would: no answer comes. Good to see what happens then.",
            Tool::Toggled => "The tool that `toggle` adds and removes.",
        }
    }

    fn nature(self) -> Nature {
        match self {
            Tool::Echo | Tool::Add | Tool::Slow | Tool::Big | Tool::Toggled => Nature::Reads,
            Tool::Ask | Tool::Sample | Tool::Roots | Tool::Log => Nature::Reads,
            Tool::Bump | Tool::Toggle => Nature::Changes,
            Tool::Crash => Nature::Destroys,
        }
    }

    /// The `properties` of the input schema.
    fn properties(self) -> Value {
        match self {
            Tool::Echo => json!({ "message": { "type": "string", "description": "What to say" } }),
            Tool::Add => json!({ "a": { "type": "number" }, "b": { "type": "number" } }),
            Tool::Slow => json!({
                "seconds": { "type": "number", "minimum": 0, "maximum": DEMO_SLOW_SECONDS_MAX, "default": 5,
                    "description": "How long to take" },
                "steps": { "type": "integer", "minimum": 1, "maximum": DEMO_SLOW_STEPS_MAX, "default": 5,
                    "description": "How often to report progress on the way" },
            }),
            Tool::Big => json!({
                "bytes": { "type": "integer", "minimum": 0, "maximum": DEMO_BIG_BYTES_MAX,
                    "description": "The length of the text" },
            }),
            Tool::Ask => json!({
                "question": { "type": "string", "description": "What to write above the form" },
            }),
            Tool::Sample => json!({
                "prompt": { "type": "string", "description": "What to tell the model" },
                "maxTokens": { "type": "integer", "minimum": 1, "maximum": DEMO_TOKENS_MAX, "default": 100,
                    "description": "How long its answer may be" },
            }),
            Tool::Roots | Tool::Bump | Tool::Toggled => json!({}),
            Tool::Log => json!({
                "level": { "type": "string", "enum": Level::ALL.map(Level::name), "default": "info" },
                "message": { "type": "string", "description": "What to log" },
                "count": { "type": "integer", "minimum": 1, "maximum": DEMO_LOG_COUNT_MAX, "default": 1,
                    "description": "How many messages to send" },
            }),
            Tool::Toggle => json!({
                "list": { "type": "string", "enum": ["tools", "prompts", "resources"], "default": "tools",
                    "description": "Which list to change" },
            }),
            Tool::Crash => json!({
                "code": { "type": "integer", "minimum": 0, "maximum": 255, "default": 3,
                    "description": "The exit status" },
                "message": { "type": "string", "description": "The last words on stderr" },
            }),
        }
    }

    fn required(self) -> &'static [&'static str] {
        match self {
            Tool::Echo => &["message"],
            Tool::Add => &["a", "b"],
            Tool::Big => &["bytes"],
            Tool::Slow | Tool::Ask | Tool::Sample | Tool::Roots | Tool::Log => &[],
            Tool::Bump | Tool::Toggle | Tool::Crash | Tool::Toggled => &[],
        }
    }

    fn describe(self) -> Value {
        let mut tool = json!({
            "name": self.name(),
            "title": self.title(),
            "description": self.description(),
            "annotations": self.nature().annotations(),
            "inputSchema": { "type": "object", "properties": self.properties() },
        });
        if !self.required().is_empty() {
            tool["inputSchema"]["required"] = json!(self.required());
        }
        if self == Tool::Add {
            let properties = json!({ "sum": { "type": "number" } });
            tool["outputSchema"] = json!({ "type": "object", "properties": properties, "required": ["sum"] });
        }
        tool
    }
}

impl Nature {
    fn annotations(self) -> Value {
        match self {
            Nature::Reads => json!({ "readOnlyHint": true, "openWorldHint": false }),
            Nature::Changes => {
                json!({ "readOnlyHint": false, "destructiveHint": false, "openWorldHint": false })
            }
            Nature::Destroys => json!({ "readOnlyHint": false, "destructiveHint": true, "openWorldHint": false }),
        }
    }
}
