//! The forward proxy that a network may want its https connections to go through: `HTTPS_PROXY` and `NO_PROXY`.
//!
//! Nobody has written down what these variables mean; the rules are curl's. A variable in lower case comes before one
//! in upper case, and an empty one switches the proxy off.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::cidr::Cidr;
use crate::base::url::{Authority, Scheme, Url, UrlError, parse_port};

/// The port of a proxy that names none: curl's.
const DEFAULT_PORT: u16 = 1080;

/// The names of the variable with the proxy, in the order in which they count.
const PROXY_VARIABLES: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
/// Likewise with the exceptions.
const EXCEPTION_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Which connections go through which proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardProxies {
    /// For https. What cannot be understood is told to whoever would have used it: to go without it instead could be
    /// what the network's owner wants to prevent.
    https: Option<Result<ForwardProxy, BadProxy>>,
    exceptions: Vec<Exception>,
}

/// An HTTP proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct ForwardProxy {
    authority: Authority,
    credentials: Option<String>,
}

/// Why a proxy setting cannot be used. The setting itself is not quoted: it may contain a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadProxy {
    /// Where it was found.
    pub variable: &'static str,
    /// What is wrong with it.
    pub reason: BadProxyReason,
}

/// What is wrong with a proxy setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadProxyReason {
    /// `socks5://…`, `https://…`: only HTTP proxies are supported.
    Scheme,
    /// Host or port.
    Url(UrlError),
    /// A `%` in the user name or password without two hex digits.
    Encoding,
}

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy in {} cannot be used: ", self.variable)?;
        match self.reason {
            BadProxyReason::Scheme => f.write_str("it must be an HTTP proxy, http://HOST:PORT"),
            BadProxyReason::Url(error) => error.fmt(f),
            BadProxyReason::Encoding => {
                f.write_str("in its user name and password, a % must be followed by two hex digits")
            }
        }
    }
}

impl std::error::Error for BadProxy {}

/// A destination that is connected directly.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    /// `*`
    All,
    /// `example.com`, `.example.com`, `*.example.com:8443`: the name and all names below it.
    Name { name: String, port: Option<u16> },
    /// `10.0.0.0/8`, `::1`, `192.0.2.1:8443`
    Network { network: Cidr, port: Option<u16> },
}

impl ForwardProxies {
    /// Reads the variables through `variable`, which knows their values.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> ForwardProxies {
        let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, variable(name)?)));
        let https = first(PROXY_VARIABLES)
            .filter(|(_, value)| !value.is_empty())
            .map(|(variable, value)| ForwardProxy::parse(&value).map_err(|reason| BadProxy { variable, reason }));
        let exceptions = first(EXCEPTION_VARIABLES).map(|(_, value)| parse_exceptions(&value)).unwrap_or_default();
        ForwardProxies { https, exceptions }
    }

    /// The proxy for a destination; `None` where it is connected directly.
    ///
    /// # Errors
    /// There is one, but its setting makes no sense.
    pub fn choose(&self, destination: &Url) -> Result<Option<&ForwardProxy>, &BadProxy> {
        match (&self.https, destination.scheme()) {
            (None, _) | (Some(_), Scheme::Http) => Ok(None),
            (Some(_), Scheme::Https) if self.is_exception(destination) => Ok(None),
            (Some(Ok(proxy)), Scheme::Https) => Ok(Some(proxy)),
            (Some(Err(error)), Scheme::Https) => Err(error),
        }
    }

    fn is_exception(&self, destination: &Url) -> bool {
        self.exceptions.iter().any(|exception| exception.covers(destination.host(), destination.port()))
    }
}

impl ForwardProxy {
    /// `[http://][user[:password]@]host[:port]`; what follows in a URL has no meaning and is ignored.
    fn parse(text: &str) -> Result<ForwardProxy, BadProxyReason> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(BadProxyReason::Scheme),
            None => text,
        };
        let rest = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
        let (userinfo, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (Some(userinfo), authority),
            None => (None, rest),
        };
        let authority = Authority::parse(authority).map_err(BadProxyReason::Url)?;
        let credentials = userinfo.map(basic_credentials).transpose()?;
        Ok(ForwardProxy { authority, credentials })
    }

    /// As [`Authority::host`].
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.authority.port().unwrap_or(DEFAULT_PORT)
    }

    /// The value of `Proxy-Authorization` (RFC 7617), if the setting has a user name. A secret.
    pub fn authorization(&self) -> Option<&str> {
        self.credentials.as_deref()
    }
}

/// Host and port.
impl fmt::Display for ForwardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host(), self.port())
    }
}

/// Without the secret.
impl fmt::Debug for ForwardProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForwardProxy({self})")
    }
}

fn basic_credentials(userinfo: &str) -> Result<String, BadProxyReason> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let mut pair = percent_decoded(user).ok_or(BadProxyReason::Encoding)?;
    pair.push(b':');
    pair.extend(percent_decoded(password).ok_or(BadProxyReason::Encoding)?);
    Ok(format!("Basic {}", STANDARD.encode(&pair)))
}

/// `None` for a `%` without two hex digits.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            decoded.push((high << 4 | low) as u8);
        } else {
            decoded.push(byte);
        }
    }
    Some(decoded)
}

/// Separated by commas or spaces. What makes no sense matches nothing, as everywhere else.
fn parse_exceptions(text: &str) -> Vec<Exception> {
    let entries = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
    entries.filter(|entry| !entry.is_empty()).filter_map(Exception::parse).collect()
}

impl Exception {
    fn parse(entry: &str) -> Option<Exception> {
        if entry == "*" {
            return Some(Exception::All);
        }
        if let Some((address, prefix)) = entry.split_once('/') {
            let network = Cidr::new(unbracketed(address).parse().ok()?, prefix.parse().ok()?)?;
            return Some(Exception::Network { network, port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            // A colon in front of an IPv6 address's last group separates no port.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(parse_port(port)?)),
            Some(_) | None => (entry, None),
        };
        if let Ok(network) = Cidr::parse(unbracketed(host)) {
            return Some(Exception::Network { network, port });
        }
        let name = host.strip_prefix('*').unwrap_or(host);
        let name = without_dot(name.strip_prefix('.').unwrap_or(name)).to_ascii_lowercase();
        if name.is_empty() { None } else { Some(Exception::Name { name, port }) }
    }

    /// `host` as [`Authority::host`].
    fn covers(&self, host: &str, to_port: u16) -> bool {
        match self {
            Exception::All => true,
            Exception::Name { name, port } => {
                let rest = without_dot(host).strip_suffix(name.as_str());
                let is_address = unbracketed(host).parse::<IpAddr>().is_ok(); // 2.1 is no domain above 192.0.2.1
                rest.is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && !is_address))
                    && port.is_none_or(|port| port == to_port)
            }
            Exception::Network { network, port } => {
                let to = unbracketed(host).parse();
                to.is_ok_and(|to| network.contains(to)) && port.is_none_or(|port| port == to_port)
            }
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
