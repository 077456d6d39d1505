//! A core with an authorization server in it.

use mcp_proxy::config::source::Source;
use mcp_proxy::config::{Around, Config, load};
use mcp_proxy::oauth::AuthorizationServer;
use mcp_proxy::oauth::settings::Settings;

use super::oauth::{ADA, ADA_HASH, random};
use super::playbook::Playbook;

/// With members of `mcpProxy`, of `oauth2`, and of the options of the server `demo`.
pub(crate) fn config(proxy: &str, oauth2: &str, own: &str) -> Config {
    let text = format!(
        r#"{{ "mcpProxy": {{ {proxy} "options": {{ "oauth2": {{
            "enabled": true, {oauth2} "users": {{ "{}": "{ADA_HASH}" }} }} }} }},
            "mcpServers": {{ "demo": {{ "command": "run-demo", "options": {{ {own} }} }} }} }}"#,
        ADA.0
    );
    load(&Source::new("config.json", text), &Around::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(crate) fn play_with(config: Config) -> Playbook {
    let oauth = config.oauth.clone().expect("it is switched on");
    let settings = Settings::of(&oauth, &config.servers);
    let mut play = Playbook::with(config);
    let server = AuthorizationServer::open(settings, None, random(1), play.now()).unwrap();
    let now = play.now();
    play.proxy.set_authorization(server, oauth, now).unwrap();
    play.ready("demo");
    play
}
