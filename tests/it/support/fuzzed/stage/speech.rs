//! What downstreams of both eras ask, and how they leave.

use serde_json::{Map, Value};

use super::Stage;
use super::choices::Choices;
use super::downs::Due;
use super::setting::TOKEN;
use crate::support::modern::Modern;
use crate::support::requests::Http;

const VERSIONS: [&str; 5] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2026-07-28"];

const CAPABILITIES: [&str; 6] = [
    r#"{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}"#,
    "{}",
    r#"{"roots":{}}"#,
    r#"{"sampling":{"tools":{}},"elicitation":{},"tasks":{}}"#,
    r#"{"elicitation":{"url":{}}}"#,
    r#"{"sampling":{},"x":[1.0]}"#,
];

/// Methods, and parameters that fit.
const METHODS: [(&str, &str); 20] = [
    ("tools/call", r#""name":"t","arguments":{"x":"1"}"#),
    ("tools/call", r#""name":"x""#),
    ("tools/call", r#""name":"t","arguments":{"x":"1"},"task":{"ttl":1}"#),
    ("tools/list", ""),
    ("prompts/get", r#""name":"p""#),
    ("prompts/list", r#""cursor":"c""#),
    ("resources/read", r#""uri":"file:///x""#),
    ("resources/list", ""),
    ("resources/subscribe", r#""uri":"file:///x""#),
    ("resources/unsubscribe", r#""uri":"file:///x""#),
    ("completion/complete", r#""ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"}"#),
    ("logging/setLevel", r#""level":"info""#),
    ("ping", ""),
    ("tasks/get", r#""taskId":"t1""#),
    ("tasks/result", r#""taskId":"t1""#),
    ("tasks/list", ""),
    ("tasks/cancel", r#""taskId":"t1""#),
    ("server/discover", ""),
    ("unknown/method", r#""a":1"#),
    ("subscriptions/listen", r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":["file:///x"]}"#),
];

/// Paths beside those of the protocol.
const PATHS: [&str; 10] = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/demo/mcp",
    "/demo/sse",
    "/demo/message?sessionId=x",
    "/nobody/mcp",
    "/.well-known/oauth-protected-resource",
    "/oauth/authorize?client_id=c",
];

fn path(server: &str) -> String {
    format!("/{server}/mcp")
}

/// With the token that some servers ask for.
fn opened(http: Http) -> Http {
    http.with("Authorization", &format!("Bearer {TOKEN}"))
}

impl Stage {
    /// The name of one that is configured.
    fn server(&self, choices: &mut Choices<'_>) -> String {
        choices.newest(&self.config.servers).map_or("gone", |server| &server.name).to_owned()
    }

    pub(super) fn initialize(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let server = self.server(choices);
        let party = format!("initialize {}", self.known.last_id());
        let id = self.known.fresh_id(&party);
        let (version, capabilities) = (choices.pick(&VERSIONS), choices.pick(&CAPABILITIES));
        let info = "{\"name\":\"c\",\"version\":\"0\"}";
        let params = format!("\"protocolVersion\":\"{version}\",\"capabilities\":{capabilities},\"clientInfo\":{info}");
        let message = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"initialize\",\"params\":{{{params}}}}}");
        let http = opened(Http::post(&path(&server), &message));
        self.request(at, &http.text(), Due::of(&party, &server));
    }

    /// A message within a session, if there is one.
    pub(super) fn speak(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let is_over_sse = choices.byte() & 3 == 3;
        let (party, http) = if is_over_sse {
            let Some(endpoint) = choices.newest(&self.known.endpoints).cloned() else { return };
            (endpoint.clone(), Http::post(&endpoint, ""))
        } else {
            let Some((server, token)) = choices.newest(&self.known.sessions).cloned() else { return };
            (token.clone(), Http::post(&path(&server), "").session(&token))
        };
        let message = self.message(&party, choices);
        // What a POST to HTTP+SSE is answered with is nobody's answer but for a refusal, which has the id as well.
        self.request(at, &opened(http.body(&message)).text(), Due::of(&party, ""));
    }

    fn message(&mut self, party: &str, choices: &mut Choices<'_>) -> String {
        match choices.below(12) {
            0..=5 => self.legacy_request(party, choices),
            6 => "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}".to_owned(),
            7 => {
                let id = self.known.last_id().saturating_sub(choices.below(4) as u32);
                format!(
                    "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\
                     \"params\":{{\"requestId\":\"~{id}\",\"reason\":\"r\"}}}}"
                )
            }
            8 => {
                let ask = choices.newest(&self.known.asks).map_or("1", String::as_str);
                let kinds = ["\"result\":{\"action\":\"accept\"}", "\"error\":{\"code\":-1,\"message\":\"no\"}"];
                format!("{{\"jsonrpc\":\"2.0\",\"id\":{ask},{}}}", choices.pick(&kinds))
            }
            9 => {
                let ask = choices.newest(&self.known.asks).map_or("1", String::as_str);
                let (roots, progress) = (
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}".to_owned(),
                    format!(
                        "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\
                         \"params\":{{\"progressToken\":{ask},\"progress\":1}}}}"
                    ),
                );
                if choices.flag() { roots } else { progress }
            }
            10 => {
                let first = self.legacy_request(party, choices);
                format!("[{first},{}]", self.legacy_request(party, choices))
            }
            _ => choices.text(),
        }
    }

    fn legacy_request(&mut self, party: &str, choices: &mut Choices<'_>) -> String {
        let id = self.known.fresh_id(party);
        let (method, params) = choices.pick(&METHODS);
        let meta = match choices.below(3) {
            0 => String::new(),
            1 => format!("\"_meta\":{{\"progressToken\":{id}}}"),
            _ => "\"_meta\":{\"a\":1}".to_owned(),
        };
        let comma = if params.is_empty() || meta.is_empty() { "" } else { "," };
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{{{params}{comma}{meta}}}}}")
    }

    /// A request of the modern era.
    pub(super) fn speak_modern(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let server = self.server(choices);
        let party = format!("modern {}", self.known.last_id());
        let id = self.known.fresh_id(&party);
        let (method, params) = *choices.pick(&METHODS);
        let mut modern = Modern::new(&id, method).capabilities(CAPABILITIES[choices.below(CAPABILITIES.len())]);
        let params: Map<String, Value> = serde_json::from_str(&format!("{{{params}}}")).expect("parameters");
        for (member, value) in &params {
            modern = match value.as_str().filter(|_| ["name", "uri", "taskId"].contains(&member.as_str())) {
                Some(name) => modern.about(member, name),
                None => modern.param(member, &value.to_string()),
            };
        }
        let bits = choices.byte();
        if bits & 1 == 1 {
            modern = modern.token(&id);
        }
        if bits & 2 == 2 {
            modern = modern.level("debug");
        }
        if bits & 12 == 12 {
            modern = self.answering(modern, choices);
        }
        let http = opened(modern.http().at(&path(&server)));
        let http =
            if bits & 16 == 0 && params.contains_key("arguments") { http.with("Mcp-Param-X", "1") } else { http };
        self.request(at, &http.text(), Due::of(&party, &server));
    }

    fn answering(&self, modern: Modern, choices: &mut Choices<'_>) -> Modern {
        let forged = choices.flag().then(|| choices.word().replace(['"', '\\'], ""));
        let state = forged.or_else(|| choices.newest(&self.known.states).cloned()).unwrap_or_default();
        let answers: Vec<String> = self
            .known
            .keys
            .iter()
            .rev()
            .take(choices.below(4))
            .map(|key| format!("\"{key}\":{{\"action\":\"accept\"}}"))
            .collect();
        modern.answering(&state, &format!("{{{}}}", answers.join(",")))
    }

    /// Opens a stream, comes back to one, or ends a session.
    pub(super) fn listen(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let kind = choices.below(4);
        if kind == 0 {
            let server = self.server(choices);
            let http = opened(Http::get(&format!("/{server}/sse")));
            return self.request(at, &http.text(), Due::of("nobody yet", &server));
        }
        let Some((server, token)) = choices.newest(&self.known.sessions).cloned() else { return };
        let mut due = Due::of(&token, &server);
        let http = match kind {
            1 => Http::get(&path(&server)),
            2 => {
                let own: Vec<_> = self.known.events.iter().filter(|(party, _)| *party == token).collect();
                let id = choices.newest(&own).map_or("1-0", |(_, id)| id.as_str());
                Http::get(&path(&server)).with("Last-Event-ID", id)
            }
            _ => {
                due.is_head = choices.flag();
                Http::new(if due.is_head { "HEAD" } else { "DELETE" }, &path(&server))
            }
        };
        self.request(at, &opened(http.session(&token)).text(), due);
    }

    /// A request of any kind: its framing is right, the rest need not be.
    pub(super) fn ask_anything(&mut self, choices: &mut Choices<'_>) {
        let Some(at) = self.speaker(choices) else { return };
        let method = *choices.pick(&["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"]);
        let target = format!("{}{}", choices.pick(&PATHS), choices.word());
        let mut http = Http::new(method, &target);
        for name in ["Origin", "Accept", "Mcp-Session-Id", "Last-Event-ID", "MCP-Protocol-Version", "Mcp-Method"] {
            if choices.byte() & 3 == 3 {
                http = http.with(name, &choices.word());
            }
        }
        let http = if method == "POST" { opened(http.with("Content-Type", "application/json")) } else { http };
        let text = if method == "POST" { http.body(&choices.text()).text() } else { http.text() };
        self.request(at, &text, Due { party: "anybody".to_owned(), server: String::new(), is_head: method == "HEAD" });
    }
}
