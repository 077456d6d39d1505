//! Registration of clients (RFC 7591).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Code, Fault};
use super::redirects::Redirects;
use super::secret::{self, Digest};
use super::store::Entry;
use super::store::ledger::OnFailure;
use super::store::record::{AuthMethod, Client};
use super::throttle::Source;
use super::{AuthorizationServer, Notice, Ticket, Visit};
use crate::base::text::shorten;
use crate::config::redirect_uri::{RedirectError, RedirectUri};
use crate::limits;

/// What we can do with a grant, and do for whoever does not say.
const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// What a client says about itself, as far as we listen. `null` is taken for absent.
#[derive(Deserialize)]
struct Metadata {
    redirect_uris: Option<Vec<String>>,
    client_name: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    scope: Option<String>,
    application_type: Option<String>,
    token_endpoint_auth_method: Option<String>,
}

fn invalid(what: impl Into<String>) -> Fault {
    Fault::new(Code::InvalidClientMetadata, what)
}

impl Metadata {
    fn read(body: &[u8]) -> Result<Metadata, Fault> {
        serde_json::from_slice(body).map_err(|_| invalid("the body is not a JSON object with the metadata of a client"))
    }

    /// All redirect URIs, or what is wrong with the first that cannot be.
    fn check_redirects(&self, redirects: &Redirects) -> Result<Vec<String>, Fault> {
        let refuse = |what: String| Fault::new(Code::InvalidRedirectUri, what);
        let uris = self.redirect_uris.as_deref().unwrap_or_default();
        if uris.is_empty() {
            return Err(refuse("redirect_uris is missing or empty".to_owned()));
        }
        if uris.len() > limits::CLIENT_REDIRECTS_MAX {
            return Err(refuse(format!("there are more than {} redirect URIs", limits::CLIENT_REDIRECTS_MAX)));
        }
        for text in uris {
            let wrong = |error: RedirectError| refuse(format!("{} is no redirect URI: {error}", shorten(text)));
            if !redirects.allows(&RedirectUri::parse(text).map_err(wrong)?) {
                let place = "the operator can list it in mcpProxy.options.oauth2.redirectURIs";
                return Err(refuse(format!("{} is not an allowed redirect URI; {place}", shorten(text))));
            }
        }
        Ok(uris.to_vec())
    }

    fn auth_method(&self) -> Result<AuthMethod, Fault> {
        let Some(text) = &self.token_endpoint_auth_method else { return Ok(AuthMethod::ClientSecretPost) };
        let known = AuthMethod::ALL.into_iter().find(|method| method.as_str() == text);
        known.ok_or_else(|| {
            let all = AuthMethod::ALL.map(AuthMethod::as_str).join(", ");
            invalid(format!("token_endpoint_auth_method must be one of {all}"))
        })
    }

    /// Those of ours that it asks for.
    fn grant_types(&self) -> Result<Vec<String>, Fault> {
        let ours = || GRANT_TYPES.into_iter();
        let Some(asked) = self.grant_types.as_deref().filter(|asked| !asked.is_empty()) else {
            return Ok(ours().map(str::to_owned).collect());
        };
        let known: Vec<String> =
            ours().filter(|ours| asked.iter().any(|asked| asked == ours)).map(str::to_owned).collect();
        if known.is_empty() {
            return Err(invalid(format!("grant_types must contain {}", GRANT_TYPES.join(" or "))));
        }
        Ok(known)
    }

    fn name(&self) -> Result<String, Fault> {
        let name = self.client_name.as_deref().unwrap_or_default().trim();
        if name.chars().count() > limits::CLIENT_NAME_CHARS_MAX {
            return Err(invalid(format!("client_name has more than {} characters", limits::CLIENT_NAME_CHARS_MAX)));
        }
        Ok(name.replace(char::is_control, " "))
    }

