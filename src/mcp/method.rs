//! What a call asks for, as far as calls are told apart when they are counted.

/// A method of MCP that downstreams may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum McpMethod {
    /// `tools/call`
    CallTool,
    /// `tools/list`
    ListTools,
    /// `initialize`
    Initialize,
    /// `ping`
    Ping,
    /// `prompts/list`
    ListPrompts,
    /// `prompts/get`
    GetPrompt,
    /// `resources/list`
    ListResources,
    /// `resources/templates/list`
    ListTemplates,
    /// `resources/read`
    ReadResource,
    /// `resources/subscribe`
    Subscribe,
    /// `resources/unsubscribe`
    Unsubscribe,
    /// `completion/complete`
    Complete,
    /// `logging/setLevel`
    SetLevel,
    /// `tasks/list`
    ListTasks,
    /// `tasks/get`
    GetTask,
    /// `tasks/result`
    TaskResult,
    /// `tasks/cancel`
    CancelTask,
    /// `tasks/update`
    UpdateTask,
    /// `server/discover`
    Discover,
    /// `subscriptions/listen`
    Listen,
    /// None of these. Peers choose what they call, so their words must not become names of counters.
    Other,
}

impl McpMethod {
    /// All of them, in the order of their declaration, which begins with what is called most.
    pub const ALL: [McpMethod; 21] = [
        McpMethod::CallTool,
        McpMethod::ListTools,
        McpMethod::Initialize,
        McpMethod::Ping,
        McpMethod::ListPrompts,
        McpMethod::GetPrompt,
        McpMethod::ListResources,
        McpMethod::ListTemplates,
        McpMethod::ReadResource,
        McpMethod::Subscribe,
        McpMethod::Unsubscribe,
        McpMethod::Complete,
        McpMethod::SetLevel,
        McpMethod::ListTasks,
        McpMethod::GetTask,
        McpMethod::TaskResult,
        McpMethod::CancelTask,
        McpMethod::UpdateTask,
        McpMethod::Discover,
        McpMethod::Listen,
        McpMethod::Other,
    ];

    /// The method of that name.
    pub fn of(name: &str) -> McpMethod {
        McpMethod::ALL.into_iter().find(|method| method.as_str() == name).unwrap_or(McpMethod::Other)
    }

    /// Whether the answer may be that something is wanted first, for which its downstream comes back (2026-07-28, multi
    /// round-trip requests, supported requests).
    pub fn may_want_input(self) -> bool {
        matches!(self, McpMethod::CallTool | McpMethod::GetPrompt | McpMethod::ReadResource)
    }

    /// Whether it does no harm to send it twice: nothing changes by it.
    pub fn is_harmless(self) -> bool {
        match self {
            McpMethod::ListTools
            | McpMethod::ListPrompts
            | McpMethod::GetPrompt
            | McpMethod::ListResources
            | McpMethod::ListTemplates
            | McpMethod::ReadResource
            | McpMethod::Complete => true,
            McpMethod::CallTool
            | McpMethod::Initialize
            | McpMethod::Ping
            | McpMethod::Subscribe
            | McpMethod::Unsubscribe
            | McpMethod::SetLevel
            | McpMethod::ListTasks
            | McpMethod::GetTask
            | McpMethod::TaskResult
            | McpMethod::CancelTask
            | McpMethod::UpdateTask
            | McpMethod::Discover
            | McpMethod::Listen
            | McpMethod::Other => false,
        }
    }

    /// As it stands in a message; `other` for those that are unknown.
    pub fn as_str(self) -> &'static str {
        match self {
            McpMethod::CallTool => "tools/call",
            McpMethod::ListTools => "tools/list",
            McpMethod::Initialize => "initialize",
            McpMethod::Ping => "ping",
            McpMethod::ListPrompts => "prompts/list",
            McpMethod::GetPrompt => "prompts/get",
            McpMethod::ListResources => "resources/list",
            McpMethod::ListTemplates => "resources/templates/list",
            McpMethod::ReadResource => "resources/read",
            McpMethod::Subscribe => "resources/subscribe",
            McpMethod::Unsubscribe => "resources/unsubscribe",
            McpMethod::Complete => "completion/complete",
            McpMethod::SetLevel => "logging/setLevel",
            McpMethod::ListTasks => "tasks/list",
            McpMethod::GetTask => "tasks/get",
            McpMethod::TaskResult => "tasks/result",
            McpMethod::CancelTask => "tasks/cancel",
            McpMethod::UpdateTask => "tasks/update",
            McpMethod::Discover => "server/discover",
            McpMethod::Listen => "subscriptions/listen",
            McpMethod::Other => "other",
        }
    }
}
