//! The authorization endpoint, GET: what is asked, and the page for it.
//!
//! ```text
//! query ─▶ client and redirect URI known? ─no─▶ page 400, or, for a listed site, back with a code that yields nothing
//!             │ yes
//!             ▼
//!          the rest in order? ─no─▶ back to the client with error, state, iss
//!             │ yes
//!             ▼
//!          login page with a one-time `txn`, and a cookie that goes with it ─▶ `login`
//! ```

use std::collections::BTreeMap;

use super::answer::{Answer, Code, Fault, LoginPage, Page};
use super::resource;
use super::secret::{self, Digest};
use super::stage::Stage;
use super::store::record::{Audience, Client};
use super::throttle::Source;
use super::{AuthorizationServer, Notice, Ticket, Visit};
use crate::base::text::shorten;
use crate::codec::form::{self, Form};
use crate::config::redirect_uri::RedirectUri;
use crate::limits;

/// What a client asks for, once it is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) client_id: String,
    pub(super) redirect_uri: RedirectUri,
    /// S256, as it came.
    pub(super) challenge: String,
    pub(super) audience: Audience,
    pub(super) state: Option<String>,
    /// As they came, for templates.
    scope: String,
    resource: String,
}

/// A login page that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) asked: Asked,
    /// Of the value of its cookie.
    pub(super) cookie: Digest,
    pub(super) source: Source,
    pub(super) created_at: u64,
    pub(super) stage: Stage,
}

/// What is different on a page that takes the place of one that cannot be used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Again<'a> {
    /// What was typed there.
    pub(super) username: &'a str,
    /// Why; empty the first time.
    pub(super) message: &'a str,
}

/// All of them, by the digest of their `txn`.
pub(super) type Logins = BTreeMap<Digest, Login>;

/// The parameters that mean something. Each may stand there once.
pub(super) const PARAMETERS: [&str; 9] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "state",
    "scope",
    "resource",
    "prompt",
];

/// How an S256 challenge is spelt: 32 bytes in base64url (RFC 7636, 4.2).
fn is_challenge(text: &str) -> bool {
    secret::is_secret(text)
}

/// The cookie that goes with a `txn`. Each has its own, so that two tabs do not take each other's away.
pub(super) fn cookie_name(issuer: &str, txn: &Digest) -> String {
    let prefix = if issuer.starts_with("https://") { "__Host-" } else { "" };
    let [a, b, c, d, ..] = txn.as_bytes();
    format!("{prefix}mcp-login-{a:02x}{b:02x}{c:02x}{d:02x}")
}

/// The value of `Set-Cookie`. Without a value it takes the cookie away.
pub(super) fn set_cookie(issuer: &str, txn: &Digest, value: &str) -> String {
    let secure = if issuer.starts_with("https://") { "; Secure" } else { "" };
    let age = if value.is_empty() { 0 } else { limits::LOGIN_TIME_MAX.as_secs() };
    format!("{}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}", cookie_name(issuer, txn))
}

/// Parameters of a redirect: an outcome, then `state` if there was one, and `iss` (RFC 9207).
pub(super) fn outcome(pairs: &[(&str, &str)], state: Option<&str>, issuer: &str) -> String {
    let state = state.map(|state| ("state", state));
    form::write(pairs.iter().copied().chain(state).chain([("iss", issuer)]))
}

fn back_with_fault(uri: &RedirectUri, fault: &Fault, state: Option<&str>, issuer: &str) -> Answer {
    let pairs = [("error", fault.code.as_str()), ("error_description", &fault.description)];
    Answer::redirect(uri, &outcome(&pairs, state, issuer))
}

impl AuthorizationServer {
    /// GET `/oauth/authorize`; `query` is what follows the `?`.
    pub fn handle_authorize(&mut self, visit: Visit<'_>, query: &str) -> Ticket {
        let ticket = self.ticket();
        let answer = match Form::parse(query.as_bytes()) {
            Ok(form) => self.authorize(visit, &form, Again::default()),
            Err(error) => Answer::error_page(400, format!("The link to this page is damaged: {error}.")),
        };
        self.answer(ticket, answer);
        ticket
    }

