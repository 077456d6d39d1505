//! What has to be known before a connection is made, and takes its time to be found out: the addresses of names, and
//! which certificates are to be trusted.
//!
//! The threads that find out are started when there is a question and all others are busy: a name that nobody answers
//! for keeps one of them, and who has no remote upstream has none.

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
    lanes: Vec<Lane>,
    /// Being looked up: a second question for the same place gets the same answer.
    lookups: Vec<Place>,
    tls: Tls,
}

/// A thread.
struct Lane {
    worker: Worker<Job, Answer>,
    /// So many answers are still to come.
    owed: usize,
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
        Helper { resolve, trust, waker, lanes: Vec::new(), lookups: Vec::new(), tls: Tls::Unasked }
    }

    /// Asks for the addresses of a place.
    ///
    /// # Errors
    ///
    /// The system has no thread or descriptor left to find out.
    pub(super) fn look_up(&mut self, place: &Place) -> io::Result<()> {
        if !self.lookups.contains(place) {
            self.ask(Job::LookUp(place.clone()))?;
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
            self.ask(job)?;
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
        match self.lanes.iter_mut().find_map(Lane::poll_answer)? {
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

    /// Gives a job to a thread that has nothing to do, or to a new one; where there are enough, to the least busy.
    fn ask(&mut self, job: Job) -> io::Result<()> {
        let least = self.lanes.iter().map(|lane| lane.owed).min();
        if least.is_none_or(|owed| owed > 0 && self.lanes.len() < limits::HELPER_THREADS_MAX) {
            match (self.start_lane(), least) {
                (Ok(lane), _) => self.lanes.push(lane),
                (Err(error), None) => return Err(error),
                (Err(_), Some(_)) => {} // the others are slower than it, and better than nothing
            }
        }
        if let Some(lane) = self.lanes.iter_mut().min_by_key(|lane| lane.owed) {
            lane.worker.ask(job);
            lane.owed += 1;
        }
        Ok(())
    }

    fn start_lane(&self) -> io::Result<Lane> {
        let resolve = self.resolve;
        let worker = Worker::start("helper", Arc::clone(&self.waker), move |job| work(job, resolve))?;
        Ok(Lane { worker, owed: 0 })
    }
}

impl Lane {
    fn poll_answer(&mut self) -> Option<Answer> {
        let answer = self.worker.poll_answer()?;
        self.owed -= 1;
        Some(answer)
    }
}

/// On a helper's thread.
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
