//! Many short lives of legacy clients before a modern server, a process or a host, each with its own seed. Messages
//! travel in random order, calls are cancelled, processes crash, connections break.
//!
//! What must hold whatever happens:
//!
//! - a request on a connection that stays open is answered once, with its own id and what it asked for;
//! - questions reach the session whose call caused them, its answers that call, and progress never goes back;
//! - the server is asked in its own words only, no tool runs twice, and none goes on that was cancelled;
//! - no call is forgotten on its way, not even one that is sent a second time;
//! - when all is over, nothing is left.
//!
//! `SEED=17 cargo test bridge_simulation -- --nocapture` replays one of them and tells what happens; `SEEDS=10000`
//! lives through more of them.

mod clients;
mod server;
mod ways;
mod world;

use world::{Tally, World};

const SEEDS: u64 = 600;

/// Says which seed it was, if its life ends in a panic.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {0}; replay it with SEED={0} cargo test bridge_simulation -- --nocapture", self.0);
        }
    }
}

fn live(seed: u64, is_loud: bool) -> Tally {
    let _report = Report(seed);
    let mut world = World::new(seed, is_loud);
    world.run();
    world.tally
}

#[test]
fn whatever_happens_between_the_eras_the_promises_hold() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("SEED") {
        println!("{:#?}", live(seed, true));
        return;
    }
    let mut total = Tally::default();
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        total.add(&live(seed, false));
    }
    println!("{total:#?}");
    assert!(total.is_eventful(seeds as usize), "too little happened to prove anything: {total:#?}");
}
