//! Modern clients that come back with answers, and those who try what must not succeed.

use mcp_proxy::limits;
use serde_json::{Value, json};

use super::World;
use super::errand::{Aim, Errand};
use super::servers::Who;

/// What is tried with a state.
enum Trick {
    /// It was changed.
    State(String),
    /// It is no string.
    NoString,
    /// Somebody else shows it.
    Stranger(Who),
    /// It is shown to another server.
    Elsewhere(usize),
    /// For something else.
    Otherwise,
    /// With what are no answers at all.
    NoAnswers,
    /// Too late, or once too often.
    Stale(String),
}

impl World {
    /// Some client comes back with answers, if one was asked something. Says whether.
    pub(super) fn go_on(&mut self, index: usize) -> bool {
        let may_hurry = self.rng.one_in(4);
        let is_meant = |errand: &Errand| {
            errand.is_parked() && (may_hurry || errand.rounds.last().is_some_and(|round| round.tries == 0))
        };
        let parked: Vec<usize> = (0..self.errands.len()).filter(|at| is_meant(&self.errands[*at])).collect();
        if parked.is_empty() {
            return false;
        }
        let errand = *self.rng.pick(&parked);
        self.answer(index, errand);
        true
    }

    /// Answers most of what an errand's client was asked last.
    pub(super) fn answer(&mut self, index: usize, errand: usize) {
        let (now, last) = (self.clock.passed(), self.errands[errand].rounds.len() - 1);
        let round = &self.errands[errand].rounds[last];
        let (state, wanted) = (round.state.clone(), round.wanted.clone());
        if round.has_expired(now) {
            return self.show_stale(index, errand);
        }
        let wanted: Vec<(String, String)> =
            wanted.into_iter().filter(|_| self.is_calm || !self.rng.one_in(6)).collect();
        let mut answers = answers(&wanted, &self.signature(errand));
        if self.rng.one_in(10) {
            answers["nobody"] = json!(7);
        }
        let mut given: Vec<String> = wanted.into_iter().map(|(key, _)| key).collect();
        let is_wrong = !given.is_empty() && !self.is_calm && self.rng.one_in(8);
        if is_wrong {
            answers[given.remove(0)] = json!("accept");
        }
        self.errands[errand].rounds[last].tries += 1;
        let leg = self.leg_of(errand, Aim::GoOn { round: last, given, is_wrong });
        self.travel(index, leg.answering(&json!(state), &answers));
    }

    /// Lets time pass until the state that some client was given is not good any more, and not a moment longer. Then
    /// the client comes back.
    pub(super) fn come_back_at_the_end(&mut self) {
        let is_meant = |errand: &Errand| {
            errand.is_parked() && errand.rounds.last().is_some_and(|round| round.tries == 0 && !round.is_lost)
        };
        let Some(errand) = self.errands.iter().position(is_meant) else { return };
        let end = self.errands[errand].rounds.last().map(|round| round.told + limits::PARKED_TIME_MAX);
        if let Some(left) = end.and_then(|end| end.checked_sub(self.clock.passed())) {
            self.advance(left);
            if let Some(index) = self.connect(true) {
                self.show_stale(index, errand);
                self.flush_polite();
            }
        }
    }

    /// Comes back with the last state of an errand, which must not be good any more.
    pub(super) fn show_stale(&mut self, index: usize, errand: usize) {
        if let Some(round) = self.errands[errand].rounds.last() {
            let state = round.state.clone();
            self.play(index, errand, Trick::Stale(state));
        }
    }

    /// Somebody tries something, if there is a state to try it with. Says whether.
    pub(super) fn intrude(&mut self, index: usize) -> bool {
        let asked: Vec<usize> = (0..self.errands.len()).filter(|at| !self.errands[*at].rounds.is_empty()).collect();
        if asked.is_empty() {
            return false;
        }
        let errand = *self.rng.pick(&asked);
        let Some(trick) = self.new_trick(errand) else { return false };
        self.play(index, errand, trick);
        true
    }

    fn new_trick(&mut self, errand: usize) -> Option<Trick> {
        let Errand { who, server, rounds, .. } = &self.errands[errand];
        let (server, state) = (*server, rounds.last()?.state.clone());
        match self.rng.below(9) {
            0 => Some(Trick::State(state[..self.rng.below(state.len())].to_owned())),
            1 => {
                let at = self.rng.below(state.len() - 1); // of the last character not all bits count
                let other = if &state[at..=at] == "x" { "y" } else { "x" };
                Some(Trick::State(format!("{}{other}{}", &state[..at], &state[at + 1..])))
            }
            2 => Some(Trick::State(format!("{state}A"))),
            3 => Some(Trick::NoString),
            4 => who.other().map(Trick::Stranger),
            5 => Some(self.rng.below(self.servers.len())).filter(|other| *other != server).map(Trick::Elsewhere),
            6 => Some(Trick::Otherwise),
            7 => Some(Trick::NoAnswers),
            _ => rounds.iter().rev().find(|round| round.is_used).map(|round| Trick::Stale(round.state.clone())),
        }
    }

    /// Tries it. The answers must never reach anybody.
    fn play(&mut self, index: usize, errand: usize, trick: Trick) {
        let Some(round) = self.errands[errand].rounds.last() else { return };
        let (state, wanted) = (json!(round.state), round.wanted.clone());
        let stolen = answers(&wanted, "stolen");
        let mut leg = self.leg_of(errand, Aim::Intrude);
        let leg = match trick {
            Trick::State(other) | Trick::Stale(other) => leg.answering(&json!(other), &stolen),
            Trick::NoString => leg.answering(&json!(17), &stolen),
            Trick::Stranger(who) => {
                leg.who = who;
                leg.answering(&state, &stolen)
            }
            Trick::Elsewhere(server) => {
                (leg.server, leg.who) = (server, self.servers[server].somebody(&mut self.rng));
                leg.answering(&state, &stolen)
            }
            Trick::Otherwise => {
                let leg = self.leg_with(errand, Aim::Intrude, Some(json!({"other": true})));
                leg.answering(&state, &stolen)
            }
            Trick::NoAnswers => leg.answering(&state, &json!([stolen])),
        };
        self.travel(index, leg);
    }
}

/// Answers to these, which say who gives them.
fn answers(wanted: &[(String, String)], who: &str) -> Value {
    let answer = |method: &str| match method {
        "roots/list" => json!({"roots": [{"uri": format!("file:///{who}")}]}),
        "elicitation/create" => json!({"action": "accept", "content": {"by": who}}),
        _ => json!({"role": "assistant", "model": "model", "content": {"type": "text", "text": who}}),
    };
    wanted.iter().map(|(key, method)| (key.clone(), answer(method))).collect()
}
