//! HTTP requests as text, and configurations.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use mcp_proxy::base::url::Url;
use mcp_proxy::config::environment::Inheritance;
use mcp_proxy::config::{
    Addr, Command, Config, Isolation, Listener, Remote, RemoteTransport, ServerConfig, StatusPage, Target, Transports,
};

/// A configuration with servers of these names.
pub(crate) fn config(names: &[&str]) -> Config {
    let server = |name: &&str| ServerConfig {
        name: (*name).to_owned(),
        label: (*name).to_owned(),
        target: Target::Command(Command {
            program: format!("run-{name}"),
            args: Vec::new(),
            inherits: Inheritance::Minimal,
            env: Vec::new(),
        }),
        auth_tokens: Vec::new(),
        is_behind_login: false,
        panic_if_invalid: false,
        log_enabled: false,
        startup_time: Duration::from_secs(60),
        request_time: Duration::from_secs(120),
        tool_filter: None,
        isolation: Isolation::Shared,
    };
    Config {
        name: "mcp-proxy".to_owned(),
        version: "1.2.3".to_owned(),
        addr: Addr { host: None, port: 9090 },
        base_url: Url::parse("http://127.0.0.1:9090").expect("a URL"),
        is_base_url_given: false,
        transports: Transports::Both,
        allowed_origins: Vec::new(),
        allowed_hosts: Vec::new(),
        status_page: StatusPage::Local,
        metrics: false,
        oauth: None,
        servers: names.iter().map(server).collect(),
        warnings: Vec::new(),
    }
}

/// A configuration with one remote server, `demo`.
pub(crate) fn remote_config(url: &str, transport: RemoteTransport) -> Config {
    let mut config = config(&["demo"]);
    let headers = vec![("X-Key".to_owned(), "secret".to_owned())];
    config.servers[0].target = Target::Remote(Remote { url: Url::parse(url).expect("a URL"), transport, headers });
    config
}

/// Where clients are.
pub(crate) const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A listener on loopback.
pub(crate) fn loopback() -> Listener {
    Listener { local: ([127, 0, 0, 1], 9090).into() }
}

/// Puts `"jsonrpc":"2.0"` in front of an object that lacks it: the tests are about the rest.
pub(crate) fn rpc(text: &str) -> String {
    match text.strip_prefix("{\"") {
        Some(rest) if !text.contains("\"jsonrpc\"") => format!("{{\"jsonrpc\":\"2.0\",\"{rest}"),
        _ => text.to_owned(),
    }
}

/// A request under construction.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    method: String,
    path: String,
    version: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl Http {
    /// With a `Host` and nothing else.
    pub(crate) fn new(method: &str, path: &str) -> Http {
        Http {
            method: method.to_owned(),
            path: path.to_owned(),
            version: "HTTP/1.1".to_owned(),
            headers: vec![("Host".to_owned(), "127.0.0.1:9090".to_owned())],
            body: None,
        }
    }

    /// A POST as the official clients send it.
    pub(crate) fn post(path: &str, body: &str) -> Http {
        Http::new("POST", path)
            .with("Accept", "application/json, text/event-stream")
            .with("Content-Type", "application/json")
            .body(body)
    }

    /// A GET as the official clients send it.
    pub(crate) fn get(path: &str) -> Http {
        Http::new("GET", path).with("Accept", "text/event-stream")
    }

    /// The same request for another path.
    pub(crate) fn at(self, path: &str) -> Http {
        Http { path: path.to_owned(), ..self }
    }

    /// Sets a header; an earlier one of that name goes.
    pub(crate) fn with(self, name: &str, value: &str) -> Http {
        let mut http = self.without(name);
        http.headers.push((name.to_owned(), value.to_owned()));
        http
    }

    /// One more header line, whatever is there already.
    pub(crate) fn also(mut self, name: &str, value: &str) -> Http {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Http {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    pub(crate) fn session(self, token: &str) -> Http {
        self.with("Mcp-Session-Id", token)
    }

    pub(crate) fn http10(mut self) -> Http {
        self.version = "HTTP/1.0".to_owned();
        self
    }

    /// Sets the body and its `Content-Length`.
    pub(crate) fn body(self, body: &str) -> Http {
        let mut http = self.with("Content-Length", &body.len().to_string());
        http.body = Some(body.to_owned());
        http
    }

    /// As it goes over the wire.
    pub(crate) fn text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = self.body.as_deref().unwrap_or_default();
        format!("{} {} {}\r\n{headers}\r\n{body}", self.method, self.path, self.version)
    }
}

/// An `initialize` request.
pub(crate) fn initialize(version: &str, capabilities: &str) -> Http {
    let message = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{{\"protocolVersion\":\"{version}\",\
         \"capabilities\":{capabilities},\"clientInfo\":{{\"name\":\"test\",\"version\":\"0\"}}}}}}"
    );
    Http::post("/demo/mcp", &message)
}
