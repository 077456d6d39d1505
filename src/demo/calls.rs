//! Calls in flight: those that take their time, and those that wait for the client's reply to an ask.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::asks::Ask;
use super::message::Id;
use super::tools;
use crate::limits::DEMO_CALLS_MAX;

/// All calls in flight, in the order in which they came: what happens at the same time happens in that order.
#[derive(Debug, Default)]
pub(super) struct Calls {
    calls: Vec<Call>,
    /// How many asks there were; the next one's id. They are numbers as most clients' ids are: whoever mixes up the
    /// two directions is found out soon.
    asks: u64,
}

#[derive(Debug)]
struct Call {
    id: Id,
    state: State,
}

#[derive(Debug)]
enum State {
    Slow(Slow),
    Asking { ask_id: u64, ask: Ask },
}

/// A call of the tool `slow`.
#[derive(Debug)]
pub(super) struct Slow {
    pub(super) started: Instant,
    pub(super) seconds: f64,
    /// At least 1.
    pub(super) steps: u64,
    pub(super) steps_done: u64,
    /// Where the client asked for progress.
    pub(super) progress_token: Option<Value>,
}

/// What a step of a slow call brings.
pub(super) struct Step {
    /// The params of a progress notification.
    pub(super) progress: Option<Value>,
    /// At the last step: the call, now over, and its result.
    pub(super) done: Option<(Id, Value)>,
}

/// A call that was cancelled.
pub(super) struct Withdrawn {
    /// The ask it had been waiting for.
    pub(super) ask: Option<u64>,
}

impl Slow {
    /// When the next step is due. Computed from the start, so that errors of rounding and late timers do not add up.
    fn due(&self) -> Instant {
        let elapsed = self.seconds * (self.steps_done + 1) as f64 / self.steps as f64;
        let elapsed = Duration::try_from_secs_f64(elapsed).unwrap_or_default();
        self.started.checked_add(elapsed).unwrap_or(self.started)
    }

    fn progress(&self) -> Option<Value> {
        let token = self.progress_token.as_ref()?;
        let message = format!("step {} of {}", self.steps_done, self.steps);
        Some(json!({
            "progressToken": token, "progress": self.steps_done, "total": self.steps, "message": message,
        }))
    }
}

impl Calls {
    pub(super) fn is_full(&self) -> bool {
        self.calls.len() >= DEMO_CALLS_MAX
    }

    pub(super) fn is_in_flight(&self, id: &Id) -> bool {
        self.calls.iter().any(|call| call.id == *id)
    }

    pub(super) fn add_slow(&mut self, id: Id, slow: Slow) {
        self.calls.push(Call { id, state: State::Slow(slow) });
    }

    /// Returns the id that the ask must be sent with.
    pub(super) fn add_ask(&mut self, id: Id, ask: Ask) -> u64 {
        self.asks += 1;
        self.calls.push(Call { id, state: State::Asking { ask_id: self.asks, ask } });
        self.asks
    }

    /// The call that waits for this ask, and which kind of ask it is.
    pub(super) fn take_ask(&mut self, id: u64) -> Option<(Id, Ask)> {
        let (index, ask) = self.calls.iter().enumerate().find_map(|(index, call)| match call.state {
            State::Asking { ask_id, ask } if ask_id == id => Some((index, ask)),
            State::Asking { .. } | State::Slow(_) => None,
        })?;
        Some((self.calls.remove(index).id, ask))
    }

    /// Forgets a call; `None` if it is not in flight.
    pub(super) fn cancel(&mut self, id: &Id) -> Option<Withdrawn> {
        let index = self.calls.iter().position(|call| call.id == *id)?;
        let ask = match self.calls.remove(index).state {
            State::Asking { ask_id, .. } => Some(ask_id),
            State::Slow(_) => None,
        };
        Some(Withdrawn { ask })
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }

    /// When the next step of any call is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.calls.iter().filter_map(Call::due).min()
    }

    /// Makes the step that is due first, if it is due by `now`.
    pub(super) fn take_step(&mut self, now: Instant) -> Option<Step> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let index = self.calls.iter().position(|call| call.due() == Some(due))?;
        let State::Slow(slow) = &mut self.calls.get_mut(index)?.state else { return None };
        slow.steps_done += 1;
        let progress = slow.progress();
        let is_last = slow.steps_done >= slow.steps;
        let text = is_last.then(|| format!("Done: {} steps in {} seconds.", slow.steps, slow.seconds));
        let done = text.map(|text| (self.calls.remove(index).id, tools::text(text)));
        Some(Step { progress, done })
    }
}

impl Call {
    fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Slow(slow) => Some(slow.due()),
            State::Asking { .. } => None,
        }
    }
}
