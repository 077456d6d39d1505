//! Clients that misbehave, and calls that must succeed all the same.

use std::time::Duration;

use serde_json::json;

use super::call::{Call, Kind};
use super::client::Client;
use super::expected::Expected;
use super::{Session, Weather, World};
use crate::support::requests::Http;

impl World {
    /// Some client reads no more.
    fn stall(&mut self) {
        let is_stalling = self.clients.iter().any(|client| !client.is_polite);
        if self.has_staller && !is_stalling && !self.clients.is_empty() {
            let index = self.rng.below(self.clients.len());
            self.clients[index].is_polite = false;
            self.clients[index].takes = false;
        }
    }

    /// Calls to all servers that are well, by somebody who reads, while others do not.
    pub(super) fn probe(&mut self) {
        self.flush_fair();
        let mut probes = Vec::new();
        for server in 0..self.servers.len() {
            let is_meant = |s: &Session| s.server == server && s.token.is_some() && !s.is_doomed && !s.is_sse();
            let Some(session) = self.sessions.iter().position(is_meant) else { continue };
            let is_well = self.weather_of(server) == Weather::Fair;
            let Some(index) = self.connect(true).filter(|_| is_well) else { continue };
            self.call_echo(index, session);
            probes.push(self.clients[index].conn);
        }
        // A host may send its client away, to come back for the answer.
        for _ in 0..20 {
            self.advance(Duration::from_millis(500));
        }
        let is_waiting = |client: &Client| probes.contains(&client.conn) && !client.due.is_empty();
        assert!(!self.clients.iter().any(is_waiting), "who does not read delays others");
        self.tally.probes += probes.len();
        for conn in probes {
            self.hang_up(conn);
        }
    }

    /// The simplest call.
    pub(super) fn call_echo(&mut self, index: usize, session: usize) {
        self.markers += 1;
        let (id, marker) = (self.next_id(session), format!("probe {}", self.markers));
        let params = json!({"name": "echo", "arguments": {"message": marker}, "_meta": {"mark": self.markers}});
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let http = self.name(session, Http::post(&self.path(session), &body.to_string()));
        let calls = vec![Call { id, kind: Kind::Echo(marker), progress: None, is_accepted: false, mark: self.markers }];
        let expected = Expected::Replies { session, calls, is_batch: false, takes_events: true, takes_json: true };
        self.send(index, &http, expected);
    }

    /// Some client does what it should not.
    pub(super) fn misbehave(&mut self) {
        if self.weather == Weather::Fair {
            return self.stall();
        }
        if self.clients.is_empty() {
            return;
        }
        let index = self.rng.below(self.clients.len());
        let conn = self.clients[index].conn;
        let client = &mut self.clients[index];
        if client.is_polite {
            // Even polite clients may go when nothing is due.
            if client.due.is_empty() {
                self.hang_up(conn);
            }
            return;
        }
        match self.rng.below(6) {
            0 => self.hang_up(conn),
            1 => client.is_finished = true,
            2 => client.takes = false,
            3 => client.takes = true,
            4 => {
                let keep = self.rng.below(client.outbox.len() + 1);
                client.outbox.truncate(keep);
                client.is_finished = true;
            }
            _ if client.is_open && !client.is_finished => {
                client.outbox.extend_from_slice(b"nonsense\r\n\r\nand more");
                client.due.push_back(Expected::Plain { status: 400 });
                client.is_open = false;
            }
            _ => {}
        }
    }

    /// In fair weather, while nothing is under way, a host starts anew or forgets its sessions. Nobody notices.
    pub(super) fn restart_quietly(&mut self) {
        self.flush_fair();
        let server = self.rng.below(self.servers.len());
        let is_well = self.weather_of(server) == Weather::Fair;
        let is_busy = self.proxy.census().calls > 0 || !self.clients.iter().all(Client::is_content);
        let now = self.clock.instant();
        let Some(host) = self.hosts.iter_mut().find(|host| host.server == server) else { return };
        let is_confirmed = host.talks.iter().all(|talk| talk.is_confirmed);
        if is_well && !is_busy && is_confirmed {
            if self.rng.one_in(2) {
                host.talks.clear()
            } else {
                host.restart_at_once(now, &mut self.rng)
            }
            self.tally.quiet_restarts += 1;
            // A request that crosses with the news of a closed connection may have been read.
            while self.flush_hosts(|host| host.server == server) {}
        }
    }
}
