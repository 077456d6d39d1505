//! The server behind the proxy: it knows three requests, and answers them as official servers do.

use crate::script::Script;

/// What the server says; everything that does not depend on the request is written beforehand.
pub(crate) struct Upstream {
    introduction: &'static str,
    result: String,
}

const LEGACY: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"up","version":"0"}}"#;

const MODERN: &str = concat!(
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"#,
    r#""ttlMs":0,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up","version":"2"}}}"#
);

const TOOLS: &str = concat!(
    r#"{"resultType":"complete","ttlMs":0,"cacheScope":"public","#,
    r#""tools":[{"name":"echo","inputSchema":{"type":"object"}}]}"#
);

/// What a client's calls are asked with, unlike the proxy's own words, of which there are few.
const CALL: &[u8] = br#""tools/call""#;

impl Upstream {
    /// Of the era of the script's clients.
    pub(crate) fn of(script: &Script) -> Upstream {
        let (introduction, of_type) = match script.is_modern {
            true => (MODERN, r#""resultType":"complete","#),
            false => (LEGACY, ""),
        };
        let text = "x".repeat(script.text_bytes);
        Upstream { introduction, result: format!(r#"{{{of_type}"content":[{{"type":"text","text":"{text}"}}]}}"#) }
    }

    /// What it says to a message; nothing to a notification.
    pub(crate) fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let id = id_within(message)?;
        let result = if find(message, CALL).is_some() {
            &self.result
        } else if find(message, br#""server/discover""#).is_some() && self.introduction == LEGACY {
            return Some(answer(id, r#""error":{"code":-32601,"message":"Method not found"}"#));
        } else if find(message, br#""tools/list""#).is_some() {
            TOOLS
        } else {
            self.introduction
        };
        Some(answer(id, &format!(r#""result":{result}"#)))
    }
}

fn answer(id: &str, outcome: &str) -> Vec<u8> {
    [r#"{"jsonrpc":"2.0","id":"#, id, ",", outcome, "}"].concat().into_bytes()
}

/// The id, as JSON text: of ours, it stands in front.
fn id_within(message: &[u8]) -> Option<&str> {
    const KEY: &[u8] = br#""id":"#;
    let rest = &message[find(message, KEY)? + KEY.len()..];
    let end = rest.iter().position(|byte| *byte == b',').expect("an end of the id");
    Some(std::str::from_utf8(&rest[..end]).expect("text").trim())
}

/// Where a pattern begins that begins with a quote.
pub(crate) fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, pattern)
}
