//! Many short lives of the whole core, each with its own seed.
//!
//! `SEED=17 cargo test simulation -- --nocapture` replays one of them and tells what happens; `SEEDS=100000` lives
//! through more of them. `DAY=17` and `DAYS=1000` do the same for those that last a day.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::world::{Tally, World};

/// In plain `cargo test`.
const SEEDS: u64 = 1_200;

/// Lives of a day each.
const DAYS: u64 = 80;

/// Two, so that two cores are used.
const THREADS: usize = 2;

/// Says which seed it was, if its life ends in a panic.
struct Report(&'static str, u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {1}; replay it with {0}={1} cargo test simulation -- --nocapture", self.0, self.1);
        }
    }
}

fn live(seed: u64, is_loud: bool) -> Tally {
    let _report = Report("SEED", seed);
    let mut world = World::new(seed, is_loud);
    world.run();
    world.tally
}

/// A day and a little more: sessions that nobody uses end after one.
fn live_long(seed: u64, is_loud: bool) -> Tally {
    let _report = Report("DAY", seed);
    let mut world = World::new(seed, is_loud);
    world.run_for(Duration::from_secs(26 * 60 * 60));
    world.tally
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
}

#[test]
fn whatever_happens_the_promises_hold() {
    if let Some(seed) = number("SEED") {
        println!("{:#?}", live(seed, true));
        return;
    }
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    let (next, total) = (AtomicU64::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut own = Tally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        break;
                    }
                    own.add(&live(seed, false));
                }
                total.lock().unwrap().add(&own);
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("{total:#?}");
    assert!(total.is_eventful(seeds as usize), "too little happened to prove anything: {total:#?}");
}

#[test]
fn after_a_day_of_sparse_traffic_nothing_is_left() {
    if let Some(seed) = number("DAY") {
        println!("{:#?}", live_long(seed, true));
        return;
    }
    let mut total = Tally::default();
    let days = number("DAYS").unwrap_or(DAYS);
    for seed in 0..days {
        total.add(&live_long(seed, false));
    }
    println!("{total:#?}");
    let least = days as usize;
    assert!(
        total.successes >= least && total.sessions >= least && total.errands >= least,
        "too little happened to prove anything: {total:#?}"
    );
}
