//! How often something took how long.

use std::time::Duration;

/// Counts of times, in `N` buckets with an upper bound each and one without.
#[derive(Debug, Clone)]
pub struct Histogram<const N: usize> {
    /// Ascending.
    bounds: &'static [Duration; N],
    counts: [u64; N],
    /// Those above all bounds.
    beyond: u64,
    sum: Duration,
}

impl<const N: usize> Histogram<N> {
    /// Nothing is counted yet.
    pub fn new(bounds: &'static [Duration; N]) -> Histogram<N> {
        Histogram { bounds, counts: [0; N], beyond: 0, sum: Duration::ZERO }
    }

    /// Counts a time. One that is a bound belongs below it.
    pub fn add(&mut self, time: Duration) {
        self.sum = self.sum.saturating_add(time);
        let bucket = self.bounds.iter().zip(&mut self.counts).find(|(bound, _)| time <= **bound);
        let count = bucket.map_or(&mut self.beyond, |(_, count)| count);
        *count += 1;
    }

    /// Each bound, and how many times were no longer than it.
    pub fn up_to_bounds(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        self.bounds.iter().zip(self.counts).map(move |(bound, count)| {
            total += count;
            (*bound, total)
        })
    }

    /// How many times there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.beyond
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}