    /// `again`: what a page says that is not the first one for this request.
    pub(super) fn authorize(&mut self, visit: Visit<'_>, form: &Form<'_>, again: Again<'_>) -> Answer {
        if form.is_repeated("client_id") || form.is_repeated("redirect_uri") {
            return Answer::error_page(400, "The link to this page names its application twice.");
        }
        let Some(client_id) = form.value("client_id") else {
            return Answer::error_page(400, "The link to this page does not say which application it is for.");
        };
        let redirect_uri = form.value("redirect_uri").and_then(|text| RedirectUri::parse(text).ok());
        let Some(client) = self.ledger.store.client(client_id) else {
            return self.unknown_client(visit, redirect_uri, form.value("state"));
        };
        let redirect_uri = match self.check_redirect(client, redirect_uri) {
            Ok(uri) => uri,
            Err(answer) => {
                let what = "asks for a redirect that is not registered, or not in oauth2.redirectURIs";
                self.note(Notice::warning(format!("a client at {} {what}", visit.ip)));
                return answer;
            }
        };
        let client_id = client_id.to_owned();
        match self.check_request(visit.issuer, form) {
            Ok((challenge, audience)) => {
                let text = |name: &str| form.value(name).unwrap_or_default().to_owned();
                let state = form.value("state").map(str::to_owned);
                let (scope, resource) = (text("scope"), text("resource"));
                let asked = Asked { client_id, redirect_uri, challenge, audience, state, scope, resource };
                let status = if again.message.is_empty() { 200 } else { 403 };
                self.login_page(status, visit, asked, again.username, again.message)
            }
            Err(fault) => {
                let state = form.value("state").filter(|_| !form.is_repeated("state"));
                back_with_fault(&redirect_uri, &fault, state, visit.issuer)
            }
        }
    }

    /// A client that we have forgotten would show its user an error for ever: it registers anew only when the token
    /// endpoint does not know it. So it is sent there, with a code that yields nothing. Only to a site that is listed:
    /// nobody else's site can be reached this way, and nothing of value is sent.
    fn unknown_client(&mut self, visit: Visit<'_>, uri: Option<RedirectUri>, state: Option<&str>) -> Answer {
        match uri.filter(|uri| self.settings.redirects.is_listed_site(uri)) {
            Some(uri) => {
                self.note(Notice::info(format!("a client at {} is unknown and will register anew", uri.destination())));
                let code = secret::secret(&mut self.random);
                Answer::redirect(&uri, &outcome(&[("code", &code)], state, visit.issuer))
            }
            None => Answer::error_page(
                400,
                "This application is not known here any more. Remove the connection there and add it again.",
            ),
        }
    }

    /// The redirect URI of a request, if the client has registered it and it is still allowed.
    pub(super) fn check_redirect(&self, client: &Client, asked: Option<RedirectUri>) -> Result<RedirectUri, Answer> {
        let refuse = |what: &str| Answer::error_page(400, format!("{what} You are not sent back to it."));
        let registered = || client.redirect_uris.iter().filter_map(|text| RedirectUri::parse(text).ok());
        let Some(asked) = asked.filter(|asked| registered().any(|uri| uri.matches(asked))) else {
            return Err(refuse("The application asks for a redirect to an address that it has not registered."));
        };
        if self.settings.redirects.allows(&asked) {
            return Ok(asked);
        }
        let listing = "The operator can list it in mcpProxy.options.oauth2.redirectURIs.";
        Err(refuse(&format!("Redirects to {} are not allowed here. {listing}", shorten(&asked.destination()))))
    }

