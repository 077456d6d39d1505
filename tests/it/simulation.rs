//! Many short lives of the whole core, each with its own seed.
//!
//! `SEED=17 cargo test simulation -- --nocapture` replays one of them and tells what happens; `SEEDS=100000` lives
//! through more of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::world::{Tally, World};

/// In plain `cargo test`.
const SEEDS: u64 = 1_200;

/// Two, so that two cores are used.
const THREADS: usize = 2;

/// Says which seed it was, if its life ends in a panic.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {0}; replay it with SEED={0} cargo test simulation -- --nocapture", self.0);
        }
    }
}

fn live(seed: u64, is_loud: bool) -> Tally {
    let _report = Report(seed);
    let mut world = World::new(seed, is_loud);
    world.run();
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
