//! Times in buckets.

use std::time::Duration;

use mcp_proxy::base::histogram::Histogram;

const BOUNDS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(10)];

#[test]
fn a_time_counts_for_every_bound_that_it_does_not_exceed() {
    let mut times = Histogram::new(&BOUNDS);
    assert_eq!((times.count(), times.sum()), (0, Duration::ZERO));
    for micros in [0, 1_000, 1_001, 10_000, 10_001] {
        times.add(Duration::from_micros(micros));
    }
    let counted: Vec<u64> = times.up_to_bounds().map(|(_, count)| count).collect();
    assert_eq!((counted, times.count()), (vec![2, 4], 5));
    assert_eq!(times.sum(), Duration::from_micros(22_002));
}

#[test]
fn the_sum_does_not_overflow() {
    let mut times = Histogram::new(&BOUNDS);
    times.add(Duration::MAX);
    times.add(Duration::MAX);
    assert_eq!((times.sum(), times.count()), (Duration::MAX, 2));
}
