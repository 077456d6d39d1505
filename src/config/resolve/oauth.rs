//! Who may log in, and to what: the part of [`super::resolve`] that concerns `oauth2`.

mod callers;
mod redirects;

use std::time::Duration;

use crate::base::url::{Scheme, Url, is_loopback_name};
use crate::config::node::{At, Field, NamedText};
use crate::config::oauth::{Forwarding, OAuth, User};
use crate::config::password::{Password, PasswordError};
use crate::config::raw::{RawOAuth, RawOptions, RawProxy, RawServer};
use crate::config::report::{Place, Report};
use crate::config::{ServerConfig, Transports};
use crate::limits::{REFRESH_GRACE, REFRESH_GRACE_MAX, TOKEN_TIME, TOKEN_TIME_MAX};

/// What is advised wherever a password should not stand as it is.
const HASH_ADVICE: &str = "mcp-proxy -hash-password makes what goes there in its place.";

/// What is said of tokens that were to be good for ever.
const EXPIRY_ADVICE: &str = "Tokens always expire; clients renew them by themselves, without a new login.";

/// The authorization server; `None` where it is not switched on, or nothing is there that it could protect.
pub(super) fn resolve(proxy: &RawProxy, transports: Transports, report: &mut Report) -> Option<OAuth> {
    let At { value: raw, place } = proxy.options.oauth2.given()?;
    if !raw.is_enabled() {
        if let (Field::Absent, [_, ..]) = (&raw.enabled, &raw.details[..]) {
            report.warn(place, "is not switched on", "Add \"enabled\": true, or remove it.");
        }
        return None;
    }
    let oauth = OAuth {
        users: users(raw, place, report),
        persistence_dir: folder(&raw.persistence_dir, report),
        allowed_ips: callers::allowed(&raw.allowed_ips, report),
        token_time: token_time(raw, report),
        template_dir: folder(&raw.template_dir, report).unwrap_or_else(|| "templates".to_owned()),
        redirects: redirects::resolve(&raw.redirect_uris, report),
        forwarding: Forwarding {
            trusted: callers::trusted(&raw.trusted_proxies, report),
            header: callers::header(&raw.client_ip_header, report),
        },
        refresh_grace: refresh_grace(&raw.refresh_grace_seconds, report),
        requires_resource: raw.require_resource.value() == Some(&true),
        allowed_hosts: super::allowed_hosts(&raw.allowed_hosts, report),
    };
    Some(oauth).filter(|_| transports.has_streamable())
}

/// What is to be known about the URL that the issuer is named by.
pub(super) fn check_base_url(proxy: &RawProxy, base_url: &Url, report: &mut Report) {
    let Some(At { place, .. }) = proxy.options.oauth2.given().filter(|oauth2| oauth2.value.is_enabled()) else {
        return;
    };
    match proxy.base_url.given() {
        None => {
            let advice = "Set it to the URL that clients know; until then the Host of each request counts, if it is a \
                          loopback name or in oauth2.allowedHosts.";
            report.warn(place, "needs mcpProxy.baseURL for clients on other machines", advice);
        }
        Some(At { place, .. }) if base_url.scheme() == Scheme::Http && !is_loopback_name(base_url.host()) => {
            let advice = "Put a reverse proxy with a certificate in front, and write its https URL here.";
            report.warn(place, "is no https URL: passwords and tokens can be read on the way", advice);
        }
        Some(_) => {}
    }
}

/// Whether a token of the authorization server opens this one.
pub(super) fn is_behind_login(server: &RawServer, common: &RawOptions, report: &mut Report) -> bool {
    let is_on = common.oauth2.value().is_some_and(RawOAuth::is_enabled);
    let Some(own) = server.options.oauth2.value() else { return is_on };
    for place in &own.details {
        let advice = "It belongs in mcpProxy.options.oauth2; a server may only have \"enabled\": false.";
        report.error(place, "is the same for all servers", advice);
    }
    let Some(At { value: enabled, place }) = own.enabled.given() else { return is_on };
    if *enabled && !is_on {
        let advice = "Set it in mcpProxy.options.oauth2; other servers are exempted by \"enabled\": false.";
        report.error(place, "cannot be switched on for one server alone", advice);
    }
    is_on && *enabled
}

/// Whether a server stands open that its owner may believe to be behind the login.
pub(super) fn check_exempt(raw: &RawServer, common: &RawOptions, server: &ServerConfig, report: &mut Report) {
    let is_on = common.oauth2.value().is_some_and(RawOAuth::is_enabled);
    let exempt = raw.options.oauth2.value().and_then(|own| own.enabled.given()).filter(|enabled| !enabled.value);
    if let Some(At { place, .. }) = exempt.filter(|_| is_on && !server.is_protected()) {
        report.warn(place, "opens the server to everybody", "Give it options.authTokens, or remove this.");
    }
}

