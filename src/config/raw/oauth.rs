//! `oauth2` as the user typed it.

use crate::config::keys::{self, Section};
use crate::config::node::{At, Field, NamedText, Node};
use crate::config::report::{Place, Report};

/// `oauth2`
#[derive(Debug, Default)]
pub struct RawOAuth {
    /// `enabled`
    pub enabled: Field<bool>,
    /// `users`: their names and passwords.
    pub users: Field<Vec<NamedText>>,
    /// `persistenceDir`
    pub persistence_dir: Field<String>,
    /// `allowedIPs`
    pub allowed_ips: Field<Vec<At<String>>>,
    /// `tokenExpirationMinutes`
    pub token_minutes: Field<i64>,
    /// `disableTokenExpiration`
    pub disable_token_expiration: Field<bool>,
    /// `templateDir`
    pub template_dir: Field<String>,
    /// `redirectURIs`
    pub redirect_uris: Field<Vec<At<String>>>,
    /// `trustedProxies`
    pub trusted_proxies: Field<Vec<At<String>>>,
    /// `clientIPHeader`
    pub client_ip_header: Field<String>,
    /// `refreshGraceSeconds`
    pub refresh_grace_seconds: Field<i64>,
    /// `requireResource`
    pub require_resource: Field<bool>,
    /// `allowedHosts`
    pub allowed_hosts: Field<Vec<At<String>>>,
    /// Where its keys stand, but for `enabled`.
    pub details: Vec<Place>,
}

impl RawOAuth {
    /// Whether it is switched on.
    pub(in crate::config) fn is_enabled(&self) -> bool {
        self.enabled.value() == Some(&true)
    }
}

pub(super) fn read(node: &Node<'_>, report: &mut Report) -> Field<RawOAuth> {
    if node.is_null() {
        return Field::Absent;
    }
    let Some(members) = node.members(report) else { return Field::Refused };
    let mut oauth = RawOAuth::default();
    for member in members {
        match member.key.as_str() {
            "enabled" => oauth.enabled = member.node.boolean(report),
            "users" => oauth.users = member.node.string_members(report),
            "persistenceDir" => oauth.persistence_dir = member.node.string(report),
            "allowedIPs" => oauth.allowed_ips = member.node.strings(report),
            "tokenExpirationMinutes" => oauth.token_minutes = member.node.integer(report),
            "disableTokenExpiration" => oauth.disable_token_expiration = member.node.boolean(report),
            "templateDir" => oauth.template_dir = member.node.string(report),
            "redirectURIs" => oauth.redirect_uris = member.node.strings(report),
            "trustedProxies" => oauth.trusted_proxies = member.node.strings(report),
            "clientIPHeader" => oauth.client_ip_header = member.node.string(report),
            "refreshGraceSeconds" => oauth.refresh_grace_seconds = member.node.integer(report),
            "requireResource" => oauth.require_resource = member.node.boolean(report),
            "allowedHosts" => oauth.allowed_hosts = member.node.strings(report),
            _ => keys::report_unknown(Section::OAuth, &member, report),
        }
        if member.key != "enabled" {
            oauth.details.push(member.place);
        }
    }
    Field::Given(At { value: oauth, place: node.place() })
}
