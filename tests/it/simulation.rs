//! Many short lives of the whole core, each with its own seed, and some that last a day: see [`crate::support::lives`]
//! for how they are replayed.

use std::time::Duration;

use crate::support::lives::Lives;
use crate::support::world::{Tally, World};

/// A day and a little more: sessions that nobody uses end after one.
const DAY: Duration = Duration::from_secs(26 * 60 * 60);

#[test]
fn whatever_happens_the_promises_hold() {
    let lives = Lives {
        name: "simulation::whatever",
        count: 1_200,
        steps: World::steps,
        live: |life| {
            let mut world = World::new(life.seed, life.is_loud);
            world.run(&life.steps);
            world.tally
        },
        add: Tally::add,
    };
    if let Some((total, count)) = lives.run() {
        assert!(total.is_eventful(count as usize), "too little happened to prove anything: {total:#?}");
    }
}

#[test]
fn after_a_day_of_sparse_traffic_nothing_is_left() {
    let lives = Lives {
        name: "simulation::after",
        count: 80,
        steps: |_| 60,
        live: |life| {
            let mut world = World::new(life.seed, life.is_loud);
            world.run_for(DAY, &life.steps);
            world.tally
        },
        add: Tally::add,
    };
    let Some((total, count)) = lives.run() else { return };
    let least = count as usize;
    assert!(
        total.successes >= least && total.sessions >= least && total.errands >= least,
        "too little happened to prove anything: {total:#?}"
    );
}
