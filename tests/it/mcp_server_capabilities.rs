//! `mcp::server_capabilities`: what an upstream can do, and what of that downstreams are told.

use mcp_proxy::codec::jsonrpc::object::Object;
use mcp_proxy::mcp::server_capabilities::{ServerCapabilities, across_eras};

#[test]
fn they_are_there_if_the_member_is() {
    let none = ServerCapabilities::default();
    let cases = [
        ("{}", none),
        (r#"{"tools":{}}"#, ServerCapabilities { tools: true, ..none }),
        (
            r#"{"tools":{"listChanged":true},"logging":{}}"#,
            ServerCapabilities { tools: true, tells_tools: true, logging: true, ..none },
        ),
        (
            r#"{"resources":{"subscribe":true,"listChanged":false},"completions":{}}"#,
            ServerCapabilities { resources: true, subscribe: true, completions: true, ..none },
        ),
        (
            r#"{"prompts":{"listChanged":true},"resources":{"listChanged":true}}"#,
            ServerCapabilities { prompts: true, tells_prompts: true, resources: true, tells_resources: true, ..none },
        ),
        (r#"{"logging":{},"experimental":{"tools":{}}}"#, ServerCapabilities { logging: true, ..none }),
        (r#"{"tools":null,"logging":null}"#, none),
        (r#"{"t\u006fols":{}}"#, ServerCapabilities { tools: true, ..none }),
        (r#"{"tools":7,"resources":[]}"#, ServerCapabilities { tools: true, resources: true, ..none }),
    ];
    for (capabilities, expected) in cases {
        assert_eq!(ServerCapabilities::read(&Object::read(capabilities).unwrap()), expected, "{capabilities}");
    }
}

#[test]
fn neither_era_is_told_of_the_tasks_of_the_other() {
    let cases = [
        (r#"{"tools":{"listChanged":true},"x":{"y":1.0}}"#, r#"{"tools":{"listChanged":true},"x":{"y":1.0}}"#),
        (r#"{"tasks":{"list":{}},"prompts":{}}"#, r#"{"prompts":{}}"#),
        (
            r#"{"extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{"a":[]}}}"#,
            r#"{"extensions":{"io.modelcontextprotocol/ui":{"a":[]}}}"#,
        ),
        (r#"{"extensions":{"io.modelcontextprotocol/tasks":{}},"logging":{}}"#, r#"{"logging":{}}"#),
        (r#"{"logging":null,"extensions":{"a/b":{}}}"#, r#"{"extensions":{"a/b":{}}}"#),
    ];
    for (capabilities, expected) in cases {
        assert_eq!(across_eras(Object::read(capabilities).unwrap()).to_string(), expected);
    }
}
