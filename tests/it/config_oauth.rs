//! The authorization server as resolved. What is wrong with it is in `golden/config/oauth_*`.

use std::time::Duration;

use mcp_proxy::config::oauth::{ClientIpHeader, OAuth, Redirect, RedirectPreset};
use mcp_proxy::config::password::Password;
use mcp_proxy::config::redirect_uri::RedirectUri;
use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load, template_dir};

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdHNhbHRzYWx0c2FsdHNhbHRzYWx0c2FsdHNhbHQ";

fn variable(name: &str) -> Option<String> {
    let variables = [("PASSWORD", "pa$$word"), ("HASH", HASH), ("DIR", "/srv/pages")];
    variables.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

#[track_caller]
fn configured(oauth2: &str, server_options: &str) -> Config {
    let text = format!(
        r#"{{ "mcpProxy": {{ "baseURL": "https://mcp.example.com", "options": {{ "oauth2": {{ {oauth2} }} }} }},
        "mcpServers": {{ "a": {{ "command": "x" }}, "b": {{ "command": "x", "options": {{ {server_options} }} }} }} }}"#
    );
    let around = Around { variables: Some(&variable), ..Around::default() };
    load(&Source::new("config.json", text), &around).unwrap_or_else(|problems| panic!("{problems}"))
}

#[track_caller]
fn oauth(members: &str) -> OAuth {
    let users = r#""users": { "ada": "${HASH}" }"#;
    configured(&format!(r#""enabled": true, {users}{members}"#), "").oauth.expect("it is on")
}

fn texts(networks: &[mcp_proxy::base::cidr::Cidr]) -> Vec<String> {
    networks.iter().map(ToString::to_string).collect()
}

#[test]
fn little_needs_to_be_said() {
    let oauth = oauth("");
    assert_eq!(oauth.persistence_dir, None);
    assert_eq!(oauth.template_dir, "templates");
    assert!(oauth.allowed_ips.is_empty() && oauth.allowed_hosts.is_empty() && !oauth.requires_resource);
    assert_eq!(oauth.token_time, Duration::from_secs(60 * 60));
    assert_eq!(oauth.refresh_grace, Duration::from_secs(120));
    assert_eq!(oauth.redirects, [Redirect::Preset(RedirectPreset::Claude)]);
    assert_eq!(texts(&oauth.forwarding.trusted)[..2], ["127.0.0.0/8", "::1"]);
    assert_eq!(oauth.forwarding.header, None);
}

#[test]
fn everything_can_be_said() {
    let oauth = oauth(
        r#", "persistenceDir": "/var/lib/x", "allowedIPs": ["192.0.2.1", "claude"], "tokenExpirationMinutes": 5,
        "templateDir": "${DIR}", "redirectURIs": ["vscode", "https://a.example/cb?x=1", "cursor://b/cb"],
        "trustedProxies": ["2001:db8::/32"], "clientIPHeader": "cf-connecting-ip", "refreshGraceSeconds": 0,
        "requireResource": true, "allowedHosts": ["Gateway.lan"]"#,
    );
    assert_eq!(oauth.persistence_dir.as_deref(), Some("/var/lib/x"));
    assert_eq!(texts(&oauth.allowed_ips)[..2], ["192.0.2.1", "160.79.104.0/21"]);
    assert_eq!(oauth.token_time, Duration::from_secs(300));
    assert_eq!(oauth.template_dir, "/srv/pages");
    let exact = |uri: &str| Redirect::Exact(RedirectUri::parse(uri).unwrap());
    let vscode = Redirect::Preset(RedirectPreset::VsCode);
    assert_eq!(oauth.redirects, [vscode, exact("https://a.example/cb?x=1"), exact("cursor://b/cb")]);
    assert_eq!(texts(&oauth.forwarding.trusted), ["2001:db8::/32"]);
    assert_eq!(oauth.forwarding.header, Some(ClientIpHeader::CfConnectingIp));
    assert_eq!(oauth.refresh_grace, Duration::ZERO);
    assert!(oauth.requires_resource);
    assert_eq!(oauth.allowed_hosts, ["gateway.lan"]);
}

#[test]
fn a_hash_is_no_variable_and_a_password_may_be_one() {
    let users = format!(r#""enabled": true, "users": {{ "a": "{HASH}", "b": "${{PASSWORD}}", "c": "${{HASH}}" }}"#);
    let config = configured(&users, "");
    let users = config.oauth.expect("it is on").users;
    let passwords: Vec<&Password> = users.iter().map(|user| &user.password).collect();
    let hash = Password::parse(HASH).unwrap();
    assert_eq!(passwords, [&hash, &Password::Plain("pa$$word".to_owned()), &hash]);
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
    assert!(!format!("{users:?}").contains("pa$$word") && !format!("{users:?}").contains(HASH));
}

#[test]
fn plain_passwords_are_warned_about_once() {
    let users = r#""enabled": true, "users": { "a": "x", "b": "y" }"#;
    assert_eq!(configured(users, "").warnings.len(), 1);
}

#[test]
fn an_empty_list_of_addresses_allows_everybody_and_that_is_said() {
    let warnings = |members: &str| {
        let users = r#""enabled": true, "users": { "ada": "${HASH}" }"#;
        configured(&format!("{users}{members}"), "").warnings
    };
    assert_eq!(warnings("").len(), 0);
    let [warning] = &warnings(r#", "allowedIPs": []"#)[..] else { panic!("one warning") };
    assert!(warning.to_string().contains("oauth2.allowedIPs: lets everybody register"), "{warning}");
}

#[test]
fn servers_are_behind_the_login_unless_they_are_exempt() {
    let on = format!(r#""enabled": true, "users": {{ "ada": "{HASH}" }}"#);
    let behind = |oauth2: &str, options: &str| -> Vec<bool> {
        let config = configured(oauth2, options);
        config.servers.iter().map(|server| server.is_behind_login && server.is_protected()).collect()
    };
    assert_eq!(behind(&on, ""), [true, true]);
    assert_eq!(behind(&on, r#""oauth2": { "enabled": true }"#), [true, true]);
    assert_eq!(behind(&on, r#""oauth2": {}"#), [true, true]);
    assert_eq!(behind(&on, r#""oauth2": null"#), [true, true]);
    assert_eq!(behind(&on, r#""oauth2": { "enabled": false }"#), [true, false]);
    assert_eq!(behind(r#""enabled": false, "users": { "ada": "${UNSET}" }"#, ""), [false, false]);
    assert!(configured(r#""enabled": false"#, "").oauth.is_none());
    assert!(configured("", "").oauth.is_none());
}

#[test]
fn the_folder_of_the_pages_is_found_in_any_configuration() {
    let dir = |text: &str| {
        let said = template_dir(&Source::new("c.json", text), Some(&variable));
        said.map_err(|problems| problems.to_string())
    };
    let with =
        |value: &str| format!(r#"{{ "mcpProxy": {{ "options": {{ "oauth2": {{ "templateDir": {value} }} }} }} }}"#);
    assert_eq!(dir(&with("\"pages\"")), Ok(Some("pages".to_owned())));
    assert_eq!(dir(&with("\"${DIR}/x\"")), Ok(Some("/srv/pages/x".to_owned())));
    assert_eq!(dir(&with("null")), Ok(None));
    assert_eq!(dir(r#"{ "mcpServers": { "a": { "comand": "x" } } }"#), Ok(None));
    assert!(dir(&with("\"${UNSET}\"")).is_err_and(|said| said.contains("templateDir: the environment variable UNSET")));
    assert!(dir("{").is_err_and(|said| said.contains("this is not JSON")));
}
