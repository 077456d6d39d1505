//! The configuration changes while everybody is busy.

use std::time::Duration;

use mcp_proxy::config::Target;
use mcp_proxy::proxy::Input;

use super::{Weather, World};

impl World {
    /// One server is given another option, or another upstream, or nothing changes at all.
    pub(super) fn reconfigure(&mut self) {
        let server = self.rng.below(self.servers.len());
        let is_fair = self.weather_of(server) == Weather::Fair;
        match self.rng.below(3) {
            0 => {}
            1 => self.config.servers[server].request_time += Duration::from_secs(1),
            // Its calls may be cut off.
            _ if is_fair => {}
            _ => self.replace(server),
        }
        self.say(|| format!("reload of {}", self.servers[server].name));
        self.tally.reloads += 1;
        self.handle(Input::Reload(Box::new(self.config.clone())));
    }

    /// Whoever is with it may finish a call, and has to begin anew.
    fn replace(&mut self, server: usize) {
        match &mut self.config.servers[server].target {
            Target::Command(command) => command.args.push("--more".to_owned()),
            Target::Remote(remote) => remote.headers.push(("X-More".to_owned(), "secret".to_owned())),
        }
        for session in self.sessions.iter_mut().filter(|session| session.server == server) {
            session.is_doomed = true;
        }
        for errand in self.errands.iter_mut().filter(|errand| errand.server == server) {
            errand.is_doomed = true;
        }
        for hearing in self.hearings.iter_mut().filter(|hearing| hearing.server == server) {
            hearing.is_doomed = true;
        }
        self.tally.replacements += 1;
    }
}
