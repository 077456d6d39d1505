//! What upstreams of both eras say: what is right, what is nearly right, and what is not.

use serde_json::Value;

use super::choices::Choices;

/// What a legacy upstream says of itself.
const INTRODUCTION: &str = concat!(
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},"logging":{},"#,
    r#""prompts":{"listChanged":true},"completions":{},"tasks":{},"#,
    r#""resources":{"subscribe":true,"listChanged":true}},"serverInfo":{"name":"up","version":"0"}}"#
);

/// And a modern one.
const DISCOVERY: &str = concat!(
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"ttlMs":0,"cacheScope":"public","#,
    r#""capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true},"logging":{}},"#,
    r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up","version":"2"}}}"#
);

/// A list of tools, with and without parameters that are repeated in headers.
const TOOLS: &str = concat!(
    r#"{"resultType":"complete","ttlMs":0,"cacheScope":"public","tools":[{"name":"t","inputSchema":{"type":"object","#,
    r#""properties":{"x":{"type":"string","x-mcp-header":"X"}}}},{"name":"x","inputSchema":{"type":"object"}}]}"#
);

/// Outcomes of requests, beside lists and introductions.
const OUTCOMES: [&str; 18] = [
    r#""result":{}"#,
    r#""result":{"content":[{"type":"text","text":"hi"}]}"#,
    r#""result":{"resultType":"complete","content":[],"structuredContent":{"a":1.0}}"#,
    concat!(
        r#""result":{"resultType":"input_required","requestState":"s","inputRequests":{"a":{"method":"roots/list"},"#,
        r#""b":{"method":"sampling/createMessage","params":{"messages":[]}}}}"#
    ),
    concat!(
        r#""result":{"resultType":"input_required","inputRequests":{"f":{"method":"elicitation/create","#,
        r#""params":{"message":"?","requestedSchema":{}}},"u":{"method":"elicitation/create","#,
        r#""params":{"mode":"url","url":"http://a","message":"?"}}}}"#
    ),
    r#""result":{"resultType":"input_required","requestState":"later"}"#,
    r#""result":{"resultType":"input_required"}"#,
    r#""result":{"task":{"taskId":"t1","status":"working"}}"#,
    r#""result":{"tasks":[{"taskId":"t1","status":"working"},{"taskId":"t2"}],"nextCursor":"c"}"#,
    r#""result":{"resultType":"task","taskId":"t1"}"#,
    r#""result":{"tools":[{"name":"t"},{"name":"y"}],"nextCursor":"c"}"#,
    r#""error":{"code":-32602,"message":"no","data":{"a":1}}"#,
    r#""error":{"code":-32601,"message":"Method not found"}"#,
    concat!(
        r#""error":{"code":-32042,"message":"visit","data":{"elicitations":[{"mode":"url","elicitationId":"e1","#,
        r#""url":"http://a/b","message":"?"}]}}"#
    ),
    r#""error":{"code":-32020,"message":"headers"}"#,
    r#""error":{"code":-32021,"message":"missing","data":{"requiredCapabilities":{"sampling":{}}}}"#,
    r#""error":{"code":-32022,"message":"version","data":{"supported":["2026-07-28"]}}"#,
    r#""error":{"code":-32002,"message":"gone"}"#,
];

/// What belongs to no request, or says so.
const NOTICES: [&str; 11] = [
    r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/resources/list_changed"}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///x"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug","logger":"l","data":"d"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a1"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e1"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"t1","status":"completed"}}"#,
    r#"{"jsonrpc":"2.0","method":"notifications/unknown","params":{"_meta":{"a":1}}}"#,
    r#"[{"jsonrpc":"2.0","method":"notifications/tools/list_changed"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#,
];

/// What is asked of downstreams.
const ASKS: [&str; 7] = [
    r#""method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}"#,
    r#""method":"sampling/createMessage","params":{"messages":[],"tools":[]}"#,
    r#""method":"elicitation/create","params":{"message":"?","requestedSchema":{}}"#,
    r#""method":"elicitation/create","params":{"mode":"url","elicitationId":"e1","url":"http://a/b","message":"?"}"#,
    r#""method":"roots/list""#,
    r#""method":"ping""#,
    r#""method":"tasks/get","params":{"taskId":"t1"}"#,
];

/// A request of the core that an upstream has not answered.
pub(super) struct Asked {
    /// As JSON.
    pub(super) id: String,
    /// What it is to be told of progress by, as JSON.
    token: Option<String>,
}

/// How an upstream behaves, of which one byte decides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners(u8);

impl Manners {
    pub(super) fn of(byte: u8) -> Manners {
        Manners(byte)
    }

    /// Whether it introduces itself without being told to.
    pub(super) fn is_eager(self) -> bool {
        self.0 & 3 != 3
    }

    fn is_modern(self) -> bool {
        self.0 & 3 == 1
    }

