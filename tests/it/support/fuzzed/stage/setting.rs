//! Which configuration the core runs with.

use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::{
    Config, Isolation, Remote, RemoteTransport, StatusPage, Target, ToolFilter, ToolFilterMode, Transports,
};

use super::choices::Choices;
use super::logins;
use crate::support::requests;

/// The servers: two processes, and two hosts in the network.
pub(super) const SERVERS: [&str; 4] = ["demo", "own", "web", "two"];

/// Which of them there are, as a rule few: each has to be introduced, and to end.
const SELECTIONS: [[bool; 4]; 8] = [
    [true, false, false, false],
    [false, false, true, false],
    [false, true, false, false],
    [true, false, true, false],
    [false, false, false, true],
    [true, true, false, false],
    [false, false, true, true],
    [true, true, true, true],
];

/// What opens a server that asks for a token.
pub(super) const TOKEN: &str = "secret";

pub(super) fn config(choices: &mut Choices<'_>) -> Config {
    let mut config = requests::config(&SERVERS);
    let transports = [RemoteTransport::Auto, RemoteTransport::Streamable, RemoteTransport::Sse];
    for (at, server) in config.servers.iter_mut().enumerate() {
        let bits = choices.byte();
        if at >= 2 {
            let url = Url::parse(&format!("http://{}.example/mcp?key=s", SERVERS[at])).expect("a URL");
            let transport = transports[usize::from(bits >> 6) % transports.len()];
            let headers = vec![("X-Key".to_owned(), "k".to_owned())];
            server.target = Target::Remote(Remote { url, transport, headers });
        }
        let is_private = (bits & 1 == 1) != (at % 2 == 1);
        server.isolation = if is_private { Isolation::Session } else { Isolation::Shared };
        server.log_enabled = bits & 2 == 2;
        if bits & 4 == 4 {
            let mode = if bits & 8 == 8 { ToolFilterMode::Allow } else { ToolFilterMode::Block };
            server.tool_filter = Some(ToolFilter { mode, names: vec!["t*".to_owned(), "x".to_owned()] });
        }
        if bits & 16 == 16 {
            server.auth_tokens = vec![TOKEN.to_owned()];
        }
        server.panic_if_invalid = bits & 48 == 48;
        server.startup_time = Duration::from_secs(if bits & 32 == 32 { 1 } else { 60 });
    }
    let bits = choices.byte();
    config.metrics = bits & 1 == 1;
    config.transports = if bits & 14 == 14 { Transports::Streamable } else { Transports::Both };
    config.status_page = if bits & 16 == 16 { StatusPage::Everywhere } else { StatusPage::Local };
    if bits & 14 == 12 {
        logins::configure(&mut config);
    }
    let mut selection = SELECTIONS[usize::from(bits >> 5)].into_iter();
    config.servers.retain(|_| selection.next() == Some(true));
    config
}

/// Something in it changes while the core runs.
pub(super) fn change(config: &mut Config, choices: &mut Choices<'_>) {
    let at = choices.below(config.servers.len());
    let Some(server) = config.servers.get_mut(at) else { return };
    match choices.below(6) {
        0 => server.request_time += Duration::from_secs(1),
        1 => match &mut server.target {
            Target::Command(command) => command.args.push("--more".to_owned()),
            Target::Remote(remote) => remote.headers.push(("X-More".to_owned(), "m".to_owned())),
        },
        2 => {
            config.servers.remove(at);
        }
        3 => {
            let mut fresh = requests::config(&["new"]).servers.remove(0);
            fresh.isolation = server.isolation;
            config.servers.retain(|server| server.name != "new");
            config.servers.push(fresh);
        }
        4 => server.tool_filter = None,
        _ => server.auth_tokens = vec![TOKEN.to_owned()],
    }
}
