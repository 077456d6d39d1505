//! `oauth::metadata` and `oauth::resource`: what clients discover.

use serde_json::json;

use mcp_proxy::oauth::access::Denied;
use mcp_proxy::oauth::metadata::{
    authorization_server, challenge, protected_resource, protected_resource_url, unauthorized,
};
use mcp_proxy::oauth::resource::audience;
use mcp_proxy::oauth::store::record::Audience;

use crate::support::oauth::{ISSUER, body, settings};

#[test]
fn the_authorization_server_describes_itself() {
    let answer = authorization_server(ISSUER);
    assert_eq!((answer.status, answer.header("Access-Control-Allow-Origin")), (200, Some("*")));
    let expected = json!({
        "issuer": ISSUER,
        "authorization_endpoint": format!("{ISSUER}/oauth/authorize"),
        "token_endpoint": format!("{ISSUER}/oauth/token"),
        "registration_endpoint": format!("{ISSUER}/oauth/register"),
        "revocation_endpoint": format!("{ISSUER}/oauth/revoke"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["mcp"],
        "authorization_response_iss_parameter_supported": true,
    });
    assert_eq!(body(&answer), expected);
}

#[test]
fn a_resource_is_described_as_it_was_asked_for() {
    let servers = settings().servers;
    for (path, resource, name) in [
        ("/demo/mcp", "/demo/mcp", "demo"),
        ("/demo", "/demo", "demo"),
        ("/demo/sse", "/demo/sse", "demo"),
        ("/demo/mcp/", "/demo/mcp", "demo"),
        ("/team/a/mcp", "/team/a/mcp", "team"),
        ("", "", "MCP"),
        ("/", "", "MCP"),
    ] {
        let answer = protected_resource(ISSUER, &servers, path);
        let expected = json!({
            "resource": format!("{ISSUER}{resource}"), "authorization_servers": [ISSUER], "scopes_supported": ["mcp"],
            "bearer_methods_supported": ["header"], "resource_name": name,
        });
        assert_eq!((answer.status, body(&answer)), (200, expected), "{path}");
    }
    for path in ["/unknown", "/unknown/mcp", "/team", "/team/mcp", "/demo/other", "demo", "/demo/mcp/mcp", "//demo"] {
        assert_eq!(protected_resource(ISSUER, &servers, path).status, 404, "{path}");
    }
}

#[test]
fn the_challenge_points_to_the_document_behind_the_well_known_part() {
    for (issuer, url) in [
        (ISSUER, "https://mcp.example.com/.well-known/oauth-protected-resource/base/demo/mcp"),
        ("http://localhost:9090", "http://localhost:9090/.well-known/oauth-protected-resource/demo/mcp"),
    ] {
        assert_eq!(protected_resource_url(issuer, "/demo/mcp"), url);
        let plain = challenge(issuer, "/demo/mcp", None);
        assert_eq!(plain, format!("Bearer resource_metadata=\"{url}\", scope=\"mcp\""));
    }
    for denied in [Denied::Unknown, Denied::Expired, Denied::OtherServer] {
        let text = challenge(ISSUER, "/demo/mcp", Some(denied));
        assert!(text.starts_with("Bearer error=\"invalid_token\", error_description=\""), "{text}");
        assert_eq!((text.matches("scope=").count(), text.matches("Bearer").count()), (1, 1), "{text}");
        let answer = unauthorized(ISSUER, "/demo/mcp", Some(denied));
        assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some(text.as_str())));
        assert_eq!(body(&answer)["error"], "invalid_token");
    }
}

#[test]
fn resources_are_servers_or_all_of_them() {
    let servers = settings().servers;
    let of = |resource: &str| audience(ISSUER, &servers, resource);
    let server = |name: &str| Some(Audience::Server(name.to_owned()));
    for (resource, expected) in [
        ("https://mcp.example.com/base", Some(Audience::Every)),
        ("https://mcp.example.com/base/", Some(Audience::Every)),
        ("https://mcp.example.com/base/demo/mcp", server("demo")),
        ("https://mcp.example.com/base/demo/mcp/", server("demo")),
        ("https://MCP.example.com:443/base/demo", server("demo")),
        ("https://mcp.example.com/base/demo/sse", server("demo")),
        ("https://mcp.example.com/base/team/a/mcp", server("team/a")),
        ("https://mcp.example.com/base/team/mcp", None),
        ("https://mcp.example.com/base/*", None),
        ("https://mcp.example.com/basement", None),
        ("https://mcp.example.com/basedemo", None),
        ("https://mcp.example.com/demo", None),
        ("https://mcp.example.com/", None),
        ("http://mcp.example.com/base/demo", None),
        ("https://other.example.com/base/demo", None),
        ("https://mcp.example.com:8443/base/demo", None),
        ("https://u@mcp.example.com/base/demo", None),
        ("https://mcp.example.com/base/demo#f", None),
        ("https://mcp.example.com/base/demo?x", None),
        ("https://mcp.example.com/base/other/../demo", None),
        ("demo", None),
    ] {
        assert_eq!(of(resource), expected, "{resource}");
    }
}