    /// What can be wrong with a request that the client may be told of: challenge and audience if nothing is.
    fn check_request(&self, issuer: &str, form: &Form<'_>) -> Result<(String, Audience), Fault> {
        let invalid = |what: String| Err(Fault::new(Code::InvalidRequest, what));
        if let Some(name) = PARAMETERS.iter().find(|name| form.is_repeated(name)) {
            return invalid(format!("the parameter {name} stands there twice"));
        }
        match form.value("response_type") {
            Some("code") => {}
            Some(_) => return Err(Fault::new(Code::UnsupportedResponseType, "response_type must be code")),
            None => return invalid("response_type is missing".to_owned()),
        }
        let Some(challenge) = form.value("code_challenge") else {
            return invalid("code_challenge is missing: PKCE is required".to_owned());
        };
        if form.value("code_challenge_method") != Some("S256") {
            return invalid("code_challenge_method must be S256".to_owned());
        }
        if !is_challenge(challenge) {
            return invalid("code_challenge must be 43 characters of base64url".to_owned());
        }
        Ok((challenge.to_owned(), self.audience(issuer, form.value("resource"))?))
    }

    /// What a resource parameter asks for.
    fn audience(&self, issuer: &str, resource: Option<&str>) -> Result<Audience, Fault> {
        let Some(text) = resource else {
            if self.settings.require_resource {
                return Err(Fault::new(Code::InvalidTarget, "resource is missing: the URL of the server"));
            }
            return Ok(Audience::Every);
        };
        let audience = resource::audience(issuer, &self.settings.servers, text);
        let audience = audience.filter(|audience| !(self.settings.require_resource && *audience == Audience::Every));
        audience.ok_or_else(|| Fault::new(Code::InvalidTarget, "resource is not the URL of a server here"))
    }

    /// The form, with a new `txn`.
    pub(super) fn login_page(
        &mut self,
        status: u16,
        visit: Visit<'_>,
        asked: Asked,
        username: &str,
        error_message: &str,
    ) -> Answer {
        let name = self.ledger.store.client(&asked.client_id).map(|client| client.name.clone()).unwrap_or_default();
        let resource_name = match &asked.audience {
            Audience::Every => "all servers".to_owned(),
            Audience::Server(name) => name.split('/').next().unwrap_or_default().to_owned(),
        };
        let (txn, cookie) = (secret::secret(&mut self.random), secret::secret(&mut self.random));
        let page = LoginPage {
            client_name: if name.is_empty() { asked.redirect_uri.destination() } else { name },
            resource_name,
            client_id: asked.client_id.clone(),
            redirect_uri: asked.redirect_uri.clone(),
            response_type: "code".to_owned(),
            scope: asked.scope.clone(),
            state: asked.state.clone().unwrap_or_default(),
            code_challenge: asked.challenge.clone(),
            resource: asked.resource.clone(),
            error_message: error_message.to_owned(),
            username: username.to_owned(),
            txn: txn.clone(),
        };
        let digest = Digest::of(&txn);
        let source = Source::of(visit.ip);
        self.make_room_for_login(source);
        let (created_at, stage) = (visit.now.unix_seconds, Stage::Shown);
        let login = Login { asked, cookie: Digest::of(&cookie), source, created_at, stage };
        self.logins.insert(digest, login);
        let answer = Answer::page(status, Page::Login(Box::new(page)));
        answer.with("Set-Cookie", set_cookie(visit.issuer, &digest, &cookie))
    }

    /// Pages cost whoever asks for them nothing: those of an address push each other out, before others'.
    fn make_room_for_login(&mut self, source: Source) {
        let own = || self.logins.iter().filter(|(_, login)| login.source == source);
        let oldest = if own().count() >= limits::ADDRESS_LOGINS_MAX {
            own().min_by_key(|(_, login)| login.created_at)
        } else if self.logins.len() >= limits::LOGINS_MAX {
            self.logins.iter().min_by_key(|(_, login)| login.created_at)
        } else {
            None
        };
        if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
            self.logins.remove(&oldest);
        }
    }
}
