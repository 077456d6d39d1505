//! Many short lives of the authorization server with several clients and users, each with its own seed. A model that
//! knows only what was answered says of every token whether it must work.
//!
//! See [`crate::support::lives`] for how they are replayed.

mod model;
mod world;

use model::Tally;
use world::{STEPS, World};

use crate::support::lives::Lives;

#[test]
fn whatever_happens_to_tokens_the_promises_hold() {
    let lives = Lives {
        name: "oauth_simulation",
        count: 200,
        steps: |_| STEPS,
        live: |life| {
            let mut world = World::new(life.seed, life.is_loud);
            world.run(life);
            world.tally
        },
        add: Tally::add,
    };
    let Some((total, count)) = lives.run() else { return };
    let least = [total.minted / 5, total.replays, total.failures, total.crashes, total.revocations];
    assert!(least.into_iter().all(|each| each >= count / 2), "too little happened to prove anything: {total:#?}");
}
