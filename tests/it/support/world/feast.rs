//! A client that wants more than it reads: what waits for it is bounded, and nobody else notices.

use mcp_proxy::limits;
use serde_json::json;

use super::World;
use super::call::{Call, Kind};
use super::expected::Expected;
use crate::support::requests::Http;

/// In one of so many lives there are such clients: a meal takes as long as a hundred lives.
const LIVES: u64 = 1_999;
/// Three dishes fill what may wait for a client, and the fourth is too much.
const DISHES: usize = 4;
const DISH_BYTES: usize = limits::CONN_QUEUE_BYTES_MAX / DISHES + 1;

impl World {
    /// Whether some client is that hungry.
    pub(super) fn has_glutton(&self) -> bool {
        self.seed % LIVES == 7
    }

    /// It orders all at once, and takes nothing.
    pub(super) fn feast(&mut self) {
        let is_open = |session: usize| {
            let session = &self.sessions[session];
            session.token.is_some() && !session.is_doomed && !session.is_sse()
        };
        let Some(session) = (0..self.sessions.len()).find(|session| is_open(*session)) else { return };
        let Some(index) = self.connect(false) else { return };
        let conn = self.clients[index].conn;
        self.clients[index].takes = false;
        for _ in 0..DISHES {
            let (http, call) = self.order(session);
            let calls = vec![call];
            let expected = Expected::Replies { session, calls, is_batch: false, takes_events: true, takes_json: true };
            self.send(index, &http, expected);
        }
        while self.exchange(conn) | self.flush_children(|_| true) | self.flush_hosts(|_| true) {}
    }

    fn order(&mut self, session: usize) -> (Http, Call) {
        let id = self.next_id(session);
        self.markers += 1;
        let params = json!({"name": "big", "arguments": {"bytes": DISH_BYTES}, "_meta": {"mark": self.markers}});
        let body = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
        let call = Call { id, kind: Kind::Big(DISH_BYTES), progress: None, is_accepted: false, mark: self.markers };
        (self.name(session, Http::post(&self.path(session), &body.to_string())), call)
    }
}
