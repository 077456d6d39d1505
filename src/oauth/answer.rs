//! Answers, as data: the routes write them, the pages are written by whoever has the templates.

use serde_json::{Value, json};

use crate::config::redirect_uri::RedirectUri;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP's.
    pub status: u16,
    /// All but the length, and for a page its Content-Security-Policy.
    pub headers: Vec<(&'static str, String)>,
    /// What it says.
    pub body: Body,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON, which never holds a `null`.
    Json(String),
    /// A page.
    Page(Page),
}

/// A page, as the data that its template gets. None of it is escaped, and all of it may be an attacker's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// `authorize.html`: the form.
    Login(Box<LoginPage>),
    /// `success.html`.
    Success(Box<SuccessPage>),
    /// What went wrong, where there is no client to be told.
    Error {
        /// A sentence for whoever sees the browser.
        message: String,
    },
}

/// What stands on the form. Except for the last one, the names are those of the reference's templates.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the parameters of the authorization request")]
pub struct LoginPage {
    pub client_name: String,
    /// The server that is asked for, or the proxy as a whole.
    pub resource_name: String,
    pub client_id: String,
    pub redirect_uri: RedirectUri,
    pub response_type: String,
    pub scope: String,
    pub state: String,
    pub code_challenge: String,
    pub resource: String,
    /// Empty, or what was wrong with what was typed.
    pub error_message: String,
    /// What was typed before, to be filled in again.
    pub username: String,
    /// The hidden field `txn`: without it the form is refused.
    pub txn: String,
}

/// What stands on the page after the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuccessPage {
    /// Who logged in.
    pub username: String,
    /// As on the form.
    pub client_name: String,
    /// Where to go.
    pub redirect_uri: RedirectUri,
    /// With what: code, state and iss. It is a secret.
    pub parameters: String,
}

impl SuccessPage {
    /// Where to go, with all that belongs to it.
    pub fn redirect_url(&self) -> String {
        self.redirect_uri.with_parameters(&self.parameters)
    }
}

/// Errors of OAuth (RFC 6749, 4.1.2.1 and 5.2; RFC 7591, 3.2.2; RFC 8707, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the codes")]
pub enum Code {
    AccessDenied,
    InvalidClient,
    InvalidClientMetadata,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidTarget,
    ServerError,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
}

impl Code {
    /// As it goes over the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::AccessDenied => "access_denied",
            Code::InvalidClient => "invalid_client",
            Code::InvalidClientMetadata => "invalid_client_metadata",
            Code::InvalidGrant => "invalid_grant",
            Code::InvalidRedirectUri => "invalid_redirect_uri",
            Code::InvalidRequest => "invalid_request",
            Code::InvalidTarget => "invalid_target",
            Code::ServerError => "server_error",
            Code::TemporarilyUnavailable => "temporarily_unavailable",
            Code::UnauthorizedClient => "unauthorized_client",
            Code::UnsupportedGrantType => "unsupported_grant_type",
            Code::UnsupportedResponseType => "unsupported_response_type",
        }
    }

    fn status(self) -> u16 {
        match self {
            Code::AccessDenied => 403,
            Code::InvalidClient => 401,
            Code::ServerError => 500,
            Code::TemporarilyUnavailable => 429,
            Code::InvalidClientMetadata
            | Code::InvalidGrant
            | Code::InvalidRedirectUri
            | Code::InvalidRequest
            | Code::InvalidTarget
            | Code::UnauthorizedClient
            | Code::UnsupportedGrantType
            | Code::UnsupportedResponseType => 400,
        }
    }
}

/// What went wrong, for a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which error.
    pub code: Code,
    /// For whoever reads the client's log. Plain ASCII without quotes or backslashes (RFC 6749, 5.2).
    pub description: String,
}

impl Fault {
    /// An error and its description, out of which goes what may not stand there.
    pub fn new(code: Code, description: impl Into<String>) -> Fault {
        let allowed = |c: char| if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') { c } else { '?' };
        Fault { code, description: description.into().chars().map(allowed).collect() }
    }
}

/// What a page of any origin may do with the endpoints for programs: they know no cookies.
pub const CORS: [(&str, &str); 2] = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version"),
];

/// The answer to a preflight for one of them, beside [`CORS`]; status 204.
pub const PREFLIGHT: [(&str, &str); 3] = [
    ("Access-Control-Allow-Methods", "GET, POST, DELETE"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, Accept, Mcp-Session-Id, MCP-Protocol-Version, Last-Event-ID, Mcp-Method, \
         Mcp-Name",
    ),
    ("Access-Control-Max-Age", "7200"),
];

/// What every page says to browsers, and every redirect: in no frame, in no cache, and no other site hears of the URL.
/// (`no-referrer` would make browsers send `Origin: null` with the form.)
const PAGE_HEADERS: [(&str, &str); 4] = [
    ("Cache-Control", "no-store"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
];

fn owned(headers: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

impl Answer {
    /// An answer for programs.
    pub fn json(status: u16, body: &Value) -> Answer {
        let json = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache")];
        let headers = [owned(&json), owned(&CORS)].concat();
        Answer { status, headers, body: Body::Json(body.to_string()) }
    }

    /// The same without a body.
    pub fn empty(status: u16) -> Answer {
        let mut headers = owned(&[("Cache-Control", "no-store")]);
        headers.extend(owned(&CORS));
        Answer { status, headers, body: Body::Empty }
    }

    /// A page.
    pub fn page(status: u16, page: Page) -> Answer {
        let headers = [owned(&[("Content-Type", "text/html; charset=utf-8")]), owned(&PAGE_HEADERS)].concat();
        Answer { status, headers, body: Body::Page(page) }
    }

    /// A page that says what went wrong.
    pub fn error_page(status: u16, message: impl Into<String>) -> Answer {
        Answer::page(status, Page::Error { message: message.into() })
    }

    /// Back to the client, with parameters.
    pub fn redirect(uri: &RedirectUri, parameters: &str) -> Answer {
        let mut headers = owned(&PAGE_HEADERS);
        headers.push(("Location", uri.with_parameters(parameters)));
        Answer { status: 302, headers, body: Body::Empty }
    }

    /// The same with another header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Answer {
        self.headers.push((name, value.into()));
        self
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Answer {
        let body = json!({ "error": fault.code.as_str(), "error_description": fault.description });
        Answer::json(fault.code.status(), &body)
    }
}
