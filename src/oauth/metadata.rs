//! What clients discover: the documents of RFC 8414 and RFC 9728, and the challenge that points to them.
//!
//! The issuer is the canonical base URL `B`, byte for byte the same everywhere: SDKs compare it as text. Its path, if
//! it has one, stands behind the well-known part: `https://host/.well-known/oauth-protected-resource/path/N/mcp`.

use serde_json::json;

use super::access::Denied;
use super::answer::{Answer, Code, Fault};
use super::resource::server_at;
use super::settings::SCOPE;
use super::store::record::AuthMethod;

/// RFC 9728 (3.1).
pub const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
/// RFC 8414 (3).
pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// The one document about the authorization server, whichever of its paths was asked for.
pub fn authorization_server(issuer: &str) -> Answer {
    Answer::json(
        200,
        &json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/oauth/authorize"),
            "token_endpoint": format!("{issuer}/oauth/token"),
            "registration_endpoint": format!("{issuer}/oauth/register"),
            "revocation_endpoint": format!("{issuer}/oauth/revoke"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": AuthMethod::ALL.map(AuthMethod::as_str),
            "revocation_endpoint_auth_methods_supported": AuthMethod::ALL.map(AuthMethod::as_str),
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": [SCOPE],
            "authorization_response_iss_parameter_supported": true,
        }),
    )
}

/// The document about what is behind `path`: what follows the well-known part and the path of the issuer, such as
/// `/N/mcp`, `/N` or nothing. The resource is the URL that was asked about: SDKs want it to be a prefix of theirs.
pub fn protected_resource(issuer: &str, servers: &[String], path: &str) -> Answer {
    let path = path.trim_end_matches('/');
    let name = match path.strip_prefix('/') {
        None if path.is_empty() => "MCP",
        None => return unknown(),
        Some(rest) => match server_at(servers, rest) {
            Some((name, _)) => name.split('/').next().unwrap_or_default(),
            None => return unknown(),
        },
    };
    Answer::json(
        200,
        &json!({
            "resource": format!("{issuer}{path}"),
            "authorization_servers": [issuer],
            "scopes_supported": [SCOPE],
            "bearer_methods_supported": ["header"],
            "resource_name": name,
        }),
    )
}

/// Where there is no document.
pub fn unknown() -> Answer {
    Answer { status: 404, ..Fault::new(Code::InvalidTarget, "there is no such server").into() }
}

/// Where the document about a path behind the issuer is: `path` is as for [`protected_resource`].
pub fn protected_resource_url(issuer: &str, path: &str) -> String {
    let authority = issuer.find("://").map_or(0, |at| at + 3);
    let root = issuer[authority..].find('/').map_or(issuer.len(), |at| authority + at);
    format!("{}{PROTECTED_RESOURCE}{}{path}", &issuer[..root], &issuer[root..])
}

/// The value of `WWW-Authenticate` for a request to an endpoint at `path` (`/N/mcp`) that brought no token, or one that
/// does not open it. Some SDKs find its parts by regular expressions: one challenge, and no description with `scope=`.
pub fn challenge(issuer: &str, path: &str, denied: Option<Denied>) -> String {
    let error = denied.map_or(String::new(), |denied| {
        format!("error=\"invalid_token\", error_description=\"{}\", ", denied.description())
    });
    let document = protected_resource_url(issuer, path);
    format!("Bearer {error}resource_metadata=\"{document}\", scope=\"{SCOPE}\"")
}

/// The answer that goes with it.
pub fn unauthorized(issuer: &str, path: &str, denied: Option<Denied>) -> Answer {
    let description = denied.map_or("this server needs a token: log in", Denied::description);
    let body = json!({ "error": "invalid_token", "error_description": description });
    Answer::json(401, &body).with("WWW-Authenticate", challenge(issuer, path, denied))
}
