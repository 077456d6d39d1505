//! Who has tried too often: registrations by address, wrong passwords by address and user.
//!
//! No throttle goes by the user's name alone: with that, anybody could lock a user out. Addresses are counted by
//! [`Source`], because whoever has one IPv6 address has 2⁶⁴ of them.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::limits;

/// Where requests come from, as far as it is counted: an IPv4 address, or an IPv6 network of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// Of an address.
    pub fn of(address: IpAddr) -> Source {
        match address.to_canonical() {
            IpAddr::V4(v4) => Source(IpAddr::V4(v4)),
            IpAddr::V6(v6) => Source(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)))),
        }
    }
}

/// What is known of something that tries, and when it was last heard of.
trait Memory {
    fn last(&self) -> u64;
}

/// Makes room for one more, if need be: the one not heard of longest goes.
fn make_room<K: Ord + Clone, M: Memory>(memories: &mut BTreeMap<K, M>) {
    if memories.len() < limits::THROTTLED_MAX {
        return;
    }
    let oldest = memories.iter().min_by_key(|(_, memory)| memory.last()).map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        memories.remove(&oldest);
    }
}

/// At most so many in a window that ends now.
#[derive(Debug, Default)]
pub struct Registrations {
    /// When, oldest first.
    times: BTreeMap<Source, VecDeque<u64>>,
}

impl Memory for VecDeque<u64> {
    fn last(&self) -> u64 {
        self.back().copied().unwrap_or_default()
    }
}

impl Registrations {
    /// Counts one; if there were too many already, says after how many seconds to try again.
    pub fn admit(&mut self, source: Source, now: u64) -> Result<(), u64> {
        let window = limits::REGISTRATION_WINDOW.as_secs();
        if !self.times.contains_key(&source) {
            make_room(&mut self.times);
        }
        let times = self.times.entry(source).or_default();
        while times.front().is_some_and(|time| time + window <= now) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= limits::REGISTRATIONS_MAX => Err((first + window).saturating_sub(now).max(1)),
            Some(_) | None => {
                times.push_back(now);
                Ok(())
            }
        }
    }

    /// Forgets whom nothing is held against any more.
    pub fn sweep(&mut self, now: u64) {
        self.times.retain(|_, times| times.last() + limits::REGISTRATION_WINDOW.as_secs() > now);
    }
}

/// Who types passwords.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Typist {
    /// Anybody there, whatever the name.
    Anyone(Source),
    /// For this user.
    For(Source, String),
}

impl Typist {
    fn failures_max(&self) -> u32 {
        match self {
            Typist::Anyone(_) => limits::ADDRESS_FAILURES_MAX,
            Typist::For(..) => limits::LOGIN_FAILURES_MAX,
        }
    }
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: u64,
}

impl Memory for Failures {
    fn last(&self) -> u64 {
        self.last
    }
}

/// Wrong passwords.
#[derive(Debug, Default)]
pub struct Logins {
    failures: BTreeMap<Typist, Failures>,
}

impl Logins {
    /// An attempt begins. It counts as a failure until [`Logins::succeeded`] says otherwise, so that many at once are
    /// no way around the count. If it has to wait, says how many seconds, and does not count.
    pub fn admit(&mut self, source: Source, username: &str, now: u64) -> Result<(), u64> {
        let typists = [Typist::Anyone(source), Typist::For(source, username.to_owned())];
        let wait = typists.iter().map(|typist| self.wait(typist, now)).max().unwrap_or_default();
        if wait > 0 {
            return Err(wait);
        }
        for typist in typists {
            if !self.failures.contains_key(&typist) {
                make_room(&mut self.failures);
            }
            let failures = self.failures.entry(typist).or_insert(Failures { count: 0, last: now });
            *failures = Failures { count: failures.count.saturating_add(1), last: now };
        }
        Ok(())
    }

    /// That attempt was right: the user's failures there are forgotten. Those for other names are only one fewer, lest
    /// whoever has a password tries others' between two logins.
    pub fn succeeded(&mut self, source: Source, username: &str) {
        self.failures.remove(&Typist::For(source, username.to_owned()));
        if let Some(failures) = self.failures.get_mut(&Typist::Anyone(source)) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    /// How many seconds are left to wait.
    fn wait(&self, typist: &Typist, now: u64) -> u64 {
        let Some(failures) = self.failures.get(typist) else { return 0 };
        let Some(beyond) = failures.count.checked_sub(typist.failures_max()) else { return 0 };
        (failures.last + delay(beyond).as_secs()).saturating_sub(now)
    }

    /// Forgets what is long ago.
    pub fn sweep(&mut self, now: u64) {
        self.failures.retain(|_, failures| failures.last + limits::FAILURE_MEMORY.as_secs() > now);
    }
}

/// How long to wait after so many failures beyond the bound.
fn delay(beyond: u32) -> Duration {
    let factor = 1u32.checked_shl(beyond).unwrap_or(u32::MAX);
    limits::LOGIN_DELAY_MIN.saturating_mul(factor).min(limits::LOGIN_DELAY_MAX)
}
