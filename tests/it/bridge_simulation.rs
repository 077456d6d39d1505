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
//! See [`crate::support::lives`] for how they are replayed.

mod clients;
mod server;
mod ways;
mod world;

use world::{Tally, World};

use crate::support::lives::Lives;

#[test]
fn whatever_happens_between_the_eras_the_promises_hold() {
    let lives = Lives {
        name: "bridge_simulation",
        count: 600,
        steps: World::steps,
        live: |life| {
            let mut world = World::new(life.seed, life.is_loud);
            world.run(life);
            world.tally
        },
        add: Tally::add,
    };
    if let Some((total, count)) = lives.run() {
        assert!(total.is_eventful(count as usize), "too little happened to prove anything: {total:#?}");
    }
}
