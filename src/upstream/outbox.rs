//! What waits for a connection to a remote upstream.
//!
//! Calls occupy a connection until they are answered, and some wait for the downstream to be asked something. So
//! whatever else there is to say goes first, and has connections of its own ([`crate::limits::LINK_CONNS_SPARE`]).

use std::collections::{BTreeMap, VecDeque};

use super::exchange::{Exchange, Purpose};
use crate::base::sequence::CallId;

/// Exchanges that have yet to be sent.
#[derive(Debug, Default)]
pub struct Outbox {
    /// By number, which is by age.
    calls: BTreeMap<CallId, Exchange>,
    others: VecDeque<Exchange>,
}

impl Outbox {
    /// Another one.
    pub fn push(&mut self, exchange: Exchange) {
        match exchange.purpose {
            Purpose::Call(call) => drop(self.calls.insert(call, exchange)),
            Purpose::Own(_)
            | Purpose::Initialized
            | Purpose::OneWay
            | Purpose::Listen
            | Purpose::Changes(_)
            | Purpose::Farewell => {
                self.others.push_back(exchange);
            }
        }
    }

    /// One that has been sent before: its place is in front.
    pub fn push_again(&mut self, exchange: Exchange) {
        match exchange.purpose {
            Purpose::Call(_) => self.push(exchange),
            Purpose::Own(_)
            | Purpose::Initialized
            | Purpose::OneWay
            | Purpose::Listen
            | Purpose::Changes(_)
            | Purpose::Farewell => {
                self.others.push_front(exchange);
            }
        }
    }

    /// The next to be sent. `takes_calls`: whether calls may have another connection.
    pub fn pop(&mut self, takes_calls: bool) -> Option<Exchange> {
        if let Some(other) = self.others.pop_front() {
            return Some(other);
        }
        if takes_calls { self.calls.pop_first().map(|(_, exchange)| exchange) } else { None }
    }

    /// `notifications/initialized`, if it has yet to be sent: nothing may overtake it.
    pub fn pop_initialized(&mut self) -> Option<Exchange> {
        let at = self.others.iter().position(|exchange| exchange.purpose == Purpose::Initialized)?;
        self.others.remove(at)
    }

    /// Takes a call out.
    pub fn take_call(&mut self, call: CallId) -> Option<Exchange> {
        self.calls.remove(&call)
    }

    /// Whether this call waits here.
    pub fn has_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// Takes all calls out, oldest first.
    pub fn take_calls(&mut self) -> impl Iterator<Item = Exchange> + use<> {
        std::mem::take(&mut self.calls).into_values()
    }

    /// Nothing of it is to be sent any more.
    pub fn clear(&mut self) {
        *self = Outbox::default();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.calls.len() + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
