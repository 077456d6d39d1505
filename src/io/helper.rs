//! What has to be known before a connection is made, and takes its time to be found out: the addresses of names, and
//! which certificates are to be trusted.
//!
//! The thread that finds out is started with the first question: who has no remote upstream never has it.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use mio::Waker;
use rustls::ClientConfig;

use super::tls::{self, Trust};
use super::worker::Worker;
use crate::base::addresses::interleaved;
use crate::limits;

/// Finds the addresses of a host. Blocks.
pub type Resolve = fn(host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

/// The system's resolver: `/etc/hosts`, DNS, and whatever else it is configured for.
///
/// # Errors
///
/// What the resolver says.
pub fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}

/// A host and a port. The host is a name: an address needs no help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What the helper found out.
pub(super) enum Finding {
    /// The addresses of a place, in the order in which to try them; at least one. Or why there are none.
    Addresses(Place, Result<Vec<SocketAddr>, String>),
    /// [`Helper::tls`] has become known, with what the operator should hear about it.
    Tls(Option<String>),
}

/// How TLS is to be spoken. An error means: not at all.
pub(super) type TlsConfig = Result<Arc<ClientConfig>, String>;

/// Asks and remembers.
pub(super) struct Helper {
    resolve: Resolve,
    trust: Trust,
    waker: Arc<Waker>,
    worker: Option<Worker<Job, Answer>>,
    /// Being looked up: a second question for the same place gets the same answer.
    lookups: Vec<Place>,
    tls: Tls,
}

enum Tls {
    Unasked,
    Asked,
    Known(TlsConfig),
}

enum Job {
    LookUp(Place),
    LoadTrust(Trust),
}

enum Answer {
    Addresses(Place, io::Result<Vec<SocketAddr>>),
    Tls(tls::Loaded),
}

impl Helper {
    pub(super) fn new(resolve: Resolve, trust: Trust, waker: Arc<Waker>) -> Helper {
        Helper { resolve, trust, waker, worker: None, lookups: Vec::new(), tls: Tls::Unasked }
    }

    /// Asks for the addresses of a place.
    ///
    /// # Errors
    ///
    /// The system has no thread or descriptor left to find out.
    pub(super) fn look_up(&mut self, place: &Place) -> io::Result<()> {
        if !self.lookups.contains(place) {
            self.worker()?.ask(Job::LookUp(place.clone()));
            self.lookups.push(place.clone());
        }
        Ok(())
    }

    /// Asks for the certificates that are to be trusted, unless they are known.
    ///
    /// # Errors
    ///
    /// As [`Helper::look_up`].
    pub(super) fn load_trust(&mut self) -> io::Result<()> {
        if let Tls::Unasked = self.tls {
            let job = Job::LoadTrust(self.trust.clone());
            self.worker()?.ask(job);
            self.tls = Tls::Asked;
        }
        Ok(())
    }

    /// How TLS is to be spoken, once it is known.
    pub(super) fn tls(&self) -> Option<&TlsConfig> {
        match &self.tls {
            Tls::Unasked | Tls::Asked => None,
            Tls::Known(config) => Some(config),
        }
    }

    /// The next thing that was found out.
    pub(super) fn poll_finding(&mut self) -> Option<Finding> {
        match self.worker.as_ref()?.poll_answer()? {
            Answer::Addresses(place, found) => {
                self.lookups.retain(|pending| *pending != place);
                let addresses = addresses(&place.host, found);
                Some(Finding::Addresses(place, addresses))
            }
            Answer::Tls(tls::Loaded { config, warning }) => {
                self.tls = Tls::Known(config);
                Some(Finding::Tls(warning))
            }
        }
    }

    fn worker(&mut self) -> io::Result<&Worker<Job, Answer>> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let resolve = self.resolve;
                Worker::start("helper", Arc::clone(&self.waker), move |job| work(job, resolve))?
            }
        };
        Ok(self.worker.insert(worker))
    }
}

/// On the helper's thread.
fn work(job: Job, resolve: Resolve) -> Answer {
    match job {
        Job::LookUp(place) => {
            let found = resolve(&place.host, place.port);
            Answer::Addresses(place, found)
        }
        Job::LoadTrust(trust) => Answer::Tls(tls::load(&trust)),
    }
}

fn addresses(host: &str, found: io::Result<Vec<SocketAddr>>) -> Result<Vec<SocketAddr>, String> {
    let mut order = interleaved(found.map_err(|error| no_address(host, &error.to_string()))?);
    order.truncate(limits::CONNECT_ADDRESSES_MAX);
    if order.is_empty() { Err(no_address(host, "the resolver knows the name, but no address")) } else { Ok(order) }
}

fn no_address(host: &str, reason: &str) -> String {
    // The standard library's words for what is said here already.
    let reason = reason.strip_prefix("failed to lookup address information: ").unwrap_or(reason);
    format!("no address found for {host:?} ({reason})")
}
