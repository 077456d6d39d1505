//! Many short lives of the authorization server with several clients and users, each with its own seed. A model that
//! knows only what was answered says of every token whether it must work.
//!
//! `SEED=17 cargo test oauth_simulation -- --nocapture` replays one of them and tells what happens; `SEEDS=10000` lives
//! through more of them.

mod model;
mod world;

use model::Tally;
use world::World;

const SEEDS: u64 = 200;

/// Says which seed it was, if its life ends in a panic.
struct Report(u64);

impl Drop for Report {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("it was seed {0}; replay it with SEED={0} cargo test oauth_simulation -- --nocapture", self.0);
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
fn whatever_happens_to_tokens_the_promises_hold() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("SEED") {
        println!("{:#?}", live(seed, true));
        return;
    }
    let mut total = Tally::default();
    let seeds = number("SEEDS").unwrap_or(SEEDS);
    for seed in 0..seeds {
        let own = live(seed, false);
        total.minted += own.minted;
        total.replays += own.replays;
        total.failures += own.failures;
        total.crashes += own.crashes;
        total.revocations += own.revocations;
        total.checks += own.checks;
    }
    println!("{total:#?}");
    let least = [total.minted / 5, total.replays, total.failures, total.crashes, total.revocations];
    assert!(least.into_iter().all(|count| count >= seeds / 2), "too little happened to prove anything: {total:#?}");
}
