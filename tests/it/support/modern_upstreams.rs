//! Upstreams of the modern era, scripted.

use mcp_proxy::config::RemoteTransport;

use super::playbook::Playbook;
use super::requests::{config, remote_config};

/// Where the remote one is.
pub(crate) const URL: &str = "http://up.example/mcp?key=s";

/// What it says of itself.
pub(crate) const DISCOVERY: &str = concat!(
    r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"#,
    r#""capabilities":{"tools":{},"prompts":{},"resources":{"subscribe":true},"logging":{}},"#,
    r#""ttlMs":0,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"up","version":"2"}}}"#
);

/// What the proxy says of itself in each of its own requests to one.
pub(crate) const OWN_META: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"mcp-proxy","version":"1.2.3"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":"#,
    r#"{"roots":{},"sampling":{"tools":{}},"elicitation":{"form":{},"url":{}}}}"#
);

/// What is said of the client of [`Playbook::session`] in each of its requests.
pub(crate) const META: &str = concat!(
    r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
    r#""io.modelcontextprotocol/clientInfo":{"name":"test","version":"0"},"#,
    r#""io.modelcontextprotocol/clientCapabilities":{"sampling":{},"elicitation":{},"roots":{}}}"#
);

/// The answer to the `count`th `server/discover` on a link.
pub(crate) fn discovered(count: usize) -> String {
    format!(r#"{{"id":{},"result":{DISCOVERY}}}"#, own_id("server/discover", count))
}

/// The answer to the `count`th `tools/list` of the proxy on a link.
pub(crate) fn listed(count: usize, tools: &str) -> String {
    let result = format!(r#"{{"resultType":"complete","tools":[{tools}],"ttlMs":0,"cacheScope":"private"}}"#);
    format!(r#"{{"id":{},"result":{result}}}"#, own_id("tools/list", count))
}

fn own_id(method: &str, count: usize) -> String {
    let count = if count == 0 { String::new() } else { format!(":{count}") };
    format!("\"mcp-proxy:{method}{count}\"")
}

/// A process that is ready and has these tools.
pub(crate) fn process(tools: &str) -> Playbook {
    let mut play = Playbook::probed(config(&["demo"]));
    play.spawned("demo");
    play.says("demo", &discovered(0));
    play.says("demo", &listed(0, tools));
    play.forget();
    play
}

/// A host that is ready and has these tools. Its one connection, which is free, is `up1`.
pub(crate) fn host(tools: &str) -> Playbook {
    let mut play = Playbook::probed(remote_config(URL, RemoteTransport::Auto));
    play.replies("up1", &discovered(0));
    play.replies("up1", &listed(0, tools));
    play.forget();
    play
}
