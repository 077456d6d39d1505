#![forbid(unsafe_code)]
//! Test driver.
use mcp_proxy::{base::url::Url, config, io, proxy::Level};
use std::process::ExitCode;
fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().skip(1).collect();
    let verb = args.first().and_then(|a| a.to_str()).unwrap_or_default().to_owned();
    if !args.is_empty() {
        args.remove(0);
    }
    match verb.as_str() {
        "__demo" => return io::demo::run(),
        io::keeper::VERB => return io::keeper::run(args),
        io::trampoline::VERB => return io::trampoline::run(args),
        _ => {}
    }
    let mut it = args.into_iter().map(|a| a.into_string().unwrap());
    let port = it.next().unwrap().parse().unwrap();
    let servers = it.next().map(|program| config::ServerConfig {
        name: "demo".into(),
        command: config::Command { program, args: it.collect(), env: vec![] },
        auth_tokens: vec![],
        panic_if_invalid: false,
        log_enabled: false,
        startup_time: mcp_proxy::limits::STARTUP_TIME,
        request_time: mcp_proxy::limits::REQUEST_TIME,
    });
    let config = config::Config {
        name: "x".into(),
        version: "1".into(),
        addr: config::Addr { host: (verb != "-").then_some(verb), port },
        base_url: Url::parse("http://127.0.0.1:9090").unwrap(),
        allowed_origins: vec![],
        allowed_hosts: vec![],
        servers: servers.into_iter().collect(),
    };
    let r = io::run(io::Settings {
        config,
        log_level: Level::Debug,
        on_listening: Box::new(|_, a| eprintln!("listening {a}")),
    });
    match r {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
