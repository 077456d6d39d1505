//! `upstream::supervisor`: the life of one upstream, step by step.

use std::time::{Duration, Instant};

use mcp_proxy::base::id::{Arena, LinkId};
use mcp_proxy::limits::{
    BACK_OFF_MAX, BACK_OFF_MIN, EXIT_STATUS_WAIT, HANDSHAKE_TIME_MAX, STDIN_GRACE, STEADY_TIME, TERM_GRACE,
};
use mcp_proxy::upstream::supervisor::{Stage, State, Step, Supervisor};

/// A jitter that leaves the pause as it is.
const MIDDLE: u8 = 128;

/// A supervisor, links for it, and the time.
struct Life {
    supervisor: Supervisor,
    links: Arena<LinkId, ()>,
    now: Instant,
}

impl Life {
    fn new() -> Life {
        Life { supervisor: Supervisor::default(), links: Arena::new(), now: Instant::now() }
    }

    fn start(&mut self) -> LinkId {
        assert!(self.supervisor.is_startable());
        let link = self.links.insert(());
        self.supervisor.on_start(link);
        link
    }

    fn ready(&mut self) -> LinkId {
        let link = self.start();
        self.supervisor.on_ready(self.now);
        link
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// The process is gone; how long until the next attempt.
    fn pause_after_end(&mut self, jitter: u8) -> Duration {
        self.supervisor.on_gone(self.now, jitter).unwrap() - self.now
    }
}

#[test]
fn it_begins_without_a_process() {
    let life = Life::new();
    assert!(life.supervisor.is_startable());
    assert_eq!((life.supervisor.link(), life.supervisor.ready_link()), (None, None));
    assert!(!life.supervisor.is_stopped() && !life.supervisor.is_forced());
}

#[test]
fn it_is_ready_once_initialize_is_answered() {
    let mut life = Life::new();
    let link = life.start();
    assert!(!life.supervisor.is_startable());
    assert_eq!((life.supervisor.link(), life.supervisor.ready_link()), (Some(link), None));
    life.supervisor.on_ready(life.now);
    assert_eq!((life.supervisor.link(), life.supervisor.ready_link()), (Some(link), Some(link)));
    let state = life.supervisor.state().clone();
    life.pass(STEADY_TIME);
    life.supervisor.on_ready(life.now);
    assert_eq!(*life.supervisor.state(), state, "it answers initialize once");
}

#[test]
fn one_that_never_answers_is_given_up() {
    let mut life = Life::new();
    let link = life.start();
    life.pass(HANDSHAKE_TIME_MAX);
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::GiveUp(link), None));
}

#[test]
fn a_broken_link_is_awaited_then_terminated_then_killed() {
    let mut life = Life::new();
    let link = life.ready();
    assert_eq!(life.supervisor.on_broken(link, life.now), life.now + EXIT_STATUS_WAIT);
    assert_eq!((life.supervisor.link(), life.supervisor.ready_link()), (Some(link), None));
    assert!(!life.supervisor.is_startable() && !life.supervisor.is_forced());
    let (step, again) = life.supervisor.on_timeout(life.now);
    assert_eq!((step, again), (Step::Terminate(link), Some(life.now + TERM_GRACE)));
    assert!(life.supervisor.is_forced());
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Kill(link), None));
    assert!(life.supervisor.is_forced());
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Wait, None));
    assert_eq!(life.pause_after_end(MIDDLE), BACK_OFF_MIN);
    assert!(life.supervisor.is_startable() && life.supervisor.link().is_none());
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Start, None));
}

#[test]
fn pauses_double_up_to_the_bound() {
    let mut life = Life::new();
    let mut expected = BACK_OFF_MIN;
    for _ in 0..12 {
        life.start();
        assert_eq!(life.pause_after_end(MIDDLE), expected);
        expected = (expected * 2).min(BACK_OFF_MAX);
    }
    assert_eq!(expected, BACK_OFF_MAX);
}

#[test]
fn jitter_moves_the_pause_by_a_quarter_at_most() {
    for jitter in 0..=u8::MAX {
        let mut life = Life::new();
        life.start();
        let pause = life.pause_after_end(jitter);
        assert!(pause >= BACK_OFF_MIN * 3 / 4 && pause < BACK_OFF_MIN * 5 / 4, "{pause:?} with {jitter}");
    }
}

#[test]
fn a_link_that_lived_for_a_while_begins_anew() {
    for (lived, is_calm) in [(STEADY_TIME, true), (STEADY_TIME - Duration::from_millis(1), false)] {
        for is_broken_first in [false, true] {
            let mut life = Life::new();
            for _ in 0..4 {
                life.start();
                life.pause_after_end(MIDDLE);
            }
            let link = life.ready();
            life.pass(lived);
            if is_broken_first {
                life.supervisor.on_broken(link, life.now);
                life.pass(STEADY_TIME);
            }
            let expected = if is_calm { BACK_OFF_MIN } else { BACK_OFF_MIN * 16 };
            assert_eq!(life.pause_after_end(MIDDLE), expected, "after {lived:?}");
        }
    }
}

#[test]
fn a_long_start_is_no_steady_life() {
    let mut life = Life::new();
    life.start();
    life.pass(STEADY_TIME * 2);
    assert_eq!(life.pause_after_end(MIDDLE), BACK_OFF_MIN);
    life.start();
    life.pass(STEADY_TIME * 2);
    assert_eq!(life.pause_after_end(MIDDLE), BACK_OFF_MIN * 2);
}

#[test]
fn stopping_closes_stdin_then_terminates_then_kills() {
    let mut life = Life::new();
    let link = life.ready();
    assert_eq!(life.supervisor.on_stop(life.now), Some((link, life.now + STDIN_GRACE)));
    assert_eq!(*life.supervisor.state(), State::Stopping { link, stage: Stage::Awaited });
    assert_eq!((life.supervisor.link(), life.supervisor.ready_link()), (Some(link), None));
    life.supervisor.on_ready(life.now);
    assert_eq!(life.supervisor.ready_link(), None, "too late");
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Terminate(link), Some(life.now + TERM_GRACE)));
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Kill(link), None));
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Wait, None));
    assert_eq!(life.supervisor.on_gone(life.now, MIDDLE), None);
    assert!(life.supervisor.is_stopped() && !life.supervisor.is_startable());
    assert_eq!(life.supervisor.on_timeout(life.now), (Step::Wait, None));
    assert_eq!(life.supervisor.on_gone(life.now, MIDDLE), None);
}

#[test]
fn stopping_without_a_process_is_done_at_once() {
    let mut life = Life::new();
    assert_eq!(life.supervisor.on_stop(life.now), None);
    assert!(life.supervisor.is_stopped());
    assert_eq!(life.supervisor.on_stop(life.now), None);
}

#[test]
fn it_can_be_stopped_from_anywhere() {
    for reach in [Life::start as fn(&mut Life) -> LinkId, Life::ready] {
        for is_broken in [false, true] {
            let mut life = Life::new();
            let link = reach(&mut life);
            if is_broken {
                life.supervisor.on_broken(link, life.now);
            }
            assert_eq!(life.supervisor.on_stop(life.now), Some((link, life.now + STDIN_GRACE)));
            assert_eq!(life.supervisor.on_gone(life.now, MIDDLE), None);
            assert!(life.supervisor.is_stopped());
        }
    }
}