    /// Whether it can be got to at once.
    pub(super) fn is_near(self) -> bool {
        self.0 & 4 == 0
    }

    /// Whether it ends only when it must.
    pub(super) fn is_stubborn(self) -> bool {
        self.0 & 8 == 8
    }

    /// Whether it answers with event streams.
    pub(super) fn streams(self) -> bool {
        self.0 & 16 == 16
    }

    /// Whether its sessions have names.
    pub(super) fn has_sessions(self) -> bool {
        self.0 & 32 == 32
    }

    /// Whether its answers come on the stream (HTTP+SSE).
    pub(super) fn is_old(self) -> bool {
        self.0 & 64 == 64
    }

    /// What it answers to what the core itself wants to know.
    pub(super) fn reply(self, message: &Value) -> Option<String> {
        let (id, method) = (message.get("id")?, message["method"].as_str()?);
        let outcome = match (method, self.is_modern()) {
            ("server/discover", true) => format!("\"result\":{DISCOVERY}"),
            ("server/discover", false) => "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}".to_owned(),
            ("initialize", false) => format!("\"result\":{INTRODUCTION}"),
            ("tools/list", _) if id.as_str().is_some_and(|id| id.starts_with("mcp-proxy:")) => {
                format!("\"result\":{TOOLS}")
            }
            _ => return None,
        };
        self.is_eager().then(|| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{outcome}}}"))
    }
}

/// The request that a message is, if it is one.
pub(super) fn asked(message: &Value) -> Option<Asked> {
    message.get("method")?;
    let token = message["params"]["_meta"].get("progressToken").map(Value::to_string);
    Some(Asked { id: message.get("id")?.to_string(), token })
}

/// Any message. `asked` is what is open.
pub(super) fn say(asked: &mut Vec<Asked>, choices: &mut Choices<'_>) -> Vec<u8> {
    let message = match choices.below(8) {
        0..=2 => reply(asked, choices),
        3 => Some((*choices.pick(&NOTICES)).to_owned()),
        4 => Some(ask(choices)),
        5 => progress(asked, choices),
        6 => Some(about_subscription(asked, choices)),
        _ => None,
    };
    match message {
        Some(message) => message.into_bytes(),
        None => choices.bytes(),
    }
}

fn reply(asked: &mut Vec<Asked>, choices: &mut Choices<'_>) -> Option<String> {
    let at = choices.place(asked.len())?;
    let kind = choices.below(OUTCOMES.len() + 5);
    let outcome = match kind.checked_sub(OUTCOMES.len()) {
        None => OUTCOMES[kind].to_owned(),
        Some(0) => format!("\"result\":{INTRODUCTION}"),
        Some(1) => format!("\"result\":{DISCOVERY}"),
        Some(2) => format!("\"result\":{TOOLS}"),
        Some(3) => format!("\"result\":{{\"content\":[{{\"type\":\"text\",\"text\":\"{}\"}}]}}", large(choices)),
        Some(_) => choices.text(),
    };
    // Some are answered twice.
    let id = if choices.byte() == 7 { asked[at].id.clone() } else { asked.remove(at).id };
    Some(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{outcome}}}"))
}

/// So long that it is passed on in another way.
fn large(choices: &mut Choices<'_>) -> String {
    "l".repeat(1 << (10 + choices.below(10)))
}

fn ask(choices: &mut Choices<'_>) -> String {
    let id = choices.pick(&["\"a1\"", "7", "\"a2\"", "\"\\u0061\""]);
    let kind = choices.below(ASKS.len() + 1);
    let rest = ASKS.get(kind).map_or_else(|| choices.text(), |ask| (*ask).to_owned());
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{rest}}}")
}

fn progress(asked: &[Asked], choices: &mut Choices<'_>) -> Option<String> {
    let tokens: Vec<&String> = asked.iter().filter_map(|asked| asked.token.as_ref()).collect();
    let token = choices.newest(&tokens)?;
    let rest = choices.pick(&["1", "0.5,\"total\":1.0", "2,\"message\":\"m\""]);
    let params = format!("{{\"progressToken\":{token},\"progress\":{rest}}}");
    Some(format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{params}}}"))
}

/// What a modern upstream says in answer to `subscriptions/listen`.
fn about_subscription(asked: &[Asked], choices: &mut Choices<'_>) -> String {
    let id = choices.newest(asked).map_or("1", |asked| &asked.id);
    let (method, rest) = choices.pick(&[
        ("subscriptions/acknowledged", ",\"notifications\":{\"toolsListChanged\":true}"),
        ("subscriptions/acknowledged", ",\"notifications\":{\"resourceSubscriptions\":[\"file:///x\"]}"),
        ("tools/list_changed", ""),
        ("resources/updated", ",\"uri\":\"file:///x\""),
    ]);
    let params = format!("{{\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}{rest}}}");
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}\",\"params\":{params}}}")
}
