//! What the targets share with the tests, which replay their corpora: `tests/it/support/fuzzed.rs` says what must hold.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/it/support"]
mod support {
    pub(crate) mod answers;
    pub(crate) mod client_wire;
    pub(crate) mod clock;
    pub(crate) mod fuzzed;
    pub(crate) mod modern;
    pub(crate) mod requests;
    pub(crate) mod rng;
    pub(crate) mod wire;
}

/// Feeds an input to the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let target = support::fuzzed::TARGETS.iter().find(|(target, _)| *target == name);
    target.expect("a target").1(data);
}
