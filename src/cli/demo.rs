//! The configuration behind `-demo`: the built-in server, and nothing read from anywhere.

use std::io;
use std::path::PathBuf;

use super::invocation::DEMO_SERVER;
use crate::config::environment::Inheritance;
use crate::config::resolve::default_base_url;
use crate::config::{Addr, Command, Config, Isolation, ServerConfig, StatusPage, Target, Transports};
use crate::limits::{DEFAULT_PORT, REQUEST_TIME, STARTUP_TIME};

/// What the demo server is called.
pub const NAME: &str = "demo";

/// The path of this executable; where a bare root lacks `/proc`, which knows it, what it was called by.
pub fn executable() -> io::Result<String> {
    let path = std::env::current_exe().or_else(|error| std::env::args_os().next().map(PathBuf::from).ok_or(error))?;
    path.into_os_string().into_string().map_err(|path| io::Error::other(format!("the path {path:?} is not UTF-8")))
}

/// One server: `executable` once more. Only this machine reaches it, unless `addr` says otherwise.
pub fn config(executable: String, addr: Option<Addr>) -> Config {
    let addr = addr.unwrap_or_else(|| Addr { host: Some("127.0.0.1".to_owned()), port: DEFAULT_PORT });
    Config {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        base_url: default_base_url(&addr),
        is_base_url_given: false,
        transports: Transports::Both,
        addr,
        allowed_origins: Vec::new(),
        allowed_hosts: Vec::new(),
        status_page: StatusPage::Local,
        metrics: false,
        oauth: None,
        servers: vec![ServerConfig {
            name: NAME.to_owned(),
            label: NAME.to_owned(),
            target: Target::Command(Command {
                program: executable,
                args: vec![DEMO_SERVER.to_owned()],
                inherits: Inheritance::Everything, // it is ourselves
                env: Vec::new(),
            }),
            auth_tokens: Vec::new(),
            is_behind_login: false,
            panic_if_invalid: false,
            log_enabled: true,
            startup_time: STARTUP_TIME,
            request_time: REQUEST_TIME,
            tool_filter: None,
            isolation: Isolation::Shared,
        }],
        warnings: Vec::new(),
    }
}
