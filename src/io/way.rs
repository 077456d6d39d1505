//! The way to a remote upstream: where it leads, and what lies between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::helper::Place;
use crate::base::url::{Scheme, Url};
use crate::config::forward_proxy::{ForwardProxies, ForwardProxy};
use crate::limits;

/// This machine, by a name that needs no resolver (RFC 6761, 6.3): an empty container has none that knows it.
const LOCALHOST: [&str; 2] = ["localhost", "localhost."];

/// A way.
#[derive(Debug)]
pub(super) struct Way {
    /// A name, or an address without brackets.
    pub(super) host: String,
    /// Host and port, as `CONNECT` has them.
    pub(super) authority: String,
    pub(super) scheme: Scheme,
    pub(super) proxy: Option<ForwardProxy>,
    /// What to connect to: the proxy, if there is one.
    pub(super) stop: Stop,
}

/// What to connect to.
#[derive(Debug)]
pub(super) enum Stop {
    /// In the order in which to try them.
    Addresses(Vec<SocketAddr>),
    /// To be looked up first.
    Name(Place),
}

impl Way {
    /// The way to the origin of a URL.
    ///
    /// # Errors
    ///
    /// There is none; why, for a person.
    pub(super) fn to(url: &Url, proxies: &ForwardProxies) -> Result<Way, String> {
        let proxy = proxies.choose(url).map_err(|error| error.to_string())?.cloned();
        let stop = match &proxy {
            Some(proxy) => Stop::new(proxy.host(), proxy.port()),
            None => Stop::new(url.host(), url.port()),
        };
        Ok(Way {
            host: unbracketed(url.host()).to_owned(),
            authority: format!("{}:{}", url.host(), url.port()),
            scheme: url.scheme(),
            proxy,
            stop,
        })
    }

    /// The name that is to be looked up first, if any.
    pub(super) fn name(&self) -> Option<&Place> {
        match &self.stop {
            Stop::Addresses(_) => None,
            Stop::Name(place) => Some(place),
        }
    }

    /// What went wrong on the way to the first stop: the proxy's name belongs to it, for nobody has typed it into the
    /// configuration.
    pub(super) fn blame_stop(&self, error: String) -> String {
        match &self.proxy {
            Some(proxy) => format!("the proxy {proxy} for {} cannot be used: {error}", self.authority),
            None => error,
        }
    }

    /// Its time is over while something was still missing.
    pub(super) fn too_slow(&self, missing: &str) -> String {
        format!("{missing} within {} s", limits::CONNECT_TIME_MAX.as_secs())
    }
}

impl Stop {
    fn new(host: &str, port: u16) -> Stop {
        let host = unbracketed(host);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Stop::Addresses(vec![SocketAddr::new(address, port)]);
        }
        if LOCALHOST.contains(&host) {
            let loopback = [IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::LOCALHOST)];
            return Stop::Addresses(loopback.map(|address| SocketAddr::new(address, port)).to_vec());
        }
        Stop::Name(Place { host: host.to_owned(), port })
    }
}

/// An address without the brackets that it has in URLs.
fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}
