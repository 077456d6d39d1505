//! `base::deadline`: timers never fire early, never late, never twice, and the heap does not fill up.

use std::time::{Duration, Instant};

use mcp_proxy::base::deadline::{Deadlines, Timer};

use crate::support::wire::Cuts;

/// No timer has expired.
const NOBODY: [usize; 0] = [];

/// Some timers, their heap, and the time.
struct Bench {
    deadlines: Deadlines<usize>,
    timers: Vec<Timer>,
    start: Instant,
}

impl Bench {
    fn new(count: usize) -> Bench {
        Bench { deadlines: Deadlines::default(), timers: vec![Timer::default(); count], start: Instant::now() }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn arm(&mut self, key: usize, ms: u64) {
        let due = self.at(ms);
        self.deadlines.arm(&mut self.timers[key], key, due);
    }

    /// Whose timers expire at this time.
    fn run(&mut self, ms: u64) -> Vec<usize> {
        let now = self.at(ms);
        let mut expired = Vec::new();
        while let Some(entry) = self.deadlines.pop(now) {
            if self.deadlines.is_expired(&mut self.timers[entry.1], entry, now) {
                expired.push(entry.1);
            }
        }
        expired
    }
}

#[test]
fn timers_expire_in_their_order_and_once() {
    let mut bench = Bench::new(3);
    bench.arm(0, 30);
    bench.arm(1, 10);
    bench.arm(2, 20);
    assert_eq!(bench.run(9), NOBODY);
    assert_eq!(bench.run(20), [1, 2]);
    assert_eq!(bench.run(20), NOBODY);
    assert_eq!(bench.run(1_000), [0]);
    assert!(bench.deadlines.is_empty());
    assert!(bench.timers.iter().all(|timer| timer.due().is_none()));
}

#[test]
fn a_timer_that_is_pushed_back_expires_at_its_last_setting() {
    let mut bench = Bench::new(1);
    for ms in 10..20 {
        bench.arm(0, ms);
    }
    assert_eq!(bench.deadlines.len(), 1, "pushing back costs no entry");
    assert_eq!(bench.run(18), NOBODY);
    assert_eq!(bench.deadlines.next(), Some(bench.at(19)));
    assert_eq!(bench.run(19), [0]);
}

#[test]
fn a_timer_that_is_pulled_forward_expires_at_its_last_setting() {
    let mut bench = Bench::new(1);
    bench.arm(0, 100);
    bench.arm(0, 10);
    assert_eq!(bench.run(10), [0]);
    assert_eq!(bench.run(100), NOBODY, "the first entry is stale");
}

#[test]
fn a_timer_that_is_pulled_forward_and_pushed_back_expires_once() {
    let mut bench = Bench::new(1);
    bench.arm(0, 100);
    bench.arm(0, 10);
    bench.arm(0, 150);
    assert_eq!(bench.run(100), NOBODY);
    assert_eq!(bench.deadlines.len(), 1, "a stale entry is not queued again");
    assert_eq!(bench.run(149), NOBODY);
    assert_eq!(bench.run(150), [0]);
    assert!(bench.deadlines.is_empty());
}

#[test]
fn nobody_is_woken_for_a_timer_that_was_pushed_back() {
    let mut bench = Bench::new(4);
    let put_off = |bench: &mut Bench, ms: u64| {
        let now = bench.at(ms);
        let timers = &mut bench.timers;
        bench.deadlines.put_off(now, |deadlines, entry| {
            assert!(!deadlines.is_expired(&mut timers[entry.1], entry, now), "early");
        });
    };
    (0..4).for_each(|key| bench.arm(key, 10_000));
    bench.arm(0, 70_000);
    bench.arm(1, 60_000);
    bench.timers[2].disarm();
    bench.arm(3, 80_000);
    put_off(&mut bench, 1);
    assert_eq!(bench.deadlines.next(), Some(bench.at(60_000)));
    assert_eq!(bench.deadlines.len(), 3, "the one that was switched off is gone");
    bench.arm(2, 5_000);
    put_off(&mut bench, 2);
    assert_eq!(bench.deadlines.next(), Some(bench.at(5_000)), "what is meant stays");
    put_off(&mut bench, 5_000);
    assert_eq!(bench.run(5_000), [2], "what has come up as well");
    assert_eq!(bench.run(100_000), [1, 0, 3]);
}

#[test]
fn a_disarmed_timer_does_not_expire_and_can_be_set_again() {
    let mut bench = Bench::new(1);
    bench.arm(0, 10);
    bench.timers[0].disarm();
    assert_eq!(bench.run(10), NOBODY);
    bench.arm(0, 20);
    assert_eq!(bench.run(20), [0]);
    bench.arm(0, 30);
    bench.timers[0].disarm();
    bench.arm(0, 40);
    assert_eq!(bench.run(39), NOBODY);
    assert_eq!(bench.run(40), [0]);
}

#[test]
fn an_earlier_setting_stands_against_arm_earlier() {
    let mut bench = Bench::new(1);
    let [early, late, earliest] = [20, 30, 10].map(|ms| bench.at(ms));
    bench.deadlines.arm_earlier(&mut bench.timers[0], 0, early);
    bench.deadlines.arm_earlier(&mut bench.timers[0], 0, late);
    assert_eq!(bench.timers[0].due(), Some(early));
    bench.deadlines.arm_earlier(&mut bench.timers[0], 0, earliest);
    assert_eq!(bench.timers[0].due(), Some(earliest));
}

#[test]
fn a_timer_set_to_the_past_expires_at_once() {
    let mut bench = Bench::new(1);
    bench.arm(0, 0);
    assert_eq!(bench.run(5), [0]);
}

/// Random settings against a list of due times.
#[test]
fn timers_do_what_a_list_would_do() {
    let mut rng = Cuts::new(3);
    for _ in 0..50 {
        let mut bench = Bench::new(4);
        let mut model: [Option<u64>; 4] = [None; 4];
        for now in 1..400 {
            let key = rng.below(4);
            match rng.below(4) {
                0 => {
                    bench.timers[key].disarm();
                    model[key] = None;
                }
                1 => {
                    let due = now + rng.below(50) as u64;
                    bench.arm(key, due);
                    model[key] = Some(due);
                }
                _ => {}
            }
            let mut expired = bench.run(now);
            expired.sort_unstable();
            let expected: Vec<usize> = (0..4).filter(|key| model[*key].is_some_and(|due| due <= now)).collect();
            expected.iter().for_each(|key| model[*key] = None);
            assert_eq!(expired, expected);
            let next = bench.deadlines.next();
            assert!(next.is_none_or(|next| next > bench.at(now)), "it would spin");
            let soonest = model.iter().flatten().min().map(|due| bench.at(*due));
            assert!(soonest.is_none_or(|soonest| next.is_some_and(|next| next <= soonest)), "it would be late");
            assert!(bench.deadlines.len() <= 4 * 50);
        }
    }
}