    /// What is said of no consequence, to be echoed.
    fn echoed(&self) -> Result<Map<String, Value>, Fault> {
        let mut echoed = Map::new();
        for (name, text) in [("scope", &self.scope), ("application_type", &self.application_type)] {
            let Some(text) = text else { continue };
            if text.len() > limits::CLIENT_TEXT_BYTES_MAX {
                return Err(invalid(format!("{name} has more than {} bytes", limits::CLIENT_TEXT_BYTES_MAX)));
            }
            echoed.insert(name.to_owned(), text.clone().into());
        }
        let response_types = self.response_types.as_deref().filter(|types| !types.is_empty());
        if response_types.is_some_and(|types| !types.iter().any(|response| response == "code")) {
            return Err(invalid("response_types must contain code"));
        }
        echoed.insert("response_types".to_owned(), json!(["code"]));
        Ok(echoed)
    }
}

/// A client and what it is told, apart from its id and secret.
fn check(body: &[u8], redirects: &Redirects, now: u64) -> Result<(Client, Map<String, Value>), Fault> {
    let metadata = Metadata::read(body)?;
    let client = Client {
        redirect_uris: metadata.check_redirects(redirects)?,
        auth_method: metadata.auth_method()?,
        secret_hash: None,
        grant_types: metadata.grant_types()?,
        name: metadata.name()?,
        created_at: now,
        last_used_at: None,
    };
    Ok((client, metadata.echoed()?))
}

impl AuthorizationServer {
    /// POST `/oauth/register`. Whether the address may register at all was checked before.
    pub fn handle_register(&mut self, visit: Visit<'_>, body: &[u8]) -> Ticket {
        let ticket = self.ticket();
        let now = visit.now.unix_seconds;
        if let Err(seconds) = self.registrations.admit(Source::of(visit.ip), now) {
            let fault = Fault::new(
                Code::TemporarilyUnavailable,
                format!("more than {} registrations from this address", limits::REGISTRATIONS_MAX),
            );
            self.note(Notice::warning(format!("{} registers too many clients", visit.ip)));
            self.answer(ticket, Answer::from(fault).with("Retry-After", seconds.to_string()));
            return ticket;
        }
        if body.len() > limits::OAUTH_BODY_BYTES_MAX {
            let fault = invalid(format!("the body has more than {} bytes", limits::OAUTH_BODY_BYTES_MAX));
            self.answer(ticket, Answer { status: 413, ..fault.into() });
            return ticket;
        }
        match check(body, &self.settings.redirects, now) {
            Ok((client, echoed)) => self.register(ticket, client, echoed, visit),
            Err(fault) => {
                self.note(Notice::warning(format!(
                    "a client at {} was not registered: {}",
                    visit.ip, fault.description
                )));
                self.answer(ticket, fault.into());
            }
        }
        ticket
    }

    fn register(&mut self, ticket: Ticket, mut client: Client, mut told: Map<String, Value>, visit: Visit<'_>) {
        let now = visit.now.unix_seconds;
        if !self.ledger.store.make_room(|grant| self.users.is_alive(grant), now) {
            let what = format!("there are {} clients, all of them in use", limits::CLIENTS_MAX);
            self.note(Notice::warning(what.clone()));
            let answer = Answer::from(Fault::new(Code::TemporarilyUnavailable, what));
            self.answer(ticket, answer.with("Retry-After", limits::CLIENT_SETTLING_TIME.as_secs().to_string()));
            return;
        }
        let id = secret::name(&mut self.random);
        told.insert("client_id".to_owned(), id.clone().into());
        told.insert("client_id_issued_at".to_owned(), now.into());
        told.insert("token_endpoint_auth_method".to_owned(), client.auth_method.as_str().into());
        told.insert("redirect_uris".to_owned(), json!(client.redirect_uris));
        told.insert("grant_types".to_owned(), json!(client.grant_types));
        if !client.name.is_empty() {
            told.insert("client_name".to_owned(), client.name.clone().into());
        }
        if client.auth_method != AuthMethod::None {
            let secret = secret::secret(&mut self.random);
            client.secret_hash = Some(Digest::of(&secret));
            told.insert("client_secret".to_owned(), secret.into());
            told.insert("client_secret_expires_at".to_owned(), 0.into());
        }
        let name = if client.name.is_empty() { "without a name" } else { &client.name };
        let notice = Notice::info(format!("{} registered a client: {}", visit.ip, shorten(name)));
        self.ledger.store.put(Entry::Client(id, Some(client)));
        self.note(notice);
        self.answer_when_durable(ticket, Answer::json(201, &Value::Object(told)), OnFailure::Undo, visit.now);
    }
}
