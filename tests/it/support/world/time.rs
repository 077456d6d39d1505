//! How time passes.

use std::time::{Duration, Instant};

use super::child::Child;
use super::host::Host;
use super::{Weather, World};

impl World {
    /// Lets time pass. Nobody is polite who keeps others waiting meanwhile.
    pub(super) fn advance(&mut self, by: Duration) {
        let end = self.clock.instant() + by;
        self.flush_well();
        while let Some(next) = self.next_deadline().filter(|next| *next <= end && !self.is_stopped) {
            self.clock.advance_to(next);
            self.tick();
            self.flush_well();
        }
        if !self.is_stopped {
            self.clock.advance_to(end);
            self.tick();
        }
    }

    /// A long time passes at once, as when the machine sleeps.
    pub(super) fn leap(&mut self, by: Duration) {
        self.clock.advance_to(self.clock.instant() + by);
        self.tick();
        self.flush_well();
    }

    /// Everybody does at once what can be done, who has no reason to wait.
    fn flush_well(&mut self) {
        self.flush_polite();
        if self.is_calm {
            self.flush_all();
        } else if self.weather == Weather::Fair {
            self.flush_fair();
        }
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        let now = self.clock.instant();
        self.proxy.handle_turn(now, now);
        let demos = self.children.iter().filter_map(Child::poll_timeout);
        let hosts = self.hosts.iter().filter_map(Host::poll_timeout);
        demos.chain(hosts).chain(self.proxy.poll_timeout()).min()
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for child in &mut self.children {
            child.handle_timeout(now.instant, &mut self.rng);
        }
        for host in &mut self.hosts {
            host.handle_timeout(now.instant, &mut self.rng);
        }
        self.expire_pipes(now.instant);
        if self.proxy.poll_timeout().is_some_and(|due| due <= now.instant) {
            self.proxy.handle_timeout(now);
            self.drain();
            assert!(self.proxy.poll_timeout().is_none_or(|due| due > now.instant), "a deadline stays due");
        }
    }
}
