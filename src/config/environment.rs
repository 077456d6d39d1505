//! What a child process finds in its environment.
//!
//! The proxy's own environment holds the secrets of all servers (the configuration may take them from there), and a
//! server is often a package that was downloaded a second ago. So a child gets what programs need to run, and what its
//! `env` says; `inheritEnv` gives it everything, as the reference does.

/// What programs need to run. `LC_*` goes with it.
const PASSED: [&str; 35] = [
    // What MCP's official SDKs pass to the servers that they start: a server that runs under a client runs here.
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "USER",
    // Language, temporary files, time zone.
    "LANG",
    "LANGUAGE",
    "TMPDIR",
    "TZ",
    // Without its forward proxy, npx and uvx find no package in such a network, and the server no network.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    // The authorities of such a network, in the words of OpenSSL, Node and Python.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    // Where npx and uvx keep packages, and where they get them: a container image sets these.
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "npm_config_cache",
    "npm_config_registry",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_REGISTRY",
    "UV_CACHE_DIR",
    "UV_DEFAULT_INDEX",
    "UV_INDEX_URL",
    "UV_PYTHON_INSTALL_DIR",
    "UV_TOOL_DIR",
];

/// Which variables of the proxy's own environment a child gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inheritance {
    /// What programs need to run.
    Minimal,
    /// All: `inheritEnv`.
    Everything,
}

impl Inheritance {
    /// Whether a variable of the proxy's environment is passed on. `None`: its value is no text.
    pub fn passes(self, name: &str, value: Option<&str>) -> bool {
        match self {
            Inheritance::Everything => true,
            Inheritance::Minimal => is_passed(name) && !value.is_some_and(is_function),
        }
    }
}

fn is_passed(name: &str) -> bool {
    name.starts_with("LC_") || PASSED.contains(&name)
}

/// A shell function that was exported. The SDKs leave these out: shells have run code in them.
fn is_function(value: &str) -> bool {
    value.starts_with("()")
}
