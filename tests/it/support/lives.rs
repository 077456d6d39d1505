//! Many lives of a simulated world, each with its own seed. One that ends in a panic is lived again without some of its
//! steps, until none is left that could be spared, and then told: what remains is the script of the fault.
//!
//! `SEED=17` lives one, and tells what happens; with `STEPS=3,8`, only those of its steps. `SEEDS=100000` lives that
//! many, the first of them `FIRST=5000`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, Once};

use super::rng::Rng;

/// Two, so that two cores are used.
const THREADS: usize = 2;

/// How often a life is lived again in order to make it shorter.
const ATTEMPTS_MAX: usize = 1_500;

/// What a world is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) seed: u64,
    /// Which of its steps it has. What happens in one depends on the seed and its number, not on those before it.
    pub(crate) steps: Vec<u64>,
    /// Whether it says what happens.
    pub(crate) is_loud: bool,
}

impl Life {
    /// The random numbers of a step.
    pub(crate) fn rng_of(seed: u64, step: u64) -> Rng {
        Rng::new(Rng::new(seed).next() ^ step)
    }
}

/// A simulation.
pub(crate) struct Lives<T> {
    /// Its test, for whoever wants to replay a life.
    pub(crate) name: &'static str,
    /// How many lives there are if nobody says so.
    pub(crate) count: u64,
    /// How many steps the life of a seed has.
    pub(crate) steps: fn(u64) -> u64,
    /// Lives; panics if something is not as it must be.
    pub(crate) live: fn(&Life) -> T,
    /// Adds up what happened.
    pub(crate) add: fn(&mut T, &T),
}

impl<T: Default + Debug + Send> Lives<T> {
    /// Lives them all. Returns what happened and in how many; `None` where a single one was asked for.
    pub(crate) fn run(&self) -> Option<(T, u64)> {
        if let Some(seed) = number("SEED") {
            let steps = std::env::var("STEPS").map(|text| numbers(&text));
            let steps = steps.unwrap_or_else(|_| (0..(self.steps)(seed)).collect());
            println!("{:#?}", (self.live)(&Life { seed, steps, is_loud: true }));
            return None;
        }
        let (first, count) = (number("FIRST").unwrap_or(0), number("SEEDS").unwrap_or(self.count));
        let (next, total) = (AtomicU64::new(first), Mutex::new(T::default()));
        std::thread::scope(|scope| {
            let work = || {
                let mut own = T::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    (self.add)(&mut own, &self.live_or_explain(seed));
                }
                (self.add)(&mut total.lock().expect("no panic meanwhile"), &own);
            };
            (0..THREADS).for_each(|_| drop(scope.spawn(work)));
        });
        let total = total.into_inner().expect("no panic meanwhile");
        println!("{total:#?}");
        Some((total, count))
    }

    fn live_or_explain(&self, seed: u64) -> T {
        let life = Life { seed, steps: (0..(self.steps)(seed)).collect(), is_loud: false };
        let fault = match self.attempt(&life) {
            Ok(tally) => return tally,
            Err(fault) => fault,
        };
        let all = life.steps.len();
        let life = Life { is_loud: true, ..shortest(life, |life| self.attempt(life).is_err_and(|it| it == fault)) };
        let steps: Vec<String> = life.steps.iter().map(u64::to_string).collect();
        let (name, count, steps) = (self.name, steps.len(), steps.join(","));
        eprintln!("seed {seed} fails at {fault}; of its {all} steps, {count} are enough:");
        eprintln!("SEED={seed} STEPS={steps} cargo test --test it {name} -- --nocapture");
        (self.live)(&life);
        panic!("seed {seed} fails at {fault}, but not when it is told");
    }

    /// Lives in silence. An error says where it panicked.
    fn attempt(&self, life: &Life) -> Result<T, String> {
        silently(|| (self.live)(life))
    }
}

/// The shortest life found that still fails, by leaving out ever smaller parts (delta debugging, Zeller 1999).
fn shortest(mut life: Life, fails: impl Fn(&Life) -> bool) -> Life {
    let mut part = life.steps.len().div_ceil(2).max(1);
    let mut attempts = 0;
    loop {
        let mut at = 0;
        let before = life.steps.len();
        while at < life.steps.len() && attempts < ATTEMPTS_MAX {
            attempts += 1;
            let end = (at + part).min(life.steps.len());
            let steps = [&life.steps[..at], &life.steps[end..]].concat();
            let shorter = Life { steps, ..life.clone() };
            if fails(&shorter) {
                life = shorter;
            } else {
                at = end;
            }
        }
        if attempts >= ATTEMPTS_MAX || (part == 1 && life.steps.len() == before) {
            return life;
        }
        part = part.div_ceil(2);
    }
}

thread_local! {
    static IS_SILENT: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Does something without a word if it panics; the error says where it did.
fn silently<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_SILENT.get() {
                PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
            } else {
                usual(info);
            }
        }));
    });
    IS_SILENT.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_SILENT.set(false);
    done.map_err(|_: Box<dyn Any + Send>| PLACE.take())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")))
}

fn numbers(text: &str) -> Vec<u64> {
    let one = |text: &str| text.parse().unwrap_or_else(|_| panic!("STEPS must be numbers with commas, not {text}"));
    text.split(',').filter(|text| !text.is_empty()).map(one).collect()
}

#[test]
fn what_can_be_spared_is_left_out() {
    let life = Life { seed: 1, steps: (0..500).collect(), is_loud: false };
    let needed = [3, 77, 78, 420];
    let found = shortest(life.clone(), |life| needed.iter().all(|step| life.steps.contains(step)));
    assert_eq!(found.steps, needed);
    assert_eq!(shortest(life.clone(), |life| life.steps.len() >= 499).steps.len(), 499);
    assert!(shortest(life, |_| true).steps.is_empty());
}

#[test]
fn a_fault_is_told_by_its_place() {
    let lives = Lives::<u64> {
        name: "none",
        count: 1,
        steps: |_| 9,
        live: |life| {
            assert!(!life.steps.contains(&5), "five");
            life.steps.len() as u64
        },
        add: |total, own| *total += own,
    };
    let life = |steps| Life { seed: 0, steps, is_loud: false };
    assert_eq!(lives.attempt(&life(vec![1, 2])), Ok(2));
    let fault = lives.attempt(&life(vec![5])).unwrap_err();
    assert!(fault.contains("lives.rs:"), "{fault}");
}
