//! Servers with a URL: what the rest of the program gets to see of them.

use std::time::Duration;

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, Remote, RemoteTransport, load};
use mcp_proxy::limits::REQUEST_TIME;

#[track_caller]
fn resolved(text: &str) -> Config {
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// One server with these members.
#[track_caller]
fn remote(members: &str) -> Remote {
    let config = resolved(&format!(r#"{{ "mcpServers": {{ "a": {{ {members} }} }} }}"#));
    config.servers[0].target.remote().expect("a remote server").clone()
}

fn problems_of(members: &str) -> usize {
    let text = format!(r#"{{ "mcpServers": {{ "a": {{ {members} }} }} }}"#);
    load(&Source::new("config.json", text), &Around::default()).err().map_or(0, |problems| problems.0.len())
}

#[test]
fn a_url_alone_means_sse_as_in_the_reference() {
    let Remote { url, transport, headers } = remote(r#""url": "https://MCP.amap.com:443/sse?key=a/b%20c""#);
    assert_eq!(url.to_string(), "https://mcp.amap.com/sse?key=a/b%20c");
    assert_eq!((transport, headers), (RemoteTransport::Sse, Vec::new()));
}

#[test]
fn the_transport_is_the_one_that_is_written() {
    for (typed, transport) in [
        (r#""sse""#, RemoteTransport::Sse),
        (r#""streamable-http""#, RemoteTransport::Streamable),
        (r#""auto""#, RemoteTransport::Auto),
        (r#""""#, RemoteTransport::Sse),
        ("null", RemoteTransport::Sse),
    ] {
        assert_eq!(remote(&format!(r#""url": "http://a/mcp", "transportType": {typed}"#)).transport, transport);
    }
}

#[test]
fn what_the_reference_takes_for_nothing_is_nothing_here() {
    let nothings = r#""command": "", "args": [], "env": {}, "headers": null, "timeout": null, "transportType": """#;
    assert_eq!(remote(&format!(r#""url": "http://a/mcp", {nothings}"#)).url.to_string(), "http://a/mcp");
    assert_eq!(problems_of(r#""command": "x", "url": "", "headers": {}, "transportType": """#), 0);
}

#[test]
fn placeholders_in_a_query_are_encoded_as_browsers_do() {
    let url = remote(r#""url": "https://mcp.amap.com/sse?key=<YOUR_TOKEN>&q=\"a b\"""#).url;
    assert_eq!(url.query(), Some("key=%3CYOUR_TOKEN%3E&q=%22a%20b%22"));
    assert_eq!(problems_of(r#""url": "https://mcp.amap.com/<KEY>/sse""#), 1, "a path is kept to the letter");
    assert_eq!(problems_of(r#""url": "https://mcp.amap.com/sse?a=%3""#), 1);
}

#[test]
fn headers_are_kept_in_their_order_and_trimmed() {
    let headers = remote(
        r#""url": "http://a/", "headers": { "X-Key": " k\u00e9y ", "authorization": "Bearer t", "Accept": "x",
            "HOST": "b", "Mcp-Session-Id": "1", "Empty": "" }"#,
    )
    .headers;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(headers, [header("X-Key", "k\u{e9}y"), header("authorization", "Bearer t"), header("Empty", "")]);
}

#[test]
fn a_timeout_is_the_servers_request_time() {
    let text = r#"{
        "mcpProxy": { "options": { "requestTimeout": "1h" } },
        "mcpServers": {
            "text": { "url": "http://a/", "timeout": "1m30s" },
            "number": { "url": "http://a/", "timeout": 30000000000 },
            "least": { "url": "http://a/", "timeout": 1000000 },
            "heir": { "url": "http://a/" },
            "own": { "url": "http://a/", "options": { "requestTimeout": "5s" } }
        } }"#;
    let times: Vec<Duration> = resolved(text).servers.iter().map(|server| server.request_time).collect();
    let seconds = Duration::from_secs;
    assert_eq!(times, [seconds(90), seconds(30), Duration::from_millis(1), seconds(3_600), seconds(5)]);
    assert_eq!(resolved(r#"{ "mcpServers": { "a": { "url": "http://a/" } } }"#).servers[0].request_time, REQUEST_TIME);
    assert_eq!(problems_of(r#""url": "http://a/", "timeout": 999999"#), 1);
    assert_eq!(problems_of(r#""url": "http://a/", "timeout": 0"#), 1);
}

#[test]
fn a_server_of_a_wrong_type_is_one_problem() {
    for members in [r#""url": 7"#, r#""command": [], "url": """#, r#""url": "http://a/", "headers": "x""#] {
        assert_eq!(problems_of(members), 1, "{members}");
    }
}

#[test]
fn the_references_own_example_is_accepted() {
    let config = resolved(
        r#"{
        "mcpProxy": { "baseURL": "https://mcp.example.com", "addr": ":9090", "name": "MCP Proxy", "version": "1.0.0",
            "type": "streamable-http",
            "options": { "panicIfInvalid": false, "logEnabled": true, "authTokens": ["DefaultTokens"] } },
        "mcpServers": {
            "fetch": { "command": "uvx", "args": ["mcp-server-fetch"],
                "options": { "panicIfInvalid": true, "logEnabled": false, "authTokens": ["SpecificTokens"] } },
            "amap": { "url": "https://mcp.amap.com/sse?key=<YOUR_TOKEN>" }
        } }"#,
    );
    assert_eq!(config.servers.len(), 2);
    assert_eq!(config.warnings, []);
}