/// HTTP+SSE has no login: clients would have to find it by a document that streamable HTTP introduced.
pub(super) fn check_transports(
    proxy: &RawProxy,
    transports: Transports,
    servers: &[ServerConfig],
    report: &mut Report,
) {
    let enabled = proxy.options.oauth2.value().map(|oauth2| &oauth2.enabled);
    let Some(At { place, .. }) = enabled.and_then(Field::given).filter(|enabled| enabled.value) else { return };
    if transports.has_streamable() {
        return;
    }
    const WRITE_BOTH: &str = "Write \"type\": \"both\", or \"streamable-http\"";
    if servers.iter().all(|server| !server.auth_tokens.is_empty()) {
        report.warn(place, "has no effect with \"type\": \"sse\"", format!("{WRITE_BOTH}, or remove it."));
    } else {
        let what = "has no effect with \"type\": \"sse\", and servers without authTokens would be open to everybody";
        report.error(place, what, format!("{WRITE_BOTH}, or give every server options.authTokens."));
    }
}

fn users(raw: &RawOAuth, place: &Place, report: &mut Report) -> Vec<User> {
    let (list, place): (&[NamedText], &Place) = match &raw.users {
        Field::Refused => return Vec::new(),
        Field::Given(At { value, place }) => (value, place),
        Field::Absent => (&[], place),
    };
    if list.is_empty() {
        let advice = format!("Add \"users\": {{ \"me\": \"...\" }} to oauth2. {HASH_ADVICE}");
        report.error(place, "has no users: nobody could log in", advice);
    }
    let users: Vec<User> = list.iter().filter_map(|user| self::user(user, report)).collect();
    if users.iter().any(|user| user.password.is_plain()) {
        report.warn(place, "contains passwords that whoever can read the file can use", HASH_ADVICE);
    }
    users
}

fn user((name, password): &NamedText, report: &mut Report) -> Option<User> {
    if name.value.trim().is_empty() {
        report.error(&name.place, "is an empty user name", "Write the name that is typed in the form.");
    }
    let At { value: text, place } = password;
    if text.starts_with("${") && text.ends_with('}') {
        let advice = "With -expand-env=false, this text itself would be the password.";
        report.error(place, "is the name of a variable, not a password", advice);
        return None;
    }
    match Password::parse(text) {
        Ok(password) => Some(User { name: name.value.clone(), password }),
        Err(error) => {
            let advice = match error {
                PasswordError::OtherKind => format!("Only Argon2id is known. {HASH_ADVICE}"),
                PasswordError::TooLong => "Write a shorter one.".to_owned(),
                PasswordError::Empty | PasswordError::Malformed | PasswordError::Costly => HASH_ADVICE.to_owned(),
            };
            report.error(place, error.to_string(), advice);
            None
        }
    }
}

fn folder(field: &Field<String>, report: &mut Report) -> Option<String> {
    let At { value, place } = field.given()?;
    if value.trim().is_empty() || value.contains('\0') {
        report.error(place, "is no folder", "Write a path, or leave it out.");
    }
    Some(value.clone())
}

/// The reference has tokens that never expire.
fn token_time(raw: &RawOAuth, report: &mut Report) -> Duration {
    if let Some(At { place, .. }) = raw.disable_token_expiration.given().filter(|disable| disable.value) {
        report.warn(place, "has no effect", EXPIRY_ADVICE);
    }
    const DEFAULT: u64 = TOKEN_TIME.as_secs() / 60;
    const MAX: u64 = TOKEN_TIME_MAX.as_secs() / 60;
    let Some(At { value, place }) = raw.token_minutes.given() else { return TOKEN_TIME };
    match u64::try_from(*value) {
        Ok(minutes @ 1..=MAX) => return Duration::from_secs(minutes * 60),
        Ok(0) | Err(_) => report.warn(place, format!("counts as {DEFAULT}"), EXPIRY_ADVICE),
        Ok(_) => report.error(place, format!("is more than a year: {MAX} minutes"), "Write less."),
    }
    TOKEN_TIME
}

fn refresh_grace(field: &Field<i64>, report: &mut Report) -> Duration {
    let Some(At { value, place }) = field.given() else { return REFRESH_GRACE };
    match u64::try_from(*value).map(Duration::from_secs) {
        Ok(grace) if grace <= REFRESH_GRACE_MAX => grace,
        Ok(_) | Err(_) => {
            let what = format!("must be between 0 and {}", REFRESH_GRACE_MAX.as_secs());
            report.error(place, what, format!("Leave it out for {} seconds.", REFRESH_GRACE.as_secs()));
            REFRESH_GRACE
        }
    }
}
